"""The output for the user: results on standard output, progress and messages on standard error."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING
from unicodedata import category

from flowdenoise.errors import FlowdenoiseError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from flowdenoise.benchmark.runner import Progress as Benchmark
    from flowdenoise.images import LeftOut
    from flowdenoise.optimization.progress import Progress as Training

_NAMED = 3  # so many of the files that were left out for one reason are named
_CONTROLS = ("Cc", "Cs")  # categories of Unicode: controls, and halves of characters
_quiet = 0


def set_verbosity(quiet: bool, verbose: bool) -> None:
    """Set how much is printed: only errors, the usual, or everything."""
    global _quiet
    _quiet = 1 if quiet else -1 if verbose else 0


def stderr() -> Console:
    """The console for messages."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def stdout() -> Console:
    """The console for results."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def result(text: str) -> None:
    """Print a result as it is; names that text can't hold are escaped.

    Raises:
        FlowdenoiseError: Standard output is closed, or its disk is full.
        BrokenPipeError: Nobody reads the output any more.
    """
    if sys.stdout is None:
        raise FlowdenoiseError("standard output is closed")
    encoding = sys.stdout.encoding or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise FlowdenoiseError(f"can't write to standard output: {reason}") from error


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a result as a table; in a terminal its cells are folded to fit.

    Raises:
        FlowdenoiseError: Standard output is closed, or its disk is full.
        BrokenPipeError: Nobody reads the output any more.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))  # else brackets would be read as markup
    terminal, text = stdout(), StringIO()
    width = terminal.width if terminal.is_terminal else 10_000  # a line per row for a file or pipe
    console = Console(file=text, force_terminal=terminal.is_terminal, width=width, highlight=False)
    console.print(drawn)
    result(text.getvalue().removesuffix("\n"))


def say(text: str) -> None:
    """Print a message, unless the command is quiet."""
    if _quiet <= 0:
        _tell(text)


def detail(text: str) -> None:
    """Print a message only if the command is verbose."""
    if _quiet < 0:
        _tell(text)


def warn(text: str) -> None:
    """Print a warning, unless the command is quiet."""
    if _quiet <= 0:
        _tell(f"warning: {text}", "yellow")


def error(text: str) -> None:
    """Print an error, always."""
    _tell(f"error: {' '.join(text.split())}", "red")


def left_out(items: Sequence[LeftOut]) -> bool:
    """Print what was met and not taken; return whether no error made the search miss pictures."""
    reasons: dict[str, list[str]] = {}
    for item in items:
        if item.lost:
            error(f"{item.path}: {item.reason}")
        else:
            reasons.setdefault(item.reason, []).append(str(item.path))
    for reason, paths in reasons.items():
        more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
        say(f"left out: {', '.join(paths[:_NAMED])}{more} ({reason})")
    return not any(item.lost for item in items)


def _tell(text: str, style: str | None = None) -> None:
    """Print on standard error, or nothing if that is closed or full."""
    with suppress(OSError):
        stderr().print(as_options(printable(text)), style=style, markup=False)


def printable(text: str) -> str:
    r"""Escape what would steer a terminal, as names of files may, and halves of characters.

    >>> printable("a\n.png")
    'a\\n.png'
    """
    return "".join(ascii(c)[1:-1] if category(c) in _CONTROLS else c for c in text)


def as_options(text: str) -> str:
    """Replace the library's names in a message by the command's options.

    >>> as_options("if you trust the file, raise `max_pixels`")
    'if you trust the file, raise --max-pixels'
    """
    return re.sub(r"`([a-z]+(?:_[a-z]+)*)`", lambda m: f"--{m[1].replace('_', '-')}", text)


@contextmanager
def progress(*, show: bool = True) -> Iterator[Progress]:
    """Show progress with the time left; the display vanishes at the end.

    Args:
        show: Whether to show it, if the command is not quiet and standard error is a terminal.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    console = stderr()
    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn(), Left())
    hidden = not show or _quiet > 0 or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as display:
        yield display


@contextmanager
def training_progress(steps: int) -> Iterator[Callable[[Training], None]]:
    """Show the progress of training; yield the function to which the run reports.

    Where standard error is no terminal, a line is printed for each report instead.
    """
    with progress() as display:
        task = display.add_task("training", total=steps)

        def report(state: Training) -> None:
            text = f"loss {state.loss:.5f}, {state.patches_per_second:.0f} patches/s"
            display.update(task, completed=state.step, description=text)
            if state.metrics or display.disable:
                say(_training_line(state))

        yield report


@contextmanager
def benchmark_progress() -> Iterator[Callable[[Benchmark], None]]:
    """Show the progress of a benchmark; yield the function to which the run reports.

    Where standard error is no terminal, a line is printed for each tenth of the run instead.
    """
    from flowdenoise.benchmark.protocols import level_text

    tenths: set[int] = set()
    with progress() as display:
        task = display.add_task("benchmark")

        def report(state: Benchmark) -> None:
            left = "" if state.seconds_left is None else f", {_time(state.seconds_left)} left"
            cell = state.cell
            text = f"{cell.method}, {cell.image}, {level_text(cell.sigma_255)}{left}"
            display.update(task, completed=state.done, total=state.total, description=text)
            tenth = 10 * state.done // state.total
            if display.disable and tenth not in tenths:
                tenths.add(tenth)
                say(f"{state.done} of {state.total} done{left}")

        yield report


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _training_line(state: Training) -> str:
    left = _time(state.seconds_left)
    figures = "".join(f", {name} {value:.4g}" for name, value in state.metrics.items())
    skipped = f", {state.skipped} skipped" if state.skipped else ""
    return (
        f"step {state.step} of {state.steps}: loss {state.loss:.6f}, "
        f"{state.patches_per_second:.0f} patches/s{skipped}{figures}, {left} left"
    )


def fetching() -> Callable[[str, int, int | None], None]:
    """Make a reporter of downloads, which prints a line for each tenth of a file."""
    last: dict[str, int] = {}

    def report(stage: str, done: int, total: int | None) -> None:
        tenth = 10 * done // total if total else done // 10**8
        if last.get(stage) != tenth:
            last[stage] = tenth
            share = f"{100 * done // total} %" if total else f"{done / 1e6:.0f} MB"
            say(f"{stage}: {share}")

    return report
