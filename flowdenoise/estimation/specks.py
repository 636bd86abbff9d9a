"""Specks: single pixels that are wholly black or white, which no network here has learned.

Broken pixels and faults of transmission (salt and pepper) are such, and so are the hot pixels of a
sensor. An estimator of noise takes them for detail, so a picture that has them looks clean.

A speck lies at an end of the range, far from its four neighbors, which are alike. In photographs
fewer than two of 10,000 pixels are so, of those whose neighbors are alike. In charts and letters
more are, but they lie where something is drawn; specks lie everywhere. The dots of a picture that
was dithered to a few values do so, too, and are meant.
"""

from __future__ import annotations

from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from flowdenoise.estimation.estimate import WEAKEST
from flowdenoise.estimation.white_noise import crops, dithered_below
from flowdenoise.images import Picture

_CROP, _MOST_CROPS = 256, 16
_END = 1.5 / 255  # so near an end of the range a value counts as black or white
_FAR, _ALIKE = 0.3, 0.15  # from its neighbors, and these among themselves
_FEWEST, _SHARE = 24, 0.0004  # specks, and of the pixels whose neighbors are alike
_BLOCK, _TELLING = 32, 1 / 8  # the side of a block, and the share of it that must tell
_EVEN = 0.6  # of the blocks that would have specks if they fell by chance


def has_specks(picture: Picture) -> bool:
    """Whether specks lie all over a picture, of any size."""
    if dithered_below(picture) > WEAKEST:
        return False
    seen = [crop for crop, _ in islice(crops(picture, _CROP, _MOST_CROPS), _MOST_CROPS)]
    return any(_has_specks(channel) for channel in torch.cat(seen).unbind(1))


def _has_specks(planes: Tensor) -> bool:
    """Whether specks lie all over planes, (B, H, W) in [0, 1]."""
    middles = planes[:, 1:-1, 1:-1]
    up, down = planes[:, :-2, 1:-1], planes[:, 2:, 1:-1]
    left, right = planes[:, 1:-1, :-2], planes[:, 1:-1, 2:]
    least = torch.minimum(torch.minimum(up, down), torch.minimum(left, right))
    most = torch.maximum(torch.maximum(up, down), torch.maximum(left, right))
    alike = most - least <= _ALIKE
    black = (middles <= _END) & (least > middles + _FAR)
    white = (middles >= 1 - _END) & (most < middles - _FAR)
    specks = (black | white) & alike
    count = int(specks.sum())
    share = count / max(1, int(alike.sum()))
    if count < _FEWEST or share < _SHARE:
        return False
    held, could = (_BLOCK**2 * F.avg_pool2d(mask.float(), _BLOCK) for mask in (specks, alike))
    telling = could > _TELLING * _BLOCK**2
    by_chance = 1 - torch.exp(-share * could)
    return bool((held > 0)[telling].sum() >= _EVEN * by_chance[telling].sum() > 0)
