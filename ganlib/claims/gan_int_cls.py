"""GAN-INT-CLS (Reed et al. 2016): what wrong texts teach the discriminator, and interpolated ones the generator."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from ganlib.claims.claim import SIZE, Arm, Claim, Run
from ganlib.data import EMOJI_KINDS, Images, Set, load, to_float
from ganlib.gan import Game
from ganlib.metrics.translations import error, mistaken, spread
from ganlib.models.gan_int_cls import TextGAN


def kinds(split: str, size: int, times: int = 1) -> Images:
    """The emoji of ten kinds, ``times`` as large as the claims' pictures."""
    return load("emoji", split, times * size, only=EMOJI_KINDS)


SETS: dict[str, Callable[[str, int], Set]] = {
    "kinds": kinds,
    "large kinds": partial(kinds, times=2),
    "huge kinds": partial(kinds, times=4),
}
# what notebook 11 shows from kept weights
SHOWN = dict(data="large kinds", width=32, latent_dim=32, lr=4e-4, updates=4 * SIZE["updates"], ema=0.998)
TEXTS = dict(system="gan_int_cls", data="kinds", lr=8e-4, updates=SIZE["updates"])
ARMS: dict[str, Arm] = {
    "GAN, texts": TEXTS | dict(matching=False, interpolated=False),
    "GAN-CLS": TEXTS | dict(matching=True, interpolated=False),
    "GAN-INT-CLS": TEXTS | dict(matching=True, interpolated=True),
    "GAN-INT-CLS, learnt texts": TEXTS | dict(matching=True, interpolated=True, encoder="learnt"),
    "GAN-INT-CLS, shown": TEXTS | SHOWN,
}


def drawn(gan: Game, data: Images) -> torch.Tensor:
    return gan.sample(len(data), seed=0, y=list(data.captions))


def at_the_end(gan: Game, test: Set) -> dict[str, Callable[[Game], Any]]:
    """Errors to the true pictures, of training captions and of withheld ones; how one caption's samples differ."""
    if not isinstance(gan, TextGAN):
        return {}
    train = load("emoji", size=test.shape[1], only=EMOJI_KINDS)
    some = [train.captions[i] for i in range(0, len(train), len(train) // 20)]
    return {
        "error": lambda game: error(drawn(game, train), to_float(train.x)).mean().item(),
        "mistaken": lambda game: mistaken(drawn(game, train), to_float(train.x)),
        "mistaken, withheld": lambda game: mistaken(drawn(game, test), to_float(test.x)),
        "variety": lambda game: sum(spread(game.sample(16, seed=0, y=caption)) for caption in some) / len(some),
    }


MEASURES: dict[str, Callable[[Run], float]] = {
    "error to the caption's picture": lambda run: run["error"][-1],
    "others' pictures nearer": lambda run: run["mistaken"][-1],
    "others' pictures nearer, withheld captions": lambda run: run["mistaken, withheld"][-1],
    "sameness of a caption's samples": lambda run: -run["variety"][-1],
}
CLAIMS = [
    Claim("SV-GIC-C1", "a discriminator that sees wrong texts makes pictures fit their training captions better (CLS)",
          "GAN-CLS", ("GAN, texts",), "others' pictures nearer"),
    Claim("SV-GIC-C2", "interpolated texts make the pictures of withheld captions fit better (INT)",
          "GAN-INT-CLS", ("GAN-CLS",), "others' pictures nearer, withheld captions"),
]  # fmt: skip
