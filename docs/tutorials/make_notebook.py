"""Make a notebook of a tutorial and execute it: gas.md becomes gas.ipynb.

    python docs/tutorials/make_notebook.py [PAGE …]     # gas by default

Needs ``pip install 'spinhydro[notebook]'``. The first block of Python is written into the file that
the line above it names, blocks of commands run in bash, all others in the kernel.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

HERE = Path(__file__).resolve().parent
#: The sentence of a page that points to its notebook.
_POINTER = re.compile(r" This page\s+is also an executed \[notebook\]\(\w+\.ipynb\)\.")
SECONDS = 600


def cells_of(text):
    """Cells of a page: text, and code by the language of its block."""
    # Text before the first block, then language, block, text, language, …
    first, *rest = re.split(r"^```(\w*)\n(.*?)\n```\n", _POINTER.sub("", text), flags=re.M | re.S)
    cells = [new_markdown_cell(first.strip())]
    for language, code, after in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        file = re.search(r"Write this into `(\S+)`:$", cells[-1].source)
        if language == "python" and file:
            code = f"%%writefile {file[1]}\n{code}"
        elif language == "text":
            code = f"%%bash\n{code}"
        cells.append(new_code_cell(code))
        if after.strip():
            cells.append(new_markdown_cell(after.strip()))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return cells


def make(page):
    """Execute the notebook of a page in an empty folder, and write it beside the page."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(
        cells=cells_of((HERE / f"{page}.md").read_text(encoding="utf-8")),
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}},
    )
    # The commands of the cells are those of this Python.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        options = {"timeout": SECONDS, "kernel_name": "python3", "coalesce_streams": True}
        NotebookClient(notebook, resources=where, **options).execute()
    for cell in notebook.cells:
        cell.metadata.clear()
    nbformat.validate(notebook)
    path = HERE / f"{page}.ipynb"
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    for page in sys.argv[1:] or ["gas"]:
        print(make(page))
