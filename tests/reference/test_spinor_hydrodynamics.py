"""The hydrodynamics of the spinor against the coupled Gross-Pitaevskii equations in plain NumPy."""

import numpy as np
import pytest

from spinhydro.errors import ParameterError, WatchError
from spinhydro.problem.load import load

from ..conftest import ROOT, stored
from .split_step_gpe import advance, hydrodynamic_fields

PATH = ROOT / "problems" / "spinor_hydrodynamics.py"
TIMES = (4.25, 8.0)  # 0.5 and 0.94 Rabi periods


def initial_spinor(problem):
    """The initial spinor of the problem file, and its hydrodynamic fields."""
    for name in ("n", "theta", "phi"):
        problem[name].change_scales(1)
    theta, phi = problem["theta"]["g"], problem["phi"]["g"]
    return np.sqrt(problem["n"]["g"]) * np.stack(
        [np.sin(theta / 2) * np.exp(1j * phi), np.cos(theta / 2)]
    )


def parameters(problem):
    return {
        "lengths": (problem["L_x"], problem["L_y"], problem["L_z"])[: problem["dimensions"]],
        "V": np.broadcast_to(problem["V"]["g"], problem["theta"]["g"].shape),
        "hbar_over_m": problem["hbar_over_m"],
        "g": problem["g_n0"],
        "g12": problem["g12_n0"],
        "Omega_R": problem["Omega_R"],
    }


def outputs(folder):
    return stored(folder)


@pytest.fixture(scope="module")
def gas():
    """x, and n, v, Z at TIMES, of the coupled Gross-Pitaevskii equations in the pedestal trap."""
    problem = load(PATH, Nx=768)
    psi, known = initial_spinor(problem), parameters(problem)
    assert problem["V"]["g"].max() < 0.96 * problem["g_n0"]
    found, now = {"x": problem["x"]}, 0.0
    for time in TIMES:
        psi = advance(psi, time - now, 0.02, **known)
        n, J, s = hydrodynamic_fields(psi, known["lengths"], known["hbar_over_m"])
        found[time], now = {"n": n, "v": J[0] / n, "Z": s[2] / n}, time
    return found


def errors(gas, data, time):
    """rms differences of v, relative to its own rms, and of Z; largest difference of Z."""
    (now,) = np.flatnonzero(np.abs(data["t"] - time) < 1e-9)
    inside = np.abs(gas["x"]) < 150
    v, Z = (gas[time][name][inside] for name in ("v", "Z"))
    v_error, Z_error = data["v"][now, inside] - v, data["Z"][now, inside] - Z
    return (
        np.sqrt(np.mean(v_error**2) / np.mean(v**2)),
        np.sqrt(np.mean(Z_error**2)),
        np.abs(Z_error).max(),
    )


@pytest.mark.parametrize("form, times", [("conservative", TIMES), ("log_density", TIMES[:1])])
def test_exact_equations_agree_with_the_gas(gas, form, times, tmp_path):
    result = load(PATH, Nx=768, form=form, stop_time=times[-1]).run(out=tmp_path, quiet=True)
    assert all(found["met"] for found in result.expect.values())
    data = outputs(result.folder)
    assert data["v"].shape == data["n"].shape
    np.testing.assert_allclose(np.sqrt((data["s"] ** 2).sum(axis=1)), data["n"], atol=1e-7)
    for time in times:
        v_error, Z_error, _ = errors(gas, data, time)
        assert v_error < 1e-6
        assert Z_error < 1e-7


def test_equation_4_as_printed_does_not(gas, tmp_path):
    """Its velocity is wrong by half at 0.5 Rabi periods, its Z by 0.06 at 0.94 periods."""
    result = load(PATH, Nx=768, as_printed=1, stop_time=8).run(out=tmp_path, quiet=True)
    data = outputs(result.folder)
    v_error, _, _ = errors(gas, data, 4.25)
    assert v_error == pytest.approx(0.5, abs=0.1)
    _, _, largest = errors(gas, data, 8)
    assert largest == pytest.approx(0.06, abs=0.005)


def test_momentum_is_kept_by_the_exact_equations_and_not_by_equation_4(tmp_path):
    """A texture in a uniform gas: there are no external forces."""
    uniform = {"trap": "none", "texture": 0.5, "L_x": 30, "Nx": 64, "stop_time": 1}
    momentum = []
    for as_printed in (0, 1):
        result = load(PATH, as_printed=as_printed, **uniform).run(out=tmp_path, quiet=True)
        data = outputs(result.folder)
        total = (data["n"] * data["v"]).mean(axis=-1)
        momentum.append(np.abs(total - total[0]).max() / np.abs(data["v"]).max())
    # The grid mean of the product v n of two rounded-off outputs is exact to aliasing.
    assert momentum[0] < 1e-9
    assert momentum[1] > 1e-3


@pytest.mark.parametrize("dimensions, points, stop_time", [(2, 40, 0.5), (3, 20, 0.1)])
def test_two_and_three_dimensions_agree_with_the_gas(dimensions, points, stop_time, tmp_path):
    sizes = dict.fromkeys(("Nx", "Ny", "Nz"), points)
    problem = load(
        PATH, dimensions=dimensions, trap="none", L_x=30, stop_time=stop_time,
        output_interval=stop_time, **sizes,
    )  # fmt: skip
    psi, known = initial_spinor(problem), parameters(problem)
    start = hydrodynamic_fields(psi, known["lengths"], known["hbar_over_m"])
    result = problem.run(out=tmp_path, quiet=True)
    vorticities = [name for name in result.expect if name.startswith("vorticity")]
    assert len(vorticities) == (1 if dimensions == 2 else 3)
    assert all(found["met"] for found in result.expect.values())
    data = outputs(result.folder)
    psi = advance(psi, stop_time, 0.01, **known)
    n, J, s = hydrodynamic_fields(psi, known["lengths"], known["hbar_over_m"])
    for name, reference in (("n", n), ("v", J / n), ("s", s)):
        np.testing.assert_allclose(data[name][-1], reference, rtol=0, atol=3e-7)
    # The gas moves by much more than the tolerance.
    assert np.abs(n - start[0]).max() > 1e-3
    assert np.abs(J - start[1]).max() > 1e-3


def test_without_texture_two_dimensions_are_as_one(tmp_path):
    same = {"Nx": 256, "R_x": 60, "L_x": 140, "stop_time": 0.5, "output_interval": 0.5}
    one = load(PATH, **same, timestep=0.02)
    two = load(PATH, dimensions=2, texture=0, Ny=8, **same, timestep=0.02)
    line, plane = (outputs(p.run(out=tmp_path, quiet=True).folder) for p in (one, two))
    assert np.ptp(line["Z"][-1]) > 5e-3
    np.testing.assert_allclose(plane["Z"][-1], line["Z"][-1][:, None] + np.zeros(8), atol=1e-9)
    np.testing.assert_allclose(plane["v"][-1, 0], line["v"][-1][:, None] + np.zeros(8), atol=1e-9)
    np.testing.assert_allclose(plane["v"][-1, 1], 0, atol=1e-9)


def test_low_density_stops_the_run_and_says_where(tmp_path):
    problem = load(PATH, trap="none", texture=0.5, L_x=60, Nx=64, stop_time=5, n_stop=0.99)
    with pytest.raises(WatchError, match=r"'n >= n_stop' is broken .* 0\.9\d+ at x = ") as caught:
        problem.run(out=tmp_path, quiet=True)
    assert caught.value.exit_code == 3


def test_another_atom_trap_and_coupling(tmp_path):
    other = {"atom": "K39", "Omega_R": "2*pi*200*Hz", "kappa_n0": "2*pi*900*Hz", "R_x": "90*um",
             "L_x": "200*um", "g12_over_g": 0.8, "Nx": 512, "stop_time": 1}  # fmt: skip
    result = load(PATH, **other).run(out=tmp_path, quiet=True)
    assert all(found["met"] for found in result.expect.values())


@pytest.mark.parametrize("trap, tolerance", [("harmonic", 3e-5), ("sponge", 3e-8)])
def test_treatments_of_low_density_leave_the_cloud_alone(trap, tolerance, tmp_path):
    """Both against the Gross-Pitaevskii equations in the harmonic trap, in the cloud."""
    same = {"Nx": 512, "R_x": 100, "L_x": 230, "stop_time": 3}
    gas = load(PATH, trap="harmonic", **same)
    psi = advance(initial_spinor(gas), 3, 0.01, **parameters(gas))
    assert gas["V"]["g"].max() > 1.2 * gas["g_n0"]
    Z = (np.abs(psi[0]) ** 2 - np.abs(psi[1]) ** 2) / (np.abs(psi) ** 2).sum(axis=0)
    result = load(PATH, trap=trap, **same).run(out=tmp_path, quiet=True)
    assert all(found["met"] for found in result.expect.values())
    inside = np.abs(gas["x"]) < 75
    difference = outputs(result.folder)["Z"][-1] - Z
    assert np.sqrt(np.mean(difference[inside] ** 2)) < tolerance
    assert np.ptp(Z[inside]) > 0.3


@pytest.mark.parametrize(
    "values, message",
    [
        ({"dimensions": 4}, "1, 2 or 3"),
        ({"form": "flux"}, "conservative or log_density"),
        ({"trap": "harmonic", "as_printed": 1}, "take trap=pedestal"),
        ({"g12_over_g": 1.1}, "immiscible"),
        ({"g12_over_g": -1.1}, "collapse"),
        ({"wall": 0.999}, "needs a density 1 - wall above"),
        ({"R_x": 300}, "needed for the cloud to fit in"),
        ({"wall": 1.5}, "needs a density 1 - wall above"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ParameterError, match=message):
        load(PATH, **values)


@pytest.mark.parametrize("values", [{}, {"form": "log_density"}, {"as_printed": 1}], ids=str)
def test_an_equation_from_the_command_line_replaces_that_of_every_variant(values):
    variable = "v" if values else "J"
    problem = load(PATH, Nx=64, equations=[f"dt({variable}) = -grad(V)"], **values)
    assert len(problem.equations) == 4
    assert f"dt({variable}) = -grad(V)" in problem.equations
