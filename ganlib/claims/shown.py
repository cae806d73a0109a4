"""What the gallery shows of digits and clothes of 32 pixels, beside the arms of the claims, which have 16.

No claim stands on these runs: they are longer than an arm of a claim, at rates that fall along a cosine, and it is the
average of the generator's weights that draws. Their settings were chosen by looking at the samples.
"""

from collections.abc import Callable
from functools import partial

import torch

from ganlib.claims.claim import SIZE, Arm
from ganlib.data import Images, Set, load


def larger(name: str, split: str, size: int) -> Set:
    """A set at twice the size that the claims have."""
    return load(name, split, 2 * size)


def all_digits(split: str, size: int) -> Images:
    """MNIST's 60,000 training digits without the 1,000 that are ``mnist5k``'s test split; for testing, those."""
    test = load("mnist5k", "test", 2 * size)
    if split == "test":
        return test
    images, seen = load("mnist", "train", 2 * size), {picture.cpu().numpy().tobytes() for picture in test.x}
    return images.subset(torch.tensor([picture.cpu().numpy().tobytes() not in seen for picture in images.x]))


SETS: dict[str, Callable[[str, int], Set]] = {
    "all digits of 32 pixels": all_digits,
    "clothes of 32 pixels": partial(larger, "fashion10k"),
}
HOW = dict(
    data="all digits of 32 pixels",
    width=2 * SIZE["width"],
    batch=2 * SIZE["batch"],
    updates=16 * SIZE["updates"] // 3,
    ema=0.998,
    decay=True,
)
ARMS: dict[str, Arm] = {
    "vanilla, shown": HOW | dict(system="vanilla", width=192, lr=4e-4, updates=40 * SIZE["updates"] // 3),
    "dcgan, shown": HOW | dict(system="dcgan", lr=4e-4),
    "lsgan, shown": HOW | dict(system="lsgan", lr=4e-4),
    "wgan, shown": HOW | dict(system="wgan", lr=2e-4, n_critic=2),
    # Adam's betas of Karras et al. 2018: with the default, (0.5, 0.9), and this rate FID stood still from the
    # thousandth update to the three thousandth, in the one run that was tried
    "wgan_gp, shown": HOW
    | dict(system="wgan_gp", lr=1e-3, n_critic=2, betas=(0.0, 0.99), updates=8 * SIZE["updates"] // 3),
    "dcgan, lens, shown": HOW | dict(system="lens", lens_width=SIZE["width"], lr=4e-4, K=SIZE["updates"] // 2),
    "GRAN3, shown": HOW
    | dict(
        system="gran", width=5 * SIZE["width"] // 3, latent_dim=60, g_lr=4e-4, d_lr=8e-4, updates=4 * SIZE["updates"]
    ),
    "chain, shown": HOW
    | dict(
        system="chaingan",
        width=20 * SIZE["width"],
        critic_width=2 * SIZE["width"],
        d=SIZE["width"],
        editors=1,
        latent_dim=64,
        lr=1e-3,
        n_critic=2,
        updates=6 * SIZE["updates"],
    ),
    "dcgan, clothes shown": HOW
    | dict(system="dcgan", lr=4e-4, data="clothes of 32 pixels", batch=SIZE["batch"], updates=7 * SIZE["updates"] // 3),
}
