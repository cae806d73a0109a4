"""Train the arms of a claim with several paired seeds, and say what came out."""

import json
import math
import statistics
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.optim.lr_scheduler import CosineAnnealingLR

from ganlib.budget import budget, seed_everything
from ganlib.checkpoints import restore
from ganlib.checks import require
from ganlib.claims.claim import SIZE, Claim
from ganlib.claims.ledger import ARMS, BATTLES, MEASURES, PAIRED, SETS, make, monitors, recipe
from ganlib.claims.report import roughness
from ganlib.data import BUNDLED, Images, load
from ganlib.files import intact, listed_anew, replacing
from ganlib.gan import GAN
from ganlib.training import TrainingDiverged, fit

RESULTS, WEIGHTS = BUNDLED / "claims", BUNDLED / "weights"
RUNS = Path("runs") / "claims"
# two-sided 95 % quantiles of Student's t with 1, 2, ... degrees of freedom
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145)


def where(arm: str, seed: int) -> str:
    """The path of a run's files, without their suffix."""
    settings = {**SIZE, **ARMS[arm]}
    text = "-".join(f"{k}{v:g}" if isinstance(v, float) else f"{k}{v}" for k, v in settings.items())
    return f"{RUNS}/{text}-seed{seed}"


def start(arm: str, seed: int) -> tuple[GAN, Images, Images]:
    """An arm's untrained game, its training and its test images."""
    name = ARMS[arm].get("data", "mnist5k")
    images, test = (SETS.get(name, partial(load, name))(split, SIZE["size"]) for split in ("train", "test"))
    seed_everything(seed)
    return make(recipe(arm, images.shape), images), images, test


def train(arm: str, seed: int) -> dict[str, Any]:
    """The figures of one run, trained if need be. Runs of one seed share the order of the data."""
    path = where(arm, seed)
    figures = Path(f"{path}.json")
    if figures.exists():
        return json.loads(figures.read_text())
    gan, images, test = start(arm, seed)
    watched, updates = monitors(gan, test), ARMS[arm].get("updates", SIZE["updates"])
    batch, ema = ARMS[arm].get("batch", SIZE["batch"]), ARMS[arm].get("ema")
    rates = [CosineAnnealingLR(o, updates) for o in gan.optimizers.values()] if ARMS[arm].get("decay") else []
    how = dict(monitors=watched, checkpoint=f"{path}.pt", ema=ema, schedulers=rates)
    run: dict[str, Any] = {"seed": seed}
    try:
        history = fit(gan, images, updates, batch, seed, every=10, **how)
    except TrainingDiverged as error:  # which is a result, and not a fault
        run |= {"seconds": sum(error.history.seconds[-1:]), "diverged": error.step}
    else:
        if history.steps[-1:] != [updates]:
            raise KeyboardInterrupt(f"{arm}, seed {seed} was stopped; it goes on from its checkpoint")
        run |= {m.name: [v for v in history[m.name] if not math.isnan(v)] for m in watched}
        looked = [i for i, value in enumerate(history[watched[0].name]) if not math.isnan(value)]
        run |= {"steps": [history.steps[i] for i in looked], "clock": [history.seconds[i] for i in looked]}
        run["seconds"] = history.seconds[-1]
        if "d_loss" in history.names and not math.isnan(history["d_loss"][0]):
            run["roughness"] = roughness(history["d_loss"])
    with replacing(figures) as aside:
        aside.write_text(json.dumps(run))
    return run


def trained(arm: str, seed: int) -> GAN:
    """The game of a run, trained if need be."""
    train(arm, seed)
    gan, _, _ = start(arm, seed)
    restore(gan, f"{where(arm, seed)}.pt")
    return gan


def keep(arm: str, seed: int) -> None:
    """Write the networks of a run to data/weights/, in float16, with the settings that build them.

    Of a generator with an average only that is kept, and no opponent: it is for drawing.
    """
    gan = trained(arm, seed)
    if gan.averaged is not None:
        gan.generator.load_state_dict(gan.averaged.state_dict())
        gan.averaged = gan.discriminator = None
    settings = recipe(arm, tuple(gan.sample(1, seed=0).shape[1:]))
    tensors = {name: value.half().contiguous() for name, value in gan.state_dict().items() if value.is_floating_point()}
    run = {**SIZE, "updates": ARMS[arm].get("updates", SIZE["updates"]), "seconds": train(arm, seed)["seconds"]}
    name = f"{arm}-seed{seed}.safetensors"
    with replacing(WEIGHTS / name) as aside:
        save_file(tensors, aside, {"settings": json.dumps(settings), "run": json.dumps(run)})
        aside.chmod(0o644)  # save_file lets nobody else read
    listed_anew(WEIGHTS, name)


def kept(arm: str, seed: int = 0) -> GAN:
    """A trained game that is kept in data/weights/, whatever the budget.

    Raises:
        FileNotFoundError: none is kept of this arm and seed.
        ValueError: the file is not as it was kept.
    """
    with safe_open(intact(WEIGHTS, f"{arm}-seed{seed}.safetensors"), "pt") as file:
        gan = make(json.loads(file.metadata()["settings"]))
        state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    missing, _ = gan.load_state_dict(state, strict=False)
    if not any(name.startswith("discriminator.") for name in state):
        missing = [name for name in missing if not name.startswith("discriminator.")]
    counters = all(name.endswith(("num_batches_tracked", "_extra_state")) for name in missing)  # are not kept
    require(counters, f"the weights of {arm}, seed {seed} lack {missing}: keep them again")
    return gan


def about(arm: str, seed: int = 0) -> dict[str, Any]:
    """How a kept game was trained: its updates, their seconds, and the sizes of ``SIZE``."""
    with safe_open(intact(WEIGHTS, f"{arm}-seed{seed}.safetensors"), "pt") as file:
        return json.loads(file.metadata()["run"])


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


def read(measure: str, run: dict[str, Any], other: dict[str, Any]) -> float:
    """A measure of a run, or of a pair of runs of one seed; NaN of one that diverged."""
    if "diverged" in run or measure in PAIRED and "diverged" in other:
        return math.nan
    return PAIRED[measure](run, other) if measure in PAIRED else MEASURES[measure](run)


def differences(claim: Claim, runs: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """For every seed the measures of the arm and its rivals, and the arm's less the best rival's, or less the limit.

    A run that diverged counts as much as the worst that did not.
    """
    measured = [(claim.arm, claim.measure), *((rival, claim.rival_measure or claim.measure) for rival in claim.rivals)]
    columns = [[read(measure, *pair) for pair in zip(runs[arm], runs[claim.arm])] for arm, measure in measured]
    worst = max((value for column in columns for value in column if not math.isnan(value)), default=math.nan)
    columns = [[worst if math.isnan(value) else value for value in column] for column in columns]
    if claim.spread:
        columns = [[abs(value - statistics.median(column)) for value in column] for column in columns]
    names = [arm if claim.rival_measure is None else f"{measure} of {arm}" for arm, measure in measured]
    rows = []
    for seed, (mine, *others) in enumerate(zip(*columns)):
        best = min(others) if others else claim.limit
        rows.append({"seed": seed, **dict(zip(names, (mine, *others))), "difference": mine - best})
    return rows


def battles(claim: Claim, seeds: int) -> list[dict[str, Any]]:
    """For every seed the outcome of the arm's battle with its rival."""
    test = start(claim.arm, 0)[2]
    games = ((trained(claim.arm, seed), trained(claim.rivals[0], seed)) for seed in range(seeds))
    return [{"seed": seed, "difference": BATTLES[claim.measure](*pair, test)} for seed, pair in enumerate(games)]


def test(claim: Claim, seeds: int, folder: Path | None = None) -> dict[str, Any]:
    """Train the arms with so many seeds and write data/claims/ID.json, or ID.json in another folder."""
    require(2 <= seeds <= len(T95) + 1, f"seeds is {seeds}; there must be 2 to {len(T95) + 1}")
    arms = dict.fromkeys((claim.arm, *claim.rivals))
    runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in arms}
    for seed in range(seeds):
        for arm in arms:
            runs[arm].append(train(arm, seed))
            said = {key: value[-1] for key, value in runs[arm][-1].items() if isinstance(value, list)}
            name, value = next(iter(said.items()), ("diverged at step", runs[arm][-1].get("diverged", 0)))
            print(f"{claim.id}, seed {seed}, {arm}: {name} {value:.4g}", flush=True)
    rows = battles(claim, seeds) if claim.measure in BATTLES else differences(claim, runs)
    result = {
        **asdict(claim),
        **verdict([row["difference"] for row in rows]),
        "seeds": rows,
        "runs": runs,
        "settings": {**SIZE, "arms": {arm: {"data": "mnist5k", **ARMS[arm]} for arm in arms}},
        "budget": budget(smoke="smoke", cpu="cpu", cuda="cuda", paper="paper"),
        "versions": {"torch": torch.__version__},
    }
    with replacing((folder or RESULTS) / f"{claim.id}.json") as aside:
        aside.write_text(json.dumps(result, indent=1) + "\n")
    return result


def table() -> str:
    """The README's table of claims, in Markdown."""
    lines = ["| claim | measure, smaller is better | difference [95 % interval] | seeds | verdict at this scale |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for path in sorted(RESULTS.glob("*.json")):
        r = json.loads(path.read_text())
        measure = f"spread of {r['measure']}" if r["spread"] else r["measure"]
        other = f"{r['rival_measure']} of " if r["rival_measure"] else ""
        arms = f"{measure} of {r['arm']} against {other}{' or '.join(r['rivals']) or r['limit']}"
        low, high = r["interval"]
        difference = f"{r['difference']:+.3g} [{low:+.3g}, {high:+.3g}]"
        sentence = r["sentence"].replace("|", "\\|")
        lines.append(f"| {r['id']}: {sentence} | {arms} | {difference} | {len(r['seeds'])} | {r['verdict']} |")
    return "\n".join(lines)
