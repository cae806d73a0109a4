"""Write notebooks/README.md: the syllabus, and where every row of the papers is shown.

    python scripts/index_notebooks.py            # --check only says whether the file is fresh

Titles, minutes and tags come from the notebooks themselves; what each needs and where it comes from is said here.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
GRAPH = NOTEBOOKS.parent / "docs" / "syllabus.png"
SYLLABUS = {  # stem: (what it teaches, from which paper, which notebooks come before it)
    "00_start": ("how a notebook works, three lines of PyTorch, a first sample", "", ""),
    "01_vanilla_gan": ("the two-player game, its optimum, how it fails", "Goodfellow et al. 2014", "00"),
    "02_dcgan": ("convolutions and their transposes, the guidelines, the latent space", "Radford et al. 2016", "01"),
    "03_measuring": ("FID, KID, inception score, precision and recall: what each sees", "Heusel et al. 2017", "01"),
    "04_wgan": ("optimal transport, its dual, what clipping does", "Arjovsky et al. 2017", "02, 03"),
    "05_wgan_gp": ("the gradient penalty and its rivals; three GANs compared", "Gulrajani et al. 2017", "04"),
    "06_lens": ("a lens that moves the target to the generator", "Sajjadi et al. 2018", "05"),
    "07_gran": ("drawing in steps: GRAN, DRAW and gradients on pixels", "Im et al. 2016", "02, 03"),
    "08_battle": ("discriminators as judges: GAM, its null, a tournament", "Im et al. 2016", "07"),
    "09_chaingan": ("a chain of editors, trained link by link", "Hossain et al. 2018", "05"),
    "10_conditional": (
        "tell both players what to draw, and see whether they obey",
        "Mirza and Osindero 2014",
        "02, 03",
    ),
    "11_text_to_picture": (
        "a caption in the place of a class: what fits, a blur of the caption, a second stage",
        "Reed et al. 2016; Zhang et al. 2017",
        "02, 10",
    ),
    "12_translation": (
        "from picture to picture without pairs, where the right answer is known and withheld",
        "Kim et al. 2017; Zhu et al. 2017; Choi et al. 2018",
        "10",
    ),
    "13_sequences": ("words, which no gradient can pass: policy gradients, checked exactly", "Yu et al. 2017", "01"),
    "14_shapes": (
        "solids, solids from outlines, a scene from its views, and random projections",
        "Wu et al. 2016; Gadelha et al. 2017; Neyshabur et al. 2017",
        "02, 03",
    ),
    "15_ambient": ("whole pictures, from pictures that nobody saw whole", "Bora et al. 2018", "02, 03"),
    "16_growing": (
        "networks that grow, an ablation row by row, and the rank of a discriminator's weights",
        "Karras et al. 2018; Sanyal et al. 2020",
        "03, 05",
    ),
}
# which notebooks in which week: all of the first half and a choice of the second, and the whole course
PLANS = {
    "Six weeks": ("00 01", "02 03", "04 05", "10 11", "12 14", "15 16"),
    "Fourteen weeks": ("00 01", "02", "03", "04", "05", "06", "07", "08", "09", "10 11", "12", "13", "14", "15 16"),
}
PAPERS = {
    "SV": "Summary of recent GANs (survey slides)",
    "RA": "Recent Advances in GANs (Frank and Juracek)",
    "TA": "Tempered Adversarial Networks (Sajjadi et al. 2018)",
    "GR": "Generating images with recurrent adversarial networks (Im et al. 2016)",
    "CG": "ChainGAN (Hossain et al. 2018)",
}
ROW = re.compile(r"^([A-Z]{2})-((?:[A-Z0-9]+-)?)([A-Z]+)(\d*)(\w*)$")  # GR-T2, and SV-STACK-T1 of a survey's system


def anchor(heading: str) -> str:
    """What viewers of notebooks make of a heading in a link."""
    return heading.strip().replace(" ", "-")


def shown(path: Path) -> dict[str, list[tuple[int, str]]]:
    """Row of the ledger -> the cells that show it: their number and the heading above them."""
    rows, heading = {}, ""
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells, start=1):
        if cell.cell_type == "markdown":
            headings = [line.lstrip("# ") for line in cell.source.splitlines() if line.startswith("#")]
            heading = headings[-1] if headings else heading
        for tag in cell.metadata.get("tags", []):
            if ROW.match(tag):
                rows.setdefault(tag, []).append((number, heading))
    return rows


def minutes(path: Path) -> str:
    """The times that a notebook states for its budgets, from the last column of the table in its first cell."""
    first = nbformat.read(path, as_version=4).cells[0].source
    rows = re.findall(r"^\| (`.*?`) \|.*?([^|]*?) \|$", first, flags=re.MULTILINE)
    return "; ".join(f"{budget}: {time.strip()}" for budget, time in rows)


def order(tag: str) -> tuple:
    paper, system, kind, number, rest = ROW.match(tag).groups()
    return list(PAPERS).index(paper), system, kind, int(number or 0), rest


def edges() -> list[tuple[str, str]]:
    """(before, after), the numbers of two notebooks of which one needs the other."""
    return [(b, stem[:2]) for stem, (_, _, before) in SYLLABUS.items() for b in before.split(", ") if b]


def graph() -> None:
    """Draw docs/syllabus.png: what needs what. The picture's description holds the edges, for a test to read."""
    import matplotlib.pyplot as plt

    depth: dict[str, int] = {}
    for stem, (_, _, before) in SYLLABUS.items():
        depth[stem[:2]] = 1 + max((depth[b] for b in before.split(", ") if b), default=-1)
    columns = {d: [n for n in depth if depth[n] == d] for d in set(depth.values())}
    place = {n: (d, (len(names) - 1) / 2 - i) for d, names in columns.items() for i, n in enumerate(names)}
    figure, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
    (x0, x1), (y0, y1) = ((min(v), max(v)) for v in zip(*place.values()))
    ax.set(xlim=(x0 - 0.4, x1 + 0.4), ylim=(y0 - 0.5, y1 + 0.5))
    ax.axis("off")
    boxes = {}
    for stem in SYLLABUS:
        label = f"{stem[:2]}\n{stem[3:].replace('_', ' ')}"
        box = dict(boxstyle="round", facecolor="white", edgecolor="#0072B2")
        boxes[stem[:2]] = ax.text(*place[stem[:2]], label, ha="center", va="center", fontsize=7, bbox=box)
    figure.canvas.draw()  # an arrow ends at a box, whose size is known from here on
    for a, b in edges():
        ends = dict(patchA=boxes[a].get_bbox_patch(), patchB=boxes[b].get_bbox_patch(), shrinkA=1, shrinkB=1)
        bend = -0.12 if depth[b] - depth[a] == 2 else 0.08  # past the box between them
        arrow = dict(arrowstyle="->", color="0.5", connectionstyle=f"arc3,rad={bend}") | ends
        ax.annotate("", place[b], place[a], arrowprops=arrow)
    figure.savefig(GRAPH, dpi=90, metadata={"Description": repr(edges())}, pil_kwargs={"optimize": True})
    plt.close(figure)


def reading(path: Path) -> int:
    """Minutes to read a notebook: 130 words a minute, and a minute and a half for each code cell. An estimate."""
    cells = nbformat.read(path, as_version=4).cells
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    return round((words / 130 + 1.5 * sum(cell.cell_type == "code" for cell in cells)) / 5) * 5


def assignment(path: Path) -> int:
    """Minutes that an assignment's parts state, together; 0 where there is none."""
    source = NOTEBOOKS / "assignments" / path.stem / f"{path.stem}.ipynb"
    if not source.exists():
        return 0
    texts = (cell.source for cell in nbformat.read(source, as_version=4).cells)
    return sum(int(n) for text in texts for n in re.findall(r"^## Exercise .*, (\d+) minutes", text))


def glossary(paths: list[Path]) -> list[str]:
    """Every term that a cell defines in a quoted paragraph, ``> **term**: what it is``, with a link to its heading."""
    found: dict[str, list[str]] = {}  # term -> what it is, line by line, and the link last
    for path in paths:
        heading, term = "", None
        for cell in nbformat.read(path, as_version=4).cells:
            for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
                heading = line.lstrip("# ") if line.startswith("#") else heading
                if match := re.match(r"> \*\*(.+?)\*\*(?: \(([^)]*)\))?:? ?(.*)", line):
                    term, also, text = match.groups()
                    link = f"[{path.stem[:2]}, {heading}]({path.name}#{anchor(heading)})"
                    found[term] = [f"({also}) {text}" if also else text, link]
                elif term and re.match(r"> \S", line):
                    found[term].insert(-1, line.removeprefix("> "))
                else:
                    term = None
    return [f"- **{term}**: {' '.join(found[term][:-1])} ({found[term][-1]})" for term in sorted(found, key=str.lower)]


def plans(paths: list[Path]) -> list[str]:
    """Tables of the weeks, with minutes."""
    of = {path.stem[:2]: path for path in paths}
    lines = []
    for title, weeks in PLANS.items():
        lines += ["", f"### {title}", "", "| week | notebooks | reading | assignments |", "| --- | --- | --- | --- |"]
        for week, numbers in enumerate(weeks, start=1):
            chosen = [of[n] for n in numbers.split() if n in of]
            links = ", ".join(f"[{path.stem[:2]}]({path.name})" for path in chosen)
            spent = sum(map(reading, chosen)), sum(map(assignment, chosen))
            lines.append(f"| {week} | {links} | about {spent[0]} min | {spent[1]} min |")
    return lines


def page() -> str:
    """The whole file."""
    paths = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem in SYLLABUS]
    lines = ["# The notebooks", "", "Written by `scripts/index_notebooks.py`.", "", "## Syllabus", ""]
    lines += ["| notebook | what | from | after | time |", "| --- | --- | --- | --- | --- |"]
    for path in paths:
        what, source, before = SYLLABUS[path.stem]
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].lstrip("# ")
        lines.append(f"| [{title}]({path.name}) | {what} | {source} | {before or '-'} | {minutes(path)} |")
    lines += ["", "## The way through", "", "An arrow leads from a notebook to those that stand on it.", ""]
    lines += ["![What needs what: each notebook after those that it stands on](../docs/syllabus.png)", ""]
    lines += ["Two plans. Minutes of reading are an estimate from words and cells, those of assignments what their"]
    lines += ["exercises state; how long the notebooks run is in the table above, measured or, where it says so,"]
    lines += ["estimated."]
    lines += plans(paths)
    lines += ["", "## Glossary", "", *glossary(paths)]
    lines += ["", "## What of the papers is shown where", ""]
    lines += [
        "E is an equation, A an algorithm, T a table, F a figure, C a claim, P a protocol; the number is the paper's,",
        "or counts what has none. Several cells may show one row: the link leads to the first.",
    ]
    index = {}
    for path in paths:
        for tag, cells in shown(path).items():
            index.setdefault(tag, []).append((path, cells))
    for paper, title in PAPERS.items():
        tags = sorted((tag for tag in index if tag.startswith(paper)), key=order)
        if tags:
            lines += ["", f"### {paper}: {title}", "", "| row | notebook and section | cells |", "| --- | --- | --- |"]
        for tag in tags:
            for path, cells in index[tag]:
                section = f"[{path.stem[:2]}, {cells[0][1]}]({path.name}#{anchor(cells[0][1])})"
                lines.append(f"| {tag} | {section} | {', '.join(str(number) for number, _ in cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the file is not fresh")
    target = NOTEBOOKS / "README.md"
    if not parser.parse_args().check:
        target.write_text(page(), encoding="utf-8")
        graph()
    elif target.read_text(encoding="utf-8") != page():
        sys.exit(f"{target} is not what the notebooks say: run scripts/index_notebooks.py")
