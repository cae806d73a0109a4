"""Grading: right work keeps its points however it comes, and hostile work costs nobody anything but itself.

Every submission below is made of one assignment, answered; each is graded once, all in one run.
"""

import asyncio
import copy
import csv
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import nbformat
import psutil
import pytest

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]
import assignments  # noqa: E402
import feedback  # noqa: E402
import grading  # noqa: E402
from test_assignments import SOURCES, between, cells_of, every_assignment, exercises, marks  # noqa: E402

VICTIM = "08_battle"
RIGHT, HOSTILE = {}, {}  # name -> (what turns an answered copy into this submission, the name of its file)
MARKDOWN, CODE = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell


def right(make=None, *, file=f"{VICTIM}.ipynb"):
    """A submission that deserves every point."""
    if make is None:
        return lambda make: right(make, file=file)
    RIGHT[make.__name__] = make, file
    return make


def hostile(make):
    """A submission that deserves what test_hostile_work says."""
    HOSTILE[make.__name__] = make, f"{VICTIM}.ipynb"
    return make


def answered(released):
    """A student's copy with the reference's answers in it."""
    source, notebook = cells_of(nbformat.read(SOURCES[VICTIM], 4)), nbformat.read(released, 4)
    for name, cell in cells_of(notebook).items():
        if marks(cell)["solution"]:
            lines = source[name].source.splitlines()
            cell.source = "\n".join(line for line in lines if "### " not in line)
    return notebook


def text(notebook):
    return nbformat.writes(notebook).encode()


def place(notebook, name):
    return next(i for i, cell in enumerate(notebook.cells) if marks(cell).get("grade_id") == name)


def twice(notebook, name):
    """A second cell like the one of a name, behind it."""
    twin = copy.deepcopy(notebook.cells[place(notebook, name)])
    twin.id = f"twin-{name}"
    notebook.cells.insert(place(notebook, name) + 1, twin)
    return twin


# right work


@right
def untouched(notebook):
    pass


@right
def split(notebook):
    """The cell was split, and both halves have its marks."""
    first, second = cells_of(notebook)["verdict"], twice(notebook, "verdict")
    first.source = "def ratio(a, b):\n    return a / b"
    second.source = second.source.replace("d1_test / d2_test", "ratio(d1_test, d2_test)")


@right
def split_without_marks(notebook):
    twice(notebook, "verdict").metadata = {}
    cells_of(notebook)["verdict"].source = "guard = 1e-9"


@right
def kept_stub(notebook):
    """The cell was copied before it was filled in; the untouched one is below."""
    stub = twice(notebook, "verdict")
    stub.source = stub.source.split('"""')[0] + "# YOUR CODE HERE\n    raise NotImplementedError"
    copy_of = nbformat.read(ROOT / "build" / "assignments" / VICTIM / f"{VICTIM}.ipynb", 4)
    stub.source = cells_of(copy_of)["verdict"].source


@right
def pasted_twice(notebook):
    twice(notebook, "errors")
    twice(notebook, "threshold")


@right
def copied_test(notebook):
    twice(notebook, "verdict-test")


@right
def moved_test(notebook):
    """A test cell was moved above its answer."""
    cell = notebook.cells.pop(place(notebook, "verdict-test"))
    notebook.cells.insert(place(notebook, "verdict"), cell)


@right
def essay_twice(notebook):
    twice(notebook, "picture").source = "And one more sentence."


@right
def essay_retyped(notebook):
    notebook.cells[place(notebook, "picture")] = MARKDOWN("Few errors make a noisy ratio.")


@right
def essay_below(notebook):
    """Written below the cell that waits for it."""
    cells_of(notebook)["picture"].source = "YOUR ANSWER HERE"
    notebook.cells.append(MARKDOWN("Few errors make a noisy ratio."))


@right
def essay_as_code(notebook):
    notebook.cells[place(notebook, "picture")] = CODE(
        "Few errors make a noisy ratio.", metadata=cells_of(notebook)["picture"].metadata
    )


@right
def answer_as_text(notebook):
    """An answer's cell was turned into Markdown by a slip of the keyboard."""
    cell = cells_of(notebook)["errors"]
    notebook.cells[place(notebook, "errors")] = MARKDOWN(cell.source, metadata=cell.metadata)


@right
def further_down(notebook):
    """The answer's cell was deleted, and the answer written at the end."""
    cell = notebook.cells.pop(place(notebook, "verdict"))
    notebook.cells.append(CODE(cell.source))


@right
def no_marks(notebook):
    """A service that strips metadata."""
    for cell in notebook.cells:
        cell.metadata = {}


@right
def no_tests(notebook):
    notebook.cells = [cell for cell in notebook.cells if not marks(cell).get("locked")]


@right
def helpers(notebook):
    cells = notebook.cells
    cells[:0] = [CODE("%matplotlib inline"), CODE("from google.colab import drive"), CODE("name = input()")]
    cells_of(notebook)["errors"].source = "%%time\n" + cells_of(notebook)["errors"].source


@right
def other_editor(notebook):
    """No ids of cells, another kernel's name, CRLF."""
    notebook.metadata = {"kernelspec": {"name": "course-env", "display_name": "course", "language": "python"}}
    notebook.nbformat_minor = 0
    for cell in notebook.cells:
        cell.pop("id", None)
        cell.source = cell.source.replace("\n", "\r\n")
    return json.dumps(notebook).encode()


@right
def byte_order_mark(notebook):
    return b"\xef\xbb\xbf" + text(notebook)


@right
def utf_16(notebook):
    return nbformat.writes(notebook).encode("utf-16")


@right(file=f"{VICTIM}.ipynb.txt")
def named_by_a_browser(notebook):
    pass


@right(file=f"{VICTIM}.IPYNB")
def capitals(notebook):
    pass


@right(file=f"{VICTIM} (1).ipynb")
def second_download(notebook):
    pass


@right(file="my answers.json")
def own_name(notebook):
    pass


@right(file=f"week 8/final/{VICTIM}.ipynb")
def nested(notebook):
    pass


@right(file="work.zip")
def zipped(notebook):
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(f"assignments/{VICTIM}/{VICTIM}.ipynb", text(notebook))
            archive.writestr(f"__MACOSX/{VICTIM}/._{VICTIM}.ipynb", b"\0")
        file.seek(0)
        return file.read()


# hostile work


def replaced(cell, body):
    """A solution cell with another body for its function."""
    head = cell.source.split('"""\n')[0] + '"""\n'
    cell.source = head + "\n".join(f"    {line}" for line in body.splitlines())


def nothing_right(notebook, before=""):
    """All answers away, and a line of code before the first."""
    for exercise in ("errors", "verdict", "threshold"):
        replaced(cells_of(notebook)[exercise], "return None")
    cells_of(notebook)["errors"].source = before + "\n\n\n" + cells_of(notebook)["errors"].source


@hostile
def endless(notebook):
    replaced(cells_of(notebook)["errors"], "while True:\n    pass")


@hostile
def greedy(notebook):
    """Asks for 16 GB."""
    replaced(cells_of(notebook)["errors"], "torch.empty(2 * 10**9)\nreturn 0.5, 0.2")


@hostile
def edited(notebook):
    nothing_right(notebook)
    for exercise in ("errors", "verdict", "threshold"):
        test = cells_of(notebook)[f"{exercise}-test"]
        test.source, test.metadata.nbgrader.points = "pass", 100


@hostile
def deleted(notebook):
    replaced(cells_of(notebook)["verdict"], "raise NotImplementedError")
    notebook.cells = [cell for cell in notebook.cells if not marks(cell).get("locked")]


@hostile
def vandal(notebook):
    """Writes wherever a path that it can guess leads: all that it finds without a wall is its own folder and home."""
    cells_of(notebook)["errors"].source += (
        "\n\n\nfrom pathlib import Path\n\n"
        "(Path.home() / 'ganlib-outside.txt').write_text('here')\n"
        "for path in Path('.').rglob('*'):\n"
        "    if path.is_file():\n"
        "        path.write_text('nonsense')"
    )


def far_vandal(notebook):
    """Writes over every other submission that it can see; handed in only where a wall stands."""
    cells_of(notebook)["errors"].source += (
        "\n\n\nfrom pathlib import Path\n\n"
        "for path in [*Path('../..').rglob('*.ipynb'), *Path('../..').rglob('*.csv')]:\n"
        "    try:\n"
        "        path.write_text('nonsense')\n"
        "    except OSError:\n"
        "        pass"
    )


@hostile
def dying(notebook):
    cells_of(notebook)["verdict"].source += "\n\n\nimport os\n\nos._exit(0)"


@hostile
def transformer(notebook):
    """A line that empties every cell with an assertion before it runs."""
    line = "get_ipython().input_transformers_cleanup.append(lambda lines: [] if 'assert' in str(lines) else lines)"
    nothing_right(notebook, line)


@hostile
def swallower(notebook):
    """No error is ever told."""
    nothing_right(notebook, "get_ipython().set_custom_exc((Exception,), lambda *args, **kwargs: None)")


@hostile
def reporter(notebook):
    """The kernel's own way of telling errors is replaced."""
    nothing_right(notebook, "type(get_ipython())._showtraceback = lambda *args: None")


@hostile
def detached(notebook):
    """A process that outlives its kernel, in a session of its own, and rewrites what it finds."""
    loop = "import time, pathlib\nwhile True:\n    time.sleep(0.1)\n    pathlib.Path('beat').write_text('x')"
    line = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {loop!r}], start_new_session=True)"
    nothing_right(notebook, line)


@hostile
def installer(notebook):
    nothing_right(notebook, "!pip install --no-index --no-deps ./nothing || pip uninstall -y ganlib")


@hostile
def flood(notebook):
    cells_of(notebook)["errors"].source += "\n\n\nfor _ in range(100):\n    print('x' * 1_000_000)"


@hostile
def peeping(notebook):
    """Looks for the reference's answers where the course lies."""
    line = (
        "import re\nfrom pathlib import Path\n\nimport ganlib\n\n"
        f"source = Path(ganlib.__file__).parents[1] / 'notebooks' / 'assignments' / '{VICTIM}' / '{VICTIM}.ipynb'\n"
        "print(len(source.read_text()))"
    )
    nothing_right(notebook, line)


def hand_in(folder, student, file, data):
    path = folder / student / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture(scope="module")
def released():
    assignments.release()
    return {name: ROOT / "build" / "assignments" / name / f"{name}.ipynb" for name in SOURCES}


WALLS = ["no", pytest.param("bwrap", marks=pytest.mark.skipif(not grading.sandbox_works(), reason="no bubblewrap"))]


@pytest.fixture(scope="module", params=WALLS)
def graded(request, released, tmp_path_factory):
    """The table of a class: the reference and the untouched copy of every assignment, and all the above; its folder."""
    base = tmp_path_factory.mktemp("class")
    folder = base / "handed in [1] (2)"
    for name in SOURCES:
        hand_in(folder, "reference", f"{name}.ipynb", SOURCES[name].read_bytes())
        hand_in(folder, "blank", f"{name}.ipynb", released[name].read_bytes())
    for student, (make, file) in (RIGHT | HOSTILE).items():
        notebook = answered(released[VICTIM])
        hand_in(folder, student, file, make(notebook) or text(notebook))
    if request.param == "bwrap":
        notebook = answered(released[VICTIM])
        far_vandal(notebook)
        hand_in(folder, "far_vandal", f"{VICTIM}.ipynb", text(notebook))
    good = text(answered(released[VICTIM]))
    hand_in(folder, "=1+cmd", f"{VICTIM}.ipynb", good)
    hand_in(folder, "copies", f"{VICTIM}.ipynb", released[VICTIM].read_bytes())
    hand_in(folder, "copies", f"{VICTIM} (1).ipynb", good)
    hand_in(folder, "same", f"{VICTIM}.ipynb", good)
    hand_in(folder, "same", f"old/{VICTIM}.ipynb", good)
    hand_in(folder, ".", "loose.ipynb", good)
    with zipfile.ZipFile(folder / "whole folder.zip", "w") as archive:
        archive.writestr(f"{VICTIM}.ipynb", good)
    hand_in(folder, "garbled", f"{VICTIM}.ipynb", b"this is no notebook")
    hand_in(folder, "page", "answers.pdf", b"%PDF")
    hand_in(folder, "broken", "work.zip", b"PK\x03\x04 no more")
    (folder / "empty").mkdir()
    outside = base / "outside.ipynb"
    outside.write_bytes(good)
    (folder / "link").mkdir()
    (folder / "link" / f"{VICTIM}.ipynb").symlink_to(outside)

    watched = [*(p for p in folder.rglob("*") if p.is_file()), *SOURCES.values(), *released.values(), outside]
    before = [hashlib.sha256(path.read_bytes()).digest() for path in watched]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("t")))
        table = feedback.grade(folder, base / "graded", jobs=3, cell_seconds=30, sandbox=request.param == "bwrap")
    after = [hashlib.sha256(path.read_bytes()).digest() for path in watched]
    assert before == after, "a submission changed something that is not its own"
    assert not (Path.home() / "ganlib-outside.txt").exists()
    with open(table, newline="", encoding="utf-8") as file:
        rows = {(row["student"], row["assignment"]): row for row in csv.DictReader(file)}
    rows["wall"] = request.param
    return rows, base


@pytest.fixture
def scores(graded):
    return graded[0]


def points(row):
    """(automatic points, points that wait for a reader, tests without points, note)"""
    return float(row["score"]), float(row["by_hand"]), row["lost"], row["note"]


ALL = "errors verdict threshold"


@every_assignment
def test_the_reference_has_every_point_and_the_blank_none(name, scores):
    assert points(scores["reference", name]) == (16, 4, "", "")
    assert points(scores["blank", name]) == (0, 0, " ".join(exercises(name)[1]), "")
    assert float(scores["blank", name]["of"]) == 16


@pytest.mark.parametrize("student", RIGHT)
def test_right_work_keeps_its_points(student, scores):
    assert points(scores[student, VICTIM])[:3] == (16, 4, "")


def test_how_it_came_is_noted(scores):
    def note(student):
        return scores[student, VICTIM]["note"]

    assert note("untouched") == ""
    assert note("second_download") == f"it came as {VICTIM} (1).ipynb"
    assert note("split") == note("copied_test") == "it has cells twice"
    for student in ("essay_retyped", "essay_below", "no_marks"):
        assert "the essay is not in its cell: read the others" in note(student)


def test_the_retyped_essay_is_where_its_reader_looks(graded):
    _, base = graded
    notebook = nbformat.read(base / "graded" / "essay_below" / f"{VICTIM}.ipynb", 4)
    assert cells_of(notebook)["picture"].source == "Few errors make a noisy ratio."


def test_every_student_has_a_row(scores):
    assert points(scores["'=1+cmd", VICTIM])[:2] == (16, 4)
    assert points(scores["copies", VICTIM]) == (
        16,
        4,
        "",
        f"it came as {VICTIM} (1).ipynb; the best of 2 different copies",
    )
    assert points(scores["same", VICTIM]) == (16, 4, "", "")
    for student in ("loose", "whole folder"):
        assert points(scores[student, VICTIM])[:3] == (16, 4, ""), student
    notes = {
        "garbled": f"{VICTIM}.ipynb: no notebook that can be read: NotJSONError",
        "page": "no notebook: answers.pdf lies there",
        "broken": "work.zip: no zip that can be read: BadZipFile",
        "empty": "no notebook: nothing lies there",
        "link": f"{VICTIM}.ipynb: no file in the folder, or a link that leads out of it",
    }
    for student, note in notes.items():
        assert points(scores[student, ""]) == (0, 0, "", note)


def test_hostile_work(scores):
    def row(student):
        return points(scores[student, VICTIM])

    assert row("endless") == (12, 4, "errors", "")
    assert row("edited") == (0, 4, ALL, "")
    assert float(scores["edited", VICTIM]["of"]) == 16
    assert row("deleted") == (10, 4, "verdict", "")
    assert row("vandal")[:2] == (16, 4)
    assert row("dying") == (4, 4, "verdict threshold", "its kernel died")
    assert row("detached") == row("installer") == (0, 4, ALL, "")
    assert row("flood") == (16, 4, "", "its output is cut after 1 MB")
    assert row("peeping") == row("reporter") == (0, 4, ALL, "")
    for student in ("transformer", "swallower"):
        told = f"its kernel passes a wrong answer to {', '.join(f'{e}-test' for e in ALL.split())}: read it by hand"
        assert row(student) == (0, 4, ALL, told), student


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_too_much_memory_costs_the_exercise(scores):
    assert points(scores["greedy", VICTIM]) == (12, 4, "errors", "")


def test_nothing_outlives_its_grading(graded):
    commands = [" ".join(p.info["cmdline"] or ()) for p in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if "write_text(" in command and "beat" in command]


def test_output_is_kept_small(graded):
    _, base = graded
    assert (base / "graded" / "flood" / f"{VICTIM}.ipynb").stat().st_size < 2 * 2**20


def test_only_a_wall_hides_the_solutions(graded):
    scores, base = graded
    notebook = nbformat.read(base / "graded" / "peeping" / f"{VICTIM}.ipynb", 4)
    told = {output.output_type for output in cells_of(notebook)["errors"].outputs}
    assert told == ({"stream"} if scores["wall"] == "no" else {"error"})


def test_a_loop_that_cannot_be_interrupted_is_stopped(released, tmp_path):
    notebook = answered(released[VICTIM])
    loop = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass"
    replaced(cells_of(notebook)["verdict"], loop)
    hand_in(tmp_path, "stubborn", f"{VICTIM}.ipynb", text(notebook))
    ((_, (handed,), _),) = grading.handed_in(tmp_path)
    row, _ = asyncio.run(grading.grade_one(handed, cell_seconds=60, seconds=15))
    assert points(row) == (4, 4, "verdict threshold", "stopped after 15 seconds")


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 8})
        assert grading.cores() == 3
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert grading.cores() == 64


def test_a_checkout_in_brackets_is_released_and_graded(tmp_path):
    """Folders named [x] or (1) mean something to glob."""
    clone = tmp_path / "co [x] (1)"
    for part in ("scripts", "notebooks/assignments", "tests/wrong_answers"):
        shutil.copytree(ROOT / part, clone / part)
    shutil.copy(ROOT / "nbgrader_config.py", clone)
    hand_in(tmp_path / "in", "ada", f"{VICTIM}.ipynb", SOURCES[VICTIM].read_bytes())
    command = [sys.executable, str(clone / "scripts" / "assignments.py"), "grade", str(tmp_path / "in"), "--jobs", "1"]
    told = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True).stdout
    assert f"ada,{VICTIM},16.0,16.0,4.0,,\n" in told
    assert len(list((clone / "build" / "assignments").glob("*/*.ipynb"))) == len(SOURCES)


# what a teacher and a student get to see


def test_tables_have_every_student_with_points_by_exercise(graded):
    _, base = graded
    rows = {row["student"]: row for row in feedback.read_csv(base / "graded" / f"{VICTIM}.csv")}
    full = rows["reference"]
    assert list(full) == ["student", *ALL.split(), "picture", "total", "of", "late_days", "to_read", "note"]
    assert [full[name] for name in (*ALL.split(), "picture", "total", "of", "to_read")] == [
        "4.0", "6.0", "6.0", "", "16.0", "20.0", "picture"
    ]  # fmt: skip
    blank = rows["blank"]
    assert (blank["total"], blank["picture"], blank["to_read"]) == ("0.0", "0.0", ""), "an untouched essay has 0 points"
    assert rows["deleted"]["verdict"] == "0.0" and rows["deleted"]["total"] == "10.0"
    assert rows["'=1+cmd"]["total"] == "16.0"
    assert all((base / "graded" / f"{name}.csv").exists() for name in SOURCES)


def test_items_say_how_often_each_message_was_met(graded):
    _, base = graded
    items = [row for row in feedback.read_csv(base / "graded" / "items.csv") if row["assignment"] == VICTIM]
    assert list(dict.fromkeys(row["exercise"] for row in items)) == [*ALL.split(), "picture"]
    errors = [row for row in items if row["exercise"] == "errors"]
    n = {row["submissions"] for row in errors}
    assert len(n) == 1 and int(n.pop()) == len(feedback.read_csv(base / "graded" / f"{VICTIM}.csv"))
    assert sum(int(row["times"]) for row in errors) >= 3 and all(row["message"] for row in errors)
    points = [float(row["errors"]) for row in feedback.read_csv(base / "graded" / f"{VICTIM}.csv")]
    assert float(errors[0]["mean"]) == pytest.approx(sum(points) / len(points), abs=0.005)


@every_assignment
def test_pages_hold_no_hidden_test_and_no_solution(name, graded):
    _, base = graded
    source, parts = nbformat.read(SOURCES[name], 4), exercises(name)[1]
    hidden = "\n".join(between(cell, "HIDDEN TESTS") for cell in source.cells)
    solutions = {exercise: between(solution, "SOLUTION") for exercise, (solution, _) in parts.items()}
    shown = "\n".join(cell.source for cell in grading.released(name).cells)  # with hints, which come near an answer
    lines = [line.strip() for line in hidden.splitlines() if len(line.strip()) > 25]
    lines = [line for line in lines if line not in shown and line not in "\n".join(solutions.values())]
    assert len(lines) > 5
    pages = {}
    for student in ("blank", "reference"):
        html_page = (base / "graded" / student / f"{name}.html").read_text(encoding="utf-8")
        page = pages[student] = html.unescape(re.sub("<[^>]*>", "", html_page))
        told = [line for line in lines if line in page and not line.startswith(('f"', '"'))]  # messages may be told
        assert not told, told
        assert "HIDDEN" not in page
    assert "NotImplementedError" in pages["blank"] and "0 of 20 points" in pages["blank"]
    for exercise, solution in solutions.items():
        line = max((text.strip() for text in solution.splitlines()), key=len)
        assert line in pages["reference"], f"{exercise}: a student's own answer is on the page"
        assert line in shown or line not in pages["blank"], f"{exercise}: the reference's answer is on it"


def test_a_page_runs_nothing_that_a_student_wrote(released):
    notebook = answered(released[VICTIM])
    notebook.cells.append(MARKDOWN("<script>alert(1)</script><img src=x onerror=alert(2)>"))
    row = {"errors": 4.0, "verdict": 0.0, "threshold": 6.0, "picture": ""}
    row |= {"total": 10.0, "of": 20.0, "late_days": 2, "note": ""}
    for cell in notebook.cells:  # as the one that was run has it
        cell.metadata.nbgrader = marks(cell)
    page = feedback.feedback(notebook, VICTIM, row, {"verdict": "r_test = 1, r_sample = 3: M2"})
    assert "<script>alert" not in page and "<img src=x" not in page, "what was written is escaped"
    assert "0 of 6 points" in page and "r_sample = 3: M2" in page and "2 days late" in page and "not read yet" in page


@pytest.fixture
def small(released, tmp_path):
    """Ada's right notebook, graded; its folder, and where the tables lie."""
    folder, out = tmp_path / "in", tmp_path / "graded"
    hand_in(folder, "ada", f"{VICTIM}.ipynb", text(answered(released[VICTIM])))
    deadline = (folder / "ada" / f"{VICTIM}.ipynb").stat().st_mtime - 100_000  # a day and some hours
    feedback.grade(folder, out, jobs=1, deadline=deadline)
    return folder, out


def cell_of(out, student, column):
    (row,) = (row for row in feedback.read_csv(out / f"{VICTIM}.csv") if row["student"] == student)
    return row[column]


def type_in(out, student, column, value):
    path = out / f"{VICTIM}.csv"
    rows = feedback.read_csv(path)
    for row in rows:
        row[column] = value if row["student"] == student else row[column]
    feedback.write_csv(path, list(rows[0]), rows)


def test_typed_points_survive_another_grading(small, released):
    folder, out = small
    assert cell_of(out, "ada", "late_days") == "2" and cell_of(out, "ada", "to_read") == "picture"
    type_in(out, "ada", "picture", "3,5")
    type_in(out, "ada", "errors", "2")
    feedback.regrade(out)
    assert (cell_of(out, "ada", "total"), cell_of(out, "ada", "to_read")) == ("17.5", "")
    assert "17.5 of 20 points" in (out / "ada" / f"{VICTIM}.html").read_text()
    other = folder.with_name("others")  # another week's folder: ada is not in it
    hand_in(other, "bo", f"{VICTIM}.ipynb", released[VICTIM].read_bytes())
    feedback.grade(other, out, jobs=1)
    assert (cell_of(out, "ada", "total"), cell_of(out, "bo", "total")) == ("17.5", "0.0")
    scores = {row["student"] for row in feedback.read_csv(out / "scores.csv")}
    assert scores == {"ada", "bo"} and (out / "ada" / f"{VICTIM}.ipynb").exists()
    feedback.grade(folder, out, jobs=1)
    assert cell_of(out, "ada", "picture") == "3.5" and cell_of(out, "ada", "errors") == "2.0"
    before = sorted(out.parent.glob("graded before *"))
    assert len(before) == 2 and {row["student"] for row in feedback.read_csv(before[0] / "scores.csv")} == {"ada"}
    lines = (out / f"{VICTIM}.csv").read_text().replace(",", ";")  # as some spreadsheets save it
    (out / f"{VICTIM}.csv").write_text("\ufeff" + lines, encoding="utf-8")
    feedback.regrade(out)
    assert cell_of(out, "ada", "total") == "17.5"
    for wrong in ("five", "4.5", "-1"):
        type_in(out, "ada", "picture", wrong)
        with pytest.raises(
            ValueError, match=f"{VICTIM}.csv, ada, picture: '{wrong}' is no number of points from 0 to 4"
        ):
            feedback.regrade(out)
