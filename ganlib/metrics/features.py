"""Extractors: what a picture is to a score, as a vector of features and the logits of a classifier.

FID, KID, precision and recall compare features; the inception score and mode coverage count classes. A score is only
as good as its extractor: one trained on photographs sees little in digits, so digits and clothes have their own.
"""

import pickle
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from ganlib.budget import device, private_seed
from ganlib.checks import require, warn_range
from ganlib.data import BUNDLED
from ganlib.files import intact
from ganlib.metrics.cache import digest


class Extractor(Protocol):
    """What every score asks of an extractor.

    Called with images (N, C, H, W), float in [-1, 1], it gives features (N, D) and class logits (N, K), without a
    gradient and on its own device; it cuts the images into batches itself.

    Attributes:
        name: for titles and for ``Score.extractor``.
        dim: features per grey or per RGB picture.
        hash: of the weights. Features of other weights are not comparable, so it is part of the extractor's identity.
    """

    name: str
    dim: int
    hash: str

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]: ...


class Classifier(nn.Module):
    """A small convolutional classifier of images (N, channels, 32, 32) in [-1, 1]: features (N, dim), logits (N, K)."""

    def __init__(self, dim: int = 64, classes: int = 10, channels: int = 1):
        super().__init__()
        self.features = nn.Sequential(
            *_convolution(channels, 16),  # 32 -> 16 pixels
            *_convolution(16, 32),  # -> 8
            *_convolution(32, 64),  # -> 4
            nn.Flatten(),
            # batch norm gives every feature about the same weight in a distance
            nn.Linear(64 * 4 * 4, dim, bias=False), nn.BatchNorm1d(dim), nn.ReLU(),
        )  # fmt: skip
        self.logits = nn.Linear(dim, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        return features, self.logits(features)


def _convolution(before: int, after: int) -> list[nn.Module]:
    # pooled before it is normalised: a quarter of the work
    conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
    return [conv, nn.MaxPool2d(2), nn.BatchNorm2d(after), nn.ReLU()]


class ClassifierExtractor:
    """The features of a ``Classifier`` of ``data/weights/``: 64 behind its last hidden layer, and 10 logits.

    By a classifier of grey pictures a picture with several channels is read channel by channel, as if each were a grey
    picture, and the features and logits are put side by side: (N, C * 64) and (N, C * 10). On colour digits that is the
    digit in R, in G and in B. A classifier of colours reads all channels at once.

    28-pixel pictures get the border of 2 background pixels that ``load`` gives them; what is still not 32 pixels wide
    and high is resized. ``facts`` says what the classifier was trained on and how well it does.
    """

    def __init__(self, name: str):
        with safe_open(intact(BUNDLED / "weights", f"{name}.safetensors"), "pt", device="cpu") as file:
            state = {key: file.get_tensor(key) for key in file.keys()}
            self.facts: dict[str, str] = file.metadata()
        self.name, self.hash = name, digest(state)
        with private_seed(0, device()):  # the weights that are replaced below must not cost the caller's random state
            self.channels = state["features.0.weight"].shape[1]
            network = Classifier(channels=self.channels)
        network.load_state_dict(state)  # half precision on disk, single precision here
        self.dim = network.logits.in_features
        # single precision whatever torch's default is now: it is kept for the rest of the process
        self.network = network.eval().to(device(), torch.float32, memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, C * dim) and logits (N, C * 10) of images (N, C, H, W), float in [-1, 1].

        Raises:
            ValueError: images of another shape, type or range.
        """
        check_images(images)
        rule = f"{self.name} reads {self.channels} channels at once"
        fits = self.channels == 1 or images.shape[1] == self.channels
        require(fits, f"images has shape {tuple(images.shape)}; {rule}")
        where, c = self.network.logits.weight.device, self.channels
        # for a reader of grey each channel is a picture of its own: (N, C, H, W) -> (N * C, 1, H, W)
        outputs = [
            self.network(_to_32(part.to(where, torch.float32).reshape(-1, c, *images.shape[2:])))
            for part in images.split(500)
        ]
        features, logits = (torch.cat(parts).view(len(images), -1) for parts in zip(*outputs))
        return features, logits


def _to_32(x: Tensor) -> Tensor:
    if x.shape[2:] == (28, 28):
        return pad(x, (2, 2, 2, 2), value=-1)
    return x if x.shape[2:] == (32, 32) else interpolate(x, (32, 32), mode="bilinear", antialias=True)


class InceptionExtractor:
    """The Inception network of 2015-12-05 that the FID is defined by (Heusel et al. 2017), as torch-fidelity has it.

    Pictures are rounded to 8 bits and resized to 299 pixels as TensorFlow 1 did; grey ones become grey RGB. The 1008
    logits are without the last layer's bias, as the inception score's reference has them.
    """

    name, dim = "inception", 2048

    def __init__(self, path: Path):
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        try:
            # torch-fidelity unpickles whatever it is given; so first open the file in a way that runs no code of it
            state = torch.load(path, map_location="cpu", weights_only=True)
            layers = ["2048", "logits_unbiased"]
            with private_seed(0, device()):
                network = FeatureExtractorInceptionV3(self.name, layers, feature_extractor_weights_path=str(path))
        except (RuntimeError, EOFError, TypeError, AttributeError, pickle.UnpicklingError) as error:
            raise ValueError(f"weights is {path}; it is damaged, or holds no weights of this network") from error
        self.hash = digest(state)
        self.network = network.to(device(), torch.float32, memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, 2048) and logits (N, 1008) of images (N, C, H, W), float in [-1, 1], C = 1 or 3.

        Raises:
            ValueError: images of another shape, type or range.
        """
        check_images(images)
        where = self.network.fc.weight.device
        pixels = [
            part.to(where, torch.float32).add(1).mul(127.5).round().clamp(0, 255).byte() for part in images.split(50)
        ]
        outputs = [self.network(part.expand(-1, 3, -1, -1)) for part in pixels]
        features, logits = map(torch.cat, zip(*outputs))
        return features, logits


def check_images(images: Tensor) -> None:
    """Raise ``ValueError`` unless images is (N, C, H, W) with C = 1 or 3, float, in [-1, 1]; warn of [0, 1]."""
    shape = tuple(images.shape)
    ok = images.dim() == 4 and len(images) >= 1 and shape[1] in (1, 3) and images.is_floating_point()
    require(ok, f"images is {images.dtype} {shape}; it must be float (N, C, H, W) with C = 1 or 3")
    low, high = images.min().item(), images.max().item()
    in_range = -1.0001 <= low and high <= 1.0001  # false for NaN too; a blend of images may round out by a hair
    require(in_range, f"images runs from {low:.4g} to {high:.4g}; it must lie in [-1, 1]")
    warn_range(len(images), low)


def digits() -> ClassifierExtractor:
    """Our classifier of digits: trained on MNIST's training pictures but the 5,000 of ``mnist5k``."""
    return _classifier("digits", device())


def fashion() -> ClassifierExtractor:
    """Our classifier of clothes: trained on Fashion-MNIST's training pictures but the 8,000 of ``fashion10k``."""
    return _classifier("fashion", device())


def emoji_kinds() -> ClassifierExtractor:
    """Our classifier of the ten ``EMOJI_KINDS``, in colour: trained on the training split's pictures of these."""
    return _classifier("kinds", device())


@lru_cache
def _classifier(name: str, where: torch.device) -> ClassifierExtractor:
    return ClassifierExtractor(name)


def inception(weights: str | Path | None = None) -> InceptionExtractor:
    """The FID's Inception network, with weights from a file in torch-fidelity's format; None downloads them once.

    Raises:
        ImportError: torch-fidelity is not installed.
        FileNotFoundError: there is no such file, or no network to download it.
        ValueError: the file holds something else.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3 as url
    except ImportError as error:
        raise ImportError(
            "the Inception extractor needs the package torch-fidelity: pip install torch-fidelity"
        ) from error
    if weights is not None:
        weights = Path(weights).expanduser()
        if not weights.is_file():
            raise FileNotFoundError(f"weights is {weights}; there is no such file")
        return InceptionExtractor(weights)
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]  # where torch-fidelity keeps it too
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # the file's name ends in the first digits of its SHA-256
            torch.hub.download_url_to_file(url, str(path), hash_prefix=path.stem.rsplit("-", 1)[1])
        except (OSError, RuntimeError) as error:
            what = f"the Inception weights are not at {path}, and {url} could not be downloaded ({error})"
            raise FileNotFoundError(f"{what}: put the file there, or pass inception(weights=FILE)") from error
    return InceptionExtractor(path)
