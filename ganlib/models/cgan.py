"""The conditional GAN (Mirza and Osindero 2014, "Conditional Generative Adversarial Nets").

Both players are told y, a class or any other description of x (Eq. 2):

    min_G max_D  E log D(x|y) + E log(1 - D(G(z|y))).

In the generator, z and y enter one joint hidden layer (section 3.2). How y enters the discriminator is the argument
``told``: "planes", each number of y as a constant map beside the image; "projection", the product of y's embedding and
the image's features added to the logit (Miyato and Koyama 2018, Eq. 3); or "blind", not at all: the failure, since then
nothing tells the generator to look at y.

The networks are DCGAN's. The paper's own are perceptrons, for digits with one-hot classes.
"""

import torch
from torch import Tensor, nn

from ganlib.budget import private_seed
from ganlib.data import Set
from ganlib.data.labels import conditions_of
from ganlib.gan import GAN, Data, adam, require, shape_of, whole
from ganlib.models import dcgan
from ganlib.objectives import NON_SATURATING, Objective

EXAMPLES = 256  # conditions that a game remembers of its data


def vectors(y: Tensor, length: int, like: Tensor) -> Tensor:
    """Conditions as vectors (N, length): classes (N,) one-hot, vectors (N, length) as they are."""
    return (y[:, None] == torch.arange(length, device=y.device) if y.dim() == 1 else y).to(like.dtype)


class Generator(nn.Module):
    """From latents (N, latent_dim) and conditions, classes (N,) or vectors (N, length), to images (N, C, H, W)."""

    def __init__(self, shape: tuple[int, int, int], width: int, latent_dim: int, length: int):
        super().__init__()
        self.length = length
        self.images = dcgan.Generator(shape, width, latent_dim + length)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return self.images(torch.cat([z, vectors(y, self.length, z)], dim=1))


class Discriminator(nn.Module):
    """From images (N, C, H, W) and conditions to logits (N,); ``told`` says how it hears of y."""

    def __init__(self, shape: tuple[int, int, int], width: int, length: int, told: str, batch_norm: bool):
        super().__init__()
        self.length, self.told = length, told
        planes = length if told == "planes" else 0
        self.images = dcgan.Discriminator((shape[0] + planes, *shape[1:]), width, batch_norm)
        if told == "projection":
            self.embedding = nn.Linear(length, self.images.logit.in_features, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        y = vectors(y, self.length, x)
        if self.told == "planes":
            planes = y[:, :, None, None].expand(-1, -1, *x.shape[2:])
            return self.images(torch.cat([x, planes], dim=1))
        features = self.images.features(x)
        logits = self.images.logit(features).flatten()
        return logits if self.told == "blind" else logits + (self.embedding(y) * features).sum(1)

    def extra_repr(self) -> str:
        return f"length={self.length}, told={self.told}"


class ConditionalGAN(GAN):
    """A game whose batches are ``Labelled(x, y)``, and whose players are both given y; otherwise ``GAN``'s own.

    Args:
        frequencies: of the classes (K,), where y is a class.
        examples: conditions of the data (at most 256, A), where y is a vector.

    Exactly one of the two is given; ``sample`` draws from it when it is not told what to make.
    """

    conditional = True

    def __init__(self, *players, frequencies: Tensor | None = None, examples: Tensor | None = None, **settings):
        super().__init__(*players, **settings)
        # of the data, not of the game: it is not saved
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.register_buffer("examples", examples, persistent=False)
        self.to(self.device)

    def check(self, data: Set) -> None:
        require(conditions_of(data) is not None, f"{data.name} has no labels; a conditional game needs them")
        super().check(data)

    def draw_conditions(self, n: int) -> Tensor:
        """Conditions of n samples, as frequent as in the data: classes (n,) or vectors (n, A)."""
        if self.examples is None:
            return torch.multinomial(self.frequencies, n, replacement=True)
        return self.examples[torch.randint(len(self.examples), (n,), device=self.device)]

    def known_conditions(self) -> Tensor:
        """Every condition that the game knows: its classes (K,), or its examples (at most 256, A)."""
        return torch.arange(len(self.frequencies), device=self.device) if self.examples is None else self.examples

    def conditions(self, n: int, y: int | Tensor | list | None) -> Tensor:
        """What ``sample`` was told, checked: one class for all n, or one for each (n,), or vectors (n, A)."""
        if y is None:
            return self.draw_conditions(n)
        y = torch.as_tensor(y, device=self.device)
        if self.examples is not None:
            length = self.examples.shape[1]
            y = y.expand(n, -1) if y.dim() == 1 else y
            require(tuple(y.shape) == (n, length), f"y has shape {tuple(y.shape)}; it must be ({n}, {length})")
            return y.to(self.dtype)
        y, classes = y.expand(n) if y.dim() == 0 else y, len(self.frequencies)
        require(tuple(y.shape) == (n,), f"y has shape {tuple(y.shape)}; it must be one class, or ({n},)")
        inside = not y.is_floating_point() and bool(((y >= 0) & (y < classes)).all())
        require(inside, f"y is {y.tolist()[:3]}...; it must be classes from 0 to {classes - 1}")
        return y.long()

    def sample(self, n: int, seed: int | None = None, y: int | Tensor | list | None = None) -> Tensor:
        """n samples (n, ...) told y: one class, (n,) classes or (n, A) vectors; None draws y as in the data.

        Raises:
            ValueError: n is below 1, or y has another shape or is out of range.
        """
        whole("n", n)
        with private_seed(seed, self.device):
            z = self.latent(n)  # before y, so that one seed gives one style whatever the class
            return self.generate(z, self.conditions(n, y))

    def preview(self, n: int = 32) -> Tensor:
        """The same n samples always: equally many of each class, in the classes' order."""
        y = None if self.examples is not None else torch.arange(n) * len(self.frequencies) // n
        return self.sample(n, seed=0, y=y)


def known(data: Data, classes: int | None = None) -> tuple[int, dict[str, Tensor]]:
    """The length of the condition's vector, and what ``ConditionalGAN`` remembers of the conditions of a set.

    Without a set, of a bare shape, ``classes`` are taken to be equally frequent.
    """
    y = conditions_of(data)
    if y is None:
        require(classes is not None, "data has no labels: give a set that has y, or classes=")
        return classes, {"frequencies": torch.ones(classes) / classes}
    if y.dim() == 1:
        length = len(data.classes) or int(y.max()) + 1
        return length, {"frequencies": vectors(y, length, torch.ones(())).mean(0)}
    rows = torch.linspace(0, len(y) - 1, min(len(y), EXAMPLES), device=y.device).long()
    return y.shape[1], {"examples": y[rows].float()}


def build(
    data: Data,
    *,
    told: str = "planes",
    classes: int | None = None,
    width: int = 64,
    latent_dim: int = 100,
    objective: Objective = NON_SATURATING,
    spectral_norm: bool = False,
    n_critic: int = 1,
    lr: float = 2e-4,
    **penalty,
) -> ConditionalGAN:
    """The game for a set with classes (N,) or attributes (N, A) as its y, or for a shape and so many ``classes``.

    Args:
        told: how the discriminator hears of y: "planes", "projection" or "blind".
        spectral_norm: on the discriminator, in the place of its batch norm.
        penalty: ``penalty`` and ``penalty_fn`` of ``GAN``; the penalised critic is given the sample's y and has no
            batch norm.

    Raises:
        ValueError: another ``told``, or a set without labels.
    """
    require(told in ("planes", "projection", "blind"), f"told is {told!r}; it must be planes, projection or blind")
    shape, (length, conditions) = shape_of(data), known(data, classes)
    alone = spectral_norm or bool(penalty.get("penalty"))  # a penalty or a norm of its own: no batch norm beside it
    generator = Generator(shape, width, latent_dim, length)
    discriminator = Discriminator(shape, width, length, told, batch_norm=not alone)
    dcgan.initialise_(generator), dcgan.initialise_(discriminator.images)
    if spectral_norm:
        dcgan.spectral_norm_(discriminator)
    optimizers = dict(g_optimizer=adam(lr), d_optimizer=adam(lr))
    players = generator, discriminator, objective, latent_dim
    return ConditionalGAN(*players, n_critic=n_critic, **optimizers, **penalty, **conditions)
