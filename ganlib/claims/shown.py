"""What the gallery shows of digits and clothes of 32 pixels, beside the arms of the claims, which have 16.

No claim stands on these runs: they are longer than an arm of a claim, at rates that fall along a cosine, and it is the
average of the generator's weights that draws. Their settings were chosen by looking at the samples.
"""

from collections.abc import Callable
from functools import partial

from ganlib.claims.claim import SIZE, Arm
from ganlib.data import Set, load


def larger(name: str, split: str, size: int) -> Set:
    """A set at twice the size that the claims have."""
    return load(name, split, 2 * size)


SETS: dict[str, Callable[[str, int], Set]] = {
    "digits of 32 pixels": partial(larger, "mnist5k"),
    "clothes of 32 pixels": partial(larger, "fashion10k"),
}
WIDTH = 2 * SIZE["width"]
HOW = dict(data="digits of 32 pixels", ema=0.998, decay=True, updates=7 * SIZE["updates"] // 3)
ARMS: dict[str, Arm] = {
    "dcgan, shown": HOW | dict(system="dcgan", width=WIDTH, lr=4e-4, updates=4 * SIZE["updates"]),
    "wgan_gp, shown": HOW | dict(system="wgan_gp", width=WIDTH, lr=5e-4, n_critic=2),
    "dcgan, clothes shown": HOW | dict(system="dcgan", width=WIDTH, lr=4e-4, data="clothes of 32 pixels"),
}
