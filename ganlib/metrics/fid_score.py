"""The Fréchet distance of generated and real images in feature space (FID; Heusel et al. 2017), and at infinite n."""

import math
import statistics
from collections.abc import Callable

import torch
from torch import Tensor

from ganlib import parallel
from ganlib.budget import device
from ganlib.checks import require, whole
from ganlib.data import NAMES, Images, load, to_float
from ganlib.gan import GAN
from ganlib.metrics.cache import cached
from ganlib.metrics.features import Extractor, check_images, digits, fashion
from ganlib.metrics.frechet import FeatureStats, frechet_distance
from ganlib.metrics.scores import Score

GROUPS = 10  # of the jackknife
PARTS = 4  # fid_infinity goes down to a quarter of n


def fid(
    gan: GAN | Tensor | Images,
    images: Images,
    *,
    extractor: Extractor | None = None,
    n: int = 1000,
    seed: int = 0,
    held_out: Images | None = None,
) -> Score:
    """The Fréchet distance of n generated images to all of ``images``, in an extractor's features.

    Its floor is the same number for n real images that are not among ``images``, in the place of the generated ones:
    what a generator would score that draws from the true distribution. FID at a finite n is biased upwards, so
    neither is 0, and only scores of equal n, ``images`` and extractor are comparable. A model that gives back its
    training images scores the floor too: look at ``nearest_neighbours``.

    Args:
        gan: a game; or generated images (N, C, H, W), float in [-1, 1]; or ``Images``. The first n are taken.
        images: the real images, by custom a test split.
        extractor: None is ``digits()`` or ``fashion()``, after the name of ``images``.
        n: generated images. The reals are all taken, however many; their statistics are cached.
        seed: of the game's sample.
        held_out: reals for the floor, n of which are drawn with a fixed seed. None takes the other split where
            ``images`` are a whole split of a named set, by their content; a part of it, such as one class, has another
            floor. The floor is None where these, without the pictures that are in ``images``, are fewer than n.

    Returns:
        A score whose std is its standard error over other samples of the same model, by the jackknife: each tenth of
        the n images is left out in turn. Near the floor it errs on the large side. It says nothing of training the
        model again, nor of other reals.

    Raises:
        ValueError: fewer than n images in the set, other shapes or range, or no extractor known for these images.
    """
    return _score("FID", lambda x, real: _distance([x], real), gan, images, extractor, n, seed, held_out)


def fid_infinity(
    gan: GAN | Tensor | Images,
    images: Images,
    *,
    extractor: Extractor | None = None,
    n: int = 4000,
    seed: int = 0,
    held_out: Images | None = None,
) -> Score:
    """FID extrapolated to infinitely many generated images (Chong & Forsyth 2020, "Effectively Unbiased FID").

    FID is biased by about c / n, with a c of its own for each model. So n images are cut into 1, 2, 3 and 4 equal
    parts, FID at n, n/2, n/3 and n/4 is the mean over the parts, and a line through them over 1/n ends at 1/n = 0.
    What the finite number of reals adds stays, in the floor too, which is extrapolated alike. Noise can make the
    result negative.

    Arguments and result as for ``fid``.

    Raises:
        ValueError: as ``fid``; or n is below eight times the number of features, where FID is no line in 1/n yet.
    """
    return _score("FID∞", _extrapolated, gan, images, extractor, n, seed, held_out, per_feature=2 * PARTS)


def _score(
    name: str,
    measure: Callable[[Tensor, FeatureStats], float],
    gan: GAN | Tensor | Images,
    images: Images,
    extractor: Extractor | None,
    n: int,
    seed: int,
    held_out: Images | None,
    per_feature: int = 0,
) -> Score:
    """A measure of n generated images against the reals, its jackknife, and its floor; see ``fid``."""
    n = whole("n", n, least=4)
    require(isinstance(images, Images), f"images is {type(images).__name__}; {name} is a measure of pictures")
    extractor = extractor or default_extractor(images)
    real = real_stats(images, extractor)
    fakes = _take(gan, n, seed)
    shapes = f"the generated images have shape {tuple(fakes.shape[1:])}; it must be that of the reals, {images.shape}"
    require(tuple(fakes.shape[1:]) == images.shape, shapes)
    features = _features(fakes, extractor)
    rule = f"it must be at least {per_feature} times the number of features, {real.dim}"
    require(n >= per_feature * real.dim, f"n is {n}; {rule}")
    value = measure(features, real)
    # the score without one tenth each: a jackknife, since a bootstrap repeats rows, which looks like a narrower
    # distribution and would add to the bias
    groups = min(GROUPS, n // 2)
    member = torch.arange(n, device="cpu") % groups
    left = [measure(features[member != g], real) for g in range(groups)]
    std = math.sqrt((groups - 1) * statistics.pvariance(left))
    held = _held_out_features(images, extractor, n, held_out)
    floor = None if held is None else measure(held, real)
    reals = f"{len(images):,} of {images.name}"
    return Score(value, std, n, extractor.name, floor, name, reals)


def _features(x: Tensor, extractor: Extractor) -> Tensor:
    """Features (n, dim) on the CPU, float64; of several processes each computes its share."""
    padded = torch.cat([x, x[: -len(x) % parallel.size()]])  # so that all shares are equal
    return parallel.gather(extractor(parallel.share(padded))[0])[: len(x)].cpu().double()


def _distance(parts: list[Tensor], real: FeatureStats) -> float:
    """The mean distance of parts (n, dim) of a set of features to the reals."""
    stats = [FeatureStats(real.dim, real.extractor).update(part) for part in parts]
    return sum(frechet_distance(s, real) for s in stats) / len(stats)


def _extrapolated(features: Tensor, real: FeatureStats) -> float:
    """The intercept of a line through the distances of 1 ... PARTS equal parts, over 1/n."""
    n, counts = len(features), range(1, PARTS + 1)
    values = [_distance([features[i * (n // k) : (i + 1) * (n // k)] for i in range(k)], real) for k in counts]
    line = torch.tensor([[1.0, k / n] for k in counts], dtype=torch.float64, device="cpu")  # FID_m = FID∞ + c / m
    return torch.linalg.lstsq(line, torch.tensor(values, dtype=torch.float64, device="cpu")[:, None]).solution[0].item()


# the sets that have a classifier of their own
FITTING = {
    **dict.fromkeys(("mnist5k", "mnist", "color-mnist"), digits),
    **dict.fromkeys(("fashion10k", "fashion-mnist"), fashion),
}


def default_extractor(images: Images) -> Extractor:
    """The classifier that fits a named set.

    Raises:
        ValueError: none does.
    """
    rule = "only digits and clothes have an extractor of their own: pass extractor=, such as ganlib.metrics.inception()"
    require(images.name in FITTING, f"images is {images.name!r}; {rule}")
    return FITTING[images.name]()


def real_stats(images: Images, extractor: Extractor) -> FeatureStats:
    """The statistics of all images under an extractor, cached under a hash of both."""

    def compute() -> dict[str, Tensor]:
        stats = None
        for part in images.x.split(1000):
            features = extractor(to_float(part.to(device())))[0]
            stats = stats or FeatureStats(features.shape[1])
            stats.update(features)
        return stats.tensors()

    parts = ("statistics", images.fingerprint(), extractor.name, extractor.hash)
    return FeatureStats.of(cached(parts, compute), identity(extractor))


def identity(extractor: Extractor) -> str:
    """The name of an extractor and the beginning of its weights' hash."""
    return f"{extractor.name} {extractor.hash[:8]}"


def _take(gan: GAN | Tensor | Images, n: int, seed: int) -> Tensor:
    """n generated images, float (n, C, H, W) in [-1, 1]."""
    if isinstance(gan, Images):
        return to_float(gan.take(n).x)
    if isinstance(gan, Tensor):
        check_images(gan)
        require(n <= len(gan), f"n is {n}; there are {len(gan)} generated images")
        return gan[:n]
    return gan.sample(n, seed=seed)


def _held_out_features(images: Images, extractor: Extractor, n: int, held_out: Images | None) -> Tensor | None:
    """Features (n, dim) of n reals that are not among ``images``, or None; cached."""
    require(held_out is None or held_out.shape == images.shape, "held_out must have the shape of images")
    if held_out is None and images.name not in NAMES:
        return None

    def compute() -> dict[str, Tensor]:
        others = [held_out]
        if held_out is None:
            others = [load(images.name, split, images.shape[1]) for split in ("train", "test")]
            if images.fingerprint() not in [other.fingerprint() for other in others]:
                return {"features": torch.empty(0, device="cpu")}  # a part, or other images of the same name
        x = torch.cat([other.x.cpu() for other in others])
        seen = {hash(row.tobytes()) for row in images.x.cpu().numpy()}
        x = x[torch.tensor([hash(row.tobytes()) not in seen for row in x.numpy()], device="cpu")]
        if len(x) < n:
            return {"features": torch.empty(0, device="cpu")}
        # a fixed seed: one floor for all scores against these images
        order = torch.randperm(len(x), generator=torch.Generator("cpu").manual_seed(0), device="cpu")[:n]
        return {"features": extractor(to_float(x[order]))[0]}

    source = images.name if held_out is None else held_out.fingerprint()
    parts = ("held out", images.fingerprint(), source, n, extractor.name, extractor.hash)
    try:
        features = cached(parts, compute)["features"]
    except FileNotFoundError:  # this set's other split is not at hand
        return None
    return features.double() if len(features) else None
