"""Pages that are written from the code whenever the site is built: words, reference, gallery."""

import ast
import importlib
import inspect
import json
import re
from pathlib import Path

import spinhydro
from spinhydro.kernels.formulas import KERNELS, LATTICE_STENCIL, STENCILS
from spinhydro.language.vocabulary import DRIVES, OPERATORS, VOCABULARY

DOCS = Path(__file__).resolve().parent.parent
ROOT = DOCS.parent
PAGES = DOCS / "_generated"

#: ``{heading: modules below spinhydro}``: the order of the reference.
SUBJECTS = {
    "Runs": ["problem.load", "run.simulation", "run.snapshot", "run.state_file", "cli.main"],
    "Plain Dedalus scripts": ["engines.choose", "engines.fused"],
    "Bases, fields and members": ["dedalus_support"],
    "Words of equations": ["language"],
    "Kernels and stencils": ["kernels"],
    "Time steppers and noise": ["steppers"],
    "States and textures": [
        "physics.states", "physics.relaxation", "physics.textures", "physics.wave_functions",
        "physics.two_components", "physics.sampling", "physics.profiles", "physics.edges",
    ],
    "Gases": ["physics.gases", "physics.species", "physics.laboratory"],
    "Magnets": [
        "physics.magnets", "physics.materials", "physics.torques", "physics.bodies",
        "physics.cells",
    ],
    "Exact solutions": ["physics.exact"],
    "Conditions": ["physics.checks"],
    "Derivatives": ["derivatives"],
    "Further formulas": ["physics"],
}  # fmt: skip

#: ``{heading: modules of spinhydro.analysis}``.
QUANTITIES = {
    "Read, select and save": ["load", "selection", "sampling", "netcdf"],
    "Spectra and waves": ["spectra", "frequencies", "growth", "waves"],
    "Textures, walls and skyrmions": ["textures", "tracking"],
    "Domains and correlation": ["domains", "correlation"],
    "Vortices": ["vortices"],
    "Gases": ["interface", "breaking", "front", "josephson", "budgets"],
    "Magnets": ["exchange", "temperature", "criticality"],
    "Statistics": ["statistics"],
    "Figures of your own": ["maps", "style"],
}


def words():
    """Page of all words that strings may use."""
    functions = [text for word, text in VOCABULARY.items() if word not in {**OPERATORS, **DRIVES}]
    lines = [
        "# Words",
        "",
        "For everyone who edits an equation: what strings may contain, in equations, outputs,",
        "projections, watches and expectations. `spinhydro words` prints the same in a terminal,",
        "`spinhydro words WORD` explains one word, and `spinhydro words PROBLEM` lists what a",
        "problem file adds.",
        "",
    ]
    for heading, found in (
        ("Derivatives, products and means", OPERATORS.values()),
        ("Functions of a value", functions),
        ("Time and space", DRIVES.values()),
    ):
        lines += [f"## {heading}", "", *_table(("word", "meaning"), found, code=[0])]
    lines += [
        "Operators are `+ - * / **`; a power is `**`, not `^`. The time is `t`, the imaginary unit",
        "`1j`. Every name that the problem file defines above `problem = d3.IVP(…)` is a word too:",
        "parameters, profiles (fields), unit vectors such as `ez`, and functions of your own,",
        "`F = lambda f: …`.",
        "",
        "## Kernels",
        "",
        "`W = spinhydro.kernel(NAME, PARAMETERS)`, or a function, `spinhydro.kernel(lambda k: …)`.",
        "`W(m)` multiplies every Fourier mode of m by ω(k).",
        "",
    ]
    columns = ("name", "ω(k)", "parameters")
    lines += _table(columns, ((name, *found) for name, found in KERNELS.items()), code=[0, 2])
    lines += [
        "## Stencils",
        "",
        "`W = spinhydro.stencil(NAME, PARAMETERS)`: exchange as a sum over neighbours, without",
        "transforms, on a grid with one point per site and dealias = 1.",
        "",
    ]
    rows = {"chain, square, …": LATTICE_STENCIL, **STENCILS}
    columns = ("name", "W m", "parameters")
    lines += _table(columns, ((name, *found) for name, found in rows.items()), code=[0, 2])
    return "\n".join(lines)


def _table(columns, rows, code=()):
    """Lines of a Markdown table whose columns `code` are typed."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        cells = [f"`{cell}`" if n in code else _plain(cell) for n, cell in enumerate(row)]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, ""]


def _plain(text):
    """Return text with the marks of Markdown escaped."""
    return re.sub(r"([*_|<>])", r"\\\1", text)


def reference():
    """Page of all public names of ``spinhydro``, by subject."""
    lines = ["Reference", "=========", "", "Every public name of ``spinhydro``, by subject. "]
    lines += ["What reads results is in :doc:`analysis`.", ""]
    left = dict(spinhydro._HOME)
    for heading, modules in SUBJECTS.items():
        inside = re.compile(rf"spinhydro\.({'|'.join(map(re.escape, modules))})(\.|$)")
        names = sorted(
            (name for name, home in left.items() if inside.match(home)),
            key=lambda name: [left[name].startswith(f"spinhydro.{m}") for m in modules].index(True),
        )
        lines += [heading, "-" * len(heading), ""] if names else []
        for name in names:
            del left[name]
            found = getattr(spinhydro, name)
            kind = "class" if inspect.isclass(found) else "function"
            if callable(found):
                lines += [f".. auto{kind}:: spinhydro.{name}", ""]
            else:
                lines += [f".. autodata:: spinhydro.{name}", "   :no-value:", ""]
    if left:
        raise ValueError(f"SUBJECTS in {__file__} lacks the modules {sorted(set(left.values()))}")
    return "\n".join(lines)


def analysis():
    """Page of the functions of ``spinhydro.analysis``, by subject."""
    lines = ["Analysis", "========", ""]
    lines += ["Functions that read and measure runs. They need no solver.", ""]
    for heading, modules in QUANTITIES.items():
        lines += [heading, "-" * len(heading), ""]
        for name in modules:
            module = importlib.import_module(f"spinhydro.analysis.{name}")
            lines += [f".. automodule:: {module.__name__}", "   :no-members:", ""]
            for member, found in vars(module).items():
                if inspect.isfunction(found) and found.__module__ == module.__name__:
                    if not member.startswith("_"):
                        lines += [f".. autofunction:: {module.__name__}.{member}", ""]
    return "\n".join(lines)


#: ``{unit of time: heading}`` of the gallery.
KINDS = {"ms": "Gases (µm, ms)", "ps": "Magnets (nm, ps)", "": "In units of the problem"}


def gallery():
    """Page with a picture, the equations and the numbers of every problem file."""
    entries = json.loads((DOCS / "gallery" / "gallery.json").read_text(encoding="utf-8"))
    lines = [
        "# Gallery",
        "",
        "Every problem file that comes with spinhydro: a picture and the numbers of one run, the",
        "equations as the file has them, and the command. Costs are CPU seconds on one core, with",
        "everything included. `python docs/gallery/make.py` makes all of it anew.",
        "",
    ]
    for unit, heading in KINDS.items():
        chosen = {name: e for name, e in entries.items() if e["unit of time"] == unit}
        lines += [f"## {heading}", "", "::::{container} thumbnails", ""]
        for name in chosen:
            lines += [f"[![](../gallery/{name}.png) {name}](#{name.replace('_', '-')})", ""]
        lines += ["::::", ""]
        for name, entry in chosen.items():
            lines += _gallery_entry(name, entry)
    return "\n".join(lines)


def _gallery_entry(name, entry):
    source = (ROOT / "problems" / f"{name}.py").read_text(encoding="utf-8")
    title = ast.get_docstring(ast.parse(source)).splitlines()[0].rstrip(".")
    lines = [f"({name.replace('_', '-')})=", f"### {name}", "", f"{title}.", ""]
    lines += [f"![{title}](../gallery/{name}.png)", "", "```text", *entry["equations"]]
    lines += ["```", ""]
    if entry["expect"]:
        rows = [
            (what, f"{found['value']:.2g}", f"{found['limit']:g}")
            for what, found in entry["expect"].items()
        ]
        lines += _table(("number", "this run", "limit"), rows)
    return [*lines, f"`{entry['command']}` ({entry['cpu seconds']:g} s)", ""]


def escape_bars(app, what, name, found, options, lines):
    """Keep |s| in docstrings from being read as a substitution of reStructuredText."""
    for number, line in enumerate(lines):
        parts = re.split(r"(``.*?``|:math:`.*?`)", line)
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        lines[number] = "".join(parts)


def setup(app):
    """Write the pages before Sphinx looks for sources."""
    app.connect("autodoc-process-docstring", escape_bars)
    PAGES.mkdir(exist_ok=True)
    pages = {"words.md": words, "reference.rst": reference, "analysis.rst": analysis}
    for name, write in {**pages, "gallery.md": gallery}.items():
        (PAGES / name).write_text(write() + "\n", encoding="utf-8")
    return {"parallel_read_safe": True}
