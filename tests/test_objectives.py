"""Every objective against its formula written out with probabilities, in float64."""

import math

import pytest
import torch
from torch import nn

from ganlib.objectives import (
    HINGE,
    LEAST_SQUARES,
    MINIMAX,
    NON_SATURATING,
    WASSERSTEIN,
    clip_weights_,
    gradient_penalty,
    r1,
)

LOGITS = [-3.0, -0.5, 0.0, 1.25, 4.0]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# objective, real_loss, fake_loss, g_loss as functions of one logit, in the papers' own terms
FORMULAS = [
    (
        MINIMAX,
        lambda a: -math.log(sigmoid(a)),
        lambda a: -math.log(1 - sigmoid(a)),
        lambda a: math.log(1 - sigmoid(a)),
    ),
    (
        NON_SATURATING,
        lambda a: -math.log(sigmoid(a)),
        lambda a: -math.log(1 - sigmoid(a)),
        lambda a: -math.log(sigmoid(a)),
    ),
    (LEAST_SQUARES, lambda a: (a - 1) ** 2, lambda a: a**2, lambda a: (a - 1) ** 2),
    (WASSERSTEIN, lambda a: -a, lambda a: a, lambda a: -a),
    (HINGE, lambda a: max(0, 1 - a), lambda a: max(0, 1 + a), lambda a: -a),
]
IDS = [row[0].name for row in FORMULAS]


@pytest.mark.parametrize("objective, real, fake, generator", FORMULAS, ids=IDS)
def test_formulas(objective, real, fake, generator):
    a = torch.tensor(LOGITS, dtype=torch.float64)
    b = a.flip(0)
    expect = lambda f, x: torch.tensor([f(v) for v in x.tolist()], dtype=torch.float64)  # noqa: E731
    torch.testing.assert_close(objective.real_loss(a), expect(real, a), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(objective.fake_loss(a), expect(fake, a), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(objective.g_loss(a), expect(generator, a), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(objective.d_loss(a, b), expect(real, a) + expect(fake, b), rtol=1e-12, atol=1e-12)
    # the lens makes reals look fake to D: -log(1 - D), D^2 and D in the three games of its paper
    torch.testing.assert_close(objective.lens_loss(a), expect(fake, a), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("objective", [MINIMAX, NON_SATURATING], ids=["minimax", "non-saturating"])
def test_gradients_live_where_probabilities_would_underflow(objective):
    logits = torch.tensor([-200.0, 200.0], requires_grad=True)  # sigmoid is 0 or 1 in float32
    (gradient,) = torch.autograd.grad(objective.d_loss(logits, logits).sum(), logits)
    # d/da [softplus(-a) + softplus(a)] = tanh(a/2), +-1 in the tails
    torch.testing.assert_close(gradient, torch.tensor([-1.0, 1.0]))
    assert objective.d_loss(logits, logits).isfinite().all()


def test_saturating_and_non_saturating_gradients():
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    d = torch.sigmoid(logits).detach()
    (saturating,) = torch.autograd.grad(MINIMAX.g_loss(logits).sum(), logits)
    (non_saturating,) = torch.autograd.grad(NON_SATURATING.g_loss(logits).sum(), logits)
    torch.testing.assert_close(saturating, -d)  # vanishes where D rejects the fake
    torch.testing.assert_close(non_saturating, -(1 - d))  # vanishes where D accepts it


def test_optimal_discriminator_of_two_gaussians():
    """Goodfellow et al., Proposition 1: D* = p/(p+q), and for p = q the game's value is -log 4 (Theorem 1)."""
    x = torch.linspace(-4, 4, 81, dtype=torch.float64)
    p = torch.distributions.Normal(-1.0, 1.0).log_prob(x).exp()
    q = torch.distributions.Normal(1.0, 0.7).log_prob(x).exp()
    logits = (p / q).log().requires_grad_()  # sigmoid(log p/q) = p/(p+q)
    loss = (p * MINIMAX.real_loss(logits) + q * MINIMAX.fake_loss(logits)).sum()
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.abs().max() < 1e-14
    outputs = (p / (p + q)).clone().requires_grad_()  # the same optimum for least squares, where D is the logit
    loss = (p * LEAST_SQUARES.real_loss(outputs) + q * LEAST_SQUARES.fake_loss(outputs)).sum()
    (gradient,) = torch.autograd.grad(loss, outputs)
    assert gradient.abs().max() < 1e-14
    assert -MINIMAX.d_loss(torch.zeros(1), torch.zeros(1)).item() == pytest.approx(-math.log(4))


class Linear(nn.Module):
    """A critic with the same gradient w at every image."""

    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, x):
        return (x * self.w).flatten(1).sum(1)


def test_penalty_norm_is_per_sample_over_all_of_the_image():
    shape, n = (3, 4, 5), 64
    w = torch.full(shape, 1 / math.sqrt(60), dtype=torch.float64)  # norm 1 over C, H and W together
    real, fake = torch.randn(2, n, *shape, dtype=torch.float64)
    penalty = gradient_penalty(Linear(w), real, fake)
    # a norm over the batch would give (sqrt(64) - 1)^2 = 49, one over channels alone (1/sqrt(20) - 1)^2
    torch.testing.assert_close(penalty, torch.zeros(n, dtype=torch.float64), rtol=0, atol=1e-12)
    penalty = gradient_penalty(Linear(3 * w), real, fake)
    torch.testing.assert_close(penalty, torch.full((n,), 4.0, dtype=torch.float64))
    penalty = gradient_penalty(Linear(3 * w), real, fake, target=0)
    torch.testing.assert_close(penalty, torch.full((n,), 9.0, dtype=torch.float64))


def test_penalty_is_taken_at_the_mixed_points():
    real, fake = torch.randn(2, 5, 2, 3, 3, dtype=torch.float64)
    half_square = lambda x: x.square().flatten(1).sum(1) / 2  # its gradient at x is x  # noqa: E731
    norm = lambda x: x.flatten(1).norm(dim=1)  # noqa: E731
    for mix in (0.0, 1.0, 0.3, torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)):
        weight = mix.view(5, 1, 1, 1) if isinstance(mix, torch.Tensor) else mix
        expected = (norm(weight * real + (1 - weight) * fake) - 1) ** 2
        torch.testing.assert_close(gradient_penalty(half_square, real, fake, mix=mix), expected)
    # drawn: one weight per sample, uniform on the segment; recover it from a critic that reads one pixel squared
    torch.manual_seed(0)
    zeros, ones = torch.zeros(4000, 1, 1, 1), torch.ones(4000, 1, 1, 1)
    drawn = gradient_penalty(half_square, ones, zeros, target=0).sqrt()  # |x^| = mix
    assert drawn.min() >= 0 and drawn.max() <= 1
    assert drawn.mean().item() == pytest.approx(0.5, abs=4 * 12**-0.5 / 4000**0.5)
    assert drawn.var().item() == pytest.approx(1 / 12, rel=0.05)


def test_penalty_teaches_the_critic_its_norm():
    critic = Linear(torch.tensor([[[3.0, 4.0]]], dtype=torch.float64))  # norm 5
    gradient_penalty(critic, *torch.randn(2, 8, 1, 1, 2, dtype=torch.float64)).mean().backward()
    # d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|
    torch.testing.assert_close(critic.w.grad, 2 * 4 * critic.w.detach() / 5)


def test_penalty_does_not_reach_the_generator():
    fake = torch.randn(4, 1, 2, 2, requires_grad=True)
    gradient_penalty(Linear(torch.ones(1, 2, 2)), torch.randn(4, 1, 2, 2), fake * 2).mean().backward()
    assert fake.grad is None


def test_penalty_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"fake has shape \(3, 1, 2, 2\); it must have that of real, \(4, 1, 2, 2\)"):
        gradient_penalty(Linear(torch.ones(1, 2, 2)), torch.zeros(4, 1, 2, 2), torch.zeros(3, 1, 2, 2))


def test_clip_weights():
    module = nn.Linear(3, 2)
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[-1.0, 0.005, 0.02], [0.01, -0.01, 0.0]]))
        module.bias.copy_(torch.tensor([5.0, -0.001]))
    clip_weights_(module, 0.01)
    torch.testing.assert_close(module.weight.data, torch.tensor([[-0.01, 0.005, 0.01], [0.01, -0.01, 0.0]]))
    torch.testing.assert_close(module.bias.data, torch.tensor([0.01, -0.001]))


def test_r1_is_taken_at_the_reals_alone():
    """f(x) = a |x|^2 / 2 has the gradient a x: at the reals a^2 |x|^2, wherever the fakes are."""
    torch.manual_seed(0)
    real, fake = torch.randn(2, 5, 1, 3, 3, dtype=torch.float64)
    penalty = r1(lambda x: 1.5 * x.square().flatten(1).sum(1), real, 100 * fake)
    assert torch.allclose(penalty, 9 * real.square().flatten(1).sum(1), rtol=1e-12)
