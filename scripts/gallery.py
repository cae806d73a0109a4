"""Draw docs/gallery.png: samples of every trained system that is kept in data/weights/, beside real digits.

python scripts/gallery.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
import torch

import ganlib as gl
from ganlib import claims, plotting

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "gallery.png"
ROWS = {  # label: the arm of ganlib.claims
    "vanilla": "vanilla",
    "DCGAN": "dcgan",
    "LSGAN": "lsgan",
    "WGAN": "wgan",
    "WGAN-GP": "wgan_gp",
    "lens": "dcgan, lens",
    "GRAN": "GRAN7",
    "ChainGAN": "chain",
    "DVAE": "DVAE",
    "DRAW": "DRAW",
}
COLUMNS = 16


def main() -> None:
    real = gl.load("mnist5k", size=16).take(COLUMNS)
    rows = {"real": gl.data.to_float(real.x).cpu()}
    for label, arm in ROWS.items():
        if (claims.WEIGHTS / f"{arm}-seed0.safetensors").exists():
            rows[label] = claims.kept(arm).sample(COLUMNS, seed=0).cpu()
        else:
            print(f"{arm}: python -m ganlib.claims --keep '{arm}' trains it and keeps it")
    images = torch.cat(list(rows.values()))
    ax = plotting.show(images, columns=COLUMNS, scale=0.5)
    for i, label in enumerate(rows):
        ax.text(-2, 17 * i + 8, label, ha="right", va="center")
    ax.figure.savefig(PICTURE, dpi=100, bbox_inches="tight", pad_inches=0.05, pil_kwargs={"optimize": True})
    plt.close(ax.figure)
    print(f"{PICTURE.name}: {len(rows)} rows, {PICTURE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
