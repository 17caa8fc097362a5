"""The predicted cost of a run, from steps that leave no trace."""

import re
from time import process_time

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.engines.choose import choose_engine
from spinhydro.language.operators import spin_cross
from spinhydro.steppers import find_stepper
from spinhydro.steppers.cost import seconds_per_step
from spinhydro.steppers.stability import check_timestep

from .test_stability import LENGTH, gas


def spins(stepper):
    """A chain of spins in a heat bath."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    basis = spinhydro.RealFourierNyquist(coords["x"], size=16, bounds=(0, LENGTH))
    m = dist.VectorField(spinhydro.spin, name="m", bases=basis)
    m["g"] = np.array([0.6, 0.0, 0.8])[:, None] + 0.01 * np.sin(dist.local_grid(basis))
    words = {"m": m, "xi": spinhydro.white_noise(m, seed=1), "cross": spin_cross}
    problem = d3.IVP([m], namespace={**words, "lap": d3.lap})
    problem.add_equation("dt(m) = -cross(m, lap(m) + 0.1*xi)")
    solver = problem.build_solver(find_stepper(stepper))
    choose_engine(solver, "fused", steps=1, sync_on_request=False)
    return solver, m


@pytest.mark.parametrize(
    "make, stepper",
    [(gas, "RK4"), (gas, "SBDF3"), (gas, "Strang"), (spins, "RKMK4"), (spins, "StochasticHeun")],
)
def test_measured_steps_leave_no_trace(make, stepper):
    states = []
    for is_checked in (False, True):
        solver, field = make(stepper)
        if is_checked:
            line = check_timestep(solver, stepper, 0.0003, duration=0.03)
            assert re.search(r"cost: 100 steps .*; about [\d.e-]+ s of CPU time$", line)
        for _ in range(5):
            solver.step(0.0003)
        states.append(field["g"].copy())
    np.testing.assert_array_equal(*states)


def test_a_step_costs_what_was_measured():
    solver, _ = gas("RK4", N=512)
    seconds = min(seconds_per_step(solver, 1e-6, 1e-3) for _ in range(3))
    times = []
    for _ in range(20):
        begin = process_time()
        solver.timestepper.native.step(0.0, 1e-6)
        times.append(process_time() - begin)
    assert 0.3 < seconds / min(times) < 3
