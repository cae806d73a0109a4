"""Every link leads somewhere, in the repository and in the static book."""

import importlib.util
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / name for name in ("README.md", "docs/index.md", "docs/reliability.md", "docs/claims.md", "data/README.md")
]
PAGES += [ROOT / "notebooks/README.md"]
PAGES += sorted((ROOT / "notebooks").rglob("*.ipynb"))
EXTENSIONS = ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx-mathjax-offline")
CODE_OR_MATH = re.compile(r"^```.*?^```|\$\$.*?\$\$|`[^`\n]*`|\$[^$\n]*\$", flags=re.DOTALL | re.MULTILINE)


def prose(path):
    """The text of a page, or of the markdown cells of a notebook."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    return "\n\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown")


def links(path):
    text = CODE_OR_MATH.sub("", prose(path))
    urls = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r"""(?:href|src)=["']([^"']+)""", text)
    return [url for url in urls if not urlsplit(url).scheme]


def headings(path):
    """The anchors of a notebook as JupyterLab makes them."""
    return {line.lstrip("#").strip().replace(" ", "-") for line in prose(path).splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files(page):
    for link in links(page):
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor and target.suffix == ".ipynb":
            assert anchor in headings(target), f"{link}: the notebook has no such heading"


class Addresses(HTMLParser):
    """The ids of a page, and the addresses of what it links to and of what it loads."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.linked, self.loaded = set(), [], []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        links = self.linked if tag == "a" else self.loaded
        links += filter(None, (attributes.get("href"), attributes.get("src")))


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, EXTENSIONS)), reason="make book installs what builds the book"
)
def test_the_book_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    build = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-c", "docs", "."]
    done = subprocess.run([*build, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    pages = {path: Addresses(path) for path in tmp_path.rglob("*.html") if "_static" not in path.parts}
    assert {path.stem for path in pages} >= {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for path, page in pages.items():
        assert not [url for url in page.loaded if urlsplit(url).scheme not in ("", "data")]
        for url in map(urlsplit, page.linked + page.loaded):
            if not url.scheme:
                target = (path.parent / unquote(url.path)).resolve() if url.path else path
                assert target.exists(), url.geturl()
                assert not url.fragment or target not in pages or unquote(url.fragment) in pages[target].ids, url
