"""What is learned from, one file a kind: images, two domains, sequences, voxels."""

from ganlib.data.batches import Batch, Batches, Labelled, Pair, Set, cast, rows
from ganlib.data.domains import Domains
from ganlib.data.images import Images, to_float
from ganlib.data.named import EMOJI_COMPOSITIONS, EMOJI_KINDS, EMOJI_MORE, NAMES, kind_of, load
from ganlib.data.published import BUNDLED
from ganlib.data.sequences import Sequences
from ganlib.data.texts import text_features
from ganlib.data.voxels import Voxels

__all__ = [
    "BUNDLED",
    "EMOJI_COMPOSITIONS",
    "EMOJI_KINDS",
    "EMOJI_MORE",
    "NAMES",
    "Batch",
    "Batches",
    "Domains",
    "Images",
    "Labelled",
    "Pair",
    "Sequences",
    "Set",
    "Voxels",
    "cast",
    "kind_of",
    "load",
    "rows",
    "text_features",
    "to_float",
]
