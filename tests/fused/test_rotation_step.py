"""Compiled rotations of spins: the numbers of the schemes in NumPy, and lengths to rounding."""

from functools import partial

import numpy as np
import pytest

from spinhydro.engines.choose import build_solver
from spinhydro.engines.fused import FUSED
from spinhydro.engines.fused.step.midpoint_loops import CONVERGED, FAILED
from spinhydro.engines.fused.step.midpoint_step import MidpointLoops
from spinhydro.engines.fused.step.rotation_step import RotationLoops
from spinhydro.errors import NotConvergedError
from spinhydro.problem.load import load
from spinhydro.steppers import find_stepper
from spinhydro.steppers.control import ErrorControl
from spinhydro.steppers.rotations import cayley, cross, rotate

from ..conftest import ROOT
from ..spins.test_spin_steppers import MIXED, small_problem
from .test_stencil_steps import Case

STEPPERS = ["RKMK4", "SemiImplicit", "RKMK43", "ImplicitMidpoint"]


def stepped(solver, stepper, compiled, timestep, steps=5):
    """Return the grid values of all variables after some steps, and the differences of the pair."""
    kind, found = find_stepper(stepper), []
    solver.timestepper = fused = FUSED[kind](solver, (), compiled=compiled)
    assert (fused.native is not None) == compiled
    if stepper == "RKMK43":
        fused.read_fields()
        fused.begin(ErrorControl(0.1, stable=10.0), timestep)
        fused.read_fields()
    for i in range(steps):
        if stepper == "RKMK43":
            fused._take(i * timestep, timestep)
            found.append(np.sqrt(fused._difference(i * timestep, timestep)[0]))
        else:
            solver.step(timestep)
    if compiled:
        assert fused.native.has_steps
    return fused.state.copy(), np.array(found)


def assert_same(make, stepper, timestep):
    """Compare compiled steps with those of NumPy; return the state."""
    (one, measured), (two, expected) = (
        stepped(make(), stepper, compiled, timestep) for compiled in (True, False)
    )
    np.testing.assert_allclose(one, two, atol=2e-15 * np.abs(two).max(), rtol=0)
    np.testing.assert_allclose(measured, expected, rtol=1e-9)
    return one


@pytest.mark.parametrize("stepper", STEPPERS)
def test_spins_beside_other_variables(stepper):
    """With transforms on the grid, a field that depends on time, a scalar and another vector."""
    state = assert_same(lambda: build_solver(*small_problem(MIXED, stepper)), stepper, 0.05)
    np.testing.assert_allclose((state[:3] ** 2).sum(axis=0), 1, rtol=0, atol=1e-14)


@pytest.mark.parametrize("stepper", STEPPERS)
@pytest.mark.parametrize("dimensions", [1, 2])
def test_spins_with_neighbours(dimensions, stepper):
    def make():
        return Case(stepper, dimensions, equation="in time", projected=False).solver

    state = assert_same(make, stepper, 0.1)
    np.testing.assert_allclose((state**2).sum(axis=0), 1, rtol=0, atol=1e-14)


@pytest.mark.parametrize("stepper", ["RKMK4", "ImplicitMidpoint"])
def test_members_and_many_steps_in_one_call(stepper, tmp_path):
    """Members, each of which takes all steps of a call before the next, are single runs."""
    path, values = ROOT / "problems" / "quantum_torque.py", {"Nx": 64, "timestepper": stepper}
    values |= {"timestep": "0.02*ms", "stop_time": "2*ms", "output_interval": "1*ms"}
    ends = []
    for given in ({"members": 2, "Omega_R": [1.0, 2.0]}, {"Omega_R": 1.0}, {"Omega_R": 2.0}):
        problem = load(path, **values, **given)
        problem.run(out=tmp_path, quiet=True, engine="fused")
        problem.ivp.variables[0].change_scales(1)
        ends.append(problem.ivp.variables[0]["g"].copy())
    together, *alone = ends
    for member in range(2):
        np.testing.assert_allclose(together[:, member], alone[member], atol=1e-13, rtol=0)
    assert np.abs((alone[1] ** 2).sum(axis=0) - 1).max() < 1e-12


def test_an_iteration_that_does_not_converge_says_so():
    """The time of the step is in the message, and the state at its beginning is kept."""
    solver = build_solver(*small_problem(["dt(a) = 0.3*cross(a, lap(a))"], "ImplicitMidpoint"))
    solver.timestepper = fused = FUSED[find_stepper("ImplicitMidpoint")](solver, ())
    fused.sync_on_request = True
    solver.step(0.01)
    before = fused.state.copy()
    for step in (partial(solver.step, 1e6), partial(fused.step_many, 1e6, 5)):
        with pytest.raises(NotConvergedError, match=r"from t = 0.01 .*smallest.*shorter timestep"):
            step()
        np.testing.assert_array_equal(fused.state, before)
    fused.step_many(0.01, 5)
    assert np.isfinite(fused.state).all()
    fused.state[0, 3] = np.nan
    with pytest.raises(NotConvergedError, match=r"from t = 0.06 .*change inf"):
        fused.step_many(0.01, 5)


def test_a_member_that_does_not_converge_ends_the_others_later():
    random = np.random.default_rng(1)
    m = random.standard_normal((3, 2, 9))
    m /= np.sqrt((m**2).sum(axis=0))
    state, rate, fields = m.copy(), np.empty_like(m), np.array([1.0, 1e5])[:, None]

    def evaluate(time):
        rate[...] = cross(fields * (np.roll(state, 1, -1) - time * state), state)

    loops = MidpointLoops([(range(3), True)], state, rate, 2, 2)
    loops.step(evaluate, 1.0, 0.1)
    assert loops.report[:, :2].tolist() == [[CONVERGED, 1], [FAILED, 0]]
    np.testing.assert_array_equal(state[:, 1], m[:, 1])
    mean = (m + state)[:, 0] / 2
    expected = m[:, 0] + 0.1 * cross(np.roll(mean, 1, -1) - 1.05 * mean, mean)
    np.testing.assert_allclose(state[:, 0], expected, atol=1e-12)


@pytest.mark.parametrize("size", [0.0, 1e-200, 1e-9, 1e-3, 1.0, 3.2, 40.0, 1e4])
def test_rotations_by_any_angle(size):
    """The first stage of RKMK4 and the second of SemiImplicit, with lengths of 0.1 and 10."""
    random = np.random.default_rng(1)
    axis, m = random.standard_normal((2, 3, 1000))
    m *= np.where(np.arange(1000) % 2, 0.1, 10) / np.sqrt((m**2).sum(axis=0))
    axis -= m * (axis * m).sum(axis=0) / (m**2).sum(axis=0)
    axis *= size / np.sqrt((axis**2).sum(axis=0))
    for name, stage, turn in (("RKMK4", 0, rotate), ("SemiImplicit", 1, cayley)):
        state, rate = m.copy(), cross(2 * axis, m)
        loops = RotationLoops(name, [(range(3), True)], state, rate, 1)
        loops._arrays["start"][...] = m
        loops.run(stage, 1.0 if name == "RKMK4" else 0.5)
        scale = np.sqrt((m**2).sum(axis=0))
        np.testing.assert_allclose(
            state / scale, turn(axis, m) / scale, atol=1e-15 * (1 + size), rtol=0
        )
        np.testing.assert_allclose((state**2).sum(axis=0), scale**2, rtol=2e-15)
