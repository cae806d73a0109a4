"""Scores of generated sets from their features or logits, each with its spread and its sample size."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlib.gan import require


@dataclass(frozen=True)
class Score:
    """A measured number, with what a reader needs to trust it; ``float(score)`` is the value.

    Attributes:
        value: the score.
        std: its uncertainty; each score says of which kind.
        n: generated images that it was computed from. Scores at different n are not comparable.
        extractor: whose features; "" where none was involved or named.
        floor: what n real images, held out of the reference, score in the place of the generated ones; None where
            no such images are at hand.
        name: what is measured.
        reals: the real images that it was measured against.
    """

    value: float
    std: float
    n: int
    extractor: str = ""
    floor: float | None = None
    name: str = "score"
    reals: str = ""

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        # two digits of the uncertainty, and as many of the value
        places = 4 if self.std == 0 or not math.isfinite(self.std) else max(0, 1 - math.floor(math.log10(self.std)))
        facts = [self.extractor] if self.extractor else []
        facts.append(f"n = {self.n:,}" + (f" against {self.reals}" if self.reals else ""))
        floor = f"; real against held-out real {self.floor:.{places}f}" if self.floor is not None else ""
        return f"{self.name} {self.value:.{places}f} ± {self.std:.{places}f} ({', '.join(facts)}{floor})"


@dataclass(frozen=True)
class Coverage:
    """How many modes a generated set reaches, and how evenly; ``float(coverage)`` is ``modes``.

    Attributes:
        modes: classes that at least one image was put in.
        total: classes that there are.
        kl: KL(generated || uniform) over the classes, in nats; 0 is even, log(total) all in one.
        n: images.
        ideal: the modes that n draws from a perfectly even generator reach on average.
    """

    modes: int
    total: int
    kl: float
    n: int
    ideal: float

    def __float__(self) -> float:
        return float(self.modes)

    def __str__(self) -> str:
        ideal = f"an even generator: {self.ideal:.1f}"
        return f"{self.modes:,} of {self.total:,} modes, KL to uniform {self.kl:.3f} (n = {self.n:,}; {ideal})"


def kid(features_a: Tensor, features_b: Tensor, *, extractor: str = "") -> Score:
    """The kernel Inception distance (Bińkowski et al. 2018, section 4): the squared maximum mean discrepancy of two
    sets of features (N, D) and (M, D) under the kernel k(x, y) = (x·y / D + 1)^3.

    The estimate is unbiased, whatever n, so equal distributions score 0 on average, and below 0 half of the time. It
    takes every pair of images; means over random subsets, as in other packages, estimate the same number less exactly.

    Returns:
        A score whose std is the standard error of its value, by the jackknife over images of both sets. For equal
        distributions it errs on the large side.

    Raises:
        ValueError: fewer than two rows, other dimensions, or features that are NaN or infinite.
    """
    check_features(features_a=features_a, features_b=features_b)
    x, y = features_a.double(), features_b.double()
    n, m, d = len(x), len(y), x.shape[1]

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / d + 1) ** 3

    def row_sums(a: Tensor, b: Tensor) -> Tensor:  # sum_j k(a_i, b_j), in chunks
        return torch.cat([kernel(part, b).sum(1) for part in a.split(1000)])

    xx = row_sums(x, x) - (x.square().sum(1) / d + 1) ** 3  # without i = j, and so unbiased
    yy = row_sums(y, y) - (y.square().sum(1) / d + 1) ** 3
    xy, yx = row_sums(x, y), row_sums(y, x)
    # Eq. 4 of Bińkowski et al.: MMD^2 = mean k(x_i, x_j) + mean k(y_i, y_j) - 2 mean k(x_i, y_j)
    value = xx.sum() / (n * (n - 1)) + yy.sum() / (m * (m - 1)) - 2 * xy.sum() / (n * m)
    variance = 0.0
    for within, across, size, other in ((xx, xy, n, m), (yy, yx, m, n)):
        if size > 2:
            # the value without image i, but for what does not depend on i
            left = (within.sum() - 2 * within) / ((size - 1) * (size - 2)) + 2 * across / ((size - 1) * other)
            variance += (size - 1) / size * (left - left.mean()).square().sum().item()
    return Score(value.item(), math.sqrt(variance), n, extractor, name="KID")


def inception_score(logits: Tensor, splits: int = 10, *, extractor: str = "") -> Score:
    """exp(E_x KL(p(y|x) || p(y))) of class logits (N, K) (Salimans et al. 2016, section 4): from 1, where every image
    gets the same prediction, to K, where each is certain and all classes are equally frequent.

    Returns:
        Mean and standard deviation over ``splits`` consecutive parts, as in the reference. The score falls with n.

    Raises:
        ValueError: logits of another shape, NaN or infinite, or fewer rows than splits.
    """
    check_features(logits=logits)
    require(1 <= splits <= len(logits), f"splits is {splits}; it must be from 1 to the number of rows, {len(logits)}")
    values = []
    for part in logits.double().tensor_split(splits):
        log_p = part.log_softmax(1)  # log p(y|x)
        marginal = log_p.exp().mean(0)  # p(y)
        # E_x KL = E_x sum_y p(y|x) log p(y|x) - sum_y p(y) log p(y)
        kl = (log_p.exp() * log_p).sum(1).mean() - torch.xlogy(marginal, marginal).sum()
        values.append(kl.exp())
    values = torch.stack(values)
    return Score(values.mean().item(), values.std(correction=0).item(), len(logits), extractor, name="inception score")


def mode_coverage(logits: Tensor, classes: int = 10) -> Coverage:
    """The classes that a generated set falls in, from logits (N, C * classes), a prediction for each of C channels.

    On colour digits (C = 3) the mode is the number 100 R + 10 G + B that the three digits write, one of 1,000; the
    literature counts them in 26,000 images (Metz et al. 2017, "Unrolled GANs", section 3.3.1, has 25,600).

    Raises:
        ValueError: logits of another shape, NaN or infinite.
    """
    check_features(logits=logits)
    n, k = logits.shape
    require(k % classes == 0, f"logits has {k} columns; it must have {classes} for each channel")
    channels = k // classes
    digits = logits.view(n, channels, classes).argmax(2)
    powers = torch.tensor([classes**i for i in reversed(range(channels))], device=digits.device)
    total = classes**channels
    q = torch.bincount((digits * powers).sum(1), minlength=total).double() / n
    kl = math.log(total) + torch.xlogy(q, q).sum().item()  # sum q log(q / (1 / total))
    ideal = total * (1 - (1 - 1 / total) ** n)  # each mode is missed n times in a row with (1 - 1/total)^n
    return Coverage(int((q > 0).sum()), total, max(kl, 0.0), n, ideal)


def precision_recall(
    real_features: Tensor, fake_features: Tensor, k: int = 3, *, extractor: str = ""
) -> tuple[Score, Score]:
    """How many fakes look real, and how much of the real is reached (Kynkäänniemi et al. 2019, Eqs. 1 and 2).

    A set (N, D) is taken to fill the union of the balls that reach from each of its points to its k-th nearest
    neighbour. Precision is the share of fakes inside the reals' union: fidelity. Recall is the share of reals inside
    the fakes' union: coverage. Use sets of equal size: with more points the balls shrink.

    Returns:
        Precision and recall, each with the standard error of a share of N.

    Raises:
        ValueError: k is not below the size of both sets, other dimensions, NaN or infinite features.
    """
    check_features(real_features=real_features, fake_features=fake_features)
    real, fake = real_features.double(), fake_features.double()
    smaller = min(len(real), len(fake))
    require(1 <= k < smaller, f"k is {k}; it must be from 1 to {smaller - 1}, below the size of the smaller set")

    def share_inside(points: Tensor, others: Tensor) -> float:
        # the (k + 1)-th smallest distance, since the nearest point of the own set is the point itself
        radii = torch.cat([euclidean(part, others).kthvalue(k + 1, dim=1).values for part in others.split(1000)])
        # Eq. 1: f(point, others) = 1 if ||point - other|| <= radius of other for at least one of them
        inside = [(euclidean(part, others) <= radii).any(1) for part in points.split(1000)]
        return torch.cat(inside).double().mean().item()

    precision, recall = share_inside(fake, real), share_inside(real, fake)  # Eq. 2
    errors = (math.sqrt(p * (1 - p) / n) for p, n in ((precision, len(fake)), (recall, len(real))))
    scores = zip(("precision", "recall"), (precision, recall), errors)
    precision, recall = (Score(p, error, len(fake), extractor, name=name) for name, p, error in scores)
    return precision, recall


def euclidean(a: Tensor, b: Tensor) -> Tensor:
    """Distances (N, M) of the rows of a (N, D) and b (M, D), from differences.

    The usual shortcut, a·a - 2 a·b + b·b by a matrix product, cancels where rows are close: copies come out apart.
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def check_features(**named: Tensor) -> None:
    """Two rows at least, the same number of columns, all values finite."""
    (first, a), *_ = named.items()
    for name, x in named.items():
        require(x.dim() == 2 and len(x) >= 2, f"{name} has shape {tuple(x.shape)}; it must be (N, D) with N at least 2")
        require(
            x.shape[1] == a.shape[1], f"{name} has {x.shape[1]} columns; it must have as many as {first}, {a.shape[1]}"
        )
        bad = (~x.isfinite()).sum().item()
        require(bad == 0, f"{name} has {bad} values that are NaN or infinite; every value must be finite")
