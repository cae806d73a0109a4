"""The loop around any game."""

import math
import operator
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from ganlib import checkpoints, parallel
from ganlib.budget import private_seed, seed_everything
from ganlib.checks import require, whole
from ganlib.data import Set, cast
from ganlib.files import finishing
from ganlib.gan import Game
from ganlib.history import History
from ganlib.live import Live


@dataclass(frozen=True)
class Monitor:
    """Every ``every`` steps and after the last one, put ``measure(gan)`` into the history under ``name``.

    A measure that returns None is called and leaves no trace in the history: it may keep snapshots of its own. What a
    measure draws from torch's random state does not change the run.
    """

    name: str
    measure: Callable[[Game], Any]
    every: int = 500


class TrainingDiverged(RuntimeError):
    """A loss or a weight became NaN or infinite. ``step`` is when, ``history`` what was recorded before."""

    def __init__(self, step: int, losses: dict[str, float], history: History, checkpoint: str | Path | None):
        self.step, self.losses, self.history, self.checkpoint = step, losses, history, checkpoint
        there = checkpoint is not None and Path(checkpoint).exists()
        good = f"the last good state is in {checkpoint}" if there else "no checkpoint was kept"
        values = ", ".join(f"{name} = {value:g}" for name, value in losses.items())
        super().__init__(f"training diverged at step {step}: {values}; {good}")

    def __reduce__(self) -> tuple:  # so that it crosses from a worker process
        return type(self), (self.step, self.losses, self.history, self.checkpoint)


def fit(
    gan: Game,
    images: Set,
    steps: int,
    batch_size: int = 64,
    seed: int = 0,
    every: int = 50,
    monitors: Sequence[Monitor] = (),
    checkpoint: str | Path | None = None,
    ema: float | None = None,
    schedulers: Sequence[LRScheduler] = (),
) -> History:
    """Train a game on a set of its kind until it has made ``steps`` steps in this run; show how it goes.

    The run is a pure function of the game's weights, the data and the arguments. Without a checkpoint that is

        seed_everything(seed)
        batches = images.batches(batch_size, seed=seed)   # with labels=True if the game is conditional
        for _ in range(steps):
            gan.step(batches)

    Under ``torchrun`` (see ``ganlib.parallel``) each process trains on its share of every batch of ``batch_size``;
    process 0 alone writes and shows.

    Args:
        steps: of the whole run, of every phase that the game may have; a step is one generator update.
        every: every so many steps the losses are read (until then they stay on the device) and their means since the
            last reading become a row of the history; the checkpoint is replaced at the same moment.
        monitors: further measurements; their ``every`` must be a multiple of this one.
        checkpoint: one file that holds the game, its optimisers, every random state, the data's position and the
            history. Where it exists, the run goes on from it, bit for bit as if it had never stopped.
        ema: decay of a moving average of the generator's weights, such as 0.999, kept as ``gan.averaged``: samples and
            monitors are drawn from it; training is as without. It starts with a smaller decay, (1 + t) / (10 + t)
            after t steps, so that the first weights are soon forgotten. None keeps none.
        schedulers: of the game's optimisers; each makes a step after every step of the game.

    Returns:
        The history; after Ctrl-C or the stop button, the history so far, and the game stays usable.

    Raises:
        TrainingDiverged: a loss or a weight is NaN or infinite; a state that is not finite is never written.
        ValueError: an argument out of its range, or a checkpoint of another run.
    """
    history, live = History(), None
    try:
        check(gan, images, steps, batch_size, every, monitors, ema, schedulers)
        steps, batch_size, every, seed = map(operator.index, (steps, batch_size, every, seed))
        if ema is None:
            gan.averaged = None
        elif gan.averaged is None:
            gan.keep_average()
        identity = checkpoints.settings(gan) | {"data": f"{len(images)} of {images.name}", "batch_size": batch_size}
        identity |= {"fingerprint of the data": images.fingerprint(), "seed": seed, "every": every, "ema": ema}
        identity |= {"schedulers": " ".join(type(scheduler).__name__ for scheduler in schedulers)}
        pending, position, done = [], 0, 0
        parallel.wait()  # process 0 may still be writing the checkpoint of a run that all have just left
        if checkpoint is not None and (checkpoint := Path(checkpoint).expanduser()).exists():
            state = checkpoints.load(checkpoint, gan)
            checkpoints.compare(state, identity, checkpoint)
            pending, position = checkpoints.unpack(state, gan, schedulers, history, checkpoint)
            done = history.steps[-1]
            if done % every and done < steps:  # the row of a shorter last interval: its losses are pending again
                history.drop_last()
        else:
            seed_everything(seed)
        batches = images.batches(batch_size, seed=seed, start=position, **dict(labels=True) if gan.conditional else {})
        gan.train()
        live = Live(gan, history, images, steps, done, [monitor.name for monitor in monitors])
        feed = cast(batches, gan.dtype)
        spent, clock = history.seconds[-1] if len(history) else 0.0, time.perf_counter()
        for step in range(done + 1, steps + 1):
            pending.append(gan.step(feed))
            for scheduler in schedulers:
                scheduler.step()
            if ema is not None:
                gan.average(min(ema, (1 + step) / (10 + step)))
            if step % every and step != steps:
                continue
            row = means(gan, pending, step, history, checkpoint)
            spent += time.perf_counter() - clock
            for monitor in monitors:
                if step % monitor.every == 0 or step == steps:
                    with private_seed(seed + step, gan.device):  # looking must not change the run
                        value = monitor.measure(gan)
                    value = value.detach() if isinstance(value, Tensor) else value
                    row |= {} if value is None else {monitor.name: float(value)}
            with finishing():  # so that history and checkpoint agree
                history.append(step, row, spent)
                if checkpoint is not None and parallel.rank() == 0:
                    kept = pending if step % every else []  # of a last, shorter interval: a longer run goes on
                    state = checkpoints.pack(gan, identity, schedulers, history, kept, batches.position)
                    checkpoints.write(checkpoint, state)
            pending = []
            live.update(step)
            clock = time.perf_counter()
    except KeyboardInterrupt:
        if live is not None:
            live.stopped = True
    finally:
        if live is not None:
            live.close()
    return history


def check(
    gan: Game,
    images: Set,
    steps: int,
    batch_size: int,
    every: int = 1,
    monitors: Sequence[Monitor] = (),
    ema: float | None = None,
    schedulers: Sequence[LRScheduler] = (),
) -> None:
    """Raise ``ValueError`` unless ``fit`` can train this game on this set with these arguments; change nothing."""
    whole("steps", steps)
    whole("every", every)
    require(ema is None or 0 < ema < 1, f"ema is {ema}; it must be between 0 and 1, or None for no average")
    rule = "only a GAN has a generator to average"
    averages = hasattr(gan, "generator")
    require(ema is None or averages, f"ema is {ema}, and the game a {type(gan).__name__}; {rule}")
    for monitor in monitors:
        rule = f"its every must be a multiple of fit's, {every}"
        require(monitor.every % every == 0, f"monitor {monitor.name!r} runs every {monitor.every} steps; {rule}")
    for scheduler in schedulers:
        name, ours = type(scheduler).__name__, scheduler.optimizer in gan.optimizers.values()
        require(ours, f"schedulers holds a {name} of an optimiser that is not the game's")
        require(not isinstance(scheduler, ReduceLROnPlateau), f"schedulers holds a {name}, which needs a measured loss")
    gan.check(images)
    images.batches(batch_size)
    n = parallel.size()
    require(batch_size % n == 0, f"batch_size is {batch_size}; {n} processes share it, so it must be a multiple of {n}")
    alone = batch_size == n and any(isinstance(m, nn.BatchNorm1d) for m in gan.modules())
    rule = f"the batch norm of a {type(gan).__name__} needs at least {2 * n}"
    require(not alone, f"batch_size is {batch_size}; {rule}")


def means(
    gan: Game, pending: list[dict[str, Tensor]], step: int, history: History, checkpoint: Path | None
) -> dict[str, float]:
    """A row of the history: the means of what the steps of an interval returned. The only wait for the device.

    Steps of different phases may return different names. Raises ``TrainingDiverged`` where a number is not finite.
    """
    names = dict.fromkeys(name for logs in pending for name in logs)
    stacked = {name: torch.stack([logs[name] for logs in pending if name in logs]) for name in names}
    parallel.average_([*stacked.values(), *(b for b in gan.buffers() if b.is_floating_point())])
    losses = {name: iter(values.tolist()) for name, values in stacked.items()}
    row: dict[str, list[float]] = {name: [] for name in names}
    for i, logs in enumerate(pending):
        now = {name: next(losses[name]) for name in logs}
        if not all(map(math.isfinite, now.values())):
            raise TrainingDiverged(step - len(pending) + 1 + i, now, history, checkpoint)
        for name, value in now.items():
            row[name].append(value)
    if not checkpoints.finite(gan):  # losses come before an update: the last one may have broken the weights
        raise TrainingDiverged(step, {"a weight": math.nan}, history, checkpoint)
    return {name: math.fsum(values) / len(values) for name, values in row.items()}
