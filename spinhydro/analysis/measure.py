"""`spinhydro measure RUN [RUN …] [--numbers NAME|FILE.py]`: the numbers of runs as a table.

A measurement is a file in analysis/ with a function ``measure(ds, others=(), exact=False)`` that
returns a list of `Row`, found by its name as a figure is (`figures`).  Without ``--numbers`` the
first one that the run can give is taken, and for any other run the general table of `quantities`.
"""

import csv
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from spinhydro.errors import InputError, SpinhydroError, refuse_existing

from . import arguments as line
from . import figures, quantities
from .equations import edited_equations
from .rows import FORMULA, HEADER, RUN, Row, against, attempt, cells, table
from .style import run_name
from .sweeps import is_sweep

__all__ = ["FORMULA", "RUN", "Row", "against", "attempt", "cells", "main", "table"]


def main(argv=None):
    """Print the table of every run.  Return the exit code: 0, or 2 for bad input."""
    try:
        arguments = _parser().parse_args(argv)
        for path in filter(is_sweep, arguments.runs):
            raise InputError(
                f"{path} is a sweep: `spinhydro info {path}` prints its numbers, `spinhydro plot "
                f"{path}` draws one; to measure one run, name its folder below {path}/tasks"
            )
        runs = [line.read(path) for path in arguments.runs]
        fitting = _fitting(runs, arguments)
        tables = _tables(runs, fitting, arguments)
        summary = [*_edits(runs, fitting), *verdict(tables)]
        if arguments.save:
            _save(tables, Path(arguments.save))
    except SpinhydroError as error:
        print(f"spinhydro: error: {line.printable(error)}", file=sys.stderr)
        return error.exit_code
    for _, heading, rows in tables:
        lines = [heading, *table(rows)]
        print(*map(line.printable_columns, lines), "", sep="\n")
    for text in summary:
        print(line.printable(text))
    return 0


def run_measurement(file):
    """Print the numbers of the measurement file `file`; for ``python x.py RUN``."""
    given = any(word.startswith("--numbers") for word in sys.argv[1:])
    sys.exit(main([*sys.argv[1:], *([] if given else ["--numbers", str(Path(file))])]))


def _fitting(runs, arguments):
    """The measurement file of every run, None for the general table."""
    named = arguments.numbers and figures.find_measurement(arguments.numbers)
    return [named or _first_that_fits(ds, arguments) for ds in runs]


def _tables(runs, fitting, arguments):
    """[(dataset, heading, rows)] of every run; the first is set against the others."""
    tables = []
    for place, (ds, found) in enumerate(zip(runs, fitting, strict=True)):
        view = _view(ds, arguments, found)
        if found is None:
            tables.append((ds, quantities.title(view), quantities.numbers(view)))
            continue
        found.require(view)
        same = [run for run, other in zip(runs, fitting, strict=True) if other is not None]
        others = [_view(run, arguments, found) for run in same if run is not ds]
        try:
            with figures.errors_of(found, [view]):
                rows = found.module.measure(view, others if place == 0 else [], arguments.exact)
                tables.append((ds, found.module.title(view), rows))
        except SpinhydroError as error:
            if arguments.numbers:
                raise
            # The measurement was chosen by the names of the outputs only.
            rows = [*quantities.numbers(view), Row(found.name, None, note=str(error))]
            tables.append((ds, quantities.title(view), rows))
    return tables


def _view(ds, arguments, found):
    """A run as a measurement file takes it."""
    if found is not None and found.line:
        return line.chosen(ds, arguments)
    return line.named(ds, arguments)


def _first_that_fits(ds, arguments):
    """The first measurement file that can give numbers of the run, or None."""
    for found in figures.all_measurements().values():
        try:
            view = _view(ds, arguments, found)
        except InputError:
            continue
        if found.reason_against(view) is None:
            return found
    return None


def verdict(tables):
    """Return lines: how many numbers of the runs agree, and why a run may not be a basis for it.

    Numbers from formulas and parameters alone do not depend on the run and are counted separately.
    """
    lines = []
    for ds, _, _ in tables:
        for reason in reservations(ds):
            lines.append(f"{run_name(ds)}: {reason}")
    compared = [(row.origin, row.agrees) for _, _, rows in tables for row in rows]
    own = [agrees for origin, agrees in compared if origin == RUN and agrees is not None]
    formulas = [agrees for origin, agrees in compared if origin == FORMULA and agrees is not None]
    if not own and not formulas:
        return lines
    text = (
        f"{sum(own)} of {len(own)} numbers from the run agree with their references"
        if own
        else "no number from the run can be compared"
    )
    if formulas:
        also = " too" if own else ""
        text += f" ({sum(formulas)} of {len(formulas)} from formulas of its parameters agree{also})"
    return [*lines, text]


def _edits(runs, fitting):
    """Return a line for every run whose equations are not those that the references belong to."""
    lines = []
    for ds, found in zip(runs, fitting, strict=True):
        edited = edited_equations(ds) if found else []
        if edited and not ds.attrs.get("given_equations"):
            lines.append(
                f"{run_name(ds)}: OTHER EQUATIONS than the problem file, which the references are "
                f"for: {'; '.join(edited)}"
            )
    return lines


def reservations(ds):
    """Return the reasons for which the numbers of a run are not those of its problem file."""
    found = []
    status = str(ds.attrs.get("status", "unknown"))
    if status == "unknown":
        found.append("no run.json (a plain script): whether it is complete is not known")
    elif status != "done":
        reason = ds.attrs.get("reason") or ds.attrs.get("message")
        found.append(f"NOT COMPLETE: status {status}" + (f" ({reason})" if reason else ""))
    broken = [
        str(name)
        for name in ds.data_vars
        if ds[name].dims[:1] == ("t",) and not _is_finite(ds[name].isel(t=-1))
    ]
    if broken:
        found.append(f"NOT FINITE at the last output: {', '.join(broken)}")
    if ds.attrs.get("given_equations"):
        found.append(f"OTHER EQUATIONS than the file: {ds.attrs['given_equations']}")
    if ds.attrs.get("changed_by_hand"):
        found.append(f"FIELDS CHANGED BY HAND before the run: {ds.attrs['changed_by_hand']}")
    return found


def _is_finite(variable):
    """True for finite values; values that cannot be read are reported where they are used."""
    try:
        return bool(np.isfinite(np.asarray(variable)).all())
    except InputError:
        return True


def _save(tables, path):
    refuse_existing(path)
    try:
        if path.suffix == ".json":
            content = {heading: [asdict(row) for row in rows] for _, heading, rows in tables}
            path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        elif path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["run", *HEADER, "note"])
                for _, heading, rows in tables:
                    writer.writerows([heading, *cells(row), row.note] for row in rows)
        elif path.suffix == ".md":
            path.write_text("\n".join(_markdown(tables)), encoding="utf-8")
        else:
            raise InputError(f"--save {path}: choose .md, .csv or .json")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error}") from error


def _markdown(tables):
    for _, heading, rows in tables:
        yield f"**{heading}**\n"
        yield "| " + " | ".join(HEADER) + " |"
        yield "|" + "---|" * len(HEADER)
        for row in rows:
            yield "| " + " | ".join(text.replace("|", "\\|") for text in cells(row)) + " |"
        yield ""


def _parser():
    parser = line.Parser(
        prog="spinhydro measure",
        description="Print the numbers of runs, beside those of reference where there are any.",
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="+",
        help="run folder; further ones (the same cloud with frozen density, with torque=0) are "
        "set against the first",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="read currents, slopes and modulation at exactly the times named, not at the nearest "
        "multiple of 0.05 or 0.25 ms at which the references were read",
    )
    parser.add_argument("--save", metavar="FILE", help="also as .md, .csv or .json")
    parser.add_argument(
        "--numbers",
        metavar="NAME|FILE.py",
        help="which measurement; default: the first in analysis/ that the run can give",
    )
    line.add_choices(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
