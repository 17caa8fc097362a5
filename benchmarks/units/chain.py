"""The chain of 1152 spins of paper B with its lattice kernel, RK4."""

from pathlib import Path

from benchmarks.engines import engines
from benchmarks.measure import Unit
from benchmarks.transforms import alone
from spinhydro import RK4
from spinhydro.problem.load import load

FILE = Path(__file__).parents[2] / "problems" / "transient_grating.py"
SITES = 1152


def single():
    settings = {"N": SITES, "keep_nyquist": 1, "timestepper": "RK4"}
    timestep = load(FILE, **settings).declared("timestep")
    competitors = engines(lambda: load(FILE, **settings).ivp, RK4, timestep)
    return Unit(
        f"PS-LLE chain, {SITES} sites, RK4", "Dedalus, tuned, RK4", competitors,
        transforms=alone(3, (SITES,), True, 4), sites=SITES,
    )  # fmt: skip
