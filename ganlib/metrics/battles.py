"""Many battles (``metrics/gam.py``): a tournament with a ranking, and what chance alone decides."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlib.data import Images
from ganlib.gan import GAN, require, whole
from ganlib.metrics.gam import Battle, Table, battle_winner, judge
from ganlib.metrics.rates import Interval, brackets


@dataclass(frozen=True)
class Tournament:
    """Every pair of models in battle, once for each split.

    Attributes:
        names: the models, the strongest first.
        strengths: name -> Bradley-Terry strength; a beats b with probability s_a / (s_a + s_b).
        intervals: name -> 95 % bootstrap interval of its strength over the splits; None of a single split.
        won: (a, b) -> the share of the splits in which a won, a tie counting half.
        guarded: the share of all battles that r_test turned into a tie.
        battles: (a, b) -> the battle of a as M1 against b as M2 in the first split, in both orders.
        splits: how many.
    """

    names: tuple[str, ...]
    strengths: dict[str, float]
    intervals: dict[str, Interval | None]
    won: dict[tuple[str, str], float]
    guarded: float
    battles: dict[tuple[str, str], Battle]
    splits: int

    def points(self, name: str) -> float:
        """Wins of a model plus half its ties, the mean over the splits."""
        return sum(share for (a, _), share in self.won.items() if a == name)

    def verdict(self, a: str, b: str) -> str:
        """ "M1" or "M2" where a, or b, won in every split; else "tie": what hangs on the split is no verdict."""
        return {1.0: "M1", 0.0: "M2"}.get(self.won[a, b], "tie")

    def __str__(self) -> str:
        games = len(self.names) - 1
        rows = (
            f"{name}: {self.points(name):g} of {games}, strength {self.strengths[name]:.2f} "
            f"{brackets(self.intervals[name])}".rstrip()
            for name in self.names
        )
        return "\n".join(f"{place}. {row}" for place, row in enumerate(rows, 1))


@dataclass(frozen=True)
class Null:
    """Battles between runs of one model that differ in nothing but the seed: what Eq. 11 decides without a cause.

    The pairs share models, so they are fewer independent trials than they look.

    Attributes:
        battles: one of each pair.
        decided: share of them that have a winner.
        told_apart: share that have a winner and an interval of r_sample without 1.
        spread: root mean square of log r_sample (which of two equals is M1 is arbitrary, so its mean is 0), over
            the battles where it is defined; NaN where it never is.
    """

    battles: tuple[Battle, ...]
    decided: float
    told_apart: float
    spread: float

    @property
    def range(self) -> Interval:
        """The values of r_sample that are no news: within two spreads of 1 on the logarithmic scale."""
        return math.exp(-2 * self.spread), math.exp(2 * self.spread)

    def __str__(self) -> str:
        news = f"log r_sample spreads by {self.spread:.2f}, so an r_sample in {brackets(self.range)} is no news"
        return (
            f"{len(self.battles)} battles of equals: {self.decided:.0%} have a winner, {self.told_apart:.0%} with an "
            f"interval without 1; {'r_sample is never defined' if math.isnan(self.spread) else news}"
        )


def tournament(
    models: Mapping[str, GAN],
    test_images: Images,
    *,
    n: int = 1000,
    tolerance: float = 0.3,
    seed: int = 0,
    calibrate: bool | float = False,
    splits: int = 1,
) -> Tournament:
    """Every pair of named models in battle (see ``gam``), ranked by Bradley-Terry with ties as half a win each.

    Eq. 11 need not be transitive: Table 4 of the paper is a cycle, which ranks its three models equal.

    Args:
        splits: how often all battles are fought, with the seeds ``seed``, ``seed`` + 1, ...: other samples, and where
            thresholds are calibrated another half of the test images. A single split decides battles by its accidents.
        tolerance: ``math.inf`` takes Eq. 11's guard away.
    """
    whole("splits", splits)
    names = list(models)
    pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j]
    wins = torch.zeros(splits, len(names), len(names), dtype=torch.float64, device="cpu")
    guarded, first = 0, {}
    for split in range(splits):
        table = Table(list(models.values()), test_images, n, seed + split, calibrate)
        battles = {(names[i], names[j]): judge(table, i, j, tolerance) for i, j in pairs}
        for i, j in pairs:
            battle = battles[names[i], names[j]]
            wins[split, i, j] = {"M1": 1.0, "tie": 0.5, "M2": 0.0}[battle.winner]
            guarded += battle.winner != battle_winner(1.0, battle.r_sample)
        first = first or battles
    strengths = bradley_terry(wins.mean(0))
    intervals: list[Interval | None] = [None] * len(names)
    if splits > 1:
        draws = torch.randint(splits, (200, splits), generator=torch.Generator("cpu").manual_seed(seed), device="cpu")
        again = torch.stack([bradley_terry(wins[draw].mean(0)) for draw in draws])
        low, high = again.quantile(torch.tensor([0.025, 0.975], dtype=again.dtype, device="cpu"), dim=0)
        intervals = list(zip(low.tolist(), high.tolist()))
    won = {(names[i], names[j]): wins[:, i, j].mean().item() for i, j in pairs}
    ranked = sorted(range(len(names)), key=lambda i: -strengths[i].item())
    return Tournament(
        tuple(names[i] for i in ranked), dict(zip(names, strengths.tolist())), dict(zip(names, intervals)), won,
        guarded / (splits * len(pairs)), first, splits,
    )  # fmt: skip


def null(
    models: Sequence[GAN],
    test_images: Images,
    *,
    n: int = 1000,
    tolerance: float = 0.3,
    seed: int = 0,
    calibrate: bool | float = False,
) -> Null:
    """Battles between all pairs of runs of one model that differ in their seed alone; arguments as for ``gam``."""
    table = Table(list(models), test_images, n, seed, calibrate)
    battles = tuple(judge(table, i, j, tolerance) for j in range(len(models)) for i in range(j))
    logs = [math.log(b.r_sample) for b in battles if 0 < b.r_sample < math.inf]
    decided, apart = (sum(flags) / len(battles) for flags in zip(*((b.winner != "tie", b.told_apart) for b in battles)))
    spread = math.sqrt(sum(x * x for x in logs) / len(logs)) if logs else math.nan
    return Null(battles, decided, apart, spread)


def bradley_terry(wins: Tensor, prior: float = 1.0) -> Tensor:
    """Strengths p (K,) with P(i beats j) = p_i / (p_i + p_j), by maximum likelihood (Bradley and Terry 1952).

    Args:
        wins: (K, K); how often i beat j, a tie counting half for each.
        prior: every player also ties that many games with an imagined one of strength 1. It keeps the undefeated
            finite; 0 is plain maximum likelihood, with strengths of geometric mean 1.

    Raises:
        ValueError: wins of another shape or negative; or no finite maximum: some players never lost to the others.
    """
    k = len(wins)
    ok = wins.shape == (k, k) and k >= 2 and (wins >= 0).all() and (wins.diagonal() == 0).all()
    require(bool(ok), "wins must be a matrix (K, K) with K at least 2, not negative, with zeros on its diagonal")
    require(prior >= 0, f"prior is {prior}; it must not be negative")
    wins = wins.double()
    reach = torch.linalg.matrix_power(torch.eye(k).to(wins) + (wins > 0), k)  # who beat whom, through any others
    rule = "some players never lost to the others, so their strength is unbounded: use a prior above 0"
    require(prior > 0 or bool((reach > 0).all()), f"prior is 0; {rule}")
    games, p = wins + wins.T, torch.ones(k).to(wins)
    for _ in range(10_000):  # Hunter 2004, Eq. 3: each round raises the likelihood
        new = (wins.sum(1) + prior / 2) / ((games / (p[:, None] + p)).sum(1) + prior / (p + 1))
        new = new if prior else new / new.log().mean().exp()
        p, change = new, (new / p).log().abs().max()
        if change < 1e-12:
            break
    return p
