"""Limits of several real fields: those of the dense matrices of a step, on every engine."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.steppers.frequencies import frequencies_of
from spinhydro.steppers.fused_rates import FusedRates
from spinhydro.steppers.growth_factors import growth
from spinhydro.steppers.stability import STRONG, WEAK, StabilityCheck
from spinhydro.steppers.stock_rates import StockRates

G, N = 50.0, 32
ENGINES = ("fused", "lean", "dedalus")
#: Equations of u and v: a gas, the same with density and phase, and with a derivative in a product.
EQUATIONS = {
    "gas": (
        "dt(u) + 0.5*lap(v) = G*(u**2 + v**2 - 1)*v",
        "dt(v) - 0.5*lap(u) = -G*(u**2 + v**2 - 1)*u",
    ),
    "density and phase": (
        "dt(u) = -div(u*grad(v))",
        "dt(v) + G*u = G - 0.5*grad(v)@grad(v) + 0.5*lap(sqrt(u))/sqrt(u)",
    ),
    "steep waves": ("dt(u) - v = 0", "dt(v) = u*lap(u) - 30*u**3"),
}


def make(name, stepper, engine="fused"):
    """Return the solver of some equations, u close to 1 and v to 0."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    basis = d3.RealFourier(coords["x"], size=N, bounds=(0, 2 * np.pi), dealias=3 / 2)
    x = dist.local_grid(basis)
    u, v = (dist.Field(name=name, bases=basis) for name in "uv")
    u["g"] = 1 + 1e-4 * np.cos(3 * x)
    words = {"u": u, "v": v, "G": G, "sqrt": np.sqrt}
    problem = d3.IVP([u, v], namespace=words | {n: getattr(d3, n) for n in ("lap", "grad", "div")})
    for equation in EQUATIONS[name]:
        problem.add_equation(equation)
    solver = build_solver(problem, stepper)
    choose_engine(solver, engine, sync_on_request=False)
    return solver


def matrices(solver):
    """Return J and A on all modes of a solver."""
    kind = FusedRates if hasattr(solver.timestepper, "right_side") else StockRates
    rates, comm = kind(solver, explicit_linear=False), solver.dist.comm
    state = rates.noise(np.random.default_rng(0))
    places, columns = np.flatnonzero(state), ([], [])
    for place in places:
        for apply, found in zip(
            (lambda vector: rates.differentiate(vector, comm), rates.apply_linear),
            columns,
            strict=True,
        ):
            vector = np.zeros_like(state)
            vector[place] = 1
            apply(vector)
            found.append(vector[places])
    rates.put_back()
    return [np.array(found).T for found in columns]


def limit_of(solver, name, allowed):
    """Return the largest timestep with little growth, from the dense matrices of a step."""
    explicit, linear = matrices(solver)
    values = np.linalg.eigvals(explicit + linear)
    own, timestep = max(values.real.max(), 0), 0.05 / np.abs(values).max()
    while np.log(growth(name, timestep * explicit, timestep * linear)) - own * timestep <= allowed:
        timestep *= 1.01
    return timestep


@pytest.mark.parametrize(
    ("name", "stepper", "allowed"),
    [
        ("gas", d3.RK443, WEAK),
        ("gas", d3.RK222, STRONG),
        ("density and phase", d3.RK443, WEAK),
        ("steep waves", d3.RK443, WEAK),
        ("steep waves", spinhydro.IFRK4, WEAK),
    ],
)
def test_limits_are_those_of_the_matrix_of_a_step(name, stepper, allowed):
    """J of the gas at rest has no eigenvalue but 0, and its steps grow all the same."""
    limit = limit_of(make(name, stepper), stepper.__name__, allowed)
    for engine in ENGINES:
        found = frequencies_of(make(name, stepper, engine), explicit_linear=False, with_modes=True)
        known = 1 / StabilityCheck(found, stepper.__name__, 1.0).fraction
        assert 0.85 * limit < known < 1.03 * limit


def flow(stepper, engine):
    """Return the solver of a stratified flow, with its buoyancy on the right side."""
    coords = d3.CartesianCoordinates("x", "z")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = [d3.RealFourier(coords[n], size=16, bounds=(0, 1), dealias=3 / 2) for n in "xz"]
    p, s = (dist.Field(name=name, bases=bases) for name in "ps")
    u, tau = dist.VectorField(coords, name="u", bases=bases), dist.Field(name="tau")
    ez, N_B = coords.unit_vector_fields(dist)[1], 400.0
    problem = d3.IVP([u, s, p, tau], namespace=locals())
    problem.add_equation("dt(u) + grad(p) - 1e-4*lap(u) = - u@grad(u) + N_B*s*ez")
    problem.add_equation("dt(s) - 1e-4*lap(s) + N_B*u@ez = - u@grad(s)")
    problem.add_equation("div(u) + tau = 0")
    problem.add_equation("integ(p) = 0")
    x, z = dist.local_grids(*bases)
    u["g"][0], u["g"][1] = 0.1 * np.sin(2 * np.pi * z), 0.1 * np.sin(2 * np.pi * x)
    s["g"] = 0.1 * np.cos(2 * np.pi * (x + z))
    solver = build_solver(problem, stepper)
    choose_engine(solver, engine, sync_on_request=False)
    return solver


def test_a_flow_with_a_constraint_has_the_limit_of_its_internal_waves():
    """Half of their restoring force is explicit: neither half alone oscillates."""
    safe = {}
    for engine in ("fused", "lean"):
        found = frequencies_of(flow(d3.RK222, engine), explicit_linear=False, with_modes=True)
        safe[engine] = StabilityCheck(found, "RK222", 0.0).largest_safe
    assert safe["lean"] == pytest.approx(safe["fused"], rel=0.02)
    for factor, is_finite in ((1, True), (1.5, False)):
        solver = flow(d3.RK222, "fused")
        with np.errstate(all="ignore"):
            for _ in range(300):
                solver.step(factor * safe["fused"])
        assert bool(np.abs(solver.state[0]["g"]).max() < 10) is is_finite


def test_two_complex_components_have_the_limit_of_the_matrix_of_a_step():
    """The mean over components of a and b in -i (a u + b u*) gave twice the limit."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=N, bounds=(0, 2 * np.pi))
    u, w = (dist.Field(name=name, bases=basis) for name in "uw")
    u["g"], w["g"] = 1, 0.7
    problem = d3.IVP([u, w], namespace={"u": u, "w": w, "G": G, "abs2": spinhydro.abs2})
    problem.add_equation("dt(u) - 0.5j*lap(u) = -1j*G*(abs2(u) + 0.9*abs2(w) - 1.4)*u")
    problem.add_equation("dt(w) - 0.5j*lap(w) = -1j*G*(abs2(w) + 0.9*abs2(u) - 1.4)*w")
    known = []
    for engine in ("fused", "lean"):
        solver = build_solver(problem, d3.RK443)
        choose_engine(solver, engine, sync_on_request=False)
        found = frequencies_of(solver, explicit_linear=False, with_modes=True)
        known.append(1 / StabilityCheck(found, "RK443", 1.0).fraction)
    assert known[1] == pytest.approx(known[0], rel=0.01)
    limit = limit_of(solver, "RK443", WEAK)
    assert 0.7 * limit < known[0] < 1.03 * limit
