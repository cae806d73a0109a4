"""WGAN (Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN").

The discriminator becomes a critic f without a sigmoid. By the Kantorovich-Rubinstein duality (the paper's Eq. 2)

    W1(P_r, P_g) = sup over 1-Lipschitz f of  E f(x) - E f(G(z)),

so a trained critic measures a distance that has a slope everywhere. Its weights are clamped to [-c, c] after every
update (Algorithm 1, line 7), which bounds its Lipschitz constant. "Recent Advances in GANs" (Frank and Juracek) trains
the same on CIFAR-10 with DCGAN's networks.
"""

from functools import partial

from torch.optim import RMSprop

from ganlib.gan import GAN, Data, shape_of
from ganlib.models.dcgan import Discriminator, Generator, initialise_
from ganlib.objectives import WASSERSTEIN


def build(
    data: Data,
    *,
    width: int = 64,
    latent_dim: int = 100,
    clip: float = 0.01,
    n_critic: int = 5,
    lr: float = 5e-5,
) -> GAN:
    """The game for images of a shape (C, H, W), with Algorithm 1's defaults: c = 0.01, n_critic = 5, RMSprop at 5e-5.

    Momentum makes the critic's training unstable (section 4), hence RMSprop.
    """
    shape = shape_of(data)
    generator = initialise_(Generator(shape, width, latent_dim))
    critic = initialise_(Discriminator(shape, width))
    rmsprop = partial(RMSprop, lr=lr)
    return GAN(
        generator,
        critic,
        WASSERSTEIN,
        latent_dim,
        n_critic=n_critic,
        clip=clip,
        g_optimizer=rmsprop,
        d_optimizer=rmsprop,
    )
