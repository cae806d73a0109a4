"""Sets of data by their names, or from a path."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ganlib.budget import device
from ganlib.checks import require, whole
from ganlib.data.domains import Domains
from ganlib.data.images import Images
from ganlib.data.measured import MeasuredImages, measurement
from ganlib.data.published import Arrays, find, look_up, open_file
from ganlib.data.sequences import Sequences, discrete_digits, text_file, unicode_names
from ganlib.data.texts import words
from ganlib.data.translations import (
    ATTRIBUTES,
    edges,
    from_one,
    outlines,
    painted_digits,
    quarter_turned,
    sevens_and_boots,
)
from ganlib.data.voxels import KINDS, Voxels, chairs, furniture, scene, silhouettes

DIGITS = tuple("0123456789")
FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# a narrow set of emoji: load("emoji", only=EMOJI_KINDS)
EMOJI_KINDS = ("heart", "circle", "square", "clock", "face", "moon", "arrow", "diamond", "book", "triangle")
# a richer set, for longer training: signs, hands, cats, flags, weather, faces and things as well
EMOJI_MORE = (
    *EMOJI_KINDS, "sign", "squared", "hand", "hands", "mark", "ball", "cat", "cloud", "star", "sun", "flag", "fire",
    "card", "glass", "monkey", "medal", "building", "car",
)  # fmt: skip
# withheld captions whose words were all seen, each in other captions: what a game puts together anew
EMOJI_COMPOSITIONS = (
    "green heart", "black heart", "large purple circle", "large purple square", "small orange diamond",
    "clock face three oclock", "up-pointing red triangle", "black left-pointing triangle",
)  # fmt: skip
# name -> class names; what is not bundled is looked up under $GANLIB_DATA, then data/, then downloaded
NAMES: dict[str, tuple[str, ...]] = {
    "mnist5k": DIGITS,
    "fashion10k": FASHION,
    "emoji": (),
    "chairs": ("chair", "table"),
    "furniture": KINDS,
    "silhouettes": tuple(f"{45 * k} degrees" for k in range(8)),
    "scene": (),
    "painted-digits": ATTRIBUTES,
    "edges-clothes": FASHION,
    "turned-digits": DIGITS,
    "sevens-boots": (),
    "outlines-emoji": (),
    "blocked-digits": (),
    "unicode-names": (),
    "discrete-digits": (),
    "color-mnist": tuple(f"{i:03d}" for i in range(1000)),
    "mnist": DIGITS,
    "fashion-mnist": FASHION,
    "cifar10": CIFAR10,
    "celeba": (),
    "lsun-church": (),
}


def kind_of(caption: str) -> int:
    """Which of ``EMOJI_KINDS`` a caption names: the first of these words in it, "clock" in "clock face"; -1 is none."""
    return next((EMOJI_KINDS.index(word) for word in words(caption) if word in EMOJI_KINDS), -1)


def load(
    name: str | Path, split: str = "train", size: int | None = None, only: Sequence[str] = ()
) -> Images | Voxels | Sequences | Domains | MeasuredImages:
    """Load a set of images or, for "chairs", of shapes, ``size`` pixels (voxels) wide and high, on ``ganlib.device()``.

    "painted-digits" have attributes; "edges-clothes", "turned-digits", "sevens-boots" and "outlines-emoji" are domains,
    unpaired to train and paired in their test split. "silhouettes" and "scene" are pictures of shapes; "furniture" has
    32 voxels a side and one split. "unicode-names" and "discrete-digits" are sequences of tokens, and so is a text
    file; they have no size.

    Args:
        name: one of ``NAMES``, or a path:
            a folder of pictures, whose subfolders, if all pictures lie in them, are their classes; it is grey if every
            picture is;
            an .npz with ``images`` uint8 (N, H, W[, C]) and optional ``labels`` (N,) or (N, A), ``captions``,
            ``classes`` and ``groups`` (see ``Images``);
            an .npy of such images, which is memory-mapped and must have the size already, with the optional labels in
            NAME_labels.npy beside it;
            a .txt, one sequence a line (see ``sequences.text_file``).
        split: "train" or "test"; a path has no splits and gives all.
        only: of pictures with captions, those whose caption holds one of these words, such as ``EMOJI_KINDS``.
        size: 32 by default, and 16 for shapes. 28-pixel digits and clothes get a border of 2 pixels; of other pictures
            the largest centred square is resized with antialiasing.

    Raises:
        ValueError: an unknown name, split or format, or a damaged file.
        FileNotFoundError: the set is neither bundled nor found nor downloaded; the sentence says where it looked.
    """
    require(split in ("train", "test"), f"split is {split!r}; it must be 'train' or 'test'")
    if only:
        data = load(name, split, size)
        require(
            getattr(data, "captions", ()) and isinstance(data, Images), f"only is given, but {name} has no captions"
        )
        return data.only(only)
    if name == "chairs":
        return chairs(split, 16 if size is None else size)
    if name == "furniture":
        require(size in (None, 32), f"size is {size}; furniture has 32 voxels a side")
        return furniture()
    if name == "silhouettes":
        return silhouettes(split, 16 if size is None else size)
    if name == "scene":
        return scene(split, 32 if size is None else size)
    if name == "unicode-names":
        return unicode_names(split)
    if name == "discrete-digits":
        return discrete_digits(load("mnist5k", split).x)
    size = whole("size", 32 if size is None else size, least=4)
    if name == "color-mnist":
        return _color_mnist(split, size)
    if name == "painted-digits":
        return painted_digits(load("mnist5k", split, size), split)
    if name == "edges-clothes":
        return from_one(load("fashion10k", split, size), split, edges, name, "edges", "clothes")
    if name == "turned-digits":
        return from_one(load("mnist5k", split, size), split, quarter_turned, name, "turned", "upright")
    if name == "sevens-boots":
        return sevens_and_boots(load("mnist5k", split, size), load("fashion10k", split, size), split)
    if name == "outlines-emoji":
        return outlines(load("emoji", split, size), split)
    if name == "blocked-digits":
        return MeasuredImages(load("mnist5k", split, size), measurement("block-pixels"))
    if name in NAMES:
        return _images(find(name, split, size), name, size)
    path = Path(name).expanduser()
    require(path.exists(), f"name is {str(name)!r}; it must be a path that exists or one of {', '.join(NAMES)}")
    return text_file(path) if path.suffix == ".txt" else _images(open_file(path, size), str(name), size, path)


def _images(arrays: Arrays, name: str, size: int, path: Path | None = None) -> Images:
    """Check, resize and put on the device what was found under a name or at a path."""
    x = _checked(arrays["images"], name)
    home = file = None
    if isinstance(arrays["images"], np.memmap):
        rule = f"memory-mapped images are not resized: pass size={x.shape[2]}"
        require(tuple(x.shape[2:]) == (size, size), f"size is {size}, but {name} holds {tuple(x.shape[2:])}; {rule}")
        home, file = device(), path
    else:
        x = _resize(x, size, border=name in ("mnist5k", "mnist", "fashion10k", "fashion-mnist")).to(device())
    y = arrays.get("labels")
    if y is not None:
        rule = "it must be classes (N,) or attributes (N, A)"
        column = y.ndim == 2 and y.shape[1] == 1 and "groups" not in arrays
        require(y.dtype.kind in "biuf" and not column, f"labels of {name} is {y.dtype} {y.shape}; {rule}")
        y = torch.as_tensor(y, device="cpu")
    classes = tuple(map(str, arrays["classes"])) if "classes" in arrays else NAMES.get(name, ()) if path is None else ()
    captions, groups = tuple(map(str, arrays.get("captions", ()))), tuple(map(int, arrays.get("groups", ())))
    try:
        return Images(x, y, name, classes, captions, groups, home, file)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _checked(images: np.ndarray, name: str) -> Tensor:
    """uint8 (N, H, W) or (N, H, W, C) as a tensor (N, C, H, W)."""
    rule = "it must be uint8 (N, H, W) or (N, H, W, C)"
    ok = images.dtype == np.uint8 and images.ndim in (3, 4) and images.size > 0
    if ok and images.ndim == 4:  # more channels than pixels in a row: the channels stand in another place
        ok = images.shape[3] <= max(3, min(images.shape[1:3]))
    require(ok, f"images of {name} is {images.dtype} {images.shape}; {rule}")
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
