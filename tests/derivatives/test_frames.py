"""Stationary states of rotating and moving frames, found by Newton, against exact solutions."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

from spinhydro import load
from spinhydro.derivatives.spectrum import spectrum
from spinhydro.errors import InputError

DARK = """
import dedalus.public as d3
import numpy as np
import spinhydro

L, N = 40.0, 192
timestepper, timestep, stop_time, output_interval = "RK4", 0.01, 1.0, 1.0
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=N, bounds=(-L / 2, L / 2))
psi, t = dist.Field(name="psi", bases=xbasis), dist.Field(name="t")
x = dist.local_grid(xbasis)
problem = d3.IVP([psi], time=t, namespace=locals())
problem.add_equation("dt(psi) = 0.5j*lap(psi) - 1j*abs2(psi)*psi")
psi["g"] = np.tanh(L / 4 * np.sin(2 * np.pi * x / L))
outputs = {"psi": "psi"}
"""


@pytest.fixture(scope="module")
def dark(tmp_path_factory):
    path = tmp_path_factory.mktemp("frames") / "dark.py"
    path.write_text(DARK)
    return path


def frame_of(found):
    frame = found.background.frame
    return dict(zip((s.name for s in frame.symmetries), frame.coefficients, strict=True))


def test_phonons_on_dark_solitons(dark):
    """The chemical potential is found too; a soliton shifts phonons by 2 atan(2 c/k)."""
    found = spectrum(load(dark))
    assert found.background.kind == "stationary"
    mu = -frame_of(found)["phase of component 0"]
    peak = np.abs(found.background.values[0] + 1j * found.background.values[1]).max()
    assert abs(mu - peak**2) < 1e-8
    sizes = np.sort(np.abs(found.eigenvalues[0]))
    assert sizes[5] <= 1e-5 < 0.05 < sizes[6]
    assert np.abs(found.growth).max() <= 1e-5
    length = 40 * np.sqrt(mu)
    for n in (2, 3, 5):
        k = brentq(lambda k, n=n: k * length + 4 * np.arctan2(2, k) - 2 * np.pi * n, 1e-6, 9)
        wanted = mu * k * np.sqrt(1 + k**2 / 4)
        assert np.abs(found.frequencies - wanted).min() <= 1e-7 * wanted


def test_precessing_soliton_that_moves():
    """From a state that is too steep, another soliton of the two-parameter family is found."""
    problem = load("problems/moving_soliton.py", N=128)
    m = problem["m"]
    values = m["g"] * np.array([1.02, 1.02, 1.0])[:, None]
    m["g"] = values / np.linalg.norm(values, axis=0)
    found = spectrum(problem)
    frame, omega_K, Delta = frame_of(found), problem["omega_K"], problem["Delta"]
    Omega = frame["rotation of m about z"] / omega_K
    V = frame["velocity along x"] / (Delta * omega_K)
    assert abs(Omega - 0.4) > 1e-4
    spectra = np.fft.rfft(found.background.values[2], norm="forward")
    k = np.arange(len(spectra)) * 2 * np.pi / 128

    def mz(place):
        return spectra[0].real + 2 * np.real(spectra[1:] @ np.exp(1j * k[1:] * place))

    lowest = minimize_scalar(mz, bounds=(62, 66), options={"xatol": 1e-9}).fun
    a_0, b = 1 - Omega - V**2 / 4, Omega + V**2 / 2
    squared = 2 * a_0 / (b + np.hypot(Omega, V))
    assert abs((1 - lowest) / (1 + lowest) - squared) < 1e-6
    sizes = np.sort(np.abs(found.eigenvalues[np.isfinite(found.eigenvalues)]))
    assert sizes[3] <= 1e-5 < 0.1 < sizes[4]
    assert np.nanmax(found.growth) <= 1e-5


def test_explicit_time_needs_a_period(dark):
    driven = "dt(psi) = 0.5j*lap(psi) - 1j*(1 + 0.1*cos(2*t))*abs2(psi)*psi"
    with pytest.raises(InputError, match="--period"):
        spectrum(load(dark, equations=[driven]))
