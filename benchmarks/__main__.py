"""python -m benchmarks [UNIT …] [--repeats 5] [--out docs/benchmarks.md]"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
from pathlib import Path

from benchmarks import table
from benchmarks.measure import measure
from benchmarks.resources import RESOURCES, measure_resource
from benchmarks.units import UNITS
from spinhydro.backend import quiet_dedalus


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*UNITS, *RESOURCES]
    parser.add_argument("unit", nargs="*", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--repeats", type=int, default=7, help="samples of each competitor")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"))
    arguments = parser.parse_args()
    quiet_dedalus()
    unknown = set(arguments.unit) - set(names)
    if unknown:
        parser.error(f"there is no unit {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = arguments.unit or names
    units, resources = [], []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        if name in UNITS:
            unit = UNITS[name]()
            units.append((unit, measure(unit, arguments.repeats)))
            print(table.of_unit(*units[-1]), file=sys.stderr)
        else:
            resources.append(measure_resource(name))
            print(resources[-1], file=sys.stderr)
    if arguments.unit:
        return
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(table.page(units, resources), encoding="utf-8")
    print(arguments.out)


if __name__ == "__main__":
    main()
