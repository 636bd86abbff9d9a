"""What became of pictures, for the user: in words on standard error, and as lines of JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flowdenoise import noise
from flowdenoise.cli import console
from flowdenoise.errors import FlowdenoiseError

if TYPE_CHECKING:
    from flowdenoise.batch import BatchConfig, Outcome


def with_idle_options(outcome: Outcome, config: BatchConfig) -> Outcome:
    """The outcome with a warning of options that changed nothing, as the noise is white."""
    idle = config.for_cameras
    if not idle or outcome.status != "denoised" or outcome.verdict == "camera":
        return outcome
    names = " and ".join(f"`{name}`" for name in idle)
    warning = f"{names} changed nothing: the noise counts as white, not as that of a camera"
    return replace(outcome, warnings=(*outcome.warnings, warning))


def print_json(outcome: Outcome) -> bool:
    """Print the outcome of one picture as JSON; return whether that was possible."""
    try:
        console.result(json.dumps(_as_dict(outcome)))
    except (FlowdenoiseError, BrokenPipeError) as error:
        reason = "nobody reads it" if isinstance(error, BrokenPipeError) else error
        console.error(f"the pictures are done, but without --json: {reason}")
        return False
    return True


def tell(outcome: Outcome) -> None:
    """Print the outcome of one picture in words."""
    for warning in outcome.warnings:
        console.warn(f"{outcome.job.name}: {warning}")
    if outcome.status == "failed":
        console.error(with_name(outcome))
    elif outcome.status == "skipped":
        console.say(f"{outcome.job.name}: skipped, {outcome.job.target} is there")
    else:
        console.say(_success(outcome))


def with_name(outcome: Outcome) -> str:
    """The reason why a picture failed, behind its name."""
    return of_file(outcome.job.name, outcome.error or "")


def of_file(name: str, reason: str) -> str:
    """A reason behind the name of its file, unless it begins with that."""
    return reason if reason.startswith(name) else f"{name}: {reason}"


def _success(outcome: Outcome) -> str:
    from flowdenoise.estimation import VERDICTS

    name, target = outcome.job.name, outcome.job.target or "standard output"
    level = f"noise {noise.to_255(outcome.sigma or 0.0):.1f} of 255"
    if outcome.status == "clean":
        return f"{name}: found clean ({level}), copied to {target}"
    if outcome.status == "unchanged":
        return f"{name}: nothing was to be removed, copied to {target}"
    if outcome.status == "unknown" and outcome.verdict is not None:
        hint = " (give one: --sigma)" if outcome.verdict == "not white" else ""
        return f"{name}: {VERDICTS[outcome.verdict]}{hint}; copied to {target}"
    if outcome.verdict == "beyond":
        level = f"{level} or more, {VERDICTS['beyond']}"
    if outcome.verdict == "camera":
        level = f"{level}, that of a camera"
    return f"{name}: {level}, {outcome.seconds:.1f} s -> {target}"


def _as_dict(outcome: Outcome) -> dict[str, Any]:
    return {
        "source": outcome.job.name,
        "status": outcome.status,
        "sigma": None if outcome.sigma is None else round(noise.to_255(outcome.sigma), 3),
        "verdict": outcome.verdict,
        "written": [str(path) for path in outcome.written],
        "size": outcome.size,
        "warnings": [console.as_options(warning) for warning in outcome.warnings],
        "error": None if outcome.error is None else console.as_options(outcome.error),
        "seconds": round(outcome.seconds, 3),
        "weights": list(outcome.weights),
    }
