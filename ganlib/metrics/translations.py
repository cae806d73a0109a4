"""How right a translation is where the truth is known. Each number is read beside that of the truth, of the untouched
input and of a shuffled truth."""

import torch
from torch import Tensor

from ganlib.checks import require
from ganlib.metrics.features import Extractor


def error(made: Tensor, truth: Tensor) -> Tensor:
    """The mean absolute difference to the truth of each picture (N,), as a share of the range: 0 to 1.

    Raises:
        ValueError: the shapes differ.
    """
    shapes = f"made has shape {tuple(made.shape)} and truth {tuple(truth.shape)}; it must be the same"
    require(made.shape == truth.shape and made.dim() > 1, shapes)
    return (made - truth).abs().flatten(1).mean(1) / 2


def read_attributes(made: Tensor, candidates: Tensor, attributes: Tensor) -> Tensor:
    """The attributes of each picture (N, A): those of the candidate that it is nearest to by absolute difference.

    Args:
        made: pictures (N, C, H, W).
        candidates: what each could be, (K, N, C, H, W).
        attributes: what the K candidates have, (K, A).
    """
    fits = candidates.shape[1:] == made.shape and len(attributes) == len(candidates)
    require(fits, f"candidates has shape {tuple(candidates.shape)}; it must be (K, {', '.join(map(str, made.shape))})")
    distances = torch.stack([(candidate - made).abs().flatten(1).mean(1) for candidate in candidates])
    return attributes[distances.argmin(0)]


def agreement(read: Tensor, wanted: Tensor, groups: tuple[int, ...]) -> list[float]:
    """Of each group of columns, the share of rows in which it is as wanted."""
    parts = zip(read.split(groups, dim=1), wanted.split(groups, dim=1))
    return [(a == b).all(1).double().mean().item() for a, b in parts]


def class_kept(made: Tensor, y: Tensor, extractor: Extractor) -> float:
    """The share of pictures that a classifier takes for their input's class y (N,); its own accuracy is the ceiling."""
    _, logits = extractor(made)
    return (logits.argmax(1) == y).double().mean().item()


def feature_distance(made: Tensor, truth: Tensor, extractor: Extractor) -> Tensor:
    """The distance of each picture to its truth in an extractor's features (N,)."""
    return (extractor(made)[0] - extractor(truth)[0]).norm(dim=1)


def mistaken(made: Tensor, truth: Tensor) -> float:
    """The share of other truths that are nearer to what was made than its own; 0 is never wrong, 0.5 is chance."""
    distances = torch.cdist(made.flatten(1), truth.flatten(1), p=1)
    return ((distances < distances.diagonal()[:, None]).sum() / (len(made) * (len(made) - 1))).item()


def spread(made: Tensor) -> float:
    """The mean absolute difference between two translations of different inputs, as a share of the range."""
    return error(made, made.roll(1, 0)).mean().item()
