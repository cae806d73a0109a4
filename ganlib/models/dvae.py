"""The denoising variational autoencoder (Im, Ahn, Memisevic and Bengio 2016, "Denoising criterion for variational
auto-encoding framework"); without noise it is the VAE of Kingma and Welling 2014.

The encoder sees a corrupted image x~ and the decoder must give back the clean one. With x~ ~ p(x~ | x), q the encoder,
p the decoder and prior p(z) = N(0, I), training ascends (the paper's Eq. 7)

    L(x) = E_x~ [ E_z~q(z|x~) log p(x | z)  -  KL( q(z | x~) || p(z) ) ]   <=   log p(x).

p(x | z) is a product of Bernoulli probabilities, one for each number of the image; grey pixels in [0, 1] are read as
probabilities themselves, as is usual for MNIST. GRAN's paper lets its discriminators judge this model's samples (its
Table 3); ``draw.DRAW`` is the other one they judge.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ganlib.budget import device, private_seed
from ganlib.gan import Game, adam, check_latent, require


def kl_to_standard_normal(mean: Tensor, log_std: Tensor) -> Tensor:
    """KL( N(mean, std^2) || N(0, I) ) summed over the last axis: (N, d) -> (N,) (Kingma and Welling, appendix B)."""
    return (0.5 * (mean.square() + (2 * log_std).exp() - 1) - log_std).sum(-1)


def bernoulli_loss(logits: Tensor, x: Tensor) -> Tensor:
    """-log p(x | z) of images x (N, C, H, W) in [0, 1] under the decoder's logits of the same shape: (N,), in nats."""
    return binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


class VariationalModel(Game):
    """What DVAE and DRAW share: for ``fit`` a game with one player, the model itself, that ascends a bound.

    A model has ``terms(x)`` and ``decode(z)``; its constructor ends with ``self.start(lr)``.
    """

    latent_dim: int

    def start(self, lr: float) -> None:
        """Move to ``ganlib.device()`` and make the optimiser."""
        self.to(device())
        self.optimizers["model"] = adam(lr, (0.9, 0.999))(self.parameters())

    def terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """For images (N, C, H, W) in [-1, 1]: -log p(x | z) with one draw of z, and the KL term. Both (N,), in nats."""
        raise NotImplementedError

    def decode(self, z: Tensor) -> Tensor:
        """The logits (N, C, H, W) of p(x | z) for latents (N, latent_dim)."""
        raise NotImplementedError

    def step(self, batches: Iterator[Tensor]) -> dict[str, Tensor]:
        """One update on one batch; ``loss`` = ``reconstruction`` + ``kl`` is the negative bound, in nats an image."""
        reconstruction, kl = (term.mean() for term in self.terms(next(batches)))
        loss = reconstruction + kl
        self.descend(loss, self.optimizers["model"])
        return {"loss": loss.detach(), "reconstruction": reconstruction.detach(), "kl": kl.detach()}

    def latent(self, n: int) -> Tensor:
        """n latents from the prior N(0, I), shape (n, latent_dim)."""
        return torch.randn(n, self.latent_dim, device=self.device, dtype=self.dtype)

    @torch.no_grad()
    def generate(self, z: Tensor) -> Tensor:
        """Images (N, C, H, W) in [-1, 1] from latents: each number is its probability, rescaled."""
        check_latent(z, self.latent_dim)
        return 2 * torch.sigmoid(self.decode(z)) - 1

    def sample(self, n: int, seed: int | None = None) -> Tensor:
        """n images (n, C, H, W) in [-1, 1]; the same seed gives the same picture, None draws fresh ones."""
        require(n >= 1, f"n is {n}; it must be at least 1")
        with private_seed(seed, self.device):
            return self.generate(self.latent(n))


class DVAE(VariationalModel):
    """Two perceptrons of one hidden layer each, for images of a shape (C, H, W).

    Args:
        width: hidden units.
        noise: standard deviation of the Gaussian noise on the encoder's input, whose pixels are in [0, 1]; 0: a VAE.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        width: int = 256,
        latent_dim: int = 20,
        noise: float = 0.25,
        lr: float = 1e-3,
    ):
        super().__init__()
        require(noise >= 0, f"noise is {noise}; it must not be negative")
        self.latent_dim, self.noise = latent_dim, noise
        pixels = math.prod(shape)
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, width), nn.ReLU(), nn.Linear(width, 2 * latent_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, width), nn.ReLU(), nn.Linear(width, pixels), nn.Unflatten(1, shape)
        )
        self.start(lr)

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, noise={self.noise}"

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of q(z | x), each (N, latent_dim), for images in [0, 1]."""
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z)

    def terms(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = (x + 1) / 2
        mean, log_std = self.encode(x + self.noise * torch.randn_like(x))
        z = mean + log_std.exp() * torch.randn_like(mean)  # the noise moves, not the distribution
        return bernoulli_loss(self.decode(z), x), kl_to_standard_normal(mean, log_std)
