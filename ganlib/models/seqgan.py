"""SeqGAN (Yu, Zhang, Wang and Yu 2017, "SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient").

A word is chosen, not computed: no gradient of D(Y) reaches the generator through the choice. SeqGAN calls the generator
G(y_t | Y_1:t-1) a policy and D's probability that a whole sequence is real its reward (Eq. 1):

    J(theta) = sum over y_1 of G(y_1 | s_0) Q(s_0, y_1).

Q of a word in the middle is the mean reward of N sequences that a roll-out policy G_beta completes (Eq. 4), and

    grad J = sum_t E [ Q(Y_1:t-1, y_t) grad log G(y_t | Y_1:t-1) ]                                      (Eqs. 6-8)

Since sum over y_t of grad G = 0, any b that does not depend on y_t may be taken from Q: the baseline.
"""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganlib import parallel
from ganlib.budget import private_seed
from ganlib.data import Sequences, Set
from ganlib.data.oracle import LanguageModel
from ganlib.gan import Game, OptimizerFactory, adam, require, whole

DATA = "unicode-names"
Reward = Callable[[Tensor], Tensor]  # of sequences (N, T): (N,)


class Discriminator(nn.Module):
    """From sequences (N, T) to logits (N,): convolutions over 1, 2, 3 and 4 words, the largest answer of each map.

    No dropout (the paper has it): D answers alike when it learns and when it rewards.
    """

    def __init__(self, vocabulary: int, length: int, width: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, width, k) for k in range(1, min(4, length) + 1))
        self.logit = nn.Linear(width * len(self.convolutions), 1)

    def forward(self, tokens: Tensor) -> Tensor:
        words = self.embedding(tokens).transpose(1, 2)
        maps = [torch.relu(convolution(words)).amax(2) for convolution in self.convolutions]
        return self.logit(torch.cat(maps, dim=1)).flatten()


@torch.no_grad()
def rollouts(policy: LanguageModel, tokens: Tensor, u: Tensor) -> Tensor:
    """Every prefix Y_1:t of sequences (N, T), t = 1 ... T - 1, completed by a policy: (T - 1, N, T).

    All prefixes go on side by side: at step s one call of the LSTM serves those that are being completed and the one
    that still reads Y itself, T - 1 calls instead of (T - 1) T / 2.

    Args:
        u: numbers (N, T - 1, T) in [0, 1), one for each word that may be drawn.
    """
    n, length = tokens.shape
    u, words = u.permute(2, 1, 0).contiguous(), tokens.T.contiguous()
    done = words[:, None].repeat(1, length - 1, 1)  # (T, T - 1, N): what one step reads and writes lies side by side
    h, c = policy.read(words[0], policy.begin(n))  # of the prefixes that are live, one below the other
    for s in range(1, length):
        drawn = policy.draw(h, u[s, :s].flatten())
        done[s, :s] = drawn.view(s, n)
        if s + 1 < length:
            # the last block has read Y_1:s; it goes on as a prefix of its own, and once more with Y itself
            state = torch.cat([h, h[-n:]]), torch.cat([c, c[-n:]])
            h, c = policy.read(torch.cat([drawn, words[s]]), state)
    return done.permute(1, 2, 0)


class SeqGAN(Game):
    """Algorithm 1, for ``Sequences``. Its phases are steps of one run: maximum likelihood, D alone, then the game.

    Args:
        generator: G; the roll-out policy G_beta is a copy of it.
        discriminator: from sequences (N, T) to logits (N,).
        pretrain, d_pretrain: steps of the first two phases (lines 2 and 5).
        g_steps, d_steps: updates of each player in a step of the game.
        rollouts: N of Eq. 4; 0 gives every word the reward of the whole sequence.
        baseline: take from each Q the mean of the batch's others at that place.
        scheduled: the share of its own words among those that the generator reads at the end of the first phase; it
            grows from 0 (Bengio et al. 2015).
        reward: of whole sequences, in the place of D's probability.
        lr: the generator's learning rate from the game's first step on; None leaves it as it was.
        g_optimizer, d_optimizer: factories; None is ``adam()``.

    ``t`` counts the steps made, and is saved with the game. Logs: mle_loss (nats a word), d_loss and d_accuracy, g_loss
    (-J's estimate, what is descended), reward and entropy of the generator (-log G a word, of its own samples).
    """

    def __init__(
        self,
        generator: LanguageModel,
        discriminator: nn.Module,
        pretrain: int = 100,
        d_pretrain: int = 100,
        g_steps: int = 1,
        d_steps: int = 5,
        rollouts: int = 16,
        baseline: bool = True,
        scheduled: float = 0.0,
        reward: Reward | None = None,
        lr: float | None = None,
        g_optimizer: OptimizerFactory | None = None,
        d_optimizer: OptimizerFactory | None = None,
    ):
        super().__init__()
        for name, n in dict(pretrain=pretrain, d_pretrain=d_pretrain, d_steps=d_steps, rollouts=rollouts).items():
            whole(name, n, least=0)
        whole("g_steps", g_steps)
        self.add_player("generator", generator, g_optimizer)
        self.add_player("discriminator", discriminator, d_optimizer)
        self.beta = copy.deepcopy(generator).requires_grad_(False)
        self.pretrain, self.d_pretrain, self.g_steps, self.d_steps = (
            pretrain,
            d_pretrain,
            whole("g_steps", g_steps),
            d_steps,
        )
        self.rollouts, self.baseline, self.scheduled, self.reward = rollouts, baseline, scheduled, reward
        self.lr, self.t = lr, 0

    def extra_repr(self) -> str:
        return (
            f"pretrain={self.pretrain}, d_pretrain={self.d_pretrain}, g_steps={self.g_steps}, d_steps={self.d_steps}, "
            f"rollouts={self.rollouts}, baseline={self.baseline}, scheduled={self.scheduled}"
        )

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self.t, device="cpu")

    def set_extra_state(self, state: Tensor) -> None:
        self.t = int(state)

    def check(self, data: Set) -> None:
        kind = isinstance(data, Sequences) and len(data.vocabulary) == self.generator.vocabulary
        require(kind, f"{data.name} must be sequences of a vocabulary of {self.generator.vocabulary} words")
        super().check(data)

    def step(self, batches: Iterator[Tensor]) -> dict[str, Tensor]:
        """A step of the phase that the run is in; in the game, line 6 to line 18."""
        self.t += 1
        if self.t <= self.pretrain:
            logs = self.mle_step(next(batches))
        elif self.t <= self.pretrain + self.d_pretrain:
            logs = self.discriminator_step(next(batches))
        else:
            if self.lr is not None:
                for group in self.optimizers["generator"].param_groups:
                    group["lr"] = self.lr
            for _ in range(self.g_steps):
                logs = self.generator_step(next(batches))
            for _ in range(self.d_steps):
                logs |= self.discriminator_step(next(batches))
        if self.t >= self.pretrain + self.d_pretrain:
            with torch.no_grad():  # lines 3 and 18: beta <- theta
                for mine, theirs in zip(self.beta.parameters(), self.generator.parameters()):
                    mine.copy_(theirs)
        return logs

    def mle_step(self, real: Tensor) -> dict[str, Tensor]:
        """One update towards the data (line 2): max sum_t log G(y_t | Y_1:t-1)."""
        context = real
        if self.scheduled:
            own = self.uniform(len(real)) < self.scheduled * self.t / self.pretrain
            context = self.generator.strewn(real, own, self.uniform(len(real)))
        loss = -self.generator.log_probs(real, context).mean()
        self.descend(loss, self.optimizers["generator"])
        return {"mle_loss": loss.detach()}

    def discriminator_step(self, real: Tensor) -> dict[str, Tensor]:
        """One update of D on a batch and on as many fakes (Eq. 5). Its accuracy is of this batch, before the update."""
        logits = self.discriminator(torch.cat([real, self.generator(self.uniform(len(real)))]))
        real_logits, fake_logits = logits.chunk(2)
        loss = (softplus(-real_logits) + softplus(fake_logits)).mean()
        right = torch.cat([real_logits > 0, fake_logits < 0])
        self.descend(loss, self.optimizers["discriminator"])
        return {"d_loss": loss.detach(), "d_accuracy": right.to(self.dtype).mean()}

    def generator_step(self, batch: Tensor) -> dict[str, Tensor]:
        """One update of theta along the policy gradient, on as many sequences as the batch has (lines 8 to 12)."""
        tokens = self.generator(self.uniform(len(batch)))  # Y ~ G
        q = self.action_values(tokens)
        b = self.mean_of_others(q) if self.baseline else 0
        log_probs = self.generator.log_probs(tokens)
        loss = -((q - b) * log_probs).sum(1).mean()  # its gradient is -grad J
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach(), "reward": q[:, -1].mean(), "entropy": -log_probs.detach().mean()}

    def judge(self, tokens: Tensor) -> Tensor:
        """The logits (N,) of D by which the generator is judged."""
        return self.discriminator(tokens)

    @torch.no_grad()
    def rewards(self, tokens: Tensor) -> Tensor:
        """D's probability that whole sequences (N, T) are real, or ``reward`` of them: (N,)."""
        return torch.sigmoid(self.judge(tokens)) if self.reward is None else self.reward(tokens)

    def action_values(self, tokens: Tensor) -> Tensor:
        """Q(Y_1:t-1, y_t) of every word of sequences (N, T): (N, T) (Eq. 4)."""
        n, length = tokens.shape
        whole_ones = self.rewards(tokens)
        if not self.rollouts:
            return whole_ones[:, None].expand(n, length)
        total = torch.zeros(length - 1, n, device=tokens.device, dtype=whole_ones.dtype)
        for _ in range(self.rollouts):
            u = self.uniform(n * (length - 1)).view(n, length - 1, length)
            completed = rollouts(self.beta, tokens, u)
            total = total + self.rewards(completed.flatten(0, 1)).view(length - 1, n)
        return torch.cat([total / self.rollouts, whole_ones[None]]).T

    @staticmethod
    def mean_of_others(q: Tensor) -> Tensor:
        """At each place the mean Q (N, T) of the batch's other sequences: it does not depend on this one's words."""
        everyone = parallel.gather(q)
        return (everyone.sum(0) - q) / max(len(everyone) - 1, 1)

    def uniform(self, n: int) -> Tensor:
        """Numbers (n, T) from [0, 1), this process's share of those of the whole batch: they decide every word."""
        rows = torch.rand(n * parallel.size(), self.generator.length, device=self.device, dtype=self.dtype)
        return parallel.share(rows)

    def sample(self, n: int, seed: int | None = None, y: None = None, temperature: float = 1.0) -> Tensor:
        """n sequences (n, T); a temperature below 1 prefers the likely words."""
        whole("n", n)
        require(y is None, "y is given, but this game is unconditional: leave it out")
        model = self.generator if self.averaged is None else self.averaged
        with private_seed(seed, self.device):
            u = torch.rand(n, self.generator.length, device=self.device, dtype=self.dtype)
        return torch.cat([model(part, temperature=temperature) for part in u.split(1000)])


def build(
    data: Sequences,
    *,
    width: int = 32,
    d_width: int | None = None,
    pretrain: int = 6000,
    d_pretrain: int = 2500,
    mle_lr: float = 1e-2,
    lr: float = 1e-2,
    d_lr: float = 1e-3,
    game: type[SeqGAN] = SeqGAN,
    **settings,
) -> SeqGAN:
    """The game for a set of ``Sequences``, whose vocabulary and length it takes.

    Args:
        width, d_width: of the LSTM, where the paper has 32, and of D's maps (None: the same).
        mle_lr, lr, d_lr: Adam's rates, of G in the first phase and in the game, and of D.
        game, settings: ``SeqGAN`` and its own arguments, or a game that is built alike.

    The paper pretrains G for 120 epochs and D for 50 times 3.

    Raises:
        ValueError: data that are no sequences.
    """
    require(isinstance(data, Sequences), f"data is {type(data).__name__}; it must be Sequences, with a vocabulary")
    generator = LanguageModel(len(data.vocabulary), *data.shape, width)
    discriminator = Discriminator(len(data.vocabulary), *data.shape, d_width or width)
    optimizers = dict(g_optimizer=adam(mle_lr, (0.9, 0.999)), d_optimizer=adam(d_lr, (0.9, 0.999)))
    return game(generator, discriminator, pretrain, d_pretrain, lr=lr, **optimizers, **settings)
