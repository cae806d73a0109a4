"""Bundled sets, look-ups, batches as a pure function of position, and what is refused."""

import gzip
import io
import struct

import lmdb
import numpy as np
import pytest
import torch
from PIL import Image

import ganlib as gl
from ganlib import data


@pytest.fixture(autouse=True)
def no_found_data(monkeypatch, tmp_path):
    monkeypatch.setenv("GANLIB_DATA", str(tmp_path / "found"))
    (tmp_path / "found").mkdir()


@pytest.mark.parametrize(
    "name, train, test, shape", [("mnist5k", 4000, 1000, (1, 32, 32)), ("fashion10k", 8000, 2000, (1, 32, 32))]
)
def test_bundled_sets_are_stratified_and_disjoint(name, train, test, shape):
    a, b = gl.load(name), gl.load(name, split="test")
    assert (len(a), len(b)) == (train, test) and a.shape == b.shape == shape and a.x.dtype == torch.uint8
    assert a.y.bincount().tolist() == [train // 10] * 10 and b.y.bincount().tolist() == [test // 10] * 10
    assert len(a.classes) == 10 and a.name == name
    pictures = [image.numpy().tobytes() for image in torch.cat([a.x, b.x])]
    assert len(set(pictures)) == train + test


def test_emoji_keep_their_names():
    emoji = gl.load("emoji", size=64)
    assert emoji.shape == (3, 64, 64) and len(emoji.captions) == len(emoji) and emoji.y is None
    assert (emoji.x[:, :, 0, 0] == 255).all(dim=1).float().mean() > 0.95  # on white
    assert "helicopter" in emoji.captions and emoji.take(2).captions == emoji.captions[:2]


def test_digits_keep_their_pixels_inside_a_border():
    small, big = gl.load("mnist5k", size=28), gl.load("mnist5k")
    assert torch.equal(big.x[:, :, 2:-2, 2:-2], small.x)
    assert int(big.x.sum(dtype=torch.int64)) == int(small.x.sum(dtype=torch.int64))
    half = gl.load("mnist5k", size=16).x.float().mean()  # resizing keeps the ink
    assert half.item() == pytest.approx(big.x.float().mean().item(), rel=0.02)


def test_color_mnist_stacks_three_digits_reproducibly():
    color, digits = gl.load("color-mnist", size=28), gl.load("mnist5k", size=28)
    assert len(color) == 20_000 and color.shape == (3, 28, 28) and len(color.classes) == 1000
    by_picture = {image.numpy().tobytes(): int(label) for image, label in zip(digits.x[:, 0], digits.y)}
    for image, label in zip(color.x[:50], color.y[:50]):
        r, g, b = (by_picture[channel.contiguous().numpy().tobytes()] for channel in image)
        assert label == 100 * r + 10 * g + b and color.classes[label] == f"{r}{g}{b}"
    assert torch.equal(color.x, gl.load("color-mnist", size=28).x)
    assert len(color.y.unique()) == 1000


def test_batches_cover_each_epoch_once_and_reshuffle():
    images = gl.Images(torch.arange(12, dtype=torch.uint8).view(12, 1, 1, 1), torch.arange(12), "twelve")
    batches = images.batches(4, seed=1, labels=True)
    epochs = [torch.cat([next(batches)[1] for _ in range(3)]) for _ in range(3)]
    assert all(torch.equal(epoch.sort().values, torch.arange(12)) for epoch in epochs)
    assert not torch.equal(epochs[0], epochs[1])
    x, y = next(batches)
    torch.testing.assert_close(x.flatten(), y / 127.5 - 1)  # pictures and labels stay together
    assert batches.position == 10
    assert not torch.equal(next(images.batches(4, seed=2)), next(images.batches(4, seed=1)))


def test_batches_are_a_pure_function_of_position():
    images = gl.load("mnist5k").take(50)
    straight = images.batches(16, seed=4)
    wanted = [next(straight) for _ in range(10)]
    for start in range(10):
        torch.manual_seed(start)  # the global state must not matter
        assert torch.equal(next(images.batches(16, seed=4, start=start)), wanted[start])


def test_batches_have_the_range_and_layout_of_the_game():
    x = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    x[:, 1], x[:, 2] = 255, 51
    batch = next(gl.Images(x, None, "three").batches(4))
    assert batch.dtype == torch.float32 and batch.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(batch[0, :, 0, 0], torch.tensor([-1.0, 1.0, -0.6]))
    assert batch.min() == -1 and batch.max() == 1


def idx(array, kind):
    header = struct.pack(">BBBB", 0, 0, 8, kind) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@pytest.mark.parametrize("name, folder", [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files_are_found(tmp_path, name, folder, zipped):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    labels = np.array([3, 1, 4, 1, 5], np.uint8)
    raw = tmp_path / "found" / folder / "raw"
    raw.mkdir(parents=True)
    for file, content in (("t10k-images-idx3-ubyte", idx(pixels, 3)), ("t10k-labels-idx1-ubyte", idx(labels, 1))):
        (raw / (file + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)
    found = gl.load(name, split="test", size=28)
    assert np.array_equal(found.x[:, 0].numpy(), pixels) and found.y.tolist() == [3, 1, 4, 1, 5]


def test_a_cut_idx_file_is_named(tmp_path):
    raw = tmp_path / "found" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(idx(np.zeros((5, 28, 28), np.uint8), 3)[:-100])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte holds 3820 bytes of data; its header says 3920"):
        gl.load("mnist")


def test_color_mnist_prefers_the_full_set(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "found" / "mnist_train.npz", images=pixels, labels=np.arange(6, dtype=np.uint8))
    color = gl.load("color-mnist", size=28)  # five triples for each of the six digits, not of the bundled 4,000
    assert color.name == "color-mnist" and len(color) == 30


def test_npz_npy_and_folder(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "some.npz", images=pixels, labels=np.array([0, 1, 2, 1]))
    some = gl.load(tmp_path / "some.npz", size=8)
    assert np.array_equal(some.x.permute(0, 2, 3, 1).numpy(), pixels) and some.y.tolist() == [0, 1, 2, 1]

    np.save(tmp_path / "mapped.npy", pixels)
    mapped = gl.load(tmp_path / "mapped.npy", size=8)
    assert torch.equal(mapped.x, some.x)
    assert torch.equal(next(mapped.batches(4, seed=1)), next(some.batches(4, seed=1)))
    with torch.device("meta"):
        elsewhere = gl.load(tmp_path / "mapped.npy", size=8)
    assert elsewhere.x.device.type == "cpu" and next(elsewhere.batches(2)).device.type == "meta"
    with pytest.raises(ValueError, match="memory-mapped images are not resized: pass size=8"):
        gl.load(tmp_path / "mapped.npy")

    folder = tmp_path / "pictures"
    folder.mkdir()
    wide = np.zeros((8, 16, 3), np.uint8)
    wide[:, 4:12] = pixels[0]  # the centred square of a wide picture
    Image.fromarray(wide).save(folder / "a.png")
    Image.fromarray(pixels[1]).save(folder / "b.png")
    found = gl.load(folder, size=8)
    assert torch.equal(found.x, some.x[:2])


def test_cifar10_as_npz_and_lsun_as_lmdb(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "found" / "cifar10_test.npz", images=pixels, labels=np.array([9, 0, 2]))
    cifar = gl.load("cifar10", split="test")
    assert cifar.shape == (3, 32, 32) and cifar.classes[cifar.y[0]] == "truck"

    with lmdb.open(str(tmp_path / "found" / "church_outdoor_val_lmdb"), map_size=2**20) as database:
        with database.begin(write=True) as transaction:
            for i, image in enumerate(pixels):
                file = io.BytesIO()
                Image.fromarray(image).save(file, format="png")
                transaction.put(str(i).encode(), file.getvalue())
    assert torch.equal(gl.load("lsun-church", split="test").x, cifar.x)


def test_celeba_is_split_by_number(tmp_path):
    folder = tmp_path / "found" / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    for number, shade in ((1, 10), (162_770, 20), (162_771, 30), (182_638, 40)):
        Image.fromarray(np.full((218, 178, 3), shade, np.uint8)).save(folder / f"{number:06d}.jpg", quality=100)
    assert gl.load("celeba").x[:, 0, 0, 0].tolist() == [10, 20]
    assert gl.load("celeba", split="test").x[:, 0, 0, 0].tolist() == [40]


def test_missing_set_says_where_it_looked(monkeypatch, tmp_path):
    from torchvision import datasets

    def offline(*_, **__):
        raise OSError("no network")

    with monkeypatch.context() as patch:
        patch.setattr(datasets, "CIFAR10", offline)
        with pytest.raises(FileNotFoundError) as error:
            gl.load("cifar10")
    sentence = str(error.value)
    assert str(tmp_path / "found") in sentence and str(data.BUNDLED) in sentence
    assert "cifar10_train.npz" in sentence and "\n" not in sentence

    (tmp_path / "found" / "cifar-10-batches-py").mkdir(parents=True)  # what a download that was stopped may leave
    monkeypatch.setattr(datasets.CIFAR10, "download", offline)
    with pytest.raises(FileNotFoundError, match="cifar10 is not in .*, and could not be downloaded"):
        gl.load("cifar10")


def test_bad_input(tmp_path):
    np.savez(tmp_path / "float.npz", images=np.zeros((4, 8, 8)))
    np.savez(tmp_path / "empty.npz", pixels=np.zeros((4, 8, 8), np.uint8))
    np.savez(tmp_path / "labels.npz", images=np.zeros((4, 8, 8), np.uint8), labels=np.zeros(3, np.int64))
    np.savez(tmp_path / "pickled.npz", images=np.array([{}], dtype=object))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "float.npz").read_bytes()[:-50])
    (tmp_path / "nothing").mkdir()
    (tmp_path / "found" / "celeba" / "img_align_celeba").mkdir(parents=True)
    images = gl.Images(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), None, "four")
    for call, sentence in (
        (lambda: gl.load("minst"), "name is 'minst'; it must be a path that exists or one of mnist5k, fashion10k"),
        (lambda: gl.load("mnist5k", split="val"), "split is 'val'; it must be 'train' or 'test'"),
        (lambda: gl.load("mnist5k", size=2), "size is 2; it must be at least 4"),
        (lambda: gl.load(tmp_path / "float.npz"), r"is float64 \(4, 8, 8\); it must be uint8 \(N, H, W\)"),
        (lambda: gl.load(tmp_path / "empty.npz"), "has no array 'images'; it has pixels"),
        (lambda: gl.load(tmp_path / "labels.npz"), "y holds 3 labels for 4 images"),
        (lambda: gl.load(tmp_path / "pickled.npz"), "allow_pickle=False"),
        (lambda: gl.load(tmp_path / "cut.npz"), "cut.npz is damaged: "),
        (lambda: gl.load(tmp_path / "nothing"), "nothing holds no images"),
        (lambda: gl.load("celeba"), "img_align_celeba holds no images of the train split"),
        (lambda: gl.Images(torch.zeros(4, 1, 8, 8), None, "f"), r"x is torch.float32 \(4, 1, 8, 8\); it must be uint8"),
        (lambda: images.batches(5), "batch_size is 5; four has 4 images"),
        (lambda: images.batches(2, labels=True), "labels=True, but four has no labels"),
        (lambda: images.batches(2, start=-1), "start is -1; it must not be negative"),
        (lambda: images.take(5), "n is 5; four has 4 images"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()
