"""The coupled Gross-Pitaevskii equations against an independent code (see the note in the data)."""

import h5py
import numpy as np
import pytest

from spinhydro.analysis import breaking_time, interface_position, spin_currents
from spinhydro.analysis import load as load_run
from spinhydro.analysis.figures import find_measurement
from spinhydro.analysis.sampling import at_times
from spinhydro.problem.load import load

from ..conftest import ROOT

PERIOD = 1 / 0.118


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The unchanged file, to 24 ms."""
    problem = load(ROOT / "problems" / "coupled_gpe.py", stop_time=24)
    return problem.run(out=tmp_path_factory.mktemp("runs"), quiet=True)


@pytest.fixture(scope="module")
def run(result):
    return load_run(result.folder)


@pytest.fixture(scope="module")
def reference():
    return np.load(ROOT / "tests" / "data" / "quantum_torque_gpe.npz")


@pytest.mark.parametrize("time", [8, 16, 20, 24])
@pytest.mark.parametrize("name", ["Z", "n"])
def test_fields_agree_with_the_independent_code(run, reference, time, name):
    (then,) = np.flatnonzero(reference["t"] == time)
    points = np.searchsorted(run.x, reference["x"] - 1e-6)
    np.testing.assert_allclose(run.x[points], reference["x"], atol=1e-9)
    difference = run[name].sel(t=time).values[points] - reference[name][then]
    assert np.sqrt(np.mean(difference**2)) < 5e-7


def test_number_and_energy_are_conserved(result, run):
    number = run.n.sel(t=slice(0, 20)).sum("x").values
    np.testing.assert_allclose(number, number[0], rtol=1e-10)
    assert result.expect["energy"]["value"] < 1e-10


def test_outputs_are_real_finite_and_consistent(result, run):
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        assert {file["tasks"][name].dtype for name in ("Z", "n", "v", "s")} == {np.dtype(float)}
    for name in ("Z", "n", "v", "s"):
        assert np.all(np.isfinite(run[name]))
    length = np.sqrt((run.s**2).sum("spin"))
    np.testing.assert_allclose(length, run.n, atol=1e-14)
    inside = np.abs(run.x) < 200
    np.testing.assert_allclose(
        (run.Z * run.n)[:, inside], run.s.sel(spin="z")[:, inside], atol=1e-10
    )
    assert np.abs(run.Z).max() <= 1


def test_density_obeys_the_continuity_equation(run):
    """The gas between -x and x changes by the flux n v through the ends."""
    t, x, n = run.t.values, run.x.values, run.n.values
    current, end, left, right = n * run.v.values, 49, 1024 - 600, 1024 + 600
    times = np.linspace(0, t[end], 1025)
    outward = current[: end + 1, right] - current[: end + 1, left]
    lost = np.trapezoid(at_times(outward, t[: end + 1], times, order=5), times)
    change = np.trapezoid((n[end] - n[0])[left : right + 1], x[left : right + 1])
    assert change == pytest.approx(-lost, abs=1e-4)
    assert abs(lost) > 0.1


def test_interface_and_breaking_time(run):
    position = interface_position(run)
    np.testing.assert_allclose(position, [122.44, 122.34, 122.25], atol=0.25)
    assert breaking_time(run) / PERIOD == pytest.approx(1.109, abs=0.02)


@pytest.mark.parametrize(
    ("periods", "expected"), [(0.9, 0.605), (1.0, 0.748), (1.1, 0.859), (1.25, 1.453)]
)
def test_spin_current_at_the_interface(run, periods, expected):
    """Largest |j|/(n c_s) within 25 um of x_c, with the sound velocity of the local density."""
    current = at_times(spin_currents(run).j_torque.values, run.t.values, periods * PERIOD)[0]
    n = at_times(run.n.values, run.t.values, periods * PERIOD)[0]
    sound = np.sqrt(run.attrs["hbar_over_m"] * run.attrs["kappa_n0"] * n / 2)
    near = np.abs(np.abs(run.x.values) - 122.45) <= 25
    found = (np.sqrt((current**2).sum(axis=0)) / n / sound)[near].max()
    assert found == pytest.approx(expected, rel=0.02)


def test_every_number_of_the_table_agrees(run):
    """Position, frequencies, breaking, currents, gradients, modulation, departure from local."""
    measure = find_measurement("torque_numbers").module.measure
    compared = [row for row in measure(run) if row.agrees is not None]
    assert len(compared) == 47
    assert [row.quantity for row in compared if not row.agrees] == []
