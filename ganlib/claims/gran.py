"""Generating images with recurrent adversarial networks (Im et al. 2016): steps, fresh noise, battles."""

import copy
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganlib import metrics
from ganlib.claims.claim import SHORT, SIZE, Arm, Claim, Run
from ganlib.data import Images, load, to_float
from ganlib.gan import GAN, Game, shape_of
from ganlib.models.draw import DRAW
from ganlib.models.dvae import DVAE
from ganlib.models.gran import GRANGenerator

# the two models without an opponent ask for the shape of a picture, whatever is known of the data
BUILDERS: dict[str, Callable[..., Game]] = {
    "dvae": lambda data, **settings: DVAE(shape_of(data), **settings),
    "draw": lambda data, **settings: DRAW(shape_of(data), **settings),
}
# GRAN's paper names no learning rates, only that they differ. These were chosen by short runs of T = 3, and the width
# and the updates by looking at GRAN3 alone: narrower and shorter, some of its runs left classes out.
GRAN = dict(
    system="gran", width=4 * SIZE["width"] // 3, latent_dim=60, ema=0.99, updates=SIZE["updates"], g_lr=5e-4, d_lr=1e-3
)
ARMS: dict[str, Arm] = {
    **{f"GRAN{steps}": GRAN | dict(steps=steps) for steps in (1, 3, 5, 7, 9)},
    "GRAN3, fresh noise": GRAN | dict(steps=3, fresh_noise=True),
    "GRAN3, one rate": GRAN | dict(steps=3, g_lr=7e-4, d_lr=7e-4),  # the geometric mean of the two
    "DVAE": dict(system="dvae", width=256, updates=2 * SHORT),
    "DRAW": dict(system="draw", width=128, updates=2 * SHORT),
}
CLAIMS = (
    Claim("GR-C1a", "GRAN3 beats GRAN1 in battle", "GRAN3", ("GRAN1",), "log_r_sample"),
    Claim("GR-C1b", "GRAN5 beats GRAN1 in battle", "GRAN5", ("GRAN1",), "log_r_sample"),
    Claim("GR-C2", "one z for all steps ends at a lower FID than fresh noise at each",
          "GRAN3", ("GRAN3, fresh noise",), "last_fid"),
    Claim("GR-C4a", "GRAN3's discriminator takes fewer than half of DVAE's samples for real",
          "GRAN3", ("DVAE",), "error_above_half"),
    Claim("GR-C4b", "GRAN3's discriminator takes fewer than half of DRAW's samples for real",
          "GRAN3", ("DRAW",), "error_above_half"),
    Claim("GR-C5", "GRAN5 beats GRAN3 in battle", "GRAN5", ("GRAN3",), "log_r_sample"),
    Claim("GR-C6a", "GRAN3's last canvas has more detail than its first, stretched to the same contrast",
          "GRAN3", ("GRAN3",), "-detail", "-detail of the first canvas"),
    Claim("GR-C6b", "from step to step the canvas changes more with fresh noise than with one z",
          "GRAN3", ("GRAN3, fresh noise",), "change a step"),
    Claim("GR-C7a", "drawn with two steps more than it was trained with, GRAN5 is brighter",
          "GRAN5", ("GRAN5",), "-brightness, two more steps", "-brightness"),
    Claim("GR-C7b", "drawn with two steps more, GRAN5's FID is less than a tenth above",
          "GRAN5", ("GRAN5",), "fid, two more steps", "1.1 last_fid"),
    Claim("GR-C8", "GRAN3's samples are no nearer to their nearest training digits than held-out digits are (medians)",
          "GRAN3", (), "nearness", limit=1.0),
    Claim("GR-C9a", "a discriminator that learns 30 digits by heart turns r_sample to its side's favour",
          "GRAN3, fresh noise", ("GRAN3",), "gain of overfitting"),
    Claim("GR-C9b", "r_test shows it: it is farther from 1 than after as many updates on all the digits",
          "GRAN3, fresh noise", ("GRAN3",), "r_test's silence"),
    Claim("GR-C10", "two learning rates end at a lower FID than one between them",
          "GRAN3", ("GRAN3, one rate",), "last_fid"),
)  # fmt: skip


def log_ratios(m1: GAN, m2: GAN, test: Images, calibrate: bool | float = False) -> tuple[float, float]:
    """The logs of GAM's r_sample and r_test (Im et al. 2016, Eq. 10), with half an error added so that none is 0."""
    errors = metrics.gam(m1, m2, test, n=SIZE["n"], calibrate=calibrate).errors
    d1, d2 = errors["D1", "G2"], errors["D2", "G1"]
    pairs = ((d1.samples.errors, d2.samples.errors), (d1.reals.errors, d2.reals.errors))
    return tuple(math.log((mine + 0.5) / (other + 0.5)) for mine, other in pairs)


def log_r_sample(m1: GAN, m2: GAN, test: Images) -> float:
    """log of GAM's r_sample, below 0 where m1 wins.

    Every threshold is where the discriminator misses a quarter of held-out reals: at D = 1/2, in eval mode, it may lie
    anywhere.
    """
    return log_ratios(m1, m2, test, calibrate=0.25)[0]


def error_above_half(gan: GAN, model: DVAE | DRAW, test: Images) -> float:
    """The share of a model's samples that a discriminator takes for real at D = 1/2, less 1/2."""
    return float(metrics.error_rate(gan, model.sample(SIZE["n"], seed=0))) - 0.5


def learnt(gan: GAN, images: Images, updates: int = 150) -> GAN:
    """A copy of a game after so many more updates of its discriminator alone, on so few or many reals."""
    gan = copy.deepcopy(gan)
    gan.generator.eval()  # which must not move at all, nor its statistics
    batches = images.batches(min(30, SIZE["batch"]), seed=0)  # as large for thirty digits as for all
    torch.manual_seed(0)
    for _ in range(updates):
        gan.discriminator_step(next(batches))
    gan.generator.train()
    return gan


def gain_of_overfitting(m1: GAN, m2: GAN, test: Images) -> float:
    """How much log r_sample changes as m1's discriminator learns 30 digits by heart; below 0 it turns to m1's favour.

    Here and in ``silence`` the threshold is D = 1/2.
    """
    few = load("mnist5k", size=test.shape[-1]).take(30)
    return log_ratios(learnt(m1, few), m2, test)[0] - log_ratios(m1, m2, test)[0]


def silence(m1: GAN, m2: GAN, test: Images) -> float:
    """|log r_test| after the updates on all digits, the control, less the one after those on 30."""
    images = load("mnist5k", size=test.shape[-1])
    by_heart, control = (abs(log_ratios(learnt(m1, x), m2, test)[1]) for x in (images.take(30), images))
    return control - by_heart


def detail(canvases: Tensor) -> float:
    """The mean difference of a pixel from its right-hand and its lower neighbour, images in [-1, 1]."""
    return (canvases.diff(dim=-1).abs().mean() + canvases.diff(dim=-2).abs().mean()).item() / 2


def stretched(canvas: Tensor, like: Tensor) -> Tensor:
    """A canvas whose sums before the sigmoid are brought to the mean and deviation of another's."""
    mine, other = (2 * torch.atanh(c.double().clamp(-1 + 1e-6, 1 - 1e-6)) for c in (canvas, like))
    return torch.tanh(((mine - mine.mean()) / mine.std() * other.std() + other.mean()) / 2)


def at_the_end(gan: Game, test: Any) -> dict[str, Callable[[Game], Any]]:
    """What is measured of a GRAN of several steps after its last update: its canvases, and two steps more."""
    if not (isinstance(getattr(gan, "generator", None), GRANGenerator) and gan.generator.steps > 1):
        return {}
    steps, images = gan.generator.steps, load("mnist5k", size=test.shape[-1])

    @torch.no_grad()
    def canvases(gan: GAN) -> Tensor:
        torch.manual_seed(0)
        generator = copy.deepcopy(gan.generator if gan.averaged is None else gan.averaged).eval()
        return generator.canvases(gan.latent(SIZE["n"] // 2))

    def more(gan: GAN) -> Tensor:
        torch.manual_seed(0)
        return gan.run(gan.latent(SIZE["n"]), steps=steps + 2)

    def nearness(gan: GAN) -> float:
        real, made = (
            metrics.nearest_neighbours(x, images, 1)[1].median()
            for x in (to_float(test.x[: SIZE["n"] // 2]), gan.sample(SIZE["n"] // 2, seed=0))
        )
        return (real / made).item()

    measured = {
        "detail": lambda gan: detail(canvases(gan)[-1]),
        "detail_first": lambda gan: detail(stretched(*canvases(gan)[[0, -1]])),
        "change": lambda gan: canvases(gan).diff(dim=0).abs().mean().item(),
        "nearness": nearness,
    }
    if not gan.generator.fresh_noise:
        measured |= {
            "brightness": lambda gan: canvases(gan)[-1].mean().item(),
            "brightness_more": lambda gan: more(gan).mean().item(),
            "fid_more": lambda gan: metrics.fid(more(gan), test, n=SIZE["n"]),
        }
    return measured


MEASURES: dict[str, Callable[[Run], float]] = {
    "-detail": lambda run: -run["detail"][-1],
    "-detail of the first canvas": lambda run: -run["detail_first"][-1],
    "change a step": lambda run: run["change"][-1],
    "-brightness": lambda run: -run["brightness"][-1],
    "-brightness, two more steps": lambda run: -run["brightness_more"][-1],
    "fid, two more steps": lambda run: run["fid_more"][-1],
    "nearness": lambda run: run["nearness"][-1],
}
BATTLES: dict[str, Callable[[GAN, GAN, Images], float]] = {
    "log_r_sample": log_r_sample,
    "error_above_half": error_above_half,
    "gain of overfitting": gain_of_overfitting,
    "r_test's silence": silence,
}
