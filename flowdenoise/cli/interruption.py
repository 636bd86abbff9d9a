"""Ctrl-C, termination and a closed terminal: a command tidies up, says so, and ends.

The signals raise an exception that unwinds the command like any other, so that half-written files
are removed. It is not one of Python's own, for which the command line's library would exit without
a message. Where Python can't pass an exception on, as while it frees an object, it would print it
and go on; then the signal is sent once more.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SOON = 0.01  # seconds, after which a signal is sent once more

_WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "the terminal was closed"}
_SIGNALS = {getattr(signal, name): word for name, word in _WORDS.items() if hasattr(signal, name)}


class Interruption(BaseException):
    """A signal that asks the command to end.

    Attributes:
        number: The number of the signal.
        status: The usual exit status for the signal: 130 for Ctrl-C, 143 for termination.
    """

    def __init__(self, number: int) -> None:
        super().__init__(
            f"{_SIGNALS[signal.Signals(number)]}; what was finished is kept, "
            "and nothing half-written was left"
        )
        self.number = number
        self.status = 128 + number


@contextmanager
def armed() -> Iterator[None]:
    """Let signals raise an `Interruption`, except those that the command's caller ignores."""
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    hook, sys.unraisablehook = sys.unraisablehook, _send_again
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, _: FrameType | None) -> None:
    raise Interruption(number)


def _send_again(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal once more whose exception got lost; report any other lost exception."""
    if isinstance(lost.exc_value, Interruption):
        threading.Timer(_SOON, os.kill, (os.getpid(), lost.exc_value.number)).start()
    else:
        sys.__unraisablehook__(lost)


def disarm() -> None:
    """Let a signal simply end the process, as all is done."""
    for number in _SIGNALS:
        if signal.getsignal(number) == signal.default_int_handler:
            signal.signal(number, signal.SIG_DFL)
