"""Draw docs/gallery.png: samples of the trained systems that are kept in data/weights/, with their FIDs.

python scripts/gallery.py

Above are digits, below clothes, captions and shapes; none is chosen. FID is in the features of the digit, or clothes,
classifier, with n = 1,000, beside its floor: what training pictures score in the place of the fakes.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from torch import Tensor

import ganlib as gl
from ganlib import claims, plotting
from ganlib.gan import Game
from ganlib.models import SYSTEMS, home

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "gallery.png"
UNOPPOSED = {"dvae": "DVAE", "draw": "DRAW"}  # the two models without an opponent, which are no systems
CLOTHES = {"dcgan": "dcgan, clothes shown", "progan, 16 pixels": "(h) twice as long"}
TOLD = {"gan_int_cls, of captions": "GAN-INT-CLS, shown", "stackgan, of captions": "Stage II, shown"}
COLUMNS = 16
Row = tuple[Tensor, str]  # samples, and what is said of them at their right


def arm_of(system: str) -> str | None:
    """The arm of ``ganlib.claims`` that shows a system: of those with kept weights the one for show, else the first."""
    arms = [arm for arm, settings in claims.ARMS.items() if settings["system"] == system]
    arms = [arm for arm in arms if (claims.WEIGHTS / f"{arm}-seed0.safetensors").exists()]
    return next((arm for arm in arms if arm == f"{system}, shown"), arms[0] if arms else None)


def scored(game: Game, name: str) -> Row:
    """A preview of a game, and its FID to a set's test split, with the floor."""
    images = game.preview(COLUMNS).cpu()
    score = gl.metrics.fid(game, gl.load(name, split="test", size=images.shape[-1]), n=1000)
    return images, f"FID {score.value:.1f} (floor {score.floor:.1f})"


def digits() -> dict[str, Row]:
    rows = {"real": (gl.data.to_float(gl.load("mnist5k", size=32).x[:COLUMNS]).cpu(), "")}
    arms = {system: arm_of(system) for system in SYSTEMS if home(system) == "mnist5k"}  # the others draw no digits
    for system, arm in {**arms, **UNOPPOSED}.items():
        if arm is None:
            print(f"{system} has no kept weights: python -m ganlib.claims --keep ARM trains an arm and keeps it")
            continue
        images, said = scored(claims.kept(arm), "mnist5k")
        rows[system + (f", {images.shape[-1]} pixels" if images.shape[-1] != 32 else "")] = images, said
    return rows


def others() -> dict[str, Row]:
    captions = gl.load("emoji", only=gl.data.EMOJI_KINDS).captions
    captions = list(captions[:: len(captions) // COLUMNS][:COLUMNS])
    rows = {"real": (gl.data.to_float(gl.load("fashion10k", size=32).x[:COLUMNS]).cpu(), "")}
    rows |= {label: scored(claims.kept(arm), "fashion10k") for label, arm in CLOTHES.items()}
    rows |= {label: (claims.kept(arm).sample(COLUMNS, seed=0, y=captions).cpu(), "") for label, arm in TOLD.items()}
    rows["gan3d"] = claims.kept("3D-GAN, shown", 8).sample(COLUMNS, seed=0).cpu(), ""
    print("captions:", ", ".join(captions))
    return rows


def main() -> None:
    panels = {"Digits of 32 pixels": digits(), "Clothes of 32 pixels, pictures of captions, and shapes": others()}
    rows = {f"{label}{' ' * i}": row for i, panel in enumerate(panels.values()) for label, row in panel.items()}
    figure = plotting.strip({label: images for label, (images, _) in rows.items()}, scale=0.6)
    for ax, (_, said) in zip(figure.axes, rows.values()):
        ax.text(1.01, 0.5, said, transform=ax.transAxes, va="center", fontsize=8)
    first = 0
    for title, panel in panels.items():
        figure.axes[first].set_title(title, loc="left")
        first += len(panel)
    figure.tight_layout(pad=0.3)
    figure.savefig(PICTURE, dpi=90, bbox_inches="tight", pad_inches=0.05, pil_kwargs={"optimize": True})
    plt.close(figure)
    print(f"{PICTURE.name}: {len(rows)} rows, {PICTURE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
