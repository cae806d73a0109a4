"""DVAE and DRAW: their bounds against likelihoods that can be computed, their parts against closed forms."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

import ganlib as gl
from ganlib.models.draw import DRAW, filterbank
from ganlib.models.dvae import DVAE, bernoulli_loss, kl_to_standard_normal

SHAPE = (1, 4, 4)
makers = pytest.mark.parametrize(
    "make",
    [
        lambda shape: DVAE(shape, width=16, latent_dim=2),
        lambda shape: DRAW(shape, width=16, latent_dim=2, steps=3),
        lambda shape: DRAW(shape, width=16, latent_dim=2, steps=3, attention=2),
    ],
    ids=["dvae", "draw", "draw with attention"],
)


@pytest.fixture
def bars():
    """Eight images of 4 x 4 with one bright row or column."""
    x = torch.full((8, *SHAPE), -1.0)
    for i in range(4):
        x[i, 0, i] = x[4 + i, 0, :, i] = 1
    return x


def spread_(model, scale=0.4):
    """Weights large enough for the encoder and the decoder to say something."""
    torch.manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, scale)
    return model


def test_divergence_is_the_closed_form():
    mean, log_std = torch.randn(7, 5), torch.randn(7, 5)
    expected = kl_divergence(Normal(mean, log_std.exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(kl_to_standard_normal(mean, log_std), expected)
    assert kl_to_standard_normal(torch.zeros(1, 3), torch.zeros(1, 3)) == 0


def test_reconstruction_is_the_bernoulli_likelihood():
    logits, x = torch.randn(6, 3, 4, 4), torch.randint(0, 2, (6, 3, 4, 4)).float()
    expected = -Bernoulli(logits=logits).log_prob(x).sum(dim=(1, 2, 3))
    torch.testing.assert_close(bernoulli_loss(logits, x), expected)
    grey = torch.full((1, 1, 2, 2), 0.25)  # grey is a probability: the best logits give its entropy
    entropy = -4 * (0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert bernoulli_loss(torch.logit(grey), grey).item() == pytest.approx(entropy)


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_bound_of_dvae_is_below_the_likelihood(noise, bars):
    """With one latent number, log p(x) = log of an integral over z that a fine grid gives."""
    torch.manual_seed(0)
    model = DVAE(SHAPE, width=16, latent_dim=1, noise=noise, lr=1e-2)
    for _ in range(300):
        model.step(iter([bars]))
    with torch.no_grad():
        z = torch.linspace(-8, 8, 4001).view(-1, 1)
        logits = model.decode(z)
        log_joint = torch.stack(
            [Normal(0.0, 1.0).log_prob(z[:, 0]) - bernoulli_loss(logits, ((x + 1) / 2).expand_as(logits)) for x in bars]
        )
        log_p = torch.logsumexp(log_joint, dim=1) + math.log(16 / 4000)
        torch.manual_seed(0)
        bound = -sum(sum(model.terms(bars)) for _ in range(2000)) / 2000
    assert (bound < log_p + 0.02).all()
    assert (log_p - bound).mean() < 4 and (log_p > -16 * math.log(2)).all()  # it learnt, and the bound is no triviality


@pytest.mark.parametrize("attention", [None, 2])
def test_bound_of_draw_is_below_an_importance_weighted_one(attention, bars):
    """log of the mean of 5,000 importance weights is a closer bound than the mean of their logs; both are below 0."""
    model = spread_(DRAW(SHAPE, width=8, latent_dim=1, steps=2, attention=attention))
    torch.manual_seed(0)
    x = bars[:1].expand(5000, -1, -1, -1)
    with torch.no_grad():
        reconstruction, kl = model.terms(x)
        bound = -(reconstruction + kl).mean().item()
        z = torch.cartesian_prod(*[torch.linspace(-6, 6, 121)] * 2)  # the exact log p(x), by a grid over z_1 and z_2
        loss = bernoulli_loss(model.decode(z), ((bars[:1] + 1) / 2).expand(len(z), -1, -1, -1))
        log_p = torch.logsumexp(Normal(0.0, 1.0).log_prob(z).sum(1) - loss, dim=0).item() + 2 * math.log(0.1)
    assert bound < log_p < 0 and log_p - bound < 10


def test_dvae_encodes_the_corrupted_image_and_rebuilds_the_clean_one(bars):
    seen = []
    model = DVAE(SHAPE, width=16, latent_dim=2, noise=0.5)
    model.encoder.register_forward_hook(lambda m, inputs, out: seen.append(inputs[0]))
    x = bars.repeat(500, 1, 1, 1)
    reconstruction, _ = model.terms(x)
    noise = seen[0] - (x + 1) / 2
    assert noise.std().item() == pytest.approx(0.5, abs=0.01) and abs(noise.mean().item()) < 0.01
    with torch.no_grad():
        model.decoder[2].weight.zero_(), model.decoder[2].bias.fill_(20)  # sure of white everywhere
    dark = ((1 - x) / 2).flatten(1).sum(1)  # 12 dark pixels, each wrong by 20 nats
    torch.testing.assert_close(model.terms(x)[0], 20 * dark, atol=1e-3, rtol=0)


def test_draw_adds_to_its_canvas_and_each_step_sees_what_lacks(bars):
    model = spread_(DRAW(SHAPE, width=8, latent_dim=2, steps=4))
    z = torch.randn(3, 8)
    canvases = model.canvases(z)
    assert canvases.shape == (4, 3, *SHAPE)
    torch.testing.assert_close(canvases[-1], model.generate(z))
    earlier = model.canvases(torch.cat([z[:, :4], torch.randn(3, 4)], dim=1))
    torch.testing.assert_close(earlier[:2], canvases[:2])
    assert (earlier[2] - canvases[2]).abs().max() > 0.01
    seen = []
    model.read = lambda x, error, h: seen.append(error) or torch.cat([x, error], 1).flatten(1)
    drawn = []
    write = model.write
    model.write = lambda h: drawn.append(write(h)) or drawn[-1]
    model.terms(bars)
    for t in range(4):
        canvas = sum(drawn[:t], torch.zeros_like(bars))
        torch.testing.assert_close(seen[t], (bars + 1) / 2 - torch.sigmoid(canvas))


def test_filters_are_gaussians_where_they_should_be():
    # centre of the image, variance 1, stride exp(log_stride) * (9 - 1) / (3 - 1) = 2: pixels 2, 4 and 6
    parameters = torch.tensor([[0.0, 0.0, 0.0, math.log(0.5), math.log(3.0)]])
    f_y, f_x, intensity = filterbank(parameters, 3, 9, 9)
    pixels = torch.arange(9.0)
    for i, centre in enumerate((2.0, 4.0, 6.0)):
        gauss = (-(pixels - centre).square() / 2).exp()
        torch.testing.assert_close(f_x[0, i], gauss / gauss.sum())
    torch.testing.assert_close(f_y, f_x)
    assert intensity.item() == pytest.approx(3.0)
    right = filterbank(torch.tensor([[1.0, 0.0, -9.0, -9.0, 0.0]]), 3, 9, 9)[1][0]
    torch.testing.assert_close(right, torch.eye(9)[8].expand(3, 9), atol=1e-3, rtol=0)  # all at the right edge


def test_attention_writes_where_it_points():
    model = DRAW((1, 9, 9), width=4, attention=1)
    with torch.no_grad():
        for layer in (model.write_where, model.writer[0]):
            layer.weight.zero_()
        model.writer[0].bias.fill_(2.0)
        model.write_where.bias.copy_(torch.tensor([0.5, -1.0, -9.0, 0.0, math.log(4.0)]))
    written = model.write(torch.randn(1, 4))[0, 0]
    assert written[0, 6].item() == pytest.approx(0.5, abs=1e-3)  # x = 0.5 is pixel 6, y = -1 the first row; 2 / 4
    assert written.sum().item() == pytest.approx(0.5, abs=1e-3)


@makers
def test_fit_trains_them(make, bars, tmp_path):
    gl.seed_everything(0)
    images = gl.Images(((bars + 1) * 127.5).to(torch.uint8).repeat(8, 1, 1, 1), None, "bars")
    model = make(SHAPE)
    history = gl.fit(model, images, 150, batch_size=32, every=50, checkpoint=tmp_path / "model.pt")
    assert history.names == ["loss", "reconstruction", "kl"]
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert history["loss"][0] == pytest.approx(history["reconstruction"][0] + history["kl"][0], abs=1e-4)
    samples = model.sample(5, seed=3)
    assert samples.shape == (5, *SHAPE) and samples.min() >= -1 and samples.max() <= 1
    state = torch.get_rng_state()
    assert torch.equal(samples, model.sample(5, seed=3)) and not torch.equal(samples, model.sample(5, seed=4))
    assert torch.equal(torch.get_rng_state(), state)
    again = make(SHAPE)
    gl.restore(again, tmp_path / "model.pt")
    assert torch.equal(again.sample(5, seed=3), samples)


@makers
def test_a_step_runs_on_the_meta_device(make):
    with torch.device("meta"):
        logs = make((1, 16, 16)).step(gl.load("mnist5k", size=16).batches(8))
    assert all(value.device.type == "meta" and value.shape == () for value in logs.values())


def test_bad_calls():
    with pytest.raises(ValueError, match="noise is -1; it must not be negative"):
        DVAE(SHAPE, noise=-1)
    with pytest.raises(ValueError, match="steps is 0; it must be at least 1"):
        DRAW(SHAPE, steps=0)
    with pytest.raises(ValueError, match=r"z has shape \(2, 5\); it must be \(N, 6\)"):
        DRAW(SHAPE, latent_dim=2, steps=3).generate(torch.randn(2, 5))
    with pytest.raises(ValueError, match="n is 0; it must be at least 1"):
        DVAE(SHAPE).sample(0)
