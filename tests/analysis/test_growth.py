"""Growth rates of modulational instability: from their law, and from a chain code."""

import numpy as np
import pytest
import xarray as xr
from spin_chain import OMEGA_K, OMEGA_M, dataset, evolve, sites

from spinhydro.analysis.growth import (
    _branch,
    _fit,
    cut_off,
    cut_off_formula,
    growth_formula,
    growth_rates,
    largest_growth,
)
from spinhydro.analysis.magnets import magnet
from spinhydro.errors import InputError

# Per ns and rad/nm: physics of paper B with H_k; n_bar = 0, 0.25, 0.5, 0.75.
LARGEST = {0.0: 171.405, 0.25: 160.692, 0.5: 128.554, 0.75: 74.990}
CUT_OFF = {0.0: 0.194394, 0.25: 0.188219, 0.5: 0.168342, 0.75: 0.128565}


def noise_run(n_bar, members=4, points=160, cell=3.55, outputs=25, interval=2.0, amplitude=1e-6):
    """50 ps from m_z = n_bar + noise at azimuth 0; cells of ten atoms, law of the atoms."""
    rng = np.random.default_rng(1)
    m_z = n_bar + amplitude * (2 * rng.random((members, points)) - 1)
    m0 = np.stack([np.sqrt(1 - m_z**2), 0 * m_z, m_z], axis=1)
    t, m = evolve(m0, "chain", 0.02, interval, outputs, cell=cell)
    return dataset(t, sites(points, cell), m)


def exact_run(n_bar, squared, k, t, seed=2):
    """m_z of waves that follow their law exactly, with random amplitudes; 3 members."""
    rng = np.random.default_rng(seed)
    x = np.arange(256) * 2 * np.pi / (k[1] - k[0]) / 256
    amplitude = 1e-7 * (rng.normal(size=(3, len(k))) + 1j * rng.normal(size=(3, len(k))))
    shape = np.cosh(np.sqrt(squared.astype(complex)) * t[:, None]).real
    wave = np.exp(1j * np.outer(k, x))
    m_z = n_bar + ((shape[:, None] * amplitude) @ wave).real
    m = np.stack([np.sqrt(1 - m_z**2), 0 * m_z, m_z], axis=2)
    return dataset(t, x, m)


@pytest.mark.parametrize("n_bar", LARGEST)
def test_formula(n_bar):
    material = magnet(dataset(np.arange(2.0), np.arange(2.0), np.zeros((2, 3, 2))))
    k = np.linspace(0, 0.25, 200001)
    rate = growth_formula(material, k, n_bar)
    assert 1e3 * rate.max() == pytest.approx(LARGEST[n_bar], abs=6e-4)
    assert k[np.flatnonzero(rate)[-1]] == pytest.approx(CUT_OFF[n_bar], abs=2e-6)
    assert cut_off_formula(material, n_bar) == pytest.approx(CUT_OFF[n_bar], abs=6e-7)


@pytest.mark.parametrize("n_bar", [0.0, 0.5])
def test_waves_of_known_growth(n_bar):
    k = 0.0157 * np.arange(1, 21)
    omega = OMEGA_M * 7.3**2 * k**2
    squared = omega * ((1 - n_bar**2) * OMEGA_K - omega)
    rates = growth_rates(exact_run(n_bar, squared, k, np.linspace(0, 50, 26)))
    assert rates.attrs["n_bar"] == pytest.approx(n_bar, abs=1e-6)
    assert rates.attrs["members"] == 3
    found = rates.growth_squared.values[:20]
    slow = squared > -((np.pi / 4) ** 2)  # half a turn per output of 2 ps
    assert np.all(np.isfinite(found[slow]))
    assert np.allclose(found[slow], squared[slow], rtol=1e-6, atol=1e-9)
    expected = np.sqrt((1 - n_bar**2) * OMEGA_K / OMEGA_M) / 7.3
    assert cut_off(rates) == pytest.approx(expected, abs=1e-6)
    place, largest = largest_growth(rates)
    assert largest == pytest.approx((1 - n_bar**2) * OMEGA_K / 2, rel=1e-6)
    assert place == pytest.approx(expected / np.sqrt(2), rel=1e-4)


def test_an_oscillation_at_its_turning_point_is_not_growth():
    """At half a period |cos| is 1, and disturbances may increase it."""
    k = 0.0157 * np.arange(1, 21)
    omega = OMEGA_M * 7.3**2 * k**2
    squared = omega * (0.75 * OMEGA_K - omega)
    t = np.linspace(0, 50, 51)
    row = np.flatnonzero(squared < 0)[1]
    squared[row] = -((np.pi / 25) ** 2)
    ds = exact_run(0.5, squared, k, t)
    z = ds.m.isel(t=25, spin=2)
    ds.m.values[25, ..., 2, :] = 0.5 + (1 + 1e-7) * (z.values - 0.5)
    rates = growth_rates(ds)
    assert rates.growth_squared.values[row] == pytest.approx(squared[row], rel=1e-6)


@pytest.mark.parametrize("n_bar", LARGEST)
def test_growth_in_a_simulated_chain(n_bar):
    ds = noise_run(n_bar)
    rates = growth_rates(ds)
    material = magnet(ds)
    exact = growth_formula(material, rates.k.values, n_bar)
    growing = exact > 0.1 * exact.max()
    assert np.abs(rates.growth.values[growing] / exact[growing] - 1).max() < 1e-4
    # At the cut-off the square is known well.
    near = np.abs(rates.k.values / CUT_OFF[n_bar] - 1) < 0.1
    omega = material.exchange(rates.k.values)
    squared = omega * ((1 - n_bar**2) * OMEGA_K - omega)
    assert np.abs(rates.growth_squared.values - squared)[near].max() < 1e-5 * exact.max() ** 2
    assert 1e3 * largest_growth(rates)[1] == pytest.approx(LARGEST[n_bar], rel=1e-4)
    assert cut_off(rates) == pytest.approx(CUT_OFF[n_bar], abs=1e-5)


def test_without_members_and_with_m_z_alone():
    ds = noise_run(0.25, members=1)
    one = ds.isel(member=0)
    assert np.allclose(growth_rates(one).growth, growth_rates(ds).growth, equal_nan=True)
    alone = one.assign(n=one.m.isel(spin=2, drop=True))[["n"]]
    assert np.allclose(growth_rates(alone, "n").growth, growth_rates(ds).growth, equal_nan=True)


def test_large_waves_are_left_out():
    ds = noise_run(0.0, amplitude=1e-4)
    rates = growth_rates(ds)
    assert rates.attrs["until"] < 50
    assert 1e3 * largest_growth(rates)[1] == pytest.approx(LARGEST[0.0], rel=2e-3)
    with pytest.raises(InputError, match="three outputs.*Start from weaker noise"):
        growth_rates(noise_run(0.0, outputs=4, amplitude=0.3))


def test_what_cannot_grow():
    uniform = np.zeros((4, 3, 16))
    uniform[:, 2] = 1
    with pytest.raises(InputError, match="m_z is uniform at the start"):
        growth_rates(dataset(np.arange(4.0), sites(16), uniform))
    ds = noise_run(0.0)
    with pytest.raises(InputError, match="the run has 2 of 26"):
        growth_rates(ds, until=2)
    with pytest.raises(InputError, match="no cut-off"):
        cut_off(growth_rates(ds).isel(k=slice(0, 4)))


def test_a_rate_of_zero_ends_the_growth():
    """Γ² = k² (c² - k²) on wavenumbers of which c is one: the zero itself is the cut-off."""
    k = 0.01 * np.arange(1, 21)
    squared = k**2 * (0.01 - k**2)
    squared[9] = 0.0
    rates = xr.Dataset({"growth_squared": ("k", squared)}, coords={"k": k})
    assert cut_off(rates) == pytest.approx(0.1, abs=1e-12)
    # Growth that begins again behind the first cut-off does not move it.
    for end in (0.1, 0.105):
        squared = k**2 * (end**2 - k**2)
        squared[15:18], squared[18:] = 1e-5, -1e-5
        rates = xr.Dataset({"growth_squared": ("k", squared)}, coords={"k": k})
        assert cut_off(rates, points=6) == pytest.approx(end, abs=1e-12)


def test_waves_that_turn_too_far_between_outputs_are_unknown():
    """|cos(omega t)| at an interval h belongs to omega and to pi/h - omega: pi/2h is the limit."""
    t = np.array([0.0, 1.0, 1.1, 2.1, 2.2, 3.2])
    omega = np.array([1.5, 1.6])
    squared, _ = _fit(np.cos(omega * t[:, None]) ** 2, t, np.zeros((len(t), 2)))
    assert squared[0] == pytest.approx(-(1.5**2), rel=1e-9)
    assert np.isnan(squared[1])


def test_amplitudes_that_do_not_follow_the_law_have_no_rate():
    """Relative deviations of 15 % in alternation are kept, with that misfit; 30 % are not."""
    t = 0.5 * np.arange(12)
    deviation = np.where(np.arange(12) % 2, 1.0, -1.0)[:, None] * np.array([0.15, 0.3])
    amplitude = np.cosh(0.7 * t)[:, None] * (1 + deviation)
    squared, misfit = _fit(amplitude**2, t, np.zeros(amplitude.shape))
    assert squared[0] == pytest.approx(0.49, rel=0.05) and np.isnan(squared[1])
    np.testing.assert_allclose(misfit, [0.15, 0.3], rtol=0.05)


@pytest.mark.parametrize(
    "near, squared",
    [(0.0, 0.0), (1.5, 0.0), (1.65, -(np.pi**2)), (3.1, -(np.pi**2)), (3.2, -(np.pi**2))],
)
def test_an_amplitude_of_one_is_a_turning_point_behind_the_first_zero(near, squared):
    """|cosh Γt| = 1 at t = 1: Γ = 0 before the cosine has passed through zero, Γ = i pi behind."""
    found = _branch(np.array([1.0]), 1.0, np.array([-(near**2)]))
    assert found[0] == pytest.approx(squared, abs=1e-12)
