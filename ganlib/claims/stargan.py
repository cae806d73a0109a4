"""StarGAN (Choi et al. 2018): one generator for all inks against one for each pair, and two sets at once."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from ganlib.budget import private_seed
from ganlib.claims.claim import SIZE, Arm, Claim, Run
from ganlib.data import Domains, Images, Labelled, Pair, Set, load, to_float
from ganlib.data.translations import attributes, painted
from ganlib.gan import Game
from ganlib.metrics.translations import error
from ganlib.models import cyclegan
from ganlib.models.stargan import StarGAN


def inks(split: str, size: int) -> Images:
    """Thin digits on dark ground in three inks; y says which, (N, 3)."""
    grey = load("mnist5k", split, size).x
    y = attributes(len(grey), ("train", "test").index(split), grey.device)
    y[:, 3:] = torch.tensor([1, 0, 1, 0], device=y.device)
    return Images(painted(grey, y), y[:, :3], "inks", groups=(3,))


def joint(split: str, size: int, filler: str = "zeros") -> Images:
    """Painted digits, the first half of which labels the ink, the other stroke and ground; two columns say which.

    What is not labelled is told as zeros, or as random labels.
    """
    images = load("painted-digits", split, size)
    first = (torch.arange(len(images), device=images.y.device) < len(images) // 2)[:, None]
    known = torch.cat([first.expand(-1, 3), ~first.expand(-1, 4)], dim=1)
    other = attributes(len(images), 7, images.y.device) if filler == "random" else torch.zeros_like(images.y)
    y = torch.cat([torch.where(known, images.y, other), first, ~first], dim=1).long()
    groups = (3, 2, 2, 2) if filler == "random" else ()
    return Images(images.x, y, f"two sets, {filler}", groups=groups)


def alone(split: str, size: int) -> Images:
    """The half of ``joint`` that labels the ink, with its ink as y (N, 3)."""
    images = load("painted-digits", split, size)
    half = images.subset(slice(len(images) // 2))
    return Images(half.x, half.y[:, :3], "one set", groups=(3,))


class Pairwise(Game):
    """A CycleGAN for each pair of inks; in each step one of them learns, in turn."""

    conditional = True

    def __init__(self, data: Images, **settings: Any):
        super().__init__()
        self.pairs = list(combinations(range(data.y.shape[1]), 2))
        self.parts = [data.subset((data.y[:, k] > 0).nonzero().flatten()) for k in range(data.y.shape[1])]
        self.games = nn.ModuleList(cyclegan.build(Domains(*(self.parts[k] for k in p)), **settings) for p in self.pairs)
        for i, game in enumerate(self.games):
            self.optimizers |= {f"{name} {i}": optimizer for name, optimizer in game.optimizers.items()}
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.start = 0  # the ink of what is translated

    def check(self, data: Set) -> None:
        pass

    def step(self, batches: Iterator[Labelled]) -> dict[str, Tensor]:
        n = len(next(batches).x)
        i = int(self.steps) % len(self.pairs)
        drawn = (self.parts[k].x for k in self.pairs[i])
        pair = Pair(*(to_float(x[torch.randint(len(x), (n,))]) for x in drawn))
        self.steps += 1
        return self.games[i].step(iter([pair]))

    def translate(self, x: Tensor, y: Tensor) -> Tensor:
        """Pictures of the ink ``start`` in the ink that y[0] tells."""
        to, start = int(y[0].argmax()), self.start
        pair = self.pairs.index((min(start, to), max(start, to)))
        return self.games[pair].translate(x, to="b" if start < to else "a")

    def sample(self, n: int, seed: int | None = None, y: Tensor | None = None) -> Tensor:
        with private_seed(seed, self.device):
            return self.games[0].sample(n, seed)


STAR = dict(lr=1e-3, updates=SIZE["updates"] // 3)
BUILDERS: dict[str, Callable[..., Game]] = {"pairwise": Pairwise}
SETS: dict[str, Callable[[str, int], Set]] = {
    "inks": inks,
    "two sets": joint,
    "two sets, random fillers": partial(joint, filler="random"),
    "one set": alone,
}
ARMS: dict[str, Arm] = {
    "StarGAN, inks": dict(system="stargan", data="inks", **STAR),
    # a step of a pair costs twice a step of StarGAN, so this takes as many seconds
    "CycleGAN for each pair": dict(system="pairwise", data="inks", lr=1e-3, updates=STAR["updates"] // 2),
    "StarGAN, two sets": dict(system="stargan", data="two sets", sets=(3, 4), **STAR),
    "StarGAN, one set": dict(system="stargan", data="one set", **STAR),
}


@torch.no_grad()
def ink_error(game: Game, test: Images) -> float:
    """The mean error to the truth, over all changes of ink of 200 held-out pictures; all else stays as it is."""
    size, errors = test.shape[1], []
    grey, full = load("mnist5k", "test", size).x, load("painted-digits", "test", size).y
    if test.name == "inks":
        full = torch.cat([test.y, torch.tensor([1, 0, 1, 0], device=test.y.device).expand(len(test), -1)], dim=1)
    for start in range(3):
        which = (full[: len(test), start] > 0).nonzero().flatten()[:70]
        x = to_float(test.x[which])
        for to in {0, 1, 2} - {start}:
            c = torch.eye(3, dtype=torch.long, device=x.device)[to].expand(len(x), -1)
            truth = to_float(painted(grey[which], torch.cat([c, full[which, 3:]], dim=1)))
            mask = torch.tensor([0, 0, 0, 0, 1, 0], device=x.device)  # nothing of the other set, and "the first"
            told = torch.cat([c, mask.expand(len(x), -1)], dim=1) if "two" in test.name else c
            game.start = start
            errors.append(error(game.translate(x, told), truth).mean())
    return torch.stack(errors).mean().item()


def at_the_end(gan: Game, test: Set) -> dict[str, Callable[[Game], Any]]:
    if not isinstance(gan, StarGAN | Pairwise):
        return {}
    return {"ink_error": lambda game: ink_error(game, test)}


MEASURES: dict[str, Callable[[Run], float]] = {"error of a change of ink": lambda run: run["ink_error"][-1]}
CLAIMS = [
    Claim("SV-STAR-C1", "StarGAN changes inks more nearly to the truth than a CycleGAN for each pair in equal seconds",
          "StarGAN, inks", ("CycleGAN for each pair",), "error of a change of ink"),
    Claim("SV-STAR-C2", "StarGAN changes inks more nearly to the truth if it also sees a set that labels other things",
          "StarGAN, two sets", ("StarGAN, one set",), "error of a change of ink"),
]  # fmt: skip
