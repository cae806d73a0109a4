"""Pictures as one uint8 tensor on the device.

Everything is loaded before training starts and a batch is an index and a scale: no workers, no per-sample transforms.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlib import pictures
from ganlib.checks import require, whole
from ganlib.data import identity, labels
from ganlib.data.batches import Batches, Labelled, subset
from ganlib.data.labels import conditions_of


@dataclass(frozen=True, eq=False)
class Images:
    """A set of images, resident on one device.

    Attributes:
        x: uint8 (N, C, H, W). A memory-mapped set stays on disk, and only its batches go to the device.
        y: int64 (N,) class indices, int64 or float32 (N, A) attributes of 0 and 1, float32 (N, A) features, or
            None. What is plainly one of these is made so: whole numbers of any type, and a column (N, 1) of them.
        name: where it came from, for the titles of figures.
        classes: class names, in the order of the indices, or the names of the attributes; empty without.
        captions: one text per image, or empty.
        groups: which attributes exclude each other: (3, 2, 2) are seven columns; of the first three at most one is 1.
        home: the device that batches go to, where it is not x's own (memory-mapped sets).
        file: where x is mapped from (memory-mapped sets).

    Raises:
        ValueError: something of another type or shape, or labels that cannot be; the sentence says what is right.
    """

    x: Tensor
    y: Tensor | None = None
    name: str = "images"
    classes: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    home: torch.device | None = None
    file: Path | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        x, n = self.x, len(self.x)
        ok = isinstance(x, Tensor) and x.dim() == 4 and x.dtype == torch.uint8 and x.numel() > 0
        what = f"{getattr(x, 'dtype', type(x).__name__)} {tuple(getattr(x, 'shape', ()))}"
        require(ok, f"x is {what}; it must be uint8 (N, C, H, W), none of them 0")
        require(len(self.captions) in (0, n), f"captions holds {len(self.captions)} texts for {n} images")
        y = labels.checked(self.y, n, "images", self.classes, self.groups)
        vars(self).update(
            y=None if y is None else y.to(x.device),
            **{name: tuple(getattr(self, name)) for name in ("classes", "captions", "groups")},
        )

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of one image."""
        return tuple(self.x.shape[1:])

    def take(self, n: int) -> "Images":
        """The first n images.

        Raises:
            ValueError: there are not as many.
        """
        require(whole("n", n) <= len(self), f"n is {n}; {self.name} has {len(self)} images")
        return self.subset(slice(n))

    def only(self, words: Sequence[str]) -> "Images":
        """The images whose captions hold at least one of some words, each by itself: "arrow" is not in "arrows".

        Raises:
            ValueError: no caption holds one.
        """
        wanted = {word.lower() for word in words}
        index = [i for i, caption in enumerate(self.captions) if wanted & set(re.split(r"[\s,]+", caption.lower()))]
        require(index, f"only is {tuple(words)!r:.60}; no caption of {self.name} holds one of these words")
        return self.subset(torch.tensor(index, device=self.x.device))

    def subset(self, index: slice | Tensor) -> "Images":
        """The images of a slice, or of an index (n,)."""
        return subset(self, index)

    def batches(self, batch_size: int = 64, seed: int = 0, start: int = 0, labels: bool = False) -> Batches:
        """Endless shuffled batches from position ``start`` on: float32 (B, C, H, W) in [-1, 1] on the device, in
        channels_last; with ``labels`` each is ``Labelled(x, y)``, where without y there are captions, with these as
        vectors (see ``text_features``). See ``Batches``.

        Raises:
            ValueError: the set has fewer images than a batch, or no labels when they are asked for.
        """
        y = conditions_of(self) if labels else None
        require(not labels or y is not None, f"labels=True, but {self.name} has no labels")
        device = self.home or self.x.device

        def pick(index: Tensor) -> Tensor | Labelled:
            x = to_float(self.x[index].to(device))
            return Labelled(x, y[index].to(device)) if labels else x

        return Batches(len(self), pick, batch_size, seed, start, self.x.device, self.name, "images")

    def fingerprint(self) -> str:
        """A hash of pixels, labels and captions, whatever the set's name: 16 hexadecimal digits, computed once."""
        return identity.once(self, (self.x, self.y), self.captions, self.file)

    def sheet(self, samples: Tensor, columns: int = 8) -> np.ndarray:
        """Samples (N, C, H, W) in [-1, 1] side by side: one picture (H', W', 1 or 3) in [0, 1]."""
        return pictures.tile(samples, columns)

    def draw(self, samples: Tensor, ax: Any, title: str = "", columns: int = 8) -> None:
        """Draw samples (N, C, H, W) in [-1, 1] as a grid on Matplotlib's axes."""
        pictures.draw(self.sheet(samples, columns), ax, title)


def to_float(x: Tensor) -> Tensor:
    """uint8 0...255 to float32 -1...1, in channels_last."""
    return x.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1)
