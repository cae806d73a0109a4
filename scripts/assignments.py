"""Release the graded assignments, and grade what comes back.

python scripts/assignments.py release         # build/assignments/NAME/NAME.ipynb and build/assignments.zip
python scripts/assignments.py grade FOLDER    # FOLDER/STUDENT/... -> build/graded/: tables, and a page for each student
python scripts/assignments.py regrade         # add up what was typed into build/graded/NAME.csv; write the pages anew
"""

import argparse
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
import feedback  # noqa: E402
from grading import BUILD, NAMES, ROOT, cores, grade, handed_in, sandbox_works, source  # noqa: E402

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("release", help="make the students' copies")
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
    if arguments.command == "regrade":
        try:
            tables = feedback.regrade(BUILD / "graded")
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
