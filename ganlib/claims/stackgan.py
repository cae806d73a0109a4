"""StackGAN (Zhang et al. 2017): what the augmentation does for variety, and a second stage for stability."""

from collections.abc import Callable
from typing import Any

import torch

from ganlib.claims.claim import SIZE, Arm, Claim
from ganlib.claims.gan_int_cls import SHOWN
from ganlib.gan import Data, Game, shape_of
from ganlib.models import stackgan


def two_stages(data: Data, *, first: str, **settings: Any) -> Game:
    """Stage II on the Stage I of another arm's run of the same seed; for a bare shape on an untrained one."""
    from ganlib.claims import engine  # which gathers this file

    c, h, w = shape_of(data)
    if isinstance(data, tuple):
        below = engine.make(engine.recipe(first, (c, h // 2, w // 2)))
    else:
        below = engine.trained(first, torch.initial_seed())
    return stackgan.build(data, stage=2, first=below, **settings)


BUILDERS: dict[str, Callable[..., Game]] = {"two stages": two_stages}
STAGE = dict(system="stackgan", data="kinds", lr=8e-4, updates=SIZE["updates"])
HALF = SIZE["updates"] // 2
ARMS: dict[str, Arm] = {
    "Stage I": STAGE,
    "Stage I, no augmentation": STAGE | dict(augmented=False),
    # as many updates in all
    "one stage": STAGE | dict(data="large kinds"),
    "Stage I, half as long": STAGE | dict(updates=HALF),
    "two stages": STAGE | dict(system="two stages", first="Stage I, half as long", data="large kinds", updates=HALF),
    "Stage I, shown": STAGE | SHOWN,
    "Stage II, shown": STAGE | SHOWN | dict(system="two stages", first="Stage I, shown", data="huge kinds", width=16),
}
CLAIMS = [
    Claim("SV-STACK-C1", "with the conditioning augmentation the samples of one caption differ more",
          "Stage I", ("Stage I, no augmentation",), "sameness of a caption's samples"),
    Claim("SV-STACK-C2a", "two stages draw large pictures nearer to the truth than one stage with more upsampling",
          "two stages", ("one stage",), "error to the caption's picture"),
    Claim("SV-STACK-C2b", "two stages are the more stable: their error differs less between seeds",
          "two stages", ("one stage",), "error to the caption's picture", spread=True),
]  # fmt: skip
