"""Release the graded assignments, and grade what comes back.

python scripts/assignments.py student-copy    # build/ganlib-course.zip: the course without what is the teacher's
python scripts/assignments.py release         # build/assignments/NAME/NAME.ipynb and build/assignments.zip
python scripts/assignments.py grade FOLDER    # FOLDER/STUDENT/... -> build/graded/: tables, and a page for each student
python scripts/assignments.py regrade         # add up what was typed into build/graded/NAME.csv; write the pages anew
"""

import argparse
import re
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import nbformat
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)
from traitlets.config import PyFileConfigLoader

sys.path.insert(0, str(Path(__file__).parent))
from feedback import grade, regrade  # noqa: E402
from grading import BUILD, NAMES, ROOT, cores, handed_in, sandbox_works, source  # noqa: E402

# what nbgrader's own generate_assignment does to a source, in its order
STEPS = (LockCells, ClearSolutions, ClearOutput, CheckCellMetadata, ClearHiddenTests, ClearMarkScheme, ComputeChecksums)


def release() -> Path:
    """Make every student's copy, without solutions and hidden tests, and a zip of them all; returns the zip."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    archive = BUILD / "assignments.zip"
    archive.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in NAMES:
            notebook = source(name)
            for step in STEPS:
                notebook, _ = step(config=config).preprocess(notebook, {})
            path = BUILD / "assignments" / name / f"{name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.write(notebook, path)
            zipped.write(path, f"assignments/{name}/{name}.ipynb")
    return archive


# what a student may not have: solutions, hidden tests, rubrics, and what grades with them
TEACHERS = ("notebooks/assignments/", "tests/right_answers/", "tests/wrong_answers/", "tests/test_assignments.py",
            "tests/test_grading.py", "scripts/assignments.py", "scripts/grading.py", "scripts/feedback.py",
            "nbgrader_config.py")  # fmt: skip
NOTE = """# The assignments, and how to hand them in

1. Install the course: in the folder above, `make setup` (or the four lines under "Without make" in README.md).
2. `make lab` opens JupyterLab. Each assignment is a notebook in a folder of its name here.
3. Write where a cell says YOUR CODE HERE or YOUR ANSWER HERE. The cell below is its test: run it to check yourself.
   When your work is graded, the same cells check a few more cases of the same rules.
4. Before you hand in: Kernel, Restart Kernel and Run All Cells.
5. Hand in the notebook as it is called, such as `01_vanilla_gan.ipynb`, or a zip of several.
"""


def course() -> list[Path]:
    """The files of the course: those under version control, or in a copy without it, all but what is derived."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    derived = re.compile(r"(^|/)(\.venv|\.git|build|runs|__pycache__|\.ipynb_checkpoints|[^/]*\.egg-info)(/|$)")
    files = (path for path in sorted(ROOT.rglob("*")) if path.is_file())
    return [path for path in files if not derived.search(path.relative_to(ROOT).as_posix())]


def student_copy() -> Path:
    """A zip of the whole course with the students' copies of the assignments, and without what is the teacher's."""
    release()
    archive = BUILD / "ganlib-course.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in course():
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(TEACHERS):
                zipped.write(path, f"ganlib-course/{name}")
        for name in NAMES:
            released = BUILD / "assignments" / name / f"{name}.ipynb"
            zipped.write(released, f"ganlib-course/notebooks/assignments/{name}/{name}.ipynb")
        zipped.writestr("ganlib-course/notebooks/assignments/README.md", NOTE)
    return archive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("release", help="make the students' copies")
    commands.add_parser("student-copy", help="a zip of the course without solutions, hidden tests and rubrics")
    grading = commands.add_parser("grade", help="grade a folder of submissions")
    grading.add_argument("folder", type=Path, help="holds a folder, or a zip, for each student")
    grading.add_argument("--jobs", type=int, default=cores(), help="how many run at once (%(default)s)")
    sandbox = "run each under bubblewrap: no network, one folder; auto: where that works (%(default)s)"
    grading.add_argument("--sandbox", choices=("auto", "yes", "no"), default="auto", help=sandbox)
    when = "count days late from then, such as 2026-12-01T23:59; a file's date, or its timestamp.txt, says when it came"
    grading.add_argument("--deadline", type=datetime.fromisoformat, help=when)
    commands.add_parser("regrade", help="take over points that were typed into build/graded/NAME.csv")
    arguments = parser.parse_args()
    if arguments.command == "release":
        print(release())
        return
    if arguments.command == "student-copy":
        print(student_copy())
        return
    if arguments.command == "regrade":
        try:
            tables = regrade(BUILD / "graded")
        except ValueError as error:
            parser.error(str(error))
        print("\n".join(map(str, tables)) or f"{BUILD / 'graded'} holds nothing that was graded")
        return
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is no folder")
    if not any(handed_in(arguments.folder)):
        parser.error(f"{arguments.folder} holds no STUDENT/NAME.ipynb")
    if arguments.jobs < 1:
        parser.error(f"--jobs is {arguments.jobs}; it must be at least 1")
    walled = arguments.sandbox != "no" and sandbox_works()
    if arguments.sandbox == "yes" and not walled:
        parser.error("--sandbox yes: bubblewrap (bwrap) is not installed, or cannot make a sandbox here")
    print("each in a sandbox" if walled else "no sandbox (bubblewrap): what was handed in runs with your rights")
    release()
    deadline = arguments.deadline and arguments.deadline.timestamp()
    try:
        table = grade(arguments.folder, BUILD / "graded", jobs=arguments.jobs, sandbox=walled, deadline=deadline)
    except ValueError as error:  # something that was typed into a table
        parser.error(str(error))
    print(table.read_text(encoding="utf-8"), end="")
    print(table)


if __name__ == "__main__":
    main()
