"""CPU seconds of whole commands: what a user pays beside the steps of a run."""

import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.whole import PROBLEMS, _timed

GAS = str(PROBLEMS / "coupled_gpe.py")
#: A single step of a gas in three dimensions, with its first and its last output.
CUBE = (
    "dimensions=3", "Nx=64", "Ny=64", "Nz=64", "timestep=0.001*ms", "stop_time=0.001*ms",
    "output_interval=0.001*ms",
)  # fmt: skip


def rows(repeats):
    """(what, figure) of each command, in alternation."""
    with tempfile.TemporaryDirectory() as folder:
        out = ["--quiet", "--out", folder]
        quick = _spinhydro("run", GAS, "--quick", *out)[1].splitlines()[-1]
        commands = {
            "`python -c pass`": lambda: _timed([sys.executable, "-c", "pass"]),
            "`spinhydro words`": lambda: _spinhydro("words"),
            "`spinhydro run problems/coupled_gpe.py --quick`": lambda: _spinhydro(
                "run", GAS, "--quick", *out
            ),
            "the same on 64³ points, one step and two outputs": lambda: _spinhydro(
                "run", GAS, *CUBE, *out
            ),
            "`spinhydro measure` of the quick run": lambda: _spinhydro("measure", quick),
            "`spinhydro plot` of the quick run": lambda: _spinhydro(
                "plot", quick, "--save", str(Path(folder) / "figure.png")
            ),
        }
        seconds = {name: [] for name in commands}
        for number in range(repeats + 1):
            for name, command in commands.items():
                taken, _ = command()
                # The first time, code is compiled and fonts are found.
                seconds[name] += [taken] if number else []
        for name, taken in seconds.items():
            yield f"CPU seconds of {name}", f"{median(taken):.2f}"


def _spinhydro(*arguments):
    return _timed([sys.executable, "-m", "spinhydro", *arguments])
