"""Sequences of tokens, such as lines of text."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganlib.checks import require, whole
from ganlib.data import identity
from ganlib.data.batches import Batches, subset


@dataclass(frozen=True, eq=False)
class Sequences:
    """A set of sequences of one length, resident on one device.

    Attributes:
        x: int64 (N, T), each token an index into the vocabulary.
        vocabulary: the words.
        name: for the titles of figures.

    Raises:
        ValueError: tokens of another type or shape, or without a word.
    """

    x: Tensor
    vocabulary: tuple[str, ...]
    name: str = "sequences"

    def __post_init__(self) -> None:
        x, words = torch.as_tensor(self.x), tuple(map(str, self.vocabulary))
        what = f"x is {x.dtype} {tuple(x.shape)}"
        whole_numbers = not (x.is_floating_point() or x.is_complex() or x.dtype == torch.bool)
        require(whole_numbers and x.dim() == 2 and x.numel() > 0, f"{what}; it must be int64 (N, T), none of them 0")
        vars(self).update(x=x.long(), vocabulary=words)
        self._check(self.x, "x")

    def _check(self, tokens: Tensor, name: str) -> None:
        if tokens.device.type == "meta":
            return
        low, high = (int(end) for end in tokens.aminmax())
        rule = f"a token must be from 0 to {len(self.vocabulary) - 1}, an index into the vocabulary"
        require(low >= 0 and high < len(self.vocabulary), f"{name} holds {low if low < 0 else high}; {rule}")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> tuple[int]:
        """The shape (T,) of one sequence."""
        return tuple(self.x.shape[1:])

    def take(self, n: int) -> "Sequences":
        """The first n sequences."""
        require(whole("n", n) <= len(self), f"n is {n}; {self.name} has {len(self)} sequences")
        return self.subset(slice(n))

    def subset(self, index: slice | Tensor) -> "Sequences":
        """The sequences of a slice, or of an index (n,)."""
        return subset(self, index)

    def batches(self, batch_size: int = 64, seed: int = 0, start: int = 0) -> Batches:
        """Endless shuffled batches of tokens (B, T) from position ``start`` on; see ``Batches``."""
        pick = self.x.__getitem__
        return Batches(len(self), pick, batch_size, seed, start, self.x.device, self.name, "sequences")

    def text(self, tokens: Tensor | Sequence[Sequence[int]]) -> list[str]:
        """The words of sequences (N, T), with blanks between them: N lines."""
        tokens = torch.as_tensor(tokens, device="cpu")
        require(tokens.dim() == 2, f"tokens has shape {tuple(tokens.shape)}; it must be (N, T)")
        if tokens.numel():
            self._check(tokens, "tokens")
        return [" ".join(self.vocabulary[token] for token in line) for line in tokens.tolist()]

    def fingerprint(self) -> str:
        """A hash of tokens and vocabulary, whatever the set's name: 16 hexadecimal digits, computed once."""
        if "_fingerprint" not in vars(self):
            vars(self)["_fingerprint"] = identity.fingerprint((self.x,), self.vocabulary)
        return vars(self)["_fingerprint"]

    def draw(self, samples: Tensor, ax: Any, title: str = "", lines: int = 16) -> None:
        """Write the first samples (N, T) as lines of text on Matplotlib's axes."""
        texts = [textwrap.shorten(text, 64, placeholder=" …") for text in self.text(samples[:lines])]
        style = dict(family="monospace", fontsize=8, va="top", parse_math=False)  # a $ is a $
        ax.text(0, 1, "\n".join(texts), transform=ax.transAxes, **style)
        ax.set_title(title)
        ax.axis("off")
