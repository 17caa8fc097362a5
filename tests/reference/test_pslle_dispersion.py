"""The ridges of the space-time spectrum against omega(k) + omega_K, for both cells of Fig. 1."""

import numpy as np
import pytest

import spinhydro.analysis.magnets
import spinhydro.analysis.spectra
from spinhydro.problem.load import load

from ..conftest import ROOT, stored

# Paper B, rad/ps and nm.
OMEGA_M, OMEGA_K, LAMBDA, A = 0.170299, 0.342811, 7.3, 0.355


def ridge(m, cell, interval):
    """k (rad/nm) and the frequency (THz) at which the spectrum of m_x - i m_y is largest."""
    plus = m[:, 0] - 1j * m[:, 1]
    spectra = np.fft.fft(plus, axis=1) * np.hanning(len(plus))[:, None]
    padded = np.fft.fft(spectra, n=16 * len(plus), axis=0)
    frequency = -np.fft.fftfreq(16 * len(plus), interval)
    power = np.abs(padded)
    top = np.argmax(power, axis=0)
    columns = np.arange(power.shape[1])
    left, mid, right = (np.log(power[(top + s) % len(power), columns]) for s in (-1, 0, 1))
    shift = (left - right) / (2 * (left - 2 * mid + right))
    step = frequency[1] - frequency[0]
    k = 2 * np.pi * np.fft.fftfreq(plus.shape[1], cell)
    return k, frequency[top] + shift * step


@pytest.mark.slow
@pytest.mark.parametrize("cell, N", [(0.355, 1127), (0.5, 800)])
def test_ridges_agree_with_the_dispersion_relation(cell, N, tmp_path):
    """0.003 THz in a run of 10 ps, whose resolution is 0.1 THz; the k^2 law misses by 35 %."""
    problem = load(ROOT / "problems" / "pslle_dispersion.py", cell=cell, N=N)
    result = problem.run(out=tmp_path, quiet=True)
    m = stored(result.folder)["m"]
    k, found = ridge(m, cell, 0.01)
    expected = (2 * OMEGA_M * (LAMBDA / A) ** 2 * (1 - np.cos(k * A)) + OMEGA_K) / (2 * np.pi)
    held = np.abs(k) < np.pi / cell * (1 - 1e-9)
    assert np.abs(found - expected)[held].max() <= 0.003
    law = (OMEGA_M * LAMBDA**2 * k**2 + OMEGA_K) / (2 * np.pi)
    missed = np.abs(law / expected - 1)[held].max()
    assert missed > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("cell, N, limit", [(0.355, 375, 0.05), (0.5, 270, 0.3)])
def test_ridges_of_a_spin_tilted_by_a_right_angle(cell, N, limit, tmp_path):
    """The paper's defect with its damping: 0.045 and 0.17 THz (0.044 and 0.16 in 400 nm)."""
    problem = load(
        ROOT / "problems" / "pslle_dispersion.py", cell=cell, N=N, defect="pi/2", alpha=0.01
    )
    ds = spinhydro.analysis.load(problem.run(out=tmp_path, quiet=True).folder)
    found, material = spinhydro.analysis.spectra.ridge(ds), spinhydro.analysis.magnets.magnet(ds)
    error = np.abs(spinhydro.analysis.spectra.ridge_error(found, material.magnon))
    assert np.mean(np.isnan(error)) < 0.03
    assert np.nanmax(error) <= limit
    missed = spinhydro.analysis.spectra.ridge_error(
        found, lambda k: material.magnon(k, "micromagnetic")
    )
    assert np.nanmax(np.abs(missed)) > 20
