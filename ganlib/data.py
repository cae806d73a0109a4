"""Real images as one uint8 tensor on the device, and endless shuffled batches of them.

Everything is loaded before training starts and a batch is an index and a scale: no workers, no per-sample transforms.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ganlib import parallel
from ganlib.budget import device
from ganlib.gan import require
from ganlib.published import BUNDLED as BUNDLED  # where the bundled files lie
from ganlib.published import Arrays, find, look_up, open_file

DIGITS = tuple("0123456789")
FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# name -> class names; what is not bundled is looked up under $GANLIB_DATA, then data/, then downloaded
NAMES: dict[str, tuple[str, ...]] = {
    "mnist5k": DIGITS,
    "fashion10k": FASHION,
    "emoji": (),
    "color-mnist": tuple(f"{i:03d}" for i in range(1000)),
    "mnist": DIGITS,
    "fashion-mnist": FASHION,
    "cifar10": CIFAR10,
    "celeba": (),
    "lsun-church": (),
}


@dataclass(frozen=True)
class Images:
    """A set of images, resident on one device.

    Attributes:
        x: uint8 (N, C, H, W). A memory-mapped set stays on disk, and only its batches go to the device.
        y: int64 (N,) class indices, or None.
        name: where it came from, for the titles of figures.
        classes: class names, in the order of the indices; empty without classes.
        captions: one text per image, or empty.
        home: the device that batches go to, where it is not x's own (memory-mapped sets).
    """

    x: Tensor
    y: Tensor | None
    name: str
    classes: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    home: torch.device | None = None

    def __post_init__(self) -> None:
        x, y = self.x, self.y
        rule = "it must be uint8 (N, C, H, W) with C = 1 or 3"
        require(x.dim() == 4 and x.dtype == torch.uint8, f"x is {x.dtype} {tuple(x.shape)}; {rule}")
        require(x.shape[1] in (1, 3), f"x has shape {tuple(x.shape)}; {rule}")
        require(y is None or y.shape == (len(x),), f"y holds {0 if y is None else len(y)} labels for {len(x)} images")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape (C, H, W) of one image."""
        return tuple(self.x.shape[1:])

    def take(self, n: int) -> "Images":
        """The first n images.

        Raises:
            ValueError: there are not as many.
        """
        require(1 <= n <= len(self), f"n is {n}; {self.name} has {len(self)} images")
        return replace(self, x=self.x[:n], y=None if self.y is None else self.y[:n], captions=self.captions[:n])

    def batches(self, batch_size: int = 64, seed: int = 0, start: int = 0, labels: bool = False) -> "Batches":
        """Endless shuffled batches from position ``start`` on; see ``Batches``."""
        return Batches(self, batch_size, seed, start, labels)


class Batches(Iterator):
    """Endless batches, float32 (B, C, H, W) in [-1, 1] on the device; with ``labels`` pairs (x, y).

    Of several processes (``ganlib.parallel``) each gets its share of every batch.

    Each epoch is one shuffle of the set, cut into whole batches. Batch number ``position`` is a pure function of
    (images, batch_size, seed, position), so a stopped run goes on at exactly the next batch.

    Raises:
        ValueError: the set has fewer images than a batch, or no labels when they are asked for.
    """

    def __init__(self, images: Images, batch_size: int, seed: int, start: int, labels: bool):
        require(1 <= batch_size <= len(images), f"batch_size is {batch_size}; {images.name} has {len(images)} images")
        require(start >= 0, f"start is {start}; it must not be negative")
        require(not labels or images.y is not None, f"labels=True, but {images.name} has no labels")
        self.images, self.batch_size, self.seed, self.position, self.labels = images, batch_size, seed, start, labels
        self.device = images.home or images.x.device
        self.epoch, self.order = -1, torch.empty(0)

    def __next__(self) -> Tensor | tuple[Tensor, Tensor]:
        epoch, batch = divmod(self.position, len(self.images) // self.batch_size)
        if epoch != self.epoch:
            # a generator of its own, on the CPU, so that the order is the same on every device
            generator = torch.Generator("cpu").manual_seed((self.seed * 1_000_003 + epoch) % 2**63)
            order = torch.randperm(len(self.images), generator=generator, device="cpu")
            self.epoch, self.order = epoch, order.to(self.images.x.device)
        index = parallel.share(self.order[batch * self.batch_size : (batch + 1) * self.batch_size])
        self.position += 1
        x = to_float(self.images.x[index].to(self.device))
        return (x, self.images.y[index].to(self.device)) if self.labels else x


def to_float(x: Tensor) -> Tensor:
    """uint8 0...255 to float32 -1...1, in channels_last."""
    return x.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1)


def load(name: str | Path, split: str = "train", size: int = 32) -> Images:
    """Load a set of images, ``size`` pixels wide and high, on ``ganlib.device()``.

    Args:
        name: one of ``NAMES``, or a path: a folder of images, an .npz with ``images`` uint8 (N, H, W[, C]) and optional
            ``labels`` (N,), or an .npy of such images, which is memory-mapped and must have the size already.
        split: "train" or "test"; a path has no splits.
        size: 28-pixel digits and clothes get a border of 2 pixels; what still differs is resized with antialiasing.

    Raises:
        ValueError: an unknown name, split or format.
        FileNotFoundError: the set is neither bundled nor found nor downloaded; the sentence says where it looked.
    """
    require(split in ("train", "test"), f"split is {split!r}; it must be 'train' or 'test'")
    require(size >= 4, f"size is {size}; it must be at least 4 pixels")
    name = str(name)
    if name == "color-mnist":
        return _color_mnist(split, size)
    if name in NAMES:
        arrays = find(name, split, size)
    elif Path(name).exists():
        arrays = open_file(Path(name), size)
    else:
        raise ValueError(f"name is {name!r}; it must be a path that exists or one of {', '.join(NAMES)}")
    return _images(arrays, name, size)


def _images(arrays: Arrays, name: str, size: int) -> Images:
    """Check, resize and put on the device what was found under a name."""
    x = _checked(arrays["images"], name)
    if isinstance(arrays["images"], np.memmap):
        rule = f"memory-mapped images are not resized: pass size={x.shape[2]}"
        require(tuple(x.shape[2:]) == (size, size), f"size is {size}, but {name} holds {tuple(x.shape[2:])}; {rule}")
        return Images(x, None, name, home=device())
    x = _resize(x, size, border=name in ("mnist5k", "mnist", "fashion10k", "fashion-mnist")).to(device())
    y = torch.from_numpy(arrays["labels"].astype(np.int64)).to(device()) if "labels" in arrays else None
    return Images(x, y, name, NAMES.get(name, ()), tuple(map(str, arrays.get("captions", ()))))


def _checked(images: np.ndarray, name: str) -> Tensor:
    """uint8 (N, H, W) or (N, H, W, C) as a tensor (N, C, H, W)."""
    rule = "it must be uint8 (N, H, W) or (N, H, W, C) with C = 1 or 3"
    ok = images.dtype == np.uint8 and (images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3)))
    require(ok and len(images) > 0, f"images of {name} is {images.dtype} {images.shape}; {rule}")
    # copy-on-write maps are writable for torch and never touch the file
    x = torch.as_tensor(images, device="cpu")
    return x[:, None] if images.ndim == 3 else x.permute(0, 3, 1, 2)


def _resize(x: Tensor, size: int, border: bool) -> Tensor:
    """Cut the largest centred square out of images (N, C, H, W) uint8 and resize it."""
    if border and size != 28:
        x = pad(x, (2, 2, 2, 2))
    height, width = x.shape[2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    x = x[:, :, top : top + side, left : left + side]
    if tuple(x.shape[2:]) == (size, size):
        return x
    chunks = (interpolate(c.float(), (size, size), mode="bilinear", antialias=True) for c in x.split(1000))
    return torch.cat([c.round_().clamp_(0, 255).to(torch.uint8) for c in chunks])


def _color_mnist(split: str, size: int) -> Images:
    """Three random digits stacked into R, G and B (Sajjadi et al. 2018, section 4.1); the class is their number.

    Made from MNIST where it is at hand, else from mnist5k: five times as many triples as digits, at most 50,000.
    """
    full = look_up("mnist", split, size)
    digits = _images(full, "mnist", size) if full else load("mnist5k", split, size)
    generator = torch.Generator("cpu").manual_seed(("train", "test").index(split))
    n = min(5 * len(digits), 50_000)
    triples = torch.randint(len(digits), (n, 3), generator=generator, device="cpu").to(digits.x.device)
    x = torch.cat([digits.x[triples[:, i]] for i in range(3)], dim=1)
    y = (digits.y[triples] * torch.tensor([100, 10, 1], device=digits.x.device)).sum(1)
    return Images(x, y, "color-mnist", NAMES["color-mnist"])
