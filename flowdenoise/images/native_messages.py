"""Keeping native decoders from printing.

Pillow's libtiff writes about damaged files to the process's standard error stream, past Python,
and Pillow can't switch that off. The caller gets an `ImageReadError` in any case.
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
    """Drop Python warnings; those that matter to users are in `Picture.warnings`."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def no_native_messages() -> Iterator[None]:
    """Drop whatever is written to the standard error stream meanwhile."""
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
