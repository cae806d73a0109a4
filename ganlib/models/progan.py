"""Progressive GAN (Karras, Aila, Laine and Lehtinen 2018, "Progressive Growing of GANs"): from 4 x 4 pixels upwards.

Both networks begin with their coarsest layers. From time to time each gets a block for pictures of twice the side,
which is faded in (the paper's Figure 2): with alpha from 0 to 1 the new block's picture takes the place of the old
one's, enlarged, and the discriminator's new block that of the picture, made smaller. The real pictures are faded alike.
The paper's inventions, each a switch, so that Table 1 can be repeated row by row:

    grow         False trains the whole networks from the start
    variation    "stddev": the standard deviation of each feature over the batch, averaged to one number, as a map of
                 its own before the discriminator's last layers (section 3): a batch without variation is seen to be
                 one; "discrimination": Salimans's minibatch discrimination in its place, row (e*)
    equalised    weights from N(0, 1), scaled by He's constant each time that they are used (4.1)
    norm         "pixel": in the generator, the vector of features at each pixel is divided by its mean square's root
                 (4.2); "batch": batch norm in the generator and layer norm in the discriminator, rows (a) to (c)

The schedule counts pictures: ``fade`` of them to fade a level in, ``stable`` before the next (800,000 in the paper).
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from ganlib import parallel
from ganlib.checks import check_latent
from ganlib.gan import GAN, Data, adam, plain, require, shape_of, whole
from ganlib.objectives import NON_SATURATING, WASSERSTEIN, gradient_penalty, r1

DATA = "fashion10k"
MOST = 512  # channels, of the coarse levels of wide networks


class Convolution(nn.Conv2d):
    """A convolution with He's initialisation; equalised, its weights are N(0, 1) and scaled in every pass (4.1)."""

    def __init__(self, i: int, o: int, side: int, padding: int, equalised: bool, gain: float = math.sqrt(2)):
        super().__init__(i, o, side, padding=padding)
        scale = gain / math.sqrt(i * side**2)
        self.scale = scale if equalised else 1.0
        nn.init.normal_(self.weight, 0.0, 1.0 if equalised else scale)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class PixelNorm(nn.Module):
    """Each pixel's features (N, C, ...) divided by the root of their mean square (section 4.2)."""

    def forward(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class MinibatchStddev(nn.Module):
    """Maps (N, C, H, W) and one more: the standard deviation over the batch, of all processes, averaged (section 3)."""

    def forward(self, h: Tensor) -> Tensor:
        # the root of 0, on a black border, say, would have no second derivative
        spread = (parallel.gather(h).var(0, unbiased=False) + 1e-8).sqrt().mean()
        return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


class MinibatchDiscrimination(nn.Module):
    """Maps (N, C, H, W) and ``kernels`` more, constant over each picture (Salimans et al. 2016, section 3.2).

    M_i = f(x_i) T, of ``kernels`` rows; o(x_i)_b = sum over j of exp(-||M_ib - M_jb||_1): how near the others of the
    batch are.
    """

    def __init__(self, features: int, kernels: int = 8, dim: int = 5):
        super().__init__()
        self.T = nn.Parameter(torch.randn(features, kernels, dim) / math.sqrt(features))

    def forward(self, h: Tensor) -> Tensor:
        m = torch.einsum("nf, fbc -> nbc", h.flatten(1), self.T)
        distances = (m[:, None] - parallel.gather(m)).abs().sum(3)  # (N, N of all processes, kernels)
        near = torch.exp(-distances).sum(1)
        return torch.cat([h, near[:, :, None, None].expand(-1, -1, *h.shape[2:])], dim=1)


def twice(x: Tensor) -> Tensor:
    """Pictures of twice the side: each pixel four times."""
    return interpolate(x, scale_factor=2, mode="nearest")


def levels_of(shape: tuple[int, int, int]) -> int:
    """The level of pictures of full size; level 0 has 4 x 4 pixels.

    Raises:
        ValueError: H and W differ, or are no power of two from 8 on.
    """
    _, side, other = shape
    right = side == other and side >= 8 and side & (side - 1) == 0
    require(right, f"shape is {tuple(shape)}; H and W must be equal, a power of two and at least 8")
    return side.bit_length() - 3


def channels_of(levels: int, width: int) -> list[int]:
    """Channels from level 0 to the finest, which has ``width``: twice as many a level below, at most 512."""
    return [min(MOST, width * 2 ** (levels - level)) for level in range(levels + 1)]


class Growing(nn.Module):
    """A network with a block for each level, of which only those up to ``level`` are used; ``alpha`` fades the last."""

    def __init__(self, levels: int):
        super().__init__()
        self.levels = levels
        self.grow(levels)

    def grow(self, level: int, alpha: float = 1.0) -> None:
        """Use the blocks up to a level, 0 to the finest, the last of them faded in by alpha, 0 to 1."""
        require(0 <= level <= self.levels, f"level is {level}; it must be from 0 to {self.levels}")
        require(0 <= alpha <= 1, f"alpha is {alpha}; it must be from 0 to 1")
        self.level, self.alpha = level, alpha


class Generator(Growing):
    """From latents (N, latent_dim) to images (N, C, S, S) of its level, S = 4 * 2^level, in [-1, 1] as a rule.

    The last layer is linear, as the paper's: values may leave [-1, 1].
    """

    def __init__(self, shape: tuple[int, int, int], width: int, latent_dim: int, equalised: bool, norm: str | None):
        super().__init__(levels_of(shape))
        self.latent_dim = latent_dim
        channels = channels_of(self.levels, width)

        def layer(i: int, o: int, side: int, padding: int) -> nn.Sequential:
            batch, pixel = [nn.BatchNorm2d(o)] * (norm == "batch"), [PixelNorm()] * (norm == "pixel")
            return nn.Sequential(Convolution(i, o, side, padding, equalised), *batch, nn.LeakyReLU(0.2), *pixel)

        c = channels[0]
        pixel = [PixelNorm()] * (norm == "pixel")
        # a 4 x 4 convolution of z, one pixel with zeros around it
        first = nn.Sequential(
            *pixel, nn.Unflatten(1, (latent_dim, 1, 1)), layer(latent_dim, c, 4, 3), layer(c, c, 3, 1)
        )
        blocks = (nn.Sequential(nn.Upsample(scale_factor=2), layer(i, o, 3, 1), layer(o, o, 3, 1))
                  for i, o in zip(channels, channels[1:]))  # fmt: skip
        self.blocks = nn.ModuleList([first, *blocks])
        self.to_rgb = nn.ModuleList(Convolution(c, shape[0], 1, 0, equalised, gain=1.0) for c in channels)

    def forward(self, z: Tensor) -> Tensor:
        check_latent(z, self.latent_dim)
        x = self.blocks[0](z)
        for block in self.blocks[1 : self.level + 1]:
            before, x = x, block(x)
        image = self.to_rgb[self.level](x)
        if self.level and self.alpha < 1:  # Figure 2, on the left
            image = torch.lerp(twice(self.to_rgb[self.level - 1](before)), image, self.alpha)
        return image


class Discriminator(Growing):
    """From images (N, C, S, S) of its level to logits (N,): the generator's mirror image."""

    def __init__(
        self, shape: tuple[int, int, int], width: int, equalised: bool, norm: str | None, variation: str | None
    ):
        super().__init__(levels_of(shape))
        channels = channels_of(self.levels, width)

        def layer(i: int, o: int, side: int, padding: int) -> nn.Sequential:
            layer_norm = [nn.GroupNorm(1, o)] * (norm == "batch")
            return nn.Sequential(Convolution(i, o, side, padding, equalised), *layer_norm, nn.LeakyReLU(0.2))

        c = channels[0]
        varied, maps = {
            "stddev": ([MinibatchStddev()], 1),
            "discrimination": ([MinibatchDiscrimination(16 * c)], 8),
            None: ([], 0),
        }[variation]
        last = nn.Sequential(*varied, layer(c + maps, c, 3, 1), layer(c, c, 4, 0))
        blocks = (nn.Sequential(layer(i, i, 3, 1), layer(i, o, 3, 1), nn.AvgPool2d(2))
                  for o, i in zip(channels, channels[1:]))  # fmt: skip
        self.blocks = nn.ModuleList([last, *blocks])
        self.from_rgb = nn.ModuleList(
            nn.Sequential(Convolution(shape[0], c, 1, 0, equalised), nn.LeakyReLU(0.2)) for c in channels
        )
        self.logit = Convolution(c, 1, 1, 0, equalised, gain=1.0)

    def forward(self, x: Tensor) -> Tensor:
        h = self.from_rgb[self.level](x)
        if self.level:
            h = self.blocks[self.level](h)
            if self.alpha < 1:  # Figure 2, on the right
                h = torch.lerp(self.from_rgb[self.level - 1](avg_pool2d(x, 2)), h, self.alpha)
        for block in reversed(self.blocks[: max(1, self.level)]):
            h = block(h)
        return self.logit(h).flatten()


def phase(shown: int, levels: int, fade: int, stable: int) -> tuple[int, float]:
    """The level and the alpha after so many pictures: level 0 for ``stable``, then each for ``fade`` and ``stable``."""
    past = shown - stable
    if past < 0:
        return 0, 1.0
    level, within = divmod(past, fade + stable)
    return (levels, 1.0) if level >= levels else (level + 1, min(1.0, within / fade) if fade else 1.0)


class ProGAN(GAN):
    """A game whose networks grow with the pictures that it was shown.

    Args:
        levels: the level of full size.
        fade, stable: pictures to fade a level in, and to train it before the next.
        grow: False is the whole game from the start.
        *players, **settings: those of ``GAN``; the players are ``Growing``.

    ``shown`` counts the real pictures, and is saved with the game: a run goes on in the middle of a fade.
    """

    def __init__(self, *players, levels: int, fade: int, stable: int, grow: bool = True, **settings):
        super().__init__(*players, **settings)
        self.levels, self.grow, self.shown = levels, grow, 0
        self.fade, self.stable = whole("fade", fade, least=0), whole("stable", stable)
        self.one_forward = False  # a batch of reals and fakes would have the spread of both
        self.grown()

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, fade={self.fade}, stable={self.stable}, grow={self.grow}"

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.shown, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        self.shown = int(state)
        self.grown()

    def grown(self) -> None:
        """Set the players to the level and the alpha that so many pictures stand for."""
        for player in (self.generator, self.averaged, self.discriminator) if self.grow else ():
            if player is not None:
                plain(player).grow(*phase(self.shown, self.levels, self.fade, self.stable))

    def lowered(self, x: Tensor) -> Tensor:
        """Real pictures (N, C, H, W) at the game's level, faded as its fakes are."""
        level, alpha = plain(self.generator).level, plain(self.generator).alpha
        x = avg_pool2d(x, 2 ** (self.levels - level)) if level < self.levels else x
        return torch.lerp(twice(avg_pool2d(x, 2)), x, alpha) if alpha < 1 else x

    def step(self, batches: Iterator[Tensor]) -> dict[str, Tensor]:
        """``GAN``'s step at the game's level; the pictures of its batches are then counted as shown."""
        drawn = [self.lowered(next(batches)) for _ in range(self.n_critic)]
        logs = super().step(iter(drawn))
        self.shown += sum(map(len, drawn)) * parallel.size()
        self.grown()
        return logs

    def generate(self, z: Tensor, *told: Tensor) -> Tensor:
        """Pictures of full size (N, C, H, W) in [-1, 1]: those of the game's level, their pixels repeated."""
        image = self.run(z)
        return interpolate(image, scale_factor=2**self.levels * 4 // image.shape[-1], mode="nearest").clamp(-1, 1)


def build(
    data: Data,
    *,
    grow: bool = True,
    variation: str | None = "stddev",
    equalised: bool = True,
    norm: str | None = "pixel",
    loss: str = "r1",
    fade: int = 800_000,
    stable: int = 800_000,
    width: int = 16,
    latent_dim: int = 512,
    n_critic: int = 1,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.0, 0.99),
) -> ProGAN:
    """The game for images of a shape (C, H, H), H a power of two from 8 on, with the paper's Adam (1e-3, 0, 0.99).

    Args:
        grow, variation, equalised, norm: the paper's inventions, each by itself (see above); None is without.
        loss: "wgan_gp", the paper's choice, or "r1": non-saturating with Mescheder's penalty on reals, half as heavy.
        fade, stable: pictures to fade a level in, and to train it before the next.
        width: channels at full size; each level below has twice as many, up to 512.

    Raises:
        ValueError: another loss, variation or norm; a shape that cannot grow.
    """
    known = variation in ("stddev", "discrimination", None)
    require(known, f"variation is {variation!r}; it must be stddev, discrimination or None")
    require(norm in ("pixel", "batch", None), f"norm is {norm!r}; it must be pixel, batch or None")
    require(loss in ("wgan_gp", "r1"), f"loss is {loss!r}; it must be wgan_gp or r1")
    shape = shape_of(data)
    generator = Generator(shape, width, latent_dim, equalised, norm)
    discriminator = Discriminator(shape, width, equalised, norm, variation)
    objective, penalty, penalty_fn = (
        (WASSERSTEIN, 10.0, gradient_penalty) if loss == "wgan_gp" else (NON_SATURATING, 1.0, r1)
    )
    rate = adam(lr, betas)
    return ProGAN(
        generator, discriminator, objective, latent_dim, levels=generator.levels, fade=fade, stable=stable, grow=grow,
        n_critic=n_critic, penalty=penalty, penalty_fn=penalty_fn, g_optimizer=rate, d_optimizer=rate,
    )  # fmt: skip
