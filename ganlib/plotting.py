"""Pictures: sample grids, loss curves, strips, interpolations."""

import io
import json
import math
import statistics
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from ganlib.budget import private_seed
from ganlib.data import BUNDLED
from ganlib.pictures import render
from ganlib.pictures import tile as tile

if TYPE_CHECKING:
    from ganlib.gan import GAN
    from ganlib.history import History
    from ganlib.metrics.battles import Tournament

# Okabe and Ito's palette: colour-blind readers can tell these apart. One meaning, one colour, in the whole course.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000",
)  # fmt: skip
COLORS = {"d_loss": BLUE, "g_loss": ORANGE, "d_real": GREEN, "d_fake": RED, "real": BLUE, "fake": ORANGE}


def show(images: Tensor, title: str = "", columns: int = 8, ax: Axes | None = None, scale: float = 0.55) -> Axes:
    """Draw images (N, C, H, W) in [-1, 1] or uint8, or voxels (N, 1, D, D, D), as a grid.

    Without ``ax`` on a figure of ``scale`` inches per image.
    """
    images = render(images) if images.dim() == 5 else images
    columns = min(columns, len(images))
    if ax is None:
        rows = math.ceil(len(images) / columns)
        _, ax = plt.subplots(figsize=(scale * columns, scale * rows + 0.3 * bool(title)), layout="constrained")
    ax.imshow(tile(images, columns), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    ax.set_title(title)
    ax.axis("off")
    return ax


def strip(rows: dict[str, Tensor], title: str = "", scale: float = 0.7) -> Figure:
    """One labelled row of images per entry: label -> (N, C, H, W) in [-1, 1]."""
    columns = max(map(len, rows.values()))
    size = scale * columns + 1.2, scale * len(rows) + 0.3 * bool(title)
    figure, axes = plt.subplots(len(rows), 1, figsize=size, squeeze=False, layout="compressed")
    for ax, (label, images) in zip(axes[:, 0], rows.items()):
        show(images, columns=columns, ax=ax)
        ax.text(-0.01, 0.5, label, transform=ax.transAxes, ha="right", va="center")
    figure.suptitle(title)
    figure.get_layout_engine().set(h_pad=0.01, w_pad=0.01, hspace=0)
    return figure


def curves(history: "History", *names: str, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the named numbers of a history against generator updates; rows without the number are skipped."""
    if ax is None:
        _, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
    for name in names:
        points = [(s, v) for s, v in zip(history.steps, history[name]) if not math.isnan(v)]
        ax.plot(*zip(*points), label=name, color=COLORS.get(name), lw=1.5, marker="" if len(points) > 30 else ".")
    ax.set(xlabel="generator updates", title=title)
    ax.legend(frameon=False)
    return ax


def loss_names(names: Iterable[str]) -> list[str]:
    """The names that end in "loss", in their order: d_loss and g_loss of a game, loss of a model with one player."""
    return [name for name in names if name.endswith("loss")]


def losses(history: "History", ax: Axes | None = None, title: str = "losses") -> Axes:
    """Draw what the players minimise, every number whose name ends in "loss", against generator updates."""
    ax = curves(history, *loss_names(history.names), ax=ax, title=title)
    ax.set_ylabel("mean loss")
    return ax


def say(text: str, *values: object, **named: object) -> None:
    """Show a sentence in Markdown whose numbers are put in from values, as ``str.format`` does.

    A sentence that quotes a run is true of the run above it, however often the notebook is executed.
    """
    from IPython.display import Markdown, display

    display(Markdown(text.format(*values, **named)))


def table(rows: dict[str, dict[str, float]], places: int = 3) -> None:
    """Show rows {name: {column: number}} as a table in Markdown, with so many decimals."""
    names = list(next(iter(rows.values())))
    lines = ["| | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    lines += [
        f"| {row} | " + " | ".join(f"{values[name]:.{places}f}" for name in names) + " |"
        for row, values in rows.items()
    ]
    say("{}", "\n".join(lines))


def compared(result: dict[str, Any]) -> tuple[str, str]:
    """What a tested claim measures of its arm, and what it is compared with: the rivals' measure, or a limit."""
    measure = f"spread of {result['measure']}" if result["spread"] else result["measure"]
    other = f"{result['rival_measure']} of " if result["rival_measure"] else ""
    return measure, f"{other}{' or '.join(result['rivals']) or result['limit']}"


def told(prefix: str) -> None:
    """Say what came out of the tested claims whose names begin so, from the files of their results.

    A number is a whole one: GR-C1 is followed by a and b, and is not the beginning of GR-C10.
    """
    for path in sorted((BUNDLED / "claims").glob(f"{prefix}*.json")):
        if path.stem.removeprefix(prefix)[:1].isdigit() and prefix[-1].isdigit():
            continue
        r = json.loads(path.read_text())
        low, high = r["interval"]
        measure, rival = compared(r)
        arms = f"{r['arm']} − {rival}"
        sentence = "**{}, {}:** {}. ({}; {}: {:+.3g} [{:+.3g}, {:+.3g}], {} paired seeds.)"
        say(sentence, r["id"], r["verdict"], r["sentence"], measure, arms, r["difference"], low, high, len(r["seeds"]))


def strength(result: dict[str, Any]) -> tuple[float, float, float]:
    """A tested claim's mean difference and its interval, in standard deviations of the differences between seeds."""
    spread = statistics.stdev(row["difference"] for row in result["seeds"])
    return tuple(value / spread if spread else math.inf for value in (result["difference"], *result["interval"]))


VERDICTS = {"confirmed": (BLUE, "o"), "refuted": (RED, "s"), "undecided": ("#777777", "x")}


def forest(results: dict[str, dict[str, Any]], limit: float = 5.0) -> Figure:
    """Every claim's difference with its 95 % interval, over its deviation between seeds; left of 0 is its side.

    So drawn, it is how clear a result is, and not how large.
    Hollow marks lean: their interval excludes 0, but not after the correction for a paper's other claims. What lies
    beyond the limit is drawn at it, as an arrow. Results are those of ``claims.results``.
    """
    columns = min(3, math.ceil(len(results) / 12))
    each = math.ceil(len(results) / columns)
    size = (3.1 * columns, 0.17 * each + 0.9)
    figure, axes = plt.subplots(1, columns, figsize=size, sharex=True, squeeze=False, layout="constrained")
    for ax, first in zip(axes[0], range(0, len(results), each)):
        part = dict(list(results.items())[first : first + each])
        for i, r in enumerate(part.values()):
            middle, low, high = (max(-limit, min(limit, value)) for value in strength(r))
            color, marker = VERDICTS[r["verdict"].removeprefix("leaning ")]
            marker = {-limit: "<", limit: ">"}.get(middle, marker)
            face = "white" if r["verdict"].startswith("leaning") else color
            ax.plot((low, high), (i, i), color=color, lw=1.2)
            ax.plot(middle, i, marker, color=color, markerfacecolor=face, markersize=5)
        ax.axvline(0, color=BLACK, lw=0.8)
        ax.set_yticks(range(len(part)), list(part), fontsize=7)
        ax.set(ylim=(each - 0.5, -0.5), xlim=(-1.05 * limit, 1.05 * limit))
    marks = [plt.Line2D([], [], color=c, marker=m, ls="", label=word) for word, (c, m) in VERDICTS.items()]
    marks.append(plt.Line2D([], [], color=BLACK, marker="o", markerfacecolor="white", ls="", label="leaning"))
    marks.append(plt.Line2D([], [], color="#777777", marker="<", ls="", label="beyond the axis"))
    figure.legend(handles=marks, loc="outside upper center", ncols=5, frameon=False, fontsize=8)
    figure.supxlabel(
        "mean difference with its 95 % interval, over the standard deviation of the seeds' differences", fontsize=8
    )
    return figure


def network(module: nn.Module, *inputs: Tensor, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw a network from the module itself: what it makes of inputs (N, ...), layer by layer, with every size.

    A box is a tensor of one sample, the taller the larger its sides and the wider the more its channels; below an arrow
    stands what was done. A layer that keeps the shape, such as a norm or a ReLU, is named beside the one before it.
    """
    made: list[tuple[str, tuple[int, ...]]] = [("", tuple(inputs[0].shape[1:]))]

    def note(layer: nn.Module, _: Any, out: Any) -> None:
        if not isinstance(out, Tensor) or out.dim() < 2:
            out = torch.as_tensor(out).reshape(len(inputs[0]), -1)
        name, shape = type(layer).__name__.replace("2d", ""), tuple(out.shape[1:])
        if hasattr(layer, "kernel_size"):
            name += "\n{}×{}, stride {}".format(*layer.kernel_size, layer.stride[0])
        if shape == made[-1][1] and len(made) > 1:
            made[-1] = (f"{made[-1][0]}\n{name}", shape)
        else:
            made.append((name, shape))

    hooks = [m.register_forward_hook(note) for m in module.modules() if not list(m.children())]
    was = module.training
    try:
        with torch.no_grad():
            module.eval()(*inputs)
    finally:
        module.train(was)
        for hook in hooks:
            hook.remove()
    if ax is None:
        _, ax = plt.subplots(figsize=(min(13, 1.7 * len(made)), 2.9), layout="constrained")
    for i, (name, shape) in enumerate(made):
        channels, side = (shape[0], shape[-1]) if len(shape) > 1 else (1, 1 + math.log2(math.prod(shape)))
        height, wide = 0.25 + 0.17 * math.log2(1 + side), 0.1 + 0.06 * math.log2(1 + channels)
        ax.add_patch(plt.Rectangle((i - wide / 2, -height / 2), wide, height, fc="#CFE3F0", ec=BLUE))
        ax.text(i, height / 2 + 0.06, "×".join(map(str, shape)) or "1", ha="center", va="bottom", fontsize=9)
        if i:
            ax.annotate("", (i - 0.25, 0), (i - 0.75, 0), arrowprops=dict(arrowstyle="->", color="0.4"))
            ax.text(i - 0.5, -0.62, name, ha="center", va="top", fontsize=7)
    ax.set(xlim=(-0.6, len(made) - 0.4), ylim=(-1.5, 0.95), title=title)
    ax.axis("off")
    return ax


def png(figure: Figure, dpi: int = 72) -> bytes:
    """Turn a figure into the bytes of a PNG and close it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    plt.close(figure)
    return file.getvalue()


def interpolation(gan: "GAN", n: int = 10, pairs: int = 4, seed: int = 0) -> Tensor:
    """Samples on straight lines between pairs of latents, (pairs, n, C, H, W): both ends and n - 2 between them."""
    with private_seed(seed, gan.device):
        ends = gan.latent(2 * pairs).view(2, pairs, 1, -1)
    weight = torch.linspace(0, 1, n, device=gan.device, dtype=gan.dtype).view(1, n, 1)
    return gan.generate(torch.lerp(ends[0], ends[1], weight).flatten(0, 1)).unflatten(0, (pairs, n))


def battle_matrix(tournament: "Tournament", title: str = "", ax: Axes | None = None) -> Axes:
    """Draw every pair of a tournament: in how many per cent of the splits the row's model won, a tie counting half.

    The stronger models come first; blue cells are the row's, orange ones the column's, the paler the nearer to a half.
    Bold is what every split said.
    """
    names = tournament.names
    if ax is None:
        size = 1.6 + 0.55 * len(names)
        _, ax = plt.subplots(figsize=(size + 0.6, size), layout="constrained")
    for (row, column), share in tournament.won.items():
        x, y = names.index(column), names.index(row)
        color, alpha = BLUE if share > 0.5 else ORANGE, 1.6 * abs(share - 0.5)
        ax.add_patch(plt.Rectangle((x - 0.5, y - 0.5), 1, 1, color=color, alpha=alpha, lw=0))
        weight = "normal" if tournament.verdict(row, column) == "tie" else "bold"
        ax.text(x, y, f"{100 * share:.0f}", ha="center", va="center", fontsize=11, weight=weight)
    ticks = range(len(names))
    ax.set_xticks(ticks, names, rotation=40, ha="left")
    ax.set_yticks(ticks, names)
    ax.set_title(title)
    ax.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(names) - 0.5, -0.5), aspect="equal", xlabel="M2", ylabel="M1")
    ax.xaxis.set_ticks_position("top")
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    return ax
