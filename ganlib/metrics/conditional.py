"""Does a conditional game do what it is told? Agreement, quality and variety of every class, side by side.

One figure never tells: a game that draws one perfect seven for every "seven" agrees with its classes, and a game that
ignores them may have a good FID.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganlib.checks import require
from ganlib.data import Images, to_float
from ganlib.gan import Game
from ganlib.metrics.features import Extractor
from ganlib.metrics.fid_score import default_extractor, fid
from ganlib.metrics.scores import Score


@dataclass(frozen=True)
class OfClass:
    """How well a game draws one class.

    Attributes:
        name: the class.
        n: samples that were asked for.
        agreement: the share of them that the classifier takes for this class.
        classifier: the share of the class's real images that it takes for it: the ceiling.
        spread: the mean distance of two samples' features over that of two reals'; 1 is as varied as the reals, 0 is
            one picture for all.
        fid: of the samples against the class's reals, with its floor.
    """

    name: str
    n: int
    agreement: float
    classifier: float
    spread: float
    fid: Score

    def __str__(self) -> str:
        return f"{self.name}: {self.agreement:.0%} (reals {self.classifier:.0%}), spread {self.spread:.2f}, {self.fid}"


def by_class(
    gan: Game,
    images: Images,
    *,
    held_out: Images | None = None,
    extractor: Extractor | None = None,
    n: int = 100,
    seed: int = 0,
) -> list[OfClass]:
    """Ask a conditional game for n samples of every class and judge each class by itself.

    Args:
        gan: a game with ``sample(n, seed, y)``.
        images: labelled reals, by custom a test split.
        held_out: labelled reals for the floors, such as the training split; None gives no floors.
        extractor: a classifier of these classes; None is the one that fits the name of ``images``.

    Raises:
        ValueError: the images have no classes, or the classifier has others.
    """
    extractor = extractor or default_extractor(images)
    require(images.y is not None and images.y.dim() == 1, f"{images.name} has no classes to ask for")
    reports = []
    for c, name in enumerate(images.classes):
        real, others = (None if s is None else s.subset((s.y == c).nonzero()[:, 0]) for s in (images, held_out))
        fakes = gan.sample(n, seed, y=c)
        seen, said = extractor(fakes)
        real_seen, real_said = extractor(to_float(real.x))
        require(said.shape[1] == len(images.classes), f"the extractor knows {said.shape[1]} classes, not these")
        reports.append(
            OfClass(
                name, n, share(said, c), share(real_said, c), spread(seen) / spread(real_seen),
                fid(fakes, real, extractor=extractor, n=n, held_out=others),
            )
        )  # fmt: skip
    return reports


def class_agreement(
    gan: Game, images: Images, extractor: Extractor | None = None, n: int = 1000, seed: int = 0
) -> float:
    """The share of n samples, equally many of every class, that a classifier takes for what was asked for."""
    extractor = extractor or default_extractor(images)
    y = torch.arange(n, device=gan.device) % len(images.classes)
    said = extractor(gan.sample(n, seed, y=y))[1]
    return (said.argmax(1) == y.to(said.device)).float().mean().item()


def share(logits: Tensor, c: int) -> float:
    """The share of rows (N, K) whose largest number is the c-th."""
    return (logits.argmax(1) == c).float().mean().item()


def spread(features: Tensor) -> float:
    """The mean distance of two different rows (N, F)."""
    n = len(features)
    return (torch.cdist(features.double(), features.double()).sum() / (n * (n - 1))).item()
