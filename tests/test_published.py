"""Files as others make them: pixels of every mode, what lies in folders, and what lies in a data file's place."""

import gzip
import struct

import numpy as np
import pytest
import torch
from PIL import Image

import ganlib as gl
from ganlib.data import identity, published

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
PAGE = b"\n<!DOCTYPE html><html><body>403 Forbidden</body></html>"


@pytest.fixture(autouse=True)
def no_found_data(monkeypatch, tmp_path):
    monkeypatch.setenv("GANLIB_DATA", str(tmp_path / "found"))
    monkeypatch.setenv("GANLIB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "found").mkdir()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def loaded(folder):
    return gl.load(folder, size=16).x[0].permute(1, 2, 0).numpy()


GREY = PIXELS[..., 0]


def test_sixteen_bits_become_eight(folder):
    deep = (GREY.astype(np.uint16) * 257)[..., None]  # 8 bits, spread over 16
    Image.fromarray(deep[..., 0]).save(folder / "a.png")
    assert np.array_equal(loaded(folder), GREY[..., None])
    Image.fromarray(np.full((16, 16), 65535, np.uint16)).save(folder / "a.png")
    assert (loaded(folder) == 255).all()


def test_transparent_pictures_lie_on_white(folder):
    alpha = np.repeat(np.array([0, 51, 255, 255], np.uint8), 4)[:, None].repeat(16, 1)
    wanted = np.round(PIXELS * (alpha[..., None] / 255) + 255 * (1 - alpha[..., None] / 255))
    Image.fromarray(np.dstack([PIXELS, alpha])).save(folder / "a.png")
    found = loaded(folder)
    assert found.shape == (16, 16, 3) and np.abs(found - wanted).max() <= 1
    assert (found[:4] == 255).all()  # whatever colour the invisible pixels have
    Image.fromarray(np.dstack([GREY, alpha]), "LA").save(folder / "a.png")
    found = loaded(folder)
    assert found.shape == (16, 16, 1) and np.abs(found[..., 0] - wanted[..., 0]).max() <= 1
    coloured = Image.fromarray(PIXELS)
    coloured.save(folder / "a.png", transparency=tuple(int(v) for v in PIXELS[3, 5]))  # one colour is declared clear
    found = loaded(folder)
    assert (found[3, 5] == 255).all() and np.array_equal(found[4], PIXELS[4])


def test_palettes(folder):
    indexed = Image.fromarray(PIXELS).quantize(16)
    indexed.save(folder / "a.png")
    assert np.array_equal(loaded(folder), np.asarray(indexed.convert("RGB")))
    indexed.save(folder / "a.png", transparency=3)
    clear = np.asarray(indexed) == 3
    found = loaded(folder)
    assert clear.any() and (found[clear] == 255).all()
    assert np.array_equal(found[~clear], np.asarray(indexed.convert("RGB"))[~clear])
    greys = Image.new("P", (16, 16))
    greys.putdata((GREY // 16).flatten().tolist())
    greys.putpalette([value for i in range(16) for value in (17 * i,) * 3])
    greys.save(folder / "a.png")
    assert np.array_equal(loaded(folder), (GREY // 16 * 17)[..., None])


def test_one_bit_cmyk_and_turned_pictures(folder):
    Image.fromarray(GREY > 127).save(folder / "a.png")
    assert np.array_equal(loaded(folder)[..., 0], (GREY > 127) * np.uint8(255))
    (folder / "a.png").unlink()
    shades = np.zeros((16, 16, 3), np.uint8)
    shades[:8] = (200, 40, 90)
    cmyk = Image.fromarray(shades).convert("CMYK")
    cmyk.save(folder / "a.jpg", quality=100)
    assert np.abs(loaded(folder).astype(int) - shades).max() < 12
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera stood on its side: show it turned clockwise
    Image.fromarray(shades).save(folder / "a.jpg", quality=100, subsampling=0, exif=exif)
    assert np.abs(loaded(folder).astype(int) - np.rot90(shades, -1)).max() < 12


def test_pixels_without_a_meaning_are_refused_by_name_and_mode(folder):
    for mode, values in (("F", GREY.astype(np.float32)), ("I", GREY.astype(np.int32))):
        Image.fromarray(values).save(folder / "deep.tif")
        with pytest.raises(ValueError, match=f"deep.tif has mode {mode}, which cannot be shown"):
            gl.load(folder)


def test_a_folder_is_grey_where_every_picture_is(folder):
    Image.fromarray(GREY).save(folder / "a.png")
    Image.fromarray(GREY).save(folder / "b.jpg")
    assert gl.load(folder, size=16).shape == (1, 16, 16)
    Image.fromarray(PIXELS).save(folder / "c.png")
    mixed = gl.load(folder, size=16)
    assert mixed.shape == (3, 16, 16) and torch.equal(mixed.x[0], mixed.x[0, :1].expand(3, 16, 16))


def test_what_is_passed_over_and_what_is_followed(folder, tmp_path):
    Image.fromarray(PIXELS).save(folder / "a.png")
    (folder / "._a.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    for junk in ("__MACOSX", ".thumbnails"):
        (folder / junk).mkdir()
        Image.fromarray(PIXELS).save(folder / junk / "a.png")
    assert len(gl.load(folder)) == 1
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    Image.fromarray(PIXELS).save(elsewhere / "b.png")
    (folder / "linked").symlink_to(elsewhere, target_is_directory=True)
    (folder / "again").symlink_to(folder, target_is_directory=True)  # a circle
    assert len(gl.load(folder)) == 2


def test_subfolders_are_classes(folder):
    for name in ("dog/1.png", "cat/1.png", "cat/small/2.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS).save(folder / name)
    images = gl.load(folder, size=16)
    assert images.classes == ("cat", "dog") and images.y.tolist() == [0, 0, 1]
    Image.fromarray(PIXELS).save(folder / "stray.png")
    assert gl.load(folder).y is None and gl.load(folder).classes == ()
    (folder / "stray.png").unlink()
    (folder / "cat").rename(folder / "train")
    (folder / "dog").rename(folder / "test")
    assert gl.load(folder).y is None  # parts of a set are no classes


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "is damaged: image file is truncated"),
        (b"", "is no picture: it is empty"),
        (POINTER, "is no picture: it is a Git LFS pointer"),
        (PAGE, "is no picture: it is a web page"),
        (b"nothing of the kind", "is damaged: it is no picture"),
    ],
)
def test_one_wrong_picture_among_many_is_named(folder, content, reason):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        Image.fromarray(PIXELS).resize((64, 64)).save(folder / name)
    (folder / "b.jpg").write_bytes((folder / "a.jpg").read_bytes()[:-300] if content is None else content)
    with pytest.raises(ValueError, match=f"b.jpg {reason}") as error:
        gl.load(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name, kind", [("x.npz", "an .npz file"), ("x.npy", "an .npy file")])
@pytest.mark.parametrize(
    "content, reason", [(b"", "it is empty"), (POINTER, "it is a Git LFS pointer"), (PAGE, "it is a web page")]
)
def test_something_else_in_an_arrays_place(tmp_path, name, kind, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} is not {kind}: {reason}"):
        gl.load(tmp_path / name)


def test_damaged_arrays_are_named(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 8, 8), dtype=np.uint8)
    np.savez_compressed(tmp_path / "x.npz", images=images, labels=np.arange(4))
    np.save(tmp_path / "x.npy", images)
    for name in ("x.npz", "x.npy"):
        raw = (tmp_path / name).read_bytes()
        for _ in range(60):
            bad = bytearray(raw)
            for _ in range(3):
                bad[rng.integers(len(bad))] = rng.integers(256)
            (tmp_path / name).write_bytes(bad[: rng.integers(len(bad) // 2, len(bad) + 1)])
            try:
                assert len(gl.load(tmp_path / name, size=8)) > 0  # harmless, or
            except ValueError as error:
                assert name in str(error) and "\n" not in str(error)


def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


@pytest.mark.parametrize(
    "content, reason",
    [
        (gzip.compress(idx(np.zeros((5, 28, 28), np.uint8)))[:-20], "gz is damaged: "),
        (PAGE, "gz is not a gzip file: it is a web page"),
        (gzip.compress(POINTER), "gz is not an idx file of images: it is a Git LFS pointer"),
        (gzip.compress(idx(np.zeros(5, np.uint8))), "gz is not an idx file of images"),
        (gzip.compress(b"\0\0\x08\x03\0"), "gz is not an idx file of images"),
    ],
)
def test_a_wrong_idx_file_is_named(tmp_path, content, reason):
    raw = tmp_path / "found" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(ValueError, match=f"train-images-idx3-ubyte.{reason}"):
        gl.load("mnist")


def test_a_home_is_a_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 8, 8), np.uint8))
    assert len(gl.load("~/x.npz", size=8)) == 4
    (tmp_path / "sets").mkdir()
    np.savez(tmp_path / "sets" / "mnist_train.npz", images=np.zeros((4, 28, 28), np.uint8))
    monkeypatch.setenv("GANLIB_DATA", "~/sets")
    assert len(gl.load("mnist")) == 4


def test_a_name_is_not_taken_by_a_file(tmp_path, monkeypatch):
    wanted = gl.load("mnist5k").fingerprint()
    np.savez(tmp_path / "found" / "mnist5k_train.npz", images=np.zeros((4, 28, 28), np.uint8))
    (tmp_path / "mnist5k").mkdir()
    Image.fromarray(PIXELS).save(tmp_path / "mnist5k" / "a.png")
    monkeypatch.chdir(tmp_path)
    assert gl.load("mnist5k").fingerprint() == wanted
    assert len(gl.load("./mnist5k")) == 1 and len(gl.load(tmp_path / "mnist5k")) == 1


def test_labels_of_arrays(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8)
    np.save(tmp_path / "x.npy", images)
    assert gl.load(tmp_path / "x.npy", size=8).y is None
    np.save(tmp_path / "x_labels.npy", np.array([3, 0, 2, 1], np.uint8))
    mapped = gl.load(tmp_path / "x.npy", size=8)
    assert mapped.y.tolist() == [3, 0, 2, 1]
    x, y = next(mapped.batches(2, labels=True))
    assert all(torch.equal(gl.data.to_float(mapped.x[mapped.y == label])[0], image) for image, label in zip(x, y))

    attributes = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 0], [1, 0, 0]])
    np.savez(tmp_path / "x.npz", images=images, labels=attributes, classes=["black", "blond", "young"], groups=[2, 1])
    found = gl.load(tmp_path / "x.npz", size=8)
    assert found.y.tolist() == attributes.tolist() and found.groups == (2, 1)
    assert found.classes == ("black", "blond", "young")
    for labels, sentence in (
        (np.zeros((4, 1), int), r"labels of .*x.npz is int64 \(4, 1\); it must be classes \(N,\) or attributes"),
        (np.eye(4), r"x.npz: y has shape \(4, 4\) with one 1 in each row; give classes"),
        (np.array([0, 1, np.nan, 2]), r"x.npz: y has shape \(4,\) and holds nan"),
        (np.array(list("abcd")), r"labels of .*x.npz is <U1 \(4,\); it must be"),
    ):
        np.savez(tmp_path / "x.npz", images=images, labels=labels)
        with pytest.raises(ValueError, match=sentence):
            gl.load(tmp_path / "x.npz", size=8)
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 3, 32, 32), np.uint8))
    with pytest.raises(ValueError, match=r"is uint8 \(4, 3, 32, 32\); it must be uint8 \(N, H, W\) or \(N, H, W, C\)"):
        gl.load(tmp_path / "x.npz")


def test_a_mapped_file_is_hashed_once(tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    np.save(tmp_path / "x.npy", images)
    np.savez(tmp_path / "x.npz", images=images)
    wanted = gl.load(tmp_path / "x.npz", size=8).fingerprint()
    mapped = gl.load(tmp_path / "x.npy", size=8)
    assert mapped.fingerprint() == wanted  # the same content, whatever the file
    assert mapped.take(5).fingerprint() == gl.load(tmp_path / "x.npz", size=8).take(5).fingerprint() != wanted
    assert mapped.subset(slice(5, 10)).fingerprint() != mapped.take(5).fingerprint()  # as many, but others
    with monkeypatch.context() as patch:
        hashed = identity._hash
        patch.setattr(
            identity, "_hash", lambda tensor: hashed(tensor) if tensor is None else pytest.fail("hashed again")
        )
        assert gl.load(tmp_path / "x.npy", size=8).fingerprint() == wanted
    np.save(tmp_path / "x.npy", images[::-1])
    assert gl.load(tmp_path / "x.npy", size=8).fingerprint() != wanted
    monkeypatch.setenv("GANLIB_CACHE", "/dev/null/nowhere")  # without a cache it costs time, not the result
    assert gl.load(tmp_path / "x.npy", size=8).fingerprint() != wanted


def test_every_suffix_is_one_that_pillow_knows():
    assert set(published.SUFFIXES) <= set(Image.registered_extensions())
