"""`flowdenoise page`: pictures denoised in a browser, on this machine and for it alone."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer

from flowdenoise.cli import console, options
from flowdenoise.errors import MissingExtraError

Port = Annotated[
    int | None,
    typer.Option(min=0, max=65535, help="The port on 127.0.0.1; a free one if unset."),
]
Open = Annotated[
    bool | None,
    typer.Option("--open/--no-open", help="Open the page in the browser, as usual, or not."),
]
MaxUpload = Annotated[
    int | None,
    typer.Option(min=1, help="Refuse larger files, in bytes; {page.max_upload:,} if unset."),
]


def page(
    port: Port = None,
    open_browser: Open = None,
    max_upload: MaxUpload = None,
    max_pixels: options.MaxPixels = None,
    max_memory: options.MaxMemory = None,
    model: options.Model = None,
    effort: options.Effort = None,
    device: options.Device = None,
    precision: options.Precision = None,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Denoise pictures in the browser: before and after, sliders, whole folders.

    The page is served to this machine alone, at an address that nobody else knows. It is printed,
    and opened. Ctrl-C ends it, and what was dropped on it is gone.
    """
    console.set_verbosity(quiet, False)
    try:
        from flowdenoise.page import PageConfig, listening
    except ModuleNotFoundError as error:
        missing = f"{error.name} is missing: pip install 'flowdenoise[page]'"
        raise MissingExtraError(missing) from error
    from flowdenoise.engine import Denoiser
    from flowdenoise.system.allocator import keep_freed_memory

    keep_freed_memory()
    limits = options.given(
        port=port, max_upload=max_upload, max_pixels=max_pixels, max_memory=max_memory
    )
    engine = options.given(
        model=model, effort=effort, device=device, precision=precision, offline=offline
    )
    denoiser = Denoiser.load(**engine, report=console.say)
    quick = None
    if denoiser.config.model == "auto":
        quick = Denoiser.load(**engine | {"effort": "fast"}, report=console.say)
    with listening(denoiser, PageConfig(**limits), quick) as server:
        console.result(server.address)
        if open_browser is not False:
            webbrowser.open(server.door.as_uri())  # other users see what it is given
        server.run()
