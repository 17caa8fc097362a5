"""Exact solutions against an independent integrator and against their differential equations."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spinhydro import (
    dark_bright_soliton,
    josephson_magnetization,
    magnetic_soliton,
    rabi_rotation,
    spin_spiral,
)


@pytest.mark.parametrize("k", [0.0, 0.3, 0.9, 0.999999, 1.0, 1.000001, 1.3, 5.0])
def test_josephson_solves_the_equation_of_motion(k):
    Omega_R = 0.7
    kappa_n = 2 * k * Omega_R

    def rate(_, s):
        return np.cross([Omega_R, 0, kappa_n * s[2]], s)

    times = np.linspace(0, 15, 40)
    solution = solve_ivp(rate, (0, 15), [0, 0, -1], t_eval=times, rtol=1e-12, atol=1e-13)
    Z = josephson_magnetization(kappa_n, Omega_R, times)
    np.testing.assert_allclose(Z, solution.y[2], atol=1e-8)


def test_josephson_broadcasts_and_bears_the_limits():
    Z = josephson_magnetization(np.zeros(3), 0.0, 5.0)
    np.testing.assert_array_equal(Z, -1)
    assert josephson_magnetization(np.ones((4, 1)), 1.0, np.ones(3)).shape == (4, 3)


def residual(spin, rate, x, kappa_n, kinetic):
    """|ds/dt - (K s x s'' + kappa s_z e_z x s)| with derivatives by FFT on a periodic grid."""
    k = 2 * np.pi * np.fft.fftfreq(x.size, x[1] - x[0])
    curvature = np.fft.ifft(-(k**2) * np.fft.fft(spin, axis=1), axis=1).real
    field = np.stack([0 * x, 0 * x, kappa_n * spin[2]])
    return np.abs(rate - kinetic * np.cross(spin, curvature, axis=0)
                  - np.cross(field, spin, axis=0)).max()  # fmt: skip


@pytest.mark.parametrize("velocity", [-0.7, 0.0, 0.4])
def test_soliton_solves_the_landau_lifshitz_equation(velocity):
    kappa_n, kinetic = 2.2, 1.4
    c_s, xi = np.sqrt(kinetic * kappa_n), np.sqrt(kinetic / kappa_n)
    x = np.linspace(-60, 60, 2048, endpoint=False)

    def spin(t):
        z = (x + 30 - velocity * c_s * t) / xi
        twin = magnetic_soliton(z - 60 / xi, velocity) * np.array([[1], [-1], [-1]])
        return np.where(z < 30 / xi, magnetic_soliton(z, velocity), twin)

    h = 1e-3
    rate = (8 * (spin(h) - spin(-h)) - (spin(2 * h) - spin(-2 * h))) / (12 * h)
    assert residual(spin(0), rate, x, kappa_n, kinetic) < 1e-8


def test_spiral_solves_the_landau_lifshitz_equation():
    kappa_n, kinetic, q, theta = 2.2, 1.4, 3.0, 1.1
    x = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    omega = -(kappa_n - kinetic * q**2) * np.cos(theta)
    spin = spin_spiral(q * x, theta)
    rate = omega * np.stack([spin[1], -spin[0], 0 * x])
    assert residual(spin, rate, x, kappa_n, kinetic) < 1e-11


@pytest.mark.parametrize(("angle", "width"), [(0.5, 0.6), (-0.3, 0.4), (0.0, 0.9)])
def test_dark_bright_soliton_solves_the_manakov_equations(angle, width):
    """Second derivatives by differences of order 8: psi is not periodic."""
    h = 0.05
    x = np.arange(-15, 15, h)
    weights = np.array(
        [-1 / 560, 8 / 315, -1 / 5, 8 / 5, -205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560]
    )

    def psi(t, shift=0.0):
        return dark_bright_soliton(x + shift, t, angle, width)

    t, step = 0.7, 1e-3
    curvature = sum(w * psi(t, (i - 4) * h) for i, w in enumerate(weights)) / h**2
    rate = (8 * (psi(t + step) - psi(t - step)) - psi(t + 2 * step) + psi(t - 2 * step)) / (
        12 * step
    )
    density = (np.abs(psi(t)) ** 2).sum(axis=0)
    residual = 1j * rate + curvature / 2 - density * psi(t)
    assert np.abs(residual).max() < 1e-8
    assert density[0] == pytest.approx(1, abs=1e-4)
    # A notch of depth D^2.
    assert density.min() == pytest.approx(1 - width**2, abs=1e-3)


def test_rabi_rotation():
    up = np.array([1.0, 0.0])
    np.testing.assert_allclose(rabi_rotation(up, np.pi), [0, -1j], atol=1e-15)
    np.testing.assert_allclose(rabi_rotation(up, 2 * np.pi), [-1, 0], atol=1e-15)
    psi = np.array([[0.3 + 0.1j, 0.2], [0.5j, -0.7]])
    twice = rabi_rotation(rabi_rotation(psi, 0.4), 0.3)
    np.testing.assert_allclose(twice, rabi_rotation(psi, 0.7), atol=1e-15)
