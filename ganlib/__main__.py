"""Long runs from a terminal; every run is a folder.

    python -m ganlib train chaingan --data cifar10 --budget paper --out runs/chain
    python -m ganlib fid runs/chain --extractor inception
    torchrun --nproc-per-node=2 -m ganlib train dcgan --data cifar10 --out runs/dcgan  # two processes share a batch
    python -m ganlib battle runs/chain runs/dcgan

A run's folder holds run.json (how it was started), checkpoint.pt, history.csv and samples/STEP.png. Started again with
the same arguments, a run goes on from its checkpoint; with more --steps it goes on after its end.
"""

import argparse
import ast
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch

from ganlib import metrics, parallel
from ganlib.budget import BUDGETS, budget, seed_everything
from ganlib.checkpoints import restore
from ganlib.checks import require
from ganlib.data import NAMES, Set, load
from ganlib.files import replacing
from ganlib.gan import Game
from ganlib.models import SYSTEMS, build, home
from ganlib.training import TrainingDiverged, check, fit


def train(system: str, out: Path, options: dict[str, Any]) -> None:
    """Train a system, or go on with its training; every ``every`` steps the run's folder is brought up to date."""
    sizes = budget(
        smoke=dict(steps=20, batch=16, size=16, every=10, width=8),
        cpu=dict(steps=2000, batch=64, size=32, every=100, width=16),
        cuda=dict(steps=20_000, batch=64, size=32, every=500, width=64),
        paper=dict(steps=100_000, batch=64, size=32, every=1000),  # the paper's width: build's default
    )
    sizes |= {name: options[name] for name in ("steps", "batch", "size", "every") if options[name] is not None}
    settings = ({"width": sizes.pop("width")} if "width" in sizes else {}) | dict(options["set"])
    steps = sizes.pop("steps")
    run = {"system": system, "data": options["data"] or home(system), **sizes, "settings": settings}
    run |= {"seed": options["seed"], "ema": options["ema"], "test": options["test"]}
    run = json.loads(json.dumps(run))  # as it will be read again, where a tuple is a list
    for name in ("system", "data", "test"):  # a path means the same file from any folder
        if run[name] and run[name] not in (*NAMES, *SYSTEMS):
            run[name] = str(Path(run[name]).expanduser().resolve())
    if (out / "run.json").exists():
        agree(out, run)
    if run["test"]:
        named = f"test is {options['test']!r}, but {run['data']} has test data of its own; leave it out"
        require(run["data"] not in NAMES, named)
        halves(run, "test")  # a mistake in it is told now, not after the training
    try:
        gan, data = start(run)
    except TypeError as error:
        raise ValueError(f"--set is {settings}: {error}") from error
    check(gan, data, steps, run["batch"], run["every"], ema=run["ema"])
    new = parallel.rank() == 0 and claim(out, run)  # only now: a mistake leaves no folder behind
    try:
        go_on(gan, data, out, run, steps)
    finally:
        if new and not (out / "checkpoint.pt").exists():  # nor does a start that failed
            (out / "run.json").unlink(missing_ok=True)
            if not any(out.iterdir()):
                out.rmdir()


def agree(out: Path, run: dict[str, Any]) -> None:
    """Raise ``ValueError`` where a folder holds a run that was started otherwise."""
    for name, before in read(out).items():
        here, rule = run.get(name), "give another --out"
        require(before == here, f"{out} holds a run with {name} = {before!r}, not {here!r}; {rule}")


def claim(out: Path, run: dict[str, Any]) -> bool:
    """Write run.json; of several processes that start in one folder one alone succeeds, and the others must agree."""
    out.mkdir(parents=True, exist_ok=True)
    try:
        with open(out / "run.json", "x", encoding="utf-8") as file:
            file.write(json.dumps(run, indent=1) + "\n")
        return True
    except FileExistsError:
        agree(out, run)
        return False


def go_on(gan: Game, data: Set, out: Path, run: dict[str, Any], steps: int) -> None:
    """``fit`` by ``every`` steps; after each part the history and samples are written."""
    done, every = 0, run["every"]
    while done < steps:
        # fit says how far the checkpoint came, where that is further
        until = min(done + every - done % every, steps)
        history = fit(gan, data, until, run["batch"], run["seed"], every, (), out / "checkpoint.pt", run["ema"])
        done = history.steps[-1] if len(history) else 0
        if done < until:
            sys.exit(f"stopped after {done} steps; start it again to go on")
        if parallel.rank() == 0:
            losses = ", ".join(f"{name} {value:.4g}" for name, value in history.rows[-1].items())
            print(f"{done} of {steps} steps, {history.seconds[-1]:.0f} s: {losses}", flush=True)
            history.to_csv(out / "history.csv")
            write(data, gan.preview(64), out / "samples" / f"{done:07d}")


def write(data: Set, samples: torch.Tensor, path: Path) -> None:
    """Samples as a picture PATH.png, or as lines PATH.txt where they are no pixels."""
    if hasattr(data, "sheet"):
        with replacing(path.with_suffix(".png")) as aside:
            plt.imsave(aside, data.sheet(samples).squeeze(), cmap="gray", vmin=0, vmax=1, format="png")
    else:
        with replacing(path.with_suffix(".txt")) as aside:
            aside.write_text("\n".join(data.text(samples)) + "\n", encoding="utf-8")


def read(out: Path) -> dict[str, Any]:
    """How a run was started."""
    path = out / "run.json"
    require(path.exists(), f"RUN is {str(out)!r}; there is no run.json in it")
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        require({"system", "data", "size", "settings", "seed"} <= run.keys(), "it lacks what a run was started with")
    except (ValueError, AttributeError) as error:  # a JSONDecodeError is a ValueError
        raise ValueError(f"{path} is damaged: {error}") from error
    return run


def halves(run: dict[str, Any], split: str) -> Set:
    """The data of a run: of a bundled name its split; a path's own tenth is held out, or --test has the test data."""
    if run["data"] in NAMES:
        return load(run["data"], split=split, size=run["size"])
    if run.get("test"):
        return load(run["data"] if split == "train" else run["test"], size=run["size"])
    data = load(run["data"], size=run["size"])
    what = "what it was trained on"  # where there are too few to hold some out; a score says so
    if len(data) >= 40:
        order = torch.randperm(len(data), generator=torch.Generator("cpu").manual_seed(0), device="cpu")
        data = data.subset((order[len(data) // 10 :] if split == "train" else order[: len(data) // 10]).sort().values)
        what = "a tenth that was held out"
    return data if split == "train" else replace(data, name=f"{data.name} ({what})")


def start(run: dict[str, Any]) -> tuple[Game, Set]:
    """A run's untrained game and its training data."""
    data = halves(run, "train")
    seed_everything(run["seed"])
    return build(run["system"], data, **run["settings"]), data


def trained(out: Path) -> tuple[Game, Set]:
    """A run's game as it is in its checkpoint, and the test data that belong to its training data."""
    run = read(out)
    gan, _ = start(run)
    restore(gan, out / "checkpoint.pt")
    return gan, halves(run, "test")


def setting(text: str) -> tuple[str, Any]:
    """NAME=VALUE, the value read as a Python literal where it is one."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=VALUE")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def main(arguments: list[str] | None = None) -> None:
    own = argparse.ArgumentDefaultsHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m ganlib", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    t = commands.add_parser("train", help="train a system, or go on with its training", formatter_class=own)
    t.add_argument("system", metavar="SYSTEM", help=", ".join(SYSTEMS) + "; or a paper's file PATH.py with a build()")
    t.add_argument("--data", help="a name or a path, as for ganlib.load; None: what the system is at home with")
    t.add_argument("--test", help="a path of test data; None: of a path's data a tenth is held out")
    t.add_argument("--budget", choices=BUDGETS, help="what the sizes below are by default; None: the hardware's")
    t.add_argument("--out", type=Path, required=True, metavar="RUN", help="the run's folder")
    t.add_argument("--steps", type=int, help="generator updates; None: 20, 2,000, 20,000 or 100,000 by the budget")
    t.add_argument("--batch", type=int, help="images in a batch of all processes; None: 16 at smoke, 64 else")
    t.add_argument("--size", type=int, help="pixels wide and high; None: 16 at smoke, 32 else")
    t.add_argument("--every", type=int, help="steps from one checkpoint to the next; None: 10 to 1,000 by the budget")
    t.add_argument("--seed", type=int, default=0, help="of the weights, the latents and the order of the data")
    t.add_argument("--ema", type=float, help="decay of the averaged generator, such as 0.999")
    many = dict(nargs="*", action="extend", default=[], metavar="NAME=VALUE")
    t.add_argument("--set", type=setting, **many, help="settings of its build()")
    f = commands.add_parser("fid", help="FID of a run's samples", formatter_class=own)
    f.add_argument("run", type=Path, metavar="RUN")
    f.add_argument("--extractor", choices=("digits", "fashion", "inception"), help="None: the one that fits the data")
    b = commands.add_parser("battle", help="GAM of two runs", formatter_class=own)
    b.add_argument("run", type=Path, metavar="RUN")
    b.add_argument("rival", type=Path, metavar="RUN")
    for command in (f, b):
        command.add_argument("--n", type=int, default=1000, help="generated images (of each run)")
    b.add_argument("--calibrate", type=float, help="the share of held-out reals that each discriminator is to miss")
    options = vars(parser.parse_args(arguments))
    for stream in (sys.stdout, sys.stderr):  # a console that has no ε shows ?
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    for name in ("out", "run", "rival"):
        if name in options:
            options[name] = options[name].expanduser()

    if options["command"] == "train":
        if options["budget"]:
            os.environ["GANLIB_BUDGET"] = options["budget"]
        parallel.start()
        train(options["system"], options["out"], options)
    elif options["command"] == "fid":
        extractor = getattr(metrics, options["extractor"])() if options["extractor"] else None
        print(metrics.fid(*trained(options["run"]), extractor=extractor, n=options["n"]))
    else:
        (gan, test), (rival, _) = trained(options["run"]), trained(options["rival"])
        print(metrics.gam(gan, rival, test, n=options["n"], calibrate=options["calibrate"] or False))


def exit_of(command: Callable[[], None]) -> int | str:
    """The exit status of a command, or of a mistake its sentence: whatever a user can do something about."""
    try:
        command()
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, ImportError, TrainingDiverged, torch.OutOfMemoryError) as error:
        return str(error) or type(error).__name__
    return 0


if __name__ == "__main__":
    sys.exit(exit_of(main))
