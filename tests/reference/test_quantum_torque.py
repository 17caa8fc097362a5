"""The quantum torque against an independent code (tests/data/quantum_torque_lle.npz)."""

import numpy as np
import pytest

from spinhydro.analysis import load as read
from spinhydro.problem.load import load

from ..conftest import ROOT
from . import landau_lifshitz

#: Frozen gas, um: printed beside the measured values by analysis/torque_numbers.py.
INTERFACE = {"frozen": (122.52, 122.44, 122.42)}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    problem = load(ROOT / "problems" / "quantum_torque.py", stop_time=20)
    result = problem.run(out=tmp_path_factory.mktemp("runs"), quiet=True)
    found = read(result.folder)
    return {name: found[name].values for name in ("Z", "n", "s", "t", "x")}


@pytest.fixture(scope="module")
def reference():
    return np.load(ROOT / "tests" / "data" / "quantum_torque_lle.npz")


@pytest.mark.parametrize("time", [5, 10, 15, 20])
def test_magnetization_agrees_with_the_independent_code(run, reference, time):
    (now,) = np.flatnonzero(run["t"] == time)
    (then,) = np.flatnonzero(reference["t"] == time)
    inside = reference["x"] < 150
    points = np.searchsorted(run["x"], reference["x"][inside] - 1e-6)
    np.testing.assert_allclose(run["x"][points], reference["x"][inside], atol=1e-9)
    difference = run["Z"][now, points] - reference["Z"][then, inside]
    assert np.sqrt(np.mean(difference**2)) < 2e-6


def test_spin_length_is_kept(run):
    assert np.abs(np.sqrt((run["s"] ** 2).sum(axis=1)) - 1).max() < 1e-12


def test_mirror_symmetry_is_kept(run):
    Z = run["Z"][run["t"] <= 15]
    np.testing.assert_allclose(Z[:, 1:], Z[:, :0:-1], atol=1e-6)


def test_energy_is_conserved(run):
    r"""E = int n [hbar/8m |dx s|^2 + kappa n Z^2/4 + Omega_R s_x/2]."""
    Omega_R, hbar_over_m = 2 * np.pi * 0.118, 2.762437
    kappa_n0 = Omega_R / 0.33
    k = 2 * np.pi * np.fft.rfftfreq(run["x"].size, run["x"][1] - run["x"][0])
    gradient = np.fft.irfft(1j * k * np.fft.rfft(run["s"], axis=-1), run["x"].size, axis=-1)
    n, s = run["n"], run["s"]
    density = n * (
        hbar_over_m / 8 * (gradient**2).sum(axis=1)
        + kappa_n0 * n * s[:, 2] ** 2 / 4
        + Omega_R * s[:, 0] / 2
    )
    energy = density.sum(axis=-1)
    np.testing.assert_allclose(energy, energy[0], rtol=2e-4)


def test_positions_of_the_interface_are_those_of_an_independent_code(run):
    """x_c of the frozen gas at 0.75, 0.9 and 1 Rabi periods, and the references of the analysis."""
    t, x, Z = landau_lifshitz.magnetization(periods=1.0)
    period = 2 * np.pi / landau_lifshitz.OMEGA_R
    independent = [
        landau_lifshitz.critical_position(t, x, Z, share * period) for share in (0.75, 0.9, 1.0)
    ]
    np.testing.assert_allclose(independent, INTERFACE["frozen"], atol=0.03)
    ours = [
        landau_lifshitz.critical_position(run["t"], run["x"], run["Z"], share * period)
        for share in (0.75, 0.9, 1.0)
    ]
    np.testing.assert_allclose(ours, independent, atol=0.05)  # outputs every 0.25 ms
