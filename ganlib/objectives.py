"""What the two players minimise.

Every function works on logits, never on probabilities: log D = log sigmoid(logit) is computed in one stable piece, so
no gradient dies in ``log(sigmoid(x) + 1e-8)``. Every loss is per sample, shape (N,): the step takes the mean, a reader
can look at single samples. Notation: D(x) = sigmoid(logit) for the two objectives of Goodfellow, D(x) = logit for the
others; x real, G(z) fake.
"""

from collections.abc import Callable
from dataclasses import dataclass

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


# -log D(x) = softplus(-logit);  -log(1 - D(x)) = softplus(logit);  log(1 - D(x)) = logsigmoid(-logit)
# Goodfellow et al. 2014, Eq. 1: the generator descends log(1 - D(G(z))), which is flat where D rejects the fake.
MINIMAX = Objective(
    "minimax",
    real_loss=lambda logits: softplus(-logits),
    fake_loss=lambda logits: softplus(logits),
    g_loss=lambda logits: logsigmoid(-logits),
    output=torch.sigmoid,
)
# The same discriminator; the generator ascends log D(G(z)) (Im et al. 2016, Eq. 2).
NON_SATURATING = Objective(
    "non-saturating",
    MINIMAX.real_loss,
    MINIMAX.fake_loss,
    g_loss=lambda logits: softplus(-logits),
    output=torch.sigmoid,
)
# Mao et al. 2017 without the factor 1/2, as in Sajjadi et al. 2018: reals to 1, fakes to 0, the generator's to 1.
LEAST_SQUARES = Objective(
    "least squares",
    real_loss=lambda logits: (logits - 1).square(),
    fake_loss=lambda logits: logits.square(),
    g_loss=lambda logits: (logits - 1).square(),
)
# Arjovsky et al. 2017: -d_loss is the critic's lower estimate of W1, up to its Lipschitz constant.
WASSERSTEIN = Objective(
    "Wasserstein", real_loss=lambda logits: -logits, fake_loss=torch.clone, g_loss=lambda logits: -logits
)
# Lim and Ye 2017; Miyato et al. 2018.
HINGE = Objective(
    "hinge",
    real_loss=lambda logits: relu(1 - logits),
    fake_loss=lambda logits: relu(1 + logits),
    g_loss=lambda logits: -logits,
)


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
