"""The notebooks as a static book: ``make book``. Nothing is executed, and nothing is fetched: MathJax is a package."""

import sys

sys.path.insert(0, "scripts")  # for the anchors below; sphinx-build runs in the folder of the project

project = "ganlib"
html_title = "Learn GANs by running them"
extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinx-mathjax-offline"]
html_theme = "sphinx_book_theme"
html_theme_options = {"show_toc_level": 2}
html_context = {"default_mode": "light"}  # the pictures have white grounds
html_show_copyright = False

# the sources are read where they lie, from the folder of the project
root_doc = "docs/index"
include_patterns = ["docs/index.md", "docs/reliability.md", "docs/claims.md", "docs/cuda.md"]
include_patterns += ["README.md", "data/README.md"]
include_patterns += ["notebooks/*.ipynb", "notebooks/README.md"]

nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]  # its picture instead
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "index_notebooks.anchor"  # links into a notebook name its headings as JupyterLab does
