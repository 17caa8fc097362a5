"""accelerate() under mpiexec: the same numbers as Dedalus on the same ranks."""

import pytest

from ..conftest import launch

pytestmark = pytest.mark.mpi

SCRIPT = """
import dedalus.public as d3
import numpy as np
from mpi4py import MPI
from spinhydro import ETDRK4, accelerate
from tests.fused.coupled_problems import mean_flow
from tests.guests.all_fourier import reaction_diffusion, schroedinger, shear_flow

CASES = [(shear_flow, d3.RK443, "fused"), (mean_flow, d3.CNAB2, "fused"),
         (schroedinger, d3.RK443, "fused"),
         (schroedinger, ETDRK4, "fused"), (reaction_diffusion, d3.SBDF2, "fused")]
for make, stepper, engine in CASES:
    runs = []
    for change in (accelerate, lambda solver: solver):
        problem = make()
        solver = change(problem.build_solver(stepper))
        for _ in range(20):
            solver.step(1e-3)
        runs.append([variable["c"].copy() for variable in problem.variables])
        found = "fused" if type(solver.timestepper).__name__.startswith("Fused") else "dedalus"
        if type(solver.subproblems[0]).__name__ == "WholeSystem":
            found = "lean"
        assert found == (engine if change is accelerate else "dedalus"), (make, stepper, found)
    largest = max(np.abs(a).max(initial=0) for a in runs[1])
    difference = max(np.abs(a - b).max(initial=0) for a, b in zip(*runs))
    whole = [MPI.COMM_WORLD.allreduce(x, op=MPI.MAX) for x in (difference, largest)]
    assert whole[0] < 1e-12 * whole[1], (make, whole)
print("same numbers", flush=True)
"""


ALONE = """
import dedalus.public as d3
from spinhydro import accelerate
from tests.guests.all_fourier import schroedinger

problem = schroedinger(size=8)
solver = accelerate(problem.build_solver(d3.RK443))
for i in range(100):
    solver.step(1e-3)
    assert i < 2 or solver.dist.comm.rank == 0, "on purpose"
"""


def run(script):
    return launch("-c", script, ranks=2, timeout=180)


def test_examples_on_two_ranks():
    done = run(SCRIPT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("same numbers") == 2


def test_a_rank_that_fails_alone_ends_all():
    done = run(ALONE)
    assert done.returncode != 0
    assert done.stderr.count("Traceback") == 1
    assert "rank 1: AssertionError: on purpose" in done.stderr
