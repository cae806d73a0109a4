"""Numbers in the prose of notebooks: a run's belong into sentences that are made from its values (``gl.plotting.say``).

    python scripts/numerals.py                  # those that no cell's metadata allows
    python scripts/numerals.py --allow NAME     # allow those of a notebook, after you have read them

What remains in a Markdown cell is a setting, a definition or a paper's: the cell says so with a list, "numbers", in its
metadata. Formulas, code, headings and references (Eq. 3, section 4, notebook 05, a year) are left out, so are 0 and 1.
"""

import argparse
import re
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
NINE = sorted(NOTEBOOKS.glob("0[1-9]_*.ipynb"))
REFERRED = (
    "Eqs? Figures? Tables? Sections? Notebooks? Algorithm Proposition Theorem Models? Exercises? Guidelines? Seeds? "
)
REFERRED += "Links? Editors? Class Steps? Item Appendix Equation Rows?"
REFERENCE = rf"\b(?i:{'|'.join(REFERRED.split())})\.?\s+\d+[a-z]?(?:(?:\s*(?:,|and|or|to|–|against)\s*)+\d+[a-z]?)*"
LEFT_OUT = (
    r"```.*?```", r"`[^`]*`", r"\$\$.*?\$\$", r"\$[^$]*\$", r"<[^>]*>", r"\]\([^)]*\)",  # code, formulas, marks, links
    r"(?m)^ {4}[^\n]*", r"(?m)^#+ [^\n]*", r"(?m)^\s*\d+\. ",  # commands, headings, items of lists
    REFERENCE, r"\b(?:19|20)\d\d\b",
)  # fmt: skip
NUMERAL = r"(?<![\w.\-–])(?:\d[\d,.]*\d|\d)(?![\w\-])"


def numerals(text: str) -> list[str]:
    """The numbers of a text in Markdown, without repetition, except for what is left out."""
    for pattern in LEFT_OUT:
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return [n for n in dict.fromkeys(re.findall(NUMERAL, text)) if n not in ("0", "1")]


def unexplained(path: Path) -> list[tuple[int, str]]:
    """(cell, number) of every number that its cell's metadata does not allow."""
    cells = enumerate(nbformat.read(path, as_version=4).cells)
    prose = ((i, cell) for i, cell in cells if cell.cell_type == "markdown")
    return [(i, n) for i, cell in prose for n in numerals(cell.source) if n not in cell.metadata.get("numbers", [])]


def allow(path: Path) -> None:
    """Write every number of a notebook's prose into its cell's metadata."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("numbers", None)
        if cell.cell_type == "markdown" and numerals(cell.source):
            cell.metadata["numbers"] = numerals(cell.source)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--allow", metavar="NAME", nargs="*", default=[], help="notebooks, such as 05_wgan_gp")
    for name in parser.parse_args().allow:
        allow(NOTEBOOKS / f"{name}.ipynb")
    for path in NINE:
        for cell, number in unexplained(path):
            print(f"{path.stem}, cell {cell}: {number}")
