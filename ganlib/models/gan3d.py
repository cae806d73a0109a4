"""3D-GAN (Wu, Zhang, Xue, Freeman and Tenenbaum 2016, "Learning a Probabilistic Latent Space of Object Shapes via 3D
Generative-Adversarial Modeling"): DCGAN with a third dimension.

    L = log D(x) + log(1 - D(G(z)))                         (Eq. 1)

G goes from z to the voxels of a shape in transposed 3-D convolutions of side 4 and stride 2, D goes back (section 3.1).
D learns much faster than G, so it is held back twice (section 3.2): its rate is 250 times smaller, and it is updated
only where its accuracy on the batch is at most 80 %.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool3d

from ganlib import parallel
from ganlib.gan import GAN, Data, adam, check_latent, require, shape_of
from ganlib.models.dcgan import initialise_, spectral_norm_, widths
from ganlib.objectives import NON_SATURATING, Objective

DATA = "chairs"


class Generator(nn.Module):
    """From latents (N, latent_dim) to voxels (N, 1, D, D, D) in [-1, 1]; a shape is where they are above 0."""

    def __init__(self, shape: tuple[int, int, int, int], width: int, latent_dim: int):
        super().__init__()
        self.latent_dim = latent_dim
        side, channels = widths(shape[1:], width)
        layers = [nn.Linear(latent_dim, channels[0] * side**3), nn.Unflatten(1, (channels[0], side, side, side))]
        for i, o in zip(channels, [*channels[1:], shape[0]]):
            layers += [nn.BatchNorm3d(i), nn.ReLU()]
            layers += [nn.ConvTranspose3d(i, o, 4, stride=2, padding=1)]  # twice the side
        self.layers = nn.Sequential(*layers, nn.Tanh())  # the paper's sigmoid, between -1 and 1

    def forward(self, z: Tensor) -> Tensor:
        check_latent(z, self.latent_dim)
        return self.layers(z)


class Discriminator(nn.Module):
    """From voxels (N, 1, D, D, D) to logits (N,): the generator's mirror image. ``maps`` gives what layers see.

    ``fine`` puts a convolution with stride 1 before the first one with stride 2.
    """

    def __init__(self, shape: tuple[int, int, int, int], width: int, batch_norm: bool = True, fine: bool = False):
        super().__init__()
        side, channels = widths(shape[1:], width)
        channels = [shape[0], *reversed(channels)]
        self.levels = nn.ModuleList()
        for level, (i, o) in enumerate(zip(channels, channels[1:])):
            close = [nn.Conv3d(i, o, 3, padding=1), nn.LeakyReLU(0.2)] if fine and not level else []
            i = o if close else i
            norm = [nn.BatchNorm3d(o)] if batch_norm and level else []
            convolution = nn.Conv3d(i, o, 4, stride=2, padding=1)  # half the side
            self.levels.append(nn.Sequential(*close, convolution, *norm, nn.LeakyReLU(0.2)))
        self.logit = nn.Linear(channels[-1] * side**3, 1)

    def maps(self, x: Tensor) -> list[Tensor]:
        """The maps (N, channels, side, side, side) after each level, the coarsest last."""
        found = []
        for level in self.levels:
            x = level(x)
            found.append(x)
        return found

    def features(self, x: Tensor) -> Tensor:
        """What a classifier of shapes is fed (section 4.3): the maps of all levels, pooled to side 4: (N, F)."""
        pooled = [adaptive_max_pool3d(m, min(4, m.shape[-1])) for m in self.maps(x)]
        return torch.cat([m.flatten(1) for m in pooled], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.logit(self.maps(x)[-1].flatten(1)).flatten()


class GAN3D(GAN):
    """A GAN whose discriminator rests where it is right too often.

    Args:
        rule: the accuracy on a batch above which the discriminator's weights stay as they are; None: it always learns.
        *args, **kwargs: those of ``GAN``.
    """

    def __init__(self, *args, rule: float | None = 0.8, **kwargs):
        super().__init__(*args, **kwargs)
        require(rule is None or 0 < rule <= 1, f"rule is {rule}; it must be an accuracy in (0, 1], or None")
        self.rule = rule

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, rule={self.rule}"

    def discriminator_step(self, batch: Tensor, fake: Tensor | None = None) -> dict[str, Tensor]:
        """One update of the discriminator, unless it tells too many of these reals and fakes apart."""
        fake = self.fakes(self.batch_latent(len(batch))) if fake is None else fake
        real_logits, fake_logits = self.discriminator(batch), self.discriminator(fake)
        right = torch.cat([real_logits > 0, fake_logits < 0]).to(self.dtype).mean()
        parallel.average_([right])  # over the batch of all processes
        loss = self.objective.d_loss(real_logits, fake_logits).mean()
        before = [p.detach().clone() for p in self.discriminator.parameters()] if self.rule is not None else []
        self.descend(loss, self.optimizers["discriminator"])
        for old, now in zip(before, self.discriminator.parameters()):
            # which of the two it is, is never read: the host does not wait. Adam's averages move on
            now.data.copy_(torch.where(right > self.rule, old, now.detach()))
        return {
            "d_loss": loss.detach(),
            "d_real": self.objective.output(real_logits.detach()).mean(),
            "d_fake": self.objective.output(fake_logits.detach()).mean(),
            "d_accuracy": right,
        }


def build(
    data: Data,
    *,
    width: int = 64,
    latent_dim: int = 200,
    objective: Objective = NON_SATURATING,
    spectral_norm: bool = False,
    fine: bool = False,
    rule: float | None = 0.8,
    lr: float = 2.5e-3,
    d_lr: float = 1e-5,
) -> GAN3D:
    """The game for voxels (1, D, D, D), D 4 to 7 times a power of two, with the paper's rates and rule.

    Its networks have 64 channels in the finest hidden maps at D = 64. ``spectral_norm=True`` normalises the
    discriminator's weights and leaves out its batch norm; with that, rates of 1e-3 and 2e-4 need no rule. ``fine=True``
    gives the discriminator one convolution more, which sees each voxel among its neighbours: against specks.
    """
    shape = shape_of(data)
    require(len(shape) == 4 and len(set(shape[1:])) == 1, f"shape is {shape}; it must be (1, D, D, D), of voxels")
    generator = initialise_(Generator(shape, width, latent_dim))
    discriminator = initialise_(Discriminator(shape, width, batch_norm=not spectral_norm, fine=fine))
    if spectral_norm:
        spectral_norm_(discriminator)
    rates = dict(g_optimizer=adam(lr), d_optimizer=adam(d_lr))
    return GAN3D(generator, discriminator, objective, latent_dim, rule=rule, **rates)
