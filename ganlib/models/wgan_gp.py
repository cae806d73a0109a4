"""WGAN-GP (Gulrajani, Ahmed, Arjovsky, Dumoulin and Courville 2017, "Improved Training of Wasserstein GANs").

Instead of clipped weights, the norm of the critic's gradient is pulled to 1 on the segments between reals and fakes
(Eq. 3; ``objectives.gradient_penalty``). A penalty on each sample's own gradient needs a critic that does not mix
samples, so the critic has no batch norm (section 4, "No critic batch normalization"); layer norm may take its place.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from ganlib.gan import GAN, Data, adam, check_latent, require, shape_of
from ganlib.models import dcgan, vanilla
from ganlib.objectives import WASSERSTEIN


class ResBlock(nn.Module):
    """x + conv(relu(norm(conv(relu(norm(x)))))), with 3x3 convolutions (the paper's appendix C).

    Args:
        i, o: channels in and out.
        norm: a norm of so many channels, or None.
        resample: "up" doubles the side before the first convolution, "down" halves it after the second.
    """

    def __init__(self, i: int, o: int, norm: type[nn.Module] | None = None, resample: str | None = None):
        super().__init__()
        self.resample = resample
        self.norm1, self.norm2 = (norm(i), norm(o)) if norm else (nn.Identity(), nn.Identity())
        self.conv1, self.conv2 = nn.Conv2d(i, o, 3, padding=1), nn.Conv2d(o, o, 3, padding=1)
        self.shortcut = nn.Identity() if i == o else nn.Conv2d(i, o, 1)

    def forward(self, x: Tensor) -> Tensor:
        def up(y: Tensor) -> Tensor:
            return interpolate(y, scale_factor=2) if self.resample == "up" else y

        def down(y: Tensor) -> Tensor:
            return avg_pool2d(y, 2) if self.resample == "down" else y

        y = self.conv1(up(torch.relu(self.norm1(x))))
        y = self.conv2(torch.relu(self.norm2(y)))
        return down(self.shortcut(up(x))) + down(y)

    def extra_repr(self) -> str:
        return f"resample={self.resample}"


def layer_norm(channels: int) -> nn.Module:
    """Normalise each sample over all of C, H and W, with a scale and a shift for each channel."""
    return nn.GroupNorm(1, channels)


class ResNetGenerator(nn.Module):
    """From latents (N, latent_dim) to images (N, C, H, W): a block that doubles the side for each level."""

    def __init__(self, shape: tuple[int, int, int], width: int, latent_dim: int):
        super().__init__()
        self.latent_dim = latent_dim
        side, channels = dcgan.widths(shape, width)
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, width * side**2), nn.Unflatten(1, (width, side, side)),
            *(ResBlock(width, width, nn.BatchNorm2d, "up") for _ in channels),
            nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, shape[0], 3, padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        check_latent(z, self.latent_dim)
        return self.layers(z)


class ResNetCritic(nn.Module):
    """From images (N, C, H, W) to logits (N,): two blocks that halve the side, two that keep it, the mean of each map.

    ``norm`` is None or ``layer_norm``; the first block has none, as in the paper.
    """

    def __init__(self, shape: tuple[int, int, int], width: int, norm: type[nn.Module] | None = None):
        super().__init__()
        self.blocks = nn.Sequential(
            nn.Conv2d(shape[0], width, 3, padding=1),
            ResBlock(width, width, None, "down"),
            ResBlock(width, width, norm, "down"),
            ResBlock(width, width, norm),
            ResBlock(width, width, norm),
            nn.ReLU(),
        )
        self.logit = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.logit(self.blocks(x).mean(dim=(2, 3))).flatten()


def build(
    data: Data,
    *,
    networks: str = "dcgan",
    width: int | None = None,
    latent_dim: int = 128,
    penalty: float = 10.0,
    n_critic: int = 5,
    layer_norm_critic: bool = False,
    lr: float = 1e-4,
    betas: tuple[float, float] = (0.5, 0.9),
) -> GAN:
    """The game for images of a shape (C, H, W): lambda = 10, n_critic = 5, Adam at 1e-4.

    ``betas`` are those of the authors' own code for CIFAR-10, and ChainGAN's; the paper's Algorithm 1 has (0, 0.9).

    Args:
        networks: "dcgan" (DCGAN's without batch norm in the critic; width 64), "resnet" (the paper's for CIFAR-10;
            width 128) or "perceptron" (width 256).
        layer_norm_critic: layer norm in the ResNet's critic.

    Raises:
        ValueError: another name of networks.
    """
    shape = shape_of(data)
    if networks == "dcgan":
        width = width or 64
        generator = dcgan.initialise_(dcgan.Generator(shape, width, latent_dim))
        critic = dcgan.initialise_(dcgan.Discriminator(shape, width, batch_norm=False))
    elif networks == "resnet":
        width = width or 128
        generator = ResNetGenerator(shape, width, latent_dim)
        critic = ResNetCritic(shape, width, layer_norm if layer_norm_critic else None)
    else:
        require(networks == "perceptron", f"networks is {networks!r}; it must be 'dcgan', 'resnet' or 'perceptron'")
        width = width or 256
        generator, critic = vanilla.Generator(shape, width, latent_dim), vanilla.Discriminator(shape, width)
    optimizer = adam(lr, betas)
    return GAN(
        generator, critic, WASSERSTEIN, latent_dim,
        n_critic=n_critic, penalty=penalty, g_optimizer=optimizer, d_optimizer=optimizer,
    )  # fmt: skip
