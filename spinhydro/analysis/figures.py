"""Find and draw figures: a figure is a Python file, and its short name is the name of the file.

A figure file states what it needs and draws it; nothing is registered anywhere::

    \"\"\"Magnetization of a gas against position and time.\"\"\"

    from spinhydro.analysis import maps, run_figure

    NEEDS = {"gas": ("quantum_torque", "Z")}

    def draw(ax, gas, title=""):
        maps.space_time(gas.Z, ax)
        ax.set_title(title)
        return {"largest |Z|": float(abs(gas.Z).max())}

    if __name__ == "__main__":
        run_figure(__file__)

``spinhydro plot RUN --figure x.py``, ``python x.py RUN`` and, for a file in one of `folders`,
``spinhydro plot RUN --figure x`` draw it.

- The first line of the docstring is the caption in ``--list``.
- ``NEEDS`` names the runs: the key is a parameter of `draw`; the value is the problem that makes
  such a run, or a tuple of it and the outputs and parameters that the run must have.  A run whose
  parameter has a default may be left out; ``*runs`` takes any number.  All other parameters of
  `draw` are options: ``spinhydro plot RUN --figure x title=…``.
- The first parameter of `draw` is ``ax`` (axes with a caption below) or ``figure`` (an empty
  matplotlib Figure for several panels).
- `draw` may return numbers to print: a dictionary or a list of lines.
- ``LINE = True`` requests one member and one line along x; otherwise runs arrive whole.
- ``check(name, run)`` may raise InputError for a reason beyond names; it must be cheap.
- ``order(runs)`` may sort the runs given on the command line.
- ``PANELS = {"fig2a": "panel_a", …}`` gives further names to further functions of the file.
"""

import ast
import importlib.util
import inspect
import sys
import traceback
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from spinhydro.errors import InputError, SpinhydroError, nearest, shorten

#: Size in inches, and place of the axes, of a figure with one panel.
PANEL_SIZE, PANEL_AXES = (5.4, 4.2), (0.13, 0.2, 0.7, 0.71)
_SETTINGS = ("NEEDS", "LINE", "PANELS")


def folders():
    """Folders that hold figure files, in the order in which they are searched.

    `analysis` in the current folder, then the files that come with spinhydro (beside the package
    in a checkout, inside it in an installation), then the general figures of the library.
    """
    here = Path(__file__).resolve().parent
    return [Path("analysis"), shipped_folder(), here / "general_figures"]


def shipped_folder():
    """The folder of figure files that come with spinhydro."""
    from spinhydro.problem.examples import examples_folder

    return examples_folder("analysis")


@dataclass(eq=False)
class Figure:
    """One figure: a function of a figure file.

    name : short name
    file : Path
    function : name of the function that draws it
    caption : one line
    needs : {parameter: (problem, output or parameter, …)}
    line : True if it takes one member and one line along x
    of_one_problem : True if it is offered only for runs of the problem that NEEDS names
    """

    name: str
    file: Path
    function: str
    caption: str
    needs: dict
    line: bool = False
    of_one_problem: bool = False
    _module: list = field(default_factory=list)

    @property
    def module(self):
        """The executed file; raises InputError with the line of a fault."""
        if not self._module:
            self._module.append(_executed(self.file))
        return self._module[0]

    @property
    def least_runs(self):
        """Number of runs without which the figure cannot be drawn."""
        parameters = inspect.signature(getattr(self.module, self.function)).parameters.values()
        places = [one for one in parameters if one.name in self.needs]
        return max(1, sum(one.default is one.empty for one in places if one.kind is not
                          one.VAR_POSITIONAL))  # fmt: skip

    def require(self, run, place=0):
        """Raise InputError saying why `run` cannot be the run number `place` of this figure."""
        problem, *names = list(self.needs.values())[min(place, len(self.needs) - 1)]
        missing = [name for name in names if name not in run and not _is_number(run, name)]
        if missing:
            found = ", ".join(map(str, run.data_vars)) or "none"
            raise InputError(
                f"{self.name}: this run has no output or parameter {missing[0]!r} (outputs: "
                f"{found}); make one with {_command(problem)}"
            )
        if self.line:
            _require_line(run, names, self.name)
        check = getattr(self.module, "check", None) if place == 0 else None
        if check is not None:
            with errors_of(self):
                check(self.name, run)

    def reason_against(self, run):
        """Why `run` cannot give this figure, as text; None if it can."""
        problem = next(iter(self.needs.values()))[0]
        try:
            if self.of_one_problem and run.attrs.get("problem") != problem:
                raise InputError(f"needs a run of {problem}")
            self.require(run)
        except SpinhydroError as error:
            return str(error)
        return None

    def draw(self, runs, options):
        """Draw from datasets; return (matplotlib Figure, lines of text to print).

        Raises
        ------
        InputError
            What a run lacks, too few or too many runs, an unknown option, or a fault in the
            figure file with its line.
        """
        from matplotlib.figure import Figure as Sheet

        function = getattr(self.module, self.function)
        first, *parameters = inspect.signature(function).parameters.values()
        self._check_call(first, parameters, runs, options)
        order = getattr(self.module, "order", None)
        runs = order(runs) if order is not None else list(runs)
        for place, run in enumerate(runs):
            self.require(run, place)
        sheet = Sheet(figsize=PANEL_SIZE)
        target = sheet.add_axes(PANEL_AXES) if first.name == "ax" else sheet
        with errors_of(self, runs):
            lines = _lines(function(target, *runs, **options))
        if first.name == "ax":
            _caption(sheet, runs, lines)
        return sheet, lines

    def _check_call(self, first, parameters, runs, options):
        if first.name not in ("ax", "figure"):
            raise InputError(
                f"{self.file}: the first parameter of {self.function} must be ax (axes) or figure "
                f"(a matplotlib Figure), not {first.name}"
            )
        places = [one for one in parameters if one.name in self.needs]
        many = any(one.kind is one.VAR_POSITIONAL for one in places)
        needed = [one for one in places if one.default is one.empty]
        if len(runs) < len(needed) or (len(runs) > len(places) and not many):
            given = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
            kinds = " and then ".join(needed[0] for needed in self.needs.values())
            raise InputError(
                f"{self.name}: {given} given; it takes "
                + (f"runs of {kinds}" if len(places) > 1 else "one run")
            )
        allowed = [one.name for one in parameters if one.name not in self.needs]
        for option in options:
            if option not in allowed:
                likely = nearest(option, allowed)
                raise InputError(
                    f"{self.name}: no option {option!r}"
                    + (f"; did you mean {likely!r}?" if likely else "")
                    + f" ({'it has ' + ', '.join(allowed) if allowed else 'it has none'})"
                )


def all_figures():
    """{short name: Figure} of every figure file in `folders`; the first of a name wins."""
    found = {}
    for folder in folders():
        for file in sorted(folder.glob("*.py")):
            for figure in figures_in(file, lenient=True):
                found.setdefault(figure.name, figure)
    return found


def _may_have(text, function):
    """Return whether the text of a file holds the words of one with such a function."""
    has_function = function in text or (function == "draw" and "PANELS" in text)
    return "NEEDS" in text and has_function


def figures_in(file, lenient=False, function="draw"):
    """The figures of one file: its `draw`, and its PANELS; or its measurement, `measure`.

    The file is parsed, not executed.  With `lenient`, a file without NEEDS, or one that cannot be
    read, has no figures; otherwise that is an InputError.
    """
    file = Path(file)
    try:
        text = file.read_text(encoding="utf-8")
        if lenient and not _may_have(text, function):
            # Parsing all files takes longer than reading a run.
            return []
        tree = _tree(text)
    except (OSError, SyntaxError, ValueError, RecursionError) as error:
        if lenient:
            return []
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        reason = getattr(error, "msg", None) or getattr(error, "strerror", None) or error
        raise InputError(f"{file}{line} cannot be read as a figure file: {reason}") from None
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    settings = dict(_settings(tree))
    if lenient and "NEEDS" not in settings:
        return []
    needs = _needs(settings.get("NEEDS"), file)
    line = bool(settings.get("LINE"))
    of_one = isinstance(next(iter(settings.get("NEEDS", {"": ()}).values())), str)
    panels = settings.get("PANELS", {}) if function == "draw" else {}
    caption = _first_line(tree)
    found = []
    if function in functions:
        found.append(Figure(file.stem, file, function, caption, needs, line, of_one))
    for name, function in panels.items():
        text = _first_line(functions[function]) if function in functions else caption
        found.append(Figure(name, file, function, text, needs, line, of_one))
    if not found and not lenient:
        raise InputError(
            f"{file} has no function {function}; see analysis/"
            + ("fig3b.py" if function == "draw" else "torque_numbers.py")
        )
    # Panels of one file share its execution.
    shared = []
    for one in found:
        one._module = shared
    return found


@lru_cache(maxsize=256)
def _tree(text):
    """Syntax tree of a figure file: one command looks through all of them several times."""
    return ast.parse(text)


def find(name):
    """The Figure for a short name (which may leave out "fig") or for the path of a figure file.

    Raises InputError with the nearest names.
    """
    path = Path(name)
    if path.suffix == ".py":
        if not path.is_file():
            hint = nearest(path.stem, list(all_figures()))
            raise InputError(f"there is no {path}" + (f"; did you mean {hint}?" if hint else ""))
        return figures_in(path)[0]
    known = all_figures()
    for spelling in (name, f"fig{name}", name.removeprefix("fig")):
        if spelling in known:
            return known[spelling]
    likely = nearest(name, list(known))
    hint = f"did you mean {likely!r}? " if likely else ""
    raise InputError(f"no figure {shorten(name)!r}; {hint}Figures: {', '.join(known)}")


def listing(run, line_of_run):
    """Lines: the figures that a run can give with their captions, then the others with reasons.

    `line_of_run` is the same run reduced to one member and one line, for figures that take that.
    """
    known = all_figures()
    width = max(map(len, known))
    lines, reasons = [], {}
    for name, figure in known.items():
        reason = figure.reason_against(line_of_run if figure.line else run)
        if reason is None:
            runs = figure.least_runs
            more = f" (of {runs} runs)" if runs > 1 else ""
            lines.append(f"{name:{width}}  {figure.caption}{more}")
        else:
            reasons.setdefault(reason.removeprefix(f"{name}: "), []).append(name)
    return lines + [f"not from this run: {', '.join(reasons[why])}: {why}" for why in reasons]


def all_measurements():
    """{name: Figure} of the files in `folders` that define a function ``measure``."""
    found = {}
    for folder in folders():
        for file in sorted(folder.glob("*.py")):
            for one in figures_in(file, lenient=True, function="measure"):
                found.setdefault(one.name, one)
    return found


def find_measurement(name):
    """The measurement file for a short name or a path; raises InputError with the nearest names."""
    path = Path(name)
    if path.suffix == ".py":
        if not path.is_file():
            raise InputError(f"there is no {path}")
        return figures_in(path, function="measure")[0]
    known = all_measurements()
    if name not in known:
        likely = nearest(name, list(known))
        hint = f"did you mean {likely!r}? " if likely else ""
        raise InputError(f"no measurement {shorten(name)!r}; {hint}There are {', '.join(known)}")
    return known[name]


def _command(problem):
    """Command that makes a run of `problem`, which may carry values: "quantum_torque torque=0"."""
    name, *values = problem.split()
    return " ".join([f"spinhydro run problems/{name}.py", *values])


def _needs(needs, file):
    if needs is None:
        return {"run": ("x",)}
    if not isinstance(needs, dict) or not needs:
        raise InputError(f"{file}: NEEDS must be a dictionary {{run: problem}}, not {needs!r}")
    return {
        str(name): (value,) if isinstance(value, str) else tuple(map(str, value))
        for name, value in needs.items()
    }


def _settings(tree):
    """(name, value) of the literal assignments that this module reads."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            (target,) = node.targets
            if isinstance(target, ast.Name) and target.id in _SETTINGS:
                try:
                    yield target.id, ast.literal_eval(node.value)
                except ValueError:
                    continue


def _first_line(node):
    text = (ast.get_docstring(node) or "").split("\n\n")[0]
    return " ".join(text.split()).rstrip(".")


def _is_number(run, name):
    value = run.attrs.get(name)
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _require_line(run, names, what):
    for name in names:
        if name in run.data_vars and not {"t", "x"} <= set(run[name].dims):
            raise InputError(
                f"{what}: output {name!r} runs along {', '.join(map(str, run[name].dims))}; "
                "this figure needs time and x"
            )


def _executed(file):
    """The module of a figure file, whose folder is searched for modules that it imports."""
    spec = importlib.util.spec_from_file_location(f"figure_{file.stem}", file)
    module = importlib.util.module_from_spec(spec)
    folder = str(file.resolve().parent)
    sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except SpinhydroError:
        raise
    except Exception as error:
        raise InputError(f"{_place(error, file)}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    return module


class errors_of:
    """Context that turns a fault inside a figure file into one InputError with its place."""

    def __init__(self, figure, runs=()):
        self.figure, self.runs = figure, runs

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, SpinhydroError) or not isinstance(error, Exception):
            return False
        meant = {needed[0] for needed in self.figure.needs.values()} - {"x"}
        given = {str(run.attrs.get("problem")) for run in self.runs}
        hint = f"; it is drawn from runs of {', '.join(sorted(meant))}" if meant - given else ""
        raise InputError(
            f"{self.figure.name}: {_place(error, self.figure.file)}: {type(error).__name__}: "
            f"{shorten(' '.join(str(error).split()), 200)}{hint}"
        ) from error


def _place(error, file):
    """The innermost line of `file` that an error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [one.lineno for one in frames if Path(one.filename).name == file.name]
    return f"{file}, line {own[-1]}" if own else str(file)


def _lines(returned):
    if returned is None:
        return []
    if isinstance(returned, dict):
        return [f"{name}: {_number(value)}" for name, value in returned.items()]
    return [str(one) for one in returned]


def _number(value):
    try:
        return f"{float(value):.5g}"
    except (TypeError, ValueError):
        return str(value)


def _caption(sheet, runs, lines):
    """Name the run, its member and cut, and the printed numbers below a single panel."""
    from .style import run_label, wrapped

    text = "; ".join([", ".join(run_label(run) for run in runs), *lines])
    if text != sheet.axes[0].get_title():
        sheet.text(0.03, 0.025, wrapped(text, 95), fontsize=6, va="bottom")
