"""How long loading weights takes, next to merely reading the file's bytes.

    python examples/benchmarks/load_weights.py color

prints the median of 20 loads from a warm disk, verification included.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

from flowdenoise.weights import read_weights, store

REPEATS = 20


def milliseconds(action: Callable[[], object]) -> float:
    """Median time of an action."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def main(address: str) -> None:
    """Measure the weights at `address` and print one line."""
    found = store.verify(address)
    path = found.path
    loading = milliseconds(lambda: read_weights(path, sha256=found.sha256))
    reading = milliseconds(path.read_bytes)
    print(
        f"{address}: {path.stat().st_size / 1e6:.1f} MB, loaded and verified in {loading:.1f} ms, "
        f"{loading / reading:.0f} times as long as reading its bytes ({reading:.2f} ms)"
    )


if __name__ == "__main__":
    main(sys.argv[1])
