"""Scores against closed forms, brute force and other packages; how they are cached; what they refuse."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch

import ganlib as gl
from ganlib.data import to_float
from ganlib.metrics import (
    FeatureStats,
    Score,
    fid,
    fid_infinity,
    frechet_distance,
    inception_score,
    kid,
    mode_coverage,
    nearest_neighbours,
    precision_recall,
    sliced_wasserstein,
)
from ganlib.metrics import fid_score as fid_module


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Every test starts with an empty cache and leaves the user's alone."""
    monkeypatch.setenv("GANLIB_CACHE", str(tmp_path / "cache"))


def rows(n, d, seed, shift=0.0):
    """Correlated features (n, d), rectified as a network's are, in float64."""
    mix = np.random.default_rng(7).normal(size=(d, d)) / d**0.5 * np.linspace(1, 0.05, d)
    x = np.random.default_rng(seed).normal(size=(n, d)) @ mix + shift
    return torch.from_numpy(np.maximum(x, -0.2))


def stats(x, **kwargs):
    return FeatureStats(x.shape[1], **kwargs).update(x)


def moments(x):
    return x.numpy().mean(0), np.cov(x.numpy(), rowvar=False)


def by_sqrtm(x, y):
    (m1, c1), (m2, c2) = moments(x), moments(y)
    root = scipy.linalg.sqrtm(c1 @ c2)
    return float((m1 - m2) @ (m1 - m2) + np.trace(c1) + np.trace(c2) - 2 * np.trace(root).real)


def cross(scales, mean, basis=None):
    """Rows mean ± s_i e_i (rotated): their covariance is exactly diag(2 s_i^2 / (n - 1)), rotated."""
    e = torch.diag(torch.tensor(scales, dtype=torch.float64))
    e = e if basis is None else e @ basis
    return torch.cat([e, -e]) + torch.tensor(mean, dtype=torch.float64)


# --- the Fréchet distance


def test_distance_of_one_dimensional_gaussians_is_that_of_means_and_deviations():
    x, y = rows(50, 1, 0), 3 * rows(80, 1, 1) + 5
    expected = (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2
    assert frechet_distance(stats(x), stats(y)) == pytest.approx(expected.item(), rel=1e-12)


def test_distance_of_diagonal_gaussians():
    s, t = [1.0, 2.0, 0.5], [3.0, 1.0, 0.0]
    a, b = stats(cross(s, [0.0, 1.0, 2.0])), stats(cross(t, [4.0, 1.0, 0.0]))
    expected = 16 + 4 + sum((u - v) ** 2 for u, v in zip(s, t)) * 2 / 5
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)
    assert frechet_distance(b, a) == pytest.approx(expected, rel=1e-12)


def test_distance_is_exact_where_rows_are_few():
    """Gaussians in 4 of 30 dimensions, turned at random: AB is singular, and 8 rows take the small-matrix route."""
    basis = torch.linalg.qr(rows(30, 30, 3))[0][:4]
    s, t = [1.0, 2.0, 0.5, 4.0], [3.0, 1.0, 0.0, 2.0]
    x, y = cross(s, [0.0] * 30, basis), cross(t, [0.5] * 30, basis)
    expected = 30 * 0.25 + sum((u - v) ** 2 for u, v in zip(s, t)) * 2 / 7
    few, many = stats(x), stats(y.repeat(5, 1))  # 8 rows and 40
    assert frechet_distance(few, stats(y)) == pytest.approx(expected, rel=1e-10)
    # 40 rows of the same five times: covariance 2 t^2 * 5 / 39
    mixed = 30 * 0.25 + sum((u * (2 / 7) ** 0.5 - v * (10 / 39) ** 0.5) ** 2 for u, v in zip(s, t))
    assert few.rows is not None and many.rows is None
    assert frechet_distance(few, many) == pytest.approx(mixed, rel=1e-6)
    assert frechet_distance(many, few) == pytest.approx(mixed, rel=1e-6)


CASES = {  # n, m, dim, tolerance
    "full rank": (500, 300, 64, 1e-6),
    "both few": (40, 50, 64, 1e-3),
    "a few": (40, 300, 64, 1e-3),
    "b few": (300, 40, 64, 1e-3),
}


@pytest.fixture(params=CASES)
def case(request):
    n, m, d, tolerance = CASES[request.param]
    return rows(n, d, 0), rows(m, d, 1, shift=0.3), tolerance


def test_distance_agrees_with_sqrtm(case):
    x, y, tolerance = case
    assert frechet_distance(stats(x), stats(y)) == pytest.approx(by_sqrtm(x, y), rel=tolerance)


def test_distance_agrees_with_pytorch_fid(case, monkeypatch):
    reference = pytest.importorskip("pytorch_fid.fid_score")
    sqrtm = scipy.linalg.sqrtm
    # pytorch-fid asks for sqrtm(disp=False), which SciPy 1.18 no longer knows
    monkeypatch.setattr(reference.linalg, "sqrtm", lambda a, disp=True: sqrtm(a) if disp else (sqrtm(a), 0.0))
    x, y, tolerance = case
    expected = reference.calculate_frechet_distance(*moments(x), *moments(y))
    assert frechet_distance(stats(x), stats(y)) == pytest.approx(expected, rel=tolerance)


def test_distance_agrees_with_torchmetrics(case):
    reference = pytest.importorskip("torchmetrics.image.fid")
    x, y, tolerance = case
    expected = reference._compute_fid(*map(torch.from_numpy, (*moments(x), *moments(y)))).item()
    assert frechet_distance(stats(x), stats(y)) == pytest.approx(expected, rel=tolerance)


def test_dead_and_repeated_features_fall_back_from_cholesky():
    x, y = rows(300, 20, 0), rows(300, 20, 1, shift=0.2)
    expected = frechet_distance(stats(x), stats(y))
    dead = torch.zeros(300, 15, dtype=torch.float64)  # features that never fire change nothing
    a, b = stats(torch.cat([x, dead], 1)), stats(torch.cat([y, dead], 1))
    assert torch.linalg.cholesky_ex(a.cov).info > 0, "the test needs a singular covariance"
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-3)
    doubled = frechet_distance(stats(torch.cat([x, x], 1)), stats(torch.cat([y, y], 1)))
    assert doubled == pytest.approx(2 * expected, rel=1e-3)


@pytest.mark.parametrize(
    "x",
    [
        rows(500, 64, 0),
        rows(40, 64, 0),
        rows(500, 64, 0) + 1e4,
        torch.cat([rows(500, 10, 0), torch.zeros(500, 54, dtype=torch.float64)], 1),
        rows(3, 64, 0).repeat(100, 1),
    ],
    ids=["full", "few", "large mean", "dead", "rank 2"],
)
def test_distance_to_itself_is_zero_within_a_millionth_of_the_trace(x):
    distance = frechet_distance(stats(x), stats(x.flip(0)))
    assert isinstance(distance, float)
    assert 0 <= distance <= 1e-6 * stats(x).cov.trace().item()


# --- the statistics


@pytest.mark.parametrize("n", [10, 100])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_batch_size_and_order_do_not_matter(n, shift):
    x = rows(n, 16, 0) + shift  # 10 rows stay rows, 100 become moments
    mean, cov = moments(rows(n, 16, 0))
    shuffled = x[torch.randperm(n, generator=torch.Generator().manual_seed(0))]
    for data, size in ((x, n), (x, 1), (x, 7), (shuffled, 13)):
        s = FeatureStats(16)
        for batch in data.split(size):
            s.update(batch)
        assert s.n == n
        np.testing.assert_allclose(s.mean - shift, mean, atol=1e-9 * max(1, shift * 1e-2))
        np.testing.assert_allclose(s.cov, cov, atol=1e-9)


@pytest.mark.parametrize("sizes", [(4, 5), (12, 10), (50, 9), (9, 50), (50, 60), (0, 50), (50, 0), (0, 3)])
def test_merge_equals_one_pass(sizes):
    n, m = sizes
    x = rows(n + m, 16, 0) + 100
    one, two = stats(x[:n]), stats(x[n:])
    before = two.n, two.rows is None or two.rows.clone()
    assert one.merge(two) is one and one.n == n + m
    np.testing.assert_allclose(one.mean, stats(x).mean, rtol=1e-12)
    np.testing.assert_allclose(one.cov, stats(x).cov, atol=1e-9)
    assert two.n == before[0] and (two.rows is None or torch.equal(two.rows, before[1]))


def test_memory_does_not_grow_with_n_and_statistics_survive_a_file():
    s = FeatureStats(16)
    for i in range(50):
        s.update(rows(40, 16, i))
        assert sum(t.numel() for t in s.tensors().values()) <= 16 * 16 + 16 + 1
    for original in (s, stats(rows(9, 16, 0))):
        back = FeatureStats.of(original.tensors(), "digits")
        assert back.n == original.n and torch.equal(back.cov, original.cov) and torch.equal(back.mean, original.mean)


def test_statistics_are_float64_whatever_the_features():
    s = stats(rows(100, 4, 0).float())
    assert s.cov.dtype == s.mean.dtype == torch.float64


def test_statistics_refuse_what_they_cannot_hold():
    s = FeatureStats(4)
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="1 values that are NaN or infinite"):
            s.update(torch.tensor([[1.0, 2.0, bad, 0.0]]))
    with pytest.raises(ValueError, match=r"features has shape \(3, 5\).*\(N, 4\)"):
        s.update(torch.zeros(3, 5))
    assert s.n == 0, "a refused batch must leave no trace"
    with pytest.raises(ValueError, match="hold 1 rows.*at least 2"):
        frechet_distance(s.update(torch.zeros(1, 4)), stats(torch.zeros(5, 4)))
    with pytest.raises(ValueError, match="b has 5 features and a 4"):
        frechet_distance(s, stats(torch.zeros(5, 5)))
    a, b = stats(torch.zeros(5, 4), extractor="digits 1"), stats(torch.zeros(5, 4), extractor="digits 2")
    for action in (frechet_distance, FeatureStats.merge):
        with pytest.raises(ValueError, match="b holds features of digits 2, a of digits 1"):
            action(a, b)


# --- scores of features and logits


def test_a_score_prints_what_a_reader_needs():
    score = Score(12.345, 0.412, 1000, "digits", 1.9, "FID", "1,000 of mnist5k")
    assert float(score) == 12.345
    real = "real against held-out real 1.90"
    assert str(score) == f"FID 12.35 ± 0.41 (digits, n = 1,000 against 1,000 of mnist5k; {real})"
    assert str(Score(0.00123, 0.00021, 50, name="KID")) == "KID 0.00123 ± 0.00021 (n = 50)"


def test_kid_is_the_double_loop():
    x, y = rows(7, 3, 0), rows(9, 3, 1, shift=0.5)

    def k(u, v):
        return (float(u @ v) / 3 + 1) ** 3

    xx = np.mean([k(x[i], x[j]) for i in range(7) for j in range(7) if i != j])
    yy = np.mean([k(y[i], y[j]) for i in range(9) for j in range(9) if i != j])
    xy = np.mean([k(u, v) for u in x for v in y])
    assert kid(x, y).value == pytest.approx(xx + yy - 2 * xy, rel=1e-10)

    # the jackknife by leaving each image out in earnest
    without_x = np.array([kid(torch.cat([x[:i], x[i + 1 :]]), y).value for i in range(7)])
    without_y = np.array([kid(x, torch.cat([y[:i], y[i + 1 :]])).value for i in range(9)])
    variance = 6 * without_x.var() + 8 * without_y.var()
    assert kid(x, y).std == pytest.approx(variance**0.5, rel=1e-9)


def test_kid_is_unbiased_and_its_standard_error_is_right():
    g = torch.Generator().manual_seed(0)
    equal = [kid(torch.randn(40, 4, generator=g), torch.randn(30, 4, generator=g)) for _ in range(300)]
    values = np.array([s.value for s in equal])
    assert abs(values.mean()) < 3 * values.std() / 300**0.5
    assert (values < 0).mean() > 0.3, "an unbiased estimate of 0 is negative often"

    apart = [kid(torch.randn(40, 4, generator=g), torch.randn(30, 4, generator=g) * 1.3 + 0.5) for _ in range(300)]
    spread = np.std([s.value for s in apart])
    assert np.sqrt(np.mean([s.std**2 for s in apart])) == pytest.approx(spread, rel=0.25)


def test_inception_score_runs_from_one_to_the_number_of_classes():
    assert inception_score(torch.zeros(50, 10)).value == pytest.approx(1)
    certain = 1000 * torch.eye(10).repeat(20, 1)  # balanced in each of the 10 parts
    score = inception_score(certain)
    assert score.value == pytest.approx(10) and score.std == pytest.approx(0, abs=1e-9) and score.n == 200
    assert inception_score(1000 * torch.eye(10)[[3]].repeat(20, 1)).value == pytest.approx(1), "one mode only"
    # p(y|x) = (3/4, 1/4) or (1/4, 3/4), p(y) = (1/2, 1/2)
    logits = torch.tensor([[3.0, 1.0], [1.0, 3.0]]).log().repeat(10, 1)
    expected = math.exp(0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert inception_score(logits, splits=2).value == pytest.approx(expected)


def test_inception_score_agrees_with_torchmetrics():
    reference = pytest.importorskip("torchmetrics.image.inception")
    logits = 3 * torch.randn(200, 10, generator=torch.Generator().manual_seed(0))
    # its own code, one split at a time, without its shuffling
    theirs = reference.InceptionScore(feature=torch.nn.Identity(), splits=1)
    theirs.update(logits)
    assert inception_score(logits, splits=1).value == pytest.approx(theirs.compute()[0].item(), rel=1e-5)


def test_mode_coverage_by_hand():
    def logits(*numbers):
        one_hot = torch.eye(10)
        return torch.stack([torch.cat([one_hot[int(c)] for c in number]) for number in numbers])

    coverage = mode_coverage(logits("000", "007", "070", "007"))
    assert (coverage.modes, coverage.total, coverage.n, float(coverage)) == (3, 1000, 4, 3.0)
    # q = (1/4, 1/2, 1/4): KL = log 1000 - H(q)
    assert coverage.kl == pytest.approx(math.log(1000) - 1.5 * math.log(2))
    assert coverage.ideal == pytest.approx(1000 * (1 - 0.999**4))
    assert "3 of 1,000 modes" in str(coverage)

    every = mode_coverage(torch.eye(10).repeat(3, 1))
    assert (every.modes, every.total, every.kl) == (10, 10, pytest.approx(0, abs=1e-12))
    with pytest.raises(ValueError, match="logits has 15 columns"):
        mode_coverage(torch.zeros(4, 15))


def test_precision_and_recall_by_hand():
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])  # for k = 1 every ball has radius 1
    fake = torch.tensor([[0.9], [1.4], [10.0], [11.0]])  # radii 0.5, 0.5, 1, 1
    precision, recall = precision_recall(real, fake, k=1)
    assert (precision.value, recall.value) == (0.5, 0.25)
    assert precision.std == pytest.approx(0.25) and (precision.name, recall.name) == ("precision", "recall")
    # a dropped mode costs recall, a stray picture precision
    modes = torch.cat([rows(60, 2, 0), rows(60, 2, 1) + 100])
    dropped = precision_recall(modes, torch.cat([rows(60, 2, 2), rows(60, 2, 3)]))
    assert dropped[0].value > 0.8 and dropped[1].value < 0.51
    stray = precision_recall(modes, modes + torch.tensor([0.0, 1000.0]))
    assert stray[0].value == stray[1].value == 0
    with pytest.raises(ValueError, match="k is 4"):
        precision_recall(real, fake, k=4)


@pytest.mark.parametrize("score", [kid, precision_recall, sliced_wasserstein])
def test_scores_of_two_sets_refuse_bad_features(score):
    good, bad = rows(10, 4, 0), rows(10, 4, 1)
    bad[3, 2] = math.nan
    with pytest.raises(ValueError, match="1 values that are NaN or infinite"):
        score(good, bad)
    with pytest.raises(ValueError):
        score(good, rows(10, 5, 0))
    with pytest.raises(ValueError, match="at least 2"):
        score(good[:1], good[:1])


# --- neighbours


def test_nearest_neighbours_are_those_of_brute_force():
    g = torch.Generator().manual_seed(0)
    x = torch.randint(256, (4100, 1, 4, 4), generator=g, dtype=torch.uint8)  # more than two chunks
    images = gl.Images(x, None, "noise")
    samples = torch.rand(6, 1, 4, 4, generator=g) * 2 - 1
    indices, distances = nearest_neighbours(samples, images, k=7)
    every = (samples.double().flatten(1)[:, None] - (x.double() / 127.5 - 1).flatten(1)).square().sum(2).sqrt()
    expected, order = every.sort(1)
    assert torch.equal(indices, order[:, :7])
    torch.testing.assert_close(distances.double(), expected[:, :7], atol=1e-5, rtol=1e-5)
    again = nearest_neighbours(samples, to_float(x), k=7)
    assert torch.equal(again[0], indices) and torch.equal(again[1], distances)


def test_a_copy_has_distance_zero_and_a_near_copy_its_own():
    images = gl.load("mnist5k", "test")
    copies = to_float(images.x[[5, 900]])
    indices, distances = nearest_neighbours(copies, images, k=2)
    assert indices[:, 0].tolist() == [5, 900] and distances[:, 0].tolist() == [0, 0]
    assert (distances[:, 1] > 0).all()
    near = copies.clone()
    near[:, 0, 10, 10] += torch.where(near[:, 0, 10, 10] > 0, -1, 1) / 127.5  # one level in one pixel of 1,024
    _, distances = nearest_neighbours(near, images, k=1)
    torch.testing.assert_close(distances.cpu(), torch.full((2, 1), 1 / 127.5), rtol=1e-4, atol=0)
    twice = gl.Images(images.x[[7, 5, 5, 3]], None, "twice")
    assert nearest_neighbours(copies[:1], twice, k=2)[0].tolist() == [[1, 2]], "of equals the first is named first"
    assert nearest_neighbours(to_float(twice.x), twice, k=1)[0].flatten().tolist() == [0, 1, 1, 3]


def test_nearest_neighbours_refuse_what_does_not_fit():
    images = gl.load("mnist5k", "test").take(3)
    with pytest.raises(ValueError, match="k is 4; it must be from 1 to the number of images, 3"):
        nearest_neighbours(torch.zeros(1, 1, 32, 32), images, k=4)
    with pytest.raises(ValueError, match="it must be that of the samples"):
        nearest_neighbours(torch.zeros(1, 1, 16, 16), images, k=1)
    with pytest.raises(ValueError, match=r"it must lie in \[-1, 1\]"):
        nearest_neighbours(torch.full((1, 1, 32, 32), 2.0), images, k=1)


# --- FID


class Stub:
    """An extractor that costs nothing: means over 4 x 4 cells, weighted."""

    name, dim = "stub", 16

    def __init__(self, weight=1.0):
        self.weight, self.hash, self.calls = weight, f"{weight:8}", 0

    def __call__(self, images):
        self.calls += 1
        features = self.weight * torch.nn.functional.adaptive_avg_pool2d(images.mean(1), 4).flatten(1)
        return features, features[:, :10]


@pytest.fixture(scope="module")
def digits_test():
    return gl.load("mnist5k", "test", 16)


@pytest.fixture(scope="module")
def digits_train():
    return gl.load("mnist5k", "train", 16)


def direct(fake, real, extractor):
    x, y = (extractor(to_float(images.x))[0] for images in (fake, real))
    return frechet_distance(stats(x), stats(y))


def test_fid_is_the_distance_of_features_and_its_floor_that_of_held_out_reals(digits_train, digits_test):
    extractor = Stub()
    fakes = gl.Images(255 - digits_train.x[:400], None, "negatives")
    score = fid(fakes, digits_test, extractor=extractor, n=300)
    assert score.value == pytest.approx(direct(fakes.take(300), digits_test, extractor), rel=1e-9)
    assert (score.n, score.extractor, score.name, score.reals) == (300, "stub", "FID", "1,000 of mnist5k")
    assert score.std > 0
    # as much for the tensor of the same images, and for a game that samples them
    assert fid(to_float(fakes.x), digits_test, extractor=extractor, n=300) == score
    assert fid(fakes, digits_test, extractor=extractor, n=4).std > 0, "few images still have a spread"

    whole = fid(digits_train, digits_test, extractor=extractor, n=4000)
    everything = direct(digits_train, digits_test, extractor)
    assert whole.value == pytest.approx(everything, rel=1e-9)
    assert whole.floor == pytest.approx(everything, rel=1e-6), "all 4,000 held-out reals are the training split"
    assert 0 < whole.floor < score.floor, "the floor is at the score's own n, and fewer images are further away"

    given = fid(fakes, digits_test, extractor=extractor, n=300, held_out=digits_train.take(300))
    assert given.floor == pytest.approx(direct(digits_train.take(300), digits_test, extractor), rel=1e-6)


def test_held_out_reals_are_never_among_the_reference(digits_train, digits_test, monkeypatch):
    seen = []
    monkeypatch.setattr(fid_module, "to_float", lambda x: seen.append(x) or to_float(x))
    for images, n in ((digits_test, 4000), (digits_train, 1000)):
        assert fid(torch.zeros(n, 1, 16, 16), images, extractor=Stub(), n=n).floor is not None
        held = {row.tobytes() for row in seen[-1].numpy()}
        assert len(seen[-1]) == n and not held & {row.tobytes() for row in images.x.cpu().numpy()}


def test_there_is_no_floor_without_enough_held_out_reals(digits_train, digits_test):
    fakes = torch.zeros(1001, 1, 16, 16)
    assert fid(fakes, digits_train, extractor=Stub(), n=1001).floor is None, "only 1,000 test digits are held out"
    unnamed = gl.Images(digits_test.x, None, "my own")
    score = fid(fakes, unnamed, extractor=Stub())
    assert score.floor is None and "held-out" not in str(score)


def test_a_part_of_a_set_has_not_the_floor_of_the_whole(digits_train, digits_test):
    """One class that keeps its set's name: any real three is far from the whole set, so its floor would be absurd."""
    threes = [s.subset((s.y == 3).nonzero()[:, 0]) for s in (digits_train, digits_test)]
    assert threes[1].name == "mnist5k"
    score = fid(threes[0], threes[1], extractor=Stub(), n=80)
    assert score.floor is None and score.reals == "100 of mnist5k"
    given = fid(threes[0], threes[1], extractor=Stub(), n=80, held_out=threes[0])
    assert given.floor < 3 * given.value
    assert fid(threes[0], digits_test.take(500), extractor=Stub(), n=80).floor is None


def test_other_images_under_a_set_s_name_have_no_floor(digits_test):
    other = gl.Images(255 - digits_test.x, digits_test.y, "mnist5k")
    assert fid(torch.zeros(50, 1, 16, 16), other, extractor=Stub(), n=50).floor is None


def test_no_home_and_a_cache_that_cannot_be_written_cost_nothing_but_time(digits_test, monkeypatch, tmp_path):
    wanted = fid(torch.zeros(50, 1, 16, 16), digits_test, extractor=Stub(), n=50)
    (tmp_path / "file").write_text("in the folder's place")
    monkeypatch.setenv("GANLIB_CACHE", str(tmp_path / "file" / "cache"))
    assert fid(torch.zeros(50, 1, 16, 16), digits_test, extractor=Stub(), n=50) == wanted
    monkeypatch.delenv("GANLIB_CACHE")

    def nobody(path):
        if str(path).startswith("~"):
            raise RuntimeError("Could not determine home directory.")
        return path

    monkeypatch.setattr("pathlib.Path.expanduser", nobody)
    assert fid(torch.zeros(50, 1, 16, 16), digits_test, extractor=Stub(), n=np.int64(50)) == wanted


def test_fid_tells_damage_from_reals(digits_train, digits_test):
    """With the real extractor: reals score the floor, blur and noise well above it, dropped classes too."""
    x = to_float(digits_train.x[:300])
    floor = fid(x, digits_test, n=300)
    assert floor.extractor == "digits" and 0.5 < floor.value / floor.floor < 2
    blurred = torch.nn.functional.avg_pool2d(x, 5, 1, 2, count_include_pad=False)
    noisy = (x + 0.5 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))).clamp(-1, 1)
    dropped = to_float(digits_train.x[digits_train.y < 3][:300])
    for damaged in (blurred, noisy, dropped):
        assert fid(damaged, digits_test, n=300).value > 3 * floor.floor


@pytest.mark.parametrize("far, least, most", [(True, 0.7, 1.4), (False, 0.9, 2.2)])
def test_the_std_is_the_spread_over_samples(digits_train, far, least, most):
    """Of scores of fresh images. Near the floor, where FID is a square about its minimum, it may be twice that."""
    extractor = Stub()
    reference = gl.Images(digits_train.x[:2000], None, "reference")
    fresh = 255 - digits_train.x[2000:] if far else digits_train.x[2000:]
    scores = [fid(gl.Images(x, None, "fresh"), reference, extractor=extractor, n=50) for x in fresh.split(50)]
    spread = np.std([s.value for s in scores], ddof=1)
    assert least < np.sqrt(np.mean([s.std**2 for s in scores])) / spread < most


def test_fid_at_infinity_takes_the_bias_away():
    """Gaussian features, whose true distance is known, against statistics of very many."""
    g = torch.Generator().manual_seed(0)
    real = stats(torch.randn(200_000, 8, generator=g, dtype=torch.float64))
    true = 8 * 0.5**2
    plain, corrected = [], []
    for _ in range(40):
        fake = 1.5 * torch.randn(200, 8, generator=g, dtype=torch.float64)
        plain.append(frechet_distance(stats(fake), real))
        corrected.append(fid_module._extrapolated(fake, real))
    error = np.std(corrected) / 40**0.5
    assert np.mean(plain) - true > 4 * error, "the test needs a visible bias"
    assert abs(np.mean(corrected) - true) < 3 * error


def test_fid_infinity_of_images(digits_train, digits_test):
    score = fid_infinity(digits_train, digits_test, extractor=Stub(), n=1000)
    plain = fid(digits_train, digits_test, extractor=Stub(), n=1000)
    assert score.name == "FID∞" and score.value < plain.value and score.floor < plain.floor
    with pytest.raises(ValueError, match="n is 100; it must be at least 8 times the number of features, 16"):
        fid_infinity(digits_train, digits_test, extractor=Stub(), n=100)


def test_fid_samples_a_game_and_serves_as_a_monitor(digits_train, digits_test):
    gan = gl.build("vanilla", digits_train.shape, width=8)
    one, two = (fid(gan, digits_test, n=50, extractor=Stub(), seed=s) for s in (0, 0))
    assert one == two != fid(gan, digits_test, n=50, extractor=Stub(), seed=1)
    monitor = gl.Monitor("fid", lambda gan: fid(gan, digits_test, n=50, extractor=Stub()), every=2)
    history = gl.fit(gan, digits_train, 4, every=1, monitors=[monitor])
    assert np.isfinite(history["fid"]).tolist() == [False, True, False, True]
    assert history["fid"][-1] == fid(gan, digits_test, n=50, extractor=Stub()).value


def test_fid_refuses_what_it_cannot_compare(digits_test):
    fakes = torch.zeros(20, 1, 16, 16)
    with pytest.raises(ValueError, match="n is 1000; there are 20 generated images"):
        fid(fakes, digits_test)
    with pytest.raises(ValueError, match=r"have shape \(1, 8, 8\); it must be that of the reals, \(1, 16, 16\)"):
        fid(torch.zeros(20, 1, 8, 8), digits_test, n=20)
    with pytest.raises(ValueError, match=r"runs from 0 to 3; it must lie in \[-1, 1\]"):
        fid(torch.linspace(0, 3, 5120).view(20, 1, 16, 16), digits_test, n=20)
    with pytest.raises(ValueError, match="n is 1; it must be at least 4"):
        fid(fakes, digits_test, n=1)
    with pytest.raises(ValueError, match="images is 'my own'; only digits and clothes .* pass extractor="):
        fid(fakes, gl.Images(digits_test.x, None, "my own"), n=20)


# --- the cache


def test_a_second_score_reads_the_reals_from_the_cache(digits_test, tmp_path):
    fakes, first = torch.zeros(50, 1, 16, 16), Stub()
    cold = fid(fakes, digits_test, extractor=first, n=50)
    second = Stub()
    assert fid(fakes, digits_test, extractor=second, n=50) == cold
    assert second.calls == 1 < first.calls, "only the fakes are featurised again"
    assert len(list((tmp_path / "cache").iterdir())) == 2, "statistics and held-out features, and nothing left aside"


def test_other_data_and_other_weights_do_not_collide(digits_test):
    base = fid_module.real_stats(digits_test, Stub())
    other = gl.Images(digits_test.x.flip(0)[:900], None, digits_test.name)
    assert fid_module.real_stats(other, Stub()).n == 900
    weighted = fid_module.real_stats(digits_test, Stub(2.0))
    torch.testing.assert_close(weighted.mean, 2 * base.mean)
    with pytest.raises(ValueError, match="must come from one extractor"):
        frechet_distance(base, weighted)


@pytest.mark.parametrize("damage", ["cut short", "one bit", "empty", "not ours"])
def test_a_damaged_cache_file_is_computed_anew(digits_test, tmp_path, damage):
    before = fid_module.real_stats(digits_test, Stub())
    (path,) = (tmp_path / "cache").iterdir()
    raw = path.read_bytes()
    flipped = raw[:-5] + bytes([raw[-5] ^ 1]) + raw[-4:]
    path.write_bytes({"cut short": raw[:-100], "one bit": flipped, "empty": b"", "not ours": b"x" * 500}[damage])
    extractor = Stub()
    after = fid_module.real_stats(digits_test, extractor)
    assert extractor.calls > 0 and torch.equal(before.cov, after.cov)
    assert path.read_bytes() == raw, "and the file is whole again"


def test_without_a_place_to_cache_scores_still_work(digits_test, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GANLIB_CACHE", str(tmp_path / "file"))
    assert fid_module.real_stats(digits_test, Stub()).n == 1000
