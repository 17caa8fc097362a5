"""Steppers that rotate spins: order, conservation, spins that are found, and refusals."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401
from spinhydro.engines.choose import build_solver
from spinhydro.errors import InputError, NotConvergedError, ParameterError
from spinhydro.problem.load import load
from spinhydro.steppers import STABILITY_LIMITS, find_stepper
from spinhydro.steppers.rotations import cayley, cross, rotate, rotation_rate

from ..conftest import ROOT
from .chains import Chain, seeded_grating

ORDERS = {"RKMK4": 4, "ImplicitMidpoint": 2, "SemiImplicit": 2, "StochasticHeun": 2}
TURNING = ["RKMK4", "ImplicitMidpoint", "SemiImplicit"]


@pytest.mark.parametrize("stepper", ORDERS)
def test_order_in_time(stepper, tmp_path):
    timesteps, errors = [0.04, 0.02, 0.01, 0.005], []
    for timestep in timesteps:
        values = {"timestepper": stepper, "timestep": timestep, "Nx": 32}
        problem = load(
            ROOT / "problems" / "spin_spiral.py", stop_time=0.8, output_interval=0.8, **values
        )
        result = problem.run(out=tmp_path, quiet=True)
        errors.append(result.expect["spin against the exact solution"]["value"])
        if stepper in TURNING:
            assert list(result.watch.values())[0] < 1e-13
    order = np.polyfit(np.log(timesteps), np.log(errors), 1)[0]
    assert order == pytest.approx(ORDERS[stepper], abs=0.1), errors


START = seeded_grating(144, 1)


def energy_change(stepper, timestep, time, start=START):
    chain = Chain(stepper, start)
    before = chain.energy
    chain.advance(timestep, time, renormalise=stepper not in TURNING and stepper != "RK443")
    if stepper in TURNING:
        assert chain.length_error < 1e-12
    return chain.energy / before - 1


def test_energy_of_a_short_chain():
    """The order of the schemes by the change of energy in 0.2 ps at 1 fs."""
    change = {
        stepper: energy_change(stepper, 1e-3, 0.2, START[:, 48:96])
        for stepper in ("ImplicitMidpoint", "RKMK4", "RK443", "StochasticHeun", "SemiImplicit")
    }
    assert abs(change["ImplicitMidpoint"]) < 5e-11
    assert -4e-3 < change["RKMK4"] < -1e-5
    assert change["RK443"] < -0.02
    assert change["StochasticHeun"] > change["SemiImplicit"] > 0.01


# Relative change of the energy in 5 ps without damping, at the same timesteps.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("stepper", "timestep", "lowest", "highest"),
    [
        ("RK443", 1e-3, -0.70, -0.50),
        ("RK4", 1e-3, -8e-3, -3e-3),
        ("RK4", 5e-4, -2.5e-4, -0.8e-4),
        ("StochasticHeun", 5e-4, 0.12, 0.26),
        ("RKMK4", 1e-3, -6e-3, -1e-3),
        ("SemiImplicit", 5e-4, 0.02, 0.20),
    ],
)
def test_energy_of_a_chain(stepper, timestep, lowest, highest):
    assert lowest < energy_change(stepper, timestep, 5.0) < highest


@pytest.mark.parametrize(("timestep", "time"), [(2e-4, 0.02), (1e-3, 0.1), (8e-3, 0.32)])
def test_midpoint_keeps_length_energy_and_magnetization(timestep, time):
    chain = Chain("ImplicitMidpoint", START)
    energy, m_z = chain.energy, chain.spins[2].sum()
    chain.advance(timestep, time)
    assert np.abs(chain.spins - START).max() > 0.1
    assert abs(chain.energy / energy - 1) < 5e-11
    assert abs(chain.spins[2].sum() / m_z - 1) < 5e-11
    assert chain.length_error < 1e-13


def test_midpoint_loses_energy_by_damping_alone():
    chain = Chain("ImplicitMidpoint", START, alpha=0.05)
    energies = [chain.energy] + [chain.advance(5e-4, 0.01).energy for _ in range(5)]
    assert all(b < a for a, b in zip(energies, energies[1:], strict=False))
    reference = Chain("RK4", START, alpha=0.05).advance(2.5e-4, 0.05)
    assert chain.energy == pytest.approx(reference.energy, rel=3e-3)


def test_all_agree_where_time_is_resolved():
    states = [Chain(s, START, alpha=0.1).advance(1e-4, 0.01).spins for s in [*TURNING, "RK4"]]
    for state, tolerance in zip(states, (1e-8, 1e-4, 1e-4), strict=False):
        assert np.abs(state - states[-1]).max() < tolerance


def wave_growth(stepper, product):
    """Factor per step of a small spin wave with frequency * timestep = product."""
    start = np.zeros((3, 8))
    start[0], start[2] = 1e-6 * np.cos(np.pi * np.arange(8)), 1
    chain = Chain(stepper, start)
    frequency = 4 * 0.170299 * (7.3 / 0.355) ** 2 + 0.342811
    for _ in range(40):
        chain.solver.step(product / frequency)
    return (np.hypot(*chain.spins[:2]).max() / 1e-6) ** (1 / 40)


def test_stability_limits():
    limit = STABILITY_LIMITS["RKMK4"]
    assert wave_growth("RKMK4", 0.98 * limit) < 1 < wave_growth("RKMK4", 1.02 * limit)
    for product in (1.0, 3.0, 10.0):
        assert wave_growth("ImplicitMidpoint", product) == pytest.approx(1, abs=1e-6)
    for stepper in ("SemiImplicit", "StochasticHeun"):
        assert wave_growth(stepper, 0.5) == pytest.approx(1 + 0.5**4 / 8, rel=1e-3)


def test_an_implicit_step_that_does_not_converge_says_so():
    chain = Chain("ImplicitMidpoint", START)
    with pytest.raises(NotConvergedError, match="shorter timestep"):
        chain.solver.step(1e6)


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 3.0])
def test_rotations(size):
    random = np.random.default_rng(1)
    axis, m, rate = random.standard_normal((3, 3, 20))
    axis *= size / np.sqrt((axis**2).sum(axis=0))
    np.testing.assert_allclose((rotate(axis, m) ** 2).sum(axis=0), (m**2).sum(axis=0), rtol=1e-14)
    np.testing.assert_allclose(rotate(-axis, rotate(axis, m)), m, atol=1e-14)
    turned = cayley(axis, m)
    np.testing.assert_allclose(turned, m + cross(axis, m + turned) / 2, atol=1e-14)
    omega = rotation_rate(m, cross(rate, m))
    np.testing.assert_allclose(cross(omega, m), cross(rate, m), atol=1e-13)
    assert np.all(rotation_rate(0 * m, rate) == 0)


def small_problem(equations, stepper, dtype=np.float64, kind=spinhydro.RealFourierNyquist, **kw):
    """Two spins, a scalar and a vector of space, to try equations on."""
    coords = d3.CartesianCoordinates("x")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = d3.Distributor(coords, dtype=dtype)
    basis = kind(coords["x"], size=16, bounds=(0, 2 * np.pi), **kw)
    a, b = (dist.VectorField(spin, name=name, bases=basis) for name in "ab")
    u, t = dist.Field(name="u", bases=basis), dist.Field(name="t")
    ex, ey, ez = spin.unit_vector_fields(dist)
    names = {"a": a, "b": b, "u": u, "t": t, "ex": ex, "ey": ey, "ez": ez}
    used = [f for f in (a, b, u) if any(f"dt({f.name})" in e for e in equations)]
    problem = d3.IVP(used, time=t, namespace=names)
    for equation in equations:
        problem.add_equation(equation)
    x = dist.local_grid(basis)
    a["g"][0], a["g"][2] = np.sin(0.4 * np.cos(x)), np.cos(0.4 * np.cos(x))
    b["g"][1], u["g"] = 2 + np.sin(x), 1 + 0.3 * np.cos(x)
    return problem, find_stepper(stepper)


MIXED = [
    "dt(a) = cross(u*ez + cos(t)*b, a) + 0.1*cross(a, lap(a))",
    "dt(b) = a - b*u",
    "dt(u) - 0.05*lap(u) = -u*(a@ez) + t",
]


@pytest.mark.parametrize("stepper", TURNING)
def test_variables_that_are_not_spins_keep_the_order(stepper):
    """a is rotated; b changes its length, u is a scalar; with time and a left side."""
    ends = []
    for steps in (5, 10, 20, 40, 240):
        problem, kind = small_problem(MIXED, stepper)
        solver = build_solver(problem, kind)
        for _ in range(steps):
            solver.step(0.8 / steps)
        for field in solver.state:
            field.change_scales(1)
        ends.append([field["g"].copy() for field in solver.state])
    assert solver.timestepper.spins == [True, False, False]
    np.testing.assert_allclose((ends[0][0] ** 2).sum(axis=0), 1, atol=1e-14)
    for i in range(3):
        errors = [np.abs(end[i] - ends[-1][i]).max() for end in ends[:-1]]
        order = np.polyfit(np.log([5, 10, 20, 40]), np.log(errors), 1)[0]
        assert -order == pytest.approx(ORDERS[stepper], abs=0.15), errors


def test_spins_of_any_length_are_turned():
    problem, kind = small_problem(["dt(b) = cross(ex + 3*(b@ez)*ez, b)"], "ImplicitMidpoint")
    solver = build_solver(problem, kind)
    before = (solver.state[0]["g"] ** 2).sum(axis=0)
    for _ in range(20):
        solver.step(0.1)
    solver.state[0].change_scales(1)
    np.testing.assert_allclose((solver.state[0]["g"] ** 2).sum(axis=0), before, rtol=1e-13)


@pytest.mark.parametrize(
    ("equations", "options", "message"),
    [
        (["dt(a) = cross(ez, a) - 0.1*a"], {}, "the part .* along a.*projections"),
        (["dt(a) = lap(a)"], {}, "along a"),
        (["dt(u) = -u"], {}, "no variable .u. is a real vector"),
        (["dt(a) = cross(a, lap(a))"], {"kind": d3.ComplexFourier, "dtype": complex}, "real"),
        (["dt(b) = cross(ez, b)"], {"zero": True}, "b is zero somewhere"),
    ],
)
def test_what_is_no_spin_is_refused(equations, options, message):
    zero = options.pop("zero", False)
    problem, kind = small_problem(equations, "RKMK4", **options)
    if zero:
        problem.variables[0]["g"] = 0
    solver = build_solver(problem, kind)
    with pytest.raises(InputError, match=message):
        solver.step(0.01)


def test_a_basis_that_drops_modes_is_named():
    problem, kind = small_problem(["dt(a) = cross(a, (a@ex)*ex)"], "RKMK4", kind=d3.RealFourier)
    random = np.random.default_rng(0).standard_normal((3, 16))
    problem.variables[0]["g"] = random / np.sqrt((random**2).sum(axis=0))
    with pytest.raises(InputError, match="RealFourierNyquist"):
        build_solver(problem, kind).step(0.01)


def test_a_run_is_refused_before_anything_is_written(tmp_path):
    new = "dt(s) = cross(s, lap(s)) - 0.01*s"
    problem = load(ROOT / "problems" / "spin_spiral.py", timestepper="RKMK4", equations=[new])
    with pytest.raises(InputError, match="spin_spiral.py, line .*along s"):
        problem.run(out=tmp_path, quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_a_timestep_beyond_the_limit_is_refused(tmp_path):
    problem = load(ROOT / "problems" / "spin_spiral.py", timestepper="RKMK4", timestep=0.1)
    with pytest.raises(ParameterError, match=r"% of the RKMK4 stability limit .*limit 2.83;"):
        problem.run(out=tmp_path, quiet=True)
