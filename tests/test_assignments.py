"""The graded assignments: references keep every point, blanks and wrong answers lose theirs, hostile work only its own.

Wrong answers meet their tests in this process; nbgrader itself grades references, blanks and hostile submissions.
"""

import ast
import csv
import hashlib
import re
import shutil
import sys
import tempfile
from pathlib import Path

import matplotlib
import nbformat
import pytest
import torch

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import assignments  # noqa: E402

SOURCES = {path.stem: path for path in sorted((ROOT / "notebooks" / "assignments").glob("*/*.ipynb"))}
VICTIM = "08_battle"  # what the hostile submissions are made of
every_assignment = pytest.mark.parametrize("name", SOURCES)


def marks(cell):
    return cell.metadata.get("nbgrader", {})


def cells_of(notebook):
    return {marks(cell)["grade_id"]: cell for cell in notebook.cells if marks(cell)}


def exercises(name):
    """The set-up cell, and exercise -> its solution cell and its test cell."""
    cells = cells_of(nbformat.read(SOURCES[name], 4))
    solutions = [key for key, cell in cells.items() if cell.cell_type == "code" and marks(cell)["solution"]]
    return cells["setup"], {key: (cells[key], cells[f"{key}-test"]) for key in solutions}


def wrong_answers(name):
    """(exercise, what is wrong, code) of every cell of tests/wrong_answers/NAME.py."""
    text = (ROOT / "tests" / "wrong_answers" / f"{name}.py").read_text(encoding="utf-8")
    parts = re.split(r"^# %% (\S+): (.*)$", text, flags=re.M)[1:]
    return list(zip(parts[::3], parts[1::3], parts[2::3]))


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
    assert set(SOURCES) >= {path.stem for path in (ROOT / "notebooks").glob("0[1-9]_*.ipynb")}
    assert len(SOURCES) == 9


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
    for cell in notebook.cells:
        assert cell.cell_type == "markdown" or not (cell.outputs or cell.execution_count), "committed without outputs"


@every_assignment
def test_reference_passes_its_tests(name):
    setup, parts = exercises(name)
    for exercise, (solution, test) in parts.items():
        assert lost(setup, solution.source, test) is None, exercise


@pytest.mark.filterwarnings("ignore")
@every_assignment
def test_wrong_answers_lose_their_points(name):
    setup, parts = exercises(name)
    told = []
    for exercise, what, answer in wrong_answers(name):
        error = lost(setup, answer, parts[exercise][1])
        assert error is not None, f"{exercise} keeps its points: {what}"
        assert not isinstance(error, NameError | SyntaxError), f"{exercise} does not even run: {what}: {error}"
        told.append(exercise)
    assert all(told.count(exercise) >= 3 for exercise in parts)


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


def replaced(cell, body):
    """A solution cell with another body for its function."""
    head = cell.source.split("    ### BEGIN SOLUTION")[0]
    cell.source = head + "\n".join(f"    {line}" for line in body.splitlines())


def without_answer(notebook, exercise):
    replaced(cells_of(notebook)[exercise], "raise NotImplementedError")


def endless(notebook):
    replaced(cells_of(notebook)["errors"], "while True:\n    pass")


def greedy(notebook):
    """Asks for 16 GB."""
    replaced(cells_of(notebook)["errors"], "torch.empty(2 * 10**9)\nreturn 0.5, 0.2")


def stubborn(notebook):
    """An endless loop that does not let itself be interrupted."""
    loop = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
    replaced(cells_of(notebook)["errors"], loop)


def edited(notebook):
    for exercise in ("errors", "verdict", "threshold"):
        without_answer(notebook, exercise)
        test = cells_of(notebook)[f"{exercise}-test"]
        test.source = "pass"
        marks(test)["points"] = 100


def deleted(notebook):
    without_answer(notebook, "verdict")
    notebook.cells = [cell for cell in notebook.cells if not marks(cell).get("locked")]


def vandal(notebook):
    """Writes wherever a path that it can guess leads."""
    cells_of(notebook)["errors"].source += (
        "\n\n\nfrom pathlib import Path\n\n"
        "(Path.home() / 'ganlib-outside.txt').write_text('here')\n"
        "for path in [*Path('..').rglob('*'), *Path('../../..').rglob('*.ipynb'), Path('../../../gradebook.db')]:\n"
        "    if path.is_file():\n"
        "        path.write_text('nonsense')"
    )


def dying(notebook):
    cells_of(notebook)["errors"].source += "\n\n\nimport os\n\nos._exit(0)"


HOSTILE = (endless, greedy, edited, deleted, vandal, dying)


def hand_in(folder, student, name, notebook):
    (folder / student).mkdir(exist_ok=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    (folder / student / f"{name}.ipynb").write_text(text, encoding="utf-8")


def hostile(make):
    notebook = nbformat.read(SOURCES[VICTIM], 4)
    make(notebook)
    return notebook


@pytest.fixture(scope="module")
def scores(released, tmp_path_factory):
    """nbgrader's rows for the reference and the untouched copy of every assignment, with hostile work among them."""
    folder = tmp_path_factory.mktemp("submissions")
    for name in SOURCES:
        hand_in(folder, "reference", name, SOURCES[name].read_text(encoding="utf-8"))
        hand_in(folder, "blank", name, released[name].read_text(encoding="utf-8"))
    for make in HOSTILE:
        hand_in(folder, make.__name__, VICTIM, hostile(make))
    hand_in(folder, "garbled", VICTIM, "this is no notebook")
    hand_in(folder, "twice", VICTIM, SOURCES[VICTIM].read_text(encoding="utf-8"))
    (folder / "twice" / "old").mkdir()
    shutil.copy(folder / "twice" / f"{VICTIM}.ipynb", folder / "twice" / "old")
    outside = folder.parent / "outside.ipynb"
    outside.write_bytes(SOURCES[VICTIM].read_bytes())
    (folder / "link").mkdir()
    (folder / "link" / f"{VICTIM}.ipynb").symlink_to(outside)

    watched = [*folder.glob("*/*.ipynb"), *SOURCES.values(), *released.values(), assignments.GRADEBOOK]
    before = [hashlib.sha256(path.read_bytes()).digest() for path in watched]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("courses")))
        graded = assignments.grade(folder, folder.parent / "graded", jobs=3)  # one of them waits for the endless loop
    after = [hashlib.sha256(path.read_bytes()).digest() for path in watched]
    assert before == after, "a submission changed something that is not its own"
    assert not (Path.home() / "ganlib-outside.txt").exists()
    with open(graded, newline="", encoding="utf-8") as file:
        return {(row["student"], row["assignment"]): row for row in csv.DictReader(file)}


def points(row):
    """(automatic points, points that wait for a reader, tests without points, note)"""
    return float(row["score"]), float(row["by_hand"]), row["lost"], row["note"]


@every_assignment
def test_nbgrader_gives_the_reference_every_point_and_the_blank_none(name, scores):
    assert points(scores["reference", name]) == (16, 4, "", "")
    assert points(scores["blank", name]) == (0, 0, " ".join(exercises(name)[1]), "")
    assert float(scores["blank", name]["of"]) == 16


def test_edited_and_deleted_tests_come_back(scores):
    assert points(scores["edited", VICTIM]) == (0, 4, "errors verdict threshold", "")
    assert float(scores["edited", VICTIM]["of"]) == 16
    assert points(scores["deleted", VICTIM]) == (10, 4, "verdict", "")


def test_an_endless_loop_costs_its_exercise(scores):
    assert points(scores["endless", VICTIM]) == (12, 4, "errors", "")


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_too_much_memory_costs_the_exercise(scores):
    assert points(scores["greedy", VICTIM]) == (12, 4, "errors", "")


def test_what_cannot_be_graded_says_why(scores):
    assert scores["link", VICTIM]["note"] == "no file in the folder, or a link that leads out of it"
    assert points(scores["garbled", VICTIM]) == (0, 0, "", "no notebook that can be read: NotJSONError")
    for student in ("dying", "vandal"):
        note = f"nbgrader could not run it, see {student}/{VICTIM}.log"
        assert points(scores[student, VICTIM]) == (0, 0, "", note), student
    assert points(scores["twice", VICTIM]) == (0, 0, "", "twice has several copies of it: leave one")


def test_a_loop_that_cannot_be_interrupted_is_stopped(released, tmp_path):
    hand_in(tmp_path, "stubborn", VICTIM, hostile(stubborn))
    ((student, path),) = assignments.submissions(tmp_path)
    row = assignments.grade_one(student, path, tmp_path, tmp_path / "graded", cell_seconds=60, seconds=12)
    assert points(row) == (0, 0, "", "stopped after 12 seconds")
