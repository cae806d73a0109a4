"""DiscoGAN (Kim et al. 2017) and CycleGAN (Zhu et al. 2017): what the way back is good for, and the identity term."""

from collections.abc import Callable
from typing import Any

from ganlib.claims.claim import SIZE, Arm, Claim, Run
from ganlib.data import Set, to_float
from ganlib.gan import Game
from ganlib.metrics import digits, fashion
from ganlib.metrics.translations import class_kept, error
from ganlib.models.discogan import Translation

DISCO = dict(system="discogan", data="edges-clothes", lr=1e-3, updates=SIZE["updates"] // 3)
CYCLE = dict(system="cyclegan", data="edges-clothes", lr=1e-3, updates=SIZE["updates"] // 3)
ARMS: dict[str, Arm] = {
    "(a) GAN": DISCO | dict(model="gan"),
    "(b) with reconstruction": DISCO | dict(model="reconstruction"),
    "(c) DiscoGAN": DISCO | dict(model="discogan"),
    "CycleGAN": CYCLE,
    "CycleGAN, no identity": CYCLE | dict(identity=0.0),
    "CycleGAN, no buffer": CYCLE | dict(buffer=0),
}


def at_the_end(gan: Game, test: Set) -> dict[str, Callable[[Game], Any]]:
    """The error of translations of the test's a, whose truth is its b, and the share whose class is kept."""
    if not isinstance(gan, Translation):
        return {}
    a, truth = to_float(test.a.x), to_float(test.b.x)
    extractor = fashion() if "clothes" in test.name else digits()
    return {
        "translation_error": lambda game: error(game.translate(a), truth).mean().item(),
        "class_kept": lambda game: class_kept(game.translate(a), test.b.y, extractor),
    }


MEASURES: dict[str, Callable[[Run], float]] = {
    "class lost": lambda run: 1 - run["class_kept"][-1],
    "error to the truth": lambda run: run["translation_error"][-1],
}
CLAIMS = [
    Claim("SV-DISCO-C1a", "DiscoGAN keeps the class of a garment more often than a GAN from edges to clothes alone",
          "(c) DiscoGAN", ("(a) GAN",), "class lost"),
    Claim("SV-DISCO-C1b", "DiscoGAN keeps the class more often than the same with a way back on one side alone",
          "(c) DiscoGAN", ("(b) with reconstruction",), "class lost"),
    Claim("SV-CYCLE-C1a", "with the identity term CycleGAN comes nearer to the true garments",
          "CycleGAN", ("CycleGAN, no identity",), "error to the truth"),
    Claim("SV-CYCLE-C1b", "with its buffer of fakes CycleGAN comes nearer to the true garments",
          "CycleGAN", ("CycleGAN, no buffer",), "error to the truth"),
]  # fmt: skip
