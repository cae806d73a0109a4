"""One file per paper: its networks, its game where it changes the game, and its ``build``."""

from collections.abc import Callable

from ganlib.gan import GAN, require
from ganlib.models import chaingan, dcgan, gran, lens, vanilla, wgan, wgan_gp
from ganlib.models import draw as draw  # has no opponent, so it is not in SYSTEMS
from ganlib.models import dvae as dvae  # nor has this

SYSTEMS: dict[str, Callable[..., GAN]] = {
    "vanilla": vanilla.build,
    "dcgan": dcgan.build,
    "lsgan": dcgan.build_lsgan,
    "wgan": wgan.build,
    "wgan_gp": wgan_gp.build,
    "lens": lens.build,
    "gran": gran.build,
    "chaingan": chaingan.build,
}


def build(name: str, shape: tuple[int, int, int], **settings) -> GAN:
    """Build any system by name for images of a shape (C, H, W); the settings are those of its file's ``build``.

    Raises:
        ValueError: a name that is not in ``SYSTEMS``, a width below 1.
    """
    require(name in SYSTEMS, f"name is {name!r}; the systems are {', '.join(SYSTEMS)}")
    width = settings.get("width")
    require(width is None or width >= 1, f"width is {width}; it must be at least 1")
    return SYSTEMS[name](shape, **settings)
