"""The papers' claims, tested: two arms on equal terms, several paired seeds, an interval and a verdict.

    python -m ganlib.claims RA-C1 --seeds 5     # train what is missing, write data/claims/RA-C1.json
    python -m ganlib.claims --table             # the README's table, from data/claims/

A run is trained once and serves every claim that needs it. Stop it whenever you like: finished runs are kept under
runs/claims/, and a run that was stopped goes on from its checkpoint.
"""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ganlib import metrics
from ganlib.budget import budget, seed_everything
from ganlib.data import BUNDLED, load
from ganlib.files import replacing
from ganlib.gan import require
from ganlib.models import build
from ganlib.training import Monitor, fit

RESULTS = BUNDLED / "claims"
RUNS = Path("runs") / "claims"
# two-sided 95 % quantiles of Student's t with 1, 2, ... degrees of freedom
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145)

SIZE = budget(
    smoke=dict(updates=20, every=10, width=4, n=200, batch=16, size=16),
    cpu=dict(updates=1500, every=100, width=12, n=1000, batch=32, size=16),
    cuda=dict(updates=20_000, every=500, width=64, n=1000, batch=64, size=32),
    paper=dict(updates=78_000, every=2000, width=64, n=10_000, batch=64, size=32),
)
# RA-T1's learning rates stand 4 : 1 : 2. With a fiftieth of its updates they are all four times as large here.
FASTER = budget(smoke=4, cpu=4, cuda=1, paper=1)
# one latent length for all, so that runs of one seed start from the same generator
ARMS: dict[str, dict[str, Any]] = {
    "dcgan": dict(system="dcgan", lr=2e-4 * FASTER),
    "wgan": dict(system="wgan", lr=5e-5 * FASTER),
    "wgan_gp": dict(system="wgan_gp", latent_dim=100, lr=1e-4 * FASTER),
}


@dataclass(frozen=True)
class Claim:
    """A claim that the first arm has the smaller measure.

    Attributes:
        id: the ledger's.
        sentence: what is claimed, in a form that can come out wrong.
        arm: the arm that should come out smaller.
        rivals: the other; of several, the one that does better with that seed.
        measure: a name in ``MEASURES``.
    """

    id: str
    sentence: str
    arm: str
    rivals: tuple[str, ...]
    measure: str


CLAIMS = {
    claim.id: claim
    for claim in (
        Claim("RA-C1", "the loss of WGAN's critic is steadier than that of DCGAN's discriminator",
              "wgan", ("dcgan",), "roughness"),
        Claim("RA-C2", "DCGAN reaches a lower FID, sooner, than both Wasserstein GANs at equal generator updates",
              "dcgan", ("wgan", "wgan_gp"), "mean_fid"),
        Claim("RA-C3", "the gradient penalty ends at a lower FID than weight clipping",
              "wgan_gp", ("wgan",), "last_fid"),
    )
}  # fmt: skip


def roughness(losses: list[float]) -> float:
    """How unsteady a loss is: the mean change from one row (ten updates) to the next over its mean size, late in a run.

    Of the second half only, and without a unit, so that losses of different scales can be compared. This is what
    "stable" means in RA-C1; it was fixed before the runs.
    """
    late = torch.tensor(losses[len(losses) // 2 :], dtype=torch.float64)
    return (late.diff().abs().mean() / late.abs().mean()).item()


MEASURES: dict[str, Callable[[dict[str, Any]], float]] = {
    "roughness": lambda run: run["roughness"],
    "mean_fid": lambda run: math.fsum(run["fid"]) / len(run["fid"]),
    "last_fid": lambda run: run["fid"][-1],
}


def train(arm: str, seed: int) -> dict[str, Any]:
    """The figures of one run, trained if need be. Runs of one seed share the order of the data."""
    settings = dict(ARMS[arm])
    name = f"{arm}-{seed}-{'-'.join(f'{k}{v}' for k, v in SIZE.items())}-lr{settings['lr']:g}"
    path = RUNS / f"{name}.json"
    if path.exists():
        return json.loads(path.read_text())
    images, test = load("mnist5k", size=SIZE["size"]), load("mnist5k", split="test", size=SIZE["size"])
    seed_everything(seed)
    gan = build(settings.pop("system"), images.shape, width=SIZE["width"], **settings)
    fid = Monitor("fid", lambda gan: metrics.fid(gan, test, n=SIZE["n"]), every=SIZE["every"])
    history = fit(
        gan, images, SIZE["updates"], SIZE["batch"], seed, every=10, monitors=[fid], checkpoint=RUNS / f"{name}.pt"
    )
    run = {
        "fid": [value for value in history["fid"] if not math.isnan(value)],
        "roughness": roughness(history["d_loss"]),
        "seconds": history.seconds[-1],
    }
    with replacing(path) as aside:
        aside.write_text(json.dumps(run))
    (RUNS / f"{name}.pt").unlink()
    return run


def verdict(differences: list[float]) -> dict[str, Any]:
    """Mean paired difference (arm - rival), its 95 % t-interval, and what it says of "smaller".

    Raises:
        ValueError: fewer than two differences, or more than the table of t has.
    """
    n = len(differences)
    require(2 <= n <= len(T95) + 1, f"differences holds {n} values; there must be 2 to {len(T95) + 1}")
    values = torch.tensor(differences, dtype=torch.float64)
    mean, half = values.mean().item(), T95[n - 2] * values.std().item() / math.sqrt(n)
    low, high = mean - half, mean + half
    word = "confirmed" if high < 0 else "refuted" if low > 0 else "undecided"
    return {"difference": mean, "interval": [low, high], "verdict": word}


def test(claim: Claim, seeds: int) -> dict[str, Any]:
    """Train both arms with so many seeds and write data/claims/ID.json."""
    measure, rows = MEASURES[claim.measure], []
    for seed in range(seeds):
        runs = {arm: train(arm, seed) for arm in (claim.arm, *claim.rivals)}
        values = {arm: measure(run) for arm, run in runs.items()}
        rival = min(claim.rivals, key=values.__getitem__)
        rows.append({"seed": seed, **values, "difference": values[claim.arm] - values[rival]})
        print(claim.id, rows[-1], flush=True)
    result = {
        **asdict(claim),
        **verdict([row["difference"] for row in rows]),
        "seeds": rows,
        "settings": {**SIZE, "data": "mnist5k", "arms": ARMS},
        "budget": budget(smoke="smoke", cpu="cpu", cuda="cuda", paper="paper"),
        "versions": {"torch": torch.__version__},
    }
    with replacing(RESULTS / f"{claim.id}.json") as aside:
        aside.write_text(json.dumps(result, indent=1) + "\n")
    return result


def table() -> str:
    """The README's table of claims, in Markdown."""
    lines = ["| claim | measure, smaller is better | difference [95 % interval] | seeds | verdict at this scale |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for path in sorted(RESULTS.glob("*.json")):
        r = json.loads(path.read_text())
        arms = f"{r['measure']} of {r['arm']} against {' or '.join(r['rivals'])}"
        low, high = r["interval"]
        difference = f"{r['difference']:+.2f} [{low:+.2f}, {high:+.2f}]"
        lines.append(f"| {r['id']}: {r['sentence']} | {arms} | {difference} | {len(r['seeds'])} | {r['verdict']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", metavar="ID", help=", ".join(CLAIMS))
    parser.add_argument("--seeds", type=int, default=5, help="paired seeds (default: 5)")
    parser.add_argument("--table", action="store_true", help="print the table of all results")
    arguments = parser.parse_args()
    for name in arguments.ids:
        require(name in CLAIMS, f"ID is {name!r}; the claims are {', '.join(CLAIMS)}")
        print(test(CLAIMS[name], arguments.seeds)["verdict"])
    if arguments.table:
        print(table())
