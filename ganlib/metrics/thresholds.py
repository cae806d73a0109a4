"""Where a discriminator says "real": its logits, and the threshold on them."""

import torch
from torch import Tensor

from ganlib.checks import require
from ganlib.data import to_float
from ganlib.gan import GAN
from ganlib.objectives import HINGE, LEAST_SQUARES, Objective


def half(objective: Objective) -> float | None:
    """The logit at which a discriminator of this objective says ½; None if it has none."""
    if objective.output is torch.sigmoid:
        return 0.0  # sigmoid(0) = ½
    # halfway between the targets 0 and 1; and between the margins -1 and 1
    return {LEAST_SQUARES.name: 0.5, HINGE.name: 0.0}.get(objective.name)


def check_calibrate(calibrate: bool | float) -> None:
    ok = isinstance(calibrate, bool) or 0 < calibrate < 1
    require(ok, f"calibrate is {calibrate}; it must be True, False or a share between 0 and 1")


def calibrated(gan: GAN, reals: Tensor, y: Tensor | None, n: int, seed: int, calibrate: bool | float) -> float:
    """The logit at which D errs equally often on reals and on n fakes of its own generator, or misses a given share
    of the reals. ``y`` is what a conditional game is told of the reals; its fakes are asked for alike."""
    real = logits(gan, reals, y)
    if not isinstance(calibrate, bool):
        return real.quantile(calibrate).item()
    asked = None if y is None else as_in(y, n, seed)
    fake = logits(gan, gan.sample(n, seed, y=asked), asked)
    levels = torch.cat([real, fake]).unique()  # in order
    # at or below a level: reals that are missed, which grow with it; above: fakes that pass, which shrink
    missed = torch.searchsorted(real.sort().values, levels, right=True) / len(real)
    passed = 1 - torch.searchsorted(fake.sort().values, levels, right=True) / len(fake)
    k = int((missed >= passed).nonzero()[0])
    return levels[k : k + 2].mean().item()  # in the gap above it, which all rates share


@torch.no_grad()
def logits(gan: GAN, x: Tensor, y: Tensor | None = None) -> Tensor:
    """D's logits (N,) on the CPU, in eval mode, from images (N, C, H, W), uint8 or float in [-1, 1]; y if it asks."""
    d, training = gan.discriminator, gan.discriminator.training
    d.eval()
    try:
        judged = []
        for part, *told in zip(x.split(500), *([] if y is None else [y.split(500)])):
            part = part.to(gan.device)
            part = to_float(part) if part.dtype == torch.uint8 else part
            told = (t.to(gan.device, gan.dtype if t.is_floating_point() else None) for t in told)
            judged.append(d(part.to(gan.dtype), *told).float().cpu())
        return torch.cat(judged)
    finally:
        d.train(training)


def as_in(y: Tensor, n: int, seed: int) -> Tensor:
    """n conditions drawn from those of a set (N, ...), with replacement."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return y[torch.randint(len(y), (n,), generator=generator, device="cpu").to(y.device)]
