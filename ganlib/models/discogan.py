"""DiscoGAN (Kim, Cha, Kim, Lee and Kim 2017, "Learning to Discover Cross-Domain Relations with Generative Adversarial
Networks"): translate between two sets of pictures without a single pair.

Figure 2 has three models, the argument ``model`` here. With G_AB from A to B and D_B that knows B:

    "gan"             (a)  L_G = L_adv(D_B, G_AB(a))
    "reconstruction"  (b)  L_G = (a) + lambda d(G_BA(G_AB(a)), a)
    "discogan"        (c)  L_G = (b) + the same from B to A and back, with a D_A of its own

In (a) nothing asks that b has to do with a; in (b) G_BA may undo only what G_AB does; in (c) both go both ways, so
neither can throw things away. d is the mean square, as in the paper's code.

Deviations: the networks are a small U-Net with one skip, at full size, and DCGAN's discriminator with spectral norm.
The skip gives the outline away, in all three models alike.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from ganlib.budget import private_seed
from ganlib.data import Domains, Images, Pair, Set, to_float
from ganlib.gan import Data, Game, adam, require, whole
from ganlib.models.dcgan import Discriminator, spectral_norm_
from ganlib.objectives import NON_SATURATING, Objective

DATA = "edges-clothes"
MODELS = ("gan", "reconstruction", "discogan")
EXAMPLES = 256  # pictures of each domain that a game remembers


class UNet(nn.Module):
    """From pictures (N, i, H, W) to pictures (N, o, H, W) in [-1, 1]: down to a quarter, up again, past it one skip.

    H and W are multiples of 4. No norm comes before the first convolution has mixed all that is told.
    """

    def __init__(self, i: int, o: int, width: int):
        super().__init__()

        def layer(convolution: nn.Module, n: int) -> list[nn.Module]:
            return [convolution, nn.BatchNorm2d(n), nn.ReLU()]

        w = width
        self.first = nn.Sequential(*layer(nn.Conv2d(i, w, 3, padding=1), w))
        self.inner = nn.Sequential(
            *layer(nn.Conv2d(w, 2 * w, 4, stride=2, padding=1), 2 * w),
            *layer(nn.Conv2d(2 * w, 4 * w, 4, stride=2, padding=1), 4 * w),
            *layer(nn.Conv2d(4 * w, 4 * w, 3, padding=1), 4 * w),
            *layer(nn.ConvTranspose2d(4 * w, 2 * w, 4, stride=2, padding=1), 2 * w),
            *layer(nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1), w),
        )
        self.last = nn.Sequential(
            *layer(nn.Conv2d(2 * w, w, 3, padding=1), w), nn.Conv2d(w, o, 3, padding=1), nn.Tanh()
        )

    def forward(self, x: Tensor) -> Tensor:
        first = self.first(x)
        return self.last(torch.cat([first, self.inner(first)], dim=1))


class Both(nn.Module):
    """Two networks, one towards each domain: ``forward(x, to)`` asks the one that ends in, or judges, ``to``."""

    def __init__(self, a: nn.Module, b: nn.Module):
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x: Tensor, to: str = "b") -> Tensor:
        return (self.a if to == "a" else self.b)(x)


class Translation(Game):
    """The game of Figure 2. Its players are "generator" (G_AB and G_BA) and "discriminator" (D_A and D_B).

    Args:
        generator, discriminator: ``Both`` of them.
        objective: what they play.
        examples: pictures of both domains, which ``sample`` translates.
        model: which of the three; "gan" and "reconstruction" have no D_A.
        reconstruction: lambda, the weight of d.
    """

    def __init__(
        self,
        generator: Both,
        discriminator: Both,
        objective: Objective,
        examples: Pair,
        model: str = "discogan",
        reconstruction: float = 10.0,
        lr: float = 5e-4,
        d_lr: float = 5e-4,
    ):
        super().__init__()
        require(model in MODELS, f"model is {model!r}; it must be one of {', '.join(MODELS)}")
        require(reconstruction >= 0, f"reconstruction is {reconstruction}; it must not be negative")
        require(isinstance(objective, Objective), f"objective is {objective!r}; it must be one of ganlib.objectives")
        self.add_player("generator", generator, adam(lr))
        self.add_player("discriminator", discriminator, adam(d_lr))
        self.objective, self.model, self.reconstruction = objective, model, reconstruction
        for side in ("a", "b"):  # of the data, not of the game: they are not saved
            self.register_buffer(f"examples_{side}", getattr(examples, side), persistent=False)
        self.to(self.device)

    def extra_repr(self) -> str:
        return f"objective={self.objective.name}, model={self.model}, reconstruction={self.reconstruction}"

    @property
    def sides(self) -> tuple[str, ...]:
        """The domains that have a discriminator."""
        return ("b", "a") if self.model == "discogan" else ("b",)

    def check(self, data: Set) -> None:
        require(isinstance(data, Domains), f"data is {type(data).__name__}; it must be Domains, two unpaired sets")
        here = tuple(tuple(x.shape[1:]) for x in (self.examples_a, self.examples_b))
        there = data.a.shape, data.b.shape
        require(here == there, f"data has pictures of shapes {there}; this game is for {here}")

    def distance(self, x: Tensor, y: Tensor) -> Tensor:
        return mse_loss(x, y)

    def step(self, batches) -> dict[str, Tensor]:  # noqa: ANN001
        """One update of the discriminators, then one of the generators, on one batch of each domain."""
        batch = next(batches)
        fakes = self.translated(batch)
        return self.discriminator_step(batch, fakes) | self.generator_step(batch, fakes)

    def translated(self, batch: Pair) -> dict[str, Tensor]:
        """What the generators make of a batch, by the domain that it should belong to; with its graph."""
        other = {"b": batch.a, "a": batch.b}
        return {side: self.generator(other[side], side) for side in self.sides}

    def shown(self, fakes: dict[str, Tensor]) -> dict[str, Tensor]:
        """The fakes that the discriminators see."""
        return {side: fake.detach() for side, fake in fakes.items()}

    def discriminator_step(self, batch: Pair, fakes: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
        """One update of the discriminators; None makes the fakes anew."""
        fakes = self.translated(batch) if fakes is None else fakes
        losses, reals, wrong = [], [], []
        for side, fake in self.shown(fakes).items():
            real_logits, fake_logits = self.discriminator(getattr(batch, side), side), self.discriminator(fake, side)
            losses.append(self.objective.d_loss(real_logits, fake_logits).mean())
            reals.append(self.objective.output(real_logits.detach()).mean())
            wrong.append(self.objective.output(fake_logits.detach()).mean())
        loss = sum(losses)
        self.descend(loss, self.optimizers["discriminator"])
        return {"d_loss": loss.detach(), "d_real": sum(reals) / len(reals), "d_fake": sum(wrong) / len(wrong)}

    def generator_step(self, batch: Pair, fakes: dict[str, Tensor] | None = None) -> dict[str, Tensor]:
        """One update of both generators; None makes the fakes anew."""
        fakes = self.translated(batch) if fakes is None else fakes
        adversarial = sum(self.objective.g_loss(self.discriminator(x, side)).mean() for side, x in fakes.items())
        cycle = torch.zeros((), device=self.device, dtype=self.dtype)
        if self.model != "gan":
            back = {"b": "a", "a": "b"}
            cycle = sum(
                self.distance(self.generator(x, back[side]), getattr(batch, back[side])) for side, x in fakes.items()
            )
        loss = adversarial + self.reconstruction * cycle + self.further(batch)
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": adversarial.detach(), "cycle": cycle.detach()}

    def further(self, batch: Pair) -> Tensor | float:
        """What a paper adds to the generators' loss."""
        return 0.0

    def translate(self, x: Tensor, to: str = "b") -> Tensor:
        """Pictures (N, C, H, W) of the other domain as ones of ``to``, "a" or "b", in eval mode.

        Raises:
            ValueError: another ``to``, or "a" of a model that has no way back.
        """
        require(to in ("a", "b"), f"to is {to!r}; it must be 'a' or 'b'")
        require(to == "b" or self.model != "gan", "to is 'a'; the model 'gan' has only a way from a to b")
        return self.run(x.to(self.dtype), to=to)

    def sample(self, n: int, seed: int | None = None, y: Tensor | None = None) -> Tensor:
        """Translations to b (n, C, H, W) of n remembered pictures of a; the same seed takes the same ones."""
        whole("n", n)
        require(y is None, "y is given, but this game is unconditional: leave it out")
        with private_seed(seed, self.device):
            which = torch.randint(len(self.examples_a), (n,), device=self.device)
        return self.translate(self.examples_a[which])


def remembered(images: Images) -> Tensor:
    """The first pictures of a set, in [-1, 1] and the default type, for a game to have something to translate."""
    return to_float(images.x[:EXAMPLES]).to(torch.get_default_dtype())


def examples(data: Data) -> Pair:
    """What is remembered of both domains."""
    require(isinstance(data, Domains), f"data is {type(data).__name__}; it must be Domains, two unpaired sets")
    return Pair(remembered(data.a), remembered(data.b))


def players(data: Domains, width: int) -> tuple[Both, Both]:
    """Two translators and two discriminators for the pictures of two domains."""
    a, b = data.a.shape, data.b.shape
    require(a[1:] == b[1:] and a[1] % 4 == 0, f"data has pictures of {a} and {b}; H and W must be equal multiples of 4")
    judges = (spectral_norm_(Discriminator(shape, width, batch_norm=False)) for shape in (a, b))
    return Both(UNet(b[0], a[0], width), UNet(a[0], b[0], width)), Both(*judges)


def build(
    data: Data,
    *,
    model: str = "discogan",
    width: int = 64,
    reconstruction: float = 10.0,
    objective: Objective = NON_SATURATING,
    lr: float = 5e-4,
    d_lr: float = 5e-4,
) -> Translation:
    """The game for ``Domains`` of pictures (C, H, W); one seed gives all three models the same first weights."""
    pair = examples(data)  # first, since it says what is wrong with the data
    return Translation(*players(data, width), objective, pair, model, reconstruction, lr, d_lr)
