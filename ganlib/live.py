"""How a run looks while it runs: in a notebook a bar, curves and samples; in a terminal a progress bar."""

import math
import sys
import time
from collections.abc import Sequence

import matplotlib.pyplot as plt
from tqdm import tqdm

from ganlib import parallel
from ganlib.data import Set
from ganlib.gan import Game
from ganlib.history import History
from ganlib.plotting import curves, loss_names, losses, png


class Live:
    """Progress of a run.

    In a notebook a bar, the losses, the monitored scores and a fixed set of samples, drawn anew up to a dozen times and
    not more often than every ``PAUSE`` seconds; in a terminal a tqdm bar.
    """

    PAUSE = 2.0

    def __init__(
        self,
        gan: Game,
        history: History,
        data: Set,
        steps: int,
        done: int,
        scores: Sequence[str] = (),
        updates: int = 12,
    ):
        self.gan, self.history, self.data, self.steps, self.scores = gan, history, data, steps, scores
        self.stopped = False
        self.due, self.between = 0.0, steps / updates
        self.start, self.drawn, self.first = time.perf_counter(), -math.inf, done
        self.bar = self.picture = None
        if _in_notebook():
            from IPython.display import display

            self.bar = display({"text/plain": "training"}, raw=True, display_id=True)
        else:
            quiet = parallel.rank() > 0 or not sys.stderr.isatty()
            self.progress = tqdm(total=steps, initial=done, disable=quiet, leave=False)

    def update(self, step: int) -> None:
        """Show the state after a step; between two drawings this costs nothing."""
        row = self.history.rows[-1]
        if self.bar is None:
            self.progress.update(step - self.progress.n)
            self.progress.set_postfix({name: f"{row[name]:.3f}" for name in loss_names(row)})
        elif step == self.steps or (step >= self.due and time.perf_counter() - self.drawn > self.PAUSE):
            self.due = step + self.between
            self._draw(step)
            self.drawn = time.perf_counter()

    def close(self) -> None:
        if self.bar is None:
            self.progress.close()
        elif self.stopped and len(self.history):
            self._draw(self.history.steps[-1])

    def _draw(self, step: int) -> None:
        from IPython.display import Image, display

        rate = (step - self.first) / (time.perf_counter() - self.start)
        if self.stopped:
            left = "stopped"  # perhaps before the first step
        else:
            left = f"about {(self.steps - step) / rate:.0f} s to go" if step < self.steps else "done"
        row = self.history.rows[-1]
        losses_now = ", ".join(f"{name} {row[name]:.3f}" for name in loss_names(row))
        filled = round(24 * step / self.steps)
        bar = "█" * filled + "░" * (24 - filled)
        text = f"{bar} {step} of {self.steps} updates, {rate:.1f} per second, {left}; {losses_now}"
        self.bar.update({"text/plain": text}, raw=True)
        scores = [name for name in self.scores if name in self.history.names]
        ratios = [1.4] * (1 + bool(scores)) + [1]
        figure, axes = plt.subplots(1, len(ratios), figsize=(2.6 + 3.2 * len(ratios), 3), width_ratios=ratios)
        losses(self.history, ax=axes[0])
        if scores:
            curves(self.history, *scores, ax=axes[1], title="what is monitored")
        self.data.draw(self.gan.preview(), axes[-1], f"samples after {step} updates")
        figure.tight_layout()
        image = Image(png(figure))
        if self.picture is None:
            self.picture = display(image, display_id=True)
        else:
            self.picture.update(image)


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this: its shell has a kernel, a terminal's IPython has none."""
    if "IPython" not in sys.modules:
        return False
    return hasattr(sys.modules["IPython"].get_ipython(), "kernel")
