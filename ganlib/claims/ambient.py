"""AmbientGAN (Bora, Price and Dimakis 2018): measured fakes against pictures that were mended before training."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ganlib import metrics
from ganlib.claims.claim import SIZE, Arm, Claim
from ganlib.data import Set, load
from ganlib.data.measured import (
    Measure,
    MeasuredImages,
    block_pixels,
    convolve_noise,
    deconvolved,
    inpainted,
    measurement,
    unblocked,
)
from ganlib.gan import Game


def digits(split: str, size: int, measure: Measure) -> MeasuredImages:
    return MeasuredImages(load("mnist5k", split, size), measure)


MENDED: dict[str, Measure] = {
    "block-pixels": lambda x: unblocked(block_pixels(x)),
    "convolve-noise": lambda x: deconvolved(convolve_noise(x)),
    "block-patch": inpainted,
}
NAMES = ("block-pixels", "block-patch", "keep-patch", "convolve-noise", "project", "project-angle")
SETS: dict[str, Callable[[str, int], Set]] = {
    **{f"digits, {name}": partial(digits, measure=measurement(name)) for name in NAMES},
    **{f"digits, {name} mended": partial(digits, measure=measure) for name, measure in MENDED.items()},
}
# with four of five pixels blocked AmbientGAN learns slowly: after SIZE["updates"] it had not yet come to rest
UPDATES = {"block-pixels": 3 * SIZE["updates"]}
PLAIN = dict(system="dcgan", spectral_norm=True, lr=8e-4, updates=SIZE["updates"])
AMBIENT = dict(system="ambient", lr=8e-4, updates=SIZE["updates"])
ARMS: dict[str, Arm] = {
    "whole digits": PLAIN,
    **{f"{name}, as it is": PLAIN | dict(data=f"digits, {name}") for name in NAMES[:4]},
    **{f"{name}, mended": PLAIN | dict(data=f"digits, {name} mended") for name in MENDED},
    **{f"{name}, AmbientGAN": AMBIENT | dict(measure=name, data=f"digits, {name}") for name in NAMES},
}
for name, updates in UPDATES.items():
    for what in ("as it is", "mended", "AmbientGAN"):
        ARMS[f"{name}, {what}"] |= dict(updates=updates)


def at_the_end(gan: Game, test: Set) -> dict[str, Callable[[Game], Any]]:
    """FID against whole digits, which no game here has seen."""
    if not isinstance(test, MeasuredImages):
        return {}
    whole = load("mnist5k", "test", test.shape[1])
    return {"fid": lambda game: metrics.fid(game, whole, n=SIZE["n"])}


CLAIMS = [
    Claim("SV-AMB-C1a", "from quarters of digits AmbientGAN draws better digits than a GAN of quarters",
          "keep-patch, AmbientGAN", ("keep-patch, as it is",), "last_fid"),
    Claim("SV-AMB-C1b", "with four of five pixels blocked AmbientGAN beats a GAN of what is left, blurred or not",
          "block-pixels, AmbientGAN", ("block-pixels, mended", "block-pixels, as it is"), "last_fid"),
    Claim("SV-AMB-C1c", "from blurred and noisy digits AmbientGAN beats a GAN of them, by Wiener's filter or not",
          "convolve-noise, AmbientGAN", ("convolve-noise, mended", "convolve-noise, as it is"), "last_fid"),
    Claim("SV-AMB-C1d", "from digits with a hole AmbientGAN beats a GAN of them, inpainted or not",
          "block-patch, AmbientGAN", ("block-patch, mended", "block-patch, as it is"), "last_fid"),
    Claim("SV-AMB-C2", "with the angles of the projections AmbientGAN draws better digits than without",
          "project-angle, AmbientGAN", ("project, AmbientGAN",), "last_fid"),
]  # fmt: skip
