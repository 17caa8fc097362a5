"""Balances in a stretch of the cloud, on Gross-Pitaevskii and Landau-Lifshitz runs."""

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import KAPPA_N0, OMEGA_R, PARAMETERS, cloud, landau_lifshitz

from spinhydro.analysis.budgets import QUANTITIES, budget, conserved
from spinhydro.errors import InputError

HBAR_OVER_M = PARAMETERS["hbar_over_m"]
LENGTH, SIZE = 40.0, 128
X = np.linspace(-LENGTH / 2, LENGTH / 2, SIZE, endpoint=False)
G12_OVER_G = 0.8
G_N0 = KAPPA_N0 / (1 - G12_OVER_G)


def gross_pitaevskii(trapped, outputs=41, interval=0.05, steps=20):
    """n, s, v from two coupled equations: second-order split step, potential | kinetic + Rabi."""
    k = 2 * np.pi * np.fft.fftfreq(SIZE, LENGTH / SIZE)
    V = G_N0 * (X / 15.0) ** 2 - G_N0 if trapped else 0 * X
    envelope = np.exp(-((X / 9) ** 2)) if trapped else 1 + 0 * X
    phase = 2 * np.pi * X / LENGTH
    psi = np.stack(
        [
            envelope * np.sqrt(0.3) * (1 + 0.2 * np.cos(phase)) * np.exp(1j * phase),
            envelope * np.sqrt(0.7) * (1 + 0.1 * np.sin(phase)) * np.exp(0.3j * np.cos(phase)),
        ]
    )
    h = interval / steps
    kinetic = np.exp(-1j * HBAR_OVER_M / 2 * k**2 * h)
    cos, sin = np.cos(OMEGA_R * h / 2), np.sin(OMEGA_R * h / 2)

    def kick(psi, part):
        n = np.abs(psi) ** 2
        own = G_N0 * (n + G12_OVER_G * n[::-1]) + V
        return psi * np.exp(-1j * own * part)

    records = []
    for output in range(outputs):
        if output:
            for _ in range(steps):
                psi = kick(psi, h / 2)
                waves = np.fft.fft(psi) * kinetic
                psi = np.fft.ifft(cos * waves - 1j * sin * waves[::-1])
                psi = kick(psi, h / 2)
        slope = np.fft.ifft(1j * k * np.fft.fft(psi))
        product = np.conj(psi[0]) * psi[1]
        n = np.sum(np.abs(psi) ** 2, axis=0)
        s = np.stack(
            [2 * product.real, 2 * product.imag, np.abs(psi[0]) ** 2 - np.abs(psi[1]) ** 2]
        )
        flow = HBAR_OVER_M * np.sum(np.imag(np.conj(psi) * slope), axis=0)
        records.append((n, s, flow * n / (n**2 + 1e-20)))
    n, s, v = (np.array(values) for values in zip(*records, strict=True))
    parameters = {**PARAMETERS, "g_n0": G_N0, "g12_over_g": G12_OVER_G, "R_x": 15.0}
    if not trapped:
        parameters.pop("R_x")
    return xr.Dataset(
        {"n": (("t", "x"), n), "s": (("t", "spin", "x"), s), "v": (("t", "x"), v)},
        coords={"t": interval * np.arange(outputs), "x": X, "spin": ["x", "y", "z"]},
        attrs=parameters,
    )


@pytest.fixture(scope="module")
def gas():
    return {trapped: gross_pitaevskii(trapped) for trapped in (False, True)}


@pytest.fixture(scope="module")
def frozen():
    x, n = cloud(512)
    t, s = landau_lifshitz(x, n, 0.1, 20, timestep=0.05)
    return xr.Dataset(
        {"s": (("t", "spin", "x"), s), "n": (("t", "x"), np.tile(n, (len(t), 1)))},
        coords={"t": t, "x": x, "spin": ["x", "y", "z"]},
        attrs=PARAMETERS,
    )


@pytest.mark.parametrize("trapped", [False, True])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_balance_of_a_moving_gas(gas, trapped, quantity):
    found = budget(gas[trapped], quantity, (-6, 4))
    assert np.abs(found.content - found.content[0]).max() > 1e-3
    assert found.attrs["relative_residual"] < 5e-4
    assert found.attrs["window"] == pytest.approx((-6, 4), abs=0.2)


def test_totals_of_a_moving_gas(gas):
    for trapped in (False, True):
        found = conserved(gas[trapped])
        assert found.attrs["number"] < 1e-12 and found.attrs["energy"] < 5e-5
    homogeneous = conserved(gas[False]).momentum
    assert np.allclose(homogeneous, homogeneous[0], rtol=1e-10)
    assert abs(float(conserved(gas[True]).momentum[-1] - conserved(gas[True]).momentum[0])) > 1e-2


@pytest.mark.parametrize("quantity", ["spin_x", "spin_y", "spin_z", "energy"])
def test_balance_of_a_frozen_gas(frozen, quantity):
    found = budget(frozen, quantity, (60, 130))
    assert found.attrs["relative_residual"] < 2e-3
    assert np.abs(found.inflow).max() > 0
    assert conserved(frozen).attrs["energy"] < 1e-6


def test_a_wrong_current_does_not_balance(gas):
    wrong = gas[False].assign_attrs(hbar_over_m=1.3 * HBAR_OVER_M)
    for quantity in ("spin_x", "energy"):
        assert budget(wrong, quantity, (-6, 4)).attrs["relative_residual"] > 1e-2


def test_what_has_no_budget(gas, frozen):
    with pytest.raises(InputError, match="choose one of number, spin_x"):
        budget(frozen, "mass", (0, 10))
    with pytest.raises(InputError, match="needs the gas to move"):
        budget(frozen, "momentum", (0, 10))
    with pytest.raises(InputError, match="three grid points"):
        budget(gas[False], "number", (4, -6))
    with pytest.raises(InputError, match="at least 6"):
        budget(gas[False].isel(t=slice(0, 3)), "number", (-6, 4))
    bare = gas[False].copy()
    del bare.attrs["g12_over_g"]
    with pytest.raises(InputError, match="energy is not defined"):
        budget(bare, "energy", (-6, 4))
    assert "energy" not in conserved(bare)


def test_nothing_moves_and_nothing_is_out_of_balance(frozen):
    still = frozen.copy(deep=True)
    still["s"][:] = 0
    found = budget(still, "spin_z", (0, 10))
    assert found.attrs["relative_residual"] == 0
    assert not found.inflow.any() and not found.source.any()


def test_a_window_holds_three_points_or_more(gas):
    x = gas[False].x.values
    found = budget(gas[False], "number", (x[40], x[42]))
    assert found.attrs["window"] == (x[40], x[42])
    assert budget(gas[False], "number", (x[0], x[-1])).attrs["window"] == (x[0], x[-1])
    with pytest.raises(InputError, match="three grid points"):
        budget(gas[False], "number", (x[40], x[41]))
