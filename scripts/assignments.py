"""Release the graded assignments, and grade what comes back.

    python scripts/assignments.py release         # build/assignments/NAME/NAME.ipynb and build/assignments.zip
    python scripts/assignments.py grade FOLDER    # FOLDER/STUDENT/.../NAME.ipynb -> build/graded/scores.csv

A submission is a program by somebody else. Each one runs in a process, a folder, a home and a gradebook of its own,
with a limit on its time and (on Linux) on its memory, so it costs nobody else a point. It still runs with your rights:
grade strangers' work in a container.
"""

import argparse
import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from glob import escape
from pathlib import Path

import matplotlib
import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

if sys.platform == "linux":
    import resource

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
NAMES = sorted(path.stem for path in (ROOT / "notebooks" / "assignments").glob("*/*.ipynb"))
GRADEBOOK = BUILD / "nbgrader" / "gradebook.db"
MEMORY = 12 * 2**30  # bytes of address space; importing torch takes about five
# score: the automatic points, of so many; by_hand: points that wait for a reader; lost: the tests without points
COLUMNS = ("student", "assignment", "score", "of", "by_hand", "lost", "note")


def release() -> Path:
    """Make every student's copy, without solutions and hidden tests, and a zip of them all; returns the zip."""
    api = NbGraderAPI(config=PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config())
    for name in NAMES:
        result = api.generate_assignment(name, force=True, create=True)
        if not result["success"]:
            raise RuntimeError(f"{name} could not be released:\n{result.get('error') or result.get('log')}")
    archive = BUILD / "assignments.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in NAMES:
            zipped.write(BUILD / "assignments" / name / f"{name}.ipynb", f"assignments/{name}/{name}.ipynb")
    return archive


def submissions(folder: Path, students: str = "*") -> Iterator[tuple[str, Path]]:
    """(student, notebook) of every FOLDER/STUDENT/.../NAME.ipynb, of the students whose names match a pattern."""
    for path in sorted(folder.glob(f"{students}/**/*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            yield path.relative_to(folder).parts[0], path


def with_all_tests(path: Path, name: str) -> nbformat.NotebookNode:
    """A submission with the cells that its author deleted: a test comes behind its exercise, the set-up cell first.

    What they hold matters not: nbgrader writes every locked cell anew.
    """
    theirs, ours = nbformat.read(path, 4), nbformat.read(BUILD / "assignments" / name / f"{name}.ipynb", 4)
    there = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in theirs.cells]
    for cell in ours.cells:
        marks = cell.metadata.get("nbgrader", {})
        key = marks.get("grade_id")
        if key not in there and (marks.get("grade") or marks.get("locked")):
            exercise = key.removesuffix("-test")
            place = 0 if key == "setup" else there.index(exercise) + 1 if exercise in there else len(there)
            theirs.cells.insert(place, cell)
            there.insert(place, key)
    return theirs


def grade_one(student: str, path: Path, folder: Path, out: Path, cell_seconds: int, seconds: int) -> dict[str, object]:
    """Grade one notebook in a course of its own; the row of the table. A copy with outputs goes to out/STUDENT/."""
    name = path.stem
    row = dict(student=student, assignment=name, score=0, of="", by_hand=0, lost="", note="")
    if name not in NAMES:
        return row | {"note": "there is no such assignment"}
    if sum(found.stem == name for _, found in submissions(folder, escape(student))) > 1:
        return row | {"note": f"{student} has several copies of it: leave one"}
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        return row | {"note": "no file in the folder, or a link that leads out of it"}
    try:
        notebook = with_all_tests(path, name)
    except Exception as error:  # whatever a file may hold
        return row | {"note": f"no notebook that can be read: {type(error).__name__}"}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as course:
        course = Path(course)
        home, db = course / "home", course / "gradebook.db"
        home.mkdir()
        shutil.copytree(matplotlib.get_cachedir(), course / "matplotlib")  # or it looks for fonts every time
        (course / "submitted" / "student" / name).mkdir(parents=True)
        nbformat.write(notebook, course / "submitted" / "student" / name / f"{name}.ipynb")
        shutil.copy(GRADEBOOK, db)
        command = [sys.executable, "-m", "nbgrader", "autograde", name, "--student=student", "--log-level=ERROR"]
        command += [f"--CourseDirectory.root={course}", f"--CourseDirectory.db_url=sqlite:///{db}"]
        command += ["--CourseDirectory.source_directory=source", f"--Execute.timeout={cell_seconds}"]
        command += [f"--CourseDirectory.{kind}_directory={kind}" for kind in ("submitted", "autograded")]
        places = {"HOME": str(home), "USERPROFILE": str(home), "TMPDIR": str(course), "TEMP": str(course)}
        places |= {"MPLCONFIGDIR": str(course / "matplotlib"), "MPLBACKEND": "agg", "CUDA_VISIBLE_DEVICES": ""}
        places |= {"OMP_NUM_THREADS": "1"}  # as many run at once as there are cores
        with open(course / "log", "w+", encoding="utf-8", errors="replace") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | places, stdout=log, stderr=log, start_new_session=True
            )
            if sys.platform == "linux":  # its kernel inherits the limit
                _, hard = resource.prlimit(process.pid, resource.RLIMIT_AS)
                limit = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
                resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                # its kernel notices and ends too
                os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
                process.wait()
                return row | {"note": f"stopped after {seconds} seconds"}
            log.seek(0)
            said = log.read()
        graded = course / "autograded" / "student" / name / f"{name}.ipynb"
        (out / student).mkdir(parents=True, exist_ok=True)
        if process.returncode or not graded.exists():
            (out / student / f"{name}.log").write_text(said, encoding="utf-8")
            return row | {"note": f"nbgrader could not run it, see {student}/{name}.log"}
        shutil.copy(graded, out / student / f"{name}.ipynb")
        try:
            with Gradebook(f"sqlite:///{db}") as book:
                grades = list(book.find_submission_notebook(name, name, "student").grades)
                tests = [grade for grade in grades if grade.cell_type == "code"]
                row["score"] = sum(grade.auto_score or 0 for grade in tests)
                row["of"] = sum(grade.max_score for grade in tests)
                row["by_hand"] = sum(grade.max_score for grade in grades if grade.needs_manual_grade)
                row["lost"] = " ".join(grade.name.removesuffix("-test") for grade in tests if not grade.auto_score)
        except Exception as error:  # the submission could write to its gradebook
            return row | {"score": 0, "note": f"its gradebook cannot be read: {type(error).__name__}"}
    return row


def grade(folder: Path, out: Path, *, cell_seconds: int = 60, seconds: int = 600, jobs: int | None = None) -> Path:
    """Grade every submission in a folder, a few at a time; returns the table, out/scores.csv."""
    work = list(submissions(folder))
    with ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        rows = list(pool.map(lambda item: grade_one(*item, folder, out, cell_seconds, seconds), work))
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "scores.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return out / "scores.csv"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("release", help="make the students' copies")
    grading = commands.add_parser("grade", help="grade a folder of submissions")
    grading.add_argument("folder", type=Path, help="holds a folder for each student")
    arguments = parser.parse_args()
    if arguments.command == "grade" and not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is no folder")
    if arguments.command == "grade" and not any(submissions(arguments.folder)):
        parser.error(f"{arguments.folder} holds no STUDENT/NAME.ipynb")
    print(release())
    if arguments.command == "grade":
        table = grade(arguments.folder, BUILD / "graded")
        print(table.read_text(encoding="utf-8"), end="")
        print(table)
