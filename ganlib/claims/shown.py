"""What the gallery shows: the systems of the first notebooks on digits, and on clothes, of 32 pixels.

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
    "vanilla, shown": HOW | dict(system="vanilla", width=2 * WIDTH, lr=4e-4, updates=8 * SIZE["updates"]),
    "dcgan, shown": HOW | dict(system="dcgan", width=WIDTH, lr=4e-4, updates=4 * SIZE["updates"]),
    "lsgan, shown": HOW | dict(system="lsgan", width=WIDTH, lr=4e-4),
    "wgan, shown": HOW | dict(system="wgan", width=WIDTH, lr=2e-4, n_critic=2),
    "wgan_gp, shown": HOW | dict(system="wgan_gp", width=WIDTH, lr=5e-4, n_critic=2),
    "lens, shown": HOW | dict(system="lens", width=WIDTH, lens_width=WIDTH // 3, K=2 * SIZE["updates"] // 3, lr=4e-4),
    "gran, shown": HOW | dict(system="gran", width=2 * WIDTH // 3, latent_dim=60, g_lr=3e-4, d_lr=6e-4),
    "chaingan, shown": HOW
    | dict(system="chaingan", width=4 * WIDTH, critic_width=WIDTH, editors=2, d=WIDTH // 3, lr=6e-4, n_critic=2),
    "cgan, shown": HOW | dict(system="cgan", classes=10, width=WIDTH, lr=4e-4),
    "dcgan, clothes shown": HOW | dict(system="dcgan", width=WIDTH, lr=4e-4, data="clothes of 32 pixels"),
}
