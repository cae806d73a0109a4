"""Rules for arguments: what breaks one gets a sentence that names the argument, its value and the rule."""

import operator
import warnings

from torch import Tensor


def require(rule: object, message: str) -> None:
    """Raise ``ValueError(message)`` unless the rule holds."""
    if not rule:
        raise ValueError(message)


def whole(name: str, value: object, least: int = 1) -> int:
    """A whole number as an ``int``: Python's or NumPy's, but neither True nor 2.0.

    Raises:
        ValueError: the value is no whole number, or below ``least``.
    """
    rule = "it must not be negative" if least == 0 else f"it must be at least {least}"
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ValueError(f"{name} is {value}; it must be an integer of at least {least}")
    require(number >= least, f"{name} is {number}; {rule}")
    return number


def check_latent(z: Tensor, latent_dim: int) -> None:
    """Raise ``ValueError`` unless z is a batch of latents (N, latent_dim)."""
    require(z.dim() == 2 and z.shape[1] == latent_dim, f"z has shape {tuple(z.shape)}; it must be (N, {latent_dim})")


def warn_range(n: int, low: float) -> None:
    """Warn where n images that should lie in [-1, 1] have no pixel below 0, and are many enough for that to be odd."""
    if n >= 8 and low >= 0:
        message = f"none of {n} images has a pixel below 0; should they lie in [-1, 1] and not in [0, 1]?"
        warnings.warn(message, stacklevel=4)
