"""AmbientGAN: what a measurement leaves, that each picture is measured once, and that fakes are measured too."""

import itertools
import math

import pytest
import torch
from scipy.ndimage import gaussian_filter, rotate
from scipy.stats import binom

import ganlib as gl
from ganlib.data import measured, to_float
from ganlib.data.measured import MeasuredImages
from ganlib.models.ambient import MEASUREMENTS, AmbientGAN


@pytest.fixture(scope="module")
def digits():
    return gl.load("mnist5k", size=16).take(200)


def white(n=1, c=1, side=8):
    return torch.ones(n, c, side, side)


def test_block_pixels_blocks_each_by_itself():
    torch.manual_seed(0)
    y = measured.block_pixels(white(500, 3), p=0.3)
    assert set(y.unique().tolist()) == {-1, 1}
    assert torch.equal(y[:, 0], y[:, 1]) and torch.equal(y[:, 0], y[:, 2])  # a pixel, not a channel
    blocked = int((y[:, 0] < 0).sum())
    assert binom.cdf(blocked, 500 * 64, 0.3) == pytest.approx(0.5, abs=0.4999)
    per_pixel = (y[:, 0] < 0).float().mean(0)
    assert per_pixel.min() > 0.2 and per_pixel.max() < 0.4


@pytest.mark.parametrize("measure, inside", [(measured.keep_patch, 1), (measured.block_patch, -1)])
def test_a_patch_is_a_square_anywhere(measure, inside):
    torch.manual_seed(0)
    y = measure(white(2000, 1, 5), side=3)[:, 0]
    places = {tuple(map(int, (picture == inside).nonzero()[0])) for picture in y}
    assert places == set(itertools.product(range(3), range(3)))  # all nine corners, and no other
    for picture in y[:20]:
        i, j = (picture == inside).nonzero()[0]
        assert (picture[i : i + 3, j : j + 3] == inside).all() and (picture == inside).sum() == 9
    with pytest.raises(ValueError, match="side is 6; it must be from 1 to 5"):
        measure(white(1, 1, 5), side=6)


def test_convolve_noise_is_a_blur_and_noise(digits):
    x = to_float(digits.x[:3])
    blur = measured.blurred(x, 1.0)
    reference = torch.stack(
        [torch.as_tensor(gaussian_filter((p[0] + 1).numpy(), 1.0, mode="constant", truncate=3.0)) for p in x]
    )
    torch.testing.assert_close(blur[:, 0], reference - 1, atol=1e-5, rtol=0)
    torch.manual_seed(0)
    noise = measured.convolve_noise(x.expand(3, -1, -1, -1).repeat(200, 1, 1, 1), 1.0, 0.5) - blur.repeat(200, 1, 1, 1)
    assert noise.mean().abs() < 0.005 and noise.std() == pytest.approx(0.5, abs=0.005)


def test_a_projection_is_the_mean_along_rays(digits):
    x = to_float(digits.x[:4])
    torch.manual_seed(0)
    y = measured.project(x, angle=False)
    torch.manual_seed(0)
    turns = 2 * math.pi * torch.rand(4)
    assert (y == y[:, :, :1]).all()  # the same in every row
    for picture, turned, turn in zip(x, y, turns):
        ours = measured.rotated(picture[None], turn[None])[0, 0]
        assert torch.equal(ours.mean(0), turned[0, 0])
        other = rotate((picture[0] + 1).numpy(), math.degrees(turn), reshape=False, order=1) - 1
        assert (ours - torch.as_tensor(other)).abs().mean() < 0.02
    quarter = measured.rotated(x, torch.full((4,), math.pi / 2))
    assert torch.allclose(quarter, x.rot90(1, (2, 3)), atol=1e-4) or torch.allclose(
        quarter, x.rot90(-1, (2, 3)), atol=1e-4
    )
    torch.manual_seed(0)
    told = measured.project(x)
    assert torch.allclose(measured.rotated(told, turns)[..., 8, 5:11], y[..., 8, 5:11], atol=0.1)


def test_what_is_done_without_the_idea(digits):
    """Each mends what it is for: nearer to the whole pictures than the measurement; and in what way, by hand."""
    x = to_float(digits.x)

    def square(y):
        return (y - x).square().mean()

    torch.manual_seed(0)
    y = measured.block_pixels(x, p=0.5)
    assert square(measured.unblocked(y, p=0.5)) < square(y)
    assert torch.allclose(measured.unblocked(x, p=0.0), measured.blurred(x, 1.0), atol=1e-6)
    torch.manual_seed(0)
    y = measured.convolve_noise(x, 1.0, 0.3)
    assert square(measured.deconvolved(y, 1.0, 0.3)) < square(y)
    grey = torch.full((1, 1, 16, 16), 0.25)
    assert torch.allclose(measured.deconvolved(grey, 1.0, 0.1), grey, atol=1e-5)  # without a spectrum only its mean
    torch.manual_seed(0)
    hole = measured.window(x, 6)
    torch.manual_seed(0)
    y = measured.inpainted(x, 6, steps=2000)
    assert torch.equal(y[~hole], x[~hole]) and square(y) < square(torch.where(hole, -1, x))
    ramp = torch.linspace(-1, 1, 16).expand(1, 1, 16, 16)
    for seed in range(20):  # the smoothest surface over a hole in a plane is the plane
        torch.manual_seed(seed)
        hole = measured.window(ramp, 6)
        if hole[..., 1:-1, 1:-1].sum() == 36:
            torch.manual_seed(seed)
            assert torch.allclose(measured.inpainted(ramp, 6, steps=2000), ramp, atol=1e-4)


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_gradients_pass_through_what_is_seen(name):
    """Each measurement is linear in x but for a constant: its slope along v is the difference of two measurements."""
    measure = measured.measurement(name)
    torch.manual_seed(1)
    x, v = torch.rand(2, 5, 1, 16, 16, dtype=torch.float64)
    x.requires_grad_()

    def same(x):
        torch.manual_seed(0)
        return measure(x)

    weight = torch.rand(5, 1, 16, 16, dtype=torch.float64)
    (slope,) = torch.autograd.grad((same(x) * weight).sum(), x)
    difference = ((same(x + v) - same(x)) * weight).sum()
    assert (slope * v).sum().item() == pytest.approx(difference.item(), rel=1e-9) and difference.abs() > 0


def test_each_picture_is_measured_once(digits):
    state = torch.get_rng_state()
    data = MeasuredImages(digits, measured.block_pixels, seed=3)
    assert torch.equal(state, torch.get_rng_state())
    assert data.shape == (1, 16, 16) and len(data) == 200 and data.name == "mnist5k, measured"
    one, again = data.batches(200, seed=1), data.batches(200, seed=2)
    rows = {tuple(picture.flatten().tolist()) for picture in next(one)}
    assert rows == {tuple(picture.flatten().tolist()) for picture in next(again)}  # the same masks in every epoch
    assert torch.equal(data.x, MeasuredImages(digits, measured.block_pixels, seed=3).x)
    other = MeasuredImages(digits, measured.block_pixels, seed=4)
    assert data.fingerprint() != other.fingerprint() and data.take(5).fingerprint() != data.fingerprint()
    kept = data.x > -1
    assert torch.equal(data.x[kept], to_float(digits.x)[kept])


def test_the_discriminator_sees_measurements_alone(digits):
    """Of fakes too, in both updates; and samples are whole."""
    gl.seed_everything(0)
    gan, seen = gl.build("ambient", digits, measure=lambda x: x * 0 + 0.5, width=4), []
    gan.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    real = torch.full((8, 1, 16, 16), -0.25)
    gan.step(iter([real]))
    assert all(set(x.unique().tolist()) <= {0.5, -0.25} for x in seen) and len(seen) >= 2
    assert sum(float((x == 0.5).all(dim=(1, 2, 3)).sum()) for x in seen) == 16
    assert gan.sample(4, seed=0).std() > 0 and gan.sample(4, seed=0).unique().numel() > 100


def test_without_a_measurement_it_is_the_base_game(digits):
    runs = []
    for name, settings in (("dcgan", dict(spectral_norm=True)), ("ambient", dict(measure=lambda x: x))):
        gl.seed_everything(0)
        gan = gl.build(name, digits, width=4, **settings)
        gl.fit(gan, digits, 3, 16)
        runs.append(gan.sample(4, seed=0))
    assert torch.equal(*runs)


def test_the_critic_s_form_and_wrong_names(digits):
    assert gl.build("ambient", digits, base="wgan_gp", width=4).penalty == 10
    with pytest.raises(ValueError, match="base is 'vanilla'; it must be one of dcgan, wgan_gp"):
        gl.build("ambient", digits, base="vanilla", width=4)
    with pytest.raises(ValueError, match="measure is 'blur'; it must be one of block-pixels, "):
        gl.build("ambient", digits, measure="blur", width=4)
    with pytest.raises(ValueError, match="base is a LensGAN"):
        AmbientGAN(gl.build("lens", digits, width=4), measured.block_pixels)
