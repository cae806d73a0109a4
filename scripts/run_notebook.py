"""Execute a notebook and leave it under runs/, with an HTML page that holds its pictures.

    python scripts/run_notebook.py notebooks/01_vanilla_gan.ipynb

The budget is the active one (GANLIB_BUDGET, or the hardware's).
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

RUNS = Path("runs")


def last_losses(notebook: nbformat.NotebookNode) -> str:
    """The last line that a live display of ``fit`` left in the notebook."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs]
    bars = [text for text in texts if " updates, " in text]
    return bars[-1].strip("█░ ") if bars else "this notebook trained nothing with a live display"


def main(path: Path) -> int:
    """Execute, write, report; 0 when every cell ran."""
    notebook = nbformat.read(path, as_version=4)
    start, n = time.perf_counter(), len(notebook.cells)

    def tell(cell: nbformat.NotebookNode, cell_index: int) -> None:
        end = "\r" if sys.stdout.isatty() and cell_index < n - 1 else "\n"
        if end == "\r" or cell_index % 10 == 0 or cell_index == n - 1:
            print(f"cell {cell_index + 1} of {n}, {time.perf_counter() - start:.0f} s", end=end, flush=True)

    # the kernel runs in the notebook's own folder, as it does in JupyterLab; without a stored state of its sliders the
    # page shows the picture that they saved, and asks no other host for scripts that would draw them
    resources = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=None, resources=resources, on_cell_start=tell, store_widget_state=False)
    failure = None
    try:
        client.execute()
    except CellExecutionError as error:
        failure = error
    RUNS.mkdir(exist_ok=True)
    executed, page = RUNS / path.name, RUNS / f"{path.stem}.html"
    nbformat.write(notebook, executed)
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    if failure:
        print(f"{path} stopped: {failure.ename}: {failure.evalue}; as far as it came: {page}", file=sys.stderr)
        return 1
    print(f"done in {time.perf_counter() - start:.0f} s")
    print(f"executed notebook  {executed}")
    print(f"page with pictures {page}")
    print(f"last training run  {last_losses(notebook)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
