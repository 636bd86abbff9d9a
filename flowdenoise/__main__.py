"""`python -m flowdenoise`, and the entry point of the command `flowdenoise`."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import threading
from typing import NoReturn

from flowdenoise.cli.interruption import Interruption, armed, disarm

_COLLECT_AFTER = 1_000_000
"""New objects after which Python looks for garbage, more than the imports of a command make."""

_ROUNDS = "1000"
"""The times that a thread which waits for others looks whether they have come before it sleeps."""

_WAITING = frozenset({"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"})
"""The variables by which users say how threads wait."""


def main() -> None:
    """Run the command line and leave with its exit status."""
    gc.set_threshold(_COLLECT_AFTER)
    wait_briefly()
    _open_closed_streams()
    _set_messages_apart()
    try:
        with armed():
            from flowdenoise.cli.app import run  # takes a moment, which may be interrupted

            status = run()
    except Interruption as interruption:
        if sys.stderr is not None:
            with contextlib.suppress(OSError):
                sys.stderr.write(f"error: {interruption}\n")
        status = interruption.status
    disarm()  # before Python ends its threads, where Ctrl-C would leave a traceback
    _leave(_flushed(status))


def wait_briefly() -> None:
    """Let the threads that compute together give way where others need their processor.

    GNU's OpenMP lets a thread that waits for the others turn round and round for so long that,
    where another program computes on one of two cores, a small photograph takes seven times as
    long (docs/experiments/speed.md, "Where other programs compute"). It reads this as torch is
    imported. What the user says of it stands.
    """
    if not _WAITING.intersection(os.environ):
        os.environ["GOMP_SPINCOUNT"] = _ROUNDS


def _open_closed_streams() -> None:
    """Open standard streams that the caller closed, leading nowhere.

    Otherwise the next files to be opened would take their numbers and get what is written to them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _set_messages_apart() -> None:
    """Give messages a file descriptor of their own.

    The usual one is silenced while a decoder works, possibly in another thread.
    """
    with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or no real stream
        number, old = os.dup(sys.stderr.fileno()), sys.stderr
        sys.stderr = open(number, "w", buffering=1, encoding=old.encoding, errors=old.errors)  # noqa: PTH123, SIM115


def _leave(status: int) -> NoReturn:
    """Leave with an exit status, and free nothing where torch is loaded.

    Python would look through all objects once more and then free them one by one, for half a
    second, and the system frees them all at once. What was registered for the end is done first.
    """
    if "torch" in sys.modules and threading.active_count() == 1:
        atexit._run_exitfuncs()
        os._exit(status)
    sys.exit(status)


def _flushed(status: int) -> int:
    """Write all results out and return the exit status, which is 1 if that fails."""
    if sys.stdout is None:
        return status
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):  # Python would try again on its way out
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return status or 1
    return status


if __name__ == "__main__":
    main()
