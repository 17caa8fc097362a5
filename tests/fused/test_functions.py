"""Every function of the table, compiled and by NumPy, against Dedalus."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words  # noqa: F401
from spinhydro import RK4, FusedRK4
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.language.functions import FUNCTIONS
from spinhydro.language.words import WORDS
from spinhydro.problem.load import load

from ..conftest import ROOT

NAMES = [function.word or name for name, function in FUNCTIONS.items()]
POWERS = [2, 3, 9, 0.5, -1, -2, 1.5, -0.7]
#: Arguments away from branch cuts, on which rounding chooses between two values.
ARGUMENTS = {
    "real": (np.float64, "n"),
    "complex": (np.complex128, "(n + 0.4j*q)"),
    "a real profile in a complex problem": (np.complex128, "n"),
}


def problem(dtype, argument):
    """One variable for every function and power, whose rate is its value."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=dtype)
    kind = d3.RealFourier if dtype is np.float64 else d3.ComplexFourier
    basis = kind(coords["x"], size=16, bounds=(0, 2 * np.pi), dealias=3 / 2)
    x = dist.local_grid(basis)
    n, q = (dist.Field(name=name, bases=basis) for name in "nq")
    n["g"], q["g"] = 0.5 + 0.3 * np.sin(x), np.cos(x)
    names, equations = {"n": n, "q": q}, []
    for name in NAMES:
        field = names[f"f_{name}"] = dist.Field(name=f"f_{name}", bases=basis)
        # The inverse hyperbolic cosine has its real values beyond 1.
        value = "1/" + argument if name == "arccosh" else argument
        equations.append((field, f"dt(f_{name}) = {name}({value})"))
    for i, power in enumerate(POWERS):
        field = names[f"p_{i}"] = dist.Field(name=f"p_{i}", bases=basis)
        equations.append((field, f"dt(p_{i}) = {argument}**({power})"))
    found = d3.IVP([field for field, _ in equations], namespace=names)
    for _, equation in equations:
        found.add_equation(equation)
    return found


def rates(dtype, argument, stepper):
    found = problem(dtype, argument)
    solver = build_solver(found, RK4)
    if stepper:
        solver.timestepper = stepper(solver)
        solver.enforce_real_cadence = None
    solver.step(1.0)
    for field in solver.state:
        field.change_scales(3 / 2)
    return {field.name: field["g"].copy() for field in solver.state}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_functions_have_the_values_of_dedalus(case):
    expected = rates(*ARGUMENTS[case], None)
    for compiled in (False, True):
        found = rates(*ARGUMENTS[case], lambda s, c=compiled: FusedRK4(s, compiled=c))
        for name, values in expected.items():
            assert np.all(np.isfinite(values)), name
            error = np.abs(found[name] - values).max() / max(1, np.abs(values).max())
            assert error < 1e-12, (name, compiled)


def test_every_word_of_a_scalar_is_in_the_table():
    taken = {function.word for function in FUNCTIONS.values()}
    ufuncs = {name for name, word in WORDS.items() if isinstance(word.function, np.ufunc)}
    assert ufuncs <= taken


def test_a_function_added_to_an_equation_stays_fused(tmp_path):
    text = (ROOT / "problems" / "quantum_torque.py").read_text(encoding="utf-8")
    path = tmp_path / "edited.py"
    last = "n*(s@ez)*ez, s)"
    path.write_text(text.replace(last, f"{last} + 1e-9*erf(n)*s"), encoding="utf-8")
    found = load(path, quick=True)
    assert "erf" in found.equations[0]
    engine, _ = choose_engine(build_solver(found.ivp, RK4), "auto")
    assert engine == "fused"
