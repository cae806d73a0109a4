"""Grade what students hand in: each notebook with the course's own tests, in a kernel of its own.

A submission is a program by somebody else. Only its kernel runs it: the notebook, the tests and the points stay in this
process. Its tests are ours, whatever it holds; beside each stands a canary, the same test on a known wrong answer, and
where that one passes the kernel has been tampered with. With bubblewrap the kernel sees no network, writes to one
folder, does not see the solutions, and every process that it starts ends with it. Without, it runs with your rights.
"""

import ast
import asyncio
import io
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import matplotlib
import nbformat
import psutil
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
NAMES = sorted(path.stem for path in (ROOT / "notebooks" / "assignments").glob("*/*.ipynb"))
MEMORY = 12 * 2**30  # bytes of address space; importing torch takes about five
OUTPUT = 2**20  # bytes of output that are kept of a submission
LARGEST = 50 * 2**20  # bytes of a file that is read at all
# score: the automatic points, of so many; by_hand: points that wait for a reader; lost: the tests without points
COLUMNS = ("student", "assignment", "score", "of", "by_hand", "lost", "note")


@dataclass(frozen=True)
class File:
    """Something that a student handed in: its name in the student's folder, and its bytes (None: see why)."""

    name: str
    data: bytes | None
    why: str = ""
    when: float | None = None  # seconds since the epoch at which it was handed in, as far as one can tell


@dataclass(frozen=True)
class Handed:
    """A notebook for an assignment, ready to be graded."""

    student: str
    assignment: str
    notebook: NotebookNode
    note: str = ""
    when: float | None = None


def marks(cell: NotebookNode) -> dict:
    """nbgrader's marks of a cell, or {}."""
    found = cell.metadata.get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def key(cell: NotebookNode) -> str | None:
    return marks(cell).get("grade_id")


# what was handed in


def unzipped(name: str, data: bytes, when: float | None = None) -> list[File]:
    """The files of a zip, in memory; all were handed in when the zip was."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as zipped:
            inside = [i for i in zipped.infolist() if not i.is_dir()]
            return [
                File(f"{name}/{i.filename}", zipped.read(i) if i.file_size <= LARGEST else None, "too large", when)
                for i in inside[:1000]
            ]
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:
        return [File(name, None, f"no zip that can be read: {type(error).__name__}")]


def handed_in_at(path: Path) -> float:
    """When a file was handed in: what nbgrader's timestamp.txt beside it says, or its own date."""
    stamp = path.with_name("timestamp.txt")
    with suppress(OSError, ValueError):
        return datetime.fromisoformat(stamp.read_text(encoding="utf-8").strip()[:19]).timestamp()
    return path.stat().st_mtime


def files(path: Path, folder: Path) -> list[File]:
    """The files of one student: those in a folder and in the zips that lie there; no hidden ones."""
    found = []
    for each in sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else [path]:
        name = str(each.relative_to(path)) if each != path else each.name
        if each.is_dir() and not each.is_symlink():
            continue
        if not each.is_file() or not each.resolve().is_relative_to(folder.resolve()):
            found.append(File(name, None, "no file in the folder, or a link that leads out of it"))
        elif each.stat().st_size > LARGEST:
            found.append(File(name, None, "too large"))
        else:
            try:
                data = each.read_bytes()
            except OSError as error:
                found.append(File(name, None, error.strerror))
            else:
                when = handed_in_at(each)
                zipped = each.suffix.lower() == ".zip"
                found += unzipped(name, data, when) if zipped else [File(name, data, when=when)]
    hidden = re.compile(r"(^|/)(\.|__MACOSX)")
    shown = [file for file in found if not hidden.search(file.name.replace(os.sep, "/"))]
    return [file for file in shown if Path(file.name).name != "timestamp.txt"]


def read(data: bytes) -> NotebookNode:
    """A notebook in whatever encoding an editor left it."""
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.source, cell.metadata  # a damaged one has not all of these  # noqa: B018
    return notebook


def source(name: str) -> NotebookNode:
    """An assignment as it was written, with solutions and hidden tests."""
    return nbformat.read(ROOT / "notebooks" / "assignments" / name / f"{name}.ipynb", 4)


def released(name: str) -> NotebookNode:
    """The students' copy of an assignment."""
    return nbformat.read(BUILD / "assignments" / name / f"{name}.ipynb", 4)


@cache
def graded_cells(name: str) -> frozenset[str]:
    """The names of an assignment's graded cells."""
    return frozenset(key(cell) for cell in source(name).cells if marks(cell).get("grade"))


def assignment_of(file: str, notebook: NotebookNode) -> str | None:
    """Which assignment it is, by the exercises that it holds, then by the name of its file."""
    keys = {key(cell) for cell in notebook.cells}
    shared = {name: len(graded_cells(name) & keys) for name in NAMES}
    best = max(NAMES, key=lambda name: (shared[name], name in file))
    return best if shared[best] or best in file else None


def handed_in(folder: Path, out: Path | None = None) -> Iterator[tuple[str, list[Handed], str]]:
    """(student, notebooks, note) of everything that lies in a folder but ``out``, a note where there is no notebook."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__MACOSX" or path == out:
            continue
        student = path.stem if path.suffix.lower() in (".zip", ".ipynb") else path.name
        there, taken, notes = files(path, folder), [], []
        for file in there:
            looks = ".ipynb" in file.name.lower() or file.name.lower().endswith((".json", ".txt"))
            if file.data is None:
                notes.append(f"{file.name}: {file.why}")
            elif looks:
                try:
                    notebook = read(file.data)
                except Exception as error:  # whatever a file may hold
                    notes.append(f"{file.name}: no notebook that can be read: {type(error).__name__}")
                    continue
                name = assignment_of(file.name, notebook)
                if name is None:
                    notes.append(f"{file.name}: there is no such assignment")
                elif all((name, notebook) != (other.assignment, other.notebook) for other in taken):
                    note = "" if Path(file.name).name == f"{name}.ipynb" else f"it came as {file.name}"
                    taken.append(Handed(student, name, notebook, note, file.when))
        if not taken and not notes:
            lies = ", ".join(file.name for file in there[:5]) or "nothing"
            notes = [f"no notebook: {lies} lies there"]
        yield student, taken, "; ".join(notes)


# a notebook that can be graded


def essay(theirs: NotebookNode, ours: NotebookNode, cell: NotebookNode) -> tuple[str, str]:
    """(text, note): what a student wrote for the essay of a released cell, there or in Markdown cells of its own."""
    written = [c.source for c in theirs.cells if key(c) == key(cell) and c.source.strip() != cell.source.strip()]
    if written:
        return "\n\n".join(written), ""
    known = {c.source.strip() for c in ours.cells} | {""}
    others = [
        c.source for c in theirs.cells if c.cell_type != "code" and not marks(c) and c.source.strip() not in known
    ]
    return ("\n\n".join(others), "the essay is not in its cell: read the others") if others else (cell.source, "")


def put_together(theirs: NotebookNode, name: str) -> tuple[NotebookNode, str]:
    """A student's answers and helper cells in their order, with our set-up, tests and texts; and a note.

    A test comes where the student has it, but never before the answer. A cell that stands twice is run twice, unless
    one of the two is still untouched; of tests there is one.
    """
    ours, notes = released(name), []
    places = {key(c): c for c in ours.cells if marks(c)}
    filled = {key(c) for c in theirs.cells if key(c) in places and c.source.strip() != places[key(c)].source.strip()}
    cells = []
    for cell in theirs.cells:
        which = places.get(key(cell))
        if which is None or not marks(which).get("solution"):
            fresh = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
            cells.append(which or fresh(cell.source))
        elif which.cell_type == "code" and (cell.source.strip() != which.source.strip() or key(cell) not in filled):
            cells.append(nbformat.v4.new_code_cell(cell.source, metadata={"nbgrader": marks(which)}))

    def last(wanted: str) -> int:
        return max((i for i, c in enumerate(cells) if key(c) == wanted), default=-1)

    for wanted, cell in places.items():
        if marks(cell).get("solution"):
            continue
        place = 0 if wanted == "setup" else last(wanted)
        answer = last(wanted.removesuffix("-test"))
        if wanted != "setup" and place < answer:
            place = answer + 1
        elif place < 0 or (wanted != "setup" and answer < 0):
            place = len(cells)  # the answer may be in a cell without a mark
        cells.insert(place, nbformat.from_dict({**cell, "metadata": {"nbgrader": marks(cell), "ours": True}}))
        cells = [c for c in cells if key(c) != wanted or c.metadata.get("ours")]
    for cell in places.values():
        if cell.cell_type == "markdown":
            text, note = essay(theirs, ours, cell)
            notes += [note] if note else []
            cells.append(nbformat.v4.new_markdown_cell(text, metadata={"nbgrader": marks(cell)}))
    if any(sum(key(c) == k for c in theirs.cells) > 1 for k in places):
        notes.append("it has cells twice")
    return nbformat.v4.new_notebook(cells=cells), "; ".join(notes)


def answers(kind: str, name: str) -> list[tuple[str, str, str]]:
    """(exercise, what it is, code) of every answer of a kind, "right" or "wrong", in tests/KIND_answers/NAME.py."""
    text = (ROOT / "tests" / f"{kind}_answers" / f"{name}.py").read_text(encoding="utf-8")
    parts = re.split(r"^# %% (\S+): (.*)$", text, flags=re.M)[1:]
    return list(zip(parts[::3], parts[1::3], parts[2::3]))


def with_canaries(notebook: NotebookNode, name: str, chance: random.Random) -> NotebookNode:
    """The notebook with the source's full tests, and beside each, before or after it, the same test of a canary."""
    tests = {key(c): c.source for c in source(name).cells if c.cell_type == "code" and marks(c).get("grade")}
    wrong = {exercise: code for exercise, _, code in reversed(answers("wrong", name))}  # the first of each
    cells = []
    for cell in notebook.cells:
        if key(cell) not in tests or not cell.metadata.get("ours"):
            cells.append(cell)
            continue
        cell.source, answer = tests[key(cell)], wrong[key(cell).removesuffix("-test")]
        names = {n.id for n in ast.walk(ast.parse(answer)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        names |= {n.name for n in ast.parse(answer).body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
        hold = f"theirs = {{name: globals().get(name) for name in {sorted(names)}}}\n\n{answer}"
        canary = nbformat.v4.new_code_cell(cell.source, metadata={"canary": key(cell)})
        back = nbformat.v4.new_code_cell("globals().update(theirs)", metadata={"canary": ""})
        group = [nbformat.v4.new_code_cell(hold, metadata={"canary": ""}), canary, back]
        cells += [*group, cell] if chance.random() < 0.5 else [cell, *group]
    return nbformat.v4.new_notebook(cells=cells)


# running it


class Capped(NotebookClient):
    """A client that keeps so much of a kernel's output, and all its errors, and marks the cells that came to an end."""

    said = 0

    async def async_execute_cell(self, cell: NotebookNode, *args, **kwargs) -> NotebookNode:
        cell = await super().async_execute_cell(cell, *args, **kwargs)
        cell.metadata["ended"] = True  # not set where the kernel died in it
        return cell

    def output(self, outs: list, msg: dict, display_id: str | None, cell_index: int) -> NotebookNode | None:
        content = msg["content"]
        if msg["msg_type"] == "error":
            content["traceback"], content["evalue"] = content["traceback"][-20:], content["evalue"][:2000]
        else:
            self.said += len(content.get("text", "")) + sum(len(str(v)) for v in content.get("data", {}).values())
            if self.said > OUTPUT:
                return None
        return super().output(outs, msg, display_id, cell_index)


def sandbox_works() -> bool:
    """Whether bubblewrap is here and can make a sandbox."""
    if not shutil.which("bwrap"):
        return False
    try:
        return subprocess.run([*sandboxed(Path("/tmp"), ()), "true"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def sandboxed(course: Path, secret: tuple[Path, ...]) -> list[str]:
    """The head of a command that may write to one folder, has no network, and does not see what is secret."""
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/"]
    command += ["--dev", "/dev", "--proc", "/proc", "--unsetenv", "JPY_PARENT_PID"]  # it sees no process outside
    for path in secret:
        command += ["--tmpfs", str(path)] if path.is_dir() else []
    return [*command, "--bind", str(course), str(course), "--chdir", str(course)]


async def run(notebook: NotebookNode, course: Path, sandbox: list[str], cell_seconds: int, seconds: int) -> str:
    """Execute a notebook in place, whatever its cells raise; a note of what stopped it or was cut."""
    home, limit = course / "home", ["sh", "-c", f'ulimit -v {MEMORY // 1024}; exec "$@"', "sh"]
    home.mkdir()
    shutil.copytree(matplotlib.get_cachedir(), course / "matplotlib")  # or it looks for fonts every time
    mark = {"GANLIB_GRADING": str(course)}
    places = {"HOME": str(home), "USERPROFILE": str(home), "TMPDIR": str(course), "TEMP": str(course)}
    places |= {"IPYTHONDIR": str(home), "MPLCONFIGDIR": str(course / "matplotlib"), "CUDA_VISIBLE_DEVICES": ""}
    places |= {"OMP_NUM_THREADS": "1"}  # as many run at once as there are cores
    places |= {"PIP_PYTHON": str(course / "no-python")}  # pip refuses to change the teacher's environment
    kernel = AsyncKernelManager(kernel_name="python3", connection_file=str(course / "kernel.json"))
    if sandbox:  # a socket in the folder crosses its wall, where there is no network
        kernel.transport, kernel.ip = "ipc", str(course / "k")
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.kernel_spec.argv = (limit if sys.platform == "linux" else []) + sandbox + argv
    kernel.kernel_spec.interrupt_mode = "message" if sandbox else "signal"  # a signal would end the wall, not the cell
    client = Capped(
        notebook, km=kernel, timeout=cell_seconds, interrupt_on_timeout=True, allow_errors=True, record_timing=False
    )
    client.log.disabled = True
    started, quiet = time.monotonic(), dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        environment = os.environ | places | mark
        await asyncio.wait_for(client.async_execute(env=environment, cwd=str(course), **quiet), seconds)
    except (TimeoutError, DeadKernelError):  # nbclient takes a cancelled cell for a dead kernel
        return "its kernel died" if time.monotonic() - started < seconds else f"stopped after {seconds} seconds"
    except Exception as error:  # a kernel can answer whatever it likes
        return f"it could not be run: {type(error).__name__}"
    finally:
        with suppress(Exception):  # it may be dead
            await kernel.shutdown_kernel(now=True)
        end(mark)
    return f"its output is cut after {OUTPUT // 2**20} MB" if client.said > OUTPUT else ""


def end(mark: dict[str, str]) -> None:
    """End every process that carries a mark in its environment: what a kernel started and let go."""
    for process in psutil.process_iter():
        try:
            if mark.items() <= process.environ().items():
                process.kill()
        except psutil.Error:
            pass  # somebody else's, or gone


def passed(cell: NotebookNode) -> bool:
    """Whether a cell was run to its end without an error."""
    return "ended" in cell.metadata and all(output.output_type != "error" for output in cell.outputs)


def message_of(cell: NotebookNode) -> str:
    """What a failed test said: the message of its assertion, or the kind of error."""
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    if not errors:
        return "it was not reached"
    name, said = errors[0].get("ename", ""), " ".join(errors[0].get("evalue", "").split())
    return (said if name == "AssertionError" else f"{name}: {said}".rstrip(": "))[:500]


def late_days(when: float | None, deadline: float | None) -> int | str:
    """Days after the deadline, a part of a day counting as one; "" where there is none."""
    if when is None or deadline is None:
        return ""
    return max(0, math.ceil((when - deadline) / 86_400))


async def grade_one(
    handed: Handed,
    *,
    sandbox: bool = False,
    secret: tuple[Path, ...] = (),
    cell_seconds: int = 60,
    seconds: int = 600,
    deadline: float | None = None,
) -> tuple[dict[str, object], NotebookNode]:
    """Grade one notebook: its row of the table, and the notebook as it was run, with our tests in it.

    ``sandbox`` runs it under bubblewrap, where the folders of ``secret`` are empty. ``deadline``, in seconds since the
    epoch, is what days late are counted from.
    """
    name, row = handed.assignment, dict(student=handed.student, assignment=handed.assignment)
    notebook, note = put_together(handed.notebook, name)
    notebook = with_canaries(notebook, name, random.SystemRandom())
    with tempfile.TemporaryDirectory(prefix="g", ignore_cleanup_errors=True) as course:
        wall = sandboxed(Path(course), secret) if sandbox else []
        stopped = await run(notebook, Path(course), wall, cell_seconds, seconds)
    tests = [c for c in notebook.cells if marks(c).get("grade") and c.cell_type == "code"]
    canaries = {c.metadata.canary: c for c in notebook.cells if c.metadata.get("canary")}
    sang = [k for k, c in canaries.items() if passed(c)]
    # a canary that was never reached vouches for nothing
    right = [c for c in tests if passed(c) and "ended" in canaries[key(c)].metadata and not sang]
    untouched = {key(c): c.source.strip() for c in released(name).cells}
    essays = [c for c in notebook.cells if c.cell_type == "markdown" and marks(c).get("grade")]
    notes = [handed.note, note, stopped]
    notes += [f"its kernel passes a wrong answer to {', '.join(sang)}: read it by hand"] if sang else []
    notebook.cells = [c for c in notebook.cells if "canary" not in c.metadata]
    for cell in notebook.cells:
        cell.metadata.pop("ended", None)
    essay = {key(c): 0.0 for c in essays if c.source.strip() == untouched[key(c)]}  # what is written, a reader gives
    row |= {
        "points": {key(c).removesuffix("-test"): marks(c)["points"] * float(c in right) for c in tests} | essay,
        "messages": {key(c).removesuffix("-test"): message_of(c) for c in tests if c not in right},
        "late_days": late_days(handed.when, deadline),
        "score": float(sum(marks(c)["points"] for c in right)),
        "of": float(sum(marks(c)["points"] for c in tests)),
        "by_hand": float(sum(marks(c)["points"] for c in essays if c.source.strip() != untouched[key(c)])),
        "lost": " ".join(key(c).removesuffix("-test") for c in tests if c not in right),
        "note": "; ".join(filter(None, notes)),
    }
    return row, notebook


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def grade_all(folder: Path, out: Path, jobs: int | None = None, **settings) -> list[dict[str, object]]:
    turn = asyncio.Semaphore(jobs or cores())

    async def one(handed: Handed) -> tuple[dict[str, object], NotebookNode]:
        async with turn:
            return await grade_one(handed, **settings)

    rows, work = [], []
    for student, notebooks, note in handed_in(folder, out):
        if note:
            rows.append(dict.fromkeys(COLUMNS, "") | dict(student=student, score=0.0, by_hand=0.0, note=note))
        work += notebooks
    graded = await asyncio.gather(*map(one, work))
    for student, name in dict.fromkeys((handed.student, handed.assignment) for handed in work):
        copies = [pair for pair in graded if (pair[0]["student"], pair[0]["assignment"]) == (student, name)]
        best, notebook = max(copies, key=lambda pair: (pair[0]["score"], pair[0]["by_hand"]))
        if len(copies) > 1:
            best["note"] = "; ".join(filter(None, [best["note"], f"the best of {len(copies)} different copies"]))
        rows.append(best)
        (out / student).mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, out / student / f"{name}.ipynb")
    return sorted(rows, key=lambda row: (row["student"], row["assignment"]))
