"""GRAN (Im, Kim, Jiang and Memisevic 2016, "Generating images with recurrent adversarial networks").

The generator is a recurrent network that draws T times on one canvas. Eqs. 5-9, for t = 1 ... T:

    z_t   ~ p(Z)                       one z for all steps, or with ``fresh_noise`` a new one at each     (5)
    h_c,t = g(dC_{t-1})                what was drawn last, encoded; dC_0 is undefined, so h_c,1 = 0     (6)
    h_z,t = tanh(W z_t + b)                                                                              (7)
    dC_t  = f([h_z,t, h_c,t])          the next thing to draw, decoded                                   (8)
    C     = sigma(dC_1 + ... + dC_T)                                                                     (9)

f is DCGAN's generator: one linear layer, then transposed convolutions. g is its mirror image: convolutions, then one
linear layer. The paper's pixels are in [0, 1]; here the canvas is rescaled to [-1, 1]. With T = 1 there is no g, and
what is left is DCGAN with one more linear layer, that of Eq. 7.

Table 5 in this file's words (the paper does not say how long h_z and h_c are; here both are as long as z):

    MNIST     build((1, 28, 28), kernels=(80, 40, 1), latent_dim=60, steps=...)
    CIFAR-10  build((3, 32, 32), kernels=(1024, 512, 216, 3), latent_dim=100, steps=...)
    LSUN      build((3, 64, 64), kernels=(1024, 512, 216, 128, 3), latent_dim=100, steps=...)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, linear, relu

from ganlib.gan import GAN, Data, adam, check_latent, require, shape_of
from ganlib.models.dcgan import initialise_, widths
from ganlib.objectives import NON_SATURATING


class StepNorm(nn.BatchNorm2d):
    """Batch norm that keeps the running statistics of every step apart; scale and shift are common to all.

    The first step (h_c = 0) gives other maps than the next ones: their average would fit none of them in eval mode
    (Cooijmans et al. 2017, "Recurrent batch normalization"). Steps beyond the last take the last one's.
    """

    def __init__(self, channels: int, steps: int):
        super().__init__(channels)
        self.running_mean = torch.zeros(steps, channels)
        self.running_var = torch.ones(steps, channels)

    def forward(self, x: Tensor, t: int) -> Tensor:
        t = min(t, len(self.running_mean) - 1)
        mean, var = self.running_mean[t], self.running_var[t]  # views: training updates them in place
        return batch_norm(x, mean, var, self.weight, self.bias, self.training, self.momentum, self.eps)


class GRANGenerator(nn.Module):
    """From latents (N, latent_dim) to images (N, C, H, W) in [-1, 1], drawn in steps.

    Args:
        kernels: channels from the coarsest maps to the image, such as (80, 40, 1): the side doubles at each comma.
        side: the side of the coarsest maps.
        latent_dim: length of one z, and of h_z and h_c.
        steps: T of the training. The attribute may be set to another number later, to draw with that.
        kernel_size: side of every kernel.
        tied: g's weights are f's, transposed; g then owns only its biases and norms.
        fresh_noise: a new z at every step; the latents are then (N, steps * latent_dim), one z after the other.
    """

    def __init__(
        self,
        kernels: Sequence[int],
        side: int,
        latent_dim: int,
        steps: int,
        kernel_size: int = 5,
        tied: bool = False,
        fresh_noise: bool = False,
    ):
        super().__init__()
        require(steps >= 1, f"steps is {steps}; it must be at least 1")
        self.latent_dim, self.steps, self.tied, self.fresh_noise = latent_dim, steps, tied, fresh_noise
        same = dict(kernel_size=kernel_size, stride=2, padding=(kernel_size - 1) // 2)  # twice the side, or half of it
        pairs = list(zip(kernels, kernels[1:]))
        self.first_maps = (kernels[0], side, side)
        flat = kernels[0] * side**2

        self.f_linear = nn.Linear(latent_dim if steps == 1 else 2 * latent_dim, flat)
        self.f_norms = nn.ModuleList(StepNorm(i, steps) for i, _ in pairs)
        self.f_convs = nn.ModuleList(nn.ConvTranspose2d(i, o, output_padding=kernel_size % 2, **same) for i, o in pairs)
        if steps > 1:
            self.g_convs = nn.ModuleList(nn.Conv2d(o, i, **same) for i, o in reversed(pairs))
            self.g_norms = nn.ModuleList(StepNorm(i, steps) for i, _ in reversed(pairs))
            self.g_linear = nn.Linear(flat, latent_dim)
        initialise_(self)
        # not by DCGAN's initialisation: with weights that small, tanh(Wz + b) would stay close to 0
        self.h_z = nn.Sequential(nn.Linear(latent_dim, latent_dim), nn.Tanh())
        if steps > 1 and tied:
            for conv, transposed in zip(self.g_convs, reversed(self.f_convs)):
                conv.weight = transposed.weight  # one parameter: out x in of the one is in x out of the other
            self.g_linear.weight = None  # g reads f_linear's

    def extra_repr(self) -> str:
        return f"latent_dim={self.latent_dim}, steps={self.steps}, tied={self.tied}, fresh_noise={self.fresh_noise}"

    def f(self, h: Tensor, t: int) -> Tensor:
        """The decoder: from [h_z, h_c] (N, 2 latent_dim) to an update of the canvas dC (N, C, H, W), unbounded."""
        x = self.f_linear(h).unflatten(1, self.first_maps)
        for norm, conv in zip(self.f_norms, self.f_convs):
            x = conv(relu(norm(x, t)))
        return x

    def g(self, update: Tensor, t: int) -> Tensor:
        """The encoder: from an update dC (N, C, H, W) to h_c (N, latent_dim) in (-1, 1), "the same domain" as h_z."""
        x = update
        for conv, norm in zip(self.g_convs, self.g_norms):
            x = relu(norm(conv(x), t))
        weight = self.f_linear.weight[:, self.latent_dim :].T if self.tied else self.g_linear.weight
        return torch.tanh(linear(x.flatten(1), weight, self.g_linear.bias))

    def canvases(self, z: Tensor, steps: int | None = None) -> Tensor:
        """The canvas after every step (steps, N, C, H, W) in [-1, 1]: Algorithm 1.

        ``steps`` may be more (or fewer) than in training; with fresh noise z must hold a latent for each of them.

        Raises:
            ValueError: z of a wrong shape, steps below 1, or more than one step from a generator without g.
        """
        steps = self.steps if steps is None else steps
        require(steps >= 1, f"steps is {steps}; it must be at least 1")
        require(steps == 1 or hasattr(self, "g_linear"), f"steps is {steps}; a generator trained with 1 step has no g")
        check_latent(z, self.latent_dim * (steps if self.fresh_noise else 1))
        zs = z.split(self.latent_dim, dim=1) if self.fresh_noise else [z] * steps  # (5)
        total, update, canvases = 0, None, []
        for t, z_t in enumerate(zs):
            h = self.h_z(z_t)  # (7)
            if hasattr(self, "g_linear"):
                h_c = torch.zeros_like(h) if update is None else self.g(update, t)  # (6)
                h = torch.cat([h, h_c], dim=1)
            update = self.f(h, t)  # (8)
            total = total + update
            canvases.append(2 * torch.sigmoid(total) - 1)  # (9), from the paper's [0, 1] to [-1, 1]
        return torch.stack(canvases)

    def forward(self, z: Tensor, steps: int | None = None) -> Tensor:
        return self.canvases(z, steps)[-1]


class Discriminator(nn.Module):
    """From images (N, C, H, W) to logits (N,): f mirrored once more, with LeakyReLU. ``features`` are its last maps."""

    def __init__(self, kernels: Sequence[int], side: int, kernel_size: int = 5):
        super().__init__()
        channels, layers = list(reversed(kernels)), []
        for i, o in zip(channels, channels[1:]):
            layers += [nn.Conv2d(i, o, kernel_size, stride=2, padding=(kernel_size - 1) // 2)]
            layers += [nn.BatchNorm2d(o)] if len(layers) > 1 else []
            layers += [nn.LeakyReLU(0.2)]
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.logit = nn.Linear(kernels[0] * side**2, 1)
        initialise_(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.logit(self.features(x)).flatten()


def build(
    data: Data,
    *,
    steps: int = 3,
    width: int = 40,
    kernels: Sequence[int] | None = None,
    latent_dim: int = 100,
    kernel_size: int = 5,
    tied: bool = False,
    fresh_noise: bool = False,
    g_lr: float = 2e-4,
    d_lr: float = 4e-4,
) -> GAN:
    """The game for images of a shape (C, H, W).

    Args:
        steps: T; the paper has 1, 3 and 5.
        width: channels in the finest hidden maps, doubled at each coarser level: 40 gives Table 5's (80, 40, 1).
        kernels: all the channels, from the coarsest maps to the image; they take the place of ``width``.
        tied, fresh_noise: see ``GRANGenerator``.
        g_lr, d_lr: Adam's rates. "Importantly, we used different learning rates"; the paper does not say which.

    Raises:
        ValueError: kernels that do not end in C, or that cannot be halved so often in H.
    """
    channels, height, _ = shape = shape_of(data)
    if kernels is None:
        _, hidden = widths(shape, width)
        kernels = (*hidden, channels)
    levels = len(kernels) - 1
    require(kernels[-1] == channels, f"kernels is {tuple(kernels)}; the last must be the image's {channels} channels")
    require(
        levels >= 1 and height == shape[2] and height % 2**levels == 0,
        f"kernels is {tuple(kernels)}; H = W = {height} cannot be halved {levels} times",
    )
    side = height // 2**levels
    return GAN(
        GRANGenerator(kernels, side, latent_dim, steps, kernel_size, tied, fresh_noise),
        Discriminator(kernels, side, kernel_size),
        NON_SATURATING,
        latent_dim * (steps if fresh_noise else 1),
        g_optimizer=adam(g_lr), d_optimizer=adam(d_lr),
    )  # fmt: skip
