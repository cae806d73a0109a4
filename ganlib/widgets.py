"""Interactive explorers. Each needs a running kernel; a notebook draws a static picture beside it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from ipywidgets import FloatSlider, HBox, Image, SelectionSlider, VBox

from ganlib.budget import private_seed
from ganlib.plotting import png, show

if TYPE_CHECKING:
    from ganlib.gan import GAN


def scrub(pictures: Sequence[bytes], labels: Sequence[str], name: str, width: int = 640) -> VBox:
    """A slider over pictures (PNG bytes, see ``plotting.png``) that were drawn before, such as a run's snapshots."""
    image = Image(value=pictures[0], format="png", width=width)
    slider = SelectionSlider(options=list(labels), description=name, continuous_update=True)
    slider.layout.width = f"{width}px"
    slider.observe(lambda change: setattr(image, "value", pictures[change.new]), names="index")
    return VBox([slider, image])


def explore(gan: "GAN", n: int = 16, seed: int = 0, width: int = 420) -> HBox:
    """Three sliders that move n latents together along three fixed directions, and the samples redrawn.

    Each slider counts in standard deviations of the latent: 0 leaves the samples as they were drawn.
    """
    with private_seed(seed, gan.device):
        z, directions = gan.latent(n), gan.latent(3)
    directions = directions / directions.std(dim=1, keepdim=True)
    image = Image(format="png", width=width, height=width)
    sliders = [FloatSlider(0.0, min=-3, max=3, step=0.25, description=f"direction {i + 1}") for i in range(3)]

    def draw(_: object = None) -> None:
        amounts = torch.tensor([slider.value for slider in sliders], device=gan.device)
        picture = gan.generate(z + amounts @ directions)
        image.value = png(show(picture, columns=round(n**0.5), scale=1.0).figure)

    for slider in sliders:
        slider.observe(draw, names="value")
    draw()
    return HBox([VBox(sliders), image])
