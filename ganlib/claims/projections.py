"""Random projections (Neyshabur et al. 2017): no discriminator separates perfectly, so the gradients stay stable."""

import copy
import math
import statistics
from collections.abc import Callable
from typing import Any

import torch

from ganlib.claims.claim import FASTER, SIZE, Arm, Claim, Run
from ganlib.data import Images, Set, to_float
from ganlib.gan import GAN, Data, Game, adam, shape_of
from ganlib.models.dcgan import Discriminator, Generator, initialise_
from ganlib.models.projections import ProjectedGAN
from ganlib.objectives import NON_SATURATING


class Whole(GAN):
    """The rival: one discriminator that sees whole pictures, without batch norm as those behind projections."""


def whole(data: Data, *, width: int, lr: float) -> Whole:
    shape = shape_of(data)
    generator = initialise_(Generator(shape, width, 100))
    discriminator = initialise_(Discriminator(shape, width, batch_norm=False))
    return Whole(generator, discriminator, NON_SATURATING, 100, g_optimizer=adam(lr), d_optimizer=adam(lr))


BUILDERS: dict[str, Callable[..., Game]] = {"whole": whole}
SETTINGS = dict(width=2 * SIZE["width"] // 3, lr=2e-4 * FASTER, updates=2 * SIZE["updates"] // 3)
ARMS: dict[str, Arm] = {
    "whole picture": dict(system="whole", **SETTINGS),
    **{f"K = {k}": dict(system="projections", k=k, **SETTINGS) for k in (1, 4, 16)},
}


def gradient_norm(game: GAN) -> float:
    """The norm of the gradient of the generator's loss in its parameters, for 64 latents that are always the same."""
    game = copy.deepcopy(game)  # batch norm takes note of what it sees
    game.generator.eval()  # its batch norm must not take this batch into account
    torch.manual_seed(0)
    z = game.latent(64)
    loss = game.objective.g_loss(game.critic(game.generator(z))).mean()
    gradients = torch.autograd.grad(loss, list(game.generator.parameters()))
    return math.sqrt(math.fsum(g.square().sum().item() for g in gradients))


@torch.no_grad()
def accuracy(game: GAN, test: Images) -> float:
    """The share of 500 held-out reals and as many fakes that a discriminator tells right, the mean over all K."""
    real, fake = to_float(test.x[:500]), game.sample(500, seed=0)
    right = (game.critic(real) > 0).float().mean() + (game.critic(fake) < 0).float().mean()
    return right.item() / 2


def watched(gan: Game, test: Set) -> dict[str, Callable[[Game], Any]]:
    if not isinstance(gan, ProjectedGAN | Whole):
        return {}
    return {"gradient": gradient_norm, "accuracy": lambda game: accuracy(game, test)}


def second_half(values: list[float]) -> list[float]:
    return values[len(values) // 2 :]


def deviation(values: list[float]) -> float:
    """The standard deviation; of a run so short that it has one value, 0."""
    return statistics.stdev(values) if len(values) > 1 else 0.0


MEASURES: dict[str, Callable[[Run], float]] = {
    "accuracy of D": lambda run: statistics.mean(second_half(run["accuracy"])),
    "spread of log gradient": lambda run: deviation([math.log(value) for value in second_half(run["gradient"])]),
}

CLAIMS = [
    Claim(
        "SV-PROJ-C1a",
        "A discriminator behind one of 16 projections separates reals from fakes less well than one that sees all",
        "K = 16",
        ("whole picture",),
        "accuracy of D",
    ),
    Claim(
        "SV-PROJ-C1b",
        "With 16 of them the generator's gradient varies less over the second half of the training",
        "K = 16",
        ("whole picture",),
        "spread of log gradient",
    ),
    Claim("SV-PROJ-C1c", "FID is lower with 16 projections than with one", "K = 16", ("K = 1",), "last_fid"),
    Claim(
        "SV-PROJ-C1d",
        "FID is lower with 16 projections than with one discriminator that sees all",
        "K = 16",
        ("whole picture",),
        "last_fid",
    ),
    Claim(
        "SV-PROJ-C1e",
        "FID varies less between seeds with 16 projections than with one",
        "K = 16",
        ("K = 1",),
        "last_fid",
        spread=True,
    ),
]
