"""Progressive GAN (Karras, Aila, Laine and Lehtinen 2018, "Progressive Growing of GANs"): from 4 x 4 pixels upwards.

Both networks begin with their coarsest layers. From time to time each gets a block for pictures of twice the side,
which is faded in (the paper's Figure 2): with alpha from 0 to 1 the new block's picture takes the place of the old
one's, enlarged, and the discriminator's new block that of the picture, made smaller. The real pictures are faded alike.
Four inventions, each a switch (sections 2 to 4.2):

    stddev       the standard deviation of each feature over the batch, averaged to one number, as a map of its own
                 before the discriminator's last layers: a batch without variation is seen to be one
    equalised    weights from N(0, 1), scaled by He's constant each time that they are used
    pixel_norm   in the generator, the vector of features at each pixel is divided by its mean square's root
    grow         False trains the whole networks from the start

The schedule counts pictures: ``fade`` of them to fade a level in, ``stable`` before the next (800,000 in the paper).
"""

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu

from ganlib import parallel
from ganlib.gan import GAN, Data, adam, check_latent, require, shape_of, whole
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


def normalised(x: Tensor) -> Tensor:
    """Each pixel's features (N, C, ...) divided by the root of their mean square (section 4.2)."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def with_stddev(h: Tensor) -> Tensor:
    """Maps (N, C, H, W) and one more: the standard deviation over the batch, of all processes, averaged (section 3)."""
    # the root of 0, on a black border, say, would have no second derivative
    spread = (parallel.gather(h).var(0, unbiased=False) + 1e-8).sqrt().mean()
    return torch.cat([h, spread.expand(len(h), 1, *h.shape[2:])], dim=1)


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


class Generator(nn.Module):
    """From latents (N, latent_dim) to images (N, C, S, S) of a level, S = 4 * 2^level, in [-1, 1] as a rule.

    The last layer is linear, as the paper's: values may leave [-1, 1].
    """

    def __init__(self, shape: tuple[int, int, int], width: int, latent_dim: int, equalised: bool, normed: bool):
        super().__init__()
        self.latent_dim, self.normed = latent_dim, normed
        channels = channels_of(levels_of(shape), width)
        layer = partial(Convolution, equalised=equalised)
        # a 4 x 4 convolution of z, one pixel with zeros around it
        self.blocks = nn.ModuleList(
            [nn.ModuleList([layer(latent_dim, channels[0], 4, 3), layer(channels[0], channels[0], 3, 1)])]
        )
        for i, o in zip(channels, channels[1:]):
            self.blocks.append(nn.ModuleList([layer(i, o, 3, 1), layer(o, o, 3, 1)]))
        self.to_rgb = nn.ModuleList(layer(c, shape[0], 1, 0, gain=1.0) for c in channels)

    def block(self, level: int, x: Tensor) -> Tensor:
        for convolution in self.blocks[level]:
            x = leaky_relu(convolution(x), 0.2)
            x = normalised(x) if self.normed else x
        return x

    def forward(self, z: Tensor, level: int, alpha: float) -> Tensor:
        check_latent(z, self.latent_dim)
        x = self.block(0, (normalised(z) if self.normed else z)[:, :, None, None])
        for i in range(1, level + 1):
            before, x = x, self.block(i, twice(x))
        image = self.to_rgb[level](x)
        if alpha < 1:
            image = torch.lerp(twice(self.to_rgb[level - 1](before)), image, alpha)
        return image


class Discriminator(nn.Module):
    """From images (N, C, S, S) of a level to logits (N,): the generator's mirror; ``stddev`` adds a map at the end."""

    def __init__(self, shape: tuple[int, int, int], width: int, equalised: bool, stddev: bool):
        super().__init__()
        self.stddev = stddev
        channels = channels_of(levels_of(shape), width)
        layer = partial(Convolution, equalised=equalised)
        c = channels[0]
        self.blocks = nn.ModuleList([nn.ModuleList([layer(c + stddev, c, 3, 1), layer(c, c, 4, 0)])])
        for o, i in zip(channels, channels[1:]):
            self.blocks.append(nn.ModuleList([layer(i, i, 3, 1), layer(i, o, 3, 1)]))
        self.from_rgb = nn.ModuleList(layer(shape[0], c, 1, 0) for c in channels)
        self.logit = layer(c, 1, 1, 0, gain=1.0)

    def forward(self, x: Tensor, level: int, alpha: float) -> Tensor:
        h = leaky_relu(self.from_rgb[level](x), 0.2)
        for i in range(level, 0, -1):
            for convolution in self.blocks[i]:
                h = leaky_relu(convolution(h), 0.2)
            h = avg_pool2d(h, 2)
            if i == level and alpha < 1:
                h = torch.lerp(leaky_relu(self.from_rgb[i - 1](avg_pool2d(x, 2)), 0.2), h, alpha)
        h = with_stddev(h) if self.stddev else h
        for convolution in self.blocks[0]:
            h = leaky_relu(convolution(h), 0.2)
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
        *players, **settings: those of ``GAN``; the players take a level and an alpha beside their input.

    ``shown`` counts the real pictures, and is saved with the game: a run goes on in the middle of a fade.
    """

    def __init__(self, *players, levels: int, fade: int, stable: int, grow: bool = True, **settings):
        super().__init__(*players, **settings)
        self.levels, self.grow, self.shown = levels, grow, 0
        self.fade, self.stable = whole("fade", fade, least=0), whole("stable", stable)
        self.one_forward = False  # a batch of reals and fakes would have the spread of both

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, fade={self.fade}, stable={self.stable}, grow={self.grow}"

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.shown, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        self.shown = int(state)

    @property
    def now(self) -> dict[str, float]:
        """The level and the alpha that the players are at."""
        level, alpha = phase(self.shown, self.levels, self.fade, self.stable) if self.grow else (self.levels, 1.0)
        return {"level": level, "alpha": alpha}

    @property
    def critic(self) -> partial:
        return partial(self.discriminator, **self.now)

    def lowered(self, x: Tensor) -> Tensor:
        """Real pictures (N, C, H, W) at the game's level, faded as its fakes are."""
        level, alpha = self.now.values()
        x = avg_pool2d(x, 2 ** (self.levels - level)) if level < self.levels else x
        return torch.lerp(twice(avg_pool2d(x, 2)), x, alpha) if alpha < 1 else x

    @torch.no_grad()
    def fakes(self, z: Tensor, *told: Tensor) -> Tensor:
        """Fakes at the game's level, for the discriminator."""
        return self.generator(z, **self.now)

    def step(self, batches: Iterator[Tensor]) -> dict[str, Tensor]:
        """``GAN``'s step at the game's level; the pictures of its batches are then counted as shown."""
        drawn = [self.lowered(next(batches)) for _ in range(self.n_critic)]
        logs = super().step(iter(drawn))
        self.shown += sum(map(len, drawn)) * parallel.size()
        return logs

    def generator_step(self, batch: Tensor) -> dict[str, Tensor]:
        """One update of the generator on as many fresh fakes of the game's level as the batch has samples."""
        fake = self.generator(self.batch_latent(len(batch)), **self.now)
        loss = self.objective.g_loss(self.critic(fake)).mean()
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach()}

    def generate(self, z: Tensor, *told: Tensor) -> Tensor:
        """Pictures of full size (N, C, H, W) in [-1, 1]: those of the game's level, their pixels repeated."""
        now = self.now
        return interpolate(self.run(z, **now), scale_factor=2 ** (self.levels - now["level"]), mode="nearest").clamp(
            -1, 1
        )


def build(
    data: Data,
    *,
    grow: bool = True,
    stddev: bool = True,
    equalised: bool = True,
    pixel_norm: bool = True,
    loss: str = "r1",
    fade: int = 800_000,
    stable: int = 800_000,
    width: int = 16,
    latent_dim: int = 512,
    n_critic: int = 1,
    lr: float = 1e-3,
) -> ProGAN:
    """The game for images of a shape (C, H, H), H a power of two from 8 on, with the paper's Adam (1e-3, 0, 0.99).

    Args:
        grow, stddev, equalised, pixel_norm: the paper's inventions, each by itself.
        loss: "wgan_gp", the paper's choice, or "r1": non-saturating with Mescheder's penalty on reals, half as heavy.
        fade, stable: pictures to fade a level in, and to train it before the next.
        width: channels at full size; each level below has twice as many, up to 512.

    Raises:
        ValueError: another loss, a shape that cannot grow.
    """
    require(loss in ("wgan_gp", "r1"), f"loss is {loss!r}; it must be wgan_gp or r1")
    shape = shape_of(data)
    levels = levels_of(shape)
    generator = Generator(shape, width, latent_dim, equalised, pixel_norm)
    discriminator = Discriminator(shape, width, equalised, stddev)
    objective, penalty, penalty_fn = (
        (WASSERSTEIN, 10.0, gradient_penalty) if loss == "wgan_gp" else (NON_SATURATING, 1.0, r1)
    )
    rate = adam(lr, (0.0, 0.99))
    return ProGAN(
        generator, discriminator, objective, latent_dim, levels=levels, fade=fade, stable=stable, grow=grow,
        n_critic=n_critic, penalty=penalty, penalty_fn=penalty_fn, g_optimizer=rate, d_optimizer=rate,
    )  # fmt: skip
