"""The allocator: freed memory is used again, in threads too."""

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import sys, threading, resource
from flowdenoise.system.allocator import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()

def work():
    for _ in range(20):
        blocks = [b"x" * (8 << 20) for _ in range(4)]  # 8192 pages
        del blocks

before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
thread = threading.Thread(target=work)
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _page_faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is about glibc")
def test_freed_memory_is_not_given_back_to_be_cleared_again() -> None:
    assert _page_faults("keep") < 5 * 8192 < _page_faults("leave")
