"""Make a trained flow larger without changing its density, so that training goes on from it.

The two moves of T. Chen, I. Goodfellow and J. Shlens, "Net2Net", ICLR 2016, for flows:

- wider: new units of a coupling network receive what the old ones receive, and their outgoing
  weights are zero at first;
- deeper: a new step takes over the ActNorm of the step that follows it and rotates the channels at
  random; its coupling only scales at first, and the next step undoes both in its W.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace

import torch
from torch import Tensor, nn

from flowdenoise.errors import UsageError
from flowdenoise.flow.coupling import Coupling, CouplingNet
from flowdenoise.flow.glow import Glow
from flowdenoise.flow.layers import ActNorm
from flowdenoise.flow.level import FlowStep
from flowdenoise.flow.sizes import GlowConfig


@torch.no_grad()
def grow(small: Glow, config: GlowConfig) -> Glow:
    """A flow of the sizes of `config` with the density of `small`.

    Args:
        small: The trained flow; it is left as it is.
        config: The configuration of `small` with more steps per level or wider coupling networks.

    Raises:
        UsageError: `config` differs in something else, or asks for a smaller flow.
    """
    old = small.config
    width, depth = config.hidden_channels, config.steps_per_level
    before = asdict(replace(old, hidden_channels=width, steps_per_level=depth))
    others = [name for name, value in asdict(config).items() if value != before[name]]
    if others:
        raise UsageError(
            "a prior can begin with another only if nothing but K and width differ; the other "
            f"has {', '.join(f'{name}={before[name]}' for name in others)}"
        )
    if width < old.hidden_channels or depth < old.steps_per_level:
        raise UsageError(
            f"a prior can grow but not shrink: the first has K={old.steps_per_level} and width "
            f"{old.hidden_channels}"
        )
    large = Glow(config).to(next(small.parameters()))
    if large.embedding is not None and small.embedding is not None:
        large.embedding.load_state_dict(small.embedding.state_dict())
    for new_level, old_level in zip(large.levels, small.levels, strict=True):
        _grow_level(new_level.transforms, old_level.transforms)  # type: ignore[arg-type]
    for new_split, old_split in zip(large.splits, small.splits, strict=True):
        if isinstance(new_split, CouplingNet) and isinstance(old_split, CouplingNet):
            _widen(new_split, old_split)
        else:
            new_split.load_state_dict(old_split.state_dict())
    return large


def _grow_level(new: Iterable[nn.Module], old: Iterable[nn.Module]) -> None:
    """Copy what is not a step; spread the old steps evenly, the last one to the end."""
    new_steps = [part for part in new if isinstance(part, FlowStep)]
    old_steps = [part for part in old if isinstance(part, FlowStep)]
    for large, small in zip(new, old, strict=False):
        if not isinstance(large, FlowStep):
            large.load_state_dict(small.state_dict())
    begin = 0
    for index, step in enumerate(old_steps):
        end = (index + 1) * len(new_steps) // len(old_steps)
        _stretch(new_steps[begin:end], step)
        begin = end


def _stretch(new: list[FlowStep], old: FlowStep) -> None:
    """Make several steps do together what `old` does: all but the last only turn the channels."""
    *turns, last = new
    new[0].norm.load_state_dict(old.norm.state_dict())
    matrix = old.conv.matrix()[0].double()
    for turn in turns:
        turned = turn.coupling.scale_at_first()[:, None] * turn.conv.matrix()[0].double()
        matrix = matrix @ torch.linalg.inv(turned)
    last.conv.set_matrix(matrix)
    _widen_coupling(last.coupling, old.coupling)


def _widen_coupling(new: Coupling, old: Coupling) -> None:
    if new.gain is not None and old.gain is not None:
        new.gain.copy_(old.gain)
    _widen(new.net, old.net)


def _widen(new: CouplingNet, old: CouplingNet) -> None:
    """Copy the old units; the new ones keep their random inputs and have no outputs yet."""
    width, wider = old.conv2.out_channels, new.conv2.out_channels
    new.conv1.weight[:width] = old.conv1.weight
    new.conv2.weight[:width] = 0
    new.conv2.weight[:width, :width] = old.conv2.weight
    new.conv3.weight.zero_()
    new.conv3.weight[:, :width] = old.conv3.weight
    for wide, narrow in ((new.conv1, old.conv1), (new.conv2, old.conv2), (new.conv3, old.conv3)):
        _bias(wide)[: narrow.out_channels] = _bias(narrow)
    if new.level is not None and old.level is not None:
        for first, start in ((0, 0), (wider, width)):
            new.level.weight[first : first + width] = old.level.weight[start : start + width]
            new.level.bias[first : first + width] = old.level.bias[start : start + width]
    _widen_norm(new.norm1, old.norm1)
    _widen_norm(new.norm2, old.norm2)


def _widen_norm(new: ActNorm | None, old: ActNorm | None) -> None:
    if new is not None and old is not None:
        width = old.shift.shape[1]
        new.shift[:, :width] = old.shift
        new.log_scale[:, :width] = old.log_scale


def _bias(conv: nn.Conv2d) -> Tensor:
    return torch.as_tensor(conv.bias)
