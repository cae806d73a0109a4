"""Interactive explorers. Their sliders need a running kernel; without one there is the picture they began with."""

import io
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING

import PIL.Image
import torch
from ipywidgets import Checkbox, FloatSlider, Image, IntSlider, Layout, SelectionSlider, Text, VBox
from torch import Tensor

from ganlib.budget import private_seed
from ganlib.pictures import render, tile

if TYPE_CHECKING:
    from ganlib.gan import GAN
    from ganlib.models.gan_int_cls import TextGAN
    from ganlib.models.stargan import StarGAN


class Explorer(VBox):
    """Sliders and, as the last child, the picture that they change.

    The picture is saved in the notebook, for pages that show it without a kernel.
    """

    def _repr_mimebundle_(self, **kwargs: object) -> dict:
        return super()._repr_mimebundle_(**kwargs) | {"image/png": b64encode(self.children[-1].value).decode()}


def enlarged(images: Tensor, columns: int, width: int) -> tuple[bytes, int, int]:
    """A grid of images (N, C, H, W), or of voxels, as a PNG with sharp pixels, about ``width`` wide: bytes and sides.

    A figure of matplotlib would take ten times as long, and a slider redraws while it moves.
    """
    images = render(images) if images.dim() == 5 else images
    sheet = PIL.Image.fromarray((tile(images, columns) * 255).round().astype("uint8").squeeze())
    sheet = sheet.resize(
        [side * max(1, round(width / sheet.width)) for side in sheet.size], PIL.Image.Resampling.NEAREST
    )
    file = io.BytesIO()
    sheet.save(file, format="png", compress_level=1)
    return file.getvalue(), *sheet.size


def scrub(pictures: Sequence[bytes], labels: Sequence[str], name: str, width: int = 640) -> Explorer:
    """A slider over pictures (PNG bytes, see ``plotting.png``) that were drawn before, such as a run's snapshots."""
    image = Image(value=pictures[0], format="png", width=width)
    slider = SelectionSlider(options=list(labels), description=name, continuous_update=True)
    slider.layout.width = f"{width}px"
    slider.observe(lambda change: setattr(image, "value", pictures[change.new]), names="index")
    return Explorer([slider, image])


def scrub_pair(
    pictures: Sequence[bytes], others: Sequence[bytes], labels: Sequence[str], name: str, switch: str, width: int = 640
) -> Explorer:
    """``scrub`` with a box to tick, named ``switch``, that shows the other pictures in the place of the first."""
    box, tick = scrub(pictures, labels, name, width), Checkbox(value=False, description=switch, indent=False)
    slider, image = box.children

    def draw(_: object) -> None:
        image.value = (others if tick.value else pictures)[slider.index]

    slider.observe(draw, names="index")  # after scrub's own, which has put the first picture there
    tick.observe(draw, names="value")
    return Explorer([slider, tick, image])


def spin(voxels: Tensor, columns: int = 4, width: int = 420) -> Explorer:
    """Two sliders that turn shapes (N, 1, D, D, D) and raise the camera; filled where the value is above 0."""
    image = Image(format="png")
    turn = IntSlider(30, min=0, max=355, step=5, description="turn")
    tilt = IntSlider(25, min=0, max=90, step=5, description="tilt")

    def draw(_: object = None) -> None:
        image.value, image.width, image.height = enlarged(render(voxels, turn.value, tilt.value), columns, width)

    for slider in (turn, tilt):
        slider.observe(draw, names="value")
    draw()
    return Explorer([VBox([turn, tilt]), image], layout=Layout(flex_flow="row wrap"))


def typed(gan: "TextGAN", caption: str = "red heart", n: int = 8, width: int = 420) -> Explorer:
    """A box in which one types a caption, and n pictures that the game draws of it."""
    image = Image(format="png")
    box = Text(caption, description="caption", continuous_update=True)

    def draw(_: object = None) -> None:
        made = gan.sample(n, seed=0, y=box.value)
        image.value, image.width, image.height = enlarged(made, round(n**0.5 * 1.4), width)

    box.observe(draw, names="value")
    draw()
    return Explorer([box, image])


def steer(
    gan: "StarGAN", x: Tensor, groups: Sequence[int], names: Sequence[str], columns: int = 8, width: int = 420
) -> Explorer:
    """A slider for each group of attributes, of which one holds; pictures x (N, C, H, W) are translated to them.

    Args:
        groups: how many attributes each group has, in the order of their ``names``.
    """
    image, sliders, start = Image(format="png"), [], 0
    for size in groups:
        sliders.append(SelectionSlider(options=list(names[start : start + size])))
        start += size

    def draw(_: object = None) -> None:
        told = torch.cat([torch.eye(size)[slider.index] for size, slider in zip(groups, sliders)])
        made = gan.translate(x, told.to(x.device))
        image.value, image.width, image.height = enlarged(made, columns, width)

    for slider in sliders:
        slider.observe(draw, names="index")
    draw()
    return Explorer([VBox(sliders), image], layout=Layout(flex_flow="row wrap"))


def explore(gan: "GAN", n: int = 16, seed: int = 0, width: int = 420) -> Explorer:
    """Three sliders that move n latents together along three fixed directions, and the samples redrawn.

    Each slider counts in standard deviations of the latents along its direction: 0 leaves the samples as they were
    drawn. A conditional game has one more slider, over its classes, or the conditions that it remembers of its data.
    """
    with private_seed(seed, gan.device):
        z, directions = gan.latent(n), gan.latent(3)
    directions = directions.flatten(1) / directions.flatten(1).norm(dim=1, keepdim=True)
    image = Image(format="png")
    sliders = [FloatSlider(0.0, min=-3, max=3, step=0.25, description=f"direction {i + 1}") for i in range(3)]
    known = gan.known_conditions() if gan.conditional else []
    told = [IntSlider(0, min=0, max=len(known) - 1, description="y")] if len(known) else []

    def draw(_: object = None) -> None:
        amounts = torch.tensor([slider.value for slider in sliders], device=gan.device, dtype=gan.dtype)
        y = [known[slider.value].expand(n, *known.shape[1:]) for slider in told]
        moved = gan.generate(z + (amounts @ directions).view(z.shape[1:]), *y)
        image.value, image.width, image.height = enlarged(moved, round(n**0.5), width)

    for slider in [*told, *sliders]:
        slider.observe(draw, names="value")
    draw()
    return Explorer([VBox([*told, *sliders]), image], layout=Layout(flex_flow="row wrap"))
