"""Tensors that are dear to compute, kept on disk under a hash of everything that they depend on."""

import hashlib
from collections.abc import Callable

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganlib.data.identity import fingerprint
from ganlib.files import cache, replacing

Tensors = dict[str, Tensor]


def digest(tensors: Tensors) -> str:
    """A hash of names, types, shapes and values."""
    names = sorted(tensors)
    return fingerprint([tensors[name] for name in names], names)


def cached(parts: tuple[str | int, ...], compute: Callable[[], Tensors]) -> Tensors:
    """What ``compute()`` returns, from a file in ``files.cache()`` if it was computed before.

    The file's name is a hash of ``parts``, which must say everything that the result depends on. It is written aside
    and then put in place, so that no reader sees half a file; a damaged one is computed anew. Opening it runs no code.
    """
    name = f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}.safetensors"
    try:
        with safe_open(cache() / name, "pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            if (file.metadata() or {}).get("sha256") == digest(tensors):
                return tensors
    except (OSError, SafetensorError):
        pass  # not there, cut short, or nobody's home is known
    tensors = {name: tensor.cpu().contiguous() for name, tensor in compute().items()}
    try:
        with replacing(cache() / name) as aside:
            save_file(tensors, aside, metadata={"sha256": digest(tensors)})
    except OSError:
        pass  # a full or read-only disk costs time, not the result
    return tensors
