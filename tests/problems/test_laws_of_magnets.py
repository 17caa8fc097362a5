"""Numbers of magnetic problems beside published ones and exact laws."""

import numpy as np
import pytest

from spinhydro.analysis import load as read
from spinhydro.analysis.figures import find
from spinhydro.analysis.tracking import hopf_index
from spinhydro.problem.load import load

from ..conftest import ROOT


def run(name, tmp_path, **values):
    result = load(ROOT / "problems" / f"{name}.py", **values).run(out=tmp_path, quiet=True)
    assert all(found["met"] for found in result.expect.values()), result.expect
    return read(result.folder)


def test_film_resonates_at_the_published_frequencies(tmp_path):
    """8.25 and 11.25 GHz of the FMR standard problem, on cells of 7.5 nm, within 1 %."""
    found = run("fmr", tmp_path, N=16, stop_time="5*ns")
    fmr = find("fmr").module
    peaks = fmr.peaks(*fmr.spectrum(found, 1))
    np.testing.assert_allclose(peaks[:2], [0.00825, 0.01125], rtol=0.01)


def test_spins_of_changing_length_follow_the_exact_law(tmp_path):
    """At four temperatures at once; the longitudinal law of `expect`, and m_e = L(3 m_e T_c/T)."""
    found = run("bloch_relaxation", tmp_path, T="[300*K, 600*K, 800*K, 900*K]", m_0=0.9, N=8)
    length = found.length.isel(t=-1).values.ravel()
    x = 3 * length * 1000 / np.array([300, 600, 800, 900])
    np.testing.assert_allclose(length, 1 / np.tanh(x) - 1 / x, atol=1e-3)


@pytest.mark.parametrize("terms, order, tolerance", [(0, 0.5373, 0.01), (4, 0.443, 0.03)])
def test_baths_with_memory_order_spins_as_their_noise_says(terms, order, tolerance, tmp_path):
    """Langevin's function of the classical bath, and of the heat of quantum noise at omega_B."""
    found = run("quantum_thermostat", tmp_path, terms=terms, N=1024)
    assert found.mz_mean.values.ravel()[30:].mean() == pytest.approx(order, abs=tolerance)


def test_hopfion_is_tied_once(tmp_path):
    """The Hopf index of a hopfion that has begun to relax, and energies of the signs they have."""
    found = run("hopfion", tmp_path, stop_time=0.1)
    assert hopf_index(found) == pytest.approx(-1, abs=1e-3)
    assert float(found.E_2[-1].values.ravel()[0]) < 0 < float(found.E_4[-1].values.ravel()[0])
