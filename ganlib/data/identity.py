"""Which data it is: a hash of the content, so that neither a name nor a folder nor a count can lie about it."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganlib.files import cache, replacing


def once(data: object, *parts: Any) -> str:
    """The ``fingerprint`` of a set's parts, computed when it is first asked for and kept with the set."""
    facts = vars(data)
    if "_fingerprint" not in facts:
        facts["_fingerprint"] = fingerprint(*parts)
    return facts["_fingerprint"]


def fingerprint(tensors: Iterable[Tensor | None], texts: Sequence[str] = (), file: Path | None = None) -> str:
    """A hash of types, shapes and values, and of texts, as 16 hexadecimal digits.

    Args:
        tensors: of a set; the first may be large.
        texts: of a set.
        file: where the first tensor is mapped from. Its hash is then computed once and kept in the cache, under the
            file's path, size and time of change.
    """
    first, *others = tensors
    parts = [_remembered(first, file) if file else _hash(first), *map(_hash, others), *texts]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _hash(tensor: Tensor | None) -> str:
    if tensor is None:
        return "none"
    digest = hashlib.sha256(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
    tensor = tensor.reshape(1) if tensor.dim() == 0 else tensor
    if tensor.device.type != "meta":  # there a tensor is nothing but its shape
        row = max(1, tensor[:1].numel() * tensor.element_size())
        for part in tensor.detach().split(max(1, 2**24 // row)):  # a large set may lie on disk
            digest.update(part.cpu().contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()


def _remembered(tensor: Tensor, file: Path) -> str:
    facts = file.stat()
    key = repr((str(file.resolve()), facts.st_size, facts.st_mtime_ns, tuple(tensor.shape)))
    name = hashlib.sha256(key.encode()).hexdigest()[:32]
    try:
        known = (cache() / f"{name}.sha256").read_text()
        if len(known) == 64:
            return known
    except (OSError, UnicodeDecodeError):  # not there, or not readable
        pass
    value = _hash(tensor)
    try:
        with replacing(cache() / f"{name}.sha256") as aside:
            aside.write_text(value)
    except OSError:
        pass  # without a cache it costs time, not the result
    return value
