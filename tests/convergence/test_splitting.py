"""Splitting schemes: orders, engines, conservation, resume, and what they refuse."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401  (dx in equations)
from spinhydro.analysis import load as load_run
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import ParameterError
from spinhydro.problem.load import load
from spinhydro.steppers import SPLITTING, find_stepper, records

from ..conftest import ROOT

#: Two components that are coupled linearly, by their densities, and driven.
PAIR = (
    "2j*dt(a) + lap(a) - 1.2*b = 2*(V*(1 + 0.5*cos(2*t)) + abs2(a) + 0.5*abs2(b))*a",
    "dt(b) - 0.5j*lap(b) + 0.6j*a = -1j*(V + abs2(b) + 0.5*abs2(a))*b",
)
ENGINES = ("fused", "lean", "dedalus")


def solver_of(stepper, engine="fused", equations=PAIR, dtype=np.complex128, N=64):
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=dtype)
    kind = d3.ComplexFourier if dtype is np.complex128 else d3.RealFourier
    basis = kind(coords["x"], N, (0, 2 * np.pi))
    a, b, V = (dist.Field(name=name, bases=basis) for name in ("a", "b", "V"))
    t = dist.Field(name="t")
    x = dist.local_grid(basis)
    V["g"], a["g"], b["g"] = np.cos(x), 1 + 0.3 * np.cos(x + 1), np.sin(x)
    variables = [a, b][: len(equations)]
    words = {"abs2": spinhydro.abs2, "conj": np.conj, "dx": spinhydro.dx, "a": a, "b": b}
    problem = d3.IVP(variables, time=t, namespace={**words, "V": V, "t": t})
    for equation in equations:
        problem.add_equation(equation)
    solver = build_solver(problem, find_stepper(stepper))
    choose_engine(solver, engine, steps=1, sync_on_request=False)
    return solver


def state_after(stepper, steps, engine="fused", time=0.5):
    solver = solver_of(stepper, engine)
    for _ in range(steps):
        solver.step(time / steps)
    return np.array([field["g"] for field in solver.state])


@pytest.mark.parametrize(
    "stepper, order, steps, time",
    [("Strang", 2, 40, 0.5), ("BlanesMoan4", 4, 24, 0.5), ("BlanesMoan6", 6, 8, 0.25)],
)
def test_order_in_time(stepper, order, steps, time):
    exact = state_after("BlanesMoan6", 100, time=time)
    numbers = np.array([steps, int(1.4 * steps), 2 * steps, int(2.8 * steps)])
    errors = [np.abs(state_after(stepper, n, time=time) - exact).max() for n in numbers]
    fitted = -np.polyfit(np.log(numbers), np.log(errors), 1)[0]
    assert fitted == pytest.approx(order, abs=0.1), errors


def test_the_solution_is_that_of_the_integrating_factor_scheme():
    exact = state_after("BlanesMoan6", 60)
    np.testing.assert_allclose(state_after("IFRK4", 1000), exact, atol=1e-9)


@pytest.mark.parametrize("stepper", ["Strang", "BlanesMoan4", "BlanesMoan6"])
def test_engines_agree_and_keep_the_norm(stepper):
    fused, *others = (state_after(stepper, 20, engine) for engine in ENGINES)
    for other in others:
        np.testing.assert_allclose(fused, other, atol=1e-12)
    start = state_after(stepper, 0)
    norm = np.sum(np.abs(start) ** 2)
    assert np.sum(np.abs(fused) ** 2) == pytest.approx(norm, rel=1e-12)


@pytest.mark.parametrize("name", ["Strang", "BlanesMoan4", "BlanesMoan6"])
def test_coefficients_are_consistent_and_symmetric(name):
    scheme = SPLITTING[name]
    assert sum(scheme.drifts) == pytest.approx(1) and sum(scheme.rotations) == pytest.approx(1)
    assert scheme.drifts == scheme.drifts[::-1] and scheme.rotations == scheme.rotations[::-1]


def truncated_states(stepper, engine, steps=6):
    """The spectra of a short run without the modes above 0.3 of the largest wavenumber."""
    solver = solver_of(stepper, engine)
    solver.timestepper.truncate(0.3)
    for _ in range(steps):
        solver.step(0.02)
    return np.array([field["c"].copy() for field in solver.state])


@pytest.mark.parametrize("stepper", ["Strang", "BlanesMoan4"])
def test_truncation_drops_the_same_modes_on_every_engine(stepper):
    fused, *others = (truncated_states(stepper, engine) for engine in ENGINES)
    for other in others:
        np.testing.assert_allclose(fused, other, atol=1e-13)
    k = np.abs(np.fft.fftfreq(64, 1 / 64))
    assert np.all(np.abs(fused[:, k > 9.6]) < 1e-15)
    assert np.all(np.abs(fused[:, k <= 9]) > 1e-12)


def test_truncation_begins_between_steps_with_the_numbers_of_one_from_the_start():
    late, soon = solver_of("BlanesMoan4"), solver_of("BlanesMoan4")
    soon.timestepper.truncate(0.9)
    for solver in (late, soon):
        solver.step(0.02)
        solver.timestepper.truncate(0.3)
        solver.step(0.02)
    np.testing.assert_allclose(late.state[0]["c"], soon.state[0]["c"], atol=1e-12)


@pytest.mark.parametrize("fraction", [0, -0.5, 1.5, np.nan, "half", True])
def test_fractions_of_a_truncation_are_checked(fraction):
    with pytest.raises(ParameterError, match="fraction of the largest wavenumber"):
        solver_of("Strang").timestepper.truncate(fraction)


@pytest.mark.parametrize("engine", ["fused", "dedalus"])
def test_the_norm_is_exact_on_odd_grids_also_when_unresolved(engine):
    solver = solver_of("BlanesMoan4", engine, N=9)
    norms = []
    for _ in range(200):
        solver.step(0.03)
        norms.append(sum(np.sum(np.abs(field["g"]) ** 2) for field in solver.state))
    np.testing.assert_allclose(norms, norms[0], rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_resumes_with_the_same_bytes(engine):
    equations = [equation.replace("V", "1") for equation in PAIR]
    whole, first, second = (solver_of("BlanesMoan4", engine, equations) for _ in range(3))
    for _ in range(6):
        whole.step(0.02)
    for _ in range(3):
        first.step(0.02)
    record = records.state_record(first)
    for before, after in zip(first.state, second.state, strict=True):
        after["c"] = before["c"]
    second.sim_time, second.iteration = first.sim_time, first.iteration
    records.restore(second, record)
    for _ in range(3):
        second.step(0.02)
    for a, b in zip(whole.state, second.state, strict=True):
        assert np.array_equal(a["c"], b["c"])


@pytest.mark.parametrize(
    "right",
    ["0", "-1j*V*a", "-1j*a*a*conj(a)", "-1j*a**2*conj(a)", "-1j*abs2(a)*a/(1 + abs2(a)) - 2j*a"],
)
def test_rotations_of_the_phase_are_recognised(right):
    solver = solver_of("Strang", equations=(f"dt(a) - 0.5j*lap(a) = {right}",))
    before = np.abs(solver.state[0]["g"] ** 2).sum()
    for _ in range(4):
        solver.step(0.01)
    assert np.abs(solver.state[0]["g"] ** 2).sum() == pytest.approx(before, rel=1e-13)


@pytest.mark.parametrize(
    "right, reason",
    [
        ("-(1j + 0.1)*abs2(a)*a", "not real"),
        ("-1j*abs2(a)*a + dx(a)", "left side"),
        ("-1j*conj(a)", "phases"),
        ("-1j*a*a", "phases"),
    ],
)
def test_other_right_sides_are_refused(right, reason):
    solver = solver_of("Strang", "dedalus", (f"dt(a) - 0.5j*lap(a) = {right}",))
    with pytest.raises(ParameterError, match=reason):
        solver.step(0.01)


def test_coupling_of_components_on_the_right_side_is_refused():
    solver = solver_of("Strang", "lean", ("dt(a) = -1j*b", "dt(b) = -1j*a"))
    with pytest.raises(ParameterError, match="left side"):
        solver.step(0.01)


def test_real_problems_are_refused():
    solver = solver_of("Strang", "lean", ("dt(a) = -a**3",), float)
    with pytest.raises(ParameterError, match="real"):
        solver.step(0.01)


@pytest.mark.parametrize("engine", ["fused", "dedalus"])
def test_stages_backwards_in_time_refuse_damping(engine):
    equations = ("dt(a) - (0.5j + 0.01)*lap(a) = -1j*abs2(a)*a",)
    with pytest.raises(ParameterError, match="Strang"):
        solver_of("BlanesMoan4", engine, equations)
    solver_of("Strang", engine, equations).step(0.01)


def test_members_are_the_single_runs(tmp_path):
    values = {"timestepper": "BlanesMoan4", "Nx": 256, "L_x": "120*um", "R_x": "50*um"}
    values |= {"stop_time": 0.05, "output_interval": 0.05, "trap": "pedestal"}
    path = ROOT / "problems" / "coupled_gpe.py"
    ratios = [0.93, 0.95]
    together = load(path, **values, g12_over_g=ratios).run(out=tmp_path / "all", quiet=True)
    alone = load(path, **values, g12_over_g=ratios[1]).run(out=tmp_path / "one", quiet=True)
    ours, theirs = (load_run(run.folder)["Z"] for run in (together, alone))
    np.testing.assert_allclose(ours[-1, 1], theirs[-1], atol=1e-11)
