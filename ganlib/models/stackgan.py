"""StackGAN (Zhang et al. 2017, "StackGAN: Text to Photo-realistic Image Synthesis with Stacked GANs"): two stages.

Stage I sketches a small picture from a caption, Stage II reads the caption again and draws the large one over it.
Neither hears the caption itself, but a drawing from around it, the conditioning augmentation:

    c ~ N(mu(phi_t), Sigma(phi_t)), Sigma diagonal, with D_KL(N(mu, Sigma) || N(0, I))             (2)
    L_D0 = E log D0(I0, phi_t) + E log(1 - D0(G0(z, c0), phi_t))                                   (3)
    L_G0 = E log(1 - D0(G0(z, c0), phi_t)) + lambda D_KL(N(mu0, Sigma0) || N(0, I))                (4)
    L_D = E log D(I, phi_t) + E log(1 - D(G(s0, c), phi_t)), s0 drawn by Stage I; there is no z    (5)
    L_G = E log(1 - D(G(s0, c), phi_t)) + lambda D_KL(N(mu, Sigma) || N(0, I))                     (6)

D ascends L_D. Lambda is not printed: 0.03 is our choice. Both discriminators see wrong texts, as GAN-INT-CLS's. The
noise of c is part of the game's latent, so that one latent is one picture.

Deviations: those of ``gan_int_cls``; a text's vector is longer and Sigma starts smaller than a fresh layer's, since at
this size the noise otherwise drowns the caption; the networks are DCGAN's, with two residual blocks in Stage II.
"""

import copy

import torch
from torch import Tensor, nn

from ganlib.data import Labelled
from ganlib.data.texts import LENGTH
from ganlib.gan import Data, OptimizerFactory, adam, plain, require, shape_of
from ganlib.models import dcgan
from ganlib.models.gan_int_cls import TEXT, Discriminator, TextGAN, heard, remembered
from ganlib.objectives import NON_SATURATING, Objective

DATA = "emoji"
LOG_SIGMA = -2.0  # where log sigma starts


class Augmentation(nn.Module):
    """The Gaussian N(mu, diag(sigma^2)) around a text (N, 256), in ``TEXT`` numbers (Eq. 2)."""

    def __init__(self, text: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(text, nn.Linear(LENGTH, 2 * TEXT))

    def forward(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log sigma, both (N, TEXT)."""
        mu, log_sigma = self.layers(y).chunk(2, dim=1)
        return mu, log_sigma + LOG_SIGMA

    def draw(self, y: Tensor, noise: Tensor) -> Tensor:
        """c = mu + sigma * noise, for noise (N, TEXT) from N(0, 1); without noise, (N, 0), the mean itself."""
        mu, log_sigma = self(y)
        return mu + log_sigma.exp() * noise if noise.shape[1] else mu

    def divergence(self, y: Tensor) -> Tensor:
        """D_KL(N(mu, Sigma) || N(0, I)) = sum (mu^2 + sigma^2 - 1) / 2 - log sigma, (N,)."""
        mu, log_sigma = self(y)
        return ((mu.square() + (2 * log_sigma).exp() - 1) / 2 - log_sigma).sum(1)


class Stage1(nn.Module):
    """From latents (N, latent_dim) and texts (N, 256) to images; z comes first, then ``noise`` numbers for c."""

    def __init__(self, shape: tuple[int, int, int], width: int, latent_dim: int, noise: int, text: nn.Module):
        super().__init__()
        self.split = [latent_dim - noise, noise]
        self.augmentation = Augmentation(text)
        self.images = dcgan.Generator(shape, width, latent_dim - noise + TEXT)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        z, noise = z.split(self.split, dim=1)
        return self.images(torch.cat([z, self.augmentation.draw(y, noise)], dim=1))


class Residual(nn.Module):
    """x + F(x) for maps (N, channels, H, W), with batch norm."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1), nn.BatchNorm2d(channels),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return (x + self.layers(x)).relu()


class Stage2(nn.Module):
    """From the latents of ``first`` and ``noise`` numbers more, and texts (N, 256), to images of twice the side.

    ``first``, a trained Stage I, is frozen: it draws s0 in eval mode and is nobody's to move.
    """

    def __init__(self, first: nn.Module, shape: tuple[int, int, int], width: int, noise: int, text: nn.Module):
        super().__init__()
        self.first, self.noise = first.requires_grad_(False).eval(), noise
        self.augmentation = Augmentation(text)
        w = 4 * width
        self.down = nn.Sequential(
            nn.Conv2d(shape[0], width, 3, padding=1), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.Conv2d(2 * width, w, 4, stride=2, padding=1), nn.BatchNorm2d(w), nn.ReLU(),
        )  # fmt: skip
        self.joint = nn.Sequential(nn.Conv2d(w + TEXT, w, 3, padding=1), nn.BatchNorm2d(w), nn.ReLU())
        self.up = nn.Sequential(
            Residual(w), Residual(w),
            nn.ConvTranspose2d(w, 2 * width, 4, stride=2, padding=1), nn.BatchNorm2d(2 * width), nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.ConvTranspose2d(width, shape[0], 4, stride=2, padding=1), nn.Tanh(),
        )  # fmt: skip

    def train(self, mode: bool = True) -> "Stage2":
        super().train(mode)
        self.first.eval()  # its batch norm has learnt what it knows
        return self

    def sketch(self, z: Tensor, y: Tensor) -> Tensor:
        """s0, the picture (N, C, H / 2, W / 2) of Stage I."""
        return self.first(z[:, : z.shape[1] - self.noise], y)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        maps = self.down(self.sketch(z, y))
        c = self.augmentation.draw(y, z[:, z.shape[1] - self.noise :])
        return self.up(self.joint(torch.cat([maps, c[:, :, None, None].expand(-1, -1, *maps.shape[2:])], dim=1)))


class StackGAN(TextGAN):
    """The game of one stage: ``TextGAN`` with ``lambda_kl`` times the divergence in the generator's loss.

    Args:
        lambda_kl: the paper's lambda; 0 leaves the spread around a text to itself.
        *players, **settings: those of ``TextGAN``; the generator has an ``augmentation``.
    """

    def __init__(self, *players, lambda_kl: float, **settings):
        super().__init__(*players, **settings)
        require(lambda_kl >= 0, f"lambda_kl is {lambda_kl}; it must not be negative")
        self.lambda_kl = lambda_kl

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, lambda_kl={self.lambda_kl}"

    def generator_step(self, batch: Labelled) -> dict[str, Tensor]:
        """One update of G (Eqs. 4, 6)."""
        fake = self.generator(self.batch_latent(len(batch.y)), batch.y)
        loss = self.objective.g_loss(self.critic(fake, batch.y)).mean()
        divergence = self.generator.augmentation.divergence(batch.y).mean()
        self.descend(loss + self.lambda_kl * divergence, self.optimizers["generator"])
        return {"g_loss": loss.detach(), "divergence": divergence.detach()}


def trainable(factory: OptimizerFactory) -> OptimizerFactory:
    """The optimiser of those parameters that are not frozen."""
    return lambda parameters: factory([p for p in parameters if p.requires_grad])


def build(
    data: Data,
    *,
    stage: int = 1,
    first: StackGAN | None = None,
    augmented: bool = True,
    lambda_kl: float = 0.03,
    matching: bool = True,
    encoder: str = "hashed",
    width: int = 64,
    latent_dim: int = 100,
    objective: Objective = NON_SATURATING,
    lr: float = 2e-4,
) -> StackGAN:
    """The game of a stage for pictures with captions; pictures of H pixels are answered by pictures of H pixels.

    Args:
        stage: 1, or 2 on top of ``first``.
        first: the game of Stage I at half the side, trained, whose generator (or its average) is copied and frozen.
        augmented: False hears a caption's mean alone, and has no divergence: what the paper's claim is against.
        latent_dim: length of Stage I's z; the noise of each stage's c comes beside it.

    Raises:
        ValueError: another stage, a first stage that does not fit, a set without captions.
    """
    require(stage in (1, 2), f"stage is {stage!r}; it must be 1 or 2")
    require(
        (first is not None) == (stage == 2),
        f"stage is {stage}; first= is the trained game below stage 2, and of it alone",
    )
    shape, noise = shape_of(data), TEXT if augmented else 0
    if stage == 1:
        latent_dim += noise
        generator = Stage1(shape, width, latent_dim, noise, heard(encoder))
        dcgan.initialise_(generator.images)
    else:
        below = tuple(first.sample(1, seed=0).shape[1:])
        half = (shape[0], shape[1] // 2, shape[2] // 2)
        require(below == half, f"first makes images {below}; below {shape} it must make {half}")
        frozen = copy.deepcopy(plain(first.averaged or first.generator))
        latent_dim = first.latent_dim + noise
        generator = Stage2(frozen, shape, width, noise, heard(encoder))
    discriminator = dcgan.initialise_(Discriminator(shape, width, heard(encoder)))
    rates = dict(g_optimizer=trainable(adam(lr)), d_optimizer=adam(lr))
    return StackGAN(
        generator, discriminator, objective, latent_dim, lambda_kl=lambda_kl if augmented else 0.0, matching=matching,
        **rates, **remembered(data),
    )  # fmt: skip
