"""Run the command as a processor would that lacks some of this one's instructions.

    python examples/benchmarks/older_processor.py avx2 denoise photo.jpg --effort fast
    python examples/benchmarks/older_processor.py avx2_vnni denoise photo.jpg

oneDNN and torch are told to keep to these instructions, and what the program asks torch about the
processor is answered accordingly. Clock, caches and memory stay those of this processor.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Mapping

KEPT = {
    "avx2": {"avx", "avx2"},
    "avx2_vnni": {"avx", "avx2", "avx_vnni"},
    "avx512": {"avx", "avx2", "avx512_f", "avx512_bw", "avx512_cd", "avx512_dq", "avx512_vl"},
}
"""The vector instructions that a processor of each kind has, as torch calls them."""
ONEDNN = {"avx2": "AVX2", "avx2_vnni": "AVX2_VNNI", "avx512": "AVX512_CORE"}
ATEN = {"avx2": "avx2", "avx2_vnni": "avx2", "avx512": "avx512"}


def keep_to(kind: str) -> None:
    """Let torch compute, and tell, what a processor of that kind can.

    Raises:
        SystemExit: This processor can't either.
    """
    os.environ["ONEDNN_MAX_CPU_ISA"] = ONEDNN[kind]
    os.environ["ATEN_CPU_CAPABILITY"] = ATEN[kind]
    import torch  # which reads both when it is first imported

    has: Mapping[str, object] = torch.cpu.get_capabilities()
    if lacking := sorted(name for name in KEPT[kind] if not has.get(name)):
        sys.exit(f"this processor has no {', '.join(lacking)}")
    vectors = {name for name in has if name.startswith(("avx", "amx"))}
    told = {**has, **dict.fromkeys(vectors - KEPT[kind], False)}
    torch.cpu.get_capabilities = lambda: told


def main() -> None:
    """Run the command that follows the kind of processor."""
    if len(sys.argv) < 3 or sys.argv[1] not in KEPT:
        sys.exit(f"usage: older_processor.py {'|'.join(KEPT)} COMMAND ...")
    kind = sys.argv.pop(1)
    keep_to(kind)
    runpy.run_module("flowdenoise", run_name="__main__")


if __name__ == "__main__":
    main()
