"""Train the arms of a claim with several paired seeds, and say what came out."""

import json
import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from scipy import stats
from torch.optim.lr_scheduler import CosineAnnealingLR

from ganlib.budget import budget, seed_everything
from ganlib.checkpoints import restore
from ganlib.checks import require, whole
from ganlib.claims.claim import SIZE, Claim
from ganlib.claims.ledger import ARMS, BATTLES, MEASURES, PAIRED, SETS, make, monitors, recipe
from ganlib.claims.report import of_the_loss
from ganlib.data import BUNDLED, Images, load
from ganlib.files import intact, listed_anew, replacing
from ganlib.gan import GAN
from ganlib.plotting import compared, strength
from ganlib.training import TrainingDiverged, fit

RESULTS, WEIGHTS = BUNDLED / "claims", BUNDLED / "weights"
RUNS = Path("runs") / "claims"
TITLES = {  # of the papers, by what the names of their claims begin with
    "RA": "Recent advances (Frank and Juracek)",
    "TA": "The lens (Sajjadi et al. 2018)",
    "GR": "GRAN (Im et al. 2016)",
    "CG": "ChainGAN (Hossain et al.)",
    "SV-GIC": "GAN-INT-CLS (Reed et al. 2016)",
    "SV-STACK": "StackGAN (Zhang et al. 2017)",
    "SV-DISCO": "DiscoGAN (Kim et al. 2017)",
    "SV-CYCLE": "CycleGAN (Zhu et al. 2017)",
    "SV-STAR": "StarGAN (Choi et al. 2018)",
    "SV-SEQ": "SeqGAN (Yu et al. 2017)",
    "SV-MALI": "MaliGAN (Che et al. 2017)",
    "SV-3DGAN": "3D-GAN (Wu et al. 2016)",
    "SV-PROJ": "Random projections (Neyshabur et al. 2017)",
    "SV-AMB": "AmbientGAN (Bora et al. 2018)",
    "SV-PG": "Progressive growing (Karras et al. 2018)",
    "SV-SRN": "Stable rank (Sanyal et al. 2020) and spectral norm (Miyato et al. 2018)",
}


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
        if isinstance(gan, GAN) and "d_loss" in history.names:
            run |= of_the_loss(gan, history["d_loss"], looked)
    with replacing(figures) as aside:
        aside.write_text(json.dumps(run))
    return run


def trained(arm: str, seed: int) -> GAN:
    """The game of a run, trained if need be; also where its figures alone were recalled."""
    if not Path(f"{where(arm, seed)}.pt").exists():
        Path(f"{where(arm, seed)}.json").unlink(missing_ok=True)
    train(arm, seed)
    gan, _, _ = start(arm, seed)
    restore(gan, f"{where(arm, seed)}.pt")
    return gan


def recall() -> int:
    """Put the figures of data/claims/ back under runs/claims/, so that more seeds train only what is new; their number.

    Runs of an arm whose settings are others by now, or another budget's, are left out. Where several results hold a
    run, an older one may lack what is measured since: that with the most figures counts.
    """
    found: dict[Path, dict[str, Any]] = {}
    for result in results().values():
        for arm, runs in result["runs"].items():
            then = {name: result["settings"][name] for name in SIZE} | result["settings"]["arms"][arm]
            if arm not in ARMS or json.loads(json.dumps({"data": "mnist5k", **SIZE, **ARMS[arm]})) != then:
                continue
            for run in runs:
                path = Path(f"{where(arm, run['seed'])}.json")
                found[path] = max(found.get(path, {}), run, key=len)
    new = {path: run for path, run in found.items() if not path.exists()}
    for path, run in new.items():
        with replacing(path) as aside:
            aside.write_text(json.dumps(run))
    return len(new)


def keep(arm: str, seed: int, opponent: bool = True) -> None:
    """Write the networks of a run to data/weights/, in float16, with the settings that build them.

    Of a generator with an average that is kept. What only draws needs no ``opponent``.
    """
    gan = trained(arm, seed)
    if gan.averaged is not None:
        gan.generator.load_state_dict(gan.averaged.state_dict())
        gan.averaged = None
    if not opponent:
        gan.discriminator = None
    shape = tuple(gan.sample(1, seed=0).shape[1:])
    settings = recipe(arm, shape)
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in gan.state_dict().items()
    }
    run = {name: ARMS[arm].get(name, value) for name, value in SIZE.items()}
    run |= {"size": shape[-1], "seconds": train(arm, seed)["seconds"]}
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
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    state = {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    missing, _ = gan.load_state_dict(state, strict=False)
    if not any(name.startswith("discriminator.") for name in state):
        missing = [name for name in missing if not name.startswith("discriminator.")]
    counters = all(name.endswith(("num_batches_tracked", "_extra_state")) for name in missing)  # older files lack them
    require(counters, f"the weights of {arm}, seed {seed} lack {missing}: keep them again")
    return gan


def about(arm: str, seed: int = 0) -> dict[str, Any]:
    """How a kept game was trained: its updates, their seconds, and the sizes of ``SIZE``."""
    with safe_open(intact(WEIGHTS, f"{arm}-seed{seed}.safetensors"), "pt") as file:
        return json.loads(file.metadata()["run"])


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of at least two values, and the ends of its 95 % t-interval."""
    mean = statistics.mean(values)
    half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def verdict(differences: Sequence[float]) -> dict[str, Any]:
    """Mean paired difference (arm - rival), its 95 % t-interval, its p, and what they say of "smaller".

    Raises:
        ValueError: fewer than two differences.
    """
    require(len(differences) >= 2, f"differences holds {len(differences)} values; there must be at least 2")
    mean, low, high = interval(differences)
    word = "confirmed" if high < 0 else "refuted" if low > 0 else "undecided"
    alike = low == high  # no test is needed, or possible
    p = float(mean == 0) if alike else stats.ttest_1samp(differences, 0).pvalue.item()
    return {"difference": mean, "interval": [low, high], "p": p, "verdict": word}


def holm(ps: Sequence[float]) -> list[float]:
    """Each p corrected for all of them (Holm 1979): the smallest times n, the next times n - 1, and never falling."""
    corrected, least = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        least = max(least, min(1.0, (len(ps) - rank) * ps[i]))
        corrected[i] = least
    return corrected


def paper_of(id: str) -> str:
    """The paper of a claim: RA of RA-C1, SV-SEQ of SV-SEQ-C1."""
    return re.match(r"SV-[A-Z0-9]+|[A-Z]+", id).group()


def settle(folder: Path) -> None:
    """Correct the verdicts of a folder of results for how many claims of a paper were tested.

    What a claim's own interval says and Holm's correction at 5 % does not is "leaning confirmed" or "leaning refuted".
    """
    results = {path: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    for paper in sorted({paper_of(result["id"]) for result in results.values()}):
        own = {path: result for path, result in results.items() if paper_of(result["id"]) == paper}
        single = [verdict([row["difference"] for row in result["seeds"]]) for result in own.values()]
        for (path, result), said, p in zip(own.items(), single, holm([said["p"] for said in single])):
            leaning = "leaning " if p > 0.05 and said["verdict"] != "undecided" else ""
            new = result | said | {"p_holm": p, "verdict": leaning + said["verdict"]}
            if new != result:
                with replacing(path) as aside:
                    aside.write_text(json.dumps(new, indent=1) + "\n")


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


def battles(claim: Claim, runs: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """For every seed the outcome of the arm's battle with its rival.

    What data/claims/ has of the same two runs is not fought again: where their figures were recalled, that would mean
    to train both.
    """
    test, rival = start(claim.arm, 0)[2], claim.rivals[0]
    before = results(claim.id).get(claim.id, {"seeds": [], "measure": None})
    known = before["seeds"] if before["measure"] == claim.measure else []
    rows = []
    for seed, pair in enumerate(zip(runs[claim.arm], runs[rival])):
        if seed < len(known) and pair == (before["runs"][claim.arm][seed], before["runs"][rival][seed]):
            rows.append(known[seed])
        else:
            games = trained(claim.arm, seed), trained(rival, seed)
            rows.append({"seed": seed, "difference": BATTLES[claim.measure](*games, test)})
    return rows


def test(claim: Claim, seeds: int, folder: Path | None = None) -> dict[str, Any]:
    """Train the arms with so many seeds and write data/claims/ID.json, or ID.json in another folder.

    The verdicts there are then corrected for one claim more (``settle``); the one that is returned is.
    """
    whole("seeds", seeds, least=2)
    arms = dict.fromkeys((claim.arm, *claim.rivals))
    runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in arms}
    for seed in range(seeds):
        for arm in arms:
            runs[arm].append(train(arm, seed))
            said = {key: value[-1] for key, value in runs[arm][-1].items() if isinstance(value, list)}
            name, value = next(iter(said.items()), ("diverged at step", runs[arm][-1].get("diverged", 0)))
            print(f"{claim.id}, seed {seed}, {arm}: {name} {value:.4g}", flush=True)
    rows = battles(claim, runs) if claim.measure in BATTLES else differences(claim, runs)
    result = {
        **asdict(claim),
        **verdict([row["difference"] for row in rows]),
        "seeds": rows,
        "runs": runs,
        "settings": {**SIZE, "arms": {arm: {"data": "mnist5k", **ARMS[arm]} for arm in arms}},
        "budget": budget(smoke="smoke", cpu="cpu", cuda="cuda", paper="paper"),
        "versions": {"torch": torch.__version__},
    }
    path = (folder or RESULTS) / f"{claim.id}.json"
    with replacing(path) as aside:
        aside.write_text(json.dumps(result, indent=1) + "\n")
    settle(path.parent)
    return json.loads(path.read_text())


def results(prefix: str = "") -> dict[str, dict[str, Any]]:
    """What came out of the tested claims whose names begin so, by name."""
    files = sorted(RESULTS.glob(f"{prefix}*.json"))
    return {path.stem: json.loads(path.read_text()) for path in files}


def by_paper() -> dict[str, list[dict[str, Any]]]:
    """What came out of the tested claims, paper by paper."""
    found: dict[str, list[dict[str, Any]]] = {}
    for r in results().values():
        found.setdefault(paper_of(r["id"]), []).append(r)
    return found


def table() -> str:
    """Every tested claim, in Markdown, paper by paper."""
    head = "| claim | measure, smaller is better | difference [95 % interval] | seeds | verdict at this scale |"
    parts = []
    for paper, own in by_paper().items():
        lines = [f"### {paper}: {TITLES[paper]}", "", head, "| --- | --- | --- | --- | --- |"]
        for r in own:
            measure, rival = compared(r)
            arms = f"{measure} of {r['arm']} against {rival}"
            low, high = r["interval"]
            difference = f"{r['difference']:+.3g} [{low:+.3g}, {high:+.3g}]"
            sentence = r["sentence"].replace("|", "\\|")
            lines.append(f"| {r['id']}: {sentence} | {arms} | {difference} | {len(r['seeds'])} | {r['verdict']} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def summary() -> str:
    """One line a paper, in Markdown: how many of its claims came out how, and the clearest: mean over deviation."""
    lines = ["| paper | claims | confirmed | refuted | leaning | undecided | the clearest |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for paper, own in by_paper().items():
        words = [r["verdict"] for r in own]
        n = [len(own), words.count("confirmed"), words.count("refuted")]
        n += [sum(word.startswith("leaning") for word in words), words.count("undecided")]
        best = max(own, key=lambda r: abs(strength(r)[0]))
        sentence = f"{best['id']}, {best['verdict']}: {best['sentence']}".replace("|", "\\|")
        lines.append(f"| {TITLES[paper]} | {' | '.join(map(str, n))} | {sentence} |")
    return "\n".join(lines)
