"""The graded assignments: references keep every point, wrong answers lose theirs, the students' copies hold neither.

What is handed in is graded in tests/test_grading.py.
"""

import ast
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import matplotlib
import nbformat
import pytest
import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import assignments  # noqa: E402
from grading import answers, marks  # noqa: E402

SOURCES = {path.stem: path for path in sorted((ROOT / "notebooks" / "assignments").glob("*/*.ipynb"))}
every_assignment = pytest.mark.parametrize("name", SOURCES)


def cells_of(notebook):
    return {marks(cell)["grade_id"]: cell for cell in notebook.cells if marks(cell)}


def exercises(name):
    """The set-up cell, and exercise -> its solution cell and its test cell."""
    cells = cells_of(nbformat.read(SOURCES[name], 4))
    solutions = [key for key, cell in cells.items() if cell.cell_type == "code" and marks(cell)["solution"]]
    return cells["setup"], {key: (cells[key], cells[f"{key}-test"]) for key in solutions}


def between(cell, what):
    """The lines of a cell between ### BEGIN ... and ### END ..."""
    return "\n".join(re.findall(rf"### BEGIN {what}\n(.*?)\s*### END {what}", cell.source, flags=re.S))


def lost(setup, answer, test):
    """What goes wrong when a test cell meets an answer, or None; in a namespace of its own."""
    matplotlib.use("agg")
    names = {}
    try:
        for code in (setup.source, answer, test.source):
            exec(code, names)
    except Exception as error:
        return error
    finally:
        torch.set_default_dtype(torch.float32)  # the set-up cells choose float64


def test_every_notebook_has_its_assignment():
    assert set(SOURCES) >= {path.stem for path in (ROOT / "notebooks").glob("[01]*.ipynb")} - {"00_start"}
    assert len(SOURCES) == 16


@every_assignment
def test_assignment_is_whole(name):
    notebook = nbformat.read(SOURCES[name], 4)
    nbformat.validate(notebook)
    cells, (_, parts) = cells_of(notebook), exercises(name)
    essays = [cell for cell in cells.values() if cell.cell_type == "markdown"]
    assert 3 <= len(parts) + len(essays) <= 5 and len(essays) == 1
    assert sum(marks(cell).get("points", 0) for cell in cells.values()) == 20
    assert "Reference answer" in essays[0].source and "Rubric" in essays[0].source
    for exercise, (solution, test) in parts.items():
        assert between(solution, "SOLUTION") and between(test, "HIDDEN TESTS"), exercise
        asserts = [node for node in ast.walk(ast.parse(test.source)) if isinstance(node, ast.Assert)]
        assert all(node.msg for node in asserts), f"{exercise}: a test does not say what is wrong"
    hints = [cell.source.count("<details><summary>Hint") for cell in notebook.cells if "## Exercise" in cell.source]
    assert hints == [2, 2, 2, 0], "two folded hints for each exercise, none for the essay"
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or not (cell.outputs or cell.execution_count), "committed without outputs"


@every_assignment
def test_reference_passes_its_tests(name):
    setup, parts = exercises(name)
    for exercise, (solution, test) in parts.items():
        assert lost(setup, solution.source, test) is None, exercise


@every_assignment
def test_tests_leave_the_names_of_students_alone(name):
    """A helper beside a solution may be called as a test's variable is: what a test binds is its own."""
    for exercise, (_, test) in exercises(name)[1].items():
        function, call = ast.parse(test.source).body
        assert isinstance(function, ast.FunctionDef) and function.name == "_test", exercise
        assert ast.unparse(call) == "_test()", exercise
        assert not any(isinstance(node, ast.Global) for node in ast.walk(function)), exercise


@every_assignment
def test_right_answers_in_other_forms_keep_their_points(name):
    setup, parts = exercises(name)
    tried = []
    for exercise, what, answer in answers("right", name):
        error = lost(setup, answer, parts[exercise][1])
        assert error is None, f"{exercise} loses its points: {what}: {error}"
        tried.append(exercise)
    assert all(tried.count(exercise) >= 3 for exercise in parts)


@pytest.mark.filterwarnings("ignore")
@every_assignment
def test_wrong_answers_lose_their_points(name):
    setup, parts = exercises(name)
    told = []
    for exercise, what, answer in answers("wrong", name):
        error = lost(setup, answer, parts[exercise][1])
        assert error is not None, f"{exercise} keeps its points: {what}"
        assert not isinstance(error, NameError | SyntaxError), f"{exercise} does not even run: {what}: {error}"
        told.append(exercise)
    assert all(told.count(exercise) >= 5 for exercise in parts)


@pytest.fixture(scope="module")
def released():
    assignments.release()
    return {name: ROOT / "build" / "assignments" / name / f"{name}.ipynb" for name in SOURCES}


@every_assignment
def test_release_holds_no_solution_and_no_hidden_test(name, released):
    text, source = released[name].read_text(encoding="utf-8"), nbformat.read(SOURCES[name], 4)
    shown = "\n".join(cell.source for cell in nbformat.read(released[name], 4).cells)
    assert not re.search("SOLUTION|HIDDEN|Reference answer|Rubric", text)
    hidden = [between(cell, "SOLUTION") + "\n" + between(cell, "HIDDEN TESTS") for cell in source.cells]
    hidden += [cell.source for cell in source.cells if cell.cell_type == "markdown" and marks(cell)]
    lines = {line.strip() for part in hidden for line in part.splitlines()}
    visible = "\n".join(re.sub(r"### BEGIN.*?### END.*?\n", "", cell.source + "\n", flags=re.S) for cell in source.cells
                        if not (cell.cell_type == "markdown" and marks(cell)))  # fmt: skip
    secrets = [line for line in lines if len(line) > 12 and line not in visible]
    assert len(secrets) > 15
    assert [line for line in secrets if line in shown] == []
    assert shown.count("YOUR CODE HERE") >= 3 and "YOUR ANSWER HERE" in shown


def test_the_students_course_holds_nothing_of_the_teachers(tmp_path):
    """Every file of the zip is searched; what is left works."""
    with zipfile.ZipFile(assignments.student_copy()) as zipped:
        files = {name: zipped.read(name) for name in zipped.namelist()}
        zipped.extractall(tmp_path)
    secrets = set()
    for path in SOURCES.values():
        cells = nbformat.read(path, 4).cells
        shown = "\n".join(re.sub(r"### BEGIN.*?### END.*?\n", "", cell.source + "\n", flags=re.S) for cell in cells)
        for cell in cells:
            hidden = (line.strip() for line in between(cell, "HIDDEN TESTS").splitlines())
            secrets |= {
                line for line in hidden if len(line) > 60 and line not in shown
            }  # shorter ones are in many places
            if cell.cell_type == "markdown" and marks(cell):
                secrets |= {part.strip() for part in cell.source.split("\n") if part}
        secrets |= {code.strip() for kind in ("right", "wrong") for _, _, code in answers(kind, path.stem)}
    assert len(secrets) > 500
    for name, data in files.items():
        if name.endswith((".npz", ".safetensors", ".png")):
            continue
        text = data.decode("utf-8")
        assert not re.search("BEGIN SOLUTION|BEGIN HIDDEN|Reference answer\\.|\\*Rubric", text), name
        if "/assignments/" in name and name.endswith(".ipynb"):
            text = "\n".join(cell.source for cell in nbformat.reads(text, 4).cells)
        found = [secret for secret in secrets if secret in text]
        assert not found, (name, found)
    course = tmp_path / "ganlib-course"
    assert {path.stem for path in (course / "notebooks" / "assignments").glob("*/*.ipynb")} == set(SOURCES)
    assert "hand in" in (course / "notebooks" / "assignments" / "README.md").read_text().lower()
    for name in ("README.md", "Makefile", "notebooks/01_vanilla_gan.ipynb", "data/mnist5k_train.npz"):
        assert (course / name).exists()
    code = "import ganlib; assert 'ganlib-course' in ganlib.__file__; ganlib.load('mnist5k')"
    subprocess.run([sys.executable, "-c", code], cwd=course, check=True, env=os.environ | {"PYTHONPATH": str(course)})
