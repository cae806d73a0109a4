"""Random projections (Neyshabur, Bhojanapalli and Chakrabarti 2017, "Stabilizing GAN Training with Multiple Random
Projections"): one generator against K discriminators, each of which sees a fixed random projection of every picture.

    min_G sum_k max_{D_k}  E log D_k(W_k x) + E log(1 - D_k(W_k G(z)))            (section 3)

W_k throws most of x away, so no D_k can separate reals from fakes perfectly, and its gradients do not vanish; only a
generator that is right in every projection fools all of them. W_k is a convolution of stride 2 with a kernel of side 8,
drawn from N(0, 1) and scaled to length 1 (section 4).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from ganlib.gan import GAN, Data, adam, shape_of, whole
from ganlib.models.dcgan import Generator, initialise_, spectral_norm_, widths
from ganlib.objectives import NON_SATURATING, Objective


class Projected(nn.Module):
    """K discriminators side by side, one group of channels each. ``each`` gives all logits (N, K).

    As one discriminator, from images (N, C, H, W) to logits (N,), it answers with the mean of the K.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, k: int):
        super().__init__()
        kernels = torch.randn(k, shape[0], 8, 8)
        self.register_buffer("kernels", kernels / kernels.flatten(1).norm(dim=1)[:, None, None, None])
        side, channels = widths((1, shape[1] // 2, shape[2] // 2), width)
        channels = [1, *reversed(channels)]
        layers = []
        for i, o in zip(channels, channels[1:]):
            layers += [nn.Conv2d(k * i, k * o, 4, stride=2, padding=1, groups=k), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(k * channels[-1], k, side, groups=k))

    def project(self, x: Tensor) -> Tensor:
        """The K projections (N, K, H/2, W/2) of images."""
        return conv2d(x, self.kernels, stride=2, padding=3)

    def each(self, x: Tensor) -> Tensor:
        return self.layers(self.project(x)).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.each(x).mean(1)


class ProjectedGAN(GAN):
    """``GAN``, but every loss is of all K discriminators, and their mean over samples and K is what moves the players.

    A player's Adam does not mind the factor 1 / K, and each D_k has only its own share of the loss.
    """

    @property
    def critic(self) -> Callable[[Tensor], Tensor]:
        return self.discriminator.each


def build(
    data: Data,
    *,
    k: int = 12,
    width: int = 64,
    latent_dim: int = 100,
    objective: Objective = NON_SATURATING,
    spectral_norm: bool = False,
    lr: float = 2e-4,
) -> ProjectedGAN:
    """The game for images of a shape (C, H, W), H = W 8 to 14 times a power of two, with DCGAN's generator.

    Args:
        k: how many discriminators, each behind a projection of its own; the paper has 12 to 48.
        spectral_norm: on the discriminators. They have no batch norm: a batch of one projection tells too much.
    """
    shape = shape_of(data)
    generator = initialise_(Generator(shape, width, latent_dim))
    discriminator = Projected(shape, width, whole("k", k))
    initialise_(discriminator)
    if spectral_norm:
        spectral_norm_(discriminator)
    return ProjectedGAN(generator, discriminator, objective, latent_dim, g_optimizer=adam(lr), d_optimizer=adam(lr))
