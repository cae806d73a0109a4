"""The two-player game, one step at a time (Goodfellow et al. 2014, Algorithm 1), and what games of every kind share."""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ganlib import parallel
from ganlib.budget import device, private_seed
from ganlib.checks import check_latent as check_latent
from ganlib.checks import require as require
from ganlib.checks import whole as whole
from ganlib.data import Batch, Set, rows
from ganlib.objectives import Objective, clip_weights_, gradient_penalty

OptimizerFactory = Callable[[Iterable[nn.Parameter]], Optimizer]
Data = Set | tuple[int, ...]  # what a system is built for: a set, or the shape of a sample where no more is needed


def adam(lr: float = 2e-4, betas: tuple[float, float] = (0.5, 0.999)) -> OptimizerFactory:
    """A factory of Adam optimisers in one fused kernel; the defaults are DCGAN's (Radford et al. 2016, section 4)."""

    def factory(parameters: Iterable[nn.Parameter]) -> Optimizer:
        parameters = list(parameters)
        fused = parameters[0].device.type != "meta"  # the meta device has no kernels to fuse
        return torch.optim.Adam(parameters, lr=lr, betas=betas, fused=fused)

    return factory


def shape_of(data: Data) -> tuple[int, ...]:
    """The shape of one sample, of a set or as it is given."""
    return tuple(getattr(data, "shape", data))


class Game(nn.Module):
    """Named players with an optimiser each, of which whoever moves, moves alone: what ``fit`` trains.

    A game of any kind adds its players, and has ``step(batches)``, which returns 0-d tensors by name, and
    ``sample(n, seed)``. The player named "generator" is the one whose weights can be averaged.

    Attributes:
        conditional: whether its batches are ``Labelled(x, y)``.
        optimizers: the optimiser of each player, by the player's name.
        averaged: a moving average of the generator, or None (see ``fit``).
    """

    conditional = False

    def __init__(self) -> None:
        super().__init__()
        self.optimizers: dict[str, Optimizer] = {}
        self.averaged: nn.Module | None = None

    def add_player(self, name: str, player: nn.Module, optimizer: OptimizerFactory | None = None) -> None:
        """Put a player on ``ganlib.device()``, convolutions in channels_last, with its optimiser (None: ``adam()``)."""
        player.to(device())
        for tensor in [*player.parameters(), *player.buffers()]:
            if tensor.dim() == 4:
                tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
        self.add_module(name, player)
        self.optimizers[name] = (optimizer or adam())(player.parameters())

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    def check(self, data: Set) -> None:
        """Raise ``ValueError`` unless the game can be trained on a set."""
        made = tuple(self.sample(1, seed=0).shape[1:])
        require(made == tuple(data.shape), f"images have shape {tuple(data.shape)}; the generator makes {made}")

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

    def keep_average(self) -> None:
        """Start ``averaged``, a copy of the generator that ``average`` moves; ``sample`` then draws from the copy."""
        self.averaged = copy.deepcopy(plain(self.generator)).requires_grad_(False)

    @torch.no_grad()
    def average(self, decay: float) -> None:
        """averaged <- decay * averaged + (1 - decay) * generator, with batch norm's statistics (Yazici et al. 2019)."""
        # not by state_dict, which names a weight that two layers share twice
        means, nows = ([*m.parameters(), *m.buffers()] for m in (self.averaged, self.generator))
        for mean, now in zip(means, nows):
            mean.lerp_(now, 1 - decay) if mean.is_floating_point() else mean.copy_(now)

    @torch.no_grad()
    def run(self, *inputs: Tensor, **named: Any) -> Tensor:
        """What the generator (or its average) makes of inputs (N, ...) and named arguments, in eval mode."""
        generator = self.generator if self.averaged is None else self.averaged
        training = generator.training
        generator.eval()
        try:
            # in chunks, so that ten thousand images need no more memory than a batch
            return torch.cat([generator(*chunk, **named) for chunk in zip(*(x.split(500) for x in inputs))])
        finally:
            generator.train(training)

    def sample(self, n: int, seed: int | None = None, y: Tensor | None = None) -> Tensor:
        """n samples (n, ...); the same seed gives the same ones, None draws fresh ones."""
        raise NotImplementedError

    def preview(self, n: int = 32) -> Tensor:
        """What the live display shows of the game: always the same n samples."""
        return self.sample(n, seed=0)


class GAN(Game):
    """A generator and a discriminator that play an objective.

    Args:
        generator: maps latents (N, latent_dim) to samples (N, ...), such as images (N, C, H, W) in [-1, 1]. In a
            conditional game both players are given the y of the batch as a second argument.
        discriminator: maps samples to logits (N,).
        objective: what the players minimise.
        latent_dim: length of z, drawn from N(0, 1); or its shape, such as (1, 8, 8); None for a game without z.
        n_critic: discriminator updates in one step (the k of Algorithm 1).
        penalty: weight of the gradient penalty (Gulrajani's lambda); 0 leaves it out of the step.
        clip: after each discriminator update its weights are clamped to [-clip, clip]; None does not.
        g_optimizer, d_optimizer: factories, from parameters to an optimiser; None is ``adam()``.
        penalty_fn: which penalty (N,) of critic, reals and fakes: ``objectives.gradient_penalty`` or ``objectives.r1``.

    Raises:
        ValueError: a number out of its range.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        objective: Objective,
        latent_dim: int | tuple[int, ...] | None,
        n_critic: int = 1,
        penalty: float = 0.0,
        clip: float | None = None,
        g_optimizer: OptimizerFactory | None = None,
        d_optimizer: OptimizerFactory | None = None,
        penalty_fn: Callable[[nn.Module, Tensor, Tensor], Tensor] = gradient_penalty,
    ):
        super().__init__()
        for length in latent_dim if isinstance(latent_dim, tuple) else [] if latent_dim is None else [latent_dim]:
            whole("latent_dim", length)
        whole("n_critic", n_critic)
        require(isinstance(objective, Objective), f"objective is {objective!r}; it must be one of ganlib.objectives")
        require(penalty >= 0, f"penalty is {penalty}; it must not be negative")
        require(clip is None or clip > 0, f"clip is {clip}; it must be positive, or None for no clipping")
        self.add_player("generator", generator, g_optimizer)
        self.add_player("discriminator", discriminator, d_optimizer)
        self.objective, self.latent_dim, self.n_critic = objective, latent_dim, n_critic
        self.penalty, self.clip, self.penalty_fn = penalty, clip, penalty_fn
        # Batch norm must see reals and fakes apart: mixed, their statistics would tell D which batch it looks at.
        self.one_forward = not any(isinstance(m, _BatchNorm) for m in discriminator.modules())

    @property
    def critic(self) -> Callable[..., Tensor]:
        """What judges images when either player learns; a game whose discriminator needs more says how."""
        return self.discriminator

    def extra_repr(self) -> str:
        return (
            f"objective={self.objective.name}, latent_dim={self.latent_dim}, n_critic={self.n_critic}, "
            f"penalty={self.penalty} of {described(self.penalty_fn)}, clip={self.clip}"
        )

    def parts(self, batch: Batch) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The samples of a batch, and what both players are told beside them: (x, ()), or (x, (y,)) if conditional."""
        return (batch.x, (batch.y,)) if self.conditional else (batch, ())

    def step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """One generator update after its ``n_critic`` discriminator updates; returns 0-d tensors, to be read later.

        ``batches`` gives a batch of the data to each discriminator update, and the generator's update sees the first of
        them again. The losses are d_loss and g_loss; d_real and d_fake are the means of D(x) and D(G(z)) (see
        ``Objective.output``).
        """
        drawn = [next(batches) for _ in range(self.n_critic)]
        sizes = [rows(batch) for batch in drawn]
        # the generator stands still while the discriminator learns, so one pass makes the fakes of all its updates
        z = torch.cat([self.batch_latent(n) for n in sizes])
        told = (torch.cat(of_all) for of_all in zip(*(self.parts(batch)[1] for batch in drawn)))
        for batch, fake in zip(drawn, self.fakes(z, *told).split(sizes)):
            logs = self.discriminator_step(batch, fake)
        return logs | self.generator_step(drawn[0])

    @torch.no_grad()
    def fakes(self, z: Tensor, *told: Tensor) -> Tensor:
        """Fakes (N, ...) for the discriminator. The generator does not learn here, so no graph is kept."""
        return self.generator(z, *told)

    def discriminator_step(self, batch: Batch, fake: Tensor | None = None) -> dict[str, Tensor]:
        """One update of the discriminator on a batch of reals and as many fakes; None makes fresh ones."""
        real, told = self.parts(batch)
        fake = self.fakes(self.batch_latent(len(real)), *told) if fake is None else fake
        if self.one_forward:
            twice = (torch.cat([c, c]) for c in told)
            real_logits, fake_logits = self.critic(torch.cat([real, fake]), *twice).chunk(2)
        else:
            real_logits, fake_logits = self.critic(real, *told), self.critic(fake, *told)
        loss = d_loss = self.objective.d_loss(real_logits, fake_logits).mean()
        logs = {
            "d_loss": d_loss.detach(),
            "d_real": self.objective.output(real_logits.detach()).mean(),
            "d_fake": self.objective.output(fake_logits.detach()).mean(),
        }
        if self.penalty:
            with uncompiled(self):  # a compiled network has no second derivative
                penalty = self.penalty_fn(lambda x: self.critic(x, *told), real, fake).mean()
            loss = d_loss + self.penalty * penalty
            logs["penalty"] = penalty.detach()
        self.descend(loss, self.optimizers["discriminator"])
        if self.clip is not None:
            clip_weights_(self.discriminator, self.clip)
        return logs

    def generator_step(self, batch: Batch) -> dict[str, Tensor]:
        """One update of the generator on as many fresh fakes as the batch has samples, told the same y if any."""
        real, told = self.parts(batch)
        fake = self.generator(self.batch_latent(len(real)), *told)
        loss = self.objective.g_loss(self.critic(fake, *told)).mean()
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach()}

    def latent(self, n: int) -> Tensor:
        """n latents from N(0, 1), shape (n, latent_dim), drawn on the game's device; (n, 0) in a game without z."""
        shape = self.latent_dim if isinstance(self.latent_dim, tuple) else (self.latent_dim or 0,)
        return torch.randn(n, *shape, device=self.device, dtype=self.dtype)

    def batch_latent(self, n: int) -> Tensor:
        """n latents for a batch: where several processes share it, this one's n of all that are drawn."""
        return parallel.share(self.latent(n * parallel.size()))

    def generate(self, z: Tensor, *told: Tensor) -> Tensor:
        """Samples (N, ...) from given latents (N, latent_dim), by the generator (or its average) in eval mode."""
        return self.run(z, *told)

    def sample(self, n: int, seed: int | None = None, y: Tensor | None = None) -> Tensor:
        """n samples (n, ...), images in [-1, 1], from the generator in eval mode.

        The same seed gives the same picture; None draws fresh ones. The training's random state is left alone.

        Raises:
            ValueError: n is below 1, or ``y`` is given, but the game has no classes.
        """
        whole("n", n)
        require(y is None, "y is given, but this game is unconditional: leave it out")
        with private_seed(seed, self.device):
            return self.generate(self.latent(n))


def plain(module: nn.Module) -> nn.Module:
    """The module itself, without the wrapper that ``torch.compile`` may have put around it."""
    return getattr(module, "_orig_mod", module)


@contextmanager
def uncompiled(game: nn.Module) -> Iterator[None]:
    """Inside, a game's compiled players are the plain modules that they wrap: their names, their text, their graphs."""
    wrapped = {name: player for name, player in game.named_children() if player is not plain(player)}
    for name, player in wrapped.items():
        setattr(game, name, plain(player))
    try:
        yield
    finally:
        for name, player in wrapped.items():
            setattr(game, name, player)


def described(function: Callable) -> str:
    """A function as text that is the same in every process: its name, and what a ``partial`` binds."""
    if not hasattr(function, "func"):
        return getattr(function, "__name__", type(function).__name__)
    bound = [*map(str, function.args), *(f"{name}={value}" for name, value in function.keywords.items())]
    return f"{described(function.func)}({', '.join(bound)})"
