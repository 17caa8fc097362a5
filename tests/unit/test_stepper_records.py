"""The state that a stepper carries between steps can be saved and restored bit by bit."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.engines.choose import choose_engine
from spinhydro.errors import InputError
from spinhydro.steppers import find_stepper
from spinhydro.steppers.records import restore, state_record


def spins(stepper, engine):
    coords = d3.CartesianCoordinates("x")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis = spinhydro.RealFourierNyquist(coords["x"], size=32, bounds=(0, 6))
    m = dist.VectorField(spin, name="m", bases=basis)
    x = dist.local_grid(basis)
    angle = np.pi * x / 3
    m["g"][0], m["g"][1], m["g"][2] = 0.6 * np.cos(angle), 0.6 * np.sin(angle), 0.8
    noise = spinhydro.white_noise(m, seed=3)
    own = stepper in ("RK4", "SemiImplicit", "IFRK4")
    problem = d3.IVP([m], namespace={"m": m, "noise": noise})
    problem.add_equation("dt(m) = cross(m, lap(m)" + (" + 0.1*noise)" if own else ")"))
    solver = problem.build_solver(find_stepper(stepper))
    choose_engine(solver, engine, steps=1)
    return solver, m


@pytest.mark.parametrize("engine", ["fused", "lean", "dedalus"])
@pytest.mark.parametrize("stepper", ["RK4", "IFRK4", "ETDRK4", "SemiImplicit", "RK443", "SBDF3"])
def test_a_restored_run_continues_with_the_same_bytes(stepper, engine):
    def steps(solver, number):
        for _ in range(number):
            solver.step(1e-3)

    def synchronised(solver, field):
        if engine == "fused":
            solver.timestepper.synchronise()
        return field["c"].copy()

    solver, m = spins(stepper, engine)
    steps(solver, 5)
    record = {name: np.array(value) for name, value in state_record(solver).items()}
    middle = synchronised(solver, m), solver.sim_time, solver.iteration
    steps(solver, 5)
    expected = synchronised(solver, m)

    solver, m = spins(stepper, engine)
    m["c"], solver.sim_time, solver.iteration = middle
    restore(solver, record)
    assert np.array_equal(synchronised(solver, m), middle[0])
    steps(solver, 5)
    assert np.array_equal(synchronised(solver, m), expected)


def test_a_record_of_another_scheme_is_refused():
    record = state_record(spins("RK443", "dedalus")[0])
    with pytest.raises(InputError, match=r"the checkpoint is of RK443 .* steps with FusedRK443"):
        restore(spins("RK443", "fused")[0], record)
