"""A game as a file: save and restore it, and what a run needs besides to go on to the bit."""

import random
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LRScheduler

from ganlib.checks import require
from ganlib.files import replacing
from ganlib.gan import Game, uncompiled
from ganlib.history import History


def save(gan: Game, path: str | Path) -> None:
    """Write the game and its optimisers to a file, atomically: a save that fails leaves the old file as it was."""
    write(path, {"settings": settings(gan), **weights(gan)})


def restore(gan: Game, path: str | Path) -> None:
    """Read what ``save`` (or a checkpoint of ``fit``) wrote into a game that was built alike. Runs no code of the file.

    Where the file has a moving average of the generator's weights, the game gets one. State comes with the file: a
    learning rate that was lowered since the game was built is lowered again.

    Raises:
        ValueError: the file is damaged, or its game differs from this one; the sentence names the first difference.
        FileNotFoundError: there is no such file.
    """
    state = load(path, gan)
    if any(name.startswith("averaged.") for name in state["game"]) and gan.averaged is None:
        gan.keep_average()
    compare(state, settings(gan), path)
    load_weights(state, gan, path)


def settings(gan: Game) -> dict[str, str]:
    """Everything that must be equal for a saved game to go on as this one, as text that any process would write.

    An optimiser is named with what it was made from, not with what it has become: that is state.
    """
    with uncompiled(gan):
        texts = {"architecture": repr(gan)}
    for name, optimizer in gan.optimizers.items():
        made = [f"{key} = {value}" for key, value in bare(optimizer.defaults).items() if key != "fused"]
        # a line each, so that of two texts the line that differs names the setting
        texts[f"optimizer of the {name}"] = "\n".join([type(optimizer).__name__, *made])
    return {name: re.sub(r" at 0x[0-9a-f]+", "", text) for name, text in texts.items()}


def weights(gan: Game) -> dict[str, Any]:
    with uncompiled(gan):
        return {
            "game": gan.state_dict(),
            "optimizers": {name: bare(optimizer.state_dict()) for name, optimizer in gan.optimizers.items()},
        }


def bare(value: Any) -> Any:
    """The same with Python's numbers in the place of NumPy's, such as a learning rate from ``np.geomspace``.

    A file that holds NumPy's cannot be opened without running code.
    """
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is dict:
        return {key: bare(inner) for key, inner in value.items()}
    return type(value)(map(bare, value)) if type(value) in (list, tuple) else value


def load_weights(state: dict[str, Any], gan: Game, path: str | Path) -> None:
    try:
        with uncompiled(gan):
            gan.load_state_dict(state["game"])
        for name, optimizer in gan.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
    except (RuntimeError, KeyError, TypeError, AttributeError) as error:  # torch's own sentence has many lines
        raise ValueError(f"{path} does not hold this game's weights: {str(error).splitlines()[-1].strip()}") from error
    for optimizer in gan.optimizers.values():
        # Fused Adam walks parameter and moments in memory order, so a moment must have its parameter's strides; a
        # channels_last weight with a contiguous moment would be updated wrongly, without a word.
        for parameter, moments in optimizer.state.items():
            for key, value in moments.items():
                if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                    moments[key] = torch.empty_like(parameter).copy_(value)


def finite(gan: Game) -> bool:
    """Whether no number of the game is NaN or infinite. Waits for the device."""
    tensors = [t.detach() for t in (*gan.parameters(), *gan.buffers()) if t.is_floating_point()]
    return bool(torch.stack([t.isfinite().all() for t in tensors]).all())


def pack(
    gan: Game,
    identity: dict[str, str],
    schedulers: Sequence[LRScheduler],
    history: History,
    pending: list[dict[str, torch.Tensor]],
    position: int,
) -> dict[str, Any]:
    """All that a run is, ready to be written."""
    numpy_state = np.random.get_state()
    return {
        "settings": identity,
        **weights(gan),
        "schedulers": [bare(scheduler.state_dict()) for scheduler in schedulers],
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


def unpack(
    state: dict[str, Any], gan: Game, schedulers: Sequence[LRScheduler], history: History, path: str | Path
) -> tuple[list, int]:
    """Put the state into the game, the schedulers, the random generators and the history; return pending, position."""
    load_weights(state, gan, path)
    for scheduler, saved in zip(schedulers, state["schedulers"]):
        scheduler.load_state_dict(saved)
    vars(history).update(state["history"])
    states = state["random"]
    random.setstate(states["python"])
    keys, pos, has_gauss, cached = states["numpy"]
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), int(pos), int(has_gauss), cached))
    torch.set_rng_state(states["torch"].cpu())
    if states["cuda"] and gan.device.type == "cuda":
        # of this device alone: several processes draw the same numbers, each on a device of its own
        torch.cuda.set_rng_state(states["cuda"][0].cpu(), gan.device)
    return state["pending"], state["position"]


def write(path: str | Path, payload: dict[str, Any]) -> None:
    """Write aside, then replace: whatever happens, the path holds either the old file or the whole new one."""
    with replacing(path) as aside, open(aside, "wb") as file:
        try:
            torch.save(payload, file)
        except RuntimeError as error:  # torch's own word for a full disk
            raise OSError(f"{path} could not be written: {str(error).splitlines()[0]}") from error


def load(path: str | Path, gan: Game) -> dict[str, Any]:
    """Load a file without running code from it."""
    path, broken = Path(path).expanduser(), None
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()  # torch writes a checksum of every part, but does not look at it
        state = None if broken else torch.load(path, map_location=gan.device, weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a damaged file can raise whatever it likes
        raise ValueError(f"{path} was cut short, or is no checkpoint of ganlib") from error
    require(broken is None, f"{path} is damaged: the checksum of {broken} in it does not hold")
    ours = isinstance(state, dict) and all(isinstance(state.get(key), dict) for key in ("settings", "game"))
    require(ours, f"{path} is no checkpoint of ganlib")
    return state


def compare(state: dict[str, Any], settings: dict[str, str], path: str | Path) -> None:
    """Raise ``ValueError`` with the first setting of a file that is another here."""
    saved = state["settings"]
    for name, here in settings.items():
        if name not in saved:
            raise ValueError(f"{path} holds a game without {name}, which a checkpoint of fit needs")
        if saved[name] != here:
            # for long texts (the architecture is the game's repr) the first line that differs tells more
            there, here = first_difference(str(saved[name]), str(here))
            raise ValueError(f"{path} holds another {name}: {there!r} in the file, {here!r} here")


def first_difference(a: str, b: str) -> tuple[str, str]:
    pairs = zip([*a.splitlines(), "(nothing)"], [*b.splitlines(), "(nothing)"])
    return next((x.strip(), y.strip()) for x, y in pairs if x != y)
