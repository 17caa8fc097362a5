"""Space-time spectra and dispersion ridges, against single waves and a separate chain code."""

import numpy as np
import pytest
import xarray as xr
from spin_chain import A, dataset, defect, evolve, sites, write_chain_run

from spinhydro.analysis import load
from spinhydro.analysis.magnets import magnet
from spinhydro.analysis.spectra import (
    folded,
    iso_frequency,
    ridge,
    ridge_error,
    spacetime_spectrum,
    wave_amplitudes,
)
from spinhydro.errors import InputError

TURN = 2 * np.pi


def waves(entries, size=64, outputs=200, interval=0.01, members=1):
    """Spins near +z with m_x + i m_y = Σ amplitude exp(i(k x + 2π f t)); entries (mode, f, amp)."""
    x, t = sites(size), interval * np.arange(outputs)
    k = TURN * np.arange(size) / (size * A)
    u = sum(
        amplitude * np.exp(1j * (k[mode] * x + TURN * f * t[:, None]))
        for mode, f, amplitude in entries
    )
    m = np.stack([u.real, u.imag, np.sqrt(1 - np.abs(u) ** 2)], axis=1)
    if members > 1:
        m = np.stack([m] * members, axis=1)
    return dataset(t, x, m)


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize("window", ["hann", "blackman", "none"])
def test_a_wave_stands_where_it_is_with_its_amplitude(window, members):
    # 12 THz falls on a bin of 2 ps.
    ds = waves([(5, 12.0, 1e-3)], members=members)
    power = spacetime_spectrum(ds, window=window)
    place = power.argmax(["f", "k"])
    assert float(power.f[place["f"]]) == pytest.approx(12.0)
    assert float(power.k[place["k"]]) == pytest.approx(TURN * 5 / (64 * A))
    assert float(power.max()) == pytest.approx(1e-6, rel=1e-9)
    assert power.f.attrs["units"] == "THz"


def test_sign_of_frequency_and_wavenumber():
    power = spacetime_spectrum(waves([(5, -12.0, 1e-3)]))
    place = power.argmax(["f", "k"])
    assert float(power.f[place["f"]]) == pytest.approx(-12.0)
    real = spacetime_spectrum(waves([(5, -12.0, 1e-3)]), component="x")
    assert float(real.f.min()) == 0
    assert float(real.sel(f=12, k=-power.k[place["k"]], method="nearest")) == pytest.approx(
        2.5e-7, rel=1e-6
    )


@pytest.mark.parametrize("f", [12.0, 12.13, 12.25, 12.49, -7.31])
def test_ridge_of_one_wave_to_a_thousandth_of_a_bin(f):
    found = ridge(waves([(5, f, 1e-3)]), floor=1e-3)
    here = found.dropna("k")
    assert here.sizes["k"] == 1
    assert float(here.frequency[0]) == pytest.approx(f, abs=5e-4)  # a bin is 0.5 THz
    assert float(here.power[0]) == pytest.approx(1e-6, rel=1e-3)


def test_ridge_between_limits_takes_the_other_branch():
    ds = waves([(5, 12.2, 1e-3), (5, -20.4, 3e-3)])
    k = TURN * 5 / (64 * A)
    assert float(ridge(ds).frequency.sel(k=k, method="nearest")) == pytest.approx(-20.4, abs=1e-3)
    found = ridge(ds, between=(0, 50), floor=1e-4)
    assert float(found.frequency.sel(k=k, method="nearest")) == pytest.approx(12.2, abs=1e-3)
    with pytest.raises(InputError, match="no frequency between 60 and 70; this run resolves -50"):
        ridge(ds, between=(60, 70))


def test_detrending_removes_what_does_not_swing():
    ds = waves([(5, 3.3, 1e-3)])
    drift = xr.DataArray(np.linspace(2e-2, 5e-2, ds.sizes["t"]), dims="t")
    shape = xr.DataArray(np.cos(TURN * 5 * np.arange(64) / 64), dims="x")
    ds["u"] = ds.m.isel(spin=0, drop=True) + drift * shape
    k = TURN * 5 / (64 * A)
    kept = spacetime_spectrum(ds, "u").sel(k=k, method="nearest")
    taken = spacetime_spectrum(ds, "u", detrend="linear").sel(k=k, method="nearest")
    assert float(kept.f[kept.argmax("f")]) == 0
    assert float(taken.f[taken.argmax("f")]) == pytest.approx(3.5, abs=0.3)
    assert float(taken[0]) < 1e-5 * float(kept[0])


@pytest.mark.parametrize("cell, points, limit", [(A, 225, 0.003), (0.5, 160, 0.003)])
def test_ridge_of_a_small_defect_is_the_magnon_law(cell, points, limit):
    # 0.1 rad, no damping, 5 ps in steps of 0.5 fs. (At 1 fs RK4 itself lags at 288 rad/ps by
    # 0.288^4/120, that is by 0.0026 THz.)
    t, m = evolve(defect(points, 0.1), "chain", 5e-4, 0.01, 500, cell=cell)
    ds = dataset(t, sites(points, cell), m)
    law = magnet(ds).magnon
    error = ridge_error(ridge(ds), law)
    assert int(error.notnull().sum()) == points
    assert float(np.abs(error).max()) <= limit
    other = ridge_error(ridge(ds), lambda k: magnet(ds).magnon(k, "micromagnetic"))
    miss = np.abs(other) * TURN / magnet(ds).magnon(other.k.values, "micromagnetic")
    assert float(miss.max()) == pytest.approx(0.59 if cell == A else 0.35, abs=0.01)


def test_law_above_the_sampled_range_folds():
    assert folded(113.1, 0.01) == pytest.approx(13.1)
    # Beyond half the rate of the outputs, frequencies fold to the other side of zero.
    assert folded(70.0, 0.01) == pytest.approx(-30)
    assert folded(-70.0, 0.01) == pytest.approx(30)


def test_errors_fold_as_the_outputs_do():
    """Differences by a multiple of 1/interval vanish; others lose the nearest multiple."""
    k = np.array([0.1, 0.2, 0.3, 0.4])
    found = xr.Dataset({"frequency": ("k", [0.0, 70.0, -70.0, 104.0])}, coords={"k": k})
    error = ridge_error(found, np.zeros_like, output_interval=0.01)
    np.testing.assert_allclose(error, [0, -30, 30, 4], atol=1e-9)
    np.testing.assert_allclose(ridge_error(found, np.zeros_like), found.frequency)
    assert folded(60.0, 0.01) == pytest.approx(-40.0)
    found = xr.Dataset({"frequency": ("k", [13.1])}, coords={"k": [1.0]})
    error = ridge_error(found, lambda k: TURN * np.array([113.1]), output_interval=0.01)
    assert float(error[0]) == pytest.approx(0, abs=1e-9)


def test_members_and_files(tmp_path):
    ds = waves([(5, 12.2, 1e-3)])
    run = write_chain_run(tmp_path / "0001", ds.t, ds.x, {"m": ds.m.values})
    read = load(run)
    assert np.allclose(ridge(read).frequency, ridge(ds).frequency, equal_nan=True)
    three = waves([(5, 12.2, 1e-3)], members=3)
    assert np.allclose(ridge(three).frequency, ridge(ds).frequency, equal_nan=True)
    # Components as separate scalars, as a plain Dedalus script may save them.
    parts = ds.drop_vars("m").assign(
        {f"m{c}": ds.m.isel(spin=i, drop=True) for i, c in enumerate("xyz")}
    )
    assert np.allclose(
        wave_amplitudes(parts, "mx, my, mz").values, wave_amplitudes(ds).values, atol=0
    )


def test_what_a_spectrum_cannot_be_made_of():
    ds = waves([(5, 12.2, 1e-3)])
    with pytest.raises(InputError, match="no output 's' of spins; it has m"):
        ridge(ds, "s")
    with pytest.raises(InputError, match="no component 'w'"):
        ridge(ds, component="w")
    with pytest.raises(InputError, match="no window 'han'; did you mean 'hann'"):
        ridge(ds, window="han")
    with pytest.raises(InputError, match="at least 4 outputs and the run has 3"):
        ridge(ds.isel(t=slice(0, 3)))
    with pytest.raises(InputError, match="equal intervals; they are 0.01 to 0.03 apart"):
        ridge(ds.isel(t=[0, 1, 2, 3, 6, 7]))
    with pytest.raises(InputError, match="x is not a uniform periodic grid"):
        ridge(ds.isel(x=[0, 1, 2, 4, 7, 8]))
    del ds.attrs["Ms"]
    with pytest.raises(InputError, match="states no parameter omega_M"):
        magnet(ds)


def test_errors_are_folded_to_the_nearest_multiple():
    """Errors of either sign: floor instead of rounding would shift negative ones by 1/interval."""
    k = np.linspace(-1, 1, 9)
    errors = np.array([-0.4, -0.3, -0.1, -1e-3, 0, 1e-3, 0.1, 0.3, 0.4])
    found = xr.Dataset({"frequency": ("k", 3 * k**2 + errors + np.arange(-4, 5))}, {"k": k})
    folded_errors = ridge_error(found, lambda q: TURN * 3 * q**2, output_interval=1.0)
    assert np.allclose(folded_errors, errors)
    assert np.allclose(folded(errors + np.arange(-4, 5), 1.0), errors)


def plane(entries, shape=(32, 24), outputs=128, interval=0.05):
    """Spins of a plane near an axis with waves; entries (mode x, mode y, f, amplitude)."""
    x, y = (np.arange(n) * cell for n, cell in zip(shape, (0.5, 0.4), strict=True))
    t = interval * np.arange(outputs)[:, None, None]
    box = np.array(shape) * (0.5, 0.4)
    u = sum(
        size * np.exp(1j * TURN * (i * x[:, None] / box[0] + j * y / box[1] + f * t))
        for i, j, f, size in entries
    )
    m = np.stack([u.real, u.imag, np.sqrt(1 - np.abs(u) ** 2)], axis=1)
    return xr.Dataset(
        {"m": (("t", "spin", "x", "y"), m)},
        coords={"t": t.ravel(), "x": x, "y": y, "spin": list("xyz")},
    )


def test_directions_in_a_plane():
    ds = plane([(2, 0, 1.0, 0.01), (0, -3, 2.0, 0.01), (2, 2, -1.5, 0.01), (-1, -2, 3.0, 0.01)])
    step = TURN / np.array([16.0, 9.6])

    def frequency(direction, k):
        return float(ridge(ds, direction=direction).frequency.sel(k=k, method="nearest"))

    assert frequency("x", 2 * step[0]) == pytest.approx(1.0, abs=1e-3)
    assert frequency("y", -3 * step[1]) == pytest.approx(2.0, abs=1e-3)
    assert frequency((1, 1), 2 * np.hypot(*step)) == pytest.approx(-1.5, abs=1e-3)
    # One step along (1, 2) is one wave along x and two along y.
    assert frequency((1, 2), -np.hypot(step[0], 2 * step[1])) == pytest.approx(3.0, abs=1e-3)
    cut = iso_frequency(ds, -1.5)
    place = cut.argmax(...)
    assert float(cut.kx[place["kx"]]) == pytest.approx(2 * step[0])
    assert float(cut.ky[place["ky"]]) == pytest.approx(2 * step[1])
    for direction in ("z", (0, 0), (1,), (1.5, 1)):
        with pytest.raises(InputError, match="direction"):
            ridge(ds, direction=direction)


def test_perpendicular_of_spins_along_another_axis():
    ds = waves([(3, 5.0, 0.01)])
    turned = ds.assign(m=ds.m.roll(spin=1, roll_coords=False))  # along x: u = m_y + i m_z
    assert np.allclose(ridge(turned).frequency, ridge(ds).frequency, equal_nan=True)
