"""StarGAN (Choi, Choi, Kim, Ha, Kim and Choo 2018, "StarGAN: Unified Generative Adversarial Networks for Multi-Domain
Image-to-Image Translation"): one generator for all attributes, G(x, c).

D has two heads: D_src says real or fake, D_cls reads the attributes. With c' the attributes of x and c those wanted:

    L_adv   = E log D_src(x) + E log(1 - D_src(G(x, c)))       (Eq. 1)
    L_cls^r = E -log D_cls(c' | x)                              (Eq. 2)
    L_cls^f = E -log D_cls(c | G(x, c))                         (Eq. 3)
    L_rec   = E |x - G(G(x, c), c')|_1                          (Eq. 4)
    L_D     = -L_adv + lambda_cls L_cls^r                       (Eq. 5)
    L_G     = L_adv + lambda_cls L_cls^f + lambda_rec L_rec     (Eq. 6)
    c~      = [c_1, ..., c_n, m]                                (Eq. 7)

Eq. 1 has the logarithms of the slides (non-saturating for G) or, with ``objective=WASSERSTEIN, penalty=10``, the
WGAN-GP of the paper's section 3.3. In Eq. 7 the data are n sets that label different things: m says, one-hot, which of
the c_i is known. Where ``sets`` names them, the last n columns of y are m, and D_cls is only asked for what is known.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from ganlib import parallel
from ganlib.budget import private_seed
from ganlib.data import Labelled
from ganlib.gan import Data, adam, require, shape_of, uncompiled, whole
from ganlib.models.cgan import ConditionalGAN, known
from ganlib.models.dcgan import Discriminator, spectral_norm_
from ganlib.models.discogan import UNet, remembered
from ganlib.objectives import NON_SATURATING, Objective

DATA = "painted-digits"


class Generator(nn.Module):
    """From pictures (N, C, H, W) and wanted attributes c (N, A), as constant maps beside them, to pictures."""

    def __init__(self, channels: int, length: int, width: int):
        super().__init__()
        self.network = UNet(channels + length, channels, width)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        maps = c.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return self.network(torch.cat([x, maps], dim=1))


class TwoHeads(nn.Module):
    """D_src and D_cls on one body: ``forward`` gives the logits (N,), ``both`` also those of the attributes (N, A)."""

    def __init__(self, shape: tuple[int, int, int], length: int, width: int):
        super().__init__()
        self.images = Discriminator(shape, width, batch_norm=False)
        self.attributes = nn.Linear(self.images.logit.in_features, length)

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.images.features(x)
        return self.images.logit(features).flatten(), self.attributes(features)

    def forward(self, x: Tensor) -> Tensor:
        return self.images(x)


class StarGAN(ConditionalGAN):
    """The game of Eqs. 1 to 7.

    Args:
        groups: how many columns of y exclude each other, in order; () are independent attributes.
        sets: how many columns each of the sets labels that are trained on together; () is one set without a mask.
        pictures: some of the data, which ``sample`` translates.
        classification, reconstruction: lambda_cls and lambda_rec.
        *players, **settings: those of ``ConditionalGAN``.
    """

    def __init__(
        self,
        *players: nn.Module,
        groups: tuple[int, ...],
        sets: tuple[int, ...],
        pictures: Tensor,
        classification: float = 1.0,
        reconstruction: float = 10.0,
        **settings,
    ):
        super().__init__(*players, latent_dim=None, **settings)
        for name, weight in dict(classification=classification, reconstruction=reconstruction).items():
            require(weight >= 0, f"{name} is {weight}; it must not be negative")
        self.groups, self.sets = groups, sets
        self.classification, self.reconstruction = classification, reconstruction
        self.register_buffer("pictures", pictures, persistent=False)
        self.to(self.device)

    def extra_repr(self) -> str:
        return (
            f"{super().extra_repr()}, groups={self.groups}, sets={self.sets}, "
            f"classification={self.classification}, reconstruction={self.reconstruction}"
        )

    def read(self, logits: Tensor, c: Tensor) -> Tensor:
        """-log D_cls(c | .), the mean over samples, from the logits (N, A) of its head: the sum over what is known."""
        target, start = c.to(logits.dtype), 0
        losses, ends = [], []  # of each group, and where its columns end
        for width in self.groups or (1,) * logits.shape[1]:
            part, truth = logits[:, start : start + width], target[:, start : start + width]
            alone = binary_cross_entropy_with_logits(part, truth, reduction="none").sum(1)
            losses.append(cross_entropy(part, truth, reduction="none") if width > 1 else alone)
            start += width
            ends.append(start)
        if not self.sets:
            return sum(losses).mean()
        total, edge = 0.0, 0
        for i, width in enumerate(self.sets):  # the mask of Eq. 7 leaves out what a picture's set does not label
            inside = [loss for loss, end in zip(losses, ends) if edge < end <= edge + width]
            total, edge = total + target[:, logits.shape[1] + i] * sum(inside), edge + width
        return total.mean()

    def wanted(self, y: Tensor) -> Tensor:
        """Attributes to translate to: those of other pictures of the batch, of all processes."""
        everyone = parallel.gather(y)
        return parallel.share(everyone[torch.randperm(len(everyone), device=y.device)])

    def step(self, batches) -> dict[str, Tensor]:  # noqa: ANN001
        for _ in range(self.n_critic):
            batch = next(batches)
            logs = self.discriminator_step(batch)
        return logs | self.generator_step(batch)

    def discriminator_step(self, batch: Labelled, fake: Tensor | None = None) -> dict[str, Tensor]:
        """One update of both heads (Eq. 5); None makes fresh fakes."""
        fake = self.fakes(batch.x, self.wanted(batch.y)) if fake is None else fake
        real_logits, attributes = self.discriminator.both(batch.x)
        fake_logits = self.discriminator(fake)
        d_loss, reads = self.objective.d_loss(real_logits, fake_logits).mean(), self.read(attributes, batch.y)
        loss = d_loss + self.classification * reads
        logs = {
            "d_loss": d_loss.detach(),
            "d_real": self.objective.output(real_logits.detach()).mean(),
            "d_fake": self.objective.output(fake_logits.detach()).mean(),
            "d_reads": reads.detach(),
        }
        if self.penalty:
            with uncompiled(self):  # a compiled network has no second derivative
                penalty = self.penalty_fn(self.discriminator, batch.x, fake).mean()
            loss = loss + self.penalty * penalty
            logs["penalty"] = penalty.detach()
        self.descend(loss, self.optimizers["discriminator"])
        return logs

    def generator_step(self, batch: Labelled) -> dict[str, Tensor]:
        """One update of G (Eq. 6)."""
        c = self.wanted(batch.y)
        fake = self.generator(batch.x, c)
        logits, attributes = self.discriminator.both(fake)
        adversarial, reads = self.objective.g_loss(logits).mean(), self.read(attributes, c)
        cycle = (batch.x - self.generator(fake, batch.y)).abs().mean()
        loss = adversarial + self.classification * reads + self.reconstruction * cycle
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": adversarial.detach(), "g_reads": reads.detach(), "cycle": cycle.detach()}

    def translate(self, x: Tensor, y: Tensor | None = None, to: str = "b") -> Tensor:
        """Pictures (N, C, H, W) with attributes y (N, A), or one (A,) for all, in eval mode."""
        require(y is not None, "y is None; StarGAN translates to attributes y, not to a domain")
        return self.run(x.to(self.dtype), self.conditions(len(x), y))

    def sample(self, n: int, seed: int | None = None, y: Tensor | list | None = None) -> Tensor:
        """Translations (n, C, H, W) of n remembered pictures to attributes y; None draws them as in the data."""
        whole("n", n)
        with private_seed(seed, self.device):
            which = torch.randint(len(self.pictures), (n,), device=self.device)
            return self.translate(self.pictures[which], self.conditions(n, y))


def build(
    data: Data,
    *,
    width: int = 64,
    sets: tuple[int, ...] = (),
    objective: Objective = NON_SATURATING,
    classification: float = 1.0,
    reconstruction: float = 10.0,
    n_critic: int = 1,
    penalty: float = 0.0,
    lr: float = 5e-4,
    d_lr: float = 5e-4,
) -> StarGAN:
    """The game for pictures (C, H, W) with attributes (N, A) of 0 and 1 as their y.

    Args:
        sets: of data from several sets, how many columns each labels; then y has so many columns more, the mask.
        penalty: the weight of WGAN-GP's penalty; without it the discriminator has spectral norm.

    Raises:
        ValueError: a set without attributes, or ``sets`` that do not add up to its columns.
    """
    shape, y = shape_of(data), getattr(data, "y", None)
    require(y is not None and y.dim() == 2, "data has no attributes: give a set whose y is (N, A)")
    length, conditions = known(data)
    labels, groups = length - len(sets), tuple(data.groups)
    require(not sets or sum(sets) == labels, f"sets is {sets}; they must add up to {labels}, y less the mask's columns")
    groups = groups[:-1] if sets and groups and sum(groups) == length else groups  # the mask is a group of its own
    generator = Generator(shape[0], length, width)
    discriminator = TwoHeads(shape, labels, width)
    if not penalty:
        spectral_norm_(discriminator)
    rates = dict(g_optimizer=adam(lr), d_optimizer=adam(d_lr))
    settings = dict(groups=groups, sets=tuple(sets), classification=classification, reconstruction=reconstruction)
    return StarGAN(
        generator, discriminator, objective, **settings, pictures=remembered(data), n_critic=n_critic, penalty=penalty,
        **rates, **conditions,
    )  # fmt: skip
