"""How right generated shapes are: pieces, legs, symmetry, and the nearest real ones."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from ganlib.checks import require, whole
from ganlib.data import Voxels


def solid(shapes: Voxels | Tensor) -> Tensor:
    """Which voxels are filled, bool (N, D, D, D), of a set, or of samples (N, 1, D, D, D): where they are above 0.

    Raises:
        ValueError: the samples have another shape.
    """
    x = shapes.x if isinstance(shapes, Voxels) else shapes
    cube = x.dim() == 5 and x.shape[1] == 1 and len(set(x.shape[2:])) == 1
    require(cube, f"shapes has shape {tuple(x.shape)}; it must be (N, 1, D, D, D)")
    return x[:, 0] > 0


def pieces(shapes: Voxels | Tensor, specks: int = 0) -> Tensor:
    """How many pieces each shape has, int64 (N,): voxels that share a face belong to one; an empty shape has none.

    Pieces of at most ``specks`` voxels are not counted.
    """
    specks = whole("specks", specks, least=0)
    counts = []
    for shape in solid(shapes).cpu().numpy():
        labels, n = ndimage.label(shape)
        counts.append(int((np.bincount(labels.ravel(), minlength=n + 1)[1:] > specks).sum()))
    return torch.tensor(counts)


def legs(shapes: Voxels | Tensor) -> Tensor:
    """On how many separate feet each shape stands, int64 (N,): the pieces of its lowest layer that has any voxel."""
    counts = []
    for shape in solid(shapes).cpu().numpy():
        layers = np.flatnonzero(shape.any((0, 1)))
        counts.append(ndimage.label(shape[:, :, layers[0]])[1] if len(layers) else 0)
    return torch.tensor(counts)


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every shape of a (N, ...) with every one of b (M, ...), both bool: (N, M).

    Two empty shapes have 1.
    """
    a, b = a.flatten(1).float(), b.flatten(1).float()
    both = a @ b.T  # exact: whole numbers below 2 ** 24
    either = a.sum(1)[:, None] + b.sum(1) - both
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(both))


def mirror_symmetry(shapes: Voxels | Tensor) -> Tensor:
    """Intersection over union of each shape with its mirror image in x, (N,): 1 for a symmetric one."""
    x = solid(shapes)
    either = (x | x.flip(1)).flatten(1).sum(1)
    both = (x & x.flip(1)).flatten(1).sum(1)
    return torch.where(either > 0, both / either.clamp(min=1), 1.0)


def nearest_iou(shapes: Voxels | Tensor, reference: Voxels | Tensor) -> tuple[Tensor, Tensor]:
    """The largest intersection over union of each shape with a reference shape (N,), and that one's index (N,).

    It has a floor to be read beside it: that of fresh real shapes with the same reference.
    """
    x, others = solid(shapes), solid(reference)
    sides = f"shapes has {x.shape[-1]} voxels a side and reference {others.shape[-1]}; it must be the same number"
    require(x.shape[1:] == others.shape[1:], sides)
    best = overlap(x, others.to(x.device)).max(1)
    return best.values, best.indices
