"""MaliGAN (Che, Li, Zhang, Hjelm, Li, Song and Bengio 2017, "Maximum-Likelihood Augmented Discrete GANs").

The best D knows more than who is real: D = p_d / (p_d + p') gives p_d = r_D p' with r_D = D / (1 - D). So the delayed
copy p' of the generator, reweighted, is a target that stands close to the data:

    q(x) = r_D(x) p'(x) / Z,      L_G(theta) = KL(q || p_theta),      grad L_G = -E_q grad log p_theta(x).

Importance sampling from p' makes that a sum over m sequences of the generator's own, less a baseline b = 1 / m:

    -grad L_G ~ sum_i ( r_D(x_i) / sum_j r_D(x_j) - b ) grad log p_theta(x_i)

r_D = e^logit, so the weights are a softmax of D's logits. Divided by their own sum they are biased for finite m. The
mixed form (Algorithm 2) keeps the first N words of the data, which learn by maximum likelihood, and lets N fall by K.
"""

import torch
from torch import Tensor

from ganlib import parallel
from ganlib.checks import whole
from ganlib.data import Sequences
from ganlib.models import seqgan

DATA = seqgan.DATA


class MaliGAN(seqgan.SeqGAN):
    """Algorithm 1, or with ``K`` Algorithm 2; phases, D's step and logs are ``SeqGAN``'s, but for reward and roll-outs.

    Args:
        K: how many words fewer are kept at each stage; 0 is the basic form, which keeps none.
        stage: steps of the game until the next K words are set free.
        m: completions of each sequence of the data in the mixed form.
    """

    def __init__(self, *players, K: int = 0, stage: int = 20, m: int = 5, **settings):
        super().__init__(*players, **settings)
        self.K, self.stage, self.m = whole("K", K, least=0), whole("stage", stage), whole("m", m, least=2)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, K={self.K}, stage={self.stage}, m={self.m}"

    @property
    def kept(self) -> int:
        """N: how many words of the data are kept in this step."""
        if not self.K:
            return 0
        played = self.t - self.pretrain - self.d_pretrain - 1
        return max(self.generator.length - self.K * (1 + played // self.stage), 0)  # N <- max(N - K, 0)

    def generator_step(self, batch: Tensor) -> dict[str, Tensor]:
        """One update of the generator, on as many of its own sequences as the batch has, or on completions of its."""
        return self.mixed_step(batch) if self.K else self.basic_step(batch)

    def basic_step(self, batch: Tensor) -> dict[str, Tensor]:
        tokens = self.generator(self.uniform(len(batch)))  # x_i ~ p_theta
        with torch.no_grad():
            logits = self.judge(tokens)
            everyone = parallel.gather(logits)
            weights = (logits - everyone.logsumexp(0)).exp() - 1 / len(everyone)  # r_i / sum r - b
        log_probs = self.generator.log_probs(tokens)
        # the sum is over the whole batch, of which descend takes the processes' mean
        loss = -parallel.size() * (weights * log_probs.sum(1)).sum()
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach(), "entropy": -log_probs.detach().mean()}

    def mixed_step(self, batch: Tensor) -> dict[str, Tensor]:
        n, kept = len(batch), self.kept
        prefixes = batch[:, :kept].repeat_interleave(self.m, dim=0)  # m copies of each, side by side
        tokens = self.generator(self.uniform(n * self.m), prefixes)  # x_ij
        with torch.no_grad():
            weights = self.judge(tokens).view(n, self.m).softmax(1) - 1 / self.m
        log_probs = self.generator.log_probs(tokens)
        free = (weights.flatten() * log_probs[:, kept:].sum(1)).sum() / n
        likelihood = self.generator.log_probs(batch)[:, :kept].sum(1).mean()  # t = 1 ... N, of the data
        loss = -(free + likelihood)
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach(), "kept": torch.tensor(float(kept), device=self.device)}


def build(data: Sequences, *, K: int = 0, **settings) -> MaliGAN:
    """The game for a set of ``Sequences``: ``K=0`` is the basic form, ``K=1`` or more the mixed one.

    Further settings are those of ``MaliGAN`` and of ``seqgan.build``.
    """
    return seqgan.build(data, game=MaliGAN, K=K, rollouts=0, **settings)
