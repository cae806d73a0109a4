"""Draw docs/gallery.png: samples of the trained systems that are kept in data/weights/, with their FIDs.

python scripts/gallery.py

Digits of 32 pixels, digits of 16 of the systems that have no larger ones, and other things, each below its real
pictures; no sample is chosen. The captions are of the training split. FID is in the features of the digit, or
clothes, classifier, with n = 1,000, beside its floor: what training pictures score in the place of the fakes. FIDs of
two sizes are no rivals.
"""

from pathlib import Path

import matplotlib.pyplot as plt
from torch import Tensor
from torch.nn.functional import interpolate

import ganlib as gl
from ganlib import claims, plotting
from ganlib.gan import Game
from ganlib.models import SYSTEMS, home

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "gallery.png"
LARGE = {s["system"]: arm for arm, s in claims.ARMS.items() if s.get("data") == "all digits of 32 pixels"}
CHOSEN = {"dvae": "DVAE", "draw": "DRAW"}  # models without an opponent, whose arms have other names
CLOTHES = {"dcgan": "dcgan, clothes shown", "progan, of 16 pixels": "(h) twice as long"}
TOLD = {"gan_int_cls, of the same": "GAN-INT-CLS, shown", "stackgan, of the same": "Stage II, shown"}
COLUMNS = 16
Row = tuple[Tensor, str]  # samples, and what is said of them at their right


def arm_of(system: str) -> str | None:
    """The arm of ``ganlib.claims`` that shows a system: the large or the named one, or the first that is kept."""
    if system in LARGE:
        return LARGE[system]
    arms = [CHOSEN[system]] if system in CHOSEN else [a for a, s in claims.ARMS.items() if s["system"] == system]
    return next((arm for arm in arms if (claims.WEIGHTS / f"{arm}-seed0.safetensors").exists()), None)


def scored(game: Game, name: str) -> Row:
    """A preview of a game, and its FID to a set's test split, with the floor."""
    images = game.preview(COLUMNS).cpu()
    score = gl.metrics.fid(game, gl.load(name, split="test", size=images.shape[-1]), n=1000)
    return images, f"FID {score.value:.1f} (floor {score.floor:.1f})"


def real(name: str, size: int) -> Row:
    return gl.data.to_float(gl.load(name, size=size).x[:COLUMNS]).cpu(), ""


def small_digits() -> dict[str, Row]:
    rows = {"real digits, 16 pixels": real("mnist5k", 16)}
    systems = [system for system in SYSTEMS if home(system) == "mnist5k"]  # what else there is draws no digits
    for system in (name for name in (*systems, "dvae", "draw") if name not in LARGE):
        if arm := arm_of(system):
            rows[system] = scored(claims.kept(arm), "mnist5k")
        else:
            print(f"{system} has no kept weights: python -m ganlib.claims --keep ARM trains an arm and keeps it")
    return rows


def others() -> dict[str, Row]:
    emoji, solids = gl.load("emoji", only=gl.data.EMOJI_KINDS), gl.load("chairs").x[:COLUMNS]
    told = [i * len(emoji) // COLUMNS for i in range(COLUMNS)]
    captions = [emoji.captions[i] for i in told]
    rows = {"real clothes, 32 pixels": real("fashion10k", 32)}
    rows |= {label: scored(claims.kept(arm), "fashion10k") for label, arm in CLOTHES.items()}
    rows["real, of 16 captions"] = gl.data.to_float(emoji.x[told]).cpu(), ""
    rows |= {label: (claims.kept(arm).sample(COLUMNS, seed=0, y=captions).cpu(), "") for label, arm in TOLD.items()}
    rows["real solids, 16³ voxels"] = solids.cpu(), ""
    return rows | {"gan3d": (claims.kept("3D-GAN, shown", 8).sample(COLUMNS, seed=0).cpu(), "")}


def main() -> None:
    large = {system: scored(claims.kept(arm), "mnist5k") for system, arm in LARGE.items()}
    panels = [{"real digits, 32 pixels": real("mnist5k", 32)} | large, small_digits(), others()]
    rows = {label + " " * i: row for i, panel in enumerate(panels) for label, row in panel.items()}  # no label twice
    # all of 64 pixels, so that the columns of all rows lie below each other; solids are drawn in 64 as well
    pictures = {label: x if x.dim() == 5 else interpolate(x, size=64) for label, (x, _) in rows.items()}
    figure = plotting.strip(pictures)
    for ax, (label, (_, said)) in zip(figure.axes, rows.items()):
        ax.text(1.01, 0.5, said, transform=ax.transAxes, va="center", fontsize=8)
        ax.texts[0].set_text(label.strip())
        if label.startswith("real"):
            ax.texts[0].set_fontweight("bold")
    figure.savefig(PICTURE, dpi=90, bbox_inches="tight", pad_inches=0.05, pil_kwargs={"optimize": True})
    plt.close(figure)
    print(f"{PICTURE.name}: {len(rows)} rows, {PICTURE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
