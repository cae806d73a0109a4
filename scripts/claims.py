"""Write docs/claims.md below its introduction, docs/claims.png and the README's table of papers, from data/claims/.

python scripts/claims.py
"""

from pathlib import Path

import matplotlib.pyplot as plt

from ganlib import claims
from ganlib.checks import require
from ganlib.files import replacing
from ganlib.plotting import forest

ROOT = Path(__file__).resolve().parent.parent
PAGE, PICTURE, README = ROOT / "docs" / "claims.md", ROOT / "docs" / "claims.png", ROOT / "README.md"


def between(text: str, name: str, new: str) -> str:
    """A text with what stands between its two marks of a name replaced."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    require(begin in text and end in text, f"text has no {begin} with {end} after it")
    return text.partition(begin)[0] + f"{begin}\n\n{new}\n\n{end}" + text.partition(end)[2]


def main() -> None:
    for path, name, text in ((PAGE, "claims", claims.table()), (README, "papers", claims.summary())):
        with replacing(path) as aside:
            aside.write_text(between(path.read_text(), name, text))
            aside.chmod(0o644)
    figure = forest(claims.results())
    figure.savefig(PICTURE, dpi=90, pil_kwargs={"optimize": True})
    plt.close(figure)
    print(f"{PAGE.name}, {README.name}, {PICTURE.name}: {len(claims.results())} claims")


if __name__ == "__main__":
    main()
