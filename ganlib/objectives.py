"""What the two players minimise.

Every function works on logits, never on probabilities: log D = log sigmoid(logit) is computed in one stable piece, so
no gradient dies in ``log(sigmoid(x) + 1e-8)``. Every loss is per sample, shape (N,): the step takes the mean, a reader
can look at single samples. Notation: D(x) = sigmoid(logit) for the two objectives of Goodfellow, D(x) = logit for the
others; x real, G(z) fake.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, relu, softplus

from ganlib import parallel

Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Objective:
    """A GAN objective: three functions from logits (N,) to losses (N,), all to be minimised.

    Attributes:
        name: for logs and titles.
        real_loss: the discriminator's loss on real samples.
        fake_loss: the discriminator's loss on fakes.
        g_loss: the generator's loss on its fakes.
        output: the D(x) that the paper speaks of, from the logit.
    """

    name: str
    real_loss: Loss
    fake_loss: Loss
    g_loss: Loss
    output: Loss = torch.clone

    def d_loss(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """The discriminator's loss (N,): its loss on real samples plus its loss on fakes."""
        return self.real_loss(real_logits) + self.fake_loss(fake_logits)

    def lens_loss(self, real_logits: Tensor) -> Tensor:
        """The adversarial term of the lens (N,), from the logits of lensed reals L(x).

        The lens plays against the discriminator and with the generator, so it wants D(L(x)) to look fake: it minimises
        the loss that D has on fakes (Sajjadi et al. 2018, Eqs. 1-3).
        """
        return self.fake_loss(real_logits)


# Functions with names, not lambdas, so that a game can be pickled.
def minus_log_sigmoid(logits: Tensor) -> Tensor:
    """-log D(x) = softplus(-logit)."""
    return softplus(-logits)


def log_one_minus_sigmoid(logits: Tensor) -> Tensor:
    """log(1 - D(x)) = logsigmoid(-logit)."""
    return logsigmoid(-logits)


def distance_to_one(logits: Tensor) -> Tensor:
    """(D(x) - 1)^2."""
    return (logits - 1).square()


def hinge_real(logits: Tensor) -> Tensor:
    """max(0, 1 - D(x))."""
    return relu(1 - logits)


def hinge_fake(logits: Tensor) -> Tensor:
    """max(0, 1 + D(x))."""
    return relu(1 + logits)


# Goodfellow et al. 2014, Eq. 1: D descends -log D(x) - log(1 - D(G(z))), and -log(1 - D) = softplus(logit); the
# generator descends log(1 - D(G(z))), which is flat where D rejects the fake.
MINIMAX = Objective("minimax", minus_log_sigmoid, softplus, log_one_minus_sigmoid, output=torch.sigmoid)
# The same discriminator; the generator ascends log D(G(z)) (Im et al. 2016, Eq. 2).
NON_SATURATING = Objective("non-saturating", minus_log_sigmoid, softplus, minus_log_sigmoid, output=torch.sigmoid)
# Mao et al. 2017 without the factor 1/2, as in Sajjadi et al. 2018: reals to 1, fakes to 0, the generator's to 1.
LEAST_SQUARES = Objective("least squares", distance_to_one, torch.square, distance_to_one)
# Arjovsky et al. 2017: -d_loss is the critic's lower estimate of W1, up to its Lipschitz constant.
WASSERSTEIN = Objective("Wasserstein", real_loss=torch.neg, fake_loss=torch.clone, g_loss=torch.neg)
# Lim and Ye 2017; Miyato et al. 2018.
HINGE = Objective("hinge", hinge_real, hinge_fake, g_loss=torch.neg)
# by name, for the terminal: --set objective=hinge
OBJECTIVES = {objective.name: objective for objective in (MINIMAX, NON_SATURATING, LEAST_SQUARES, WASSERSTEIN, HINGE)}


def of_a_sigmoid(objective: Objective) -> Objective:
    """The same losses of sigmoid(logit) in the place of the logit; D(x) is then in [0, 1]."""
    losses = (objective.real_loss, objective.fake_loss, objective.g_loss)
    return Objective(f"{objective.name} of a sigmoid", *(partial(bounded, f) for f in losses), output=torch.sigmoid)


def bounded(loss: Loss, logits: Tensor) -> Tensor:
    return loss(torch.sigmoid(logits))


def gradient_penalty(
    critic: nn.Module, real: Tensor, fake: Tensor, *, target: float = 1.0, mix: Tensor | float | None = None
) -> Tensor:
    """The unweighted penalty (||grad D(x^)||_2 - target)^2 of every sample, shape (N,) (Gulrajani et al. 2017, Eq. 3).

    x^ = mix * real + (1 - mix) * fake is a point on the segment between a real sample and a fake one. The norm is over
    all of one sample's numbers (C, H and W), never over the batch: a sample must not feel the others.

    Args:
        critic: maps (N, ...) to logits (N,). It must not mix samples, so it must have no batch norm.
        real, fake: (N, ...), the same shape.
        target: the wanted norm.
        mix: weight of the real sample, a number or (N,); None draws it uniformly from [0, 1], one per sample.

    Raises:
        ValueError: ``real`` and ``fake`` differ in shape.
    """
    if real.shape != fake.shape:
        raise ValueError(f"fake has shape {tuple(fake.shape)}; it must have that of real, {tuple(real.shape)}")
    if mix is None:
        mix = parallel.share(torch.rand(len(real) * parallel.size(), dtype=real.dtype, device=real.device))
    if isinstance(mix, Tensor):
        mix = mix.reshape(-1, *[1] * (real.dim() - 1))
    x_hat = (mix * real.detach() + (1 - mix) * fake.detach()).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return (torch.linalg.vector_norm(gradient.flatten(1), dim=1) - target).square()


def r1(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The squared gradient norm at the reals, shape (N,); its weight is gamma / 2 (Mescheder et al. 2018, Eq. 9)."""
    return gradient_penalty(critic, real, fake, target=0.0, mix=1.0)


@torch.no_grad()
def clip_weights_(module: nn.Module, limit: float) -> None:
    """Clamp every parameter to [-limit, limit] in place (Arjovsky et al. 2017, Algorithm 1, line 7)."""
    for parameter in module.parameters():
        parameter.clamp_(-limit, limit)
