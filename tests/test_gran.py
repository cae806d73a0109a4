"""GRAN: the recurrence against its equations, the canvas step by step, and what the networks own."""

import pytest
import torch
from torch.nn.functional import conv2d, conv_transpose2d

import ganlib as gl
from ganlib.models.gran import GRANGenerator

SHAPE = (1, 16, 16)


def build(**settings):
    gl.seed_everything(0)
    return gl.build("gran", SHAPE, **dict(width=4, latent_dim=6) | settings)


def trained(**settings):
    """A generator in eval mode whose batch norms have seen a few batches, with weights well away from 0."""
    generator = build(**settings).generator
    with torch.no_grad():
        for p in generator.parameters():
            p.copy_(0.3 * torch.randn_like(p))
        for _ in range(5):
            generator(torch.randn(32, 6 * (generator.steps if generator.fresh_noise else 1)))
    return generator.eval()


def count(module):
    return sum(p.numel() for p in module.parameters())


def by_the_book(G, z, T, tied):
    """Eqs. 5-9 in float64, written with the state dict's arrays alone."""
    w = {key: value.double() for key, value in G.state_dict().items()}
    levels, n = len(G.f_convs), len(z)

    def norm(x, name, t):
        mean, var, scale, shift = (
            a.view(1, -1, 1, 1)
            for a in (w[f"{name}.running_mean"][t], w[f"{name}.running_var"][t], w[f"{name}.weight"], w[f"{name}.bias"])
        )
        return (x - mean) / (var + 1e-5).sqrt() * scale + shift

    def f(h, t):
        x = (h @ w["f_linear.weight"].T + w["f_linear.bias"]).view(n, -1, 4, 4)
        for i in range(levels):
            x = norm(x, f"f_norms.{i}", t).clamp(min=0)
            x = conv_transpose2d(
                x, w[f"f_convs.{i}.weight"], w[f"f_convs.{i}.bias"], stride=2, padding=2, output_padding=1
            )
        return x

    def g(x, t):
        for i in range(levels):
            weight = w[f"f_convs.{levels - 1 - i}.weight"] if tied else w[f"g_convs.{i}.weight"]
            x = norm(conv2d(x, weight, w[f"g_convs.{i}.bias"], stride=2, padding=2), f"g_norms.{i}", t).clamp(min=0)
        weight = w["f_linear.weight"][:, 6:].T if tied else w["g_linear.weight"]
        return torch.tanh(x.reshape(n, -1) @ weight.T + w["g_linear.bias"])

    delta, total, canvases = None, torch.zeros(n, *SHAPE, dtype=torch.float64), []
    for t in range(T):
        z_t = (z[:, 6 * t : 6 * (t + 1)] if G.fresh_noise else z).double()
        h_z = torch.tanh(z_t @ w["h_z.0.weight"].T + w["h_z.0.bias"])
        h_c = torch.zeros_like(h_z) if t == 0 else g(delta, min(t, G.steps - 1))
        delta = f(torch.cat([h_z, h_c], dim=1), min(t, G.steps - 1))
        total = total + delta
        canvases.append(1 / (1 + (-total).exp()))
    return torch.stack(canvases)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
@pytest.mark.parametrize("fresh_noise", [False, True], ids=["one z", "fresh z"])
def test_canvases_are_equations_5_to_9(tied, fresh_noise):
    G = trained(steps=3, tied=tied, fresh_noise=fresh_noise)
    z = torch.randn(4, 30 if fresh_noise else 6)
    canvases = G.canvases(z, steps=5)
    assert canvases.shape == (5, 4, *SHAPE)
    assert (canvases[1:] - canvases[:-1]).abs().amax(dim=(1, 2, 3, 4)).min() > 0.01  # every step draws
    torch.testing.assert_close((canvases.double() + 1) / 2, by_the_book(G, z, 5, tied), atol=1e-6, rtol=0)


@pytest.mark.parametrize("fresh_noise", [False, True], ids=["one z", "fresh z"])
def test_more_steps_leave_the_first_ones_as_they_were(fresh_noise):
    G = trained(steps=5, fresh_noise=fresh_noise)
    z = torch.randn(3, 54 if fresh_noise else 6)
    nine, five = G.canvases(z, steps=9), G.canvases(z[:, :30])
    assert len(nine) == 9 and torch.equal(nine[:5], five) and not torch.equal(nine[8], nine[4])
    assert torch.equal(G(z, steps=9), nine[-1]) and torch.equal(G(z[:, :30]), five[-1])
    assert torch.equal(G.canvases(z[:, :12], steps=2), five[:2])
    G.steps = 9
    assert torch.equal(G(z), nine[-1])


def test_the_last_canvas_reaches_z_through_every_step():
    G = trained(steps=5, fresh_noise=True)
    z = torch.randn(2, 30, requires_grad=True)
    canvases = G.canvases(z)
    (gradient,) = torch.autograd.grad(canvases[-1].sum(), z, retain_graph=True)
    assert (gradient.view(2, 5, 6).abs().amax(dim=2) > 0).all()
    (gradient,) = torch.autograd.grad(canvases[1].sum(), z)  # and no canvas sees a z that is drawn after it
    assert (gradient.view(2, 5, 6)[:, :2] != 0).any() and (gradient.view(2, 5, 6)[:, 2:] == 0).all()


def test_backpropagation_through_time_is_the_numerical_gradient():
    G = trained(steps=3).double()
    z = torch.randn(2, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(G, z)


@pytest.mark.parametrize("steps", [1, 3])
def test_fresh_noise_is_new_at_every_step(steps):
    fresh = build(steps=steps, fresh_noise=True)
    assert fresh.latent_dim == 6 * steps and fresh.latent(5).shape == (5, 6 * steps)
    if steps > 1:  # the same z over and over is the other scenario
        same = build(steps=steps)
        z = torch.randn(4, 6)
        torch.testing.assert_close(fresh.generate(z.repeat(1, steps)), same.generate(z))


def test_running_statistics_belong_to_their_step():
    """In eval mode a canvas is as in training, once the statistics have settled: of the first step and of the last."""
    G = build(steps=3).generator
    z = torch.randn(256, 6)
    with torch.no_grad():
        for p in G.parameters():
            p.copy_(0.3 * torch.randn_like(p))
        for _ in range(200):
            drawn = G.canvases(z)
        norm = G.f_norms[0]
        assert norm.running_mean.shape == (3, norm.num_features)
        assert (norm.running_mean[0] - norm.running_mean[1]).abs().max() > 0.1
        torch.testing.assert_close(G.eval().canvases(z), drawn, atol=0.02, rtol=0)


def test_one_step_is_dcgan_and_one_linear_layer():
    """GR-C3, first half, with DCGAN's kernels of 4 x 4."""
    gran = gl.build("gran", SHAPE, steps=1, width=8, latent_dim=20, kernel_size=4)
    dcgan = gl.build("dcgan", SHAPE, width=8, latent_dim=20)
    assert count(gran.generator) - count(dcgan.generator) == 20 * 20 + 20  # W and b of Eq. 7
    assert count(gran.discriminator) == count(dcgan.discriminator)
    assert [(n, p.shape) for n, p in gran.discriminator.named_parameters()] == [
        (n, p.shape) for n, p in dcgan.discriminator.named_parameters()
    ]


@pytest.mark.parametrize("steps", [2, 5])
def test_tied_weights_are_owned_once(steps):
    """GR-C3, second half: tied, g costs its biases, its norms and the columns of f that read h_c."""
    sizes = dict(width=8, latent_dim=20)
    one, tied, untied = (build(steps=t, tied=tie, **sizes) for t, tie in ((1, False), (steps, True), (steps, False)))
    flat, maps = 16 * 4 * 4, (16, 8)  # 4 x 4 -> 8 x 8 -> 16 x 16
    biases, norms, columns = sum(maps) + 20, 2 * sum(maps), 20 * flat
    assert count(tied.generator) - count(one.generator) == biases + norms + columns
    weights = 25 * (16 * 8 + 8 * 1) + 20 * flat  # what tying saves: g's kernels and its linear layer
    assert count(untied.generator) - count(tied.generator) == weights


def test_tied_weights_stay_tied_through_training_saving_and_averaging(tmp_path):
    images = gl.load("mnist5k", size=16).take(64)
    gan = build(steps=2, tied=True)
    gl.fit(gan, images, 3, batch_size=16, checkpoint=tmp_path / "run.pt", ema=0.9)
    again = build(steps=2, tied=True)
    gl.fit(again, images, 5, batch_size=16, checkpoint=tmp_path / "run.pt", ema=0.9)
    for generator in (gan.generator, gan.averaged, again.generator, again.averaged):
        f, g = generator.f_convs[0].weight, generator.g_convs[-1].weight
        assert f is g and f.shape == (8, 4, 5, 5)
    whole = build(steps=2, tied=True)
    gl.fit(whole, images, 5, batch_size=16, ema=0.9)
    for ours, theirs in zip(again.generator.parameters(), whole.generator.parameters()):
        assert torch.equal(ours, theirs)


def test_settings_are_the_papers():
    """Table 5, and rates that differ."""
    gan = gl.build("gran", (1, 28, 28), kernels=(80, 40, 1), latent_dim=60, steps=5)
    assert [tuple(c.weight.shape) for c in gan.generator.f_convs] == [(80, 40, 5, 5), (40, 1, 5, 5)]
    assert gan.generator.f_linear.weight.shape == (80 * 7 * 7, 120)
    assert gan.sample(2, seed=0).shape == (2, 1, 28, 28) and gan.latent_dim == 60 and gan.n_critic == 1
    assert count(gan.generator) == count(gl.build("gran", (1, 28, 28), width=40, latent_dim=60, steps=5).generator)
    with torch.device("meta"):
        gan = gl.build("gran", (3, 32, 32), kernels=(1024, 512, 216, 3), steps=1, g_lr=1e-3, d_lr=5e-4)
    assert [c.out_channels for c in gan.generator.f_convs] == [512, 216, 3] and gan.latent_dim == 100
    assert [m.out_channels for m in gan.discriminator.modules() if hasattr(m, "out_channels")] == [216, 512, 1024]
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in gan.optimizers.items()}
    assert rates == {"generator": 1e-3, "discriminator": 5e-4}
    assert all(isinstance(optimizer, torch.optim.Adam) for optimizer in gan.optimizers.values())
    assert gan.objective is gl.objectives.NON_SATURATING


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(steps=0), "steps is 0; it must be at least 1"),
        (dict(kernels=(8, 4, 3)), "the last must be the image's 1 channels"),
        (dict(kernels=(64, 32, 16, 8, 4, 1)), "H = W = 16 cannot be halved 5 times"),
    ],
    ids=["steps", "channels", "levels"],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        build(**settings)


def test_bad_calls():
    z = torch.randn(2, 6)
    with pytest.raises(ValueError, match=r"z has shape \(2, 7\); it must be \(N, 6\)"):
        build(steps=3).generator(torch.randn(2, 7))
    with pytest.raises(ValueError, match=r"z has shape \(2, 18\); it must be \(N, 54\)"):
        build(steps=3, fresh_noise=True).generator(torch.randn(2, 18), steps=9)
    with pytest.raises(ValueError, match="steps is 3; a generator trained with 1 step has no g"):
        build(steps=1).generator(z, steps=3)
    with pytest.raises(ValueError, match="steps is 0; it must be at least 1"):
        build(steps=3).generator.canvases(z, steps=0)
    assert isinstance(build().generator, GRANGenerator)
