"""Pictures of which only a measurement is left: each is measured once, and the whole is gone.

Were they measured anew for every batch, a game would see all of every picture in time, and nothing would be shown.

``MEASUREMENTS`` are AmbientGAN's (Bora, Price and Dimakis 2018, section 4). Each draws Theta for every picture and is
differentiable in x. What is not seen is black, -1, and every measurement is a picture of the same size, so that any
discriminator of pictures will do. A projection is a line of means, drawn smeared along its rays.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, conv2d, grid_sample

from ganlib import pictures
from ganlib.budget import private_seed
from ganlib.checks import require, whole
from ganlib.data import identity
from ganlib.data.batches import Batches, subset
from ganlib.data.images import Images, to_float

Measure = Callable[[Tensor], Tensor]


def drawn(x: Tensor, *shape: int, normal: bool = False) -> Tensor:
    """Theta of each picture, (N, ...), uniform in [0, 1] or normal."""
    return (torch.randn if normal else torch.rand)(len(x), *shape, device=x.device, dtype=x.dtype)


def block_pixels(x: Tensor, p: float = 0.8) -> Tensor:
    """Each pixel is black with probability p, in all channels at once."""
    seen = drawn(x, 1, *x.shape[2:]) >= p
    return torch.where(seen, x, -1)


def window(x: Tensor, side: int) -> Tensor:
    """Where a square of so many pixels lies in each picture, (N, 1, H, W) of booleans; every place is as likely."""
    h, w = x.shape[2:]
    require(1 <= side <= min(h, w), f"side is {side}; it must be from 1 to {min(h, w)}")
    corner = (drawn(x, 2) * torch.tensor([h - side + 1, w - side + 1], device=x.device)).long()[:, :, None, None]
    rows = torch.arange(h, device=x.device)[None, :, None] - corner[:, 0]
    columns = torch.arange(w, device=x.device)[None, None, :] - corner[:, 1]
    return ((rows >= 0) & (rows < side) & (columns >= 0) & (columns < side))[:, None]


def block_patch(x: Tensor, side: int = 8) -> Tensor:
    """A square of so many pixels is black."""
    return torch.where(window(x, side), -1, x)


def keep_patch(x: Tensor, side: int = 8) -> Tensor:
    """All but a square of so many pixels is black."""
    return torch.where(window(x, side), x, -1)


def gaussian(sigma: float, like: Tensor) -> Tensor:
    """The Gaussian of a standard deviation in pixels as a square kernel (1, 1, K, K) that sums to 1."""
    reach = math.ceil(3 * sigma)
    line = torch.exp(-torch.arange(-reach, reach + 1, device=like.device, dtype=like.dtype).square() / (2 * sigma**2))
    return (line[:, None] * line / line.sum() ** 2)[None, None]


def blurred(x: Tensor, sigma: float) -> Tensor:
    """Pictures (N, C, H, W) blurred by a Gaussian, on black ground."""
    kernel = gaussian(sigma, x)
    grey = (x + 1).flatten(0, 1)[:, None]
    return conv2d(grey, kernel, padding=kernel.shape[-1] // 2).view(x.shape) - 1


def convolve_noise(x: Tensor, sigma: float = 1.0, noise: float = 0.3) -> Tensor:
    """Blurred, and each pixel with normal noise of its own; values may leave [-1, 1]."""
    return blurred(x, sigma) + noise * drawn(x, *x.shape[1:], normal=True)


def rotated(x: Tensor, angle: Tensor) -> Tensor:
    """Pictures turned by angles (N,) in radians, on black ground."""
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    theta = torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)
    return grid_sample(x + 1, affine_grid(theta, list(x.shape), align_corners=False), align_corners=False) - 1


def project(x: Tensor, angle: bool = True) -> Tensor:
    """The mean along rays of a random direction, smeared along them; without ``angle`` nobody knows the direction."""
    turn = 2 * math.pi * drawn(x)
    line = rotated(x, turn).mean(2, keepdim=True).expand_as(x)
    return rotated(line, -turn) if angle else line


MEASUREMENTS: dict[str, Callable[..., Tensor]] = {
    "block-pixels": block_pixels,
    "block-patch": block_patch,
    "keep-patch": keep_patch,
    "convolve-noise": convolve_noise,
    "project": partial(project, angle=False),
    "project-angle": project,
}


# What one does without AmbientGAN: undo each measurement as well as may be, and train on that.


def unblocked(y: Tensor, p: float = 0.8, sigma: float = 1.0) -> Tensor:
    """Blocked pixels filled by a blur of what is seen, brightened by the share that is blocked, 1 / (1 - p)."""
    return ((blurred(y, sigma) + 1) / (1 - p) - 1).clamp_max(1)


def deconvolved(y: Tensor, sigma: float = 1.0, noise: float = 0.3) -> Tensor:
    """Wiener's filter for ``convolve_noise``: of all linear filters the one that comes nearest to x on average.

    Its transform is conj(H) / (|H|^2 + noise^2 / variance of x), with H that of the blur, if x is as varied at every
    frequency.
    """
    grey, kernel = y + 1, gaussian(sigma, y)[0, 0]
    side, (height, width) = kernel.shape[0], y.shape[2:]
    padded = torch.zeros(height, width, dtype=y.dtype, device=y.device)
    rows = (torch.arange(side, device=y.device) - side // 2) % height  # the kernel's middle comes to (0, 0)
    columns = (torch.arange(side, device=y.device) - side // 2) % width
    padded.index_put_((rows[:, None], columns[None]), kernel, accumulate=True)
    h = torch.fft.rfft2(padded)
    mean = grey.mean(dim=(2, 3), keepdim=True)
    signal = (grey.var(dim=(2, 3), keepdim=True) - noise**2).clamp_min(0.05)
    spectrum = h.conj() / (h.abs().square() + noise**2 / signal)
    found = torch.fft.irfft2(torch.fft.rfft2(grey - mean) * spectrum, s=(height, width))
    return (found + mean - 1).clamp(-1, 1)


def inpainted(x: Tensor, side: int = 8, steps: int = 200) -> Tensor:
    """``block_patch``, and the hole filled with the smoothest surface: each pixel is the mean of its four neighbours.

    Where the hole is, is known here, which the measurement does not say.
    """
    hole = window(x, side)
    y = torch.where(hole, -1, x)
    for _ in range(steps):  # Jacobi's iteration
        edges = nn.functional.pad(y, (1, 1, 1, 1), mode="replicate")
        mean = (edges[..., 1:-1, 2:] + edges[..., 1:-1, :-2] + edges[..., 2:, 1:-1] + edges[..., :-2, 1:-1]) / 4
        y = torch.where(hole, mean, x)
    return y


def measurement(name: str, **parameters: float) -> Measure:
    """One of ``MEASUREMENTS`` by its name, with its parameters: p, side, sigma and noise.

    Raises:
        ValueError: another name.
    """
    require(name in MEASUREMENTS, f"measure is {name!r}; it must be one of {', '.join(MEASUREMENTS)}")
    return partial(MEASUREMENTS[name], **parameters)


class MeasuredImages:
    """A set of measurements, float32 (N, C, H, W), resident on one device.

    Args:
        images: what is measured.
        measure: from pictures (N, C, H, W) in [-1, 1] to as many measurements of one shape. It may draw from torch's
            random state, which ``seed`` sets, and which is left as it was.
    """

    def __init__(self, images: Images, measure: Measure, seed: int = 0):
        with private_seed(seed, images.x.device), torch.no_grad():
            self.x = torch.cat([measure(to_float(part)) for part in images.x.split(1000)])
        self.name = f"{images.name}, measured"

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one measurement."""
        return tuple(self.x.shape[1:])

    def take(self, n: int) -> "MeasuredImages":
        """The first n measurements."""
        return subset(self, slice(whole("n", n)))

    def subset(self, index: slice | Tensor) -> "MeasuredImages":
        """The measurements of a slice, or of an index (n,)."""
        return subset(self, index)

    def batches(self, batch_size: int = 64, seed: int = 0, start: int = 0) -> Iterator[Tensor]:
        """Endless shuffled batches (B, C, H, W) from position ``start`` on; see ``Batches``."""
        device = self.x.device
        return Batches(len(self), lambda index: self.x[index], batch_size, seed, start, device, self.name, "images")

    def fingerprint(self) -> str:
        """A hash of the measurements: 16 hexadecimal digits."""
        return identity.once(self, (self.x,))

    def draw(self, samples: Tensor, ax: Any, title: str = "") -> None:
        """Draw samples (N, C, H, W) in [-1, 1] as a grid on Matplotlib's axes; what is outside is cut."""
        pictures.draw(pictures.tile(samples.clamp(-1, 1), 8), ax, title)
