"""Energies of spin runs and the errors between models, against the tabulated grating."""

import numpy as np
import pytest
from spin_chain import A, dataset, evolve, exchange_operator, grating, sites

from spinhydro.analysis.exchange import (
    anisotropy_energy,
    energy_errors,
    exchange_energy,
    largest_error,
    mean_magnetization,
    neighbour_sum,
)
from spinhydro.errors import InputError

TIMES = (0.0, 0.1, 0.2, 0.5)
# E_ex/NJ and <m_z> of the seeded grating (1127 sites, 8 pulses, r_max 0.5, seed 0, alpha 0.01).
ATOMISTIC = (0.3397357, 0.25257552, 0.18491977, 0.07330146)
MICROMAGNETIC = (0.3397357, 0.20175633, 0.12311492, 0.04168885)
MEAN = (0.81592563, 0.84812139, 0.87307076, 0.91775906)


@pytest.fixture(scope="module")
def runs():
    m0, x = grating(), sites(1127)
    return {
        model: dataset(*swap(evolve(m0, model, timestep, 0.1, 6, alpha=0.01), x), kernel=model)
        for model, timestep in (("atomistic", 5e-4), ("chain", 5e-4), ("micromagnetic", 2.5e-4))
    }


def swap(record, x):
    t, m = record
    return t, x, m


def test_tabulated_energies(runs):
    rows = [0, 1, 2, 5]
    for model, expected in (("atomistic", ATOMISTIC), ("micromagnetic", MICROMAGNETIC)):
        energy = exchange_energy(runs[model]).isel(member=0).values[rows]
        assert np.allclose(energy, expected, rtol=1e-4)
    mean = mean_magnetization(runs["atomistic"]).isel(member=0).values[rows]
    assert np.allclose(mean, MEAN, rtol=1e-5)


def test_errors_of_the_micromagnetic_law(runs):
    errors = energy_errors(runs["micromagnetic"], runs["atomistic"])
    time, percent = largest_error(errors)
    assert time == pytest.approx(0.4) and percent == pytest.approx(43.46, abs=0.2)
    time, percent = largest_error(errors, "P_raw")
    assert time == pytest.approx(0.2) and percent == pytest.approx(7.58, abs=0.05)


def test_the_chain_law_is_atomistic_dynamics(runs):
    errors = energy_errors(runs["chain"], runs["atomistic"])
    assert float(errors.P_ex.max()) < 1e-7  # percent


def test_lattice_and_spectral_definitions(runs):
    ds = runs["atomistic"]
    lattice = exchange_energy(ds).values
    assert np.allclose(exchange_energy(ds, definition="spectral").values, lattice, rtol=1e-12)
    # The energy from the field, E = m·W(m)/2, of the neighbour differences.
    m = ds.m.values
    field = exchange_operator("atomistic", 1127)(m)
    strength = exchange_operator("atomistic", 3)(np.array([1.0, 0, 0]))[0] / 2
    assert np.allclose((m * field).sum(axis=(1, 2)) / 2 / 1127 / strength, lattice[:, 0])
    # The long-wavelength law overestimates a white state.
    long_waves = exchange_energy(runs["micromagnetic"], definition="spectral").values
    assert long_waves[0, 0] > 1.3 * lattice[0, 0]


def test_spiral_and_raw_sum():
    q = 2 * np.pi * 3 / (32 * A)
    phase = q * sites(32)
    m = np.stack([np.cos(phase), np.sin(phase), 0 * phase])
    ds = dataset(np.arange(2.0), sites(32), np.stack([m, m]))
    assert exchange_energy(ds).values == pytest.approx(1 - np.cos(q * A))
    assert neighbour_sum(ds).values == pytest.approx(np.cos(q * A))
    assert anisotropy_energy(ds).values == pytest.approx(1.0)


def test_two_dimensions_and_members():
    rng = np.random.default_rng(0)
    m = rng.normal(size=(3, 2, 3, 8, 6))
    m /= np.sqrt((m**2).sum(axis=2, keepdims=True))
    base = dataset(np.arange(3.0), np.arange(8.0) * A, np.zeros((3, 3, 8)))
    ds = base.drop_vars("m").assign(m=(("t", "member", "spin", "x", "y"), m))
    ds = ds.assign_coords(y=np.arange(6.0) * A)
    energy, raw = exchange_energy(ds), neighbour_sum(ds)
    assert energy.shape == (3, 2)
    # Unit spins: |a - b|²/2 = 1 - a·b on each of the two bonds of a site.
    assert np.allclose(energy + raw, 2)
    kx, ky = (2 * np.pi * np.fft.fftfreq(n, A) for n in (8, 6))
    law = 2 * (2 - np.cos(kx * A)[:, None] - np.cos(ky * A))
    power = np.abs(np.fft.fft2(m) / 48) ** 2
    assert np.allclose(energy, (power * law).sum(axis=(2, 3, 4)) / 2)


def test_mean_from_a_scalar_output(runs):
    ds = runs["atomistic"]
    only = ds.assign(mz_mean=("t", ds.m.isel(spin=2).mean("x").values)).drop_vars("m")
    assert np.allclose(mean_magnetization(only), mean_magnetization(ds))


def test_runs_that_cannot_be_compared(runs):
    ds = runs["atomistic"]
    with pytest.raises(InputError, match="do not start alike"):
        energy_errors(ds.isel(t=slice(2, None)).assign_coords(t=ds.t[:-2]), ds)
    with pytest.raises(InputError, match="fewer than two times in common"):
        energy_errors(ds.isel(t=slice(0, 1)), ds)
    with pytest.raises(InputError, match="1 and 2 members"):
        energy_errors(ds, ds.assign(m=ds.m.expand_dims(member=2)))
    with pytest.raises(InputError, match="no definition 'k'"):
        exchange_energy(ds, definition="k")


def test_half_finished_run_is_compared_as_far_as_it_is(runs):
    ds = runs["micromagnetic"].isel(t=slice(0, 4))
    errors = energy_errors(ds, runs["atomistic"])
    assert errors.sizes["t"] == 4
