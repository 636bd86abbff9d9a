"""One short trial of a denoiser: a few minutes of training, then PSNR on validation crops.

The trials of docs/experiments/white-noise.md are rows of this script's output. Each draws the same
patches of the same images with the same fixed noise; what differs stands in the options.

    python examples/experiments/denoiser_trial.py --data IMAGES --validation IMAGES --lr 1e-3
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import torch
from torch import Tensor

from flowdenoise import metrics, noise
from flowdenoise.data.corpus import decode, find_images, load_corpus
from flowdenoise.data.patches import NoiseConfig, PatchSampler, quiet_weights
from flowdenoise.data.sources import divide
from flowdenoise.networks import ResNet, ResNetConfig
from flowdenoise.optimization.optimizers import build_optimizer
from flowdenoise.training import objectives
from flowdenoise.training.losses import ObjectiveConfig
from flowdenoise.weights import load

SIGMAS = (15, 25, 35, 50)
CROP = 256


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers separated by commas."""
    return tuple(int(word) for word in text.split(","))


def parse() -> argparse.Namespace:
    """The options of a trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--channels", type=numbers, default=(64,))
    parser.add_argument("--blocks", type=numbers, default=(11,))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--optimizer", default="muon")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--data-term", default="r2r")
    parser.add_argument("--alpha", type=float, nargs=2, default=(0.2, 8.0))
    parser.add_argument("--teacher", help="weights of an earlier denoiser, for `relay`")
    parser.add_argument("--anchor", type=float, default=0.1)
    parser.add_argument("--initial", help="weights to begin with")
    parser.add_argument("--balance", type=float, default=0.0)
    parser.add_argument("--noise-mode", default="fixed")
    parser.add_argument("--prefer-quiet", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def rate(step: int, options: argparse.Namespace) -> float:
    """Learning rate: climbs, stays, falls over the last four tenths."""
    climb = min(1.0, (step + 1) / options.warmup)
    fall = min(1.0, max(0.02, (options.steps - step) / (0.4 * options.steps)))
    return options.lr * climb * fall


def train(options: argparse.Namespace) -> ResNet:
    """Train and return the averaged network."""
    noisy = divide(find_images(options.data), 1 / 3, seed=0)[1]
    corpus = decode(noisy, channels=3)
    kind = NoiseConfig(mode=options.noise_mode, prefer_quiet=options.prefer_quiet)
    weights = quiet_weights(corpus, kind, 1)
    sampler = PatchSampler(corpus, options.patch, seed=1, weights=weights)
    config = ResNetConfig(channels=options.channels, blocks=options.blocks)
    net = ResNet(config).to(memory_format=torch.channels_last)
    if options.initial:
        net.load_state_dict(load(options.initial, role="denoiser").network.state_dict())
    average = {name: value.clone() for name, value in net.state_dict().items()}
    objective = ObjectiveConfig(
        alpha=tuple(options.alpha), balance=options.balance, anchor=options.anchor
    )
    teacher = load(options.teacher, role="denoiser").network.eval() if options.teacher else None
    optimizer = build_optimizer(options.optimizer, net, options.lr, (0.9, 0.99))
    for step in range(options.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, options)
        draws = sampler.draws(step, options.batch)
        batch = sampler.noisy(draws, kind)
        with torch.autocast("cpu", torch.bfloat16):
            if options.data_term == "supervised":
                clean = sampler.clean(draws).float() / 255
                term = objectives.regression(net, batch, clean, objective)
            elif teacher is not None:
                with torch.no_grad():
                    taught = teacher(batch.noisy, batch.sigma).float()
                term = objectives.relay(net, batch, taught, objective)
            else:
                term = objectives.data_term(options.data_term).loss(net, batch, objective)
        optimizer.zero_grad()
        term.loss.mean().backward()
        optimizer.step()
        keep = min(0.998, (step + 1) / (step + 10))
        for name, value in net.state_dict().items():
            average[name].lerp_(value, 1 - keep)
    net.load_state_dict(average)
    return net


@torch.no_grad()
def validate(net: ResNet, folder: Path) -> list[float]:
    """Mean PSNR of the middle of each validation image, by noise level."""
    images = load_corpus([folder], channels=3)
    totals = []
    for sigma in SIGMAS:
        values = []
        for index in range(len(images)):
            clean = middle(images.image(index)).float() / 255
            noisy = noise.add_gaussian(clean, sigma / 255, seed=0)
            with torch.autocast("cpu", torch.bfloat16):
                denoised = net(noisy[None], sigma / 255)[0].float()
            values.append(metrics.psnr(denoised.clamp(0, 1), clean))
        totals.append(math.fsum(values) / len(values))
    return totals


def middle(image: Tensor) -> Tensor:
    """The middle square of an image."""
    top, left = ((side - CROP) // 2 for side in image.shape[-2:])
    return image[:, top : top + CROP, left : left + CROP]


if __name__ == "__main__":
    chosen = parse()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    start = time.time()
    network = train(chosen)
    seconds = time.time() - start
    result = validate(network, chosen.validation)
    cost = network.config.multiply_adds_per_pixel
    print(
        " ".join(f"{value:.3f}" for value in result),
        f"mean {math.fsum(result) / len(result):.3f} dB,",
        f"{cost:.0f} multiply-adds per pixel, {seconds:.0f} s",
    )
