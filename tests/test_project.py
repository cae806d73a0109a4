"""The house: environment, notebooks as they are committed, and notebook 01's loop against the library's."""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from base64 import b64encode
from pathlib import Path

import nbformat
import pytest
import torch
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from PIL import Image

import ganlib as gl
from ganlib import claims
from ganlib.claims import engine

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# the ledger's ids that a notebook must show
LEDGER = {
    "00_start": "",
    "01_vanilla_gan": "RA-E1 GR-E1 GR-E2 GR-E2b SV-A1 SV-P1 SV-TH1",
    "02_dcgan": "GR-E3 GR-E4 GR-E12 GR-E13 GR-E14 GR-E15 GR-E16 GR-E17 SV-DCGAN",
    "03_measuring": "RA-E5",
    "04_wgan": "RA-E2 RA-E4 RA-F3 RA-F4",
    "05_wgan_gp": "RA-E3 RA-T1 RA-X1 RA-F1 RA-F2 RA-F3 RA-F4 RA-F5 RA-F6 RA-F7 RA-F8 "
    "RA-C1 RA-C2 RA-C3 RA-C4 RA-C5 RA-C6",
    "06_lens": "TA-E1 TA-E2 TA-E3 TA-E4 TA-F1 TA-F2 TA-F3 TA-F4 TA-F5 TA-F6 TA-F7 TA-F8 TA-P "
    "TA-C1 TA-C2 TA-C3 TA-C4 TA-C5 TA-C6 TA-C7 TA-C8 TA-C9 TA-C10 TA-C11",
    "07_gran": "GR-E1 GR-E2 GR-E2b GR-E3 GR-E4 GR-E12 GR-E13 GR-E14 GR-E15 GR-E16 GR-E17 GR-E5 GR-E6 GR-E7 GR-E8 "
    "GR-E9 GR-E18 GR-E19 GR-E20 GR-A1 GR-P GR-T5 GR-F1 GR-F2 GR-F3 GR-F4 GR-F5 GR-F6 GR-F7 GR-F8 GR-F9 "
    "GR-F10 GR-F11 GR-F12 GR-F13 GR-F14 GR-F15 GR-F16 GR-F17 GR-F18 GR-F19 GR-F20 GR-F21 GR-F22 GR-F23 "
    "GR-F24 GR-F25 GR-F26 GR-F27 GR-F28 GR-F29 GR-F30 GR-F31 GR-F32 GR-F33 GR-F34 GR-F35 GR-F36 GR-F37 "
    "GR-F38 GR-F39 GR-C2 GR-C3 GR-C6 GR-C7 GR-C8 GR-C10",
    "09_chaingan": "CG-E1 CG-E2 CG-E3 CG-E4 CG-E5 CG-E6 CG-E7 CG-E8 CG-E9 CG-A1 CG-A2 CG-T1 CG-T2 CG-F2 CG-F3 CG-F4 "
    "CG-F5 CG-F6 CG-F7 CG-F8 CG-S5a CG-S5b CG-C1 CG-C2 CG-C3 CG-C4 CG-C5 CG-C6 CG-C7 CG-C8 CG-C9 CG-C10",
    "10_conditional": "SV-CGAN-E1 SV-CGAN-E2",
    "11_text_to_picture": "SV-GIC-F2 SV-GIC-T1 SV-STACK-T1 SV-STACK-E2 SV-STACK-E3 SV-STACK-E4 SV-STACK-E5 SV-STACK-E6 "
    "SV-STACK-F2 SV-STACK-F3 SV-STACK-F4 SV-STACK-F5 SV-STACK-C1 SV-STACK-C2",
    "12_translation": "SV-DISCO-F2 SV-CYCLE-R SV-STAR-E1 SV-STAR-E2 SV-STAR-E3 SV-STAR-E4 SV-STAR-E5 SV-STAR-E6 "
    "SV-STAR-E7 SV-STAR-F2 SV-STAR-F3 SV-STAR-F4 SV-STAR-F6 SV-STAR-F7 SV-STAR-T1 SV-STAR-T2",
    "14_shapes": "SV-3DGAN-F SV-PRGAN-F1 SV-3DSCENE-F2 SV-PROJ-F1 SV-PROJ-C1",
    "15_ambient": "SV-AMB-E1 SV-AMB-E2 SV-AMB-TH SV-AMB-F2 SV-AMB-F3 SV-AMB-F4 SV-AMB-F5 SV-AMB-F6",
    "16_growing": "SV-PG-F1 SV-PG-F2 SV-PG-A1 SV-PG-T1 SV-PG-T1b SV-PG-T2 SV-PG-E1 SV-PG-F3 SV-PG-F4 SV-PG-F5 SV-PG-F7 "
    "SV-PG-C1 SV-PG-C2 SV-PG-C3 SV-SRN",
    "13_sequences": "SV-SEQ-E1 SV-SEQ-E2 SV-SEQ-E3 SV-SEQ-E4 SV-SEQ-E5 SV-SEQ-E8 SV-SEQ-A1 SV-SEQ-T1 SV-SEQ-T2 "
    "SV-SEQ-T3 SV-SEQ-T4 SV-SEQ-S SV-MALI-E1 SV-MALI-E2 SV-MALI-E3 SV-MALI-E4 SV-MALI-A1 SV-MALI-A2 SV-MALI-F1 "
    "SV-MALI-F2 SV-MALI-F3 SV-MALI-T1 SV-MALI-T2",
    "08_battle": "GR-E10 GR-E11 GR-T1 GR-T2 GR-T3 GR-T4 GR-F4 GR-C1 GR-C4 GR-C5 GR-C9",
}
notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_environment_yml_agrees_with_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python = next(d for d in environment["dependencies"] if isinstance(d, str) and d.startswith("python="))
    assert python.removeprefix("python=") in SpecifierSet(PROJECT["requires-python"])
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert "-c constraints.txt" in pip
    extras = re.search(r"-e \.\[(.*)\]", " ".join(pip)).group(1).split(",")
    assert set(extras) <= set(PROJECT["optional-dependencies"])


def test_constraints_pin_every_dependency_within_its_range():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    canonical = lambda name: name.lower().replace("_", "-")  # noqa: E731
    pins = {canonical(r.name): r for r in map(Requirement, (line for line in lines if line and line[0] != "#"))}
    extras = PROJECT["optional-dependencies"]
    for wanted in map(Requirement, PROJECT["dependencies"] + extras["notebooks"] + extras["test"]):
        (pin,) = pins[canonical(wanted.name)].specifier
        assert pin.operator == "==" and pin.version in wanted.specifier, wanted


def test_bundled_data_are_the_published_bytes():
    check = subprocess.run(
        [sys.executable, ROOT / "scripts" / "build_data.py", "--check"], capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_every_claim_that_was_tested_is_shown():
    """In full in docs/claims.md, by paper in the README; ``python scripts/claims.py`` writes both."""
    assert claims.results() and claims.table() in (ROOT / "docs" / "claims.md").read_text()
    assert claims.summary() in (ROOT / "README.md").read_text()
    assert {engine.paper_of(name) for name in claims.CLAIMS} <= set(engine.TITLES)


def test_verdicts_in_data_are_corrected(tmp_path):
    """Settling the results again changes none of them."""
    for path in claims.RESULTS.glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text())
    engine.settle(tmp_path)
    for path in claims.RESULTS.glob("*.json"):
        ours, again = json.loads(path.read_text()), json.loads((tmp_path / path.name).read_text())
        assert ours["verdict"] == again["verdict"] and ours["p_holm"] == pytest.approx(again["p_holm"], rel=1e-6), (
            path.name
        )


def test_index_of_the_notebooks_is_fresh():
    script = [sys.executable, ROOT / "scripts" / "index_notebooks.py", "--check"]
    check = subprocess.run(script, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr


def test_the_graph_of_the_syllabus_is_fresh():
    """Its arrows are the syllabus's, nothing comes before what it needs, and both plans keep to that."""
    index = runpy.run_path(str(ROOT / "scripts" / "index_notebooks.py"))
    with Image.open(index["GRAPH"]) as picture:
        assert picture.text["Description"] == repr(index["edges"]())
    numbers = [path.stem[:2] for path in NOTEBOOKS]
    assert {a for edge in index["edges"]() for a in edge} <= set(numbers)
    for weeks in index["PLANS"].values():
        order = " ".join(weeks).split()
        assert len(order) == len(set(order)) and order == sorted(order)
        assert all(a in order[: order.index(b)] for a, b in index["edges"]() if b in order)
    assert set(" ".join(index["PLANS"]["Fourteen weeks"]).split()) == set(numbers)


@notebooks
def test_notebook_is_executed_and_clean(path):
    assert path.stat().st_size < 700 * 1024
    for cell in code_cells(path):
        start = "".join(cell.source)[:60]
        assert cell.execution_count, f"never run: {start}"
        assert not any(output.output_type == "error" for output in cell.outputs), f"an error is kept: {start}"
        assert len(cell.source.splitlines()) <= 30, f"too long to read: {start}"
        if "NBVAL_CHECK_OUTPUT" in cell.source:
            assert cell.outputs, f"its output is checked, but it has none: {start}"
    assert any("image/png" in output.get("data", {}) for cell in code_cells(path) for output in cell.outputs)
    assert any("NBVAL_CHECK_OUTPUT" in cell.source for cell in code_cells(path))


@notebooks
def test_notebook_shows_its_ledger(path):
    tags = {tag for cell in nbformat.read(path, as_version=4).cells for tag in cell.metadata.get("tags", [])}
    assert set(LEDGER[path.stem].split()) <= tags


@notebooks
def test_exercises_are_a_stub_a_solution_and_a_check(path):
    kinds = [tag for cell in code_cells(path) for tag in cell.metadata.get("tags", [])]
    kinds = [kind for kind in kinds if kind in ("exercise", "solution", "check")]
    assert re.fullmatch(r"(exercise solution (check )+){2,}", " ".join(kinds) + " ")
    for cell in code_cells(path):
        tags = cell.metadata.get("tags", [])
        assert "exercise" not in tags or cell.source.endswith("...")
        assert "solution" not in tags or cell.metadata.get("jupyter", {}).get("source_hidden")


def test_the_hand_written_loop_is_fit():
    """The cell of notebook 01 that writes Algorithm 1 out gives the parameters of ``fit``, bit for bit."""
    (cell,) = [
        c for c in code_cells(ROOT / "notebooks/01_vanilla_gan.ipynb") if "by-hand" in c.metadata.get("tags", [])
    ]
    assert ".step(batches)" not in cell.source and "gl.fit" not in cell.source
    names = {"torch": torch, "gl": gl}
    exec(cell.source, names)
    images, runs = gl.load("mnist5k", size=16).take(200), []
    for train in (names["train_by_hand"], gl.fit):
        gl.seed_everything(0)
        runs.append(gl.build("vanilla", images.shape, width=16))
        train(runs[-1], images, 20, batch_size=32, seed=5)
    for ours, theirs in zip(runs[0].parameters(), runs[1].parameters()):
        assert torch.equal(ours, theirs)


def test_run_notebook_leaves_a_notebook_and_a_page(tmp_path):
    notebook = nbformat.v4.new_notebook()
    sliders = "from ganlib.widgets import scrub\nscrub([b'first', b'second'], ['0', '1'], 'page')"
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in ("print(6 * 7)", sliders)]
    nbformat.write(notebook, tmp_path / "tiny.ipynb")
    script = [sys.executable, ROOT / "scripts" / "run_notebook.py", tmp_path / "tiny.ipynb"]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "runs/tiny.html" in done.stdout.replace("\\", "/")
    page = (tmp_path / "runs" / "tiny.html").read_text(encoding="utf-8")
    assert "42" in page and f"data:image/png;base64,{b64encode(b'first').decode()}" in page
    assert json.loads((tmp_path / "runs" / "tiny.ipynb").read_text())["cells"][0]["outputs"][0]["text"] == ["42\n"]
    notebook.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    nbformat.write(notebook, tmp_path / "tiny.ipynb")
    failed = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode == 1 and "ZeroDivisionError: division by zero" in failed.stderr


def test_the_gallery_shows_every_system():
    arm_of = runpy.run_path(str(ROOT / "scripts" / "gallery.py"))["arm_of"]
    for system in (name for name in gl.models.SYSTEMS if gl.models.home(name) == "mnist5k"):
        assert claims.ARMS[arm_of(system)]["system"] == system


NUMERALS = runpy.run_path(str(ROOT / "scripts" / "numerals.py"))


def test_numbers_in_prose_are_found():
    text = "The FID is 7.3 with 1,000 samples, see Eqs. 3, 4 and 15, section 6, notebook 05 (2014); GRAN3, CIFAR-10."
    assert NUMERALS["numerals"](text + " $n = 9$, `x[3]`, 0 and 1, 95 %.\n\n### 3 A heading\n\n2. an item") == [
        "7.3", "1,000", "95",
    ]  # fmt: skip


@pytest.mark.parametrize("path", NUMERALS["NINE"], ids=lambda path: path.stem)
def test_prose_holds_no_number_of_a_run(path):
    """A number in Markdown is a setting, a definition or a paper's, and its cell says so: see scripts/numerals.py."""
    found = NUMERALS["unexplained"](path)
    assert not found, f"say these with gl.plotting.say, or allow them: {found}"


def test_quoted_verdicts_are_those_of_the_results():
    """What a notebook printed of a claim, and what its prose calls it, is what data/claims/ says now."""
    verdicts = {
        path.stem: json.loads(path.read_text())["verdict"] for path in (ROOT / "data" / "claims").glob("*.json")
    }
    quoted = []
    for path in NOTEBOOKS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"]) if cell["cell_type"] == "markdown" else json.dumps(cell.get("outputs", []))
            for id, word in re.findall(
                r"((?:RA|TA|GR|CG|SV-[A-Z0-9]+)-[A-Z]\w*(?:-\w+)?)[,:]? ((?:leaning )?(?:confirmed|refuted|undecided))",
                text,
            ):
                quoted.append((path.stem, id, word))
    assert len(quoted) > 70
    assert [q for q in quoted if verdicts.get(q[1]) != q[2]] == []
