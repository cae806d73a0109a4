"""Progressive GAN (Karras et al. 2018): Table 1 row by row, growing against none, and variation."""

import functools
import statistics
from collections.abc import Callable
from typing import Any

import torch

from ganlib import metrics
from ganlib.budget import budget
from ganlib.claims.claim import SHORT, SIZE, Arm, Claim, Run
from ganlib.data import Images, Set, load, to_float
from ganlib.gan import Game
from ganlib.models.progan import ProGAN, levels_of

# Every row sees equally many pictures, whatever its batch; the last level has half of them.
PICTURES = SHORT * SIZE["batch"]
SMALL, LARGE = SIZE["batch"] // 2, 2 * SIZE["batch"]  # the paper's are 16 and 64


def schedule(size: int) -> dict[str, int]:
    """Fades and rests of one length, so that half of the pictures are left for the last level."""
    return dict.fromkeys(("fade", "stable"), PICTURES // (4 * levels_of((1, size, size))))


WIDTH = budget(smoke=4, cpu=8, cuda=16, paper=16)
LATENT = budget(smoke=8, cpu=32, cuda=256, paper=512)
# The paper draws from the weights' average throughout. (a) to (c) have Gulrajani's Adam, four times as fast at cpu.
BASE = dict(system="progan", data="fashion10k", width=WIDTH, latent_dim=LATENT, loss="wgan_gp", ema=0.999)
BASE |= schedule(SIZE["size"])
OLD = dict(variation=None, equalised=False, norm="batch", lr=budget(smoke=4e-4, cpu=4e-4, cuda=1e-4, paper=1e-4))
OLD |= dict(betas=(0.0, 0.9), batch=LARGE, updates=PICTURES // LARGE)
SMALL_BATCH = dict(batch=SMALL, updates=PICTURES // SMALL)
REVISED = dict(norm=None, lr=1e-3, betas=(0.0, 0.99))
ROWS: dict[str, Arm] = {"(a) WGAN-GP": BASE | OLD | dict(grow=False)}
ROWS["(b) growing"] = ROWS["(a) WGAN-GP"] | dict(grow=True)
ROWS["(c) small minibatch"] = ROWS["(b) growing"] | SMALL_BATCH
ROWS["(d) revised parameters"] = ROWS["(c) small minibatch"] | REVISED
ROWS["(e*) minibatch discrimination"] = ROWS["(d) revised parameters"] | dict(variation="discrimination")
ROWS["(e) minibatch stddev"] = ROWS["(d) revised parameters"] | dict(variation="stddev")
ROWS["(f) equalised rate"] = ROWS["(e) minibatch stddev"] | dict(equalised=True)
ROWS["(g) pixel norm"] = ROWS["(f) equalised rate"] | dict(norm="pixel")
ROWS["(h) twice as long"] = ROWS["(g) pixel norm"] | dict(updates=2 * PICTURES // SMALL)
ARMS: dict[str, Arm] = {
    **ROWS,
    "(g) without growing": ROWS["(g) pixel norm"] | dict(grow=False),
}
# a set made to collapse: so few pictures that each is a mode of its own
FEW = 100
HUNDRED = ROWS["(g) pixel norm"] | dict(data="a hundred clothes", grow=False, batch=SIZE["batch"], updates=SHORT)
ARMS |= {"a hundred, stddev": HUNDRED, "a hundred, without": HUNDRED | dict(variation=None)}


def hundred(split: str, size: int) -> Images:
    """The same hundred pictures for training and for looking."""
    return Images(load("fashion10k", size=size).x[:FEW], name="a hundred clothes")


SETS: dict[str, Callable[[str, int], Set]] = {"a hundred clothes": hundred}


def watched(gan: Game, test: Set) -> dict[str, Callable[[Game], Any]]:
    """How many of a hundred pictures are nearest to none of the samples."""
    if test.name != "a hundred clothes":
        return {}
    real = to_float(test.x).flatten(1)

    def forgotten(gan: Game) -> float:
        return FEW - len(torch.cdist(gan.sample(SIZE["n"], seed=0).flatten(1), real).argmin(1).unique())

    return {"forgotten": forgotten}


def at_the_end(gan: Game, test: Set) -> dict[str, Callable[[Game], Any]]:
    """The sliced Wasserstein distance to the test set, level by level and on average, times 1,000; and MS-SSIM."""
    if not isinstance(gan, ProGAN):
        return {}
    real = to_float(test.x[: SIZE["n"]])

    def distance(level: int, gan: Game) -> float:
        return 1000 * metrics.sliced_wasserstein(gan.sample(len(real), seed=0), real)[level].value

    sides = [test.shape[-1] // 2**i for i in range(levels_of(test.shape))]
    named = {f"swd_{side}": functools.partial(distance, i) for i, side in enumerate(sides)}
    return named | {"ms_ssim": lambda gan: metrics.ms_ssim(gan.sample(len(real), seed=0)).value}


def swd(run: Run) -> float:
    """The mean over the levels, as in the last columns of Table 1."""
    return statistics.mean(values[-1] for name, values in run.items() if name.startswith("swd_"))


def fid_by_then(run: Run, other: Run) -> float:
    """A run's last FID before the other one had trained its last second."""
    then = max(other["seconds"], run["clock"][0])
    return [fid for fid, second in zip(run["fid"], run["clock"]) if second <= then][-1]


MEASURES: dict[str, Callable[[Run], float]] = {
    "SWD x 1000": swd,
    "forgotten pictures": lambda run: run["forgotten"][-1],
}
PAIRED: dict[str, Callable[[Run, Run], float]] = {"FID by then": fid_by_then}
G, WHOLE = "(g) pixel norm", "(g) without growing"


def row(letter: str, sentence: str, arm: str, rival: str) -> Claim:
    return Claim(f"SV-PG-T1-{letter}", sentence, arm, (rival,), "SWD x 1000")


CLAIMS = [
    row("b", "growing lowers the distance of the WGAN-GP that Table 1 begins with", "(b) growing", "(a) WGAN-GP"),
    row("c", "a large minibatch ends nearer than a small one after as many pictures",
        "(b) growing", "(c) small minibatch"),
    row("d", "without its norms and with a higher rate the small minibatch ends nearer",
        "(d) revised parameters", "(c) small minibatch"),
    row("e", "the minibatch standard deviation lowers the distance",
        "(e) minibatch stddev", "(d) revised parameters"),
    row("e2", "the minibatch standard deviation lowers it more than minibatch discrimination",
        "(e) minibatch stddev", "(e*) minibatch discrimination"),
    row("f", "an equalised rate lowers the distance", "(f) equalised rate", "(e) minibatch stddev"),
    row("g", "pixel norm lowers the distance", G, "(f) equalised rate"),
    row("h", "twice as many pictures lower the distance", "(h) twice as long", G),
    Claim("SV-PG-C1a", "grown, the networks of row (g) have a lower FID than trained whole for as many seconds",
          G, (WHOLE,), "last_fid", "FID by then"),
    Claim("SV-PG-C1b", "grown, they end nearer than trained whole on as many pictures", G, (WHOLE,), "SWD x 1000"),
    Claim("SV-PG-C2", "growing is more stable: the distance differs less between seeds",
          G, (WHOLE,), "SWD x 1000", spread=True),
    Claim("SV-PG-C3", "with the minibatch standard deviation fewer of a hundred pictures are forgotten",
          "a hundred, stddev", ("a hundred, without",), "forgotten pictures"),
]  # fmt: skip
