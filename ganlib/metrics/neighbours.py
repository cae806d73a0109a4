"""The real images nearest to generated ones: the plainest test for memorised data."""

import torch
from torch import Tensor

from ganlib.data import Images, to_float
from ganlib.gan import require
from ganlib.metrics.features import check_images
from ganlib.metrics.scores import euclidean


def nearest_neighbours(samples: Tensor, images: Images | Tensor, k: int = 5) -> tuple[Tensor, Tensor]:
    """For every sample the k nearest images by Euclidean distance of pixels in [-1, 1], nearest first.

    Exact: distances come from differences, so a copy has distance 0, and of equally near images the first is named.
    Worked off in chunks of images, so a large set needs no more memory than a small one.

    Args:
        samples: (N, C, H, W), float in [-1, 1].
        images: the set to look in, or images (M, C, H, W), float in [-1, 1].

    Returns:
        Indices into ``images``, int64 (N, k), and distances (N, k).

    Raises:
        ValueError: samples out of range, images of another shape, or fewer images than k.
    """
    check_images(samples)
    x = images.x if isinstance(images, Images) else images
    if not isinstance(images, Images):
        check_images(x)
    shapes = f"images have shape {tuple(x.shape[1:])}; it must be that of the samples, {tuple(samples.shape[1:])}"
    require(x.shape[1:] == samples.shape[1:], shapes)
    require(1 <= k <= len(x), f"k is {k}; it must be from 1 to the number of images, {len(x)}")

    queries = samples.flatten(1).float()
    distances = queries.new_empty(len(samples), 0)
    indices = torch.empty(len(samples), 0, dtype=torch.int64, device=samples.device)
    for start in range(0, len(x), 2000):
        part = x[start : start + 2000].to(samples.device)
        part = to_float(part) if part.dtype == torch.uint8 else part.float()
        new = euclidean(queries, part.flatten(1))
        here = torch.arange(start, start + len(part), device=samples.device).expand(len(samples), -1)
        # the best so far come first, and a stable sort keeps them there in a tie
        distances, order = torch.cat([distances, new], 1).sort(dim=1, stable=True)
        indices = torch.cat([indices, here], 1).gather(1, order)[:, :k]
        distances = distances[:, :k]
    return indices, distances
