"""Draw docs/gallery.png: samples of every trained system that is kept in data/weights/, beside real digits.

python scripts/gallery.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import torch

import ganlib as gl
from ganlib import claims, plotting
from ganlib.models import SYSTEMS, home

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "gallery.png"
# where a system has several arms with kept weights, the one that is shown; and the two models without an opponent
CHOSEN = {"lens": "dcgan, lens", "gran": "GRAN7", "dvae": "DVAE", "draw": "DRAW"}


def arm_of(system: str) -> str | None:
    """The arm of ``ganlib.claims`` that shows a system: the chosen one, or the first that has kept weights."""
    arms = [CHOSEN[system]] if system in CHOSEN else [a for a, s in claims.ARMS.items() if s["system"] == system]
    return next((arm for arm in arms if (claims.WEIGHTS / f"{arm}-seed0.safetensors").exists()), None)


COLUMNS = 16


def main() -> None:
    real = gl.load("mnist5k", size=16).take(COLUMNS)
    rows = {"real": gl.data.to_float(real.x).cpu()}
    digits = [system for system in SYSTEMS if home(system) == "mnist5k"]  # what else there is draws no digits
    for system in (*digits, "dvae", "draw"):
        if arm := arm_of(system):
            rows[system] = claims.kept(arm).preview(COLUMNS).cpu()
        else:
            print(f"{system} has no kept weights: python -m ganlib.claims --keep ARM trains an arm and keeps it")
    images = torch.cat(list(rows.values()))
    ax = plotting.show(images, columns=COLUMNS, scale=0.5)
    for i, label in enumerate(rows):
        ax.text(-2, 17 * i + 8, label, ha="right", va="center")
    ax.figure.savefig(PICTURE, dpi=100, bbox_inches="tight", pad_inches=0.05, pil_kwargs={"optimize": True})
    plt.close(ax.figure)
    print(f"{PICTURE.name}: {len(rows)} rows, {PICTURE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
