"""The lens (Sajjadi, Parascandolo, Mehrjou and Schölkopf 2018, "Tempered Adversarial Networks").

A generator chases a fixed target. A lens L, a small network between the reals and the discriminator, lets the target
come to meet it: the discriminator sees L(x) and G(z). The lens minimises (section 2)

    L_L = lambda * L_L^A + L_L^R,

where L_L^A is the discriminator's loss on fakes, now on lensed reals (``Objective.lens_loss``: the paper's section 2
for the original game, Eq. 3 for LSGAN, Eq. 6 for WGAN-GP), and L_L^R = ||x - L(x)||^2. As lambda falls from 1 to 0 in
K steps (Eq. 7), the lens becomes the identity; from then on the game is the base game.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ganlib.gan import GAN, Data, OptimizerFactory, adam, require, shape_of
from ganlib.models import dcgan, wgan_gp
from ganlib.objectives import of_a_sigmoid

BASES = {"dcgan": dcgan.build, "lsgan": dcgan.build_lsgan, "wgan_gp": wgan_gp.build}


def lens_weight(t: int, K: float) -> float:
    """lambda at the t-th step (Eq. 7): 1 - sin(t pi / 2K) for t <= K, then 0; K = 0 is no lens, K = inf always 1."""
    return 1 - math.sin(t * math.pi / (2 * K)) if t <= K and K > 0 else 0.0


class Block(nn.Module):
    """x + conv(relu(conv(x))), with 3x3 convolutions and stride 1."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(torch.relu(self.conv1(x)))


class Lens(nn.Module):
    """From images (N, C, H, W) to images of the same shape: 8 residual blocks and one more residual around them all.

    The paper's Figure 3. L(x) is not kept in [-1, 1]: a clamp would stop the gradient there. No sample feels another.
    """

    def __init__(self, channels: int, width: int = 64, blocks: int = 8):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            *(Block(width) for _ in range(blocks)),
            nn.Conv2d(width, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class LensGAN(GAN):
    """A game whose generator learns by ``GAN``'s own step; its discriminator sees lensed reals for the first K steps.

    Args:
        base: the game; its players, objective, optimisers and penalty go on as they were.
        lens: from images to images of the same shape.
        K: steps until the lens is the identity and leaves the game; 0 never has it, ``math.inf`` keeps lambda at 1.
        adversarial: factor of L_L^A beside lambda; 0 is the control that only learns to reconstruct.
        reconstruction: factor of L_L^R as a *mean* over pixels. The paper prints ||x - L(x)||^2 and does not say mean
            or sum: the sum is ``reconstruction=C * H * W``. 0 leaves the term out.
        l_optimizer: factory of the lens's optimiser; None is ``adam()``.

    ``t`` counts the steps made, and is saved with the game.

    Raises:
        ValueError: a negative number, or a base with a generator's step of its own, such as ``ChainGAN``.
    """

    def __init__(
        self,
        base: GAN,
        lens: nn.Module,
        K: float = 100_000,
        adversarial: float = 1.0,
        reconstruction: float = 1.0,
        l_optimizer: OptimizerFactory | None = None,
    ):
        own = type(base).generator_step is GAN.generator_step and not base.conditional
        require(own, f"base is a {type(base).__name__}; its generator must learn by GAN's own step")
        for name, number in dict(K=K, adversarial=adversarial, reconstruction=reconstruction).items():
            require(number >= 0, f"{name} is {number}; it must not be negative")
        super().__init__(
            base.generator, base.discriminator, base.objective, base.latent_dim,
            n_critic=base.n_critic, penalty=base.penalty, clip=base.clip, penalty_fn=base.penalty_fn,
            g_optimizer=lambda _: base.optimizers["generator"], d_optimizer=lambda _: base.optimizers["discriminator"],
        )  # fmt: skip
        self.add_player("lens", lens, l_optimizer)
        self.K, self.adversarial, self.reconstruction, self.t = K, adversarial, reconstruction, 0

    def extra_repr(self) -> str:
        return (
            f"{super().extra_repr()}, K={self.K}, adversarial={self.adversarial}, reconstruction={self.reconstruction}"
        )

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.t, device="cpu")  # in the state_dict: a run that goes on goes on with its lambda

    def set_extra_state(self, state: Tensor) -> None:
        self.t = int(state)

    def step(self, batches: Iterator[Tensor]) -> dict[str, Tensor]:
        """The base game's step on lensed reals, then one update of the lens; for t > K the base game's step alone.

        Adds lens_loss (L_L^A) and reconstruction (L_L^R, the mean over pixels) to the logs; both are 0 for t > K.
        """
        self.t += 1
        if self.t > self.K:
            zero = torch.zeros((), device=self.device)
            return super().step(batches) | {"lens_loss": zero, "reconstruction": zero}
        reals = [next(batches) for _ in range(self.n_critic)]
        with torch.no_grad():  # the discriminator's loss does not train the lens
            lensed = self.lens(torch.cat(reals)).split([len(real) for real in reals])
        return super().step(iter(lensed)) | self.lens_step(reals[-1])

    def lens_step(self, real: Tensor) -> dict[str, Tensor]:
        """One update of the lens on a batch of reals: against the discriminator, and towards the identity."""
        lensed = self.lens(real)
        adversarial = self.objective.lens_loss(self.discriminator(lensed)).mean()  # L_L^A
        reconstruction = (real - lensed).square().mean()  # L_L^R
        weight = self.adversarial * lens_weight(self.t, self.K)  # Eq. 7
        self.descend(weight * adversarial + self.reconstruction * reconstruction, self.optimizers["lens"])
        return {"lens_loss": adversarial.detach(), "reconstruction": reconstruction.detach()}


def xavier_(module: nn.Module) -> nn.Module:
    """Glorot and Bengio's initialisation (the paper's A.2), biases at 0."""
    for m in module.modules():
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.xavier_uniform_(m.weight)
            nn.init.zeros_(m.bias)
    return module


def build(
    data: Data,
    *,
    base: str = "dcgan",
    width: int = 64,
    lens_width: int | None = None,
    latent_dim: int = 100,
    K: float = 100_000,
    adversarial: float = 1.0,
    reconstruction: float = 1.0,
    sigmoid: bool = False,
    lr: float = 1e-4,
) -> LensGAN:
    """The game for images of a shape (C, H, W): Xavier's initialisation, Adam at 1e-4 for every player.

    One seed gives the base game the same initial weights whatever K: ``K=0`` is the arm without a lens.

    Args:
        base: "dcgan" (the original objective), "lsgan" or "wgan_gp".
        lens_width: channels in the lens; None is ``width``.
        K, adversarial, reconstruction: see ``LensGAN``. The paper has K = 10^5 in its text and 10^4 under Figure 2.
        sigmoid: the discriminator's sigmoid stays before the losses. A.1 drops it for WGAN-GP only, so the paper's
            LSGAN has one.

    Raises:
        ValueError: another base.
    """
    require(base in BASES, f"base is {base!r}; it must be one of {', '.join(BASES)}")
    game = BASES[base](data, width=width, latent_dim=latent_dim, lr=lr)
    xavier_(game.generator), xavier_(game.discriminator)
    if sigmoid:
        game.objective = of_a_sigmoid(game.objective)
    lens = xavier_(Lens(shape_of(data)[0], lens_width or width))
    return LensGAN(game, lens, K, adversarial, reconstruction, l_optimizer=adam(lr))
