"""The Fréchet distance between two Gaussians fitted to features (Heusel et al. 2017, "GANs Trained by a Two Time-Scale
Update Rule", Eq. 6), from statistics that are gathered batch by batch.
"""

import math

import torch
from torch import Tensor

from ganlib.gan import require


class FeatureStats:
    """Mean and covariance of features (N, dim) that arrive in batches, in float64 on the CPU.

    Up to ``dim`` rows are kept as they are, since the distance is found faster from few rows than from a covariance;
    beyond that only the mean and the scatter matrix are, so memory does not grow with n. Neither the batch size nor the
    order matters beyond rounding.

    Args:
        dim: the number of features.
        extractor: whose features these are; statistics of two extractors do not mix. "" is not checked.

    Attributes:
        n: rows so far.
    """

    def __init__(self, dim: int, extractor: str = ""):
        require(dim >= 1, f"dim is {dim}; it must be at least 1")
        self.dim, self.extractor, self.n = dim, extractor, 0
        self.rows: Tensor | None = torch.empty(0, dim, dtype=torch.float64, device="cpu")  # None beyond dim rows
        self._mean, self._scatter = torch.empty(0), torch.empty(0)  # meaningful where rows is None

    def update(self, features: Tensor) -> "FeatureStats":
        """Add a batch (N, dim); returns itself.

        Raises:
            ValueError: another shape, or a feature that is NaN or infinite.
        """
        shape = tuple(features.shape)
        require(len(shape) == 2 and shape[1] == self.dim, f"features has shape {shape}; it must be (N, {self.dim})")
        features = features.detach().to("cpu", torch.float64)
        bad = (~features.isfinite()).sum()
        require(bad == 0, f"features has {bad} values that are NaN or infinite; every feature must be finite")
        if self.rows is not None and self.n + len(features) <= self.dim:
            self.rows = torch.cat([self.rows, features])
            self.n += len(features)
        elif len(features):
            mean = features.mean(0)
            self._add(len(features), mean, features - mean)
        return self

    def merge(self, other: "FeatureStats") -> "FeatureStats":
        """Add the rows of other statistics, in place, as if this one had seen them; returns itself.

        Raises:
            ValueError: other dimensions, or another extractor.
        """
        _check_pair(self, other)
        if other.rows is not None:
            return self.update(other.rows)
        self._add(other.n, other._mean, None)
        self._scatter += other._scatter
        return self

    def _add(self, n: int, mean: Tensor, centred: Tensor | None) -> None:
        """Add n rows of a mean, given their centred rows (whose scatter is added too), by Chan et al. 1983.

        Sums of squares about the mean are added, never squares about zero: a large mean does not cancel.
        """
        if self.rows is not None:  # from now on: mean and scatter
            rows, self.rows = self.rows, None
            self._mean = rows.mean(0) if self.n else torch.zeros_like(mean)
            self._scatter = (rows - self._mean).T @ (rows - self._mean)
        delta = mean - self._mean
        # scatter += sum (x - mean)(x - mean)^T + delta delta^T n_a n_b / (n_a + n_b): the last term as one more row
        between = (delta * math.sqrt(self.n * n / (self.n + n)))[None]
        rows = between if centred is None else torch.cat([centred, between])
        self._scatter.addmm_(rows.T, rows)
        self._mean = self._mean + delta * (n / (self.n + n))
        self.n += n

    @property
    def mean(self) -> Tensor:
        """(dim,)"""
        require(self.n >= 1, "the statistics hold no rows; a mean needs at least 1")
        return self._mean if self.rows is None else self.rows.mean(0)

    @property
    def cov(self) -> Tensor:
        """(dim, dim), divided by n - 1."""
        if self.rows is None:
            return self._scatter / (self.n - 1)
        x = self.factor()
        return x.T @ x

    def factor(self) -> Tensor | None:
        """X (n, dim) with cov = X^T X, the centred rows over sqrt(n - 1); None where the rows were not kept."""
        require(self.n >= 2, f"the statistics hold {self.n} rows; a covariance needs at least 2")
        return None if self.rows is None else (self.rows - self.rows.mean(0)) / math.sqrt(self.n - 1)

    def tensors(self) -> dict[str, Tensor]:
        """Everything but the names, to be written to a file or sent to another process; ``of`` reads it back."""
        if self.rows is not None:
            return {"rows": self.rows}
        return {"n": torch.tensor(self.n), "mean": self._mean, "scatter": self._scatter}

    @staticmethod
    def of(tensors: dict[str, Tensor], extractor: str = "") -> "FeatureStats":
        """The statistics that ``tensors`` came from."""
        if "rows" in tensors:
            return FeatureStats(tensors["rows"].shape[1], extractor).update(tensors["rows"])
        stats = FeatureStats(len(tensors["mean"]), extractor)
        stats.rows, stats.n = None, int(tensors["n"])
        stats._mean, stats._scatter = tensors["mean"], tensors["scatter"]
        return stats


def frechet_distance(a: FeatureStats, b: FeatureStats) -> float:
    """The squared Fréchet (2-Wasserstein) distance of N(mean_a, A) and N(mean_b, B), never negative:

        ||mean_a - mean_b||^2 + tr A + tr B - 2 tr (AB)^{1/2}

    AB is not symmetric and its square root by ``sqrtm`` is slow and comes out complex. But tr (AB)^{1/2} is the sum of
    the square roots of AB's eigenvalues, and those are also the eigenvalues of a symmetric matrix.

    Raises:
        ValueError: fewer than two rows, other dimensions, or statistics of another extractor.
    """
    _check_pair(a, b)
    x, y = a.factor(), b.factor()
    trace = sum(s.cov.trace().item() if f is None else f.square().sum().item() for s, f in ((a, x), (b, y)))
    distance = (a.mean - b.mean).square().sum().item() + trace - 2 * _trace_of_root(a, b, x, y)
    return max(distance, 0.0)


def _trace_of_root(a: FeatureStats, b: FeatureStats, x: Tensor | None, y: Tensor | None) -> float:
    """tr (AB)^{1/2}, by the smallest matrix that has the same eigenvalues as AB, or their roots."""
    if x is not None and y is not None:
        # A = X^T X and B = Y^T Y: AB has the eigenvalues of (X Y^T)(X Y^T)^T, whose roots are X Y^T's singular values
        return torch.linalg.svdvals(x @ y.T).sum().item()
    if x is None and y is not None:
        a, b, x = b, a, y  # AB and BA have the same eigenvalues
    if x is None:
        x = _root(a.cov)
    # A = X^T X: AB = X^T (X B) has the eigenvalues of X B X^T, a symmetric matrix without negative eigenvalues
    return torch.linalg.eigvalsh(x @ b.cov @ x.T).clamp_min(0).sqrt().sum().item()


def _root(cov: Tensor) -> Tensor:
    """X with cov = X^T X: the Cholesky factor, or for a singular covariance one from its eigenvalues."""
    upper, failed = torch.linalg.cholesky_ex(cov, upper=True)
    if not failed:
        return upper
    values, vectors = torch.linalg.eigh(cov)
    return values.clamp_min(0).sqrt()[:, None] * vectors.T


def _check_pair(a: FeatureStats, b: FeatureStats) -> None:
    require(a.dim == b.dim, f"b has {b.dim} features and a {a.dim}; both must have the same number")
    same = a.extractor == b.extractor or not (a.extractor and b.extractor)
    require(same, f"b holds features of {b.extractor}, a of {a.extractor}; both must come from one extractor")
