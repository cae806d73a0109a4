"""What is known of each sample: classes, attributes or text features, checked and made plain."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ganlib.checks import require
from ganlib.data.texts import text_features

LABELS = "it must be classes (N,), attributes of 0 and 1 (N, A), or float features (N, A)"


def conditions_of(data: Any) -> Tensor | None:
    """What a conditional game is told of each sample: the set's y; without one its captions as vectors (N, 256)."""
    y, captions = getattr(data, "y", None), getattr(data, "captions", ())
    if y is not None or not captions:
        return y
    facts = vars(data)
    if "_conditions" not in facts:  # once: a batch is to be an index and a scale
        facts["_conditions"] = text_features(captions).to(data.x.device)
    return facts["_conditions"]


def checked(y: Any, n: int, of: str, classes: Sequence[str], groups: Sequence[int]) -> Tensor | None:
    """Labels of n samples in one of their three forms, from what is plainly meant.

    Args:
        y: whole numbers (N,) or (N, 1) of any type, float or bool too: classes; zeros and ones (N, A): attributes;
            other floats (N, A): features; or None.
        n, of: how many samples there are, and what they are called.
        classes: names of the classes, or of the A attributes, or empty.
        groups: how many columns after each other exclude each other: of (3, 2, 2) at most one of the first three is 1.

    Returns:
        int64 (N,) classes, int64 or float32 (N, A) attributes of 0 and 1, float32 (N, A) features, or None.

    Raises:
        ValueError: another shape or number; one-hot rows without names or groups, which may be classes or attributes.
    """
    if y is None:
        require(not groups, f"groups is {tuple(groups)}, but there is no y")
        return None
    y = torch.as_tensor(y)
    shape = tuple(y.shape)
    what = f"y has shape {shape}"
    require(y.dim() > 0 and len(y) == n, f"y holds {len(y) if y.dim() else 0} labels for {n} {of}")
    require(y.dim() <= 2 and y.numel() > 0 and not y.is_complex(), f"{what}; {LABELS}")
    if y.dim() == 2 and shape[1] == 1 and not groups and not (y.is_floating_point() and not _all_whole(y)):
        y = y[:, 0]  # a column of classes
    if y.dtype == torch.bool:
        y = y.long()
    if y.is_floating_point():
        _require_finite(y, what)
    if y.dim() == 1:
        require(not groups, f"groups is {tuple(groups)}, but y has shape {shape}; {LABELS}")
        require(_all_whole(y), f"{what} and holds {_first(y, y != y.round())}; a class is a whole number")
        y = y.long()
        require(_holds(y >= 0), f"{what} and holds {_first(y, y < 0)}; a class is a whole number from 0")
        rule = f"there are {len(classes)} classes"
        require(not classes or _holds(y < len(classes)), f"{what} and holds {_first(y, y >= len(classes))}; {rule}")
        return y
    return _attributes(y, what, classes, groups)


def _attributes(y: Tensor, what: str, classes: Sequence[str], groups: Sequence[int]) -> Tensor:
    columns = y.shape[1]
    require(len(classes) in (0, columns), f"{what}, but there are {len(classes)} classes; name each column")
    binary = (y == 0) | (y == 1)
    if groups or not y.is_floating_point():
        require(_holds(binary), f"{what} and holds {_first(y, ~binary)}; an attribute is 0 or 1")
    y = y.float() if y.is_floating_point() else y.long()
    if groups:
        rule = f"they must be positive and add up to its {columns} columns"
        require(min(groups) > 0 and sum(groups) == columns, f"{what}, but groups is {tuple(groups)}; {rule}")
        sums = torch.stack([part.sum(1) for part in y.split(list(groups), dim=1)])
        require(_holds(sums <= 1), f"{what} and has rows with two attributes of one group; groups says at most one")
    elif not classes and columns > 1 and y.device.type != "meta":
        one_hot = bool(binary.all()) and bool((y.sum(1) == 1).all())
        rule = "give classes (N,), as y.argmax(1), or say which columns exclude each other by groups"
        require(not one_hot, f"{what} with one 1 in each row; {rule}")
    return y


def _holds(rule: Tensor) -> bool:
    return rule.device.type == "meta" or bool(rule.all())  # on meta there are no values


def _all_whole(y: Tensor) -> bool:
    return not y.is_floating_point() or _holds(y == y.round())


def _require_finite(y: Tensor, what: str) -> None:
    finite = y.isfinite()
    require(_holds(finite), f"{what} and holds {_first(y, ~finite)}; labels are finite numbers")


def _first(y: Tensor, wrong: Tensor) -> str:
    """The first wrong value, as text; empty where nothing is wrong."""
    values = y[wrong] if y.device.type != "meta" else y[:0]
    return f"{values.flatten()[0].item():g}" if len(values) else ""
