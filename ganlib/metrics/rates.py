"""Error rates, ratios of them, and their bootstrap intervals."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

DRAWS = 1000  # of the bootstrap
Interval = tuple[float, float]


@dataclass(frozen=True)
class Rate:
    """An error rate ε: ``errors`` of ``n`` images were taken for what they are not; ``float(rate)`` is the rate.

    ``interval`` is its 95 % bootstrap interval over other images; it knows nothing of training the model again.
    """

    errors: int
    n: int
    interval: Interval

    def __float__(self) -> float:
        return self.errors / self.n

    def __str__(self) -> str:
        return f"{float(self):.3f} {brackets(self.interval, 3)}"


def redrawn(wrong: Tensor, seed: int) -> Tensor:
    """Bootstrap: the sums (DRAWS, k) of wrong (n, k), with n rows drawn from it with replacement."""
    generator, n = torch.Generator("cpu").manual_seed(seed), len(wrong)
    rows = torch.randint(n, (DRAWS, n), generator=generator, device="cpu")
    one = torch.ones(1, 1, dtype=torch.float64, device="cpu").expand(DRAWS, n)
    times = torch.zeros(DRAWS, n, dtype=torch.float64, device="cpu").scatter_add_(1, rows, one)  # a row was drawn
    return times @ wrong.double()


def rates(wrong: Tensor, draws: Tensor) -> list[Rate]:
    """The rate of each column, with its interval."""
    n, rates = len(wrong), []
    for errors, column in zip(wrong.sum(0).tolist(), draws.T / len(wrong)):
        low, high = _middle(column)
        # all draws of none are none: there the exact bound of the binomial, about 3.7 / n
        low = 0.025 ** (1 / n) if errors == n else low
        high = 1 - 0.025 ** (1 / n) if errors == 0 else high
        rates.append(Rate(errors, n, (low, high)))
    return rates


def ratio(a: Rate, b: Rate, draws: Tensor) -> tuple[float, Interval | None]:
    """ε_a / ε_b (Eq. 10) with its interval, from the first two columns of the draws; NaN and None for ε_b = 0."""
    if b.errors == 0:
        return math.nan, None
    ratios = draws[:, 0] / draws[:, 1]  # may be infinite, which an interval's end may be too
    return a.errors / b.errors, _middle(ratios[~ratios.isnan()])


def _middle(values: Tensor) -> Interval:
    """The bounds of the middle 95 %: order statistics, and so the same ones for values and for their inverses."""
    values, cut = values.sort().values, int(0.025 * len(values))
    return values[cut].item(), values[-1 - cut].item()


def brackets(interval: Interval | None, places: int = 2) -> str:
    return "[undefined]" if interval is None else f"[{interval[0]:.{places}f}, {interval[1]:.{places}f}]"
