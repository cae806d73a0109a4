"""The loop around any game: history, checkpoints, exact resume."""

import csv
import math
import pickle
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganlib import parallel
from ganlib.budget import private_seed, seed_everything
from ganlib.data import Images
from ganlib.files import replacing
from ganlib.gan import GAN, require
from ganlib.plotting import Live


class History:
    """What a run recorded: a row of named numbers for each of ``steps``.

    ``history["d_loss"]`` is a list as long as ``steps``, NaN where that row has no such number (a monitor that did not
    run). ``seconds`` is the training time up to each row, without the monitors' and the display's.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.rows: list[dict[str, float]] = []
        self.seconds: list[float] = []

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.names:
            raise KeyError(f"the history has no {name!r}; it has {', '.join(self.names) or 'no rows yet'}")
        return [row.get(name, math.nan) for row in self.rows]

    def __len__(self) -> int:
        return len(self.steps)

    def append(self, step: int, row: dict[str, float], seconds: float) -> None:
        self.steps.append(step)
        self.rows.append(row)
        self.seconds.append(seconds)

    def drop_last(self) -> None:
        for column in (self.steps, self.rows, self.seconds):
            column.pop()

    def to_csv(self, path: str | Path) -> None:
        """Write one line per row: the step, then every name, empty where a row lacks it."""
        with replacing(path) as aside, open(aside, "w", newline="") as file:
            writer = csv.DictWriter(file, ["step", *self.names], restval="")
            writer.writeheader()
            writer.writerows({"step": step, **row} for step, row in zip(self.steps, self.rows))


@dataclass(frozen=True)
class Monitor:
    """Every ``every`` steps and after the last one, put ``measure(gan)`` into the history under ``name``.

    A measure that returns None is called and leaves no trace in the history: it may keep snapshots of its own. What a
    measure draws from torch's random state does not change the run.
    """

    name: str
    measure: Callable[[GAN], Any]
    every: int = 500


class TrainingDiverged(RuntimeError):
    """A loss became NaN or infinite. ``step`` is when, ``history`` what was recorded before."""

    def __init__(self, step: int, losses: dict[str, float], history: History, checkpoint: str | Path | None):
        self.step, self.losses, self.history = step, losses, history
        there = checkpoint is not None and Path(checkpoint).exists()
        good = f"the last good state is in {checkpoint}" if there else "no checkpoint was kept"
        values = ", ".join(f"{name} = {value:g}" for name, value in losses.items())
        super().__init__(f"training diverged at step {step}: {values}; {good}")


def fit(
    gan: GAN,
    images: Images,
    steps: int,
    batch_size: int = 64,
    seed: int = 0,
    every: int = 50,
    monitors: Sequence[Monitor] = (),
    checkpoint: str | Path | None = None,
    ema: float | None = None,
) -> History:
    """Train a game on images until it has made ``steps`` generator updates in this run; show how it goes.

    The run is a pure function of the game's weights, the images and the arguments. Without a checkpoint that is

        seed_everything(seed)
        batches = images.batches(batch_size, seed=seed)
        for _ in range(steps):
            gan.step(batches)

    Under ``torchrun`` (see ``ganlib.parallel``) each process trains on its share of every batch of ``batch_size``;
    process 0 alone writes and shows.

    Args:
        every: every so many steps the losses are read (until then they stay on the device) and their means since the
            last reading become a row of the history; the checkpoint is replaced at the same moment.
        monitors: further measurements; their ``every`` must be a multiple of this one.
        checkpoint: one file that holds the game, its optimisers, every random state, the data's position and the
            history. Where it exists, the run goes on from it, bit for bit as if it had never stopped.
        ema: decay of a moving average of the generator's weights, such as 0.999, kept as ``gan.averaged``: samples and
            monitors are drawn from it; training is as without. It starts with a smaller decay, (1 + t) / (10 + t)
            after t steps, so that the first weights are soon forgotten. None keeps none.

    Returns:
        The history; after Ctrl-C or the stop button, the history so far, and the game stays usable.

    Raises:
        TrainingDiverged: a loss is NaN or infinite.
        ValueError: an argument out of its range, or a checkpoint of another run.
    """
    require(steps >= 1, f"steps is {steps}; it must be at least 1")
    require(every >= 1, f"every is {every}; it must be at least 1")
    require(ema is None or 0 < ema < 1, f"ema is {ema}; it must be between 0 and 1, or None for no average")
    rule = "only a GAN has a generator to average"
    require(ema is None or isinstance(gan, GAN), f"ema is {ema}, and the game a {type(gan).__name__}; {rule}")
    for monitor in monitors:
        rule = f"its every must be a multiple of fit's, {every}"
        require(monitor.every % every == 0, f"monitor {monitor.name!r} runs every {monitor.every} steps; {rule}")
    made = tuple(gan.sample(1, seed=0).shape[1:])
    require(made == images.shape, f"images have shape {images.shape}; the generator makes {made}")

    if ema is None:
        gan.averaged = None
    elif gan.averaged is None:
        gan.keep_average()
    settings = _settings(gan) | {"data": f"{len(images)} of {images.name}", "batch_size": batch_size}
    settings |= {"seed": seed, "every": every, "ema": ema}
    history, pending, position, done = History(), [], 0, 0
    parallel.wait()  # process 0 may still be writing the checkpoint of a run that all have just left
    if checkpoint is not None and Path(checkpoint).exists():
        state = _load(checkpoint, gan)
        _compare(state, settings, checkpoint)
        history, pending, position = _unpack(state, gan)
        done = history.steps[-1]
        if done % every and done < steps:  # the row of a shorter last interval: its losses are pending again
            history.drop_last()
    else:
        seed_everything(seed)
    batches = images.batches(batch_size, seed=seed, start=position)
    gan.train()
    live = Live(gan, history, steps, done, [monitor.name for monitor in monitors])
    spent, clock = history.seconds[-1] if len(history) else 0.0, time.perf_counter()
    try:
        for step in range(done + 1, steps + 1):
            pending.append(gan.step(batches))
            if ema is not None:
                gan.average(min(ema, (1 + step) / (10 + step)))
            if step % every and step != steps:
                continue
            stacked = {name: torch.stack([p[name] for p in pending]) for name in pending[0]}
            parallel.average_([*stacked.values(), *(b for b in gan.buffers() if b.is_floating_point())])
            losses = {name: values.tolist() for name, values in stacked.items()}  # the only sync
            spent += time.perf_counter() - clock
            first = step - len(pending) + 1
            for i in range(len(pending)):
                now = {name: values[i] for name, values in losses.items()}
                if not all(map(math.isfinite, now.values())):
                    raise TrainingDiverged(first + i, now, history, checkpoint)
            row = {name: math.fsum(values) / len(values) for name, values in losses.items()}
            for monitor in monitors:
                if step % monitor.every == 0 or step == steps:
                    with private_seed(seed + step, gan.device):  # looking must not change the run
                        value = monitor.measure(gan)
                    row |= {} if value is None else {monitor.name: float(value)}
            history.append(step, row, spent)
            if checkpoint is not None and parallel.rank() == 0:
                kept = pending if step % every else []  # a last, shorter interval: kept, so that a longer run goes on
                _write(checkpoint, _pack(gan, settings, history, kept, batches.position))
            pending = []
            live.update(step)
            clock = time.perf_counter()
    except KeyboardInterrupt:
        live.stopped = True
    finally:
        live.close()
    return history


def save(gan: GAN, path: str | Path) -> None:
    """Write the game and its optimisers to a file, atomically: a save that fails leaves the old file as it was."""
    _write(path, {"settings": _settings(gan), **_weights(gan)})


def restore(gan: GAN, path: str | Path) -> None:
    """Read what ``save`` (or a checkpoint of ``fit``) wrote into a game that was built alike. Runs no code of the file.

    Where the file has a moving average of the generator's weights, the game gets one.

    Raises:
        ValueError: the file is damaged, or its game differs from this one; the sentence names the first difference.
        FileNotFoundError: there is no such file.
    """
    state = _load(path, gan)
    if any(name.startswith("averaged.") for name in state["game"]) and gan.averaged is None:
        gan.keep_average()
    _compare(state, _settings(gan), path)
    _load_weights(state, gan)


def _settings(gan: GAN) -> dict[str, str]:
    """Everything that must be equal for a saved game to go on as this one, as text."""
    settings = {"architecture": repr(gan)}
    for name, optimizer in gan.optimizers.items():
        groups = [{k: v for k, v in group.items() if k not in ("params", "fused")} for group in optimizer.param_groups]
        settings[f"optimizer of the {name}"] = f"{type(optimizer).__name__} {groups}"
    return settings


def _weights(gan: GAN) -> dict[str, Any]:
    return {
        "game": gan.state_dict(),
        "optimizers": {name: optimizer.state_dict() for name, optimizer in gan.optimizers.items()},
    }


def _load_weights(state: dict[str, Any], gan: GAN) -> None:
    gan.load_state_dict(state["game"])
    for name, optimizer in gan.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
        # Fused Adam walks parameter and moments in memory order, so a moment must have its parameter's strides; a
        # channels_last weight with a contiguous moment would be updated wrongly, without a word.
        for parameter, moments in optimizer.state.items():
            for key, value in moments.items():
                if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                    moments[key] = torch.empty_like(parameter).copy_(value)


def _pack(gan: GAN, settings: dict[str, Any], history: History, pending: list, position: int) -> dict[str, Any]:
    numpy_state = np.random.get_state()
    return {
        "settings": settings,
        **_weights(gan),
        "random": {
            "python": random.getstate(),
            "numpy": (numpy_state[1].tolist(), *map(float, numpy_state[2:])),
            "torch": torch.get_rng_state(),
            "cuda": [torch.cuda.get_rng_state(gan.device)] if gan.device.type == "cuda" else [],
        },
        "position": position,
        "history": vars(history),
        "pending": pending,
    }


def _unpack(state: dict[str, Any], gan: GAN) -> tuple[History, list, int]:
    """Put the state into the game and the random generators; return history, pending losses and position."""
    _load_weights(state, gan)
    history = History()
    vars(history).update(state["history"])
    states = state["random"]
    random.setstate(states["python"])
    keys, pos, has_gauss, cached = states["numpy"]
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), int(pos), int(has_gauss), cached))
    torch.set_rng_state(states["torch"].cpu())
    if states["cuda"] and gan.device.type == "cuda":
        # of this device alone: several processes draw the same numbers, each on a device of its own
        torch.cuda.set_rng_state(states["cuda"][0].cpu(), gan.device)
    return history, state["pending"], state["position"]


def _write(path: str | Path, payload: dict[str, Any]) -> None:
    """Write aside, then replace: whatever happens, the path holds either the old file or the whole new one."""
    with replacing(path) as aside, open(aside, "wb") as file:
        torch.save(payload, file)


def _load(path: str | Path, gan: GAN) -> dict[str, Any]:
    """Load a file without running code from it."""
    try:
        state = torch.load(path, map_location=gan.device, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} was cut short, or is no checkpoint of ganlib") from error
    ours = isinstance(state, dict) and isinstance(state.get("settings"), dict)
    require(ours, f"{path} is no checkpoint of ganlib")
    return state


def _compare(state: dict[str, Any], settings: dict[str, Any], path: str | Path) -> None:
    """Raise ``ValueError`` with the first setting of a file that is another here."""
    saved = state["settings"]
    for name, here in settings.items():
        if name not in saved:
            raise ValueError(f"{path} holds a game without {name}, which a checkpoint of fit needs")
        if saved[name] != here:
            # for long texts (the architecture is the game's repr) the first line that differs tells more
            there, here = _first_difference(str(saved[name]), str(here))
            raise ValueError(f"{path} holds another {name}: {there!r} in the file, {here!r} here")


def _first_difference(a: str, b: str) -> tuple[str, str]:
    pairs = zip([*a.splitlines(), "(nothing)"], [*b.splitlines(), "(nothing)"])
    return next((x.strip(), y.strip()) for x, y in pairs if x != y)
