"""Local dynamics, frequencies and the interface: against exact solutions and a reference."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import ellipj
from synthetic_runs import KAPPA_N0, OMEGA_R, PARAMETERS, cloud, josephson_spins

from spinhydro.analysis import (
    analytic_position,
    breaking_time,
    critical_position,
    critical_position_thomas_fermi,
    effective_field_torque,
    interface_position,
    load,
    local_frequency,
    magnetization,
    measured_frequency,
    norm_error,
    spin_currents,
    torque_ratio,
)
from spinhydro.analysis.sampling import at_times, periodic_derivative, unit_spin_at
from spinhydro.errors import InputError

PERIOD = 2 * np.pi / OMEGA_R
# omega/Omega_R of the Thomas-Fermi profile 1 - (x/210)² at kappa n0 = Omega_R/0.33.
POSITIONS = np.array([0, 60, 90, 105, 119, 122, 122.5, 123, 126, 140, 160, 180.0])
FREQUENCIES = np.array(
    [
        2.63997,
        2.33979,
        1.93106,
        1.62075,
        1.12847,
        0.82186,
        0.31880,
        0.42068,
        0.55638,
        0.75224,
        0.88232,
        0.95736,
    ]
)


def thomas_fermi(x):
    return np.maximum(1 - (x / 210) ** 2, 0)


# Local dynamics


def test_local_frequency_table():
    computed = local_frequency(KAPPA_N0 * thomas_fermi(POSITIONS), OMEGA_R) / OMEGA_R
    assert np.allclose(computed, FREQUENCIES, rtol=0, atol=1e-5)


def test_local_frequency_limits():
    assert local_frequency(0.0, OMEGA_R) == pytest.approx(OMEGA_R, rel=1e-15)
    assert local_frequency(2 * OMEGA_R, OMEGA_R) == 0
    assert local_frequency(1e6, 1.0) == pytest.approx(1e6, rel=1e-9)
    # Next to k = 1 the quarter period is ln(4/k'), so omega = (pi/2) Omega_R / ln(4/k').
    for small in (1e-9, 1e-14):
        expected = np.pi / 2 / np.log(4 / np.sqrt(2 * small))
        assert local_frequency(2 * (1 - small), 1.0) == pytest.approx(expected, rel=1e-2 * 0.1)


@pytest.mark.parametrize("k", [0.0, 0.3, 0.9, 0.999])
def test_oscillation_is_cn(k):
    t = np.linspace(0, 60, 301)
    exact = -ellipj(OMEGA_R * t, k**2)[1]
    assert np.allclose(magnetization(t, 2 * k * OMEGA_R, OMEGA_R), exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("k", [1.001, 1.5, 4.0])
def test_self_trapping_is_dn(k):
    t = np.linspace(0, 60, 301)
    exact = -ellipj(k * OMEGA_R * t, 1 / k**2)[2]
    assert np.allclose(magnetization(t, 2 * k * OMEGA_R, OMEGA_R), exact, rtol=0, atol=1e-12)


def test_critical_point_is_sech_from_both_sides():
    t = np.linspace(0, 6, 61)
    exact = -1 / np.cosh(t)
    for k in (1 - 1e-12, 1, 1 + 1e-12):
        assert np.allclose(magnetization(t, 2 * k, 1.0), exact, rtol=0, atol=1e-8)


def test_local_equation_of_motion_near_the_critical_point():
    # (dZ/dt)² = Omega_R² (1 - Z²)(1 - k²(1 - Z²)): energy conservation from Z = -1.
    t, h = np.linspace(0.1, 80, 400), 1e-3
    for k in (0.2, 1 - 1e-7, 1 + 1e-7, 2.0):
        Z = magnetization(t, 2 * k, 1.0)
        shifted = [magnetization(t + a * h, 2 * k, 1.0) for a in (-2, -1, 1, 2)]
        slope = (shifted[0] - 8 * shifted[1] + 8 * shifted[2] - shifted[3]) / (12 * h)
        assert np.allclose(slope**2, (1 - Z**2) * (1 - k**2 * (1 - Z**2)), atol=1e-9)


def test_shapes_and_zero_coupling():
    assert magnetization(np.zeros(3), np.ones((4, 5)), 1.0).shape == (3, 4, 5)
    assert np.ndim(magnetization(1.0, 1.0, 1.0)) == 0
    with pytest.raises(InputError, match="Omega_R is 0"):
        magnetization(1.0, 1.0, 0)


def test_critical_position():
    analytic = critical_position_thomas_fermi(KAPPA_N0, OMEGA_R, 210)
    assert analytic == pytest.approx(122.450, abs=1e-3)
    x = np.linspace(-240, 240, 4096, endpoint=False)
    assert critical_position(thomas_fermi(x), x, KAPPA_N0, OMEGA_R) == pytest.approx(
        122.450, abs=1e-3
    )
    assert np.isnan(critical_position(thomas_fermi(x), x, OMEGA_R, OMEGA_R))
    assert np.isnan(critical_position_thomas_fermi(OMEGA_R, OMEGA_R, 210))


def test_critical_position_of_a_gaussian_is_of_fourth_order():
    errors = []
    for size in (128, 256):
        x = np.linspace(-210, 210, size, endpoint=False)
        found = critical_position(np.exp(-((x / 100) ** 2)), x, 3.0, 0.7)
        errors.append(abs(found - 100 * np.sqrt(np.log(1.5 / 0.7))))
    assert errors[1] < 2e-5
    assert 10 < errors[0] / errors[1] < 50
    assert np.isnan(critical_position(np.ones(64), np.arange(64.0), 3.0, 0.7))


# Measured frequencies


def test_measured_frequency_of_a_run(josephson_run):
    ds = load(josephson_run)
    measured = measured_frequency(ds.Z.values, ds.t.values)
    exact = local_frequency(KAPPA_N0 * ds.n[0].values, OMEGA_R)
    fits = 1.5 * np.pi / exact < 40
    assert fits.sum() > 500 and np.all(np.isfinite(measured[fits]))
    # Promised 1e-4; the spline reaches 2e-7 at 13 samples per period.
    assert np.max(np.abs(measured[fits] / exact[fits] - 1)) < 2e-6


@pytest.mark.parametrize("k", [0.5, 0.99, 1.01, 2.0])
@pytest.mark.parametrize("halves", [1.2, 1.8])
def test_measured_frequency_of_one_half_period(k, halves):
    exact = float(local_frequency(2 * k * OMEGA_R, OMEGA_R))
    t = np.linspace(0, halves * np.pi / exact, 30)
    measured = measured_frequency(magnetization(t, 2 * k * OMEGA_R, OMEGA_R)[:, None], t)
    assert measured[0] == pytest.approx(exact, rel=1e-4)


def test_no_frequency_where_there_is_none():
    t = np.linspace(0, 40, 161)
    short = -np.cos(np.pi * t / 45)  # less than half a period
    chirp = -np.cos(0.05 * t**2)
    Z = np.stack([np.full_like(t, -1.0), short, chirp, np.full_like(t, np.nan)], axis=1)
    assert np.all(np.isnan(measured_frequency(Z, t)))
    with pytest.raises(InputError, match="at least 6"):
        measured_frequency(Z[:5], t[:5])
    with pytest.raises(InputError, match="starts at t = 1"):
        measured_frequency(Z[4:], t[4:])


# Interface


def test_interface_position_of_the_reference(reference):
    # The recipe, on the two coupled Gross-Pitaevskii equations: published as 122.44 122.34 122.25.
    assert np.allclose(interface_position(reference["Z_gpe"]), [122.44, 122.34, 122.25], atol=0.02)
    # With frozen density the interface moves less.
    assert np.allclose(interface_position(reference["Z"]), [122.52, 122.44, 122.42], atol=0.02)


def test_interface_position_needs_the_time(reference):
    with pytest.raises(InputError, match="needs the run up to t = 16.9"):
        interface_position(reference["Z"], periods=[2.0])
    with pytest.raises(InputError, match="no output 'Z'"):
        interface_position(reference["Z"].drop_vars("Z"))


def test_reference_agrees_with_a_run_of_its_own(reference, torque_run):
    # Independent codes and slightly different densities: the interface is at its own x_c.
    ds = load(torque_run)
    shift = interface_position(ds) - analytic_position(ds)
    assert np.allclose(shift, interface_position(reference["Z"]) - 122.45, atol=0.1)


def test_breaking_time(torque_run):
    ds = load(torque_run)
    assert breaking_time(ds) / PERIOD == pytest.approx(1.10, abs=0.03)
    time = breaking_time(ds)
    assert torque_ratio(ds, [time])[0] == pytest.approx(1, abs=0.02)
    assert torque_ratio(ds, [time - 0.5])[0] < 1
    assert np.isnan(breaking_time(ds.isel(t=slice(0, 20))))


def spiral(n):
    """A spin spiral in the xy plane on a uniform density n, wave number q."""
    x = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    q = 3
    s = np.stack([np.cos(q * x), np.sin(q * x), 0 * x])[None]
    return xr.Dataset(
        {"s": (("t", "spin", "x"), s), "n": (("t", "x"), np.full((1, 64), n))},
        coords={"t": [0.0], "x": x, "spin": ["x", "y", "z"]},
        attrs=PARAMETERS,
    ), q


@pytest.mark.parametrize("length", [1.0, 0.7])
def test_spin_current_of_a_spiral(length):
    # dx(s_hat) x s_hat = -q e_z, for unit vectors and for spin densities alike.
    ds, q = spiral(0.7)
    ds["s"] = length * ds.s
    ds["v"] = xr.full_like(ds.n, 0.2)
    currents = spin_currents(ds)
    expected = -PARAMETERS["hbar_over_m"] / 2 * 0.7 * q
    assert np.allclose(currents.j_torque.sel(spin="z"), expected)
    assert np.allclose(currents.j_torque.sel(spin=["x", "y"]), 0, atol=1e-12)
    assert np.allclose(currents.advection, 0.2 * 0.7 * ds.s / length)


def test_effective_field_drives_the_local_dynamics():
    x, n = cloud()
    t, h = np.array([1.0, 3.0, 7.0]), 1e-3
    spins = [josephson_spins(t + shift, n) for shift in (-h, 0, h)]
    ds = xr.Dataset(
        {"s": (("t", "spin", "x"), spins[1]), "n": (("t", "x"), np.tile(n, (3, 1)))},
        coords={"t": t, "x": x},
        attrs=PARAMETERS,
    )
    rate = n * (spins[2] - spins[0]) / (2 * h)
    assert np.allclose(effective_field_torque(ds), rate, atol=1e-5)


def test_norm_error():
    ds, _ = spiral(0.7)
    assert norm_error(ds) < 1e-15
    ds["s"] = ds.s * 0.7
    assert norm_error(ds) < 1e-15
    ds["s"] = ds.s + xr.where(ds.spin == "x", 0.01, 0) * (ds.x == 0)
    assert norm_error(ds) == pytest.approx(0.01, rel=1e-6)


# Between outputs, and along x


def test_times_between_outputs():
    t = np.linspace(0, 10, 41)
    angle = t[:, None] * np.array([0.5, 1.0])
    s = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1)
    found = unit_spin_at(s, t, [0.3, 5.1, 10.0])
    assert np.allclose(np.sum(found**2, axis=1), 1)
    assert np.allclose(found[1, 2], np.cos([2.55, 5.1]), atol=1e-4)
    with pytest.raises(InputError, match="outside the record"):
        at_times(s, t, [10.2])


def test_periodic_derivative():
    x = np.linspace(-2, 2, 32, endpoint=False)
    k = 2 * np.pi / 4
    assert np.allclose(periodic_derivative(np.sin(3 * k * x), x), 3 * k * np.cos(3 * k * x))
    assert np.allclose(periodic_derivative((-1.0) ** np.arange(32), x), 0)
    with pytest.raises(InputError, match="uniform"):
        periodic_derivative(np.sin(x), x**3)
