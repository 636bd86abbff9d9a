"""Inside deepinv's plug-and-play solvers a `Denoiser` is the prior, as it is."""

from __future__ import annotations

import warnings
from types import ModuleType

import pytest
import torch

from flowdenoise import Denoiser

from ..conftest import scene


@pytest.fixture
def deepinv() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import deepinv
    except (ImportError, RuntimeError) as error:  # a torchvision of another build of torch
        pytest.skip(f"deepinv can't be imported (make test-hosts installs it): {error}")
    return deepinv


@pytest.mark.filterwarnings("default")  # those of deepinv
def test_plug_and_play_restores_a_blurred_picture(deepinv: ModuleType) -> None:
    clean = torch.from_numpy(scene(64, 80)).float().permute(2, 0, 1)[None] / 255
    noise = deepinv.physics.GaussianNoise(sigma=0.02)
    kernel = deepinv.physics.functional.blur.gaussian_blur(sigma=(1.2, 1.2))
    physics = deepinv.physics.Blur(kernel, padding="circular", noise_model=noise)
    measured = physics(clean)
    solver = deepinv.optim.optim_builder(
        iteration="PGD",
        prior=deepinv.optim.prior.PnP(denoiser=Denoiser.load("color", precision="float32")),
        data_fidelity=deepinv.optim.data_fidelity.L2(),
        max_iter=8,
        params_algo={"stepsize": 1.0, "g_param": 0.03},
    )
    restored = solver(measured, physics)
    before, after = ((image - clean).square().mean() for image in (measured, restored))
    assert after < 0.7 * before
