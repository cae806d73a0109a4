"""One knob for how long and how wide to train, the device to train on, and the random seed."""

import operator
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from torch.overrides import _get_current_function_mode_stack
from torch.utils._device import DeviceContext

T = TypeVar("T")
BUDGETS = ("smoke", "cpu", "cuda", "paper")


def budget(*, smoke: T, cpu: T, cuda: T, paper: T) -> T:
    """Return the active one of four settings.

    The environment variable ``GANLIB_BUDGET`` picks it; without it the hardware does: ``cuda`` where there is a
    GPU, ``cpu`` elsewhere. ``smoke`` is for tests (seconds), ``paper`` holds the paper's own settings.

    Raises:
        ValueError: ``GANLIB_BUDGET`` is none of the four names.
    """
    name = os.environ.get("GANLIB_BUDGET") or ("cuda" if device().type == "cuda" else "cpu")
    if name not in BUDGETS:
        raise ValueError(f"GANLIB_BUDGET is {name!r}; it must be one of {', '.join(BUDGETS)}")
    return dict(smoke=smoke, cpu=cpu, cuda=cuda, paper=paper)[name]


def device() -> torch.device:
    """The device of new games and data: the one of an active ``with torch.device(...)``, else CUDA, else the CPU."""
    # torch.get_default_device() says "cpu" both for `with torch.device("cpu")` and for no choice; the stack tells.
    if any(isinstance(mode, DeviceContext) for mode in _get_current_function_mode_stack()):
        return torch.get_default_device()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and torch's (every device's) global random states."""
    seed = operator.index(seed)  # NumPy's integers are integers
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


@contextmanager
def private_seed(seed: int | None, device: torch.device) -> Iterator[None]:
    """Inside, torch draws from this seed (None: from a fresh one); afterwards the random states are as before."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.seed() if seed is None else torch.manual_seed(seed)
        yield
