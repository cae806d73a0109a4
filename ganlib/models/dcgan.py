"""DCGAN (Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional GANs").

The paper's guidelines (section 3), each marked where it is followed:
  1. strided convolutions (discriminator) and fractionally-strided convolutions (generator) instead of pooling;
  2. batch norm in both networks, but not at the generator's output nor the discriminator's input;
  3. no fully connected hidden layers;
  4. ReLU in the generator, tanh at its output;
  5. LeakyReLU in the discriminator, in all layers.
"""

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from ganlib.gan import GAN, Data, adam, check_latent, require, shape_of
from ganlib.objectives import LEAST_SQUARES, NON_SATURATING, Objective


def widths(shape: tuple[int, int, int], width: int) -> tuple[int, list[int]]:
    """The side of the coarsest maps (4 to 7) and the channels from there to the finest: 4 and [4w, 2w, w] at 32.

    Raises:
        ValueError: H and W differ, or cannot be halved down to 4...7.
    """
    _, side, w = shape
    require(side == w, f"shape is {tuple(shape)}; H and W must be equal")
    levels = 0
    while side > 7 and side % 2 == 0:
        side, levels = side // 2, levels + 1
    require(4 <= side <= 7 and levels, f"shape is {tuple(shape)}; H must be 4, 5, 6 or 7 times a power of two")
    return side, [width * 2**i for i in reversed(range(levels))]


class Generator(nn.Module):
    """From latents (N, latent_dim) to images (N, C, H, W) in [-1, 1]; ``width`` channels in the finest hidden maps."""

    def __init__(self, shape: tuple[int, int, int], width: int, latent_dim: int):
        super().__init__()
        self.latent_dim = latent_dim
        side, channels = widths(shape, width)
        # z is "projected and reshaped" (the paper's Figure 1): the one matrix product of the network (3)
        layers = [nn.Linear(latent_dim, channels[0] * side**2), nn.Unflatten(1, (channels[0], side, side))]
        for i, o in zip(channels, [*channels[1:], shape[0]]):
            layers += [nn.BatchNorm2d(i), nn.ReLU()]  # (2), (4)
            layers += [nn.ConvTranspose2d(i, o, 4, stride=2, padding=1)]  # (1): twice the side
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        check_latent(z, self.latent_dim)
        return self.layers(z)


class Discriminator(nn.Module):
    """From images (N, C, H, W) to logits (N,). ``features`` gives the last maps, flattened."""

    def __init__(self, shape: tuple[int, int, int], width: int, batch_norm: bool = True):
        super().__init__()
        side, channels = widths(shape, width)
        channels = [shape[0], *reversed(channels)]
        layers = []
        for i, o in zip(channels, channels[1:]):
            layers += [nn.Conv2d(i, o, 4, stride=2, padding=1)]  # (1): half the side
            layers += [nn.BatchNorm2d(o)] if batch_norm and len(layers) > 1 else []  # (2): not at the input
            layers += [nn.LeakyReLU(0.2)]  # (5)
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.logit = nn.Linear(channels[-1] * side**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.logit(self.features(x)).flatten()


def initialise_(module: nn.Module) -> nn.Module:
    """Radford's initialisation (section 4): every weight from N(0, 0.02); batch norm's scale from N(1, 0.02)."""
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d | nn.Linear):
            nn.init.normal_(m.weight, 0.0, 0.02)
            nn.init.zeros_(m.bias)
        elif isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.normal_(m.weight, 1.0, 0.02)
    return module


def spectral_norm_(module: nn.Module) -> nn.Module:
    """Divide every weight of a network by its largest singular value, in place (Miyato et al. 2018, Eq. 8)."""
    for m in list(module.modules()):
        if isinstance(m, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.Linear):
            parametrizations.spectral_norm(m)
    return module


class StableRank(nn.Module):
    """A weight with largest singular value 1 and stable rank at most ``limit`` (Sanyal et al. 2020, Algorithm 1).

    The stable rank is the sum of squared singular values over the largest one squared. Divided by the largest, a weight
    is u v' + R; where R is too large, it is made smaller as a whole. u and v are found by a step of power iteration
    each time that a network in training is used, as spectral norm finds them.
    """

    def __init__(self, weight: Tensor, limit: float):
        super().__init__()
        rows, columns = weight.flatten(1).shape
        self.limit = limit
        self.register_buffer("u", nn.functional.normalize(weight.detach().new_empty(rows).normal_(), dim=0))
        self.register_buffer("v", nn.functional.normalize(weight.detach().new_empty(columns).normal_(), dim=0))
        for _ in range(15):
            self.iterate(weight.detach().flatten(1))

    @torch.no_grad()
    def iterate(self, w: Tensor) -> None:
        self.v.copy_(nn.functional.normalize(w.T @ self.u, dim=0))
        self.u.copy_(nn.functional.normalize(w @ self.v, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        w = weight.flatten(1)
        if self.training:
            self.iterate(w)
        u, v = self.u.clone(), self.v.clone()  # the next step must not change what this backward pass needs
        first = torch.outer(u, v)
        rest = w / (u @ w @ v) - first
        room = math.sqrt(self.limit - 1) / rest.norm().clamp_min(1e-12)
        return (first + room.clamp_max(1) * rest).view_as(weight)


def stable_rank_norm_(module: nn.Module, c: float) -> nn.Module:
    """Give every weight spectral norm 1 and a stable rank of at most c times its rows or columns, in place.

    Args:
        c: in (0, 1]; 1 limits nothing but the spectral norm. No stable rank is below 1.

    Raises:
        ValueError: another c.
    """
    require(0 < c <= 1, f"c is {c}; it must be in (0, 1]")
    for m in list(module.modules()):
        if isinstance(m, nn.Conv2d | nn.Conv3d | nn.Linear):
            limit = max(1.0, c * min(m.weight.flatten(1).shape))
            parametrize.register_parametrization(m, "weight", StableRank(m.weight, limit))
    return module


def build(
    data: Data,
    *,
    width: int = 64,
    latent_dim: int = 100,
    objective: Objective = NON_SATURATING,
    spectral_norm: bool = False,
    stable_rank: float | None = None,
    generator_norm: bool = False,
    n_critic: int = 1,
    lr: float = 2e-4,
) -> GAN:
    """The game for images of a shape (C, H, W), with the paper's Adam (2e-4, beta_1 = 0.5) and initialisation.

    ``spectral_norm=True`` normalises the discriminator's weights and leaves out its batch norm; ``stable_rank`` does so
    too, and limits their stable ranks as well, to that share of a full rank (``stable_rank_norm_``). ``generator_norm``
    normalises the generator's weights, which keep their batch norm.
    """
    shape, normalised = shape_of(data), spectral_norm or stable_rank is not None
    generator = initialise_(Generator(shape, width, latent_dim))
    discriminator = initialise_(Discriminator(shape, width, batch_norm=not normalised))
    # after the initialisation: the normalised weight has norm 1, whatever the scale that was drawn
    if stable_rank is not None:
        stable_rank_norm_(discriminator, stable_rank)
    elif spectral_norm:
        spectral_norm_(discriminator)
    if generator_norm:
        spectral_norm_(generator)
    return GAN(
        generator, discriminator, objective, latent_dim, n_critic=n_critic, g_optimizer=adam(lr), d_optimizer=adam(lr)
    )


build_lsgan = partial(build, objective=LEAST_SQUARES)
build_lsgan.__doc__ = "DCGAN's networks with least-squares losses (Mao et al. 2017)."
