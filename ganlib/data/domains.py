"""Two sets of images, and no pairs: what a translation between them is learned from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlib.checks import require
from ganlib.data import identity
from ganlib.data.batches import Batches, Pair
from ganlib.data.images import Images


@dataclass(frozen=True, eq=False)
class Domains:
    """Two unpaired sets of images on one device.

    Attributes:
        a, b: the sets; their sizes may differ.
        name: for the titles of figures; None is made of theirs.

    Raises:
        ValueError: the sets' batches go to different devices.
    """

    a: Images
    b: Images
    name: str | None = None

    def __post_init__(self) -> None:
        for side in ("a", "b"):
            value = getattr(self, side)
            require(isinstance(value, Images), f"{side} is a {type(value).__name__}; it must be Images")
        homes = [data.home or data.x.device for data in (self.a, self.b)]
        require(homes[0] == homes[1], f"a lives on {homes[0]} and b on {homes[1]}; it must be one device")
        vars(self)["name"] = self.name or f"{self.a.name} and {self.b.name}"

    def __len__(self) -> int:
        """The size of the smaller set."""
        return min(len(self.a), len(self.b))

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of one image of b."""
        return self.b.shape

    def take(self, n: int) -> "Domains":
        """The first n images of each set."""
        return Domains(self.a.take(n), self.b.take(n), self.name)

    def batches(self, batch_size: int = 64, seed: int = 0, start: int = 0) -> "Pairs":
        """Endless batches ``Pair(a, b)`` from position ``start`` on, each set in an order of its own."""
        # the order of one set must not tell that of the other, or two sets that lie in one order would come in pairs
        a, b = self.a.batches(batch_size, seed, start), self.b.batches(batch_size, seed, start)
        b.seed += 2**31
        return Pairs(a, b)

    def fingerprint(self) -> str:
        """A hash of both sets' content, whatever their names."""
        return identity.fingerprint([torch.empty(0, device="cpu")], (self.a.fingerprint(), self.b.fingerprint()))

    def sheet(self, samples: Tensor, columns: int = 8) -> np.ndarray:
        """Samples (N, C, H, W) in [-1, 1] side by side: one picture (H', W', 1 or 3) in [0, 1]."""
        return self.b.sheet(samples, columns)

    def draw(self, samples: Tensor, ax: Any, title: str = "", columns: int = 8) -> None:
        """Draw samples (N, C, H, W) in [-1, 1] as a grid on Matplotlib's axes."""
        self.b.draw(samples, ax, title, columns)


class Pairs(Iterator):
    """A batch of each of two sets at a time; ``position`` is that of both."""

    def __init__(self, a: Batches, b: Batches):
        self.a, self.b = a, b

    @property
    def position(self) -> int:
        return self.a.position

    def __next__(self) -> Pair:
        return Pair(next(self.a), next(self.b))
