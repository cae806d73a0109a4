"""Furniture of Sweet Home 3D's catalogues as voxels: which models, from their OBJ files, solid."""

import re
import zipfile
from pathlib import Path

import numpy as np
from scipy import ndimage

# the last noun of a name says what a thing is: a table lamp is no table
KINDS = {
    "seat": "chair armchair sofa stool bench seat couch futon settee rocker",
    "table": "table desk",
    "bed": "bed crib cot",
    "cabinet": "cabinet wardrobe shelf shelves bookcase dresser cupboard chest closet sideboard drawers bookshelf",
    "lamp": "lamp lantern chandelier",
}
POINTS = 60_000  # on the surface of a model


def kind(name: str) -> int | None:
    """The class of a model by the last noun of its English name, without what follows "with", "on" or a number."""
    words = re.findall(r"[a-z]+", re.split(r"\b(?:with|on|for|from|of)\b|\(|,", name.lower())[0])
    for i, nouns in enumerate(KINDS.values()):
        if words and words[-1] in nouns.split():
            return i
    return None


def catalogue(file: zipfile.ZipFile) -> list[dict[str, str]]:
    """The models of a catalogue, a dictionary of properties each."""
    models: dict[int, dict[str, str]] = {}
    for line in file.read("PluginFurnitureCatalog.properties").decode("latin-1").splitlines():
        if found := re.match(r"(\w+)#(\d+)\s*=\s*(.*)$", line):
            models.setdefault(int(found[2]), {})[found[1]] = found[3].strip()
    return [models[i] for i in sorted(models)]


def triangles(obj: str) -> np.ndarray:
    """The faces of an OBJ file, cut into triangles: (F, 3, 3)."""
    points, faces = [], []
    for line in obj.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            points.append([float(word) for word in words[1:4]])
        elif words[0] == "f":
            corners = [int(word.split("/")[0]) for word in words[1:]]
            corners = [c - 1 if c > 0 else len(points) + c for c in corners]
            faces += [(corners[0], b, c) for b, c in zip(corners[1:], corners[2:])]
    return np.array(points)[np.array(faces)]


def voxels(faces: np.ndarray, size: int) -> np.ndarray:
    """A solid (size, size, size) of uint8 from triangles (F, 3, 3) with y up and z to the front.

    Axes of the result are right, back and up. The longest side spans ``size - 2`` voxels; it stands on the floor, in
    the middle. Voxels that hold one of 60,000 points of the surface are filled, and what they enclose.
    """
    faces = np.stack([faces[..., 0], -faces[..., 2], faces[..., 1]], axis=-1)
    rng = np.random.default_rng(0)
    area = np.linalg.norm(np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0]), axis=1)
    chosen = faces[rng.choice(len(faces), POINTS, p=area / area.sum())]
    u, v = rng.random((2, POINTS, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    points = chosen[:, 0] + u * (chosen[:, 1] - chosen[:, 0]) + v * (chosen[:, 2] - chosen[:, 0])
    low, high = points.min(0), points.max(0)
    points = (points - low) * (size - 2 - 1e-6) / (high - low).max()
    points[:, :2] += (size - points[:, :2].max(0)) / 2
    solid = np.zeros((size, size, size), bool)
    solid[tuple(points.astype(int).T)] = True
    return ndimage.binary_fill_holes(solid).astype(np.uint8)


def furniture(folder: Path, size: int = 32) -> tuple[np.ndarray, np.ndarray, list[str], list[str], list[str]]:
    """(voxels, classes, names, authors, collections) of all models of KINDS in a folder, each shape once."""
    found: dict[bytes, tuple[np.ndarray, int, str, str, str]] = {}
    for path in sorted(folder.glob("*.sh3f")):
        with zipfile.ZipFile(path) as file:
            for model in catalogue(file):
                name, y = model.get("name", ""), kind(model.get("name", ""))
                obj = model.get("model", "").lstrip("/")
                if y is None or obj not in file.namelist():
                    continue
                faces = triangles(file.read(obj).decode("latin-1"))
                if "modelRotation" in model:
                    faces = faces @ np.array(model["modelRotation"].split(), float).reshape(3, 3).T
                x = voxels(faces, size)
                found.setdefault(x.tobytes(), (x, y, name.lower(), model.get("creator", ""), path.stem))
    shapes, classes, names, authors, collections = zip(*found.values())
    return np.stack(shapes), np.array(classes, np.uint8), list(names), list(authors), list(collections)
