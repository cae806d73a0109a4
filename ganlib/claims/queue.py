"""All claims in one go: every run that is missing, each in a process of its own with one thread."""

import json
import multiprocessing
import os
import statistics
import time
from collections.abc import Iterable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch

from ganlib.budget import budget, device
from ganlib.checks import whole
from ganlib.claims import engine
from ganlib.claims.claim import Claim
from ganlib.claims.ledger import ARMS

Run = tuple[str, int]  # an arm and its seed


def runs(claims: Iterable[Claim], seeds: int) -> list[Run]:
    """Every run that claims need, whether it is done or not."""
    most: dict[str, int] = {}
    for claim in claims:
        for arm in (claim.arm, *claim.rivals):
            most[arm] = max(most.get(arm, 0), claim.needs(seeds))
    return [(arm, seed) for arm, n in most.items() for seed in range(n)]


def missing(wanted: Iterable[Run]) -> list[Run]:
    """The runs whose figures are not there yet; before them, those of the arms that they stand on."""

    def lack(runs: Iterable[Run]) -> dict[Run, None]:
        return {run: None for run in runs if not Path(f"{engine.where(*run)}.json").exists()}

    todo = lack(wanted)
    below = lack((ARMS[arm]["first"], seed) for arm, seed in todo if "first" in ARMS[arm])
    return sorted(below | todo, key=lambda run: "first" in ARMS[run[0]])


def seconds() -> dict[str, float]:
    """How long a run of each arm took where it was run for a result, on one thread."""
    found: dict[str, list[float]] = {}
    for path in engine.RESULTS.glob("*.json"):
        for arm, figures in json.loads(path.read_text())["runs"].items():
            found.setdefault(arm, []).extend(run["seconds"] for run in figures)
    return {arm: statistics.mean(values) for arm, values in found.items()}


def plan(claims: Iterable[Claim], seeds: int, jobs: int) -> str:
    """The runs that are missing, arm by arm, with the minutes that such runs took, and the sum."""
    known, todo = seconds(), missing(runs(claims, seeds))
    typical = statistics.mean(known.values()) if known else 60.0
    lines = [f"{'runs':>5}  {'minutes':>7}  arm"]
    total = 0.0
    for arm in dict.fromkeys(arm for arm, _ in todo):
        n = sum(arm == other for other, _ in todo)
        minutes = n * known.get(arm, typical) / 60
        total += minutes
        lines.append(f"{n:5}  {minutes:7.1f}  {arm}{'' if arm in known else ' (a guess: the mean of all arms)'}")
    lines.append(
        f"{len(todo):5}  {total:7.1f}  in all, as measured at cpu; with {jobs} at a time {total / jobs:.0f} minutes"
    )
    return "\n".join(lines)


def work(arm: str, seed: int) -> None:
    """One run, in its own process."""
    torch.set_num_threads(1)
    engine.train(arm, seed)


def train_all(claims: Iterable[Claim], seeds: int, jobs: int) -> list[Run]:
    """Train what is missing, ``jobs`` runs at a time; the runs that failed.

    A run that was stopped goes on from its checkpoint; one that diverged is a result like any other. Ctrl-C stops all,
    and each keeps what it has.
    """
    whole("jobs", jobs)
    # a fork need not import torch again; what has touched a GPU cannot be forked
    forks = os.name == "posix" and device().type == "cpu"
    context = multiprocessing.get_context("fork" if forks else "spawn")
    todo, failed = missing(runs(claims, seeds)), []
    if forks and todo:
        torch.optim.SGD([torch.zeros(1)])  # the first optimizer imports for seconds: once here, not in each fork
    total, done, start = len(todo), 0, time.monotonic()
    running: dict[int, tuple[BaseProcess, Run]] = {}
    try:
        while todo or running:
            while todo and len(running) < jobs:
                run = todo.pop(0)
                process = context.Process(target=work, args=run)
                process.start()
                running[process.sentinel] = process, run
            for sentinel in wait(list(running)):
                process, run = running.pop(sentinel)
                process.join()
                failed += [] if process.exitcode == 0 else [run]
                done += 1
                left = (time.monotonic() - start) / done * (total - done) / 60
                how = "done" if process.exitcode == 0 else f"FAILED (exit {process.exitcode})"
                print(f"{done} of {total}, about {left:.0f} min left: {run[0]}, seed {run[1]} {how}", flush=True)
    finally:
        for process, _ in running.values():
            process.terminate()
            process.join()
    return failed


def test_all(claims: Iterable[Claim], seeds: int, jobs: int) -> None:
    """``train_all``, then every claim whose runs are all there; at the smoke budget the results stay under runs/."""
    claims = list(claims)
    failed = {arm for arm, _ in train_all(claims, seeds, jobs)}
    results = budget(smoke=engine.RUNS / "results", cpu=engine.RESULTS, cuda=engine.RESULTS, paper=engine.RESULTS)
    for claim in claims:
        if failed & {claim.arm, *claim.rivals}:
            print(f"{claim.id}: not tested, a run of it failed", flush=True)
        else:
            print(f"{claim.id}: {engine.test(claim, claim.needs(seeds), results)['verdict']}", flush=True)
