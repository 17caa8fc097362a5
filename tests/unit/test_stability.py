"""The frequencies of a problem, and the stability limit of the timestep."""

import re

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import ParameterError
from spinhydro.steppers import EXPLICIT, RESONANT, SPLITTING, find_stepper
from spinhydro.steppers.frequencies import frequencies_of
from spinhydro.steppers.resonance import growth
from spinhydro.steppers.stability import (
    StabilityCheck,
    check_timestep,
    explicit_limit,
    resonating_frequency,
)

#: hbar/m, interaction and density of a uniform gas: e = 0.5 k^2, coupling 2 g n.
G, LENGTH = 4.0, 2 * np.pi


def gas(stepper, N=64, engine="fused", noise=1e-8, equation=None):
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.complex128)
    psi = dist.Field(name="psi", bases=d3.ComplexFourier(coords["x"], N, (0, LENGTH)))
    psi["g"] = 1 + noise * spinhydro.initial_noise(psi, 1)
    problem = d3.IVP([psi], namespace={"psi": psi, "g": G, "abs2": spinhydro.abs2})
    problem.add_equation(equation or "dt(psi) - 0.5j*lap(psi) = -1j*g*(abs2(psi) - 1)*psi")
    solver = problem.build_solver(find_stepper(stepper))
    choose_engine(solver, engine, steps=1, sync_on_request=False)
    return solver, psi


@pytest.mark.parametrize("engine", ["fused", "lean", "dedalus"])
@pytest.mark.parametrize("stepper", ["RK4", "IFRK4", "RK443"])
def test_the_frequency_is_that_of_the_whole_equation(stepper, engine):
    """Bogoliubov's law, with the linear terms on either side and for any engine."""
    solver, _ = gas(stepper, engine=engine)
    found = frequencies_of(solver, stepper in EXPLICIT)
    kinetic = 31**2 / 2
    assert found.whole == pytest.approx(np.sqrt(kinetic * (kinetic + 2 * G)), rel=0.02)
    if stepper != "RK4":
        assert found.linear == pytest.approx(kinetic, rel=1e-12)
        assert found.coupling == pytest.approx(2 * G, rel=0.05)
        assert found.explicit < G


@pytest.mark.parametrize("engine", ["fused", "lean"])
def test_growing_modes_are_not_waves(engine):
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis = d3.RealFourier(coords["x"], 32, (0, LENGTH))
    a, b, c = (dist.Field(name=name, bases=basis) for name in "abc")
    problem = d3.IVP([a, b, c], namespace={"a": a, "b": b, "c": c})
    problem.add_equation("dt(a) = 40*a")
    problem.add_equation("dt(b) = 3*c")
    problem.add_equation("dt(c) = -3*b")
    solver = problem.build_solver(spinhydro.RK4)
    choose_engine(solver, engine, steps=1, sync_on_request=False)
    assert frequencies_of(solver, explicit_linear=True).whole == pytest.approx(3, rel=1e-6)
    line = check_timestep(solver, "RK4", 0.01, "ms")
    assert line == (
        "stability: timestep at 1.06 % of the RK4 stability limit (omega dt = 0.03, limit 2.83; "
        "fastest oscillation 3 rad/ms)"
    )


def test_limits_follow_the_direction_of_the_eigenvalue():
    assert explicit_limit("RK4", 5j) == pytest.approx(2 * np.sqrt(2), rel=0.002)
    assert explicit_limit("RK4", -5.0 + 0j) == pytest.approx(2.785, rel=0.002)
    assert explicit_limit("RK4", 0.5 + 5j) == explicit_limit("RK4", 5j)
    assert explicit_limit("RK443", -5.0 + 0j) == pytest.approx(2.146, rel=0.002)
    assert explicit_limit("LowStorageRK4", -5.0 + 0j) == pytest.approx(4.657, rel=0.002)


@pytest.mark.parametrize("N", [32])
@pytest.mark.parametrize(
    "stepper", ["IFRK4", "ETDRK4", "Strang", "BlanesMoan4", "BlanesMoan6", "RK4"]
)
def test_what_is_called_safe_stays_finite(stepper, N):
    """At the largest safe timestep noise does not grow; if a mode rotates by pi it does."""
    solver, psi = gas(stepper, N)
    found = frequencies_of(solver, stepper in EXPLICIT)
    safe = StabilityCheck(found, stepper, 1.0).largest_safe
    assert "warning" not in check_timestep(solver, stepper, safe)
    growth = []
    resonant = np.pi / ((N // 2 - 2) ** 2 / 2 + G)
    for step in (safe, resonant if stepper in RESONANT else 3 / found.whole):
        if stepper == "RK4" and step != safe:
            with pytest.raises(ParameterError, match="Largest safe timestep"):
                check_timestep(solver, stepper, step)
            break
        if step != safe:
            line = check_timestep(solver, stepper, step)
            assert line.startswith("warning: stability: timestep at 1")
            assert f"largest safe timestep: {safe:.3g}" in line
        solver, psi = gas(stepper, N)
        for _ in range(400):
            solver.step(step)
        psi.change_scales(1)
        growth.append(np.abs(np.abs(psi["g"]) - 1).max() / 1e-8)
    assert growth[0] < 1e3
    if stepper == "IFRK4":
        assert not growth[1] < 1e4


@pytest.mark.parametrize("stepper", ["IFRK4", "ETDRK4"])
def test_damped_modes_do_not_resonate(stepper):
    """Waves that are damped faster than a resonance feeds them do not limit the timestep."""
    undamped = StabilityCheck(_with_modes(gas(stepper)[0]), stepper, 1.0).largest_safe
    for loss, gain in ((0.001, 1), (0.02, 1.5), (0.1, 4), (0.5, 10)):
        equation = f"dt(psi) - (0.5j + {loss})*lap(psi) = -1j*g*(abs2(psi) - 1)*psi"
        solver, psi = gas(stepper, noise=1e-6, equation=equation)
        safe = StabilityCheck(_with_modes(solver), stepper, 1.0).largest_safe
        assert 0.99 * gain * undamped < safe < 1 / G
        for _ in range(400):
            solver.step(safe)
        psi.change_scales(1)
        assert np.abs(np.abs(psi["g"]) - 1).max() < 1e-5


@pytest.mark.parametrize("engine", ["fused", "lean"])
def test_one_undamped_field_resonates(engine):
    """Its frequencies are those of a damped one."""
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], 64, (0, LENGTH))
    a, b = (dist.Field(name=name, bases=basis) for name in "ab")
    a["g"] = b["g"] = 1
    for damped, other in ((a, b), (b, a)):
        problem = d3.IVP([a, b], namespace={"a": damped, "b": other, "abs2": spinhydro.abs2})
        problem.add_equation("dt(a) - (0.5j + 0.5)*lap(a) = -1j*abs2(b)*a")
        problem.add_equation("dt(b) - 0.500001j*lap(b) = -1j*abs2(a)*b")
        solver = problem.build_solver(spinhydro.IFRK4)
        choose_engine(solver, engine, steps=1, sync_on_request=False)
        assert resonating_frequency(_with_modes(solver)) == pytest.approx(31**2 / 2, rel=1e-3)


def _with_modes(solver):
    return frequencies_of(solver, explicit_linear=False, with_modes=True)


def test_stable_timestep_leaves_room_for_the_coupling():
    assert spinhydro.stable_timestep("RK4", 10) == pytest.approx(0.88 * 2.83 / 10)
    assert spinhydro.stable_timestep("IFRK4", 10) == pytest.approx(0.075 * np.pi)
    step = spinhydro.stable_timestep("IFRK4", 10, coupling=4)
    assert step == pytest.approx(0.95 * np.pi / 16)
    assert spinhydro.stable_timestep("ETDRK4", 1, coupling=40) == pytest.approx(0.88 * 0.97 / 40)


def test_cost_is_predicted_from_the_time_of_an_evaluation():
    solver, _ = gas("BlanesMoan4", 32)
    line = check_timestep(solver, "BlanesMoan4", 0.001, "ms", duration=0.1)
    assert re.search(
        r"cost: 100 steps of 0.001 ms with BlanesMoan4, 6 evaluations of the right side and 12 "
        r"transforms each; about [\d.e-]+ s of CPU time$",
        line,
    )


def test_growth_of_resonances_is_that_of_theory():
    """To first order in the coupling, |sum of b exp(2 pi i m c)|."""
    for scheme in SPLITTING.values():
        places = np.cumsum(scheme.drifts)[:-1]
        for multiple in (1, 2, 3):
            weight = np.abs(np.sum(scheme.rotations * np.exp(2j * np.pi * multiple * places)))
            phases = multiple * np.pi + np.linspace(-4e-3, 1e-3, 40001)
            found = growth(scheme.drifts, scheme.rotations, phases, 1e-3).max() / 1e-3
            assert found == pytest.approx(weight, rel=0.02)


@pytest.mark.parametrize("name, multiple", [("Strang", 1), ("BlanesMoan4", 2)])
def test_a_resonant_pair_of_waves_grows_as_in_theory(name, multiple):
    """The fastest pair of a uniform gas, at the timestep where it grows most."""
    N, scheme = 64, SPLITTING[name]
    frequency = (N // 2 - 1) ** 2 / 2
    timesteps = multiple * np.pi / frequency * np.linspace(0.95, 1, 2001)
    exponents = [
        float(growth(scheme.drifts, scheme.rotations, frequency * h, G * h)) for h in timesteps
    ]
    largest = int(np.argmax(exponents))
    solver, psi = gas(name, N)
    sizes = []
    for _ in range(2):
        for _ in range(round(4 / exponents[largest])):
            solver.step(timesteps[largest])
        sizes.append(np.abs(psi["c"][N // 2 - 1]))
    assert np.log(sizes[1] / sizes[0]) == pytest.approx(4, rel=0.02)


def flow(stepper, engine, U=3.0, N=16):
    """A uniform incompressible flow with a tracer: waves of frequency U k, nothing else."""
    coords = d3.CartesianCoordinates("x", "z")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = [d3.RealFourier(c, size=N, bounds=(0, LENGTH), dealias=3 / 2) for c in coords.coords]
    p, s = (dist.Field(name=name, bases=bases) for name in "ps")
    u, tau_p = dist.VectorField(coords, name="u", bases=bases), dist.Field(name="tau_p")
    problem = d3.IVP([u, s, p, tau_p], namespace={"u": u, "s": s, "p": p, "tau_p": tau_p})
    problem.add_equation("dt(u) + grad(p) - 1e-3*lap(u) = - u@grad(u)")
    problem.add_equation("dt(s) - 1e-3*lap(s) = - u@grad(s)")
    problem.add_equation("div(u) + tau_p = 0")
    problem.add_equation("integ(p) = 0")
    u["g"][0] = U
    solver = build_solver(problem, find_stepper(stepper))
    choose_engine(solver, engine, steps=1, sync_on_request=False)
    return solver, s


@pytest.mark.parametrize("engine", ["fused", "dedalus"])
def test_the_explicit_part_with_constraints(engine):
    solver, s = flow("RK443", engine)
    fastest = 3 * 7
    assert frequencies_of(solver, explicit_linear=False).explicit == pytest.approx(
        fastest, rel=1e-3
    )
    assert f"omega dt = {0.05 * fastest:.3g}, limit 1.58" in check_timestep(solver, "RK443", 0.05)
    with pytest.raises(ParameterError, match="Largest safe timestep: 0.07"):
        check_timestep(solver, "RK443", 0.08)
    if engine == "fused":
        s["g"] = 1e-6 * np.random.default_rng(0).standard_normal(s["g"].shape)
        for _ in range(600):
            solver.step(1.06 * 1.57 / fastest)
        assert np.abs(s["g"]).max() > 1


@pytest.mark.parametrize("timestep, grows", [(0.004, False), (0.03, True)])
def test_schemes_that_make_undamped_waves_grow_are_reported(timestep, grows):
    """Heun's scheme: by (omega dt)^4/8 per step, over the run."""
    solver, _ = gas("StochasticHeun", N=16, engine="lean")
    duration = 500 * timestep
    line = check_timestep(solver, "StochasticHeun", timestep, duration=duration)
    assert ("Undamped waves grow" in line) == grows
    found = frequencies_of(solver, explicit_linear=True)
    expected = 500 * np.log1p((found.explicit * timestep) ** 4 / 4) / 2
    check = StabilityCheck(found, "StochasticHeun", timestep, duration=duration)
    assert check.growth == pytest.approx(expected, rel=1e-3)
    if grows:
        shorter = StabilityCheck(
            found, "StochasticHeun", check.largest_of_small_growth, "", duration
        )
        assert shorter.growth == pytest.approx(np.log(10), rel=1e-3)


def test_waves_of_finite_size_about_a_gas_at_rest_are_faster():
    """Density and phase cancel for small waves only: a run is warned, and not called safe."""
    solver, psi = gas("RK4", N=4, noise=0.1)
    found = frequencies_of(solver, explicit_linear=True)
    assert found.extent > 1.1 * found.explicit
    safe = StabilityCheck(found, "RK4", 1.0).largest_safe
    assert "warning" not in check_timestep(solver, "RK4", safe)
    line = check_timestep(solver, "RK4", 0.97 * 2.83 / found.explicit)
    assert f"frequencies of up to {found.extent:.4g} rad/time" in line
    assert f"largest safe timestep: {safe:.3g}" in line
    with np.errstate(all="ignore"):
        for _ in range(400):
            solver.step(safe)
        assert np.abs(psi["g"]).max() < 2


@pytest.mark.parametrize("engine", ["fused", "lean"])
def test_waves_of_two_coupled_fields_have_their_own_frequency(engine):
    """c k, not the c^2 k^2 that couples the fields."""
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    a, b = (dist.Field(name=n, bases=d3.RealFourier(coords["x"], 32, (0, LENGTH))) for n in "ab")
    a["g"] = 0.1 * np.sin(dist.local_grid(a.domain.bases[0]))
    problem = d3.IVP([a, b], namespace={"a": a, "b": b})
    problem.add_equation("dt(a) - b = 0")
    problem.add_equation("dt(b) - 9*lap(a) = -a**3")
    solver = problem.build_solver(find_stepper("IFRK4"))
    choose_engine(solver, engine, steps=1, sync_on_request=False)
    assert frequencies_of(solver, False).linear == pytest.approx(3 * 15, rel=1e-9)
    assert "warning" not in check_timestep(solver, "IFRK4", 0.9 * np.pi / 45)


def test_coupled_fields_with_slow_linear_terms_are_limited_by_the_whole_equation():
    """The explicit part, -100^2 a in the equation of b, has no eigenvalue but 0."""
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    a, b = (dist.Field(name=n, bases=d3.RealFourier(coords["x"], 8, (0, LENGTH))) for n in "ab")
    a["g"] = 0.1
    problem = d3.IVP([a, b], namespace={"a": a, "b": b})
    problem.add_equation("dt(a) - b = 0")
    problem.add_equation("dt(b) - 0.01*lap(a) = -1e4*a")
    solver = problem.build_solver(find_stepper("IFRK4"))
    choose_engine(solver, "fused", steps=1, sync_on_request=False)
    assert "at 88.4 % of the IFRK4" in check_timestep(solver, "IFRK4", 0.025)
    with pytest.raises(ParameterError, match="fastest oscillation 100"):
        check_timestep(solver, "IFRK4", 0.03)
