"""The vanilla GAN: two perceptrons and the minimax game (Goodfellow et al. 2014, "Generative Adversarial Nets").

The paper's digits came from a perceptron generator with rectified and sigmoid units and a maxout discriminator with
dropout, trained by momentum. Here both players are plain leaky-rectified perceptrons with Adam, which need no tuning.
"""

import math

from torch import Tensor, nn

from ganlib.gan import GAN, Data, adam, check_latent, shape_of
from ganlib.objectives import NON_SATURATING, Objective


class Generator(nn.Module):
    """A perceptron from latents (N, latent_dim) to images (N, C, H, W) in [-1, 1]."""

    def __init__(self, shape: tuple[int, int, int], width: int, latent_dim: int):
        super().__init__()
        self.latent_dim = latent_dim
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, width), nn.LeakyReLU(0.2),
            nn.Linear(width, 2 * width), nn.LeakyReLU(0.2),
            nn.Linear(2 * width, math.prod(shape)), nn.Tanh(),
            nn.Unflatten(1, shape),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        check_latent(z, self.latent_dim)
        return self.layers(z)


class Discriminator(nn.Module):
    """A perceptron from images (N, C, H, W) to logits (N,)."""

    def __init__(self, shape: tuple[int, int, int], width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(math.prod(shape), 2 * width), nn.LeakyReLU(0.2),
            nn.Linear(2 * width, width), nn.LeakyReLU(0.2),
            nn.Linear(width, 1), nn.Flatten(0),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def build(
    data: Data,
    *,
    width: int = 256,
    latent_dim: int = 64,
    objective: Objective = NON_SATURATING,
    n_critic: int = 1,
    lr: float = 2e-4,
) -> GAN:
    """The game for images of a shape (C, H, W); ``n_critic`` is the k of Algorithm 1, and k = 1 the paper's choice.

    ``objective=MINIMAX`` is Eq. 1 to the letter; the default is the generator's loss that the paper trains with
    (section 3: "maximize log D(G(z))").
    """
    shape = shape_of(data)
    return GAN(
        Generator(shape, width, latent_dim),
        Discriminator(shape, width),
        objective,
        latent_dim,
        n_critic=n_critic, g_optimizer=adam(lr), d_optimizer=adam(lr),
    )  # fmt: skip
