"""ChainGAN (Hossain, Jamali, Li and Rudzicz, "ChainGAN: A Sequential Approach to GANs").

A small base generator makes a crude sample, and a chain of editors improves it step by step (Eq. 4):

    x~_0 = G_b(z),    x~_i = E_i(x~_{i-1}),    i = 1 ... n.

G_b and the editors are the links 0 ... n of the chain. Each learns alone, from what a critic says of its own output:
at every iteration a link i is drawn, its critic D_i learns, then its parameters theta_i move, and nothing else does.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ganlib.gan import GAN, Data, adam, check_latent, require, shape_of, whole
from ganlib.models.dcgan import widths
from ganlib.objectives import WASSERSTEIN


class ResBlock(nn.Module):
    """1x1 convolution of x + conv(relu(conv(relu(x)))), with 3x3 convolutions, from i to o channels (section 7.4.1).

    Type I is ``resample="down", first=True`` (no ReLU before the first convolution: x is an image), type II is
    ``resample="down"``, type III ``resample="up", batch_norm=True``, type IV is the default, which keeps the side.
    """

    def __init__(self, i: int, o: int, resample: str | None = None, batch_norm: bool = False, first: bool = False):
        super().__init__()
        up = [nn.Upsample(scale_factor=2)] if resample == "up" else []
        down = [nn.AvgPool2d(2)] if resample == "down" else []

        def relu(channels: int) -> list[nn.Module]:
            return [nn.BatchNorm2d(channels), nn.ReLU()] if batch_norm else [nn.ReLU()]

        before = [] if first else relu(i)
        convolutions = nn.Conv2d(i, o, 3, padding=1), *relu(o), nn.Conv2d(o, o, 3, padding=1)
        self.residual = nn.Sequential(*before, *up, *convolutions, *down)
        # a 1x1 convolution and a resampling may change places: this order convolves the smaller maps
        self.shortcut = nn.Sequential(*down, nn.Conv2d(i, o, 1), *up)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.residual(x)


class Editor(nn.Sequential):
    """From images (N, channels, H, W) to better images: three type IV blocks of d maps and a convolution.

    Section 7.4.1 prints d = 34. ``batch_norm=True`` puts a batch norm before each ReLU of the blocks; the paper calls
    type IV "similar to types II and III", which differ in just that. The tanh, which keeps the range, is ours.
    """

    def __init__(self, channels: int, d: int = 34, batch_norm: bool = False):
        blocks = [ResBlock(i, d, batch_norm=batch_norm) for i in (channels, d, d)]
        super().__init__(*blocks, nn.Conv2d(d, channels, 3, padding=1), nn.Tanh())


class Base(nn.Sequential):
    """A base generator: from latents (N, latent_dim) by a linear layer and more to images (N, C, H, W)."""

    def forward(self, z: Tensor) -> Tensor:
        check_latent(z, self[0].in_features)
        return super().forward(z)


def dcgan_base(shape: tuple[int, int, int], width: int, latent_dim: int) -> Base:
    """Section 7.4.2; ``width`` is its d, the coarsest maps.

    The first batch norm is over all numbers of the linear layer (16 d where the coarsest maps are 4x4). The transposed
    convolutions are 2x2 with stride 2, so the patches that they paint do not overlap.
    """
    side, levels = widths(shape, 1)  # 4 and [4, 2, 1] at 32 pixels
    require(width % levels[0] == 0, f"width is {width}; it must be a multiple of {levels[0]}")
    flat, channels = width * side**2, [width // c for c in reversed(levels)]  # d, d/2, d/4
    layers = [nn.Linear(latent_dim, flat), nn.BatchNorm1d(flat), nn.ReLU(), nn.Unflatten(1, (width, side, side))]
    for i, o in zip(channels, channels[1:]):
        layers += [nn.ConvTranspose2d(i, o, 2, stride=2), nn.BatchNorm2d(o), nn.ReLU()]
    return Base(*layers, nn.ConvTranspose2d(channels[-1], shape[0], 2, stride=2), nn.Tanh())


def resnet_base(shape: tuple[int, int, int], width: int, latent_dim: int) -> Base:
    """Section 7.4.1: a type III block of ``width`` = d maps for each doubling of the side."""
    side, levels = widths(shape, width)
    layers = [nn.Linear(latent_dim, width * side**2), nn.Unflatten(1, (width, side, side))]
    layers += [ResBlock(width, width, "up", batch_norm=True) for _ in levels]
    return Base(*layers, nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, shape[0], 3, padding=1), nn.Tanh())


def dcgan_trunk(shape: tuple[int, int, int], width: int) -> tuple[nn.Module, int]:
    """All of the DCGAN critic but its last layer (section 7.4.2), and its number of features. No batch norm."""
    side, channels = widths(shape, width)
    channels = [shape[0], *reversed(channels)]  # d, 2d, 4d at 32 pixels
    layers = []
    for i, o in zip(channels, channels[1:]):
        layers += [nn.Conv2d(i, o, 3, stride=2, padding=1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten()), channels[-1] * side**2


def resnet_trunk(shape: tuple[int, int, int], width: int) -> tuple[nn.Module, int]:
    """All of the ResNet critic but its last layer (section 7.4.1), and its number of features.

    The paper's fourth block is printed as "Down" from 4x4 to 4x4: it keeps the side.
    """
    side, levels = widths(shape, width)
    blocks = [ResBlock(shape[0], width, "down", first=True)]
    blocks += [ResBlock(width, width, "down") for _ in levels[1:]] + [ResBlock(width, width)]
    return nn.Sequential(*blocks, nn.ReLU(), nn.Flatten()), width * side**2


class ChainGenerator(nn.Module):
    """``links[0]`` is the base, any generator of the course; ``links[i]`` is E_i, from images to images."""

    def __init__(self, base: nn.Module, editors: Iterable[nn.Module]):
        super().__init__()
        self.links = nn.ModuleList([base, *editors])

    def samples(self, z: Tensor, upto: int | None = None) -> list[Tensor]:
        """[x~_0, ..., x~_upto], each (N, C, H, W) (Eq. 4); None is the whole chain."""
        x = [z]
        for link in self.links if upto is None else self.cut(upto).links:
            x.append(link(x[-1]))
        return x[1:]

    def forward(self, z: Tensor, upto: int | None = None) -> Tensor:
        """x~_upto (N, C, H, W): the chain may be cut after any link (section 3.3)."""
        return self.samples(z, upto)[-1]

    def cut(self, upto: int) -> "ChainGenerator":
        """The chain of links 0 ... upto, sharing its networks with this one; ``ValueError`` without such a link."""
        n = len(self.links) - 1
        require(0 <= upto <= n, f"upto is {upto}; it must be a link of this chain, from 0 (the base) to {n}")
        shorter = ChainGenerator(self.links[0], self.links[1 : upto + 1])
        shorter.training = self.training  # of this one module: the links keep the mode that they are in
        return shorter


class MultiCritic(nn.Module):
    """The critics D_0 ... D_n, which share all but the last linear layer (section 7.3, Figure 7).

    ``trunk`` maps images to features (N, F); ``heads`` are linear layers to one number, a head for each link, or a
    single one that judges all links.
    """

    def __init__(self, trunk: nn.Module, heads: Iterable[nn.Module]):
        super().__init__()
        self.trunk, self.heads = trunk, nn.ModuleList(heads)

    def forward(self, x: Tensor, link: int = -1) -> Tensor:
        """D_link of images (N, C, H, W), logits (N,). The default is the critic of the last link."""
        head = self.heads[link if len(self.heads) > 1 else 0]
        return head(self.trunk(x)).flatten()


class ChainGAN(GAN):
    """Algorithm 1, with a ``ChainGenerator``, a ``MultiCritic`` and the settings of ``GAN``.

    Each player has one optimiser for all of its links or heads: those that are not used have no gradient at all (None).
    A gradient of zero would not do, since Adam's momentum would move them.

    Args:
        end_to_end: the ablation: the last link is always drawn, and what its critic says moves the whole chain.
        game: what link i maximises. None is D_i(x~_i); the two games between editors (section 5) are
            "rival", D_i(x~_i) - weight D_{i-1}(x~_{i-1}), whose second term theta_i alone cannot change, and
            "ahead", D_i(x~_i) + weight D_{i+1}(x~_{i+1}) + ... + weight^(n-i) D_n(x~_n).
        weight: the lambda of these games; the paper gives no value.

    The logs hold ``link_0`` ... ``link_n``, 1 for the drawn link and 0 for the others: in a row of the history they are
    the links' shares of the updates since the last row.
    """

    def __init__(self, *players, end_to_end: bool = False, game: str | None = None, weight: float = 0.5, **settings):
        super().__init__(*players, **settings)
        links, heads = len(self.generator.links), len(self.discriminator.heads)
        require(heads in (1, links), f"the critic has {heads} heads; {links} links need as many, or one")
        require(game in (None, "rival", "ahead"), f"game is {game!r}; it must be None, 'rival' or 'ahead'")
        self.end_to_end, self.game, self.weight = end_to_end, game, weight
        self.link = links - 1

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, end_to_end={self.end_to_end}, game={self.game}, weight={self.weight}"

    def step(self, batches: Iterator[Tensor]) -> dict[str, Tensor]:
        """One iteration of Algorithm 1: draw a link i, update D_i ``n_critic`` times, then theta_i once."""
        links = len(self.generator.links)
        if not self.end_to_end:
            # drawn on the CPU: it decides what is computed, and several processes must draw the same
            self.link = int(torch.randint(links, (), device="cpu"))  # i ~ Cat(0, n)
        drawn = {f"link_{i}": torch.tensor(float(i == self.link), device=self.device) for i in range(links)}
        return super().step(batches) | drawn

    @torch.no_grad()
    def fakes(self, z: Tensor) -> Tensor:
        """Samples x~_i of the drawn link (N, C, H, W)."""
        return self.generator(z, upto=self.link)

    @property
    def critic(self) -> Callable[[Tensor], Tensor]:
        """D_i of the drawn link, whose update is WGAN-GP's: it descends D_i(x~) - D_i(x) + lambda penalty.

        The paper prints D_i(x) - D_i(x~) + lambda penalty (Eqs. 3, 5, Algorithm 1) and lets the generator descend
        -D_i(x~): then both players would want the fakes rated high.
        """
        return partial(self.discriminator, link=self.link)

    def generator_step(self, batch: Tensor) -> dict[str, Tensor]:
        """One update of theta_i, with the graph of link i alone: all links before it run without one."""

        def loss_of(x: Tensor, link: int) -> Tensor:
            return self.objective.g_loss(self.discriminator(x, link)).mean()  # -D_link(x)

        links, i, z = self.generator.links, self.link, self.batch_latent(len(batch))
        with torch.set_grad_enabled(self.end_to_end):
            before = self.generator(z, upto=i - 1) if i else z  # x~_{i-1}
        x = links[i](before)
        loss = loss_of(x, i)
        if self.game == "rival" and i:
            loss = loss - self.weight * loss_of(before, i - 1)
        if self.game == "ahead":
            for j in range(i + 1, len(links)):
                # with detached parameters E_j passes a gradient on and gets none
                x = functional_call(links[j], {name: p.detach() for name, p in links[j].named_parameters()}, x)
                loss = loss + self.weight ** (j - i) * loss_of(x, j)
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach()}

    def cut(self, upto: int) -> "ChainGAN":
        """The game of links 0 ... upto, to be sampled, measured or to battle; it shares its networks with this one."""
        critic = MultiCritic(self.discriminator.trunk, self.discriminator.heads[: upto + 1])
        game = ChainGAN(self.generator.cut(upto), critic, self.objective, self.latent_dim)
        game.averaged = self.averaged and self.averaged.cut(upto)
        return game


def build(
    data: Data,
    *,
    base: str = "dcgan",
    width: int | None = None,
    critic_width: int | None = None,
    editors: int = 5,
    d: int = 34,
    one_critic: bool = False,
    latent_dim: int = 128,
    penalty: float = 10.0,
    n_critic: int = 5,
    lr: float = 1e-4,
    betas: tuple[float, float] = (0.5, 0.9),
    **game,
) -> ChainGAN:
    """The game for images of a shape (C, H, W), with Algorithm 1's lambda = 10, n_critic = 5 and Adam at 1e-4.

    Args:
        base: "dcgan" (section 7.4.2) or "resnet" (7.4.1), for both G_b and the critics.
        width: the d of the base: the coarsest maps of the DCGAN (None: 256), all maps of the ResNet (None: 96).
        critic_width: maps of the critic's first layer. None is half the width for the DCGAN (so that d = 256 meets a
            critic of 128, 256 and 512 maps), the width for the ResNet (128 where that is None).
        editors: how many, each of ``d`` maps; 0 leaves the base alone.
        one_critic: a single critic for all links, instead of one each.
        game: ``end_to_end``, ``game`` and ``weight`` of ``ChainGAN``.

    Raises:
        ValueError: another base, or a number out of its range.
    """
    require(base in ("dcgan", "resnet"), f"base is {base!r}; it must be 'dcgan' or 'resnet'")
    whole("editors", editors, least=0), whole("d", d)
    shape = shape_of(data)
    if base == "dcgan":
        first = dcgan_base(shape, width or 256, latent_dim)
        trunk, features = dcgan_trunk(shape, critic_width or (width or 256) // 2)
    else:
        trunk, features = resnet_trunk(shape, critic_width or width or 128)
        first = resnet_base(shape, width or 96, latent_dim)
    chain = ChainGenerator(first, [Editor(shape[0], d) for _ in range(editors)])
    critic = MultiCritic(trunk, [nn.Linear(features, 1) for _ in range(1 if one_critic else editors + 1)])
    settings = dict(n_critic=n_critic, penalty=penalty, g_optimizer=adam(lr, betas), d_optimizer=adam(lr, betas))
    return ChainGAN(chain, critic, WASSERSTEIN, latent_dim, **settings, **game)
