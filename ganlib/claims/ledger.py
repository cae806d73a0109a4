"""Everything that is trained and tested, gathered from the papers' files."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganlib import metrics
from ganlib.claims import claim
from ganlib.claims.claim import SIZE, Arm, Claim, Run
from ganlib.data import Images, Set
from ganlib.gan import GAN, Game
from ganlib.metrics import fid_score
from ganlib.models import SYSTEMS
from ganlib.training import Monitor

# a paper's file is one that has arms
FILES = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
PAPERS = [
    importlib.import_module(f"ganlib.claims.{f}") for f in FILES if f not in ("claim", "engine", "ledger", "queue")
]
ARMS: dict[str, Arm] = {name: arm for paper in PAPERS for name, arm in paper.ARMS.items()}
# what only some papers have: claims; measures of a run, of a pair of games, or of two runs; data and builders
CLAIMS: dict[str, Claim] = {c.id: c for paper in PAPERS for c in getattr(paper, "CLAIMS", ())}
MEASURES: dict[str, Callable[[Run], float]] = dict(claim.MEASURES)
BATTLES: dict[str, Callable[[GAN, GAN, Images], float]] = {}
PAIRED: dict[str, Callable[[Run, Run], float]] = {}
SETS: dict[str, Callable[[str, int], Set]] = {}
BUILDERS: dict[str, Callable[..., Game]] = dict(SYSTEMS)
gathered = dict(MEASURES=MEASURES, BATTLES=BATTLES, PAIRED=PAIRED, SETS=SETS, BUILDERS=BUILDERS)
for paper in PAPERS:
    for name, table in gathered.items():
        table |= getattr(paper, name, {})


def monitors(gan: Game, test: Set) -> list[Monitor]:
    """What is measured during a run of a claim, every ``SIZE["every"]`` updates, and after its last one."""
    during: dict[str, Callable[[Game], Any]] = {}
    if isinstance(test, Images) and test.name in fid_score.FITTING:
        during["fid"] = lambda gan: metrics.fid(gan, test, n=SIZE["n"])
    last: dict[str, Callable[[Game], Any]] = {}
    for paper in PAPERS:
        during |= paper.watched(gan, test) if hasattr(paper, "watched") else {}
        last |= paper.at_the_end(gan, test) if hasattr(paper, "at_the_end") else {}
    return [
        *(Monitor(name, measure, SIZE["every"]) for name, measure in during.items()),
        *(Monitor(name, measure, 10**9) for name, measure in last.items()),
    ]


def recipe(arm: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """What ``make`` builds an arm's game from, for samples of a shape."""
    settings = {"shape": shape, "width": SIZE["width"], **ARMS[arm]}
    training = ("data", "updates", "batch", "ema", "decay")
    return {name: value for name, value in settings.items() if name not in training}


def make(settings: dict[str, Any], data: Set | None = None) -> Game:
    """A game from its system's name, a set or the samples' shape, and the settings of its ``build``."""
    settings = dict(settings)
    shape = tuple(settings.pop("shape"))
    return BUILDERS[settings.pop("system")](data or shape, **settings)
