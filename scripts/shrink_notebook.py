"""Write the pictures in notebooks' outputs anew with 256 colours, which keeps a notebook small enough to commit.

python scripts/shrink_notebook.py notebooks/*.ipynb
"""

import base64
import io
import sys
from pathlib import Path

import nbformat
from PIL import Image


def shrink(png: bytes) -> bytes:
    """The same picture with at most 256 colours, or the bytes as they were where that is not smaller."""
    file = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
    picture.save(file, format="png", optimize=True)
    return min(png, file.getvalue(), key=len)


def main(paths: list[Path]) -> None:
    """Shrink every PNG output in place."""
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    png = base64.b64decode(output["data"]["image/png"])
                    output["data"]["image/png"] = base64.b64encode(shrink(png)).decode()
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
