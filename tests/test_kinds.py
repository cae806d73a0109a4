"""Sets that are no pictures with classes: two domains, sequences, voxels; labels; what all kinds have in common."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch.nn.functional import max_pool3d

import ganlib as gl
from ganlib.data import Batches, Domains, Images, Labelled, Pair, Sequences, Voxels, cast, rows


def images(n=12, name="some", seed=0, **more):
    x = torch.randint(0, 256, (n, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
    return Images(x, more.pop("y", None), name, **more)


def sequences(n=12):
    return Sequences(torch.arange(n * 3).view(n, 3) % 5, ("the", "cat", "sat", "on", "mat"))


def voxels(n=12):
    x = torch.zeros(n, 1, 4, 4, 4, dtype=torch.uint8)
    for i in range(n):
        x[i, 0].view(-1)[: i + 1] = 1
    return Voxels(x, y=torch.arange(n) % 3, classes=("a", "b", "c"), captions=tuple(map(str, range(n))))


KINDS = {
    "images": images,
    "domains": lambda n=12: Domains(images(n, "p"), images(n, "q", seed=1)),
    "sequences": sequences,
    "voxels": voxels,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_every_set_has(kind):
    data = KINDS[kind]()
    assert len(data) == 12 and len(data.take(5)) == 5 and isinstance(data.name, str)
    straight = data.batches(5, seed=3)
    wanted = [next(straight) for _ in range(6)]
    assert straight.position == 6 and all(rows(batch) == 5 for batch in wanted)
    for start in range(6):
        torch.manual_seed(start)  # the global state must not matter
        batch = next(data.batches(5, seed=3, start=start))
        for a, b in zip(
            [batch] if isinstance(batch, torch.Tensor) else batch,
            wanted[start] if kind == "domains" else [wanted[start]],
        ):
            assert torch.equal(a, b) and a.shape[1:] == data.shape
    samples = wanted[0][1] if kind == "domains" else wanted[0]
    figure, ax = plt.subplots()
    data.draw(samples, ax, "samples")
    figure.canvas.draw()
    assert ax.get_title() == "samples" and not ax.axison
    plt.close(figure)
    with pytest.raises(ValueError, match="batch_size is 13; .* has 12"):
        data.batches(13)
    with pytest.raises(ValueError, match="n is 0; it must be at least 1"):
        data.take(0)
    with pytest.raises(ValueError, match="batch_size is 1.5; it must be an integer of at least 1"):
        data.batches(1.5)
    next(data.batches(np.int64(4)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fingerprint_is_of_the_content(kind):
    data, again = KINDS[kind](), KINDS[kind]()
    assert data.fingerprint() == again.fingerprint() == data.take(12).fingerprint()
    vars(again)["name"] = "another"
    vars(again).pop("_fingerprint", None)
    assert data.fingerprint() == again.fingerprint()
    assert data.take(11).fingerprint() != data.fingerprint()
    x = getattr(again, "x", None)
    if x is None:
        x = again.b.x
        vars(again.b).pop("_fingerprint")
    vars(again).pop("_fingerprint", None)
    x.flatten()[-1:].copy_(1 - x.flatten()[-1:])
    assert data.fingerprint() != again.fingerprint()


def test_labels_are_content():
    x = torch.zeros(3, 1, 4, 4, dtype=torch.uint8)
    prints = [
        Images(x, y, "x", captions=captions).fingerprint()
        for y, captions in ((None, ()), (torch.tensor([0, 1, 2]), ()), (torch.tensor([0, 2, 1]), ()), (None, "abc"))
    ]
    assert len(set(prints)) == 4


def test_batches_of_anything():
    seen = []
    batches = Batches(10, lambda index: seen.append(index) or index, 3, seed=1)
    order = torch.cat([next(batches) for _ in range(3)])
    assert len(order.unique()) == 9 and batches.position == 3 and len(seen) == 3
    again = Labelled(torch.zeros(2, 3), torch.tensor([1, 0]))
    half = next(cast(iter([again]), torch.float64))
    assert isinstance(half, Labelled) and half.x.dtype == torch.float64 and half.y.dtype == torch.int64
    assert next(cast(iter([torch.arange(3)]), torch.float64)).dtype == torch.int64  # tokens stay whole


@pytest.mark.parametrize("seed", [0, 7, 12345678901])
def test_the_order_is_one_shuffle_an_epoch_for_good(seed):
    """Runs that were stopped go on with a later version, so this order must never change."""
    wanted = []
    for epoch in range(3):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        wanted += torch.randperm(10, generator=generator)[:8].split(4)
    batches = Batches(10, lambda index: index, 4, seed=seed)
    assert all(torch.equal(next(batches), index) for index in wanted)


def test_two_domains_are_never_paired():
    x = torch.arange(240, dtype=torch.uint8).view(240, 1, 1, 1)
    both = Domains(Images(x, None, "left"), Images(x, None, "right"))  # the same order on both sides
    batches = both.batches(24, seed=5)
    for epoch in range(3):
        drawn = [next(batches) for _ in range(10)]
        assert all(isinstance(batch, Pair) for batch in drawn)
        a, b = (torch.cat([batch[side] for batch in drawn]).flatten() for side in (0, 1))
        assert torch.equal(a.sort().values, b.sort().values)  # each set once in an epoch
        assert (a == b).sum() <= 6, epoch  # one by chance
    assert both.name == "left and right" and both.shape == (1, 1, 1)
    with pytest.raises(ValueError, match="b is a Tensor; it must be Images"):
        Domains(both.a, x)
    with pytest.raises(ValueError, match="a lives on meta and b on cpu; it must be one device"):
        Domains(Images(x.to("meta"), None, "nowhere"), both.b)


def test_sequences_speak():
    data = sequences()
    assert data.shape == (3,) and data.text(data.x[:2]) == ["the cat sat", "on mat the"]
    assert next(data.batches(4)).dtype == torch.int64
    for call, sentence in (
        (lambda: Sequences(torch.tensor([[0, 5]]), data.vocabulary), "x holds 5; a token must be from 0 to 4"),
        (lambda: Sequences(torch.tensor([[0.0]]), data.vocabulary), r"x is torch.float32 \(1, 1\); it must be int64"),
        (lambda: data.text(torch.tensor([[-1]])), "tokens holds -1; a token must be from 0 to 4"),
        (lambda: data.text(torch.tensor([1])), r"tokens has shape \(1,\); it must be \(N, T\)"),
        (lambda: data.take(13), "n is 13; sequences has 12 sequences"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


def test_voxels_come_as_minus_one_and_one():
    data = voxels()
    x, y = next(data.batches(6, labels=True))
    assert x.dtype == torch.float32 and x.is_contiguous() and x.unique().tolist() == [-1, 1]
    filled = (x > 0).flatten(1).sum(1)  # shape i has i + 1 voxels: shapes and labels stay together
    assert torch.equal((filled - 1) % 3, y)
    assert data.take(2).captions == ("0", "1")
    assert torch.equal(Voxels(data.x[:, 0].bool()).x, data.x)
    for call, sentence in (
        (lambda: Voxels(data.x * 2), "x holds 2; a voxel is 0 or 1"),
        (lambda: Voxels(data.x.float()), r"x is torch.float32 \(12, 1, 4, 4, 4\); it must be uint8"),
        (lambda: Voxels(data.x[..., :2]), r"x is torch.uint8 \(12, 1, 4, 4, 2\); it must be uint8"),
        (lambda: Voxels(data.x, captions=("one",)), "captions holds 1 texts for 12 shapes"),
        (lambda: Voxels(data.x, y=torch.zeros(3)), "y holds 3 labels for 12 shapes"),
        (lambda: Voxels(data.x).batches(2, labels=True), "labels=True, but voxels has no labels"),
    ):
        with pytest.raises(ValueError, match=sentence):
            call()


def pieces(shape):
    """How many connected pieces (D, D, D) has: a flood from one voxel after another."""
    left, count = shape.clone().bool(), 0
    while left.any():
        flood = torch.zeros_like(left)
        flood[tuple(left.nonzero()[0])] = True
        while True:
            near = flood[None, None].float()
            # through faces only
            grown = (
                sum(max_pool3d(near, k, 1, [s // 2 for s in k]) for k in ((3, 1, 1), (1, 3, 1), (1, 1, 3)))[0, 0] > 0
            )
            grown &= left
            if torch.equal(grown, flood):
                break
            flood = grown
        left &= ~flood
        count += 1
    return count


@pytest.mark.parametrize("size", [16, 24])
def test_chairs_are_what_their_parameters_say(size):
    train, test = gl.load("chairs", size=size), gl.load("chairs", "test", size)
    assert (len(train), len(test)) == (4000, 1000) and train.shape == (1, size, size, size)
    assert train.classes == ("chair", "table") and 0.3 < train.y.float().mean() < 0.5
    assert torch.equal(train.x, gl.load("chairs", size=size).x)
    x = torch.cat([train.x, test.x])[:, 0]
    assert len({shape.numpy().tobytes() for shape in x}) == 5000  # no two are equal
    assert torch.equal(x, x.flip(1))  # mirror images of themselves
    assert all(pieces(shape) == 1 for shape in x[::250])
    p, solid = train.parameters, train.x[:, 0]
    assert torch.equal(solid.amax((2, 3)).sum(1), p["width"]) and torch.equal(solid.amax((1, 3)).sum(1), p["depth"])
    assert torch.equal(solid.amax((1, 2)).sum(1), p["height"] + p["back"])  # from the floor to the top
    assert torch.equal(solid[..., 0].sum((1, 2)), 4 * p["leg"] ** 2)  # four legs on the floor
    assert torch.equal(p["back"] == 0, train.y == 1) and not p["arms"][train.y == 1].any()
    half = train.take(7)
    assert all(len(values) == 7 for values in half.parameters.values())


def test_the_back_of_a_chair_is_at_the_back():
    data = gl.load("chairs")
    chair = int((data.y == 0).nonzero()[0])
    over_the_seat = data.x[chair, 0, ..., int(data.parameters["height"][chair] + data.parameters["back"][chair]) - 1]
    depths = over_the_seat.amax(0).nonzero()
    assert depths.min() >= 8  # y runs to the back


FOUR = torch.zeros(4, 1, 8, 8, dtype=torch.uint8)


@pytest.mark.parametrize(
    "y, wanted",
    [
        ([0, 1, 2, 1], [0, 1, 2, 1]),
        (np.array([0, 1, 2, 1], np.uint8), [0, 1, 2, 1]),
        (torch.tensor([[0], [1], [2], [1]]), [0, 1, 2, 1]),
        (torch.tensor([0.0, 1.0, 2.0, 1.0], dtype=torch.float64), [0, 1, 2, 1]),
        (torch.tensor([True, False, True, True]), [1, 0, 1, 1]),
    ],
)
def test_plain_classes_become_whole_numbers(y, wanted):
    images = Images(FOUR, y, "four")
    assert images.y.dtype == torch.int64 and images.y.tolist() == wanted


def test_attributes_and_features():
    y = torch.tensor([[1, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
    images = Images(FOUR, y, "four", ("black", "blond", "young"), groups=(2, 1))
    assert images.y.dtype == torch.int64 and torch.equal(images.y, y)
    batch = next(images.batches(2, labels=True))
    assert isinstance(batch, Labelled) and batch.y.shape == (2, 3)
    assert torch.equal(Images(FOUR, y.bool(), "four").y, y)
    assert Images(FOUR, y.double(), "four").y.dtype == torch.float32
    features = Images(FOUR, torch.randn(4, 256).double(), "four")
    assert features.y.shape == (4, 256) and features.y.dtype == torch.float32
    assert images.take(1).y.tolist() == [[1, 0, 1]] and images.take(1).groups == (2, 1)
    one = Images(FOUR, torch.eye(4)[:, :3], "four")  # the last row has none
    assert one.take(1).y.tolist() == [[1, 0, 0]]  # a subset is not taken for classes by chance


@pytest.mark.parametrize(
    "y, more, sentence",
    [
        ([0.2, 1, 2, 3], {}, r"y has shape \(4,\) and holds 0.2; a class is a whole number"),
        ([0, float("nan"), 2, 3], {}, r"y has shape \(4,\) and holds nan; labels are finite numbers"),
        ([0, -1, 2, 3], {}, r"y has shape \(4,\) and holds -1; a class is a whole number from 0"),
        ([0, 1, 2, 3], dict(classes=("a", "b")), r"and holds 2; there are 2 classes"),
        (torch.eye(4), {}, r"y has shape \(4, 4\) with one 1 in each row; give classes"),
        (torch.arange(8).view(4, 2), {}, r"y has shape \(4, 2\) and holds 2; an attribute is 0 or 1"),
        (torch.ones(4, 2).long(), dict(groups=(2,)), "two attributes of one group"),
        (
            torch.ones(4, 2).long(),
            dict(groups=(1, 2)),
            r"groups is \(1, 2\); they must be positive and add up to its 2",
        ),
        (torch.ones(4, 2).long(), dict(classes=("a",)), "there are 1 classes; name each column"),
        ([0, 1, 2, 3], dict(groups=(4,)), r"groups is \(4,\), but y has shape \(4,\)"),
        (torch.zeros(4, 1, 1), {}, r"y has shape \(4, 1, 1\); it must be classes"),
        (5, {}, "y holds 0 labels for 4 images"),
        (None, dict(groups=(2,)), r"groups is \(2,\), but there is no y"),
        (None, dict(captions=("one",)), "captions holds 1 texts for 4 images"),
    ],
)
def test_labels_that_cannot_be(y, more, sentence):
    with pytest.raises(ValueError, match=sentence):
        Images(FOUR, y, "four", **more)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_number_of_channels(channels):
    x = torch.arange(4 * channels * 16).view(4, channels, 4, 4).to(torch.uint8)
    images = Images(x, None, "some")
    batch = next(images.batches(2))
    assert batch.shape == (2, channels, 4, 4) and batch.is_contiguous(memory_format=torch.channels_last)
    assert images.sheet(batch).ndim == 3 and images.sheet(batch).shape[2] in (1, 3)
