"""Solid shapes as voxels, and the chairs and tables that are made here."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganlib import pictures
from ganlib.budget import device
from ganlib.checks import require, whole
from ganlib.data import identity, labels
from ganlib.data.batches import Batches, Labelled, subset
from ganlib.data.images import Images
from ganlib.data.published import BUNDLED
from ganlib.files import intact

SPLITS = {"train": 4000, "test": 1000}
KINDS = ("seat", "table", "bed", "cabinet", "lamp")


@dataclass(frozen=True, eq=False)
class Voxels:
    """A set of shapes, resident on one device.

    Attributes:
        x: uint8 (N, 1, D, D, D), 1 where a shape is. The last three axes are x (to the right), y (to the back) and z
            (up, with index 0 on the floor).
        name: where it came from, for the titles of figures.
        captions: one text per shape, or empty.
        y: classes or attributes, as for ``Images``.
        classes: their names.
        groups: which attributes exclude each other, as for ``Images``.
        parameters: what each shape was made from, name -> (N,); empty for real ones.

    Raises:
        ValueError: something of another type or shape, or numbers that are neither 0 nor 1.
    """

    x: Tensor
    name: str = "voxels"
    captions: tuple[str, ...] = ()
    y: Tensor | None = None
    classes: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    parameters: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        x = torch.as_tensor(self.x)
        what = f"x is {x.dtype} {tuple(x.shape)}"
        x = x.to(torch.uint8) if x.dtype == torch.bool else x
        x = x[:, None] if x.dim() == 4 else x
        n, sides = len(x), set(x.shape[2:])
        ok = x.dtype == torch.uint8 and x.dim() == 5 and x.shape[1] == 1 and len(sides) == 1 and x.numel() > 0
        require(ok, f"{what}; it must be uint8 (N, 1, D, D, D), none of them 0")
        high = 1 if x.device.type == "meta" else int(x.max())
        require(high <= 1, f"x holds {high}; a voxel is 0 or 1")
        require(len(self.captions) in (0, n), f"captions holds {len(self.captions)} texts for {n} shapes")
        y = labels.checked(self.y, n, "shapes", self.classes, self.groups)
        vars(self).update(
            x=x,
            y=None if y is None else y.to(x.device),
            **{name: tuple(getattr(self, name)) for name in ("classes", "captions", "groups")},
        )

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape (1, D, D, D) of one of them."""
        return tuple(self.x.shape[1:])

    def take(self, n: int) -> "Voxels":
        """The first n shapes."""
        require(whole("n", n) <= len(self), f"n is {n}; {self.name} has {len(self)} shapes")
        return self.subset(slice(n))

    def subset(self, index: slice | Tensor) -> "Voxels":
        """The shapes of a slice, or of an index (n,)."""
        return subset(self, index)

    def batches(self, batch_size: int = 64, seed: int = 0, start: int = 0, labels: bool = False) -> Batches:
        """Endless shuffled batches from position ``start`` on: float32 (B, 1, D, D, D), -1 or 1; with ``labels`` each
        is ``Labelled(x, y)``. See ``Batches``.
        """
        require(not labels or self.y is not None, f"labels=True, but {self.name} has no labels")

        def pick(index: Tensor) -> Tensor | Labelled:
            x = self.x[index].float().mul_(2).sub_(1)
            return Labelled(x, self.y[index]) if labels else x

        return Batches(len(self), pick, batch_size, seed, start, self.x.device, self.name, "shapes")

    def fingerprint(self) -> str:
        """A hash of voxels, labels and captions, whatever the set's name: 16 hexadecimal digits, computed once."""
        return identity.once(self, (self.x, self.y), self.captions)

    def sheet(self, samples: Tensor, columns: int = 8) -> np.ndarray:
        """Shapes (N, 1, D, D, D) in [-1, 1], seen from one side, side by side: one picture (H', W', 1) in [0, 1]."""
        return pictures.tile(pictures.render(samples), columns)

    def draw(self, samples: Tensor, ax: Any, title: str = "", columns: int = 8) -> None:
        """Draw shapes (N, 1, D, D, D) in [-1, 1], seen from one side, as a grid on Matplotlib's axes."""
        pictures.draw(self.sheet(samples, columns), ax, title)


def chairs(split: str = "train", size: int = 16) -> Voxels:
    """Chairs (y = 0) and tables (y = 1), made from a handful of numbers that are known: 4,000 to train, 1,000 to test.

    Each is one piece, its own mirror image in x, and stands on four legs; a chair looks to the front. No two are equal,
    within a split or across. ``parameters`` holds, in voxels: width, depth, height (of the seat or the table top, its
    upper side), thickness (of it), leg (how thick), inset (of the legs), back (its height over the seat; 0: a table),
    open (1: the back is a frame), arms (their height over the seat; 0: none), shelf (1: a table with a board below).

    Args:
        split: "train" or "test".
        size: voxels wide, deep and high, at least 16.
    """
    d, n = whole("size", size, least=16), sum(SPLITS.values())
    rng = np.random.default_rng(0)
    table = rng.random(6 * n) < 0.4

    def draw(chair: tuple[int, int], board: tuple[int, int]) -> np.ndarray:
        """Whole numbers from sixteenths of the size, both ends included."""
        (a, b), (c, e) = ((low * d // 16, high * d // 16) for low, high in (chair, board))
        return np.where(table, rng.integers(c, e, 6 * n, endpoint=True), rng.integers(a, b, 6 * n, endpoint=True))

    p = {
        "width": 2 * (draw((8, 12), (9, 15)) // 2),  # even, so that a shape can be its own mirror image
        "depth": draw((8, 12), (8, 15)),
        "height": draw((5, 8), (6, 11)),
        "thickness": draw((1, 2), (1, 2)),
        "leg": draw((1, 2), (1, 2)),
        "inset": draw((0, 1), (0, 2)),
        "back": draw((4, 8), (0, 0)),
        "open": np.where(table, 0, rng.integers(0, 2, 6 * n)),
        "arms": np.where(table | (rng.random(6 * n) < 0.5), 0, draw((2, 3), (2, 3))),
        "shelf": np.where(table, rng.integers(0, 2, 6 * n), 0),
    }
    rows = np.stack([table, *p.values()], 1)
    kept = np.sort(np.unique(rows, axis=0, return_index=True)[1])[:n]  # each once, in the order they were drawn
    require(len(kept) == n, f"size is {d}; there are only {len(kept)} chairs and tables of it")
    kept = kept[: SPLITS["train"]] if split == "train" else kept[SPLITS["train"] :]
    p = {name: values[kept] for name, values in p.items()}
    home = device()
    x = torch.from_numpy(_build(d, **p)).to(home)
    y = torch.from_numpy(table[kept].astype(np.int64)).to(home)
    parameters = {name: torch.from_numpy(values.astype(np.int64)) for name, values in p.items()}
    return Voxels(x, "chairs", y=y, classes=("chair", "table"), parameters=parameters)


def furniture() -> Voxels:
    """Real models of seats, tables, beds, cabinets and lamps at 32 voxels a side, with their names as captions.

    They are few: for a look, for neighbours and for views. They face the front and stand on the floor; see
    data/README.md for where they come from.
    """
    with np.load(intact(BUNDLED, "furniture.npz")) as file:
        bits, y, captions = (file[key] for key in ("bits", "labels", "captions"))
    x = np.unpackbits(bits, axis=1).reshape(-1, 1, 32, 32, 32)
    return Voxels(torch.from_numpy(x).to(device()), "furniture", tuple(map(str, captions)), torch.from_numpy(y), KINDS)


def silhouettes(split: str = "train", size: int = 16) -> Images:
    """What is seen of ``chairs``, each from one side only: white where it is, black elsewhere, (1, size, size).

    The camera went round by y eighths of a turn, drawn for each shape; parts that turn out of the cube are cut off.
    """
    solids = chairs(split, size)
    y = torch.randint(8, (len(solids),), generator=torch.Generator("cpu").manual_seed(0), device="cpu").to(
        solids.x.device
    )
    parts = zip(solids.x.split(500), (y * (math.pi / 4)).split(500))
    seen = torch.cat([pictures.turned(x.float(), turn).sum(3) > 0.5 for x, turn in parts])
    return Images(
        pictures.upright(seen).to(torch.uint8) * 255, y, "silhouettes", tuple(f"{45 * k} degrees" for k in range(8))
    )


def scene(split: str = "train", size: int = 32) -> Images:
    """One scene of coloured blocks, (3, size, size), seen from 24 cameras, whose (turn, tilt) in degrees are y (24, 2).

    To train, from eight sides and three heights; to test, from between them.
    """
    d = whole("size", size, least=8)
    solid = torch.zeros(1, 4, d, d, d, device="cpu")  # opacity and three colours
    for (x0, x1, y0, y1, z0, z1), colour in SCENE:
        box = (slice(None), slice(None), *(slice(a * d // 16, b * d // 16) for a, b in ((x0, x1), (y0, y1), (z0, z1))))
        solid[box] = torch.tensor([1.0, *colour], device="cpu")[:, None, None, None]
    first, tilts = (0.0, (10.0, 35.0, 60.0)) if split == "train" else (22.5, (20.0, 30.0, 50.0))
    y = torch.tensor([(first + 45 * k, tilt) for tilt in tilts for k in range(8)], device="cpu")
    seen = pictures.composed(pictures.turned(solid.expand(len(y), -1, -1, -1, -1), *y.deg2rad().unbind(1)))
    return Images((seen * 255).round().to(device(), torch.uint8), y, "scene")


# (x0, x1, y0, y1, z0, z1) in sixteenths and (red, green, blue): a floor, a red chair, a blue table, a yellow block
SCENE = (
    ((2, 14, 2, 14, 3, 4), (0.55, 0.5, 0.45)),
    ((3, 7, 8, 12, 6, 7), (0.8, 0.15, 0.1)),
    ((3, 7, 12, 13, 6, 11), (0.8, 0.15, 0.1)),
    *(((x, x + 1, y, y + 1, 4, 6), (0.8, 0.15, 0.1)) for x in (3, 6) for y in (8, 12)),
    ((8, 13, 4, 9, 7, 8), (0.1, 0.3, 0.8)),
    *(((x, x + 1, y, y + 1, 4, 7), (0.1, 0.3, 0.8)) for x in (8, 12) for y in (4, 8)),
    ((9, 11, 5, 7, 8, 10), (0.95, 0.75, 0.1)),
)


def _build(
    d: int,
    width: np.ndarray,
    depth: np.ndarray,
    height: np.ndarray,
    thickness: np.ndarray,
    leg: np.ndarray,
    inset: np.ndarray,
    back: np.ndarray,
    open: np.ndarray,
    arms: np.ndarray,
    shelf: np.ndarray,
) -> np.ndarray:
    """Boxes put together: uint8 (N, 1, D, D, D)."""
    n, line, rail = len(width), np.arange(d), max(1, d // 16)
    x = np.zeros((n, d, d, d), bool)

    def box(xs: tuple, ys: tuple, zs: tuple, value: bool = True) -> None:
        """Fill from the first number of each axis up to, not including, the second; an empty range fills nothing."""
        a, b, c = (
            (line >= np.broadcast_to(low, n)[:, None]) & (line < np.broadcast_to(high, n)[:, None])
            for low, high in (xs, ys, zs)
        )
        inside = (a[:, :, None] & b[:, None, :])[..., None] & c[:, None, None, :]
        np.copyto(x, value, where=inside)

    left, right = d // 2 - width // 2, d // 2 + width // 2
    front = (d - depth) // 2
    rear, seat, top = front + depth, height - thickness, height + back
    for a, b in ((left + inset, left + inset + leg), (right - inset - leg, right - inset)):
        box((a, b), (front + inset, front + inset + leg), (0, seat))
        box((a, b), (rear - inset - leg, rear - inset), (0, seat))
    box((left, right), (front, rear), (seat, height))
    middle = seat // 2  # the board lies on the legs' inner half way
    box((left + inset, right - inset), (front + inset, rear - inset), (middle, middle + rail * shelf))
    box((left, right), (rear - rail, rear), (height, top))
    hole = (open > 0) & (back > 0)
    box((left + rail, right - rail), (rear - rail, rear), (height + rail, np.where(hole, top - rail, 0)), value=False)
    for a, b in ((left, left + rail), (right - rail, right)):
        post = (arms > 0) * rail
        box((a, b), (front, front + post), (height, height + arms))
        box((a, b), (front, rear), (height + arms - post, height + arms))
    return x[:, None].astype(np.uint8)
