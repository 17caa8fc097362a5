"""Build the site: ``run/docs``. Pages are MyST Markdown; the reference comes from docstrings."""

import ast
import inspect
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import spinhydro  # noqa: E402  (found by the line above)

project = "spinhydro"
author = "The spinhydro developers"
release = version = spinhydro.__version__
copyright = author

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nitpicky = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_theme = "furo"
html_title = "spinhydro"
html_static_path = []
html_copy_source = False

#: Pages that are written from the code whenever the site is built.
GENERATED = Path(__file__).parent / "_generated"


def write_words():
    """Write the page of all words that equations may use."""
    from spinhydro.language.vocabulary import help_text

    text = "# Words\n\nThe language of equation strings; `spinhydro words` prints this page.\n\n"
    (GENERATED / "words.md").write_text(f"{text}```text\n{help_text()}\n```\n", encoding="utf-8")


def write_reference():
    """Write the page of all public names, grouped by the module that holds them."""
    homes = {}
    for name in spinhydro.__all__:
        homes.setdefault(getattr(spinhydro, name).__module__, []).append(name)
    lines = ["Reference", "=========", "", "Every public name of ``spinhydro``.", ""]
    for home in sorted(homes):
        title = home.removeprefix("spinhydro.")
        lines += [title, "-" * len(title), ""]
        for name in homes[home]:
            found = getattr(spinhydro, name)
            kind = "class" if inspect.isclass(found) else "function" if callable(found) else "data"
            lines += [f".. auto{kind}:: spinhydro.{name}", ""]
    (GENERATED / "reference.rst").write_text("\n".join(lines), encoding="utf-8")


def write_gallery():
    """Write the page with a picture, the equations and the numbers of every problem file."""
    folder = Path(__file__).parent / "gallery"
    entries = json.loads((folder / "gallery.json").read_text(encoding="utf-8"))
    lines = [
        "# Gallery",
        "",
        "Every problem file that comes with spinhydro: a picture and the numbers of one run, the",
        "equations as they stand in the file, and the command. Costs are CPU seconds on one core,",
        "with everything included. `python docs/gallery/make.py` makes it anew.",
        "",
    ]
    headings = {"ms": "Gases (µm, ms)", "ps": "Magnets (nm, ps)", "": "In units of the problem"}
    for unit, heading in headings.items():
        lines += [f"## {heading}", ""]
        for name, entry in entries.items():
            if entry["unit of time"] == unit:
                lines += _gallery_entry(name, entry)
    (GENERATED / "gallery.md").write_text("\n".join(lines), encoding="utf-8")


def _gallery_entry(name, entry):
    source = (ROOT / "problems" / f"{name}.py").read_text(encoding="utf-8")
    title = ast.get_docstring(ast.parse(source)).splitlines()[0].rstrip(".")
    lines = [f"### {name}", "", f"{title}.", ""]
    lines += [f"![{title}](../gallery/{name}.png)", "", "```text", *entry["equations"]]
    lines += ["```", ""]
    if entry["expect"]:
        lines += ["| number | this run | limit |", "|---|---|---|"]
        lines += [
            f"| {what} | {found['value']:.2g} | {found['limit']:g} |"
            for what, found in entry["expect"].items()
        ]
        lines.append("")
    return [*lines, f"`{entry['command']}` ({entry['cpu seconds']:g} s)", ""]


def escape_bars(app, what, name, found, options, lines):
    """Keep |s| in docstrings from being read as a substitution of reStructuredText."""
    for number, line in enumerate(lines):
        parts = re.split(r"(``.*?``|:math:`.*?`)", line)
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[number] = "".join(parts)


def setup(app):
    """Write the generated pages before Sphinx looks for sources."""
    app.connect("autodoc-process-docstring", escape_bars)
    GENERATED.mkdir(exist_ok=True)
    write_words()
    write_reference()
    write_gallery()
