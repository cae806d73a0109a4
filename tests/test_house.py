"""The house: who may import whom. Nobody imports what stands above, and no two files import each other."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "ganlib"
# From the ground up; a room is a file of ganlib/ or a package of it, and may import what stands below it, or itself.
FLOORS = [
    {"checks", "files", "budget", "parallel"},
    {"pictures", "objectives"},
    {"data"},
    {"gan", "history"},
    {"checkpoints", "plotting"},
    {"live"},
    {"training"},
    {"models", "metrics", "widgets"},
    {"claims"},
    {"__init__", "__main__"},
]
ALSO = {"history": {"files"}, "checks": set()}  # rooms that import even less


def modules(root):
    """Name, such as "ganlib.data.images" -> file; a package goes by its own name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = (root.name, *path.relative_to(root).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)] = path
    return found


def imported(path, names):
    """The modules among ``names`` that a file imports when it runs, anywhere in it."""

    def visit(node):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            # of a package its own files by name, or what it has gathered
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in inside if name in names)
            yield from [node.module] if any(name not in names for name in inside) else []
        for child in ast.iter_child_nodes(node):
            yield from visit(child)

    return {name for name in visit(ast.parse(path.read_text(encoding="utf-8"))) if name in names}


def graph(root):
    files = modules(root)
    return {name: imported(path, files) - {name} for name, path in files.items()}


def circle(edges):
    """A list of modules that import each other in turn, or None."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name) :]
        if name in done:
            return None
        path.append(name)
        for other in sorted(edges[name]):
            if found := visit(other):
                return found
        done.add(path.pop())
        return None

    return next((found for name in edges if (found := visit(name))), None)


def climbs(edges):
    """Imports that point up, as "importer imports imported"."""
    floor = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for name, others in edges.items():
        for other in others:
            here, there = (n.split(".")[1] if "." in n else "__init__" for n in (name, other))
            allowed = floor[there] < floor[here] and there in ALSO.get(here, {there})
            if here != there and not allowed:
                wrong.append(f"{name} imports {other}")
    return wrong


def test_every_room_has_a_floor():
    rooms = {name.split(".")[1] for name in modules(ROOT)}
    assert rooms == set().union(*FLOORS)


def test_no_import_points_up_and_none_in_a_circle():
    edges = graph(ROOT)
    assert climbs(edges) == []
    assert circle(edges) is None


@pytest.mark.parametrize(
    "room, line",
    [
        ("data/batches.py", "from ganlib.gan import GAN"),
        ("gan.py", "from ganlib import training"),
        ("history.py", "from ganlib.plotting import losses"),
        ("plotting.py", "def f():\n    import ganlib.live"),
        ("metrics/gam.py", "from ganlib.models import dcgan"),
    ],
)
def test_an_import_that_points_up_is_seen(room, line):
    name = "ganlib." + room.removesuffix(".py").replace("/", ".")
    edges = graph(ROOT)
    files = modules(ROOT)
    before = len(climbs(edges))
    edges[name] |= {n for n in imported_by(line, files)}
    assert len(climbs(edges)) == before + 1


def imported_by(text, names):
    class Text:
        def read_text(self, encoding):
            return text

    return imported(Text(), names)


def test_a_circle_is_seen():
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()}) == ["a", "b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) is None


def test_history_and_live_were_taken_apart():
    """Names that readers import stay where they are told to be."""
    import ganlib as gl
    from ganlib import checkpoints, history, training

    assert gl.History is history.History and gl.save is checkpoints.save and gl.fit is training.fit
