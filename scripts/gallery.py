"""Draw docs/gallery.png: samples of the trained systems that are kept in data/weights/, with their FIDs.

python scripts/gallery.py

Above are digits, below other pictures; none is chosen. FID is in the features of the digit, or clothes, classifier,
with n = 1,000, beside its floor: what training pictures score in the place of the fakes.
"""

from pathlib import Path

import matplotlib.pyplot as plt

import ganlib as gl
from ganlib import claims, plotting
from ganlib.gan import Game
from ganlib.models import SYSTEMS, home

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "gallery.png"
# where a system has several arms with kept weights, the one that is shown; and the two models without an opponent
CHOSEN = {"lens": "dcgan, lens", "gran": "GRAN3", "dvae": "DVAE", "draw": "DRAW"}
OTHERS = {  # the row's label: arm, seed
    "clothes: grown": ("(h) twice as long", 0),
    "captions: GAN-INT-CLS": ("GAN-INT-CLS, shown", 0),
    "captions: StackGAN": ("Stage II, shown", 0),
    "shapes: 3D-GAN": ("3D-GAN, shown", 8),
}
COLUMNS = 16


def arm_of(system: str) -> str | None:
    """The arm of ``ganlib.claims`` that shows a system: the chosen one, or the first that has kept weights."""
    arms = [CHOSEN[system]] if system in CHOSEN else [a for a, s in claims.ARMS.items() if s["system"] == system]
    return next((arm for arm in arms if (claims.WEIGHTS / f"{arm}-seed0.safetensors").exists()), None)


def scored(game: Game, test: gl.Images) -> str:
    """The FID of a game, with its floor."""
    score = gl.metrics.fid(game, test, n=1000)
    return f"FID {score.value:.1f} (floor {score.floor:.1f})"


def main() -> None:
    train, test = (gl.load("mnist5k", split=split, size=16) for split in ("train", "test"))
    clothes = gl.load("fashion10k", split="test", size=16)
    rows = {"real digits": (gl.data.to_float(train.x[:COLUMNS]).cpu(), "")}
    digits = [system for system in SYSTEMS if home(system) == "mnist5k"]  # what else there is draws no digits
    for system in (*digits, "dvae", "draw"):
        if arm := arm_of(system):
            game = claims.kept(arm)
            rows[system] = game.preview(COLUMNS).cpu(), scored(game, test)
        else:
            print(f"{system} has no kept weights: python -m ganlib.claims --keep ARM trains an arm and keeps it")
    captions = gl.load("emoji", only=gl.data.EMOJI_KINDS).captions
    captions = list(captions[:: len(captions) // COLUMNS][:COLUMNS])
    for label, (arm, seed) in OTHERS.items():
        game = claims.kept(arm, seed)
        said = scored(game, clothes) if label.startswith("clothes") else ""
        told = dict(y=captions) if label.startswith("captions") else {}
        rows[label] = game.sample(COLUMNS, seed=0, **told).cpu(), said
    print("captions:", ", ".join(captions))
    figure = plotting.strip({label: images for label, (images, _) in rows.items()}, scale=0.6)
    for ax, (_, said) in zip(figure.axes, rows.values()):
        ax.text(1.01, 0.5, said, transform=ax.transAxes, va="center", fontsize=8)
    figure.savefig(PICTURE, dpi=90, bbox_inches="tight", pad_inches=0.05, pil_kwargs={"optimize": True})
    plt.close(figure)
    print(f"{PICTURE.name}: {len(rows)} rows, {PICTURE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
