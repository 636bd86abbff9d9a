"""`flowdenoise weights`: list, look into, fetch, check, export and publish weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from flowdenoise.cli import console, options
from flowdenoise.cli.weights_push import push
from flowdenoise.errors import FlowdenoiseError, UsageError, WeightsDownloadError

app = typer.Typer(
    name="weights",
    help="List, look into, fetch, check, export and publish weights.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option("--out", "-o", help="The file to write.")]
_NONE = "no weights are shipped with this installation"


@app.command("list")
def list_shipped(as_json: options.AsJson = False) -> None:
    """List the shipped weights: what they are for, their quality, and where they are."""
    from flowdenoise.cli import weights_text
    from flowdenoise.weights import store

    shipped = store.catalog()
    if not shipped:
        console.say(_NONE)
    elif as_json:
        for one in shipped:
            console.result(json.dumps(weights_text.shipped_facts(one)))
    else:
        console.table(weights_text.HEADINGS, map(weights_text.row, shipped))


@app.command()
def info(
    address: options.Address,
    tensors: Annotated[bool, typer.Option("--tensors", help="Name all tensors, too.")] = False,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
) -> None:
    """Show everything that a weights file and the manifest say; the file is verified."""
    from flowdenoise.cli import weights_text
    from flowdenoise.weights import store

    known = weights_text.facts(store.inspect(address, offline=offline, report=console.say))
    page = json.dumps(known) if as_json else weights_text.page(known, tensors=tensors)
    console.result(page)


@app.command()
def pull(
    address: options.Address,
    refresh: Annotated[
        bool,
        typer.Option(
            "--refresh",
            help="Look up again which commit a branch or tag means, and replace damaged files.",
        ),
    ] = False,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Fetch weights, verify them, and print the address that always means these very bytes."""
    console.set_verbosity(quiet, False)
    if refresh and offline:
        raise UsageError("--refresh asks the network, which --offline forbids")
    from dataclasses import replace

    from flowdenoise.weights import store

    found = store.verify(address, offline=offline, refresh=refresh, report=console.say)
    console.say(f"verified {found.path} ({found.origin})")
    console.result(str(replace(found.address, sha256=found.sha256)))


@app.command()
def verify(
    addresses: Annotated[
        list[str], typer.Argument(help="As for info; by default all shipped weights.")
    ] = [],  # noqa: B006 - typer copies it
    as_json: options.AsJson = False,
) -> None:
    """Check every byte of weights on this machine; nothing is fetched."""
    from flowdenoise.weights.address import parse_address
    from flowdenoise.weights.manifest import shipped

    for address in addresses:
        parse_address(address)  # a mistake in the call is told before the work
    asked = addresses or [entry.name for entry in shipped().entries]
    if not asked:
        console.say(_NONE)
    sound = True
    for address in asked:
        finding = _verified(address, may_be_absent=not addresses)
        sound = sound and finding["status"] != "bad"
        console.result(json.dumps(finding) if as_json else _as_line(finding))
    if not sound:
        raise typer.Exit(1)


def _verified(address: str, *, may_be_absent: bool) -> dict[str, Any]:
    """The finding on one file: ok, absent or bad."""
    from flowdenoise.weights import store

    finding = {"address": address, "status": "ok", "path": None, "sha256": None, "error": None}
    try:
        found = store.verify(address, offline=True)
    except FlowdenoiseError as error:
        absent = may_be_absent and isinstance(error, WeightsDownloadError)
        return {**finding, "status": "absent" if absent else "bad", "error": str(error)}
    return {**finding, "path": str(found.path), "sha256": found.sha256}


def _as_line(finding: dict[str, Any]) -> str:
    if finding["status"] == "ok":
        return f"ok      {finding['address']}: sha256 {finding['sha256']}"
    if finding["status"] == "absent":
        return f"absent  {finding['address']}: not fetched yet"
    return f"BAD     {finding['address']}: {finding['error']}"


@app.command()
def where(address: options.Address) -> None:
    """Print the path of the file on this machine, for scripts; nothing is fetched."""
    from flowdenoise.weights import store

    console.result(str(store.resolve(address, offline=True).path))


@app.command()
def export(
    address: options.Address,
    out: Out,
    overwrite: options.Overwrite = False,
    offline: options.Offline = False,
    quiet: options.Quiet = False,
) -> None:
    """Export a denoiser to ONNX, and compare its results with those of torch."""
    console.set_verbosity(quiet, False)
    from flowdenoise.weights.address import FilePath, parse_address

    named = parse_address(address)
    options.check_no_input(out, [named.path] if isinstance(named, FilePath) else [])
    options.check_new(out, overwrite=overwrite)
    from flowdenoise.weights import load
    from flowdenoise.weights.onnx import CHECKED_SIZES, export_onnx

    made = export_onnx(load(address, offline=offline, report=console.say), out)
    console.say(
        f"compared with torch at {len(CHECKED_SIZES)} sizes: "
        f"the largest difference is {made.difference:.2g}"
    )
    console.result(str(made.path))


@app.command()
def from_run(
    run: Annotated[Path, typer.Argument(help="Folder of a training run, finished or not.")],
    out: Out,
    overwrite: options.Overwrite = False,
) -> None:
    """Write the averaged network of a training run's newest checkpoint as a weights file."""
    from flowdenoise.optimization.checkpoint import CHECKPOINT

    options.check_no_input(out, [run / CHECKPOINT])
    options.check_new(out, overwrite=overwrite)
    from flowdenoise.training import to_weights

    console.result(str(to_weights.export_weights(run, out)))


app.command()(push)
