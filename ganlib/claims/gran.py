"""Generating images with recurrent adversarial networks (Im et al. 2016): steps, fresh noise, battles."""

import math
from collections.abc import Callable

from ganlib import metrics
from ganlib.claims.claim import SHORT, SIZE, Arm, Claim
from ganlib.data import Images
from ganlib.gan import GAN
from ganlib.models.draw import DRAW
from ganlib.models.dvae import DVAE

# GRAN's paper names no learning rates, only that they differ. These were chosen by short runs of T = 3.
GRAN = dict(system="gran", latent_dim=60, g_lr=5e-4, d_lr=1e-3, updates=SHORT)
ARMS: dict[str, Arm] = {
    **{f"GRAN{steps}": GRAN | dict(steps=steps) for steps in (1, 3, 5, 7, 9)},
    "GRAN3, fresh noise": GRAN | dict(steps=3, fresh_noise=True),
    "DVAE": dict(system="dvae", width=256, updates=SHORT),
    "DRAW": dict(system="draw", width=128, updates=SHORT),
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
)  # fmt: skip


def log_r_sample(m1: GAN, m2: GAN, test: Images) -> float:
    """log of GAM's r_sample (Im et al. 2016, Eq. 10), below 0 where m1 wins.

    Every threshold is where the discriminator misses a quarter of held-out reals: at D = 1/2 these small
    discriminators hardly ever err. Half an error is added to both counts, so that none is 0.
    """
    errors = metrics.gam(m1, m2, test, n=SIZE["n"], calibrate=0.25).errors
    return math.log((errors["D1", "G2"].samples.errors + 0.5) / (errors["D2", "G1"].samples.errors + 0.5))


def error_above_half(gan: GAN, model: DVAE | DRAW, test: Images) -> float:
    """The share of a model's samples that a discriminator takes for real at D = 1/2, less 1/2."""
    return float(metrics.error_rate(gan, model.sample(SIZE["n"], seed=0))) - 0.5


BATTLES: dict[str, Callable[[GAN, GAN, Images], float]] = {
    "log_r_sample": log_r_sample,
    "error_above_half": error_above_half,
}
