"""Endless shuffled batches of any set, as a pure function of their position."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from ganlib import parallel
from ganlib.checks import require, whole


class Labelled(NamedTuple):
    """A batch of samples x (B, ...) and what is known of each: classes y (B,), or attributes y (B, A)."""

    x: Tensor
    y: Tensor


class Pair(NamedTuple):
    """A batch of each of two domains, a (B, ...) and b (B, ...), drawn apart: their rows are no pairs."""

    a: Tensor
    b: Tensor


Batch = Tensor | Labelled | Pair


class Set(Protocol):
    """What a game can be trained on: ``Images``, ``Domains``, ``Sequences``, ``Voxels``, or anything alike.

    Attributes:
        name: for the titles of figures.
        shape: of one sample.
    """

    name: str

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def batches(self, batch_size: int = 64, seed: int = 0, start: int = 0) -> Iterator[Batch]:
        """Endless batches from position ``start`` on; the iterator has a ``position``."""
        ...

    def fingerprint(self) -> str:
        """A hash of the content, whatever the name."""
        ...

    def draw(self, samples: Tensor, ax: Any, title: str = "") -> None:
        """Draw samples (N, ...) of this kind on Matplotlib's axes."""
        ...


def rows(batch: Batch) -> int:
    """How many samples a batch has."""
    return len(batch if isinstance(batch, Tensor) else batch[0])


def cast(batches: Iterator[Batch], dtype: torch.dtype) -> Iterator[Batch]:
    """The same batches, what is float in them as ``dtype``."""
    for batch in batches:
        if isinstance(batch, Tensor):
            yield batch.to(dtype) if batch.is_floating_point() else batch
        else:
            yield type(batch)(*(t.to(dtype) if t.is_floating_point() else t for t in batch))


class Batches(Iterator):
    """Endless batches of n samples: each epoch is one shuffle of them, cut into whole batches.

    Batch number ``position`` is a pure function of (n, batch_size, seed, position), so a stopped run goes on at exactly
    the next batch. Of several processes (``ganlib.parallel``) each gets its share of every batch.

    Args:
        n: how many samples there are.
        pick: from an index (B,) of samples to their batch.
        batch_size: samples in a batch of all processes.
        seed, start: of the shuffles; the position of the first batch.
        device: where ``pick`` wants its index.
        name, of: of the set, and of what it has n, for the sentences.

    Raises:
        ValueError: the set has fewer samples than a batch, or a number is out of its range.
    """

    def __init__(
        self,
        n: int,
        pick: Callable[[Tensor], Batch],
        batch_size: int = 64,
        seed: int = 0,
        start: int = 0,
        device: torch.device | str = "cpu",
        name: str = "the set",
        of: str = "samples",
    ):
        self.batch_size, self.position = whole("batch_size", batch_size), whole("start", start, least=0)
        require(self.batch_size <= n, f"batch_size is {batch_size}; {name} has {n} {of}")
        require(isinstance(seed, int | np.integer), f"seed is {seed!r}; it must be an integer")
        self.n, self.pick, self.seed, self.device = n, pick, int(seed), device
        self.epoch, self.order = -1, torch.empty(0)

    def __next__(self) -> Batch:
        epoch, batch = divmod(self.position, self.n // self.batch_size)
        if epoch != self.epoch:
            # a generator of its own, on the CPU, so that the order is the same on every device
            generator = torch.Generator("cpu").manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
            order = torch.randperm(self.n, generator=generator, device="cpu")
            self.epoch, self.order = epoch, order.to(self.device)
        index = parallel.share(self.order[batch * self.batch_size : (batch + 1) * self.batch_size])
        self.position += 1
        return self.pick(index)


def subset(data: Any, index: slice | Tensor) -> Any:
    """A copy of a set with the samples of a slice or of an index (n,): its x, y, captions and parameters."""
    part = copy.copy(data)  # which checks nothing anew: a subset of right labels is right
    facts = vars(part)
    for name in ("x", "y"):
        if facts.get(name) is not None:
            facts[name] = facts[name][index]
    if facts.get("captions"):
        texts = facts["captions"]
        facts["captions"] = texts[index] if isinstance(index, slice) else tuple(texts[i] for i in index.tolist())
    if facts.get("parameters"):
        facts["parameters"] = {name: values[index] for name, values in facts["parameters"].items()}
    for name in ("_fingerprint", "_conditions"):  # of all samples
        facts.pop(name, None)
    if "file" in facts:
        facts["file"] = None  # the file has more
    return part
