"""Extractors: how well the bundled classifiers judge, what they read, and the Inception network's plumbing."""

import pickle
import sys
import warnings
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

import ganlib as gl
from ganlib import files
from ganlib.data import BUNDLED, published, to_float
from ganlib.metrics import FeatureStats, digits, fashion, frechet_distance, inception
from ganlib.metrics.features import ClassifierExtractor


def accuracy(extractor, images):
    _, logits = extractor(to_float(images.x))
    return (logits.argmax(1) == images.y).double().mean().item()


# --- the classifiers


def test_making_an_extractor_costs_no_random_state():
    state = torch.get_rng_state()
    ClassifierExtractor("digits")
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("size, least", [(32, 0.985), (28, 0.985), (16, 0.975)])
def test_digits_knows_the_bundled_digits(size, least):
    assert accuracy(digits(), gl.load("mnist5k", "test", size)) > least


@pytest.mark.parametrize("size, least", [(32, 0.88), (16, 0.82)])
def test_fashion_knows_the_bundled_clothes(size, least):
    assert accuracy(fashion(), gl.load("fashion10k", "test", size)) > least


@pytest.mark.parametrize("extractor, name", [(digits, "mnist"), (fashion, "fashion-mnist")])
def test_accuracy_on_the_full_test_set_is_the_one_in_the_file(extractor, name, monkeypatch):
    monkeypatch.delitem(published.TORCHVISION, name)  # look it up, but do not download it
    try:
        images = gl.load(name, "test")
    except FileNotFoundError:
        pytest.skip(f"the full {name} is not under GANLIB_DATA")
    measured = accuracy(extractor(), images)
    assert measured == pytest.approx(float(extractor().facts["test accuracy"]), abs=5e-4)
    assert measured >= 0.985 if name == "mnist" else measured >= 0.9


@pytest.mark.parametrize("extractor", [digits, fashion])
def test_weights_are_small_and_say_where_they_come_from(extractor):
    e = extractor()
    assert (BUNDLED / "weights" / f"{e.name}.safetensors").stat().st_size < 1_000_000
    assert {"trained on", "epochs", "test accuracy", "command"} <= set(e.facts)
    assert "left out" in e.facts["trained on"], "the pictures that scores are computed on must not be learnt by heart"
    assert e is extractor(), "loaded once"


def test_the_hash_is_of_the_weights(tmp_path, monkeypatch):
    from safetensors.torch import load_file, save_file

    assert digits().hash != fashion().hash and digits().hash == ClassifierExtractor("digits").hash
    state = load_file(BUNDLED / "weights" / "digits.safetensors")
    state["logits.bias"][0] += 1
    (tmp_path / "weights").mkdir()
    save_file(state, tmp_path / "weights" / "digits.safetensors")
    monkeypatch.setattr("ganlib.metrics.features.BUNDLED", tmp_path)
    assert ClassifierExtractor("digits").hash != digits().hash


def test_features_are_the_last_hidden_layer_and_do_not_depend_on_the_batch():
    x = to_float(gl.load("mnist5k").x[:1100])  # more than two batches
    features, logits = digits()(x)
    assert features.shape == (1100, digits().dim) and logits.shape == (1100, 10)
    assert not features.requires_grad and (features.std(0) > 0).all(), "no feature is dead"
    torch.testing.assert_close(digits().network.logits(features), logits)
    alone = digits()(x[[1050]])[0]
    torch.testing.assert_close(features[[1050]], alone, atol=1e-4, rtol=1e-4)


def test_a_digit_is_the_same_at_28_and_at_32_pixels():
    small, large = (to_float(gl.load("mnist5k", "test", size).x[:50]) for size in (28, 32))
    torch.testing.assert_close(digits()(small), digits()(large))


def test_colour_digits_are_read_channel_by_channel():
    images = gl.load("color-mnist", "test").take(300)
    x = to_float(images.x)
    features, logits = digits()(x)
    assert features.shape == (300, 3 * digits().dim) and logits.shape == (300, 30)
    for c in range(3):
        one_features, one_logits = digits()(x[:, [c]])
        torch.testing.assert_close(features.chunk(3, 1)[c], one_features, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(logits.chunk(3, 1)[c], one_logits, atol=1e-4, rtol=1e-4)
    number = (logits.view(300, 3, 10).argmax(2).cpu() * torch.tensor([100, 10, 1])).sum(1)
    assert (number == images.y.cpu()).double().mean() > 0.95
    coverage = gl.metrics.mode_coverage(logits)
    assert abs(coverage.modes - len(images.y.unique())) <= 10


@pytest.mark.parametrize(
    "images, sentence",
    [
        (torch.full((2, 1, 32, 32), 1.5), r"images runs from 1.5 to 1.5; it must lie in \[-1, 1\]"),
        (torch.full((2, 1, 32, 32), float("nan")), "images runs from nan"),
        (torch.zeros(2, 1, 32, 32, dtype=torch.uint8), "images is torch.uint8"),
        (torch.zeros(2, 32, 32), r"\(2, 32, 32\); it must be float \(N, C, H, W\)"),
        (torch.zeros(2, 2, 32, 32), "with C = 1 or 3"),
        (torch.zeros(0, 1, 32, 32), r"images is torch.float32 \(0, 1, 32, 32\)"),
    ],
)
def test_extractors_refuse_what_are_no_images(images, sentence):
    with pytest.raises(ValueError, match=sentence):
        digits()(images)


# --- Inception


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file in torch-fidelity's format with random weights, of a scale at which features vary."""
    pytest.importorskip("torch_fidelity")
    from torchvision.models import inception_v3

    torch.manual_seed(0)
    network = inception_v3(num_classes=1008, aux_logits=False, init_weights=False)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.normal_(module.running_mean, std=0.1)
    path = tmp_path_factory.mktemp("weights") / "random-inception.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def extractor(weights):
    return inception(weights)


@pytest.fixture(scope="module")
def pictures():
    """Four emoji and four others, uint8."""
    x = gl.load("emoji", "test", 64).x
    return x[:4], x[4:8]


def test_inception_gives_torch_fidelitys_features(weights, extractor, pictures):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    layers = ["2048", "logits_unbiased"]
    theirs = FeatureExtractorInceptionV3("reference", layers, feature_extractor_weights_path=str(weights))
    expected = theirs(pictures[0].cpu())
    features, logits = extractor(to_float(pictures[0]))  # through [-1, 1] and back to 8 bits
    assert features.shape == (4, 2048) and logits.shape == (4, 1008) and features.std(0).mean() > 1e-3
    torch.testing.assert_close(features.cpu(), expected[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(logits.cpu(), expected[1], atol=1e-4, rtol=1e-5)


def test_inception_fid_agrees_with_other_packages(weights, extractor, pictures, monkeypatch):
    import scipy.linalg
    import torch_fidelity

    pytorch_fid = pytest.importorskip("pytorch_fid.fid_score")
    torchmetrics = pytest.importorskip("torchmetrics.image.fid")
    x, y = (extractor(to_float(part))[0].double().cpu() for part in pictures)
    tag = f"inception {extractor.hash[:8]}"
    ours = frechet_distance(*(FeatureStats(2048, tag).update(part) for part in (x, y)))

    class Listed(torch.utils.data.Dataset):
        def __init__(self, x):
            self.x = x.cpu()

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i]

    # roots of a 2048 x 2048 product take half a minute; but the features of 4 pictures and 4 span at most 8 dimensions,
    # and turned into those their distance is the same
    basis = torch.linalg.qr(torch.cat([x, y]).T)[0]
    (m1, c1), (m2, c2) = (((p @ basis).mean(0).numpy(), np.cov((p @ basis).numpy(), rowvar=False)) for p in (x, y))
    assert ours == pytest.approx(torchmetrics._compute_fid(*map(torch.from_numpy, (m1, c1, m2, c2))).item(), rel=1e-3)
    sqrtm = scipy.linalg.sqrtm
    monkeypatch.setattr(pytorch_fid.linalg, "sqrtm", lambda a, disp=True: sqrtm(a) if disp else (sqrtm(a), 0.0))
    assert ours == pytest.approx(pytorch_fid.calculate_frechet_distance(m1, c1, m2, c2), rel=1e-3)

    # the whole pipeline of torch-fidelity, from pictures to a score: KID, with subsets as large as the sets
    kid = {"kid": True, "kid_subsets": 1, "kid_subset_size": 4, "save_cpu_ram": True}  # and no worker processes
    files = {"feature_extractor_weights_path": str(weights), "cache": False, "cuda": False, "verbose": False}
    theirs = torch_fidelity.calculate_metrics(input1=Listed(pictures[0]), input2=Listed(pictures[1]), **kid, **files)
    expected = theirs["kernel_inception_distance_mean"]
    assert gl.metrics.kid(x, y).value == pytest.approx(expected, rel=1e-3)


def test_grey_pictures_become_grey_rgb(extractor):
    x = to_float(gl.load("mnist5k", "test").x[:1])
    torch.testing.assert_close(extractor(x)[0], extractor(x.repeat(1, 3, 1, 1))[0])


def test_inception_says_what_is_missing(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="weights is nowhere.pth; there is no such file"):
        inception("nowhere.pth")

    def no_network(*_, **__):
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    with pytest.raises(FileNotFoundError, match=r"not at .*checkpoints.*could not be downloaded.*inception\(weights="):
        inception()
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(ImportError, match="needs the package torch-fidelity"):
        inception()


def test_a_weights_file_cannot_run_code(tmp_path, weights):
    class Harm:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harm",)

    bad = tmp_path / "bad.pth"
    bad.write_bytes(pickle.dumps(Harm()))
    with pytest.raises(ValueError, match="damaged, or holds no weights"):
        inception(bad)
    torch.save({"harm": Harm()}, bad)
    with pytest.raises(ValueError, match="damaged, or holds no weights"):
        inception(bad)
    assert not (tmp_path / "harm").exists()
    bad.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match="damaged, or holds no weights"):
        inception(bad)
    torch.save({"fc.weight": torch.zeros(3)}, bad)
    with pytest.raises(ValueError, match="damaged, or holds no weights"):
        inception(bad)


def test_scores_are_the_same_whatever_the_default_type_and_the_images(monkeypatch, tmp_path):
    """A float64 default, as the assignments set it, must not stay in a classifier that is kept for the process."""
    from ganlib.metrics import features

    x = to_float(gl.load("mnist5k").x[:200])
    real = gl.load("mnist5k", "test").take(150)
    scores = {
        "fid": lambda x: gl.metrics.fid(x, real, n=100),
        "kid": lambda x: gl.metrics.kid(digits()(x)[0], digits()(to_float(real.x))[0]),
        "inception": lambda x: gl.metrics.inception_score(digits()(x)[1]),
        "coverage": lambda x: gl.metrics.mode_coverage(digits()(x)[1]),
        "sliced": lambda x: gl.metrics.sliced_wasserstein(x[:50], to_float(real.x[:50]))[0],
    }

    def measured():
        # several threads may add up in another order each time
        return {name: pytest.approx(float(score(x)), rel=1e-5) for name, score in scores.items()}

    wanted = {name: float(score(x)) for name, score in scores.items()}
    features._classifier.cache_clear()
    monkeypatch.setenv("GANLIB_CACHE", str(tmp_path))
    torch.set_default_dtype(torch.float64)
    try:
        assert wanted == measured()
    finally:
        torch.set_default_dtype(torch.float32)
    assert digits()(x)[0].dtype == torch.float32
    monkeypatch.setenv("GANLIB_CACHE", str(tmp_path / "other"))
    assert wanted == measured()
    assert torch.equal(digits()(x.double())[0], digits()(x)[0])
    for short in (torch.float16, torch.bfloat16):
        assert torch.equal(digits()(x.to(short))[0], digits()(x.to(short).float())[0])


def test_images_in_0_to_1_get_a_warning():
    x = gl.load("mnist5k").x[:20].float()
    with pytest.warns(UserWarning, match=r"none of 20 images has a pixel below 0; should they lie in \[-1, 1\]"):
        digits()(x / 255)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        digits()(x / 127.5 - 1)
        digits()(x[:7] / 255)  # a few may be bright


def test_every_kept_weight_is_listed_with_its_sum():
    folder = BUNDLED / "weights"
    listed = {line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in folder.glob("*.safetensors")}
    for name in listed:
        assert files.intact(folder, name).exists()


def test_a_damaged_classifier_is_named(tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    content = bytearray((BUNDLED / "weights" / "digits.safetensors").read_bytes())
    content[-1000] ^= 1  # one bit
    (tmp_path / "weights" / "digits.safetensors").write_bytes(content)
    (tmp_path / "weights" / "SHA256SUMS").write_bytes((BUNDLED / "weights" / "SHA256SUMS").read_bytes())
    monkeypatch.setattr("ganlib.metrics.features.BUNDLED", tmp_path)
    with pytest.raises(ValueError, match="digits.safetensors is damaged"):
        ClassifierExtractor("digits")
