"""The Generative Adversarial Metric: two GANs swap opponents (Im et al. 2016, "Generating images with recurrent
adversarial networks", section 4). Each discriminator judges the other model's fakes; who is fooled less often wins.

    battle = gam(m1, m2, test_images)
    print(battle)                           # the winner and why, rates and ratios with intervals, thresholds, n

Before you believe a winner, ask ``battles.null`` what chance alone decides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganlib.data import Images, to_float
from ganlib.gan import GAN, require
from ganlib.metrics.features import check_images
from ganlib.metrics.rates import Interval, Rate, brackets, rates, ratio, redrawn
from ganlib.metrics.thresholds import as_in, calibrated, check_calibrate, half, logits


@dataclass(frozen=True)
class Cell:
    """One cell of Table 1: how often a discriminator takes ``samples`` for real, and ``reals`` for generated.

    The reals are those of the test, off the diagonal, or of the training, on it; None where these were not given.
    """

    samples: Rate
    reals: Rate | None


@dataclass(frozen=True)
class Battle:
    """What came out of a battle; ``str(battle)`` tells it with all that is needed to judge it.

    Attributes:
        r_test: ε(D1(x_test)) / ε(D2(x_test)), NaN where it is undefined.
        r_sample: ε(D1(G2(z))) / ε(D2(G1(z))), NaN where it is undefined.
        winner: "M1", "M2" or "tie".
        why: the reason, in words.
        errors: Table 1: ``errors["D1", "G2"]`` is the ``Cell`` of D1 on G2's samples and on test images.
        interval: 95 % bootstrap interval of r_sample, None where r_sample is undefined. If it holds 1, other samples
            of the same two models may turn the verdict.
        test_interval: the same of r_test.
        thresholds: above which logit D1, and D2, say "real".
        threshold_rules: how D1's, and D2's, threshold was found: "D = ½", or how it was calibrated (see ``gam``).
    """

    r_test: float
    r_sample: float
    winner: str
    why: str
    errors: dict[tuple[str, str], Cell]
    interval: Interval | None
    test_interval: Interval | None
    thresholds: tuple[float, float]
    threshold_rules: tuple[str, str]

    @property
    def told_apart(self) -> bool:
        """Whether the battle has a winner and the interval of r_sample excludes 1."""
        return self.winner != "tie" and not self.interval[0] <= 1 <= self.interval[1]

    def __str__(self) -> str:
        verdict = "tie" if self.winner == "tie" else f"{self.winner} wins"
        doubt = "" if self.winner == "tie" or self.told_apart else ", but the interval of r_sample holds 1"
        lines = [
            f"{verdict}: {self.why}{doubt}",
            f"r_sample = {self.r_sample:.3f} {brackets(self.interval)}, r_test = {self.r_test:.3f} "
            f"{brackets(self.test_interval)}",
        ]
        for (d, g), cell in self.errors.items():
            reals = "test" if d[1] != g[1] else "train"
            beside = f"   ε({d}(x_{reals})) = {cell.reals}" if cell.reals else ""
            lines.append(f"ε({d}({g}(z))) = {cell.samples}{beside}")
        for d, threshold, how in zip(("D1", "D2"), self.thresholds, self.threshold_rules):
            lines.append(f"{d} says real above logit {threshold:.3g} ({how})")
        cell = self.errors["D1", "G2"]
        n = f"n = {cell.samples.n:,} samples of each model and {cell.reals.n:,} test images"
        return "\n".join([*lines, f"{n}; 95 % bootstrap intervals"])


def battle_winner(r_test: float, r_sample: float, tolerance: float = 0.3) -> str:
    """Eq. 11: "M1", "M2" or "tie".

    The paper leaves "r_test ≃ 1" open. Here it means 1 / (1 + tolerance) <= r_test <= 1 + tolerance, the same for
    both sides, so that swapping them swaps the verdict; 0.3 admits all of Table 2's own winners. A ratio of 0 is
    1 / 0 from the other side, so it is a tie like an undefined one (NaN or infinite).

    Raises:
        ValueError: a negative ratio or tolerance.
    """
    require(tolerance >= 0, f"tolerance is {tolerance}; it must not be negative")
    require(not (r_test < 0 or r_sample < 0), f"r_test is {r_test} and r_sample {r_sample}; neither can be negative")
    fair = 0 < r_test and max(r_test, 1 / r_test) <= (1 + tolerance) * (1 + 1e-9)  # r_test ≃ 1
    if fair and 0 < r_sample < 1:
        return "M1"  # D1 was fooled less often by G2 than D2 by G1
    if fair and 1 < r_sample < math.inf:
        return "M2"
    return "tie"


def gam(
    m1: GAN,
    m2: GAN,
    test_images: Images,
    *,
    n: int = 1000,
    tolerance: float = 0.3,
    seed: int = 0,
    train_images: Images | None = None,
    calibrate: bool | float = False,
) -> Battle:
    """The battle of two GANs.

    A discriminator errs where it takes a fake for real or a real for generated, at threshold D = ½. A critic that has
    no ½ (Wasserstein: its loss leaves a constant open) gets the threshold where it errs equally often on held-out
    reals and on fakes of its own generator. They come from a random half of the test images and from another sample;
    then both sides are scored on the other half. The intervals take the threshold as given.

    Discriminators judge in eval mode, where no image feels the others. With batch norm that is not quite the function
    that was trained (reals and fakes each had their own statistics), and ½ may lie elsewhere: see ``calibrate``.

    Args:
        test_images: reals that neither side was trained on; all are used.
        n: samples from each generator. Both get the same seed, so a model that meets itself ties, with ratios of 1.
        tolerance: what passes for r_test ≃ 1, see ``battle_winner``.
        train_images: fills the diagonal of Table 1; the verdict does not need it.
        calibrate: True calibrates every threshold, also where there is a ½. A share, such as 0.25, puts each where its
            critic misses that share of the held-out reals, whatever its own fakes: for critics that hardly err on
            their own game, whose battles are all ties. A small share leaves few errors, and so a noisy r_test.

    Raises:
        ValueError: no GAN, images of another shape, fewer than two test images or samples, a share outside (0, 1).
    """
    require(tolerance >= 0, f"tolerance is {tolerance}; it must not be negative")
    return judge(Table([m1, m2], test_images, n, seed, calibrate, train_images), 0, 1, tolerance)


def error_rate(
    gan: GAN,
    samples: Tensor | Images,
    *,
    test_images: Images | None = None,
    n: int = 1000,
    seed: int = 0,
    calibrate: bool | float = False,
) -> Rate:
    """A one-sided battle: how often a GAN's discriminator takes the samples of a model that has none, such as a VAE,
    for real (Table 3). High is good for the model that drew them.

    Args:
        samples: (N, C, H, W), float in [-1, 1]; or ``Images``.
        test_images, n, seed, calibrate: where a threshold is calibrated, on all the test images; see ``gam``.

    Raises:
        ValueError: a threshold must be calibrated, and test_images is None; samples out of range.
    """
    require(not gan.conditional, "gan is conditional: its discriminator asks for the y of samples that have none")
    x = to_float(samples.x) if isinstance(samples, Images) else samples
    check_images(x)
    check_calibrate(calibrate)
    threshold = None if calibrate else half(gan.objective)
    if threshold is None:
        rule = f"pass it to calibrate a threshold of the {gan.objective.name} discriminator on"
        require(test_images is not None, f"test_images is None; {rule}")
        threshold = calibrated(gan, test_images.x, None, n, seed, calibrate)
    wrong = (logits(gan, x) > threshold)[:, None]
    return rates(wrong, redrawn(wrong, seed))[0]


class Table:
    """Table 1 for any number of models: where they err, as bool (N,).

    ``fakes[i, j]`` is D_i on G_j's samples, ``tests[i]`` and ``trains[i]`` D_i on test and training images.
    """

    def __init__(
        self,
        models: Sequence[GAN],
        images: Images,
        n: int = 1000,
        seed: int = 0,
        calibrate: bool | float = False,
        train_images: Images | None = None,
    ):
        require(len(models) >= 2, f"there are {len(models)} models; a battle needs two")
        for i, m in enumerate(models, 1):
            rule = "it must be a GAN; samples of a model without a discriminator go to error_rate"
            require(isinstance(m, GAN), f"model {i} is a {type(m).__name__}; {rule}")
        check_calibrate(calibrate)
        require(n >= 2, f"n is {n}; it must be at least 2")
        kind = isinstance(images, Images)
        require(kind, f"test_images is {type(images).__name__}; battles are fought over pictures")
        require(len(images) >= 2, f"test_images has {len(images)} images; it must have at least 2")
        y = x_y = None
        if any(m.conditional for m in models):
            rule = "conditional games battle conditional games, on labelled test images"
            require(all(m.conditional for m in models) and images.y is not None, rule)
            y, x_y = as_in(images.y, n, seed), images.y  # all are asked for the same
        samples = [m.sample(n, seed, y=y) for m in models]
        shape = None if train_images is None else train_images.shape
        rule = f"it must be that of the test images, {images.shape}"
        require(shape in (None, images.shape), f"train_images has shape {shape}; {rule}")
        for i, x in enumerate(samples, 1):
            require(tuple(x.shape[1:]) == images.shape, f"model {i}'s samples have shape {tuple(x.shape[1:])}; {rule}")

        thresholds = [None if calibrate else half(m.objective) for m in models]
        how = "calibrated on other test images and its own fakes"
        if not isinstance(calibrate, bool):
            how = f"calibrated to miss {calibrate:.1%} of other test images"
        self.seed, self.threshold_rules = seed, ["D = ½" if t is not None else how for t in thresholds]
        x = images.x
        if None in thresholds:  # a threshold must not be scored on the images that it was fitted to
            order = torch.randperm(len(x), generator=torch.Generator("cpu").manual_seed(seed), device="cpu")
            first, second = order.to(x.device).tensor_split([len(x) // 2])
            held, x, held_y, x_y = x[first], x[second], *((None, None) if x_y is None else (x_y[first], x_y[second]))
        for i, m in enumerate(models):
            if thresholds[i] is None:
                thresholds[i] = calibrated(m, held, held_y, n, seed + 1, calibrate)
        self.thresholds = t = thresholds
        # ε counts fakes that are called real, and reals that are called generated
        self.fakes = {
            (i, j): logits(m, fakes, y) > t[i] for i, m in enumerate(models) for j, fakes in enumerate(samples)
        }
        self.tests = [logits(m, x, x_y) <= t[i] for i, m in enumerate(models)]
        self.trains = None
        if train_images is not None:
            self.trains = [
                logits(m, train_images.x, None if y is None else train_images.y) <= t[i] for i, m in enumerate(models)
            ]


def judge(table: Table, i: int, j: int, tolerance: float) -> Battle:
    """The battle of model i as M1 and model j as M2."""
    # side by side, so that the bootstrap draws both sides' answers to one test image, or to one z, together
    fakes = torch.stack([table.fakes[key] for key in ((i, j), (j, i), (i, i), (j, j))], 1)
    tests = torch.stack([table.tests[i], table.tests[j]], 1)
    fake_draws, test_draws = redrawn(fakes, table.seed), redrawn(tests, table.seed)
    d1_g2, d2_g1, d1_g1, d2_g2 = rates(fakes, fake_draws)
    d1_test, d2_test = rates(tests, test_draws)
    d1_train = d2_train = None
    if table.trains is not None:
        trains = torch.stack([table.trains[i], table.trains[j]], 1)
        d1_train, d2_train = rates(trains, redrawn(trains, table.seed))

    r_test, test_interval = ratio(d1_test, d2_test, test_draws)  # Eq. 10, left
    r_sample, interval = ratio(d1_g2, d2_g1, fake_draws)  # Eq. 10, right
    winner = battle_winner(r_test, r_sample, tolerance)  # Eq. 11
    named = {"D1(x_test)": d1_test, "D2(x_test)": d2_test, "D1(G2(z))": d1_g2, "D2(G1(z))": d2_g1}
    zeros = [name for name, rate in named.items() if rate.errors == 0]
    if winner != "tie":
        why = f"r_sample {'<' if winner == 'M1' else '>'} 1 and r_test is within a factor of {1 + tolerance:g} of 1"
    elif zeros:
        why = f"ε({zeros[0]}) = 0, and a ratio with it in the denominator is undefined"
    elif r_sample == 1:
        why = "r_sample is 1"
    else:
        why = f"r_test is not within a factor of {1 + tolerance:g} of 1, so r_sample is biased"

    errors = {
        ("D1", "G1"): Cell(d1_g1, d1_train), ("D1", "G2"): Cell(d1_g2, d1_test),
        ("D2", "G1"): Cell(d2_g1, d2_test), ("D2", "G2"): Cell(d2_g2, d2_train),
    }  # fmt: skip
    thresholds, rules = ((values[i], values[j]) for values in (table.thresholds, table.threshold_rules))
    return Battle(r_test, r_sample, winner, why, errors, interval, test_interval, thresholds, rules)
