"""Release the graded assignments, and grade what comes back.

python scripts/assignments.py release         # build/assignments/NAME/NAME.ipynb and build/assignments.zip
python scripts/assignments.py grade FOLDER    # FOLDER/STUDENT/... -> build/graded/scores.csv
"""

import argparse
import sys
import zipfile
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
    arguments = parser.parse_args()
    if arguments.command == "release":
        print(release())
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
    table = grade(arguments.folder, BUILD / "graded", jobs=arguments.jobs, sandbox=walled)
    print(table.read_text(encoding="utf-8"), end="")
    print(table)


if __name__ == "__main__":
    main()
