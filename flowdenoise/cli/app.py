"""The application: its commands, and one table from errors to messages and exit statuses.

Exit status 0 means that all is done, 1 that some inputs failed, 2 that the call is wrong; 130
stands for Ctrl-C and 143 for termination.
"""

from __future__ import annotations

import typer

from flowdenoise import __version__
from flowdenoise.cli import benchmark, console, weights
from flowdenoise.cli.denoise import DenoiseCommand, denoise
from flowdenoise.cli.help_texts import Command
from flowdenoise.cli.inspect import doctor, info
from flowdenoise.cli.prior import sample, score
from flowdenoise.cli.serve import page
from flowdenoise.cli.simulate import simulate
from flowdenoise.cli.train import (
    train_denoiser,
    train_noise_level,
    train_noise_map,
    train_prior,
    tune,
)
from flowdenoise.errors import FlowdenoiseError, UsageError

app = typer.Typer(
    name="flowdenoise",
    help="Remove noise from pictures, with networks that were trained without clean targets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=DenoiseCommand)(denoise)
for command in (
    info,
    page,
    simulate,
    doctor,
    score,
    sample,
    train_prior,
    train_denoiser,
    train_noise_level,
    train_noise_map,
    tune,
):
    app.command(cls=Command)(command)
app.add_typer(benchmark.app)
app.add_typer(weights.app)


def _show_version(wanted: bool) -> None:
    if wanted:
        console.result(f"flowdenoise {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", help="Show the version.", is_eager=True, callback=_show_version
    ),
) -> None:
    pass


def run() -> int:
    """Run the command line.

    Returns:
        The exit status.
    """
    try:
        app()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except FlowdenoiseError as error:
        console.error(str(error))
        return 2 if isinstance(error, UsageError) else 1
    except (OSError, MemoryError) as error:
        console.error(str(error) or "there is not enough memory")
        return 1
    return 0
