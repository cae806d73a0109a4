"""The lens: its schedule and losses in closed form, who moves in its update, and that it is gone after K steps."""

import copy
import math

import pytest
import torch
from torch import nn

import ganlib as gl
from ganlib.models.lens import Lens, LensGAN, lens_weight

SHAPE = (1, 16, 16)


def build(seed=0, **settings):
    gl.seed_everything(seed)
    return gl.build("lens", SHAPE, **{"width": 4, "latent_dim": 8, **settings})


@pytest.fixture(scope="module")
def images():
    return gl.load("mnist5k", size=16).take(100)


def copies(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def unchanged(module, before):
    return all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize("K", [2, 1000, 10_000])
def test_schedule(K):
    wanted = {0: 1.0, K // 2: 1 - 1 / math.sqrt(2), K: 0.0, K + 1: 0.0, 10 * K: 0.0}
    for t, weight in wanted.items():
        assert lens_weight(t, K) == pytest.approx(weight, abs=1e-12)
    falling = [lens_weight(t, K) for t in range(0, K + 1, K // 2)]
    assert falling == sorted(falling, reverse=True)


def test_schedule_without_a_lens_and_without_an_end():
    assert lens_weight(1, 0) == 0 and lens_weight(10**9, math.inf) == 1


# base, sigmoid, L_L^A as a function of D's logit on a lensed real
LENS_LOSSES = [
    ("dcgan", False, lambda a: -math.log(1 - 1 / (1 + math.exp(-a)))),
    ("lsgan", False, lambda a: a**2),
    ("lsgan", True, lambda a: (1 / (1 + math.exp(-a))) ** 2),
    ("wgan_gp", False, lambda a: a),
]


@pytest.mark.parametrize("base, sigmoid, loss", LENS_LOSSES, ids=lambda value: str(value))
def test_the_lens_minimises_its_paper_s_loss(base, sigmoid, loss):
    """One update by plain SGD against the gradient of lambda * L_L^A + L_L^R, written out for a lens of one number."""

    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.by = nn.Parameter(torch.tensor(0.25, dtype=torch.float64))

        def forward(self, x):
            return x + self.by

    class Mean(nn.Module):  # D's logit is twice the mean pixel
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

        def forward(self, x):
            return self.scale * x.mean(dim=(1, 2, 3))

    objective = build(base=base, sigmoid=sigmoid).objective
    game = gl.GAN(nn.Linear(2, 2), Mean(), objective, 2)
    gan = LensGAN(game, Shift(), K=90, reconstruction=3.0, l_optimizer=lambda p: torch.optim.SGD(p, lr=0.1))
    gan.t = 30  # lambda is 1 - sin(30 degrees)
    real = torch.linspace(-1, 1, 8, dtype=torch.float64).view(4, 1, 1, 2)

    def total(by):
        logits = [2 * (x.mean().item() + by) for x in real]
        return 0.5 * sum(map(loss, logits)) / 4 + 3.0 * by**2

    logs = gan.lens_step(real)
    slope = (total(0.25 + 1e-6) - total(0.25 - 1e-6)) / 2e-6
    assert gan.lens.by.item() == pytest.approx(0.25 - 0.1 * slope, abs=1e-8)
    assert logs["reconstruction"].item() == pytest.approx(0.25**2)
    assert 0.5 * logs["lens_loss"].item() == pytest.approx(total(0.25) - 3.0 * 0.25**2)


def test_only_the_lens_moves_in_its_update(images):
    gan = build(K=10)
    gan.t = 1
    before = {name: copies(getattr(gan, name)) for name in ("generator", "discriminator", "lens")}
    gan.lens_step(next(images.batches(16)))
    parameters = {name: p for name, p in gan.discriminator.named_parameters()}
    assert all(torch.equal(p, before["discriminator"][name]) and p.grad is None for name, p in parameters.items())
    assert unchanged(gan.generator, before["generator"])
    moved = [not torch.equal(p, before["lens"][name]) for name, p in gan.lens.named_parameters()]
    assert all(moved) and len(moved) == 36  # 18 convolutions


def test_the_discriminator_learns_lensed_reals_and_leaves_the_lens_alone(images):
    gan = build(K=10)
    seen = []
    gan.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    learnt = []
    gan.lens_step = lambda real: learnt.append(real) or {}
    real = next(images.batches(16))
    with torch.no_grad():
        lensed = gan.lens(real)
    before = copies(gan.lens)
    gan.step(iter([real]))
    assert torch.equal(seen[0], lensed) and not seen[0].requires_grad and not torch.equal(lensed, real)
    assert unchanged(gan.lens, before)
    assert torch.equal(learnt[0], real)  # the lens itself learns from the reals


def test_every_critic_update_gets_its_own_lensed_batch(images):
    gan, drawn, seen = build(base="wgan_gp", K=10), [], []
    with torch.no_grad():
        drawn = [gan.lens(batch) for batch, _ in zip(images.batches(8), range(5))]
    original = gan.discriminator_step
    gan.discriminator_step = lambda real, fake: seen.append(real) or original(real, fake)
    logs = gan.step(images.batches(8))
    assert len(seen) == 5 and all(torch.allclose(a, b, atol=1e-6) for a, b in zip(seen, drawn))
    assert {"penalty", "lens_loss", "reconstruction"} <= set(logs)


@pytest.mark.parametrize("base", ["dcgan", "lsgan", "wgan_gp"])
def test_after_K_steps_it_is_the_base_game_to_the_bit(images, base):
    gan, twin = build(base=base, K=2), build(base=base, K=0)
    batches = images.batches(16)
    for _ in range(2):
        gan.step(batches)
    calls = []
    gan.lens.register_forward_hook(lambda *_: calls.append(1))
    twin.load_state_dict(gan.state_dict())
    for name, optimizer in gan.optimizers.items():
        twin.optimizers[name].load_state_dict(copy.deepcopy(optimizer.state_dict()))
    before, position = copies(gan.lens), batches.position
    for game in (gan, twin):
        gl.seed_everything(1)
        logs = game.step(images.batches(16, start=position))
        assert logs["lens_loss"] == 0 and logs["reconstruction"] == 0
    assert not calls and unchanged(gan.lens, before)
    assert unchanged(gan, copies(twin))


def test_one_seed_starts_both_arms_alike():
    with_lens, without = build(K=100), build(K=0)
    assert unchanged(with_lens.generator, copies(without.generator))
    assert unchanged(with_lens.discriminator, copies(without.discriminator))


def test_lens_is_residual_and_mixes_no_samples():
    torch.manual_seed(0)
    lens = Lens(3, width=4)
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    assert len([m for m in lens.modules() if isinstance(m, nn.Conv2d)]) == 2 + 8 * 2
    assert all(m.kernel_size == (3, 3) and m.stride == (1, 1) for m in lens.modules() if isinstance(m, nn.Conv2d))
    (gradient,) = torch.autograd.grad(lens(x)[0].sum(), x)
    assert gradient[0].abs().sum() > 0 and (gradient[1] == 0).all()
    nn.init.zeros_(lens.layers[-1].weight), nn.init.zeros_(lens.layers[-1].bias)
    assert torch.equal(lens(x), x)  # the outer residual


def test_a_base_with_a_step_of_its_own_is_refused():
    chain = gl.build("chaingan", (1, 16, 16), width=8, d=4, editors=1)
    with pytest.raises(ValueError, match="base is a ChainGAN; its generator must learn by GAN's own step"):
        LensGAN(chain, Lens(1, 8))


def test_a_resumed_run_goes_on_with_its_lambda(images, tmp_path):
    straight, first, second = build(K=8), build(K=8), build(K=8, seed=1)
    history = gl.fit(straight, images, 12, 16, every=2)
    gl.fit(first, images, 6, 16, every=2, checkpoint=tmp_path / "run.pt")
    resumed = gl.fit(second, images, 12, 16, every=2, checkpoint=tmp_path / "run.pt")
    assert second.t == 12 and unchanged(second, copies(straight))
    assert resumed.rows == history.rows
    assert history["reconstruction"][3] > 0 and history["reconstruction"][4] == 0  # K falls on a row's end


@pytest.mark.parametrize(
    "settings, sentence",
    [
        (dict(base="vanilla"), "base is 'vanilla'; it must be one of dcgan, lsgan, wgan_gp"),
        (dict(K=-1), "K is -1; it must not be negative"),
        (dict(reconstruction=-0.5), "reconstruction is -0.5; it must not be negative"),
        (dict(adversarial=-2.0), "adversarial is -2.0; it must not be negative"),
    ],
)
def test_bad_input(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(**settings)
