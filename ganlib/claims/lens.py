"""Tempered Adversarial Networks (Sajjadi et al. 2018): with the lens and without, on digits and colour digits."""

import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlib import metrics
from ganlib.claims.claim import FASTER, SHORT, SIZE, Arm, Claim, Run
from ganlib.claims.projections import gradient_norm
from ganlib.data import Set, to_float
from ganlib.gan import GAN
from ganlib.models.lens import LensGAN

# The lens leaves after a third of the run; in its paper after a tenth or less of a much longer one.
LENS = dict(system="lens", lr=1e-4 * FASTER, updates=SHORT)
K = 3 * max(SHORT // 9, SIZE["every"])  # so that a third of it is looked at
FOREVER = 10**9  # lambda is then 1 to nine places
ARMS: dict[str, Arm] = {}
for data, suffix in (("mnist5k", ""), ("color-mnist", ", colour")):
    for base, settings in (
        ("dcgan", dict(base="dcgan")),
        ("lsgan", dict(base="lsgan")),
        ("lsgan with a sigmoid", dict(base="lsgan", sigmoid=True)),
    ):
        ARMS[f"{base}, no lens{suffix}"] = LENS | settings | dict(K=0, data=data)
        ARMS[f"{base}, lens{suffix}"] = LENS | settings | dict(K=K, data=data)
WITH = ARMS["dcgan, lens"]
ARMS |= {
    # RMSprop in the paper; half as long as the others, since a step has five updates of the critic
    "wgan_gp, no lens": LENS | dict(base="wgan_gp", K=0, updates=SHORT // 2),
    "wgan_gp, lens": LENS | dict(base="wgan_gp", K=K // 2, updates=SHORT // 2),
    "lens, lambda always 1": WITH | dict(K=FOREVER),
    "lens, no reconstruction": WITH | dict(reconstruction=0.0),
    "lens, reconstruction alone": WITH | dict(adversarial=0.0),
    "lens, a third of K": WITH | dict(K=K // 3),
}
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
    Claim("TA-C5a", "with WGAN-GP the FID is lower with the lens over the second third of the run: it is better sooner",
          "wgan_gp, lens", ("wgan_gp, no lens",), "middle_fid"),
    Claim("TA-C5b", "with WGAN-GP the lens ends less than a tenth above the FID without it: equal in the end",
          "wgan_gp, lens", ("wgan_gp, no lens",), "last_fid", "1.1 last_fid"),
    Claim("TA-C6", "while the lens is in the game FID is worse than without it",
          "dcgan, no lens", ("dcgan, lens",), "early_fid"),
    Claim("TA-C7a", "with lambda always at 1 FID still falls in the last quarter of the run",
          "lens, lambda always 1", ("lens, lambda always 1",), "last_fid", "late_fid"),
    Claim("TA-C7b", "with lambda always at 1 training is slower than without a lens",
          "dcgan, no lens", ("lens, lambda always 1",), "mean_fid"),
    Claim("TA-C8", "without the reconstruction term the lens leaves the data: halfway it moves pixels more",
          "dcgan, lens", ("lens, no reconstruction",), "middle_shift"),
    Claim("TA-C9", "the gradual release is the adversarial term's doing: without that term the lens is nearer to the "
          "identity halfway", "lens, reconstruction alone", ("dcgan, lens",), "middle_shift"),
    Claim("TA-C10a", "a third of K converges faster",
          "lens, a third of K", ("dcgan, lens",), "mean_fid"),
    Claim("TA-C10b", "the end is robust to K: with a third of it FID ends less than a tenth above",
          "lens, a third of K", ("dcgan, lens",), "last_fid", "1.1 last_fid"),
    Claim("TA-C11", "a sigmoid before LSGAN's squares makes the generator's gradient smaller",
          "lsgan with a sigmoid, no lens", ("lsgan, no lens",), "gradient"),
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
    if isinstance(gan, LensGAN) and gan.objective.name.startswith("least squares"):
        measures["gradient"] = gradient_norm
    return measures


def third(run: Run, which: int) -> list[float]:
    """The FIDs of a run's first (0), second or last third."""
    return [f for f, step in zip(run["fid"], run["steps"]) if which < 3 * step / run["steps"][-1] <= which + 1]


def at(run: Run, name: str, share: float) -> float:
    """What a run's series was at the look nearest to a share of its looks."""
    return run[name][round(share * (len(run[name]) - 1))]


MEASURES: dict[str, Callable[[Run], float]] = {
    "early_fid": lambda run: statistics.mean(third(run, 0) or run["fid"]),
    "middle_fid": lambda run: statistics.mean(third(run, 1) or run["fid"]),
    "late_fid": lambda run: at(run, "fid", 0.75),
    "1.1 last_fid": lambda run: 1.1 * run["fid"][-1],
    "middle_shift": lambda run: at(run, "shift", 0.5),
    "gradient": lambda run: statistics.geometric_mean(run["gradient"]),
    "missed_modes": lambda run: run["missed_modes"][-1],
    "last_shift": lambda run: run["shift"][-1],
}
