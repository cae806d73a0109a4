"""nbgrader's settings for the graded assignments; `make assignments` and `make grade` use them."""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821  nbgrader defines it

root = Path(__file__).resolve().parent
build = root / "build" / "nbgrader"  # everything that is derived, the gradebook with the hidden tests among it
build.mkdir(parents=True, exist_ok=True)
# nbgrader calls alembic by its name
os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", "")

c.CourseDirectory.course_id = "ganlib"
c.CourseDirectory.root = str(root)
c.CourseDirectory.source_directory = "notebooks/assignments"
c.CourseDirectory.release_directory = "build/assignments"
for kind in ("submitted", "autograded", "feedback", "solution"):
    setattr(c.CourseDirectory, f"{kind}_directory", f"build/nbgrader/{kind}")
c.CourseDirectory.db_url = f"sqlite:///{build / 'gradebook.db'}"

c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
c.Execute.timeout = 60  # seconds for a cell; then it is interrupted, and loses its points
