"""Samples as arrays that a person can look at; whoever has Matplotlib's axes can put them there."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from ganlib.checks import require, warn_range, whole

# brightness of a face seen from the front or the back, from a side, and from above; the ground is white, 1
FRONT, SIDE, ABOVE = 0.45, 0.22, 0.78


def tile(images: Tensor, columns: int = 8, gap: int = 1) -> np.ndarray:
    """One picture (H', W', C) in [0, 1] from images (N, C, H, W), row by row on a white ground.

    The images are float in [-1, 1], or uint8 from 0 to 255. C is 1 or 3. Where the images have another number of
    channels, each of them is drawn as a grey picture.

    Raises:
        ValueError: images of another shape or type. Many float images without a pixel below 0 get a warning.
    """
    images = torch.as_tensor(images).detach().cpu()
    what = f"images is {images.dtype} {tuple(images.shape)}"
    known = images.is_floating_point() or images.dtype == torch.uint8
    rule = "it must be float in [-1, 1] or uint8, (N, C, H, W) with N at least 1"
    require(images.dim() == 4 and images.numel() > 0 and known, f"{what}; {rule}")
    if images.dtype == torch.uint8:
        images = images.float() / 255
    else:
        warn_range(len(images), images.min().item())
        images = images.float().clamp(-1, 1) / 2 + 0.5
    if images.shape[1] not in (1, 3):
        images = images.flatten(0, 1)[:, None]
    n, c, h, w = images.shape
    rows = math.ceil(n / columns)
    sheet = torch.ones(c, rows * (h + gap) - gap, columns * (w + gap) - gap, device="cpu")
    for i, image in enumerate(images):
        top, left = i // columns * (h + gap), i % columns * (w + gap)
        sheet[:, top : top + h, left : left + w] = image
    return sheet.permute(1, 2, 0).numpy()


def draw(sheet: np.ndarray, ax: Any, title: str = "") -> None:
    """Put a picture (H, W, 1 or 3) in [0, 1] on Matplotlib's axes, pixel for pixel."""
    ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_title(title)
    ax.axis("off")


def turned(solid: Tensor, turn: Tensor, tilt: Tensor | None = None, size: int | None = None) -> Tensor:
    """Solids (N, C, D, D, D), seen from cameras: resampled, so that a ray of a camera runs along the fourth axis.

    The axes are those of ``render``: x (to the right), y (to the back), z (up). Differentiable; what lies outside is 0.

    Args:
        turn: radians (N,) by which each camera goes round to the right; at 0 it looks along y.
        tilt: radians (N,) by which it is raised; None: not at all.
        size: samples along x and z of the result, D by default.
    """
    tilt = torch.zeros_like(turn) if tilt is None else tilt
    zero = torch.zeros_like(turn)
    right = torch.stack([turn.cos(), turn.sin(), zero], dim=1)
    ahead = torch.stack([-turn.sin() * tilt.cos(), turn.cos() * tilt.cos(), -tilt.sin()], dim=1)
    up = torch.linalg.cross(right, ahead)
    # where in the solid each place of the result lies; torch wants both in the order z, y, x
    frame = torch.stack([up, ahead, right], dim=2).flip(1)
    n, c, d = solid.shape[:3]
    size = d if size is None else size
    grid = affine_grid(torch.cat([frame, torch.zeros_like(frame[:, :, :1])], dim=2), (n, c, size, d, size), False)
    return grid_sample(solid, grid, align_corners=False)


def upright(x: Tensor) -> Tensor:
    """What is indexed by x and z, the last two axes, as a picture: rows are z from the top down, columns x."""
    return x.transpose(-2, -1).flip(-2)


def composed(solid: Tensor, ground: float = 1.0) -> Tensor:
    """Pictures (N, C, H, W) of solids (N, 1 + C, W, D, H), opacity and C colours in [0, 1], seen along the fourth axis.

    Each voxel of a ray adds its colour times its opacity times what the voxels before it let through; ``ground`` shines
    through the rest.
    """
    opacity, colour = solid[:, :1], solid[:, 1:]
    through = torch.cumprod(1 - opacity, dim=3)
    reached = torch.cat([torch.ones_like(through[:, :, :, :1]), through[:, :, :, :-1]], dim=3)
    return upright((reached * opacity * colour).sum(3) + ground * through[:, :, :, -1])


def render(
    voxels: Tensor | np.ndarray, turn: float = 30.0, tilt: float = 25.0, size: int = 64, smooth: int = 2
) -> Tensor:
    """Draw solid voxels, seen from one side in parallel projection: grey pictures (N, 1, size, size) in [-1, 1].

    Args:
        voxels: (N, 1, D, D, D) or (N, D, D, D), filled where the value is above 0; so both [-1, 1] and 0/1 will do. The
            last three axes are x (to the right), y (to the back) and z (up, with index 0 on the floor).
        turn: degrees by which the camera goes round to the right; at 0 it looks along y, straight at the front.
        tilt: degrees by which it is raised; at 90 it looks down.
        size: pixels wide and high. The scale depends on D and the tilt alone, so shapes keep their size when they turn.
        smooth: so many times finer drawn, and averaged.

    A face is as bright as its direction says, and darker the farther away it is.
    """
    filled = torch.as_tensor(voxels).detach().cpu() > 0
    shape = tuple(filled.shape)
    filled = filled[:, 0] if filled.dim() == 5 and shape[1] == 1 else filled
    cube = filled.dim() == 4 and len(set(filled.shape[1:])) == 1
    require(cube, f"voxels has shape {shape}; it must be (N, 1, D, D, D) or (N, D, D, D)")
    n, d, fine = len(filled), filled.shape[-1], whole("size", size) * whole("smooth", smooth)
    path, shade = _rays(d, fine, float(turn), float(tilt))
    # one more cell, always full: the ground, at which every ray ends
    cells = np.concatenate([filled.numpy().reshape(n, -1), np.ones((n, 1), bool)], axis=1)
    pictures = np.empty((n, len(path)), np.float32)
    for picture, shape in zip(pictures, cells):
        hit = shape[path].argmax(1)  # the first full cell on each ray's way
        picture[:] = np.take_along_axis(shade, hit[:, None], 1)[:, 0]
    pictures = pictures.reshape(n, size, smooth, size, smooth).mean((2, 4))
    return torch.from_numpy(pictures)[:, None] * 2 - 1


@lru_cache(maxsize=8)
def _rays(d: int, size: int, turn: float, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the cells that its ray passes, nearest first, and how bright each would be: (size * size, K).

    A cell is an index into D * D * D, or D ** 3, the ground.
    """
    a, b = math.radians(turn), math.radians(tilt)
    ahead = np.array([-math.sin(a) * math.cos(b), math.cos(a) * math.cos(b), -math.sin(b)])
    right = np.array([math.cos(a), math.sin(a), 0.0])
    up = np.cross(right, ahead)
    ahead[np.abs(ahead) < 1e-9] = 1e-9  # a ray along a plane never crosses it

    half = d / 2 * max(math.sqrt(2), math.sqrt(2) * abs(math.sin(b)) + abs(math.cos(b)))
    grid = ((np.arange(size) + 0.5) / size * 2 - 1) * half
    start = d / 2 + grid[::-1, None, None] * up + grid[None, :, None] * right  # the top row first
    start = start.reshape(-1, 1, 3) + 1e-7  # off the edges

    # where each ray crosses the planes x = 0 ... D, y = 0 ... D, z = 0 ... D; between two crossings it is in one cell
    crossings = ((np.arange(d + 1)[:, None] - start) / ahead).transpose(0, 2, 1).reshape(len(start), -1)
    order = crossings.argsort(1)
    crossings = np.take_along_axis(crossings, order, 1)
    middle = (crossings[:, :-1] + crossings[:, 1:]) / 2
    cell = np.floor(start + middle[:, :, None] * ahead).astype(np.int64)
    inside = ((cell >= 0) & (cell < d)).all(2)
    path = np.where(inside, (cell[..., 0] * d + cell[..., 1]) * d + cell[..., 2], 0)

    shade = np.array([SIDE, FRONT, ABOVE])[order[:, :-1] // (d + 1)]  # by the plane through which it came in
    shade = shade * (1 - 0.3 * (crossings[:, :-1] + half) / (2 * half)).clip(0.6, 1.15)
    # the cells inside are one run of each ray: move it to the front, and the ground after it
    first = np.argsort(~inside, axis=1, kind="stable")[:, : 3 * d]
    path, shade, inside = (np.take_along_axis(array, first, 1) for array in (path, shade, inside))
    path, shade = np.where(inside, path, d**3), np.where(inside, shade, 1.0)
    ground = np.full((len(path), 1), d**3), np.ones((len(path), 1))
    return np.hstack([path, ground[0]]), np.hstack([shade, ground[1]]).astype(np.float32)
