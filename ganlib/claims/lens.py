"""Tempered Adversarial Networks (Sajjadi et al. 2018): with the lens and without, on digits and colour digits."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlib import metrics
from ganlib.claims.claim import FASTER, SHORT, SIZE, Arm, Claim, Run
from ganlib.data import Set, to_float
from ganlib.gan import GAN
from ganlib.models.lens import LensGAN

# The lens leaves after a third of the run; in its paper after a tenth or less of a much longer one.
LENS = dict(system="lens", lr=1e-4 * FASTER, updates=SHORT)
K = SHORT // 3
ARMS: dict[str, Arm] = {}
for data, suffix in (("mnist5k", ""), ("color-mnist", ", colour")):
    for base, settings in (
        ("dcgan", dict(base="dcgan")),
        ("lsgan", dict(base="lsgan")),
        ("lsgan with a sigmoid", dict(base="lsgan", sigmoid=True)),
    ):
        ARMS[f"{base}, no lens{suffix}"] = LENS | settings | dict(K=0, data=data)
        ARMS[f"{base}, lens{suffix}"] = LENS | settings | dict(K=K, data=data)
CLAIMS = (
    Claim("TA-C1a", "the lens lowers the FID of the original GAN on digits",
          "dcgan, lens", ("dcgan, no lens",), "last_fid"),
    Claim("TA-C1b", "the lens lowers the FID of the original GAN on Color MNIST",
          "dcgan, lens, colour", ("dcgan, no lens, colour",), "last_fid"),
    Claim("TA-C1c", "the original GAN misses fewer of Color MNIST's 1,000 modes with the lens",
          "dcgan, lens, colour", ("dcgan, no lens, colour",), "missed_modes"),
    Claim("TA-C2a", "the lens lowers the FID of LSGAN on digits",
          "lsgan, lens", ("lsgan, no lens",), "last_fid"),
    Claim("TA-C2b", "the lens lowers the FID of LSGAN on digits, with a sigmoid before the squares",
          "lsgan with a sigmoid, lens", ("lsgan with a sigmoid, no lens",), "last_fid"),
    Claim("TA-C2c", "the lens lowers the FID of LSGAN on Color MNIST, with a sigmoid before the squares",
          "lsgan with a sigmoid, lens, colour", ("lsgan with a sigmoid, no lens, colour",), "last_fid"),
    Claim("TA-C3", "with the lens the final FID of the original GAN varies less between seeds",
          "dcgan, lens", ("dcgan, no lens",), "last_fid", spread=True),
    Claim("TA-C4", "the lens ends as the identity: at the last look before its schedule ends |L(x) - x| is on "
          "average below 1 % of a pixel's range", "dcgan, lens", (), "last_shift", limit=0.02),
)  # fmt: skip


def watched(gan: GAN, test: Set) -> dict[str, Callable[[GAN], Any]]:
    """What is measured during a run, besides FID: modes on colour digits, and how far the lens moves a pixel."""
    measures = {}

    def missed(gan: GAN) -> float:
        coverage = metrics.mode_coverage(metrics.digits()(gan.sample(SIZE["n"], seed=0))[1])
        return coverage.total - coverage.modes

    @torch.no_grad()
    def shift(gan: LensGAN) -> Tensor | None:
        return (gan.lens(reals) - reals).abs().mean() if gan.t <= gan.K else None

    if test.name == "color-mnist":
        measures["missed_modes"] = missed
    if isinstance(gan, LensGAN) and gan.K:
        reals = to_float(test.x[:200])
        measures["shift"] = shift
    return measures


MEASURES: dict[str, Callable[[Run], float]] = {
    "missed_modes": lambda run: run["missed_modes"][-1],
    "last_shift": lambda run: run["shift"][-1],
}
