"""The two-player game, one step at a time (Goodfellow et al. 2014, Algorithm 1)."""

import copy
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ganlib import parallel
from ganlib.budget import device, private_seed
from ganlib.checks import check_latent as check_latent
from ganlib.checks import require as require
from ganlib.objectives import Objective, clip_weights_, gradient_penalty

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]


def adam(lr: float = 2e-4, betas: tuple[float, float] = (0.5, 0.999)) -> OptimizerFactory:
    """A factory of Adam optimisers in one fused kernel; the defaults are DCGAN's (Radford et al. 2016, section 4)."""

    def factory(parameters: Iterable[nn.Parameter]) -> Optimizer:
        parameters = list(parameters)
        fused = parameters[0].device.type != "meta"  # the meta device has no kernels to fuse
        return torch.optim.Adam(parameters, lr=lr, betas=betas, fused=fused)

    return factory


class GAN(nn.Module):
    """A generator and a discriminator that play an objective.

    Args:
        generator: maps latents (N, latent_dim) to images (N, C, H, W) in [-1, 1].
        discriminator: maps images to logits (N,).
        objective: what the players minimise.
        latent_dim: length of z, drawn from N(0, 1).
        n_critic: discriminator updates in one step (the k of Algorithm 1).
        penalty: weight of the gradient penalty (Gulrajani's lambda); 0 leaves it out of the step.
        clip: after each discriminator update its weights are clamped to [-clip, clip]; None does not.
        g_optimizer, d_optimizer: factories, from parameters to an optimiser; None is ``adam()``.
        penalty_fn: which penalty (N,) of critic, reals and fakes: ``objectives.gradient_penalty`` or ``objectives.r1``.

    The networks move to ``ganlib.device()``, with convolutions in channels_last.

    Raises:
        ValueError: a number out of its range.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        latent_dim: int,
        n_critic: int = 1,
        penalty: float = 0.0,
        clip: float | None = None,
        g_optimizer: OptimizerFactory | None = None,
        d_optimizer: OptimizerFactory | None = None,
        penalty_fn: Callable[[nn.Module, Tensor, Tensor], Tensor] = gradient_penalty,
    ):
        super().__init__()
        require(latent_dim >= 1, f"latent_dim is {latent_dim}; it must be at least 1")
        require(n_critic >= 1, f"n_critic is {n_critic}; it must be at least 1")
        require(penalty >= 0, f"penalty is {penalty}; it must not be negative")
        require(clip is None or clip > 0, f"clip is {clip}; it must be positive, or None for no clipping")
        self.generator, self.discriminator, self.objective = generator, discriminator, objective
        self.latent_dim, self.n_critic, self.penalty, self.clip = latent_dim, n_critic, penalty, clip
        self.penalty_fn = penalty_fn
        self.averaged: nn.Module | None = None
        self.to(device=device(), memory_format=torch.channels_last)
        self.optimizers = {
            "generator": (g_optimizer or adam())(generator.parameters()),
            "discriminator": (d_optimizer or adam())(discriminator.parameters()),
        }
        # Batch norm must see reals and fakes apart: mixed, their statistics would tell D which batch it looks at.
        self.one_forward = not any(isinstance(m, _BatchNorm) for m in discriminator.modules())

    @property
    def device(self) -> torch.device:
        return next(self.generator.parameters()).device

    @property
    def critic(self) -> Callable[[Tensor], Tensor]:
        """What judges images when the discriminator learns; a game whose discriminator needs more says how."""
        return self.discriminator

    def extra_repr(self) -> str:
        penalty = getattr(self.penalty_fn, "__name__", self.penalty_fn)  # a partial has no name
        return (
            f"objective={self.objective.name}, latent_dim={self.latent_dim}, n_critic={self.n_critic}, "
            f"penalty={self.penalty} of {penalty}, clip={self.clip}"
        )

    def step(self, batches: Iterator[Tensor]) -> dict[str, Tensor]:
        """One generator update after its ``n_critic`` discriminator updates; returns 0-d tensors, to be read later.

        ``batches`` gives real images (N, C, H, W), one batch to each discriminator update. The losses are d_loss and
        g_loss; d_real and d_fake are the means of D(x) and D(G(z)) (see ``Objective.output``).
        """
        reals = [next(batches) for _ in range(self.n_critic)]
        # the generator stands still while the discriminator learns, so one pass makes the fakes of all its updates
        z = torch.cat([self.batch_latent(len(real)) for real in reals])
        fakes = self.fakes(z).split([len(real) for real in reals])
        for real, fake in zip(reals, fakes):
            logs = self.discriminator_step(real, fake)
        return logs | self.generator_step(len(reals[0]))

    @torch.no_grad()
    def fakes(self, z: Tensor) -> Tensor:
        """Fakes (N, C, H, W) for the discriminator. The generator does not learn here, so no graph is kept."""
        return self.generator(z)

    def discriminator_step(self, real: Tensor, fake: Tensor | None = None) -> dict[str, Tensor]:
        """One update of the discriminator on a batch of reals and as many fakes; None makes fresh ones."""
        fake = self.fakes(self.batch_latent(len(real))) if fake is None else fake
        if self.one_forward:
            real_logits, fake_logits = self.critic(torch.cat([real, fake])).chunk(2)
        else:
            real_logits, fake_logits = self.critic(real), self.critic(fake)
        loss = d_loss = self.objective.d_loss(real_logits, fake_logits).mean()
        logs = {
            "d_loss": d_loss.detach(),
            "d_real": self.objective.output(real_logits.detach()).mean(),
            "d_fake": self.objective.output(fake_logits.detach()).mean(),
        }
        if self.penalty:
            penalty = self.penalty_fn(self.critic, real, fake).mean()
            loss = d_loss + self.penalty * penalty
            logs["penalty"] = penalty.detach()
        self.descend(loss, self.optimizers["discriminator"])
        if self.clip is not None:
            clip_weights_(self.discriminator, self.clip)
        return logs

    def generator_step(self, n: int) -> dict[str, Tensor]:
        """One update of the generator on n fresh fakes."""
        loss = self.objective.g_loss(self.discriminator(self.generator(self.batch_latent(n)))).mean()
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach()}

    @staticmethod
    def descend(loss: Tensor, optimizer: Optimizer) -> None:
        """One update of the parameters that the optimiser owns, and of no others.

        ``inputs`` keeps the backward pass to that player's parameters: the opponent's get no gradient and cost none.
        """
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=parameters)
        parallel.average_([p.grad for p in parameters if p.grad is not None])
        optimizer.step()

    def latent(self, n: int) -> Tensor:
        """n latents from N(0, 1), shape (n, latent_dim), drawn on the game's device."""
        return torch.randn(n, self.latent_dim, device=self.device)

    def batch_latent(self, n: int) -> Tensor:
        """n latents for a batch: where several processes share it, this one's n of all that are drawn."""
        return parallel.share(self.latent(n * parallel.size()))

    def keep_average(self) -> None:
        """Start ``averaged``, a copy of the generator that ``average`` moves; ``sample`` then draws from the copy."""
        self.averaged = copy.deepcopy(self.generator).requires_grad_(False)

    @torch.no_grad()
    def average(self, decay: float) -> None:
        """averaged <- decay * averaged + (1 - decay) * generator, with batch norm's statistics (Yazici et al. 2019)."""
        # not by state_dict, which names a weight that two layers share twice
        means, nows = ([*m.parameters(), *m.buffers()] for m in (self.averaged, self.generator))
        for mean, now in zip(means, nows):
            mean.lerp_(now, 1 - decay) if mean.is_floating_point() else mean.copy_(now)

    @torch.no_grad()
    def generate(self, z: Tensor) -> Tensor:
        """Images (N, C, H, W) from given latents (N, latent_dim), by the generator (or its average) in eval mode."""
        generator = self.generator if self.averaged is None else self.averaged
        training = generator.training
        generator.eval()
        try:
            # in chunks, so that ten thousand images need no more memory than a batch
            return torch.cat([generator(chunk) for chunk in z.split(500)])
        finally:
            generator.train(training)

    def sample(self, n: int, seed: int | None = None, y: Tensor | None = None) -> Tensor:
        """n images (n, C, H, W) in [-1, 1] from the generator in eval mode.

        The same seed gives the same picture; None draws fresh ones. The training's random state is left alone.

        Raises:
            ValueError: n is below 1, or ``y`` is given, but the game has no classes.
        """
        require(n >= 1, f"n is {n}; it must be at least 1")
        require(y is None, "y is given, but this game is unconditional: leave it out")
        with private_seed(seed, self.device):
            return self.generate(self.latent(n))
