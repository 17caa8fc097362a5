"""python -m benchmarks [UNIT …] [--repeats 5] [--out docs/benchmarks.md]

``python -m benchmarks schemes`` writes docs/schemes.md, the table of time steppers; steppers named
after it are measured again.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import time
from pathlib import Path

from benchmarks import accuracy, members, ranks, safe_timesteps, schemes, table, whole
from benchmarks.measure import measure
from benchmarks.resources import RESOURCES, measure_resource
from benchmarks.units import UNITS
from spinhydro.dedalus_support.backend import quiet_dedalus

#: Generators of tables, or of (what, figure), by name.
ROWS = {
    **{name: lambda repeats, name=name: [measure_resource(name)] for name in RESOURCES},
    "members": members.rows,
    "ranks": ranks.rows,
    "accuracy": accuracy.tables,
    "whole": whole.rows,
    "safe": safe_timesteps.rows,
}
PAGE = Path("docs/benchmarks.md")


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*UNITS, *ROWS]
    parser.add_argument("unit", nargs="*", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--repeats", type=int, default=5, help="samples of each competitor")
    parser.add_argument("--out", type=Path, help=f"the page; {PAGE} for all units, else none")
    arguments = parser.parse_args()
    quiet_dedalus()
    if arguments.unit[:1] == ["schemes"]:
        print(schemes.main(arguments.out or schemes.PAGE, arguments.unit[1:]))
        return
    unknown = set(arguments.unit) - set(names)
    if unknown:
        parser.error(f"there is no unit {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = arguments.unit or names
    out = arguments.out or (None if arguments.unit else PAGE)
    started = time.monotonic()
    tables, rows = [], []
    for number, name in enumerate(chosen, 1):
        passed = time.monotonic() - started
        print(f"{name} ({number} of {len(chosen)}, {passed:.0f} s) …", file=sys.stderr, flush=True)
        try:
            for found in _measured(name, arguments.repeats):
                (tables if isinstance(found, str) else rows).append(found)
                print(found if isinstance(found, str) else ": ".join(found), file=sys.stderr)
        except Exception as error:
            # A failure of one unit must not cost the figures of the others.
            rows.append((name, f"failed: {type(error).__name__}: {error}".replace("\n", " ")))
            print(": ".join(rows[-1]), file=sys.stderr)
        if out:
            # Written after every unit, so that an interrupted run keeps its figures.
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(table.page(tables, rows, missing=chosen[number:]), encoding="utf-8")
    if out:
        print(out)


def _measured(name, repeats):
    """The table of a unit, or rows."""
    if name in UNITS:
        unit = UNITS[name]()
        yield table.of_unit(unit, measure(unit, repeats))
    else:
        yield from ROWS[name](repeats)


if __name__ == "__main__":
    main()
