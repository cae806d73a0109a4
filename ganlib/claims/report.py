"""Recent Advances in GANs (Frank and Juracek): DCGAN, WGAN and WGAN-GP on equal terms; and two more baselines."""

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from scipy import stats

from ganlib import metrics
from ganlib.claims.claim import FASTER, SHORT, SIZE, Arm, Claim, Run
from ganlib.data import Images
from ganlib.gan import GAN, Game
from ganlib.models import dcgan
from ganlib.objectives import MINIMAX
from ganlib.plotting import interpolation

# At 1,500 updates all three were still falling by a tenth to a sixth in the last quarter of a run.
LONG = 2 * SIZE["updates"]
# one latent length for the report's three, so that one seed gives them one generator
GP = dict(system="wgan_gp", latent_dim=100, lr=1e-4 * FASTER, updates=LONG)
EQ1 = dict(system="dcgan, Eq. 1", lr=2e-4 * FASTER, updates=SHORT)
BUILDERS: dict[str, Callable[..., GAN]] = {"dcgan, Eq. 1": partial(dcgan.build, objective=MINIMAX)}
ARMS: dict[str, Arm] = {
    "vanilla": dict(system="vanilla", width=128, lr=5e-4, updates=4 * SIZE["updates"]),
    "dcgan": dict(system="dcgan", lr=2e-4 * FASTER, updates=LONG),
    "lsgan": dict(system="lsgan", lr=2e-4 * FASTER),
    "wgan": dict(system="wgan", lr=5e-5 * FASTER, updates=LONG),
    "wgan_gp": GP,
    "wgan_gp, D:G 1": GP | dict(n_critic=1),
    # where the report speaks of vanishing gradients it speaks of the value function V(D, G)
    "dcgan of Eq. 1": EQ1,
    "dcgan of Eq. 1, D:G 5": EQ1 | dict(n_critic=5),
}
CLAIMS = (
    Claim("RA-C1a", "the loss of WGAN's critic is steadier than that of DCGAN's discriminator, for its size",
          "wgan", ("dcgan",), "roughness"),
    Claim("RA-C1b", "WGAN's loss is steadier for its distance from the loss of a critic that cannot tell",
          "wgan", ("dcgan",), "roughness from rest"),
    Claim("RA-C1c", "WGAN-GP's loss is steadier for its distance from the loss of a critic that cannot tell",
          "wgan_gp", ("dcgan",), "roughness from rest"),
    Claim("RA-C1d", "WGAN's loss means more than DCGAN's: over the training it falls with FID",
          "wgan", ("dcgan",), "-rank correlation"),
    Claim("RA-C1e", "WGAN-GP's loss means more than DCGAN's: over the training it falls with FID",
          "wgan_gp", ("dcgan",), "-rank correlation"),
    Claim("RA-C2", "over the run DCGAN's mean FID is below both Wasserstein GANs' at equal generator updates",
          "dcgan", ("wgan", "wgan_gp"), "mean_fid"),
    Claim("RA-C3", "WGAN-GP ends at a lower FID than WGAN",
          "wgan_gp", ("wgan",), "last_fid"),
    Claim("RA-C4a", "WGAN's samples fall into the ten classes more evenly than DCGAN's",
          "wgan", ("dcgan",), "KL of classes"),
    Claim("RA-C4b", "WGAN-GP's samples fall into the ten classes more evenly than DCGAN's",
          "wgan_gp", ("dcgan",), "KL of classes"),
    Claim("RA-C5", "a straight line in DCGAN's latent space is a smooth change: of no line's way, cut in ten, does one "
          "step cover half", "dcgan", (), "longest step", limit=0.5),
    Claim("RA-C6a", "with one critic update for each of G, WGAN-GP's classes are less even than with five",
          "wgan_gp", ("wgan_gp, D:G 1",), "KL of classes"),
    Claim("RA-C6b", "with five updates of D for each of G the game of Eq. 1 ends at a higher FID than with one",
          "dcgan of Eq. 1", ("dcgan of Eq. 1, D:G 5",), "last_fid"),
)  # fmt: skip


def roughness(losses: list[float], rest: float = 0.0) -> float:
    """How unsteady a loss is: the mean change from one row (ten updates) to the next over its size, late in a run.

    Of the second half only, and without a unit, so that losses of different scales can be compared. The size is the
    mean distance from ``rest``. There are two readings of "stable" in RA-C1: from 0, the size of the loss itself; and
    from the loss of a discriminator that says the same of everything, which is 0 for a Wasserstein critic and 2 log 2
    for Eq. 1. A constant that is added to a loss changes the first reading and not the second.
    """
    late = torch.tensor(losses[len(losses) // 2 :], dtype=torch.float64)
    return (late.diff().abs().mean() / (late - rest).abs().mean()).item()


def of_the_loss(gan: GAN, losses: list[float], looked: list[int]) -> Run:
    """What a run keeps of its discriminator's loss, from its rows and the rows at which FID was measured."""
    nothing = torch.zeros(1, device=gan.device)
    rest = gan.objective.d_loss(nothing, nothing).item()
    between = [losses[before + 1 : row + 1] for before, row in zip([-1, *looked], looked)]
    return {
        "roughness": roughness(losses),
        "roughness from rest": roughness(losses, rest),
        "d_loss": [statistics.mean(rows) for rows in between],
    }


def rank_correlation(run: Run) -> float:
    """Spearman's, of FID with minus the discriminator's loss, an estimate of the distance, over a run's looks."""
    if len(run["fid"]) < 3:
        return 0.0  # of a run of the smallest budget
    return float(stats.spearmanr([-loss for loss in run["d_loss"]], run["fid"]).statistic)


def class_kl(gan: GAN) -> float:
    """KL of the classes of samples to even ones, in nats, by the digit classifier: log 10 if all are in one."""
    return metrics.mode_coverage(metrics.digits()(gan.sample(SIZE["n"], seed=0))[1]).kl


def longest_step(gan: GAN) -> float:
    """Of 64 lines in latent space, each in ten steps: the largest share that a step has of its line's way.

    The way is measured in the digit classifier's features. An even walk has 0.1, a jump 1.
    """
    lines = interpolation(gan, n=11, pairs=64)
    features = metrics.digits()(lines.flatten(0, 1))[0].unflatten(0, lines.shape[:2])
    steps = features.diff(dim=1).norm(dim=2)
    return (steps / steps.sum(1, keepdim=True).clamp_min(1e-12)).max().item()  # a line may stand still


def at_the_end(gan: Game, test: Any) -> dict[str, Callable[[Game], Any]]:
    """What is measured of any game of digits after its last update: its classes and, with plain latents, a line."""
    if not (isinstance(gan, GAN) and isinstance(test, Images) and test.name == "mnist5k"):
        return {}
    straight = {"longest": longest_step} if isinstance(gan.latent_dim, int) else {}
    return {"class_kl": class_kl} | straight


MEASURES: dict[str, Callable[[Run], float]] = {
    "roughness": lambda run: run["roughness"],
    "roughness from rest": lambda run: run["roughness from rest"],
    "-rank correlation": lambda run: -rank_correlation(run),
    "KL of classes": lambda run: run["class_kl"][-1],
    "longest step": lambda run: run["longest"][-1],
}
