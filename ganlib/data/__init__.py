"""What is learned from, one file a kind: images, two domains, sequences, voxels."""

from ganlib.data.batches import Batch, Batches, Labelled, Pair, Set, cast, rows
from ganlib.data.images import Images, to_float
from ganlib.data.named import NAMES, load
from ganlib.data.published import BUNDLED

__all__ = [
    "BUNDLED",
    "NAMES",
    "Batch",
    "Batches",
    "Images",
    "Labelled",
    "Pair",
    "Set",
    "cast",
    "load",
    "rows",
    "to_float",
]
