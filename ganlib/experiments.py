"""What ``ganlib.claims`` trains and tests: the size of the runs, the arms, the measures and the papers' claims."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ganlib import metrics
from ganlib.budget import budget
from ganlib.data import Images, to_float
from ganlib.gan import GAN
from ganlib.models import SYSTEMS
from ganlib.models.chaingan import ChainGAN
from ganlib.models.draw import DRAW
from ganlib.models.dvae import DVAE
from ganlib.models.lens import LensGAN
from ganlib.training import Monitor

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
# The lens leaves after a third of the run; in its paper after a tenth or less of a much longer one.
LENS = dict(system="lens", lr=1e-4 * FASTER, updates=SHORT)
K = SHORT // 3

# GRAN's paper names no learning rates, only that they differ. These were chosen by short runs of T = 3.
GRAN = dict(system="gran", latent_dim=60, g_lr=5e-4, d_lr=1e-3, updates=SHORT)
# Three small editors; each of the four links gets a quarter of the updates.
# At width 32 and half as many updates, two of five seeds' editors never got beyond a blank picture.
CHAIN = dict(system="chaingan", width=64, d=10, editors=3, latent_dim=64, lr=1e-3, updates=8 * SHORT // 5)

BUILDERS = SYSTEMS | {"dvae": DVAE, "draw": DRAW}
# An arm: its builder, its settings, and under "data" and "updates" what it trains on, and how long, if not mnist5k for
# SIZE["updates"]. Runs of one seed share the order of the data, and start from the same generator where the networks
# are the same (hence one latent length for the report's three).
ARMS: dict[str, dict[str, Any]] = {
    "vanilla": dict(system="vanilla", width=128, lr=5e-4, updates=4 * SIZE["updates"]),
    "dcgan": dict(system="dcgan", lr=2e-4 * FASTER),
    "lsgan": dict(system="lsgan", lr=2e-4 * FASTER),
    "wgan": dict(system="wgan", lr=5e-5 * FASTER),
    "wgan_gp": dict(system="wgan_gp", latent_dim=100, lr=1e-4 * FASTER),
    **{f"GRAN{steps}": GRAN | dict(steps=steps) for steps in (1, 3, 5, 7, 9)},
    "GRAN3, fresh noise": GRAN | dict(steps=3, fresh_noise=True),
    "DVAE": dict(system="dvae", width=256, updates=SHORT),
    "DRAW": dict(system="draw", width=128, updates=SHORT),
    "chain": CHAIN,
    "chain, one critic": CHAIN | dict(one_critic=True),
    "chain, end to end": CHAIN | dict(end_to_end=True),
    # a base that has had as many updates as a chain's, and one that has trained as long: a chain's update takes 1.6 x
    "base alone, equal updates": CHAIN | dict(editors=0, updates=CHAIN["updates"] // 4),
    "base alone, equal seconds": CHAIN | dict(editors=0, updates=round(0.16 * CHAIN["updates"]) * 10),
    # with a third more parameters than the chain, and the critic of the chain
    "larger base": CHAIN | dict(editors=0, width=96, critic_width=32),
}
for data, suffix in (("mnist5k", ""), ("color-mnist", ", colour")):
    for base, settings in (
        ("dcgan", dict(base="dcgan")),
        ("lsgan", dict(base="lsgan")),
        ("lsgan with a sigmoid", dict(base="lsgan", sigmoid=True)),
    ):
        ARMS[f"{base}, no lens{suffix}"] = LENS | settings | dict(K=0, data=data)
        ARMS[f"{base}, lens{suffix}"] = LENS | settings | dict(K=K, data=data)


def recipe(arm: str, shape: tuple[int, ...]) -> dict[str, Any]:
    """What ``make`` builds an arm's game from, for images of a shape (C, H, W)."""
    settings = {"shape": shape, "width": SIZE["width"], **ARMS[arm]}
    return {name: value for name, value in settings.items() if name not in ("data", "updates")}


def make(settings: dict[str, Any]) -> GAN:
    """A game from its system's name, the images' shape and the settings of its ``build``."""
    settings = dict(settings)
    return BUILDERS[settings.pop("system")](tuple(settings.pop("shape")), **settings)


@dataclass(frozen=True)
class Claim:
    """A claim that the first arm has the smaller measure.

    Attributes:
        id: the ledger's, with a letter where one claim of a paper is tested in several ways.
        sentence: what is claimed, in a form that can come out wrong.
        arm: the arm that should come out smaller.
        rivals: the other; of several, the one that does better with that seed.
        measure: a name in ``MEASURES``; or in ``BATTLES``, where arm and rival meet and the outcome should be below 0.
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


CLAIMS = {
    claim.id: claim
    for claim in (
        Claim("RA-C1", "the loss of WGAN's critic is steadier than that of DCGAN's discriminator",
              "wgan", ("dcgan",), "roughness"),
        Claim("RA-C2", "DCGAN reaches a lower FID, sooner, than both Wasserstein GANs at equal generator updates",
              "dcgan", ("wgan", "wgan_gp"), "mean_fid"),
        Claim("RA-C3", "the gradient penalty ends at a lower FID than weight clipping",
              "wgan_gp", ("wgan",), "last_fid"),
        Claim("TA-C1a", "the lens lowers the FID of the original GAN on digits",
              "dcgan, lens", ("dcgan, no lens",), "last_fid"),
        Claim("TA-C1b", "the lens lowers the FID of the original GAN on Color MNIST",
              "dcgan, lens, colour", ("dcgan, no lens, colour",), "last_fid"),
        Claim("TA-C1c", "the original GAN misses fewer of Color MNIST's 1,000 modes with the lens",
              "dcgan, lens, colour", ("dcgan, no lens, colour",), "missed_modes"),
        Claim("TA-C2a", "the lens lowers the FID of LSGAN on digits",
              "lsgan, lens", ("lsgan, no lens",), "last_fid"),
        Claim("TA-C2b", "the lens lowers the FID of LSGAN on digits, with a sigmoid before the squares",
              "lsgan with a sigmoid, lens", ("lsgan with a sigmoid, no lens",), "last_fid"),
        Claim("TA-C2c", "the lens lowers the FID of LSGAN on Color MNIST, with a sigmoid before the squares",
              "lsgan with a sigmoid, lens, colour", ("lsgan with a sigmoid, no lens, colour",), "last_fid"),
        Claim("TA-C3", "with the lens the final FID of the original GAN varies less between seeds",
              "dcgan, lens", ("dcgan, no lens",), "last_fid", spread=True),
        Claim("TA-C4", "the lens ends as the identity: at the last look before its schedule ends |L(x) - x| is on "
              "average below 1 % of a pixel's range", "dcgan, lens", (), "last_shift", limit=0.02),
        Claim("GR-C1a", "GRAN3 beats GRAN1 in battle", "GRAN3", ("GRAN1",), "log_r_sample"),
        Claim("GR-C1b", "GRAN5 beats GRAN1 in battle", "GRAN5", ("GRAN1",), "log_r_sample"),
        Claim("GR-C2", "one z for all steps ends at a lower FID than fresh noise at each",
              "GRAN3", ("GRAN3, fresh noise",), "last_fid"),
        Claim("GR-C4a", "GRAN3's discriminator takes fewer than half of DVAE's samples for real",
              "GRAN3", ("DVAE",), "error_above_half"),
        Claim("GR-C4b", "GRAN3's discriminator takes fewer than half of DRAW's samples for real",
              "GRAN3", ("DRAW",), "error_above_half"),
        Claim("GR-C5", "GRAN5 beats GRAN3 in battle", "GRAN5", ("GRAN3",), "log_r_sample"),
        Claim("CG-C1", "the last editor's samples have a lower FID than the base's of the same chain",
              "chain", ("chain",), "last_fid", "base_fid"),
        Claim("CG-C2a", "a base beside editors has a lower FID than the same base alone at equal updates of the base",
              "chain", ("base alone, equal updates",), "base_fid", "last_fid"),
        Claim("CG-C2b", "a chain has a lower FID than its base alone that trained as many seconds",
              "chain", ("base alone, equal seconds",), "last_fid"),
        Claim("CG-C3", "a chain with one critic ends at a lower FID than with a critic for each link",
              "chain, one critic", ("chain",), "last_fid"),
        Claim("CG-C4", "training link by link ends at a lower FID than end to end",
              "chain", ("chain, end to end",), "last_fid"),
        Claim("CG-C5", "cut after its first editor, a chain already has a lower FID than its base",
              "chain", ("chain",), "first_editor_fid", "base_fid"),
        Claim("CG-C6", "a generator's update takes fewer operations link by link than end to end",
              "chain", ("chain, end to end",), "gflops"),
        Claim("CG-C7", "a chain ends at a lower FID than a base alone with more parameters, at equal updates",
              "chain", ("larger base",), "last_fid"),
    )
}  # fmt: skip


def monitors(gan: GAN, test: Images) -> list[Monitor]:
    """What is measured during a run of a claim, every ``SIZE["every"]`` updates."""
    reals = to_float(test.x[:200])

    def missed(gan: GAN) -> float:
        coverage = metrics.mode_coverage(metrics.digits()(gan.sample(SIZE["n"], seed=0))[1])
        return coverage.total - coverage.modes

    @torch.no_grad()
    def shift(gan: LensGAN) -> Tensor | None:
        return (gan.lens(reals) - reals).abs().mean() if gan.t <= gan.K else None

    measured = {"fid": lambda gan: metrics.fid(gan, test, n=SIZE["n"])}
    if test.name == "color-mnist":
        measured["missed_modes"] = missed
    if isinstance(gan, LensGAN) and gan.K:
        measured["shift"] = shift
    at_the_end = {}
    if isinstance(gan, ChainGAN) and len(gan.generator.links) > 1:
        at_the_end = {f"fid_{k}": lambda gan, k=k: metrics.fid(gan.cut(k), test, n=SIZE["n"]) for k in (0, 1)}
        at_the_end["gflops"] = lambda gan: gflops(copy.deepcopy(gan))
    return [
        *(Monitor(name, measure, SIZE["every"]) for name, measure in measured.items()),
        *(Monitor(name, measure, 10**9) for name, measure in at_the_end.items()),
    ]


def gflops(gan: ChainGAN) -> float:
    """10^9 floating-point operations of a generator's update, the mean over 20 draws of the link. Trains the game."""
    with FlopCounterMode(display=False) as counter:
        for _ in range(20):
            gan.link = gan.link if gan.end_to_end else int(torch.randint(len(gan.generator.links), ()))
            gan.generator_step(torch.empty(SIZE["batch"], 1))
    return counter.get_total_flops() / 20 / 1e9


def log_r_sample(m1: GAN, m2: GAN, test: Images) -> float:
    """log of GAM's r_sample (Im et al. 2016, Eq. 10), below 0 where m1 wins.

    Every threshold is where the discriminator misses a quarter of held-out reals: at D = 1/2 these small
    discriminators hardly ever err. Half an error is added to both counts, so that none is 0.
    """
    errors = metrics.gam(m1, m2, test, n=SIZE["n"], calibrate=0.25).errors
    return math.log((errors["D1", "G2"].samples.errors + 0.5) / (errors["D2", "G1"].samples.errors + 0.5))


def error_above_half(gan: GAN, model: DVAE | DRAW, test: Images) -> float:
    """The share of a model's samples that a discriminator takes for real at D = 1/2, less 1/2."""
    return float(metrics.error_rate(gan, model.sample(SIZE["n"], seed=0))) - 0.5


def roughness(losses: list[float]) -> float:
    """How unsteady a loss is: the mean change from one row (ten updates) to the next over its mean size, late in a run.

    Of the second half only, and without a unit, so that losses of different scales can be compared. This is what
    "stable" means in RA-C1; it was fixed before the runs.
    """
    late = torch.tensor(losses[len(losses) // 2 :], dtype=torch.float64)
    return (late.diff().abs().mean() / late.abs().mean()).item()


# from what ``claims.train`` keeps of a run
MEASURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "roughness": lambda run: run["roughness"],
    "mean_fid": lambda run: math.fsum(run["fid"]) / len(run["fid"]),
    "last_fid": lambda run: run["fid"][-1],
    "missed_modes": lambda run: run["missed_modes"][-1],
    "last_shift": lambda run: run["shift"][-1],
    "base_fid": lambda run: run["fid_0"][-1],
    "first_editor_fid": lambda run: run["fid_1"][-1],
    "gflops": lambda run: run["gflops"][-1],
}
BATTLES: dict[str, Callable[[GAN, GAN, Images], float]] = {
    "log_r_sample": log_r_sample,
    "error_above_half": error_above_half,
}
