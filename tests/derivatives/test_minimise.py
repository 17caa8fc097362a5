"""Design by exact gradients: known minima are found."""

import re

import numpy as np
import pytest

from spinhydro import load
from spinhydro.errors import InputError
from tests.conftest import ROOT


def test_a_pulse_rotates_the_spins_as_required():
    """Without interaction Z = -cos(Omega t): Z = 1 after half a period."""
    problem = load(
        "problems/quantum_torque.py", Nx=64, stop_time="0.5*ms", torque=0.0, Omega_R="4",
        equations=["dt(s) = cross(Omega_R*ex + 0*kappa_n0*n*(s@ez)*ez, s)"],
    )  # fmt: skip
    found = problem.minimise(of="1 - ave(Z)", over=["Omega_R"], bounds={"Omega_R": (1, 9)})
    assert abs(found.values["Omega_R"] - 2 * np.pi) < 1e-3
    assert found.value < 1e-6 < found.start


def test_an_initial_field_is_recovered():
    """The state from which a wave has come: least squares in the values of a field."""
    problem = load(
        "problems/bogoliubov.py", level="lle", Nx=16, waves=2, stop_time="0.05*ms"
    )  # fmt: skip
    found = problem.minimise(of="ave(s@ez - 0.01)**2 + ave(s@ey)**2", over=["s"], iterations=30)
    assert found.value < 1e-9 < found.start
    assert found.values["s"].shape == (3, 24)


def test_adam_descends():
    problem = load("problems/bogoliubov.py", level="lle", Nx=16, waves=2, stop_time="0.05*ms")
    found = problem.minimise(
        of="ave(s@ez - 0.01)**2 + ave(s@ey)**2", over=["s"], method="adam", iterations=60,
        rate=1e-3,
    )  # fmt: skip
    assert found.value < 1e-2 * found.start
    assert found.evaluations == 61
    with pytest.raises(InputError, match="did you mean 'adam'"):
        problem.minimise(of="ave(s@ez)", over=["s"], method="adm")


@pytest.mark.parametrize(
    ("over", "options", "message"),
    [
        (["Omega_R"], {"bounds": {"R_x": (1, 2)}}, "bounds of R_x"),
        (["Omega_R"], {"bounds": {"Omega_R": (1, 2)}}, "exclude the start"),
        (["Omega_R"], {"bounds": {"Omega_R": 3}}, "two numbers"),
        (["Omega_R"], {"bounds": {"Omega_R": ("a", 3)}}, "two numbers"),
        (["Omega_R"], {"iterations": 0}, "at least 1"),
        (["Omega_R"], {"iterations": 2.5}, "a whole number"),
        (["Omega_R"], {"time": -1}, "must be positive"),
        (["Omega_R"], {"time": 1e12}, "at most 1e\\+08"),
        (["Omega_R"], {"memory": -1}, "must be positive"),
        (["Omega_R", "Omega_R"], {}, "not all different"),
        ([], {}, "with respect to what"),
        (["Nx"], {}, "a whole number"),
        (["atom"], {}, "not a number"),
        (["stop_time"], {}, "belongs to the calculation"),
        (["omega_R"], {}, "did you mean 'Omega_R'"),
        (["x"], {}, "no parameter 'x'"),
        (["ex"], {}, "do not read the field"),
    ],
)
def test_bad_input_is_one_line(over, options, message):
    problem = load("problems/quantum_torque.py", Nx=64, stop_time="0.1*ms")
    with pytest.raises(InputError, match=message) as refused:
        problem.minimise(of="ave(Z)", over=over, **options)
    assert "\n" not in str(refused.value)


def test_a_number_without_a_field_is_refused():
    problem = load("problems/quantum_torque.py", Nx=64, stop_time="0.1*ms")
    with pytest.raises(InputError, match="whatever the run does"):
        problem.minimise(of="Omega_R**2", over=["Omega_R"])


@pytest.mark.parametrize(
    ("name", "block", "of", "over", "iterations"),
    [
        ("ramp", 0, "ave(1 - Z)", ["Omega_R", "ramp_1", "ramp_2"], 12),
        # A real profile of a complex problem.
        ("shape", 2, "ave((n - target)**2) + 1e-4*ave(re(dx(V))**2)", ["V"], 5),
    ],
)
def test_examples_of_the_page(tmp_path, name, block, of, over, iterations):
    text = (ROOT / "docs" / "howto" / "design.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert of in code[block + 1]
    path = tmp_path / f"{name}.py"
    path.write_text(code[block], encoding="utf-8")
    found = load(path).minimise(of=of, over=over, iterations=iterations)
    assert found.value < 0.3 * found.start
