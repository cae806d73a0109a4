"""What a claim is, how large its runs are, and the measures that several papers share."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ganlib.budget import budget

SIZE = budget(
    smoke=dict(updates=20, every=10, width=4, n=200, batch=16, size=16),
    cpu=dict(updates=1500, every=100, width=12, n=1000, batch=32, size=16),
    cuda=dict(updates=20_000, every=500, width=64, n=1000, batch=64, size=32),
    paper=dict(updates=78_000, every=2000, width=64, n=10_000, batch=64, size=32),
)
# The papers' learning rates. With a fiftieth of their updates they are all four times as large here.
FASTER = budget(smoke=4, cpu=4, cuda=1, paper=1)
# What has many arms, or slow ones, trains for fewer updates; every arm of a claim for equally many.
SHORT = 2 * SIZE["updates"] // 3

# An arm: its system, its settings, and how it is trained, if not on mnist5k, for SIZE["updates"] of SIZE["batch"], at
# constant rates, without an average: under "data", "updates", "batch", "decay" (True: to 0 along a cosine) and "ema".
# Runs of one seed share the order of the data, and start from the same generator where the networks are the same.
Arm = dict[str, Any]
Run = dict[str, Any]  # what ``engine.train`` keeps of a run


@dataclass(frozen=True)
class Claim:
    """A claim that the first arm has the smaller measure.

    Attributes:
        id: the ledger's, with a letter where one claim of a paper is tested in several ways.
        sentence: what is claimed, in a form that can come out wrong.
        arm: the arm that should come out smaller.
        rivals: the other; of several, the one that does better with that seed.
        measure: a name among the measures; or among the battles, where arm and rival meet and the outcome should be
            below 0.
        rival_measure: what is measured of the rival, if not the same.
        limit: without rivals, the number below which the measure should be.
        spread: compare |value - median over the seeds| in the place of the value (Brown and Forsythe's test).
    """

    id: str
    sentence: str
    arm: str
    rivals: tuple[str, ...]
    measure: str
    rival_measure: str | None = None
    limit: float | None = None
    spread: bool = False

    def needs(self, seeds: int) -> int:
        """With how many seeds it is tested where others have so many: a spread is harder to tell, and has half more."""
        return 3 * seeds // 2 if self.spread else seeds


MEASURES: dict[str, Callable[[Run], float]] = {
    "mean_fid": lambda run: math.fsum(run["fid"]) / len(run["fid"]),
    "last_fid": lambda run: run["fid"][-1],
}
