"""PrGAN (Gadelha, Maji and Wang 2017, "3D Shape Induction from 2D Views of Multiple Objects"): shapes that nobody saw.

The data are silhouettes, one of each object, and from where it was taken is not known. The generator makes voxels V
from z, turns them to a view that it draws too, and projects them (section 3.1):

    P((i, j), V) = 1 - exp(-sum_k V(i, j, k)),

1 where a ray along k meets something, 0 where it meets nothing, and smooth between. The discriminator sees pictures
alone. Deviations: V may be multiplied by a ``density`` other than 1; the views are turns about the vertical axis; the
networks are those of 3D-GAN and DCGAN here.
"""

import math

import torch
from torch import Tensor, nn

from ganlib.budget import private_seed
from ganlib.gan import GAN, Data, adam, require, shape_of, whole
from ganlib.models import cgan, dcgan, gan3d
from ganlib.objectives import NON_SATURATING, Objective
from ganlib.pictures import turned, upright

DATA = "silhouettes"
EMPTY = -2.0  # where the voxels begin: nearly empty, since behind a full block no ray learns anything


def projection(voxels: Tensor, density: float = 1.0) -> Tensor:
    """Silhouettes (N, 1, D, D) in [0, 1], seen along y, of occupancies (N, 1, D, D, D) in [0, 1]."""
    return upright(1 - torch.exp(-density * voxels.sum(3)))


class Generator(nn.Module):
    """From latents (N, latent_dim) to silhouettes (N, 1, D, D) in [-1, 1]; the last number of z is the view.

    A view is one of ``views`` equal turns; with y (N,) it is not drawn but told. ``shape`` makes the voxels
    (N, 1, D, D, D) in [-1, 1] from the other numbers, and with ``solid`` they are the answer.
    """

    def __init__(self, side: int, width: int, latent_dim: int, views: int, density: float):
        super().__init__()
        self.latent_dim, self.views, self.density = latent_dim, views, density
        self.shape = gan3d.Generator((1, side, side, side), width, latent_dim - 1)

    def forward(self, z: Tensor, y: Tensor | None = None, solid: bool = False) -> Tensor:
        shape = self.shape(z[:, :-1])
        if solid:
            return shape
        if y is None:
            share = torch.special.ndtr(z[:, -1])  # uniform where z is normal
            y = (share * self.views).long().clamp_max(self.views - 1)
        seen = turned((shape + 1) / 2, y.to(z.dtype) * (2 * math.pi / self.views))
        return 2 * projection(seen, self.density) - 1

    def extra_repr(self) -> str:
        return f"views={self.views}, density={self.density}"


def shapes(gan: GAN, n: int, seed: int | None = None) -> Tensor:
    """The n shapes (n, 1, D, D, D) in [-1, 1] of which ``gan.sample(n, seed)`` shows the silhouettes."""
    whole("n", n)
    with private_seed(seed, gan.device):
        return gan.run(gan.latent(n), solid=True)


def build(
    data: Data,
    *,
    posed: bool = False,
    views: int = 8,
    density: float = 1.0,
    width: int = 64,
    latent_dim: int = 201,
    objective: Objective = NON_SATURATING,
    spectral_norm: bool = True,
    lr: float = 2e-3,
    d_lr: float = 4e-4,
) -> GAN:
    """The game for silhouettes (1, D, D), D 4 to 7 times a power of two.

    Args:
        posed: both players are told each picture's view, the y of the data: what would be known of posed pictures.
        views: how many turns there are.
        density: how much a full voxel takes away of a ray's light: exp(-density) passes.
        spectral_norm: on the discriminator, in the place of its batch norm.
    """
    shape = shape_of(data)
    require(len(shape) == 3 and shape[0] == 1, f"shape is {shape}; it must be (1, D, D), of silhouettes")
    require(whole("latent_dim", latent_dim, least=2) and density > 0, f"density is {density}; it must be positive")
    generator = dcgan.initialise_(Generator(shape[1], width, latent_dim, whole("views", views), density))
    last = [m for m in generator.modules() if isinstance(m, nn.ConvTranspose3d)][-1]
    nn.init.constant_(last.bias, EMPTY)
    rates = dict(g_optimizer=adam(lr), d_optimizer=adam(d_lr))
    if posed:
        discriminator = cgan.Discriminator(shape, width, views, "planes", batch_norm=not spectral_norm)
    else:
        discriminator = dcgan.Discriminator(shape, width, batch_norm=not spectral_norm)
    dcgan.initialise_(discriminator)
    if spectral_norm:
        dcgan.spectral_norm_(discriminator)
    if not posed:
        return GAN(generator, discriminator, objective, latent_dim, **rates)
    return cgan.ConditionalGAN(generator, discriminator, objective, latent_dim, **rates, **cgan.known(data, views)[1])
