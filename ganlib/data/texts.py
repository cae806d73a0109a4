"""Texts as vectors: a caption is its words and its pairs of neighbouring words.

No list of words is kept. Each word and each pair adds +1 or -1 at one of 256 places; a hash of its letters says which
(feature hashing: Weinberger et al. 2009, Eq. 4). The sign makes the product of two captions with nothing in common 0 on
average, though some words must share a place. The pairs tell "red on green" from "green on red".
"""

import hashlib
import re
from collections.abc import Sequence

import torch
from torch import Tensor

from ganlib.checks import require

LENGTH = 256  # places
NORM = 8.0  # a length that noise does not drown: of 1, a network that starts small would hear little


def words(caption: str) -> list[str]:
    """The words of a caption in lower case: letters and digits, without what stands between them."""
    return re.findall(r"[^\W_]+", caption.lower())


def text_features(captions: Sequence[str]) -> Tensor:
    """Captions as float32 (N, 256), each row of length 8; a caption without a word is 0.

    Raises:
        ValueError: captions is one text, or holds what is no text.
    """
    texts = not isinstance(captions, str) and all(isinstance(caption, str) for caption in captions)
    require(texts, f"captions is {captions!r:.60}; it must be a list of texts")
    rows = torch.zeros(len(captions), LENGTH, dtype=torch.float32, device="cpu")
    for row, caption in zip(rows, captions):
        said = words(caption)
        for token in [*said, *map(" ".join, zip(said, said[1:]))]:
            place, sign = divmod(int.from_bytes(hashlib.sha256(token.encode()).digest()[:8], "big"), 2)
            row[place % LENGTH] += 1 - 2 * sign
    return NORM * torch.nn.functional.normalize(rows)
