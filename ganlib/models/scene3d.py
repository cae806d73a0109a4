"""One scene from its pictures, after 3D-Scene-GAN (Yu and others 2018, "3D-Scene-GAN: Three-dimensional Scene
Reconstruction with Generative Adversarial Networks"), in small: the scene is what learns.

There is no z. The generator *is* the scene, voxels with a density and a colour, and its only move is to be drawn from a
known camera; a discriminator compares drawn with observed pictures. A loss of pixels may stand beside it or alone
(then this is plain regression):

    L = adversarial * L_G(D(render(scene, camera))) + pixels * |render(scene, camera) - observed|.

Drawing is by rays: a voxel of opacity a on a ray adds its colour times a times what the voxels before it let through.
"""

from typing import Any

import torch
from torch import Tensor, nn

from ganlib.data import Labelled
from ganlib.gan import Data, adam, require, shape_of, whole
from ganlib.models import cgan, dcgan
from ganlib.objectives import NON_SATURATING, Objective
from ganlib.pictures import composed, turned

DATA = "scene"


class Scene(nn.Module):
    """Voxels of opacity and colour, drawn from cameras (N, 2), degrees of turn and of tilt: (N, 3, size, size)."""

    def __init__(self, side: int, size: int):
        super().__init__()
        self.size = size
        self.opacity = nn.Parameter(torch.full((1, 1, side, side, side), -3.0))  # nearly empty, before the sigmoid
        self.colour = nn.Parameter(torch.zeros(1, 3, side, side, side))  # grey

    def forward(self, z: Tensor, camera: Tensor) -> Tensor:
        solid = torch.cat([self.opacity, self.colour], dim=1).sigmoid()
        solid = solid.expand(len(camera), -1, -1, -1, -1)
        return 2 * composed(turned(solid, *camera.deg2rad().unbind(1), size=self.size)) - 1

    def extra_repr(self) -> str:
        return f"side={self.opacity.shape[-1]}, size={self.size}"


class SceneGAN(cgan.ConditionalGAN):
    """The game whose generator is one scene; its y are cameras.

    Args:
        adversarial, pixels: the weights of the two terms; the discriminator does not play where its weight is 0.
        *players, **settings: those of ``ConditionalGAN``.
    """

    def __init__(self, *players: Any, adversarial: float = 1.0, pixels: float = 10.0, **settings: Any):
        super().__init__(*players, **settings)
        for name, weight in dict(adversarial=adversarial, pixels=pixels).items():
            require(weight >= 0, f"{name} is {weight}; it must not be negative")
        require(adversarial + pixels > 0, "adversarial and pixels are both 0; one of them must move the scene")
        self.adversarial, self.pixels = adversarial, pixels

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, adversarial={self.adversarial}, pixels={self.pixels}"

    def discriminator_step(self, batch: Labelled, fake: Tensor | None = None) -> dict[str, Tensor]:
        if self.adversarial:
            return super().discriminator_step(batch, fake)
        zero = torch.zeros((), device=self.device)
        return {"d_loss": zero, "d_real": zero, "d_fake": zero}

    def generator_step(self, batch: Labelled) -> dict[str, Tensor]:
        """One update of the scene from the batch's cameras."""
        drawn = self.generator(self.batch_latent(len(batch.x)), batch.y)
        pixels = (drawn - batch.x).abs().mean()
        loss = self.pixels * pixels
        if self.adversarial:
            loss = loss + self.adversarial * self.objective.g_loss(self.discriminator(drawn, batch.y)).mean()
        self.descend(loss, self.optimizers["generator"])
        return {"g_loss": loss.detach(), "pixels": pixels.detach()}


def build(
    data: Data,
    *,
    adversarial: float = 1.0,
    pixels: float = 10.0,
    side: int | None = None,
    width: int = 32,
    objective: Objective = NON_SATURATING,
    lr: float = 0.05,
    d_lr: float = 2e-4,
) -> SceneGAN:
    """The game for pictures (3, H, W) of one scene with cameras (N, 2), degrees of turn and tilt, as their y.

    ``side`` is that of the scene's voxels, half the pictures' by default. The discriminator, DCGAN's with spectral
    norm, is not told the camera: it asks whether a picture could be one of this scene at all.
    """
    shape = shape_of(data)
    require(len(shape) == 3 and shape[0] == 3, f"shape is {shape}; it must be (3, H, W), of colour pictures")
    require(getattr(data, "y", None) is not None, "data has no cameras: give a set that has them as its y")
    length, conditions = cgan.known(data)
    require(length == 2, f"data has y of length {length}; it must be cameras (N, 2), degrees of turn and tilt")
    scene = Scene(shape[1] // 2 if side is None else whole("side", side, least=2), shape[1])
    discriminator = cgan.Discriminator(shape, width, length, "blind", batch_norm=False)
    dcgan.spectral_norm_(dcgan.initialise_(discriminator))
    rates = dict(g_optimizer=adam(lr), d_optimizer=adam(d_lr))
    weights = dict(adversarial=adversarial, pixels=pixels)
    return SceneGAN(scene, discriminator, objective, None, **rates, **weights, **conditions)
