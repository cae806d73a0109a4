"""Measures that look at pictures scale by scale (Karras et al. 2018, section 5): how near, and how varied."""

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, interpolate, pad

from ganlib.checks import require, whole
from ganlib.metrics.scores import Score, check_features

COARSEST = 8  # pixels; the paper stops at 16
PATCH = 7
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of MS-SSIM's scales, finest first (Wang et al. 2003, section 3.2)


def filtered(x: Tensor, kernel: Tensor) -> Tensor:
    """Images (N, C, H, W) filtered with one kernel in rows and columns, where it fits: no border is made up."""
    channels = x.shape[1]
    rows = kernel.to(x).expand(channels, 1, 1, -1)
    return conv2d(conv2d(x, rows, groups=channels), rows.mT, groups=channels)


def smooth(x: Tensor) -> Tensor:
    """A binomial filter of side 5, the border mirrored (Burt and Adelson 1983)."""
    return filtered(pad(x, (2, 2, 2, 2), mode="reflect"), torch.tensor([1, 4, 6, 4, 1]) / 16)


def laplacian_pyramid(x: Tensor) -> list[Tensor]:
    """Images (N, C, H, W) as what each halving takes away, finest first, and the rest of 8 to 15 pixels.

    The images are the sum of the levels, each enlarged to full size.
    """
    levels = []
    while min(x.shape[2:]) >= 2 * COARSEST:
        small = smooth(x)[:, :, ::2, ::2]
        levels.append(x - enlarged(small, x.shape[2:]))
        x = small
    return [*levels, x]


def enlarged(x: Tensor, size: torch.Size) -> Tensor:
    """Images of twice the side, smoothly."""
    return smooth(interpolate(x, size=tuple(size), mode="nearest"))


def patches(x: Tensor, each: int, generator: torch.Generator) -> Tensor:
    """``each`` random patches of 7 x 7 of every image, (N * each, 49 C); every channel of the set has mean 0, std 1."""
    n, c, h, w = x.shape
    x = (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True).clamp(min=1e-8)
    windows = x.unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # (N, C, rows, columns, 7, 7), no copy
    image = torch.arange(n).repeat_interleave(each)
    row, column = (torch.randint(size - PATCH + 1, (n * each,), generator=generator) for size in (h, w))
    return windows[image, :, row, column].flatten(1)


def sliced_wasserstein(
    a: Tensor, b: Tensor, projections: int = 256, seed: int = 0, *, each: int = 32, extractor: str = ""
) -> list[Score]:
    """How far two sets are apart, level by level: the sliced Wasserstein distance (Karras et al. 2018, section 5).

    Images (N, C, H, W) are taken apart into a Laplacian pyramid, down to 8 pixels, and at each level random patches of
    7 x 7 are compared, ``each`` of an image. Features (N, D) are compared as they are, and have one level. What is
    compared is W1 along random directions, averaged (Rabin et al. 2011); along a line it is the mean gap of the sorted
    values.

    Returns:
        A score for each level, the finest first. Its std is the standard error over directions. Like FID it does not
        reach 0 for samples of one distribution: compare at equal n.

    Raises:
        ValueError: the sets differ in shape, are neither images of 8 pixels or more nor features, or hold fewer than
            two rows, NaN or infinite values.
    """
    require(a.shape == b.shape, f"b has shape {tuple(b.shape)}; it must have that of a, {tuple(a.shape)}")
    whole("projections", projections, least=2)
    generator = torch.Generator("cpu").manual_seed(seed)
    if a.dim() == 2:
        return [along_lines(a, b, projections, generator, extractor)]
    images = a.dim() == 4 and min(a.shape[2:]) >= COARSEST
    require(images, f"a has shape {tuple(a.shape)}; it must be images (N, C, H, W) of {COARSEST} pixels, or (N, D)")
    check_features(a=a.flatten(1), b=b.flatten(1))
    scores = []
    for levels in zip(laplacian_pyramid(a), laplacian_pyramid(b)):
        name = f"sliced Wasserstein distance at {levels[0].shape[-1]}"
        x, y = (patches(level, each, generator) for level in levels)
        scores.append(along_lines(x, y, projections, generator, extractor, name, len(a)))
    return scores


def along_lines(
    x: Tensor,
    y: Tensor,
    projections: int,
    generator: torch.Generator,
    extractor: str,
    name: str = "sliced Wasserstein distance",
    n: int | None = None,
) -> Score:
    """The mean W1 distance of the rows of x and y (M, D) along random directions, said to be of n samples."""
    check_features(a=x, b=y)
    directions = torch.randn(x.shape[1], projections, generator=generator, device="cpu", dtype=torch.float32).to(x)
    directions /= directions.norm(dim=0)
    gaps = (x @ directions).sort(0).values - (y @ directions).sort(0).values
    distances = gaps.abs().mean(0).double()
    error = distances.std().item() / math.sqrt(projections)
    return Score(distances.mean().item(), error, n or len(x), extractor, name=name)


def ms_ssim(samples: Tensor, others: Tensor | None = None, window: int = 7) -> Score:
    """How alike pictures are: multi-scale structural similarity (Wang et al. 2003), the mean over pairs.

    The pairs are the first half of the samples (N, C, H, W) in [-1, 1] with the second, or each sample with its row of
    ``others``. 1 is the same picture; a set that has collapsed is near 1. The paper's window of 11 pixels and five
    scales need 176 pixels: here are as many scales as the window fits into, with the first of the weights, rescaled
    to the sum 1. Compare at equal sizes.

    Returns:
        A score whose std is the standard error over the pairs; its n counts the samples.

    Raises:
        ValueError: fewer than four samples, other shapes, or pictures smaller than the window.
    """
    require(
        samples.dim() == 4 and len(samples) >= 4,
        f"samples has shape {tuple(samples.shape)}; it must be (N, C, H, W) with N at least 4",
    )
    n, side = len(samples), min(samples.shape[2:])
    x, y = samples.double().split(n // 2)[:2] if others is None else (samples.double(), others.double())
    require(x.shape == y.shape, f"others has shape {tuple(y.shape)}; it must have that of samples, {tuple(x.shape)}")
    require(3 <= window <= side, f"window is {window}; it must be from 3 to the pictures' side, {side}")
    scales = min(len(WEIGHTS), 1 + int(math.log2(side / window)))
    weights = [w / sum(WEIGHTS[:scales]) for w in WEIGHTS[:scales]]
    kernel = torch.exp(-((torch.arange(window, dtype=torch.float64) - (window - 1) / 2) ** 2) / (2 * 1.5**2))
    value = torch.ones(len(x), dtype=torch.float64, device=x.device)
    for scale, weight in enumerate(weights):
        if scale:
            x, y = avg_pool2d(x, 2), avg_pool2d(y, 2)
        value *= similar(x, y, kernel / kernel.sum(), light=scale == scales - 1).clamp(min=0) ** weight
    return Score(value.mean().item(), value.std().item() / math.sqrt(len(value)), n, name="MS-SSIM")


def similar(x: Tensor, y: Tensor, kernel: Tensor, light: bool) -> Tensor:
    """SSIM of pictures in [-1, 1] at one scale, (N,), with its factor for the mean light or without."""
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    mx, my = filtered(x, kernel), filtered(y, kernel)
    vx, vy, both = (
        filtered(a * b, kernel) - ma * mb for a, b, ma, mb in ((x, x, mx, mx), (y, y, my, my), (x, y, mx, my))
    )
    value = (2 * both + c2) / (vx + vy + c2)
    if light:
        value = value * (2 * mx * my + c1) / (mx**2 + my**2 + c1)
    return value.mean((1, 2, 3))
