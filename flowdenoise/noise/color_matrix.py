"""The color matrix of a camera: from the light behind its filters to linear sRGB.

T. Brooks et al., "Unprocessing images for learned raw denoising", CVPR 2019, take random means of
the matrices of known cameras.
"""

from __future__ import annotations

import torch
from torch import Tensor

_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
_FROM_XYZ = (
    ((1.0234, -0.2969, -0.2266), (-0.5625, 1.6328, -0.0469), (-0.0703, 0.2188, 0.6406)),
    ((0.4913, -0.0541, -0.0202), (-0.6130, 1.3513, 0.2906), (-0.1564, 0.2151, 0.7183)),
    ((0.8380, -0.2630, -0.0639), (-0.2887, 1.0725, 0.2496), (-0.0627, 0.1427, 0.5438)),
    ((0.6596, -0.2079, -0.0562), (-0.4782, 1.3016, 0.1933), (-0.0970, 0.1581, 0.5181)),
)
"""XYZ to the raw of four reflex cameras, as in Brooks et al. 2019, from their DNG files."""

KNOWN = len(_FROM_XYZ)
"""The number of known matrices."""


def color_matrix(units: Tensor, share: Tensor) -> Tensor:
    """A share of a random mean of known matrices; gray stays gray.

    Args:
        units: Numbers of (0, 1) that decide the mean, (B, `KNOWN`).
        share: How much of the mean is applied, (B,); 0 is no matrix.

    Returns:
        Matrices from the camera's colors to linear sRGB, (B, 3, 3).
    """
    weights = -units.log()
    weights = weights / weights.sum(1, keepdim=True)
    known = torch.tensor(_FROM_XYZ, device=units.device) @ torch.tensor(
        _TO_XYZ, device=units.device
    )
    mixed = torch.einsum("bn,nij->bij", weights, known)
    matrix = torch.linalg.inv(mixed / mixed.sum(2, keepdim=True))
    return torch.lerp(torch.eye(3, device=units.device), matrix, share[:, None, None])
