"""python -m benchmarks [UNIT …] [--repeats 5] [--keep | --continue]

Without units all are measured, and docs/benchmarks.md is written again after each of them; an
interrupted command is completed by ``--continue``. Named units are printed, and kept with
``--keep``. Nothing else should run: the page gives the load average beside the figures.

``python -m benchmarks schemes`` writes docs/schemes.md, the table of time steppers; steppers named
after it are measured again.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import time
from pathlib import Path

from benchmarks import (
    accuracy,
    members,
    ranks,
    results,
    safe_timesteps,
    schemes,
    start,
    table,
    whole,
)
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
    **{name: lambda repeats, name=name: whole.rows(name, repeats) for name in whole.UNITS},
    "start": start.rows,
    "safe": safe_timesteps.rows,
}


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*UNITS, *ROWS]
    parser.add_argument("unit", nargs="*", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--repeats", type=int, default=5, help="samples of each competitor")
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument("--keep", action="store_true", help="put named units into the page")
    kept.add_argument(
        "--continue", dest="resume", action="store_true",
        help="leave out units that the page has of the code that is checked out",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, help="of schemes: the page")
    arguments = parser.parse_args()
    quiet_dedalus()
    if arguments.unit[:1] == ["schemes"]:
        print(schemes.main(arguments.out or schemes.PAGE, arguments.unit[1:]))
        return
    unknown = set(arguments.unit) - set(names)
    if unknown:
        parser.error(f"there is no unit {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = arguments.unit or names
    if arguments.resume:
        present = {name for name, entry in results.read().items() if results.is_present(entry)}
        chosen = [name for name in chosen if name not in present]
    keep = arguments.keep or arguments.resume or not arguments.unit
    started = time.monotonic()
    for number, name in enumerate(chosen, 1):
        passed = time.monotonic() - started
        print(f"{name} ({number} of {len(chosen)}, {passed:.0f} s) …", file=sys.stderr, flush=True)
        entry = results.measured(name, _measured(name, arguments.repeats))
        for found in (*entry["tables"], *map(": ".join, entry["rows"])):
            print(found, file=sys.stderr)
        if keep:
            results.keep(name, entry, names)
    if keep:
        print(results.PAGE)


def _measured(name, repeats):
    """The table of a unit, or rows."""
    if name in UNITS:
        unit = UNITS[name]()
        yield table.of_unit(unit, measure(unit, repeats))
    else:
        yield from ROWS[name](repeats)


if __name__ == "__main__":
    main()
