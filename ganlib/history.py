"""What a run recorded."""

import csv
import math
from pathlib import Path

from ganlib.files import replacing


class History:
    """A row of named numbers for each of ``steps``.

    ``history["d_loss"]`` is a list as long as ``steps``, NaN where that row has no such number (a monitor that did not
    run). ``seconds`` is the training time up to each row, without the monitors' and the display's.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.rows: list[dict[str, float]] = []
        self.seconds: list[float] = []

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def __getitem__(self, name: str) -> list[float]:
        if name not in self.names:
            raise KeyError(f"the history has no {name!r}; it has {', '.join(self.names) or 'no rows yet'}")
        return [row.get(name, math.nan) for row in self.rows]

    def __len__(self) -> int:
        return len(self.steps)

    def append(self, step: int, row: dict[str, float], seconds: float) -> None:
        self.steps.append(step)
        self.rows.append(row)
        self.seconds.append(seconds)

    def drop_last(self) -> None:
        for column in (self.steps, self.rows, self.seconds):
            column.pop()

    def to_csv(self, path: str | Path) -> None:
        """Write one line per row: the step, then every name, empty where a row lacks it."""
        with replacing(path) as aside, open(aside, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["step", *self.names], restval="")
            writer.writeheader()
            writer.writerows({"step": step, **row} for step, row in zip(self.steps, self.rows))
