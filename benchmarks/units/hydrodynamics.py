"""The exact spinor hydrodynamics of problems/spinor_hydrodynamics.py on 256 points."""

from pathlib import Path

from benchmarks.engines import engines
from benchmarks.measure import Unit
from spinhydro import RK4
from spinhydro.problem.load import load

FILE = Path(__file__).parents[2] / "problems" / "spinor_hydrodynamics.py"


def one_dimension():
    timestep = load(FILE, Nx=256).declared("timestep")
    competitors = engines(lambda: load(FILE, Nx=256).ivp, RK4, timestep)
    return Unit(
        "Hydrodynamics (n, J, s) 1-D, 256 points, RK4", "Dedalus, tuned, RK443", competitors,
        longest=300,
    )  # fmt: skip
