"""Samples as arrays that a person can look at; whoever has Matplotlib's axes can put them there."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor


def tile(images: Tensor, columns: int = 8, gap: int = 1) -> np.ndarray:
    """One picture (H', W', C) in [0, 1] from images (N, C, H, W) in [-1, 1], row by row on a white ground.

    C is 1 or 3. Where the images have another number of channels, each of them is drawn as a grey picture.
    """
    images = images.detach().float().cpu().clamp(-1, 1) / 2 + 0.5
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
