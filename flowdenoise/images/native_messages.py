"""Keeping native decoders from printing.

Pillow's libtiff writes about damaged files to the process's standard error stream, past Python,
and Pillow offers no switch for it. What it says reaches the caller as an `ImageReadError` anyway.
"""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator

_LOCK = threading.RLock()  # both filters below belong to the whole process
_STDERR = 2


@contextlib.contextmanager
def no_python_warnings() -> Iterator[None]:
    """Drop Python warnings: what matters to users is in `Picture.warnings`."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def no_native_messages() -> Iterator[None]:
    """Send what is written to the standard error stream nowhere, for a moment."""
    with _LOCK:
        try:
            saved = os.dup(_STDERR)
        except OSError:  # there is none, as under Windows without a console
            yield
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, _STDERR)
            yield
        finally:
            os.dup2(saved, _STDERR)
            os.close(nowhere)
            os.close(saved)
