"""Tensors that are dear to compute, kept on disk under a hash of everything that they depend on."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ganlib.files import replacing

Tensors = dict[str, Tensor]


def fingerprint(tensors: Tensors) -> str:
    """A SHA-256 of names, types, shapes and values, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        for part in tensor.detach().split(10_000) if tensor.dim() else [tensor.detach()]:  # a large set may lie on disk
            digest.update(part.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def cached(parts: tuple[str | int, ...], compute: Callable[[], Tensors]) -> Tensors:
    """What ``compute()`` returns, from a file in $GANLIB_CACHE or ~/.cache/ganlib if it was computed before.

    The file's name is a hash of ``parts``, which must say everything that the result depends on. It is written aside
    and then put in place, so that no reader sees half a file; a damaged one is computed anew. Opening it runs no code.
    """
    folder = Path(os.environ.get("GANLIB_CACHE") or Path.home() / ".cache" / "ganlib")
    path = folder / f"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}.safetensors"
    try:
        with safe_open(path, "pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            if (file.metadata() or {}).get("sha256") == fingerprint(tensors):
                return tensors
    except (OSError, SafetensorError):
        pass  # not there, or cut short
    tensors = {name: tensor.cpu().contiguous() for name, tensor in compute().items()}
    try:
        with replacing(path) as aside:
            save_file(tensors, aside, metadata={"sha256": fingerprint(tensors)})
    except OSError:
        pass  # a full or read-only disk costs time, not the result
    return tensors
