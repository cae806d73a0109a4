"""Would the tests notice? Change ganlib's arithmetic at random, one place at a time, and run the tests nearest to it.

    python scripts/mutate.py                  # 60 changes, the same ones every time; prints those that no test noticed
    python scripts/mutate.py --n 20 --seed 3 --only metrics

A change is an operator (+ for -, < for <=, ...), a number, a sign, or a ``detach`` that is dropped. It is made in a
copy of the package, never in this one. The nearest test file is tests/test_NAME.py of ganlib/NAME.py, else one that
imports it or speaks most of what the file defines; a second one is asked where the first says nothing. Not every
survivor is a fault: some changes change nothing. POSIX only.
"""

import argparse
import ast
import copy
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("data", "metrics", "models")
ROOMS = ("gan.py", "objectives.py", "training.py", "parallel.py", "pictures.py", *(f"{p}/*.py" for p in PACKAGES))
SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult, ast.Mod: ast.Mult, ast.MatMult: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip


def changes(node: ast.AST) -> list[ast.AST]:
    """What may stand in the place of a node."""
    if isinstance(node, ast.BinOp) and type(node.op) in SWAPS and not isinstance(node.left, ast.JoinedStr):
        return [ast.BinOp(node.left, SWAPS[type(node.op)](), node.right)]
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        return [ast.Compare(node.left, [SWAPS[type(node.ops[0])](), *node.ops[1:]], node.comparators)]
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return [ast.Constant(node.value + 1), ast.Constant(node.value * 2)] if node.value else [ast.Constant(1)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [node.operand]
    detached = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "detach"
    return [node.func.value] if detached else []


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Where a node hangs: its parent, the field, and the index there. Texts, type hints and defaults are left alone."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "args") and isinstance(tree, ast.FunctionDef | ast.arg):
            continue
        if isinstance(tree, ast.JoinedStr) or isinstance(tree, ast.AnnAssign) and field == "annotation":
            continue
        for i, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.Raise):
                continue
            if isinstance(child, ast.AST):
                yield tree, field, i
                yield from places(child)


def mutants(path: Path) -> list[tuple[str, str]]:
    """Every change of a file: what it is, in words, and the whole changed text."""
    text = path.read_text(encoding="utf-8")
    tree, found = ast.parse(text), []
    for parent, field, i in list(places(tree)):
        holder = getattr(parent, field)
        old = holder if i is None else holder[i]
        for new in changes(old):
            new = ast.copy_location(copy.deepcopy(new), old)
            setattr(parent, field, new) if i is None else holder.__setitem__(i, new)
            words = f"{path.relative_to(ROOT)}:{old.lineno}: {ast.unparse(old)}  ->  {ast.unparse(new)}"
            found.append((words, ast.unparse(ast.fix_missing_locations(tree))))
            setattr(parent, field, old) if i is None else holder.__setitem__(i, old)
    return found


def defined(path: Path) -> set[str]:
    return {n.name for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef | ast.ClassDef)}


def nearest(path: Path) -> list[str]:
    """The test files that speak most of a file, at most two."""
    others = (defined(other) for other in (ROOT / "ganlib").rglob("*.py") if other != path)
    names, said = defined(path).difference(*others), {}  # every paper has a build: that is nobody's name
    for test in sorted((ROOT / "tests").glob("test_*.py")):
        text = test.read_text(encoding="utf-8")
        said[test.name] = sum(len(re.findall(rf"\b{name}\b", text)) for name in {*names, path.stem})
        said[test.name] += 1000 * bool(re.search(rf"^from ganlib[.\w]* import .*\b{path.stem}\b", text, re.M))
        said[test.name] += 500 * path.stem.startswith(test.stem.removeprefix("test_"))
        said[test.name] += 10_000 * (test.stem == f"test_{path.stem}")
    for slow in ("assignments", "grading", "book", "browser", "claims", "project"):  # minutes, and other things
        said.pop(f"test_{slow}.py", None)
    return sorted(said, key=said.get, reverse=True)[:2]


def noticed(folder: Path, test: str, limit: float) -> bool:
    """Whether a test file fails on the package in ``folder``. In a fork, which need not import torch again."""
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        out = os.open(folder / "out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        import pytest

        os._exit(
            int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}", f"tests/{test}"]))
        )
    until = time.monotonic() + limit
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True  # it would not end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=60, help="changes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the path of the files to change")
    parser.add_argument("--limit", type=float, default=120, help="seconds for a test file")
    options = parser.parse_args()
    os.environ.setdefault("GANLIB_BUDGET", "smoke")
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that a test starts, as of this one: sums to the bit
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]

    import matplotlib  # what the tests would import, once for all
    import torch
    import torchvision  # noqa: F401

    matplotlib.use("agg")
    torch.set_num_threads(1)
    files = [path for room in ROOMS for path in sorted((ROOT / "ganlib").glob(room)) if options.only in str(path)]
    every = [(path, *mutant) for path in files for mutant in mutants(path)]
    chosen = random.Random(options.seed).sample(every, min(options.n, len(every)))
    survivors, sound = [], set()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("ganlib", "tests", "data"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("notebooks", "docs", "scripts"):
            (folder / name).symlink_to(ROOT / name)
        for name in ("conftest.py", "pyproject.toml"):
            shutil.copy(ROOT / name, folder / name)
        for number, (path, words, text) in enumerate(chosen, 1):
            target, start = folder / path.relative_to(ROOT), time.monotonic()
            before = target.read_text(encoding="utf-8")
            for test in nearest(path):
                # twice, since a busy machine can make a test of signals fail
                if test not in sound and all(noticed(folder, test, 10 * options.limit) for _ in range(2)):
                    sys.exit(f"{test} fails without any change:\n{(folder / 'out.txt').read_text()[-2000:]}")
                sound.add(test)  # it says nothing of the package as it is
                target.write_text(text, encoding="utf-8")
                shutil.rmtree(target.parent / "__pycache__", ignore_errors=True)
                seen = noticed(folder, test, options.limit)
                target.write_text(before, encoding="utf-8")
                shutil.rmtree(target.parent / "__pycache__", ignore_errors=True)
                if seen:
                    break
            seconds = time.monotonic() - start
            print(
                f"{number:3d} {'noticed by ' + test if seen else 'SURVIVED':32} {seconds:4.0f} s  {words}", flush=True
            )
            survivors += [] if seen else [words]
    print(
        f"\n{len(chosen) - len(survivors)} of {len(chosen)} changes were noticed; not noticed:", *survivors, sep="\n  "
    )


if __name__ == "__main__":
    main()
