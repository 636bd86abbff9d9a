"""Altered image files through the command's own path: read, denoised, written, read again.

Half of the results are PNG, the others are in the format of their input, where it is written.
Whatever the bytes, a picture is either refused with one of the program's own errors, in one line,
or written whole in its size. Anything else is a failure and is kept: an exception from elsewhere,
a warning of Python, more than five seconds of computing, or a minute of waiting, more memory than
the limit, another size. A folder in memory spares the disk, to which each result is synced.

    TMPDIR=/dev/shm python examples/fuzz/fuzz_files.py --inputs 50000
    python examples/fuzz/fuzz_files.py --first 4711 --inputs 1    # one of them again
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import torch
from alterations import altered
from PIL import Image
from seeds import seeds

from flowdenoise import Denoiser, images
from flowdenoise.batch import BatchConfig, Naming, plan_jobs
from flowdenoise.batch.one import Work
from flowdenoise.errors import FlowdenoiseError
from flowdenoise.images.native_messages import no_native_messages, no_python_warnings
from flowdenoise.networks import ResNet, ResNetConfig

SECONDS = 5  # of computing: other programs may be at work as well
WAIT = 60
MOST_PIXELS = 1_000_000
MEMORY = 512 * 2**20
ROOM = 768 * 2**20  # of addresses, for the decoder and what Python keeps


class TooSlowError(Exception):
    """An input took too long."""


class WrongError(Exception):
    """A result is not what it should be."""


def denoiser() -> Denoiser:
    """A network of the least size, with weights that nobody trained."""
    torch.manual_seed(0)
    torch.set_num_threads(1)

    def network(channels: int) -> ResNet:
        return ResNet(ResNetConfig(image_channels=channels, channels=(4,), blocks=(1,)))

    sources = {channels: lambda channels=channels: network(channels) for channels in (1, 3)}
    return Denoiser(sources, {}, device=torch.device("cpu"))


@contextmanager
def timers() -> Iterator[None]:
    """Interrupt what computes or waits for too long."""

    def ring(number: int, _: object) -> None:
        seconds = WAIT if number == signal.SIGALRM else SECONDS
        raise TooSlowError(f"more than {seconds} s")

    for timer, number, seconds in (
        (signal.ITIMER_PROF, signal.SIGPROF, SECONDS),
        (signal.ITIMER_REAL, signal.SIGALRM, WAIT),
    ):
        signal.signal(number, ring)
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
            signal.setitimer(timer, 0)


def attempt(data: bytes, folder: Path, engine: Denoiser, wanted: str | None = None) -> str:
    """Take a file the command's way; returns "refused", "large", or the format.

    Args:
        data: The bytes of the file.
        folder: For the file and the result.
        engine: The denoiser.
        wanted: The format of the result; None is that of the file.

    Raises:
        Exception: Whatever must not happen.
    """
    source = folder / "in.dat"
    source.write_bytes(data)
    (job,) = plan_jobs([str(source)], Naming(format=wanted)).jobs
    config = BatchConfig(sigma=0.05, existing="overwrite", max_memory=MEMORY)
    work = Work(job, config)
    try:
        with timers():
            work.read()
            if _pixels(work) > MOST_PIXELS:  # sound, and would only take its time
                return "large"
            work.denoise(engine, None)
            work.write()
    except FlowdenoiseError as error:
        message = str(error)
        if "\n" in message or len(message) > 600:
            raise WrongError(f"not one line: {message!r}") from error
        if "not enough memory" in message:
            raise WrongError("more memory than the limit") from error
        return "refused"
    finally:
        work.close()
    check(data, work)
    return images.sniff(data[:32])


def _pixels(work: Work) -> int:
    return work.picture.width * work.picture.height if work.picture is not None else 0


def check(data: bytes, work: Work) -> None:
    """Compare the sizes of the file, the picture and the result."""
    if work.picture is None or work.job.target is None:
        raise WrongError("no picture and no error")
    size = {work.picture.width, work.picture.height}
    result = images.read(work.job.target)
    if {result.width, result.height} != size:
        raise WrongError(f"a result of {result.width}x{result.height} from {size}")
    stated = size_by_pillow(data)
    if stated is not None and stated != size:
        raise WrongError(f"read as {size}, and Pillow says {stated}")


def size_by_pillow(data: bytes) -> set[int] | None:
    """The sides of the picture by another reader, None where it reads nothing."""
    try:
        with no_native_messages(), no_python_warnings(), Image.open(io.BytesIO(data)) as image:
            size = set(image.size)
            image.load()
            return size
    except Exception:  # it raises of all kinds, and what it can't read is no evidence
        return None


def main() -> None:
    """Alter files, and say what became of them; exit status 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the inputs that failed")
    options = parser.parse_args()
    known = seeds()
    names, files = list(known), list(known.values())
    engine = denoiser()
    outcomes: Counter[str] = Counter()
    failures = []
    slowest = 0.0
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        for data in files:
            attempt(data, Path(folder), engine)
        limit_addresses()
        for number in range(options.first, options.first + options.inputs):
            random = Random(f"{options.seed}:{number}")  # noqa: S311 (not for secrets)
            name = random.choice(names)
            data = altered(known[name], files, random)
            start = time.process_time()
            try:
                kind = random.choice((None, "png"))
                outcomes[attempt(data, Path(folder), engine, kind)] += 1
            except Exception as error:
                outcomes["failed"] += 1
                failures.append(f"{number} ({name}): {type(error).__name__}: {error}")
                print(failures[-1], flush=True)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{number}.bin").write_bytes(data)
            slowest = max(slowest, time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        json.dumps(
            {
                "inputs": options.inputs,
                "outcomes": dict(sorted(outcomes.items())),
                "slowest seconds": round(slowest, 2),
                "peak bytes": peak,
            }
        )
    )
    sys.exit(bool(failures))


def limit_addresses() -> None:
    """Let the system refuse more memory than the limit and some room, where it can."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return
    most = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
