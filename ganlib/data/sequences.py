"""Sequences of tokens, such as lines of text."""

import textwrap
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganlib.budget import device
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
        """The words of sequences (N, T), with blanks between them: N lines; the empty word is left out."""
        tokens = torch.as_tensor(tokens, device="cpu")
        require(tokens.dim() == 2, f"tokens has shape {tuple(tokens.shape)}; it must be (N, T)")
        if tokens.numel():
            self._check(tokens, "tokens")
        return [" ".join(filter(None, (self.vocabulary[token] for token in line))) for line in tokens.tolist()]

    def fingerprint(self) -> str:
        """A hash of tokens and vocabulary, whatever the set's name: 16 hexadecimal digits, computed once."""
        return identity.once(self, (self.x,), self.vocabulary)

    def draw(self, samples: Tensor, ax: Any, title: str = "", lines: int = 16) -> None:
        """Write the first samples (N, T) as lines of text on Matplotlib's axes."""
        texts = [textwrap.shorten(text, 64, placeholder=" …") for text in self.text(samples[:lines])]
        style = dict(family="monospace", fontsize=8, va="top", parse_math=False)  # a $ is a $
        ax.text(0, 1, "\n".join(texts), transform=ax.transAxes, **style)
        ax.set_title(title)
        ax.axis("off")


END = ""  # what stands after the last word of a shorter sequence


def of_lines(
    lines: Sequence[Sequence[str]], length: int, words: int, name: str, split: str | None = "train"
) -> Sequences:
    """A set from lines, each a list of words, padded with ``END`` to one length.

    Every tenth line is the split "test", the others are "train"; None takes all.

    The vocabulary are the so many most frequent words of all lines (of equally frequent ones the first met), after
    ``END``; lines that are empty, longer, or hold another word are left out, and of equal lines all but the first.

    Raises:
        ValueError: no line is left.
    """
    lines = [tuple(line) for line in lines if 0 < len(line) <= length]
    counts = Counter(word for line in lines for word in line)
    vocabulary = (END, *(word for word, _ in counts.most_common(words)))
    index = {word: i for i, word in enumerate(vocabulary)}
    kept = dict.fromkeys(line for line in lines if all(word in index for word in line))
    mine = [line for i, line in enumerate(kept) if split is None or (i % 10 == 9) == (split == "test")]
    require(mine, f"{name} has no line of 1 to {length} of its frequent words")
    rows = [[*(index[word] for word in line), *[0] * (length - len(line))] for line in mine]
    return Sequences(torch.tensor(rows, device=device()), vocabulary, name)


def unicode_names(split: str = "train") -> Sequences:
    """Names of characters in Unicode 3.2, such as "GREEK SMALL LETTER ALPHA": 3 to 8 of 300 words.

    They come with Python, which keeps this old version of the standard for ever (``unicodedata.ucd_3_2_0``).
    """
    names = (unicodedata.ucd_3_2_0.name(chr(code), "") for code in range(0x110000))
    lines = [name.replace("-", " ").split() for name in names]
    return of_lines([line for line in lines if len(line) >= 3], 8, 300, "unicode-names", split)


def text_file(path: Path, length: int = 16, words: int = 500) -> Sequences:
    """A text file, one sequence a line, words between blanks: all its lines of up to ``length`` frequent words.

    Raises:
        ValueError: it is no text in UTF-8, or no line is left.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8: {error}") from error
    return of_lines([line.split() for line in lines], length, words, path.name, split=None)


def discrete_digits(digits: Tensor) -> Sequences:
    """Digits (N, 1, 32, 32) uint8 as 8 x 8 black and white pixels, a row a token: 8 of 256 words such as 00011000."""
    bits = (avg_pool2d(digits[:, 0].float(), 4) > 80).long()  # (N, 8, 8)
    tokens = (bits * 2 ** torch.arange(7, -1, -1, device=bits.device)).sum(2)
    return Sequences(tokens, tuple(f"{i:08b}" for i in range(256)), "discrete-digits")
