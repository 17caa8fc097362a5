"""Orders in time and accuracy in space, fitted against exact solutions."""

import numpy as np
import pytest

from spinhydro.problem.load import load

from ..conftest import ROOT

CASES = {
    # problem, timestepper: timesteps in ms, other values
    ("josephson", "RK4"): ([0.2, 0.1, 0.05, 0.025], {"Nx": 32, "stop_time": 8.0}),
    ("josephson", "RK443"): ([0.05, 0.025, 0.0125, 0.00625], {"Nx": 32, "stop_time": 4.0}),
    ("spin_spiral", "RK4"): ([0.08, 0.04, 0.02, 0.01], {"Nx": 32, "stop_time": 4.0}),
    ("spin_spiral", "RK443"): ([0.04, 0.02, 0.01, 0.005], {"Nx": 32, "stop_time": 4.0}),
    ("magnetic_soliton", "RK4"): ([0.006, 0.0048, 0.004, 0.003], {"stop_time": 2.4}),
    ("magnetic_soliton", "RK443"): ([0.003, 0.0024, 0.002, 0.0015], {"stop_time": 1.2}),
}


def error(name, tmp_path, **values):
    values.setdefault("output_interval", values["stop_time"])
    result = load(ROOT / "problems" / f"{name}.py", **values).run(out=tmp_path, quiet=True)
    (found,) = result.expect.values()
    return found["value"]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_order_in_time(case, tmp_path):
    name, stepper = case
    timesteps, values = CASES[case]
    errors = [
        error(name, tmp_path, timestep=timestep, timestepper=stepper, **values)
        for timestep in timesteps
    ]
    order = np.polyfit(np.log(timesteps), np.log(errors), 1)[0]
    assert order == pytest.approx(4 if stepper == "RK4" else 3, abs=0.1), errors


def test_soliton_is_spectral_in_space(tmp_path):
    sizes = [128, 192, 256, 384, 576]
    errors = [
        error("magnetic_soliton", tmp_path, Nx=size, stop_time=0.5, timestep=0.0025)
        for size in sizes
    ]
    assert errors[-1] < 1e-9, errors
    # Exponential, not algebraic: a power law of order 8 from the first would end far above.
    assert errors[-1] < errors[0] * (sizes[0] / sizes[-1]) ** 8, errors
    assert all(b < a for a, b in zip(errors, errors[1:], strict=False)), errors


def test_left_side_terms_do_not_change_the_answer_of_rk4(tmp_path, copied):
    """RK4 takes linear terms explicitly on either side."""
    moved = copied(
        "josephson",
        (
            '"dt(s) = cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)"',
            '"2*dt(s) - cross(2*Omega_R*ex, s) = cross(2*kappa_n0*n*(s@ez)*ez, s)"',
        ),
    )
    values = {"Nx": 32, "stop_time": 2.0}
    result = load(moved, **values).run(out=tmp_path, quiet=True)
    (found,) = result.expect.values()
    assert found["value"] < 1e-8
