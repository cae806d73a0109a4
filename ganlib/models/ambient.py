"""AmbientGAN (Bora, Price and Dimakis 2018): a generator of whole pictures, from pictures that nobody saw whole.

The data are measurements Y = f_Theta(X): each picture was blocked, cut, blurred or projected once, with a Theta of its
own, and X itself is gone (``data.measured`` has the paper's measurements). The generator makes X; before the
discriminator looks, its fakes are measured too:

    min_G max_D  E q(D(Y^r)) + E q(1 - D(f_Theta(G(Z)))),   q = log, or the identity (a critic).

If the distribution of Y determines that of X, the best G has the distribution of X, although no single X can be told
from its Y (the paper's Lemma 5.1).
"""

from functools import partial

import torch
from torch import Tensor

from ganlib import parallel
from ganlib.data.measured import MEASUREMENTS as MEASUREMENTS
from ganlib.data.measured import Measure, measurement
from ganlib.gan import GAN, Data, described, require
from ganlib.models import dcgan, wgan_gp

DATA = "blocked-digits"
BASES = {"dcgan": partial(dcgan.build, spectral_norm=True), "wgan_gp": wgan_gp.build}


class AmbientGAN(GAN):
    """A base game whose fakes are measured before its discriminator sees them; ``sample`` gives them whole.

    Args:
        base: a game of pictures whose players learn by ``GAN``'s own step; they go on with their optimisers.
        measure: from pictures to measurements of the same shape, with a Theta of its own for each.

    Raises:
        ValueError: another base.
    """

    def __init__(self, base: GAN, measure: Measure):
        own = type(base).step is GAN.step and type(base).generator_step is GAN.generator_step and not base.conditional
        require(own, f"base is a {type(base).__name__}; its players must learn by GAN's own step")
        super().__init__(
            base.generator, base.discriminator, base.objective, base.latent_dim,
            n_critic=base.n_critic, penalty=base.penalty, clip=base.clip, penalty_fn=base.penalty_fn,
            g_optimizer=lambda _: base.optimizers["generator"], d_optimizer=lambda _: base.optimizers["discriminator"],
        )  # fmt: skip
        self.measure = measure

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, measure={described(self.measure)}"

    def measured(self, fake: Tensor) -> Tensor:
        """f_Theta of each fake; of several processes all draw the Theta of all, as one process would."""
        return parallel.share(self.measure(parallel.gather(fake)))

    @torch.no_grad()
    def fakes(self, z: Tensor, *told: Tensor) -> Tensor:
        """f_Theta(G(z)), for the discriminator."""
        return self.measured(super().fakes(z, *told))

    def generator_step(self, batch: Tensor) -> dict[str, Tensor]:
        """One update of G, through a fresh measurement of each fake."""
        fake = self.measured(self.generator(self.batch_latent(len(batch))))
        loss = self.objective.g_loss(self.critic(fake)).mean()
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach()}


def build(
    data: Data,
    *,
    measure: str | Measure = "block-pixels",
    base: str = "dcgan",
    width: int = 64,
    latent_dim: int = 100,
    lr: float = 2e-4,
) -> AmbientGAN:
    """The game for measured pictures (see ``ganlib.data.measured``).

    Args:
        measure: a name of ``MEASUREMENTS``, or any function from pictures to pictures; a ``partial`` sets parameters.
        base: "dcgan" with spectral norm (q = log), or "wgan_gp" (q the identity).

    Raises:
        ValueError: another base or measurement.
    """
    require(base in BASES, f"base is {base!r}; it must be one of {', '.join(BASES)}")
    game = BASES[base](data, width=width, latent_dim=latent_dim, lr=lr)
    return AmbientGAN(game, measurement(measure) if isinstance(measure, str) else measure)
