"""One file per paper: its networks, its game where it changes the game, and its ``build``."""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from ganlib.checks import require, whole
from ganlib.gan import Data, Game
from ganlib.models import (
    ambient,
    cgan,
    chaingan,
    cyclegan,
    dcgan,
    discogan,
    gan3d,
    gan_int_cls,
    gran,
    lens,
    maligan,
    prgan,
    progan,
    projections,
    scene3d,
    seqgan,
    stackgan,
    stargan,
    vanilla,
    wgan,
    wgan_gp,
)
from ganlib.models import draw as draw  # has no opponent, so it is not in SYSTEMS
from ganlib.models import dvae as dvae  # nor has this
from ganlib.objectives import OBJECTIVES

SYSTEMS: dict[str, Callable[..., Game]] = {
    "vanilla": vanilla.build,
    "dcgan": dcgan.build,
    "lsgan": dcgan.build_lsgan,
    "wgan": wgan.build,
    "wgan_gp": wgan_gp.build,
    "lens": lens.build,
    "gran": gran.build,
    "chaingan": chaingan.build,
    "cgan": cgan.build,
    "gan_int_cls": gan_int_cls.build,
    "stackgan": stackgan.build,
    "discogan": discogan.build,
    "cyclegan": cyclegan.build,
    "stargan": stargan.build,
    "seqgan": seqgan.build,
    "maligan": maligan.build,
    "gan3d": gan3d.build,
    "prgan": prgan.build,
    "scene3d": scene3d.build,
    "projections": projections.build,
    "ambient": ambient.build,
    "progan": progan.build,
}


def build(name: str, data: Data, **settings) -> Game:
    """Build any system by name for a set, or for a sample's shape where no more is needed.

    ``name`` may be the path of a paper's file outside the package, PAPER.py with a ``build(data, **settings)``, whose
    code is run. The settings are those of the file's ``build``; an objective may be given by its name.

    Raises:
        ValueError: a name that is not in ``SYSTEMS``, a width below 1, an unknown objective.
    """
    if settings.get("width") is not None:
        whole("width", settings["width"])
    if isinstance(objective := settings.get("objective"), str):
        require(objective in OBJECTIVES, f"objective is {objective!r}; it must be one of {', '.join(OBJECTIVES)}")
        settings["objective"] = OBJECTIVES[objective]
    make = system(name)
    for key, parameter in inspect.signature(make).parameters.items():
        if isinstance(parameter.default, bool) and key in settings:  # any text would count as True
            require(isinstance(settings[key], bool), f"{key} is {settings[key]!r}; it must be True or False")
    return make(data, **settings)


def system(name: str) -> Callable[..., Game]:
    """The ``build`` of a system by its name, or of a paper's file by its path."""
    if name in SYSTEMS:
        return SYSTEMS[name]
    path = Path(name).expanduser()
    known = path.suffix == ".py" and path.exists()
    require(known, f"name is {name!r}; the systems are {', '.join(SYSTEMS)}, or the path of a paper's file")
    found = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    require(hasattr(module, "build"), f"{path} has no build(data, **settings)")
    sys.modules[module.build.__module__] = module  # where ``home`` and pickle look
    return module.build


def home(name: str) -> str:
    """The name of the data that a system is shown and tested with: ``DATA`` of its paper's file, else mnist5k."""
    build = system(name)
    return getattr(sys.modules[getattr(build, "func", build).__module__], "DATA", "mnist5k")
