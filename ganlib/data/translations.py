"""Sets to translate between, made from the bundled ones so that the right translation is known, and withheld.

To train, the two domains of a set come from different pictures, or are shuffled apart; in the test split the i-th
pictures of both are a pair: the truth.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, conv2d, grid_sample, max_pool2d

from ganlib.data.domains import Domains
from ganlib.data.images import Images

INKS = {"red": (0.9, 0.1, 0.1), "green": (0.1, 0.7, 0.1), "blue": (0.2, 0.3, 1.0)}
GROUNDS = {"dark": (0.0, 0.0, 0.0), "light": (1.0, 1.0, 1.0)}
ATTRIBUTES = (*INKS, "thin", "bold", *GROUNDS)
GROUPS = (3, 2, 2)


def painted(digits: Tensor, y: Tensor) -> Tensor:
    """Grey digits (N, 1, H, W), uint8, as attributes y (N, 7) say: uint8 (N, 3, H, W). Bold is dilated by 3 x 3.

    The columns of y are ``ATTRIBUTES``: an ink, a stroke and a ground, one of each group.
    """
    ink = digits.float() / 255
    ink = torch.where(y[:, 4, None, None, None] > 0, max_pool2d(ink, 3, stride=1, padding=1), ink)
    y = y.to(ink.dtype)
    inks, grounds = (torch.tensor(list(table.values()), device=ink.device) for table in (INKS, GROUNDS))
    front, behind = (y[:, :3] @ inks)[:, :, None, None], (y[:, 5:] @ grounds)[:, :, None, None]
    return ((ink * front + (1 - ink) * behind) * 255).round().to(torch.uint8)


def attributes(n: int, seed: int, device: torch.device) -> Tensor:
    """n random attributes (n, 7), one of each group, equally likely."""
    generator = torch.Generator("cpu").manual_seed(seed)
    columns = [
        torch.nn.functional.one_hot(torch.randint(g, (n,), generator=generator, device="cpu"), g) for g in GROUPS
    ]
    return torch.cat(columns, dim=1).to(device)


def all_attributes(device: torch.device | str = "cpu") -> Tensor:
    """The twelve different attributes (12, 7), the ground fastest."""
    parts = [torch.eye(g, dtype=torch.long, device=device) for g in GROUPS]
    return torch.stack([torch.cat([a, b, c]) for a in parts[0] for b in parts[1] for c in parts[2]])


def painted_digits(digits: Images, split: str) -> Images:
    """The digits, each with random attributes as its y; ``painted(digits.x, y)`` has the truth for any other y."""
    y = attributes(len(digits), ("train", "test").index(split), digits.x.device)
    return Images(painted(digits.x, y), y, "painted-digits", ATTRIBUTES, (), GROUPS)


def edges(x: Tensor) -> Tensor:
    """White edges on black, uint8 (N, 1, H, W): the length of Sobel's gradient of grey pictures (N, 1, H, W)."""
    sobel = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]], device=x.device)
    gradient = conv2d(x.float(), torch.stack([sobel, sobel.T])[:, None], padding=1)
    return (gradient.square().sum(1, keepdim=True).sqrt() / 4).clamp(0, 255).to(torch.uint8)


def quarter_turned(x: Tensor) -> Tensor:
    return x.rot90(1, (2, 3)).contiguous()


def from_one(images: Images, split: str, change: Callable[[Tensor], Tensor], name: str, a: str, b: str) -> Domains:
    """``change`` of the pictures as domain a, the pictures as b; to train, of the two halves of the set."""
    first = second = images
    if split == "train":
        half = len(images) // 2
        first, second = images.subset(slice(half)), images.subset(slice(half, 2 * half))
    left = Images(change(first.x), first.y, a, images.classes)
    return Domains(left, Images(second.x, second.y, b, images.classes, second.captions), name)


def tilted(x: Tensor, radians: Tensor) -> Tensor:
    """Pictures (N, C, H, W), uint8, turned anticlockwise about their middle."""
    cos, sin, zero = radians.cos(), radians.sin(), torch.zeros_like(radians)
    frame = torch.stack([torch.stack([cos, -sin, zero], 1), torch.stack([sin, cos, zero], 1)], 1)
    return grid_sample(x.float(), affine_grid(frame, list(x.shape), False), align_corners=False).round().to(torch.uint8)


def sevens_and_boots(digits: Images, clothes: Images, split: str) -> Domains:
    """Sevens and ankle boots that share only a tilt of up to 60 degrees to either side; y (N, 1) is it, in radians.

    To train the tilts are drawn apart, in the test the i-th seven and the i-th boot have the same.
    """
    sevens, boots = (s.subset((s.y == y).nonzero().flatten()) for s, y in ((digits, 7), (clothes, 9)))
    n = min(len(sevens), len(boots))
    seed = ("train", "test").index(split)
    angles = [(2 * torch.rand(n, generator=torch.Generator("cpu").manual_seed(s), device="cpu") - 1) * math.pi / 3
              for s in (seed, seed + 2 * (split == "train"))]  # fmt: skip
    parts = [
        Images(tilted(s.x[:n], angle.to(s.x.device)), angle[:, None], s.name)
        for s, angle in zip((sevens, boots), angles)
    ]
    return Domains(parts[0], parts[1], "sevens-boots")


def outlines(emoji: Images, split: str) -> Domains:
    """Grey outlines of emoji, and the emoji."""

    def grey(x: Tensor) -> Tensor:
        weights = torch.tensor([0.299, 0.587, 0.114], device=x.device)[:, None, None]
        return 255 - edges((x.float() * weights).sum(1, keepdim=True))

    return from_one(emoji, split, grey, "outlines-emoji", "outlines", "emoji")
