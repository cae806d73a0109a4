"""One step of the game: who moves, what is drawn, what is refused."""

import copy
import functools
import math

import pytest
import torch
from torch import nn

import ganlib as gl
from ganlib.models import dcgan
from ganlib.objectives import HINGE, NON_SATURATING, WASSERSTEIN, gradient_penalty, r1

SHAPE = (1, 16, 16)


def pair(latent_dim=4):
    generator = nn.Sequential(nn.Linear(latent_dim, 256), nn.Tanh(), nn.Unflatten(1, SHAPE))
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(256, 1), nn.Flatten(0))
    return generator, discriminator


def reals(n=8):
    while True:
        yield torch.rand(n, *SHAPE) * 2 - 1


def test_a_step_draws_one_batch_for_each_critic_update():
    drawn = []

    def counted():
        for batch in reals():
            drawn.append(batch)
            yield batch

    updates = []
    gan = gl.GAN(*pair(), NON_SATURATING, 4, n_critic=3)
    gan.discriminator_step = lambda real, fake: updates.append((real, fake)) or {}
    assert set(gan.step(counted())) == {"g_loss"}
    assert len(drawn) == 3 and all(a is b for a, (b, _) in zip(drawn, updates))
    fakes = [fake for _, fake in updates]
    assert all(fake.shape == drawn[0].shape and not fake.requires_grad for fake in fakes)
    assert not torch.equal(fakes[0], fakes[1]) and not torch.equal(fakes[1], fakes[2])


def test_sgd_step_is_the_formula():
    """One step with plain SGD against Algorithm 1 written out with autograd on the same random draws."""
    torch.manual_seed(0)
    sgd = lambda parameters: torch.optim.SGD(parameters, lr=0.1)  # noqa: E731
    gan = gl.GAN(*pair(), NON_SATURATING, 4, g_optimizer=sgd, d_optimizer=sgd)
    generator, discriminator = copy.deepcopy((gan.generator, gan.discriminator))
    real = next(reals())
    torch.manual_seed(1)
    logs = gan.step(iter([real]))

    torch.manual_seed(1)
    d_loss = -torch.log(torch.sigmoid(discriminator(real))).mean()
    d_loss = d_loss - torch.log(1 - torch.sigmoid(discriminator(generator(torch.randn(8, 4))))).mean()
    parameters = list(discriminator.parameters())
    with torch.no_grad():
        for parameter, gradient in zip(parameters, torch.autograd.grad(d_loss, parameters)):
            parameter -= 0.1 * gradient
    g_loss = -torch.log(torch.sigmoid(discriminator(generator(torch.randn(8, 4))))).mean()
    parameters = list(generator.parameters())
    with torch.no_grad():
        for parameter, gradient in zip(parameters, torch.autograd.grad(g_loss, parameters)):
            parameter -= 0.1 * gradient
    for ours, theirs in ((gan.generator, generator), (gan.discriminator, discriminator)):
        for a, b in zip(ours.parameters(), theirs.parameters()):
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)
    assert logs["d_loss"].item() == pytest.approx(d_loss.item(), rel=1e-5)
    assert logs["g_loss"].item() == pytest.approx(g_loss.item(), rel=1e-5)


def test_no_gradient_that_is_not_used():
    gan = gl.GAN(*pair(), NON_SATURATING, 4)
    gan.discriminator_step(next(reals()))
    assert all(p.grad is None for p in gan.generator.parameters())
    gradients = [p.grad.clone() for p in gan.discriminator.parameters()]
    gan.generator_step(next(reals()))  # goes through the discriminator and leaves no gradient there
    assert all(torch.equal(p.grad, g) for p, g in zip(gan.discriminator.parameters(), gradients))
    assert all(p.requires_grad for p in gan.parameters())


def test_batch_norm_sees_reals_and_fakes_apart():
    seen = []

    def watch(module, inputs):
        seen.append(inputs[0].detach().clone())

    plain = gl.build("dcgan", SHAPE, width=4, spectral_norm=True)
    plain.discriminator.register_forward_pre_hook(watch)
    real = next(reals())
    plain.discriminator_step(real)
    assert [len(x) for x in seen] == [16] and torch.equal(seen[0][:8], real)
    seen.clear()
    normed = gl.build("dcgan", SHAPE, width=4)
    normed.discriminator.register_forward_pre_hook(watch)
    normed.discriminator_step(real)
    assert [len(x) for x in seen] == [8, 8] and torch.equal(seen[0], real)


def test_penalty_and_clip_are_in_the_step():
    gan = gl.GAN(*pair(), WASSERSTEIN, 4, penalty=10.0, clip=0.01)
    logs = gan.step(reals())
    assert set(logs) == {"d_loss", "d_real", "d_fake", "g_loss", "penalty"}
    assert max(p.abs().max() for p in gan.discriminator.parameters()) <= 0.01
    # d_loss is the objective alone: D(G(z)) - D(x), without the penalty
    torch.testing.assert_close(logs["d_loss"], logs["d_fake"] - logs["d_real"])
    free = gl.GAN(*pair(), WASSERSTEIN, 4)
    free.step(reals())
    assert max(p.abs().max() for p in free.discriminator.parameters()) > 0.01


def test_an_average_counts_shared_weights_once():
    shared = nn.Linear(4, 4, bias=False)
    generator = nn.Sequential(shared, shared, nn.Linear(4, 256), nn.Tanh(), nn.Unflatten(1, SHAPE))
    gan = gl.GAN(generator, pair()[1], NON_SATURATING, 4)
    gan.keep_average()
    torch.nn.init.zeros_(gan.averaged[0].weight)
    gan.average(0.9)
    torch.testing.assert_close(gan.averaged[0].weight, 0.1 * shared.weight)


def test_a_partial_penalty_has_a_repr():
    zero_centred = functools.partial(gradient_penalty, target=0.0)
    assert "target=0.0" in repr(gl.GAN(*pair(), WASSERSTEIN, 4, penalty=1.0, penalty_fn=zero_centred))


def test_r1_is_one_switch_of_the_step():
    """d_loss + weight * mean of ||grad D(x)||^2 at the reals: with a linear critic that is its squared norm."""
    gan = gl.GAN(*pair(), HINGE, 4, penalty=5.0, penalty_fn=r1)
    norm = gan.discriminator[1].weight.norm().item()
    assert gan.discriminator_step(next(reals()))["penalty"].item() == pytest.approx(norm**2, rel=1e-5)


def test_sample_leaves_randomness_and_mode_alone():
    gan = gl.build("dcgan", SHAPE, width=4)
    gan.train()
    gan.discriminator.eval()
    state = torch.get_rng_state()
    assert not torch.equal(gan.sample(3), gan.sample(3))
    assert torch.equal(gan.sample(3, seed=5), gan.sample(3, seed=5))
    assert torch.equal(torch.get_rng_state(), state)
    assert gan.generator.training and not gan.discriminator.training
    many = gan.sample(1100, seed=1)  # more than one chunk
    torch.testing.assert_close(many[:3], gan.sample(1100, seed=1)[:3])
    assert many.shape == (1100, *SHAPE) and not many.requires_grad


@pytest.mark.parametrize("c", [0.1, 0.5, 1.0])
def test_stable_rank_norm_against_the_singular_values(c):
    """sigma_1 becomes 1; the others keep their ratios, and shrink together where their squares exceed the limit."""
    torch.manual_seed(0)
    layers = dcgan.stable_rank_norm_(nn.Sequential(nn.Conv2d(3, 16, 4), nn.Linear(10, 6), nn.ReLU()).double(), c)
    x = torch.rand(1, 3, 4, 4, dtype=torch.float64)
    for _ in range(300):
        layers[0](x), layers[1](torch.rand(2, 10, dtype=torch.float64))
    layers.eval()
    for layer, least in ((layers[0], 16), (layers[1], 6)):
        u, s, vh = torch.linalg.svd(layer.parametrizations.weight.original.detach().flatten(1), full_matrices=False)
        limit = max(1, c * least)
        rest = s[1:] / s[0]
        rest = rest * min(1, math.sqrt((limit - 1) / rest.square().sum().item())) if limit > 1 else 0 * rest
        wanted = u @ torch.diag(torch.cat([torch.ones(1, dtype=s.dtype), rest])) @ vh
        torch.testing.assert_close(layer.weight.flatten(1), wanted, atol=1e-9, rtol=0)
        values = torch.linalg.svdvals(layer.weight.flatten(1))
        assert values.square().sum() / values[0] ** 2 <= limit + 1e-9
    with pytest.raises(ValueError, match=r"c is 1.5; it must be in \(0, 1\]"):
        dcgan.stable_rank_norm_(layers, 1.5)


def test_a_whole_stable_rank_is_spectral_norm():
    """c = 1 limits nothing else: the same updates, but for which vectors the iterations begin with."""
    gl.seed_everything(0)
    gan = gl.build("dcgan", SHAPE, width=4, stable_rank=1.0)
    for _ in range(200):
        gan.discriminator(torch.rand(4, *SHAPE))
    for layer in gan.discriminator.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            original = layer.parametrizations.weight.original.flatten(1)
            wanted = original / torch.linalg.svdvals(original)[0]
            torch.testing.assert_close(layer.weight.flatten(1), wanted, atol=1e-4, rtol=0)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in gan.discriminator.modules())


def test_spectral_norm_bounds_every_weight():
    gl.seed_everything(0)
    gan = gl.build("dcgan", SHAPE, width=4, spectral_norm=True)
    for _ in range(40):
        gan.step(reals())  # the power iteration gains one step each forward
    for module in gan.discriminator.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            assert torch.linalg.matrix_norm(module.weight.flatten(1), 2).item() == pytest.approx(1.0, abs=0.05)


def test_dcgan_follows_its_guidelines():
    gan = gl.build("dcgan", (3, 32, 32), width=8)
    modules = [*gan.generator.modules(), *gan.discriminator.modules()]
    assert not any(isinstance(m, nn.MaxPool2d | nn.AvgPool2d | nn.Upsample) for m in modules)
    convolutions = [m for m in gan.generator.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [c.weight.shape[:2] for c in convolutions] == [(32, 16), (16, 8), (8, 3)]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in gan.generator.modules()) == 3
    convolutions = [m for m in gan.discriminator.modules() if isinstance(m, nn.Conv2d)]
    assert [c.weight.shape[:2] for c in convolutions] == [(8, 3), (16, 8), (32, 16)]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in gan.discriminator.modules()) == 2
    assert all(m.weight.is_contiguous(memory_format=torch.channels_last) for m in convolutions)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: gl.GAN(*pair(), NON_SATURATING, 4, n_critic=0), "n_critic is 0; it must be at least 1"),
        (lambda: gl.GAN(*pair(), NON_SATURATING, 0), "latent_dim is 0; it must be at least 1"),
        (lambda: gl.GAN(*pair(), NON_SATURATING, 4, penalty=-1.0), "penalty is -1.0; it must not be negative"),
        (lambda: gl.GAN(*pair(), NON_SATURATING, 4, clip=0.0), "clip is 0.0; it must be positive"),
        (lambda: gl.build("dcgna", SHAPE), "name is 'dcgna'; the systems are vanilla, dcgan, lsgan, wgan, wgan_gp"),
        (lambda: gl.build("chaingan", SHAPE, width=0), "width is 0; it must be at least 1"),
        (lambda: gl.build("chaingan", SHAPE, d=0), "d is 0; it must be at least 1"),
        (lambda: gl.build("dcgan", (1, 16, 12)), r"shape is \(1, 16, 12\); H and W must be equal"),
        (lambda: gl.build("dcgan", (1, 18, 18)), r"shape is \(1, 18, 18\); H must be 4, 5, 6 or 7 times a power of"),
        (
            lambda: gl.build("vanilla", SHAPE).generator(torch.zeros(2, 9)),
            r"z has shape \(2, 9\); it must be \(N, 64\)",
        ),
        (lambda: gl.build("dcgan", SHAPE).generator(torch.zeros(2, 9)), r"z has shape \(2, 9\); it must be \(N, 100\)"),
        (lambda: gl.build("vanilla", SHAPE).sample(0), "n is 0; it must be at least 1"),
        (lambda: gl.build("vanilla", SHAPE).sample(2, y=torch.zeros(2)), "y is given, but this game is unconditional"),
    ],
)
def test_bad_input(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_device_honours_an_active_context():
    with torch.device("meta"):
        assert gl.device().type == "meta"
    with torch.device("cpu"):
        assert gl.device().type == "cpu"


def test_numpy_s_integers_are_seeds():
    import numpy as np

    gl.seed_everything(np.int64(7))
    ours = torch.rand(3), np.random.rand(3)
    gl.seed_everything(7)
    assert torch.equal(ours[0], torch.rand(3)) and (ours[1] == np.random.rand(3)).all()


def test_budget(monkeypatch):
    four = dict(smoke=1, cpu=2, cuda=3, paper=4)
    for name, value in four.items():
        monkeypatch.setenv("GANLIB_BUDGET", name)
        assert gl.budget(**four) == value
    monkeypatch.setenv("GANLIB_BUDGET", "huge")
    with pytest.raises(ValueError, match="GANLIB_BUDGET is 'huge'; it must be one of smoke, cpu, cuda, paper"):
        gl.budget(**four)
    monkeypatch.delenv("GANLIB_BUDGET")
    assert gl.budget(**four) == (3 if torch.cuda.is_available() else 2)


def test_spectral_norm_in_the_generator():
    """Transposed convolutions too, as the matrix whose rows are what comes out; batch norm stays."""
    gl.seed_everything(0)
    gan = gl.build("dcgan", SHAPE, width=4, generator_norm=True)
    for _ in range(200):
        gan.generator(gan.latent(4))
    for layer in gan.generator.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            matrix = layer.weight.transpose(0, 1).flatten(1)
        elif isinstance(layer, nn.Linear):
            matrix = layer.weight
        else:
            continue
        assert torch.linalg.svdvals(matrix)[0].item() == pytest.approx(1, abs=1e-3)
    assert any(isinstance(m, nn.BatchNorm2d) for m in gan.generator.modules())
    for player in (gan.generator, gan.discriminator):
        before = [p.detach().clone() for p in player.parameters()]
        gan.step(iter([torch.rand(8, *SHAPE)]))
        assert all(not torch.equal(p, b) for p, b in zip(player.parameters(), before)), "the optimiser owns the weights"
