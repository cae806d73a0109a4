"""Files of images as others publish them, read as arrays: where a named set lies, and how each format is read.

A reader gives ``images`` uint8 (N, H, W[, C]) and, where the set has them, ``labels`` (N,) and ``captions``.
"""

import gzip
import io
import os
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganlib.checks import require

Arrays = dict[str, np.ndarray]
BUNDLED = Path(__file__).resolve().parents[2] / "data"


def roots() -> list[Path]:
    return [Path(p) for p in (os.environ.get("GANLIB_DATA"), BUNDLED) if p]


def look_up(name: str, split: str, size: int) -> Arrays | None:
    """Look a named set up under every root, as NAME_SPLIT.npz or as its published files."""
    for root in roots():
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
            if path.exists():
                raw = path.read_bytes()
            elif path.with_name(path.name + ".gz").exists():
                raw = gzip.decompress(path.with_name(path.name + ".gz").read_bytes())
            else:
                return None
            shape = np.frombuffer(raw[4:header], ">i4")
            ok = len(raw) - header == shape.prod()
            require(ok, f"{path} holds {len(raw) - header} bytes of data; its header says {shape.prod()}")
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

    with lmdb.open(str(folder), readonly=True, lock=False) as database, database.begin() as transaction:
        return {"images": decode([io.BytesIO(value) for _, value in transaction.cursor()], size)}


PUBLISHED = {
    "mnist": idx("MNIST/raw"),
    "fashion-mnist": idx("FashionMNIST/raw"),
    "cifar10": cifar10,
    "celeba": celeba,
    "lsun-church": lsun_church,
}
TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10", "celeba": "CelebA"}


def open_file(path: Path, size: int) -> Arrays:
    """Read a folder of images, an .npz or an .npy. Pickled arrays are refused, so no code of the file runs."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".bmp"))
        require(files, f"{path} holds no images (.png, .jpg, .jpeg, .webp, .bmp)")
        return {"images": decode(files, size)}
    if path.suffix == ".npy":
        return {"images": np.load(path, mmap_mode="c", allow_pickle=False)}
    require(path.suffix == ".npz", f"{path} is neither a folder of images nor an .npz or .npy file")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            require("images" in arrays, f"{path} has no array 'images'; it has {', '.join(arrays) or 'none'}")
            return dict(arrays)
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def decode(files: Sequence[Path | io.BytesIO], side: int) -> np.ndarray:
    """Decode image files to uint8 (N, side, side, 3): the largest centred square, resized with antialiasing."""
    images = np.empty((len(files), side, side, 3), np.uint8)
    for i, file in enumerate(files):
        with Image.open(file) as image:
            image = image.convert("RGB")
        crop = min(image.size)
        left, top = (image.width - crop) // 2, (image.height - crop) // 2
        box = (left, top, left + crop, top + crop)
        images[i] = np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))
    return images
