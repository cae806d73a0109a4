"""Files of images as others publish them, read as arrays: where a named set lies, and how each format is read.

A reader gives ``images`` uint8 (N, H, W[, C]) and, where the set has them, ``labels`` (N,) or (N, A), ``captions``,
``classes`` and ``groups``. What lies in a file's place and is something else, or damaged, is named as what it is.
"""

import gzip
import io
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ganlib.checks import require

Arrays = dict[str, np.ndarray]
HERE = Path(__file__).resolve()
# beside the package in a checkout; within it where a wheel was installed
BUNDLED = HERE.parents[1] / "shipped" if (HERE.parents[1] / "shipped").is_dir() else HERE.parents[2] / "data"
SHIPPED = ("mnist5k", "fashion10k", "emoji")
KEYS = ("images", "labels", "captions", "classes", "groups")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation"}  # of a set: no classes


def roots() -> list[Path]:
    return [Path(p).expanduser() for p in (os.environ.get("GANLIB_DATA"), BUNDLED) if p]


def look_up(name: str, split: str, size: int) -> Arrays | None:
    """Look a named set up under every root, as NAME_SPLIT.npz or as its published files."""
    # a file elsewhere that has the name of a bundled set must not take its place
    for root in roots()[::-1] if name in SHIPPED else roots():
        path = root / f"{name}_{split}.npz"
        if path.exists():
            return open_file(path, size)
        arrays = PUBLISHED[name](root, split, size) if name in PUBLISHED else None
        if arrays is not None:
            return arrays
    return None


def find(name: str, split: str, size: int) -> Arrays:
    """Look a named set up; where it is not at hand, download it."""
    arrays = look_up(name, split, size)
    if arrays is None and name in TORCHVISION:
        from torchvision import datasets  # slow to import, and needed here only

        try:
            getattr(datasets, TORCHVISION[name])(roots()[0], download=True)
            arrays = look_up(name, split, size)
        except (OSError, RuntimeError, ImportError):
            pass  # no network, no room, or no way to download this set: say below what to do
    if arrays is None:
        looked = " nor in ".join(str(root.resolve()) for root in roots())
        files = f"the published files, or {name}_train.npz and {name}_test.npz (images uint8 N x H x W[ x 3], labels)"
        raise FileNotFoundError(f"{name} is not in {looked}, and could not be downloaded: put there {files}")
    return arrays


def idx(folder: str) -> Callable[[Path, str, int], Arrays | None]:
    """A reader of MNIST's idx files, gzipped or not, in ROOT/folder: a header of 4 bytes per number, then the bytes."""

    def read(root: Path, split: str, size: int) -> Arrays | None:
        arrays = {}
        for key, kind, header in (("images", "images-idx3", 16), ("labels", "labels-idx1", 8)):
            path = root / folder / f"{'train' if split == 'train' else 't10k'}-{kind}-ubyte"
            zipped = path.with_name(path.name + ".gz")
            if path.exists():
                raw = path.read_bytes()
            elif zipped.exists():
                path = zipped
                recognise(path, b"\x1f\x8b", "a gzip file")
                with damaged(path):
                    raw = gzip.decompress(path.read_bytes())
            else:
                return None
            magic = bytes((0, 0, 8, header // 4 - 1))  # uint8, with so many axes
            ok = raw.startswith(magic) and len(raw) >= header
            require(ok, f"{path} is not an idx file of {key}{nature(raw[:512])}")
            shape = np.frombuffer(raw[4:header], ">u4").tolist()
            size, count = len(raw) - header, math.prod(shape)
            require(size == count, f"{path} holds {size} bytes of data; its header says {count}")
            arrays[key] = np.frombuffer(raw, np.uint8, offset=header).reshape(shape).copy()
        return arrays

    return read


def cifar10(root: Path, split: str, size: int) -> Arrays | None:
    if not (root / "cifar-10-batches-py").is_dir():
        return None
    from torchvision.datasets import CIFAR10

    # the published files are pickles; torchvision opens them only after their checksums were right
    try:
        data = CIFAR10(root, train=split == "train")
    except RuntimeError:  # files are missing or damaged, as a download that was stopped leaves them
        return None
    return {"images": data.data, "labels": np.array(data.targets)}


def celeba(root: Path, split: str, size: int) -> Arrays | None:
    folder = root / "celeba" / "img_align_celeba"
    if not folder.is_dir():
        return None
    # the published partition goes by number: 162,770 for training, 19,867 for validation, the rest for testing
    wanted = range(1, 162_771) if split == "train" else range(182_638, 202_600)
    files = [folder / f"{i:06d}.jpg" for i in wanted if (folder / f"{i:06d}.jpg").exists()]
    require(files, f"{folder} holds no images of the {split} split")
    return {"images": decode(files, size)}


def lsun_church(root: Path, split: str, size: int) -> Arrays | None:
    folder = root / f"church_outdoor_{'train' if split == 'train' else 'val'}_lmdb"
    if not folder.is_dir():
        return None
    import lmdb

    with (
        damaged(folder),
        lmdb.open(str(folder), readonly=True, lock=False) as database,
        database.begin() as transaction,
    ):
        files = [(f"{folder}, picture {bytes(key)!r}", bytes(value)) for key, value in transaction.cursor()]
    return {"images": decode(files, size)}


PUBLISHED = {
    "mnist": idx("MNIST/raw"),
    "fashion-mnist": idx("FashionMNIST/raw"),
    "cifar10": cifar10,
    "celeba": celeba,
    "lsun-church": lsun_church,
}
TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10", "celeba": "CelebA"}


def open_file(path: Path, size: int) -> Arrays:
    """Read a folder of pictures, an .npz or an .npy. Pickled arrays are refused, so no code of the file runs.

    Raises:
        ValueError: what lies there is another kind of file, or damaged; the sentence names the file.
    """
    if path.is_dir():
        return pictures_under(path, size)
    if path.suffix == ".npy":
        arrays = {"images": array(path)}
        labels = path.with_name(f"{path.stem}_labels.npy")
        return arrays | {"labels": np.asarray(array(labels))} if labels.exists() else arrays
    require(path.suffix == ".npz", f"{path} is neither a folder of images nor an .npz or .npy file")
    recognise(path, b"PK", "an .npz file")
    with damaged(path), np.load(path, allow_pickle=False) as file:
        names = file.files
        arrays = {key: file[key] for key in KEYS if key in names}
    require("images" in arrays, f"{path} has no array 'images'; it has {', '.join(names) or 'none'}")
    return arrays


def array(path: Path) -> np.ndarray:
    """An .npy file, mapped into memory: what is changed there does not reach the file."""
    recognise(path, b"\x93NUMPY", "an .npy file")
    with damaged(path):
        return np.load(path, mmap_mode="c", allow_pickle=False)


@contextmanager
def damaged(what: Path | str) -> Iterator[None]:
    """Whatever goes wrong inside, with a file that is there and may be read, is a damaged file: ``ValueError``."""
    try:
        yield
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:  # zip, zlib, lzma, numpy and each of Pillow's decoders fail in ways of their own
        reason = str(error) or type(error).__name__
        if "allow_pickle" in reason:
            reason = "it holds pickled objects, which are not opened (allow_pickle=False)"
        if isinstance(error, UnidentifiedImageError):
            reason = "it is no picture"
        raise ValueError(f"{what} is damaged: {reason}") from error


def recognise(path: Path, magic: bytes, kind: str) -> None:
    """Raise ``ValueError`` unless a file begins as its kind does; say what it is instead, where that is known."""
    with open(path, "rb") as file:
        start = file.read(512)
    if not start.startswith(magic):
        raise ValueError(f"{path} is not {kind}{nature(start)}")


def nature(start: bytes) -> str:
    """What often lies in the place of a data file, from its first bytes."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return ": it is empty"
    if text.startswith(b"version https://git-lfs"):
        return ": it is a Git LFS pointer, in the place of the file that `git lfs pull` brings"
    if text.startswith((b"<!doctype html", b"<html", b"<head")):
        return ": it is a web page, as a download that was refused leaves behind"
    return ""


def pictures_under(root: Path, size: int) -> Arrays:
    """The pictures under a folder, linked folders included, in the order of their paths.

    Names that begin with a dot, and __MACOSX, are passed over. Where every picture lies in a subfolder, and there are
    two or more of them, they are the classes, unless they are called train, test or the like.
    """
    files, seen = [], set()
    for place, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else [f for f in folders if not f.startswith(".") and f != "__MACOSX"]
        if real not in seen:  # a link may lead to a folder above it
            files += [Path(place, n) for n in names if not n.startswith(".") and n.lower().endswith(SUFFIXES)]
        seen.add(real)
    require(files, f"{root} holds no images ({', '.join(SUFFIXES)})")
    files.sort()
    arrays = {"images": decode(files, size, channels=None)}
    tops = [file.relative_to(root).parts for file in files]
    classes = sorted({parts[0] for parts in tops})
    nested = all(len(parts) > 1 for parts in tops)
    if nested and len(classes) > 1 and not {c.lower() for c in classes} <= PARTS:
        arrays["labels"] = np.array([classes.index(parts[0]) for parts in tops])
        arrays["classes"] = np.array(classes)
    return arrays


def decode(files: Sequence[Path | tuple[str, bytes]], side: int, channels: int | None = 3) -> np.ndarray:
    """Decode picture files to uint8 (N, side, side, C): the largest centred square, resized with antialiasing.

    Args:
        files: their paths, or pairs of a name and the file's bytes.
        side: pixels wide and high.
        channels: 3, or None: 1 where every picture is grey, else 3.

    Raises:
        ValueError: a file that is damaged or no picture, or whose pixels have no plain meaning; it is named.
    """
    images, grey = np.empty((len(files), side, side, 3), np.uint8), channels is None
    for i, file in enumerate(files):
        name, content = (file, file.read_bytes()) if isinstance(file, Path) else file
        require(not nature(content), f"{name} is no picture{nature(content)}")
        with damaged(name), Image.open(io.BytesIO(content)) as opened:
            opened.load()
            image = ImageOps.exif_transpose(opened)  # as the camera was held
            image.format = opened.format
        image = plain(image, name)
        crop = min(image.size)
        left, top = (image.width - crop) // 2, (image.height - crop) // 2
        box = (left, top, left + crop, top + crop)
        grey = grey and image.mode == "L"
        images[i] = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box).convert("RGB"))
    return images[..., :1].copy() if grey else images


def plain(image: Image.Image, name: Path | str) -> Image.Image:
    """A picture in any of Pillow's modes as 8-bit grey ("L") or colour ("RGB"), on white where it is transparent.

    16 bits become 8 by division. Floats, and whole numbers of 32 bits, have no agreed range and are refused.
    """
    mode, transparent = image.mode, "transparency" in image.info
    if mode.startswith("I;16") or (mode == "I" and image.format == "PNG"):  # 16 bits are either, by Pillow's version
        return Image.fromarray((np.asarray(image) / 257).round().clip(0, 255).astype(np.uint8))
    known = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "CMYK", "YCbCr", "HSV")
    rule = "save it with 8 or 16 bits, grey or RGB"
    require(mode in known, f"{name} has mode {mode}, which cannot be shown as it was meant; {rule}")
    if transparent or mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        image = image.convert({"La": "LA"}.get(mode, mode)).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
    red, green, blue = image.split()
    grey = mode in ("1", "L", "LA", "La")
    if mode in ("P", "PA"):  # a palette of greys is grey
        grey = red.tobytes() == green.tobytes() == blue.tobytes()
    return red if grey else image
