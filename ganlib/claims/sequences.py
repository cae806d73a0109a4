"""SeqGAN (Yu et al. 2017) and MaliGAN (Che et al. 2017): policy gradients against likelihood, judged by an oracle."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from ganlib.budget import budget
from ganlib.claims.claim import Arm, Claim, Run
from ganlib.data import Sequences, Set
from ganlib.data.oracle import Oracle
from ganlib.gan import Game
from ganlib.metrics.text import OracleScore, oracle_nll
from ganlib.models import maligan, seqgan

WORLD = dict(vocabulary=100, length=10, width=32, seed=0)
SEQ = budget(
    smoke=dict(pretrain=5, d_pretrain=5, play=5, data=200),
    cpu=dict(pretrain=600, d_pretrain=1000, play=150, data=10_000),
    cuda=dict(pretrain=4000, d_pretrain=4000, play=500, data=10_000),
    paper=dict(pretrain=19_000, d_pretrain=24_000, play=3000, data=10_000),
)
PRE, FIRST, PLAY = SEQ["pretrain"], SEQ["pretrain"] + SEQ["d_pretrain"], SEQ["play"]


def oracle(split: str, size: int) -> Sequences:
    """Sequences of the oracle; the test set has 2,000."""
    return Oracle(**WORLD).sequences(*((SEQ["data"], 1) if split == "train" else (2000, 2)))


SETS: dict[str, Callable[[str, int], Set]] = {"oracle": oracle}


def best(build: Callable[..., Game]) -> Callable[..., Game]:
    """The same game, but the generator is judged by the best D there is, log p - log G, which an oracle knows."""

    def build_with_oracle(data: Sequences, **settings: Any) -> Game:
        game, truth = build(data, **settings), Oracle(**WORLD)
        game.judge = lambda tokens: truth.log_prob(tokens) - game.generator.log_prob(tokens)
        return game

    return build_with_oracle


def pg_bleu(data: Sequences, **settings: Any) -> Game:
    """The reward is the share of pairs of neighbours that occur in the data: BLEU's precision of 2-grams, unclipped."""
    known = torch.zeros(len(data.vocabulary), len(data.vocabulary), device=data.x.device)
    known[data.x[:, :-1], data.x[:, 1:]] = 1

    def reward(tokens: Tensor) -> Tensor:
        return known[tokens[:, :-1], tokens[:, 1:]].mean(1)

    return seqgan.build(data, reward=reward, **settings)


class LikelihoodGoesOn(seqgan.SeqGAN):
    """Likelihood in the place of the policy gradient, for as many steps and at the same rate."""

    def generator_step(self, batch: Tensor) -> dict[str, Tensor]:
        return self.mle_step(batch)


BUILDERS: dict[str, Callable[..., Game]] = {
    "mle, longer": partial(seqgan.build, game=LikelihoodGoesOn),
    "seqgan, best D": best(seqgan.build),
    "maligan, best D": best(maligan.build),
    "pg-bleu": pg_bleu,
}
BASE = dict(data="oracle", width=32, pretrain=PRE, d_pretrain=SEQ["d_pretrain"], lr=1e-3, batch=64)
GAME = BASE | dict(system="seqgan", d_width=64, rollouts=4, updates=FIRST + PLAY)
NO_D = dict(d_pretrain=0, d_steps=0, updates=PRE + PLAY)
ARMS: dict[str, Arm] = {
    "sequences, random": BASE | dict(system="seqgan", pretrain=1, updates=1, mle_lr=0.0),
    "MLE": BASE | dict(system="seqgan", updates=PRE),
    "MLE, longer": BASE | NO_D | dict(system="mle, longer"),
    "scheduled sampling": BASE | dict(system="seqgan", scheduled=0.25, updates=PRE),
    "PG-BLEU": GAME | NO_D | dict(system="pg-bleu"),
    "SeqGAN": GAME,
    "SeqGAN, no baseline": GAME | dict(baseline=False),
    "SeqGAN, no roll-outs": GAME | dict(rollouts=0),
    "SeqGAN, best D": GAME | NO_D | dict(system="seqgan, best D"),
    "MaliGAN": BASE | dict(system="maligan", d_width=64, updates=FIRST + PLAY),
    "MaliGAN, mixed": BASE | dict(system="maligan", d_width=64, K=2, stage=PLAY // 5, m=5, updates=FIRST + PLAY),
    "MaliGAN, best D": BASE | NO_D | dict(system="maligan, best D", d_width=64),
}


CLAIMS = (
    Claim("SV-SEQ-C1", "SeqGAN ends at a lower oracle NLL than the maximum likelihood that it starts from",
          "SeqGAN", ("MLE",), "oracle_nll"),
    Claim("SV-SEQ-C2", "SeqGAN ends at a lower oracle NLL than likelihood that goes on for as many steps",
          "SeqGAN", ("MLE, longer",), "oracle_nll"),
    Claim("SV-SEQ-C3", "SeqGAN ends nearer to the oracle, in KL(G||p), than MLE at the temperature of equal oracle NLL",
          "SeqGAN", ("MLE",), "kl_g_p", "kl_at_equal_nll"),
    Claim("SV-SEQ-C4", "with a baseline SeqGAN ends at a lower oracle NLL than without",
          "SeqGAN", ("SeqGAN, no baseline",), "oracle_nll"),
    Claim("SV-SEQ-C5", "with roll-outs SeqGAN ends at a lower oracle NLL than with the last reward for every word",
          "SeqGAN", ("SeqGAN, no roll-outs",), "oracle_nll"),
    Claim("SV-SEQ-C6", "SeqGAN ends at a lower oracle NLL than PG-BLEU", "SeqGAN", ("PG-BLEU",), "oracle_nll"),
    Claim("SV-SEQ-C7", "scheduled sampling ends at a lower oracle NLL than likelihood that reads the data alone",
          "scheduled sampling", ("MLE",), "oracle_nll"),
    Claim("SV-SEQ-C8", "the best D there is leads SeqGAN to a lower oracle NLL than a trained one",
          "SeqGAN, best D", ("SeqGAN",), "oracle_nll"),
    Claim("SV-SEQ-C9", "maximum likelihood ends at a lower oracle NLL than random weights",
          "MLE", ("sequences, random",), "oracle_nll"),
    Claim("SV-MALI-C1", "mixed MaliGAN ends at a lower oracle NLL than basic MaliGAN",
          "MaliGAN, mixed", ("MaliGAN",), "oracle_nll"),
    Claim("SV-MALI-C2", "basic MaliGAN ends at a lower oracle NLL than the maximum likelihood that it starts from",
          "MaliGAN", ("MLE",), "oracle_nll"),
    Claim("SV-MALI-C3", "the best D there is leads MaliGAN to a lower oracle NLL than a trained one",
          "MaliGAN, best D", ("MaliGAN",), "oracle_nll"),
)  # fmt: skip
TEMPERATURES = (1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.8, 0.75, 0.7)


def at_the_end(gan: Game, test: Set) -> dict[str, Callable[[Game], Any]]:
    """The oracle's four numbers after the last update, also of colder samples."""
    if test.name != "oracle":
        return {}
    truth = Oracle(**WORLD)

    @cache  # once for the four numbers; the game does not move between them
    def score(gan: Game, temperature: float) -> OracleScore:
        x = gan.sample(4000, seed=0, temperature=temperature)
        return oracle_nll(x, gan.generator, truth, test.x, temperature)

    return {
        f"{what}@{t:g}": lambda gan, what=what, t=t: getattr(score(gan, t), what)
        for t in TEMPERATURES
        for what in ("nll", "entropy", "kl_g_p", "kl_p_g")
    }


def kl_at_equal_nll(run: Run, nll: float) -> float:
    """KL(G||p) of a run at the temperature at which its oracle NLL is as given, read between two measured ones."""
    points = sorted((run[f"nll@{t:g}"][-1], run[f"kl_g_p@{t:g}"][-1]) for t in TEMPERATURES)
    (low, a), (high, b) = next(
        (pair for pair in zip(points, points[1:]) if pair[0][0] <= nll <= pair[1][0]),
        (points[0], points[1]) if nll < points[0][0] else (points[-2], points[-1]),
    )
    return a + (b - a) * (nll - low) / (high - low)


MEASURES: dict[str, Callable[[Run], float]] = {
    "oracle_nll": lambda run: run["nll@1"][-1],
    "kl_g_p": lambda run: run["kl_g_p@1"][-1],
}
PAIRED: dict[str, Callable[[Run, Run], float]] = {  # of the rival's run and the arm's
    "kl_at_equal_nll": lambda rival, arm: kl_at_equal_nll(rival, arm["nll@1"][-1]),
}
