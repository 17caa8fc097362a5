"""Random edits of equation strings: accepted, or refused by an EquationError."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinhydro.errors import EquationError, InputError
from spinhydro.language.equations import read_equation
from spinhydro.problem.load import load

from ..conftest import ROOT

EQUATIONS = {
    "quantum_torque": (
        "dt(s) = torque*hbar_over_m/2*cross(s, lap(s) + q*dx(s))"
        " + cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)"
    ),
    "magnetic_soliton": "dt(s) = hbar_over_m/2*cross(s, lap(s)) + cross(kappa_n0*(s@ez)*ez, s)",
}
TOKENS = [
    "s", "n", "q", "t", "x", "ex", "ez", "torque", "Omega_R", "dist", "np", "problem", "lap", "dx",
    "dt", "cross", "sqrt", "grad", "div", "integ", "dy", "Q", "omega_r", "(", ")", "[", "]", ",",
    "+", "-", "*", "/", "**", "@", "=", "==", "^", ".", ":", "1", "0", "9**9", "1e308", "1j", "'",
    '"', " ", "\n", "\\", "lambda", "if", "__class__", "é", "\x00", "#", ";", "\t", "~", "not",
]  # fmt: skip


@pytest.fixture(scope="module")
def loaded():
    return {name: load(ROOT / "problems" / f"{name}.py", Nx=64).ivp for name in EQUATIONS}


@st.composite
def edited(draw):
    """One to four insertions, deletions, replacements or swaps of a true equation."""
    name = draw(st.sampled_from(sorted(EQUATIONS)))
    text = EQUATIONS[name]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 8))
        new = draw(st.one_of(st.sampled_from(TOKENS), st.text(max_size=3), st.just("")))
        text = text[:start] + new + text[start + length :]
    return name, text


@settings(
    max_examples=500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(edited())
def test_edited_equations(loaded, case):
    name, text = case
    started = time.monotonic()
    try:
        left, _ = read_equation(loaded[name], text)
    except InputError as error:
        assert isinstance(error, EquationError)
        assert "^" in str(error) and str(error).splitlines()[0]
    else:
        assert left.tensorsig
    # Not a measure of speed: a hang would take minutes.
    assert time.monotonic() - started < 30


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=40))
def test_any_text_at_all(loaded, text):
    with pytest.raises(EquationError):
        read_equation(loaded["quantum_torque"], text)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(edited())
def test_edited_files_load_or_say_why(tmp_path_factory, case):
    name, text = case
    source = (ROOT / "problems" / f"{name}.py").read_text(encoding="utf-8")
    start = source.index("problem.add_equation(")
    end = source.index("# Initial conditions")
    path = tmp_path_factory.mktemp("fuzz") / f"{name}.py"
    path.write_text(
        source[:start] + f"problem.add_equation({text!r})\n" + source[end:], encoding="utf-8"
    )
    try:
        load(path, Nx=64)
    except InputError as error:
        assert path.name in str(error)
