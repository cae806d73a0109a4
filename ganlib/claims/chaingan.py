"""ChainGAN (Hossain et al.): a base and its editors, their critics, and the base alone."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from ganlib import metrics
from ganlib.claims.claim import SHORT, SIZE, Arm, Claim, Run
from ganlib.data import Images
from ganlib.gan import GAN
from ganlib.models.chaingan import ChainGAN

# Three small editors; each of the four links gets a quarter of the updates.
# At width 32 and half as many updates, two of five seeds' editors never got beyond a blank picture.
CHAIN = dict(system="chaingan", width=64, d=10, editors=3, latent_dim=64, lr=1e-3, updates=8 * SHORT // 5)
ARMS: dict[str, Arm] = {
    "chain": CHAIN,
    "chain, one critic": CHAIN | dict(one_critic=True),
    "chain, end to end": CHAIN | dict(end_to_end=True),
    # a base that has had as many updates as a chain's, and one that has trained as long: a chain's update takes 1.6 x
    "base alone, equal updates": CHAIN | dict(editors=0, updates=CHAIN["updates"] // 4),
    "base alone, equal seconds": CHAIN | dict(editors=0, updates=round(0.16 * CHAIN["updates"]) * 10),
    # with a third more parameters than the chain, and the critic of the chain
    "larger base": CHAIN | dict(editors=0, width=96, critic_width=32),
}
CLAIMS = (
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
    Claim("CG-C5a", "cut after its first editor, a chain already has a lower FID than its base",
          "chain", ("chain",), "first_editor_fid", "base_fid"),
    Claim("CG-C5b", "the later editors add little: after the first FID is less than a tenth above that after the last",
          "chain", ("chain",), "first_editor_fid", "1.1 last_fid"),
    Claim("CG-C6", "a generator's update takes fewer operations link by link than end to end",
          "chain", ("chain, end to end",), "gflops"),
    Claim("CG-C7", "a chain ends at a lower FID than a base alone with more parameters, at equal updates",
          "chain", ("larger base",), "last_fid"),
    Claim("CG-C8", "editors keep the class: from base to last editor fewer than one sample in ten changes it",
          "chain", (), "class changed", limit=0.1),
    Claim("CG-C9a", "the editors' effect fades over the training: at its end they move pixels less than at its middle",
          "chain", ("chain",), "way of the editors", "way of the editors, halfway"),
    Claim("CG-C9b", "it fades along the chain: the last editor moves pixels less than the first",
          "chain", ("chain",), "way of the last editor", "way of the first editor"),
    Claim("CG-C10", "no mode collapse: the classes of a chain's samples are less than 0.1 nats from even",
          "chain", (), "KL of classes", limit=0.1),
)  # fmt: skip


def gflops(gan: ChainGAN) -> float:
    """10^9 floating-point operations of a generator's update, the mean over 20 draws of the link. Trains the game."""
    with FlopCounterMode(display=False) as counter:
        for _ in range(20):
            gan.link = gan.link if gan.end_to_end else int(torch.randint(len(gan.generator.links), ()))
            gan.generator_step(torch.empty(SIZE["batch"], 1))
    return counter.get_total_flops() / 20 / 1e9


def at_the_end(gan: GAN, test: Images) -> dict[str, Callable[[GAN], Any]]:
    """What is measured of a chain after its last update: FID when it is cut after a link, and what an update costs."""
    if not isinstance(gan, ChainGAN) or len(gan.generator.links) == 1:
        return {}

    @torch.no_grad()
    def changed(gan: ChainGAN) -> float:
        first, last = (metrics.digits()(g.sample(SIZE["n"], seed=0))[1].argmax(1) for g in (gan.cut(0), gan))
        return (first != last).float().mean().item()

    cut = {f"fid_{k}": lambda gan, k=k: metrics.fid(gan.cut(k), test, n=SIZE["n"]) for k in (0, 1)}
    return cut | {"gflops": lambda gan: gflops(copy.deepcopy(gan)), "class_changed": changed}


def watched(gan: GAN, test: Any) -> dict[str, Callable[[GAN], Any]]:
    """How far each editor moves a pixel, the mean over 200 samples."""
    if not isinstance(gan, ChainGAN):
        return {}

    def way(gan: ChainGAN, k: int) -> float:
        before, after = (gan.cut(i).sample(200, seed=0) for i in (k - 1, k))
        return (after - before).abs().mean().item()

    return {f"way_{k}": lambda gan, k=k: way(gan, k) for k in range(1, len(gan.generator.links))}


def ways(run: Run) -> list[list[float]]:
    return [run[name] for name in sorted(run) if name.startswith("way_")]


MEASURES: dict[str, Callable[[Run], float]] = {
    "class changed": lambda run: run["class_changed"][-1],
    "way of the editors": lambda run: sum(way[-1] for way in ways(run)),
    "way of the editors, halfway": lambda run: sum(way[len(way) // 2] for way in ways(run)),
    "way of the first editor": lambda run: ways(run)[0][-1],
    "way of the last editor": lambda run: ways(run)[-1][-1],
    "base_fid": lambda run: run["fid_0"][-1],
    "first_editor_fid": lambda run: run["fid_1"][-1],
    "gflops": lambda run: run["gflops"][-1],
}
