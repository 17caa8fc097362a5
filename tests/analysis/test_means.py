"""Means over space on non-uniform grids, against integrals known in closed form."""

import numpy as np
import pytest
import xarray as xr

from spinhydro.analysis.means import has_modes, mean, weights
from spinhydro.analysis.measure import main as measure
from spinhydro.analysis.quantities import numbers

SIZES = (7, 16)


def chebyshev(size):
    return 1 - 2 * np.cos(np.pi * (np.arange(size) + 0.5) / size)


def legendre(size):
    return 1 + 2 * np.polynomial.legendre.leggauss(size)[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("grid", [chebyshev, legendre])
@pytest.mark.parametrize("direction", [1, -1])
def test_polynomial_over_an_interval(grid, size, direction):
    z = grid(size)[::direction]
    w = weights(z, "z")
    assert np.sum(w * z**5) / np.sum(w) == pytest.approx((3**6 - 1) / 24, rel=1e-13)


@pytest.mark.parametrize("size", SIZES)
def test_over_the_sphere(size):
    """<cos² θ> = 1/3; the mean over the points would be 1/2."""
    theta = np.arccos(np.polynomial.legendre.leggauss(size)[0])
    phi = 2 * np.pi * np.arange(12) / 12
    f = np.cos(theta) ** 2 * (1 + np.cos(phi))[:, None]
    field = xr.DataArray(f, {"phi": phi, "theta": theta}, ("phi", "theta"))
    value, exact = mean(f, field)
    assert exact and value == pytest.approx(1 / 3, rel=1e-12)


def test_an_unknown_grid_is_named():
    r = np.array([0.1, 0.2, 0.5, 1.5])
    ds = xr.Dataset(
        {"h": (("t", "r"), np.ones((2, 4))), "c": (("t", "kx"), np.ones((2, 3)))},
        {"t": [0.0, 1.0], "r": r},
    )
    assert weights(r, "r") is None
    assert has_modes(ds.c) and not has_modes(ds.h)
    assert [row.quantity for row in numbers(ds)] == [
        "mean over the points of h, first",
        "mean over the points of h, last",
    ]


def test_vectors_give_their_rms():
    u = np.zeros((2, 2, 4))
    u[:, 0], u[:, 1] = 3, 4
    ds = xr.Dataset({"u": (("t", "component", "x"), u)}, {"t": [0.0, 1.0], "x": np.arange(4.0)})
    assert [(row.quantity, row.value) for row in numbers(ds)] == [
        ("rms of |u|, first", 5.0), ("rms of |u|, last", 5.0)
    ]  # fmt: skip


def test_a_gas_without_vortices_has_general_numbers(tmp_path, capsys):
    """Names alone chose the measurement: what it lacks is a note, not an error."""
    import h5py

    x = np.arange(4.0)
    with h5py.File(tmp_path / "gas_s1.h5", "w") as file:
        for name, values in {"sim_time": [0.0, 1.0], "write_number": [1, 2], "iteration": [0, 9],
                             "wall_time": [0.0, 0.1], "timestep": [0.1, 0.1]}.items():  # fmt: skip
            file[f"scales/{name}"] = values
        file["scales/x"], file["scales/y"] = x, x
        file["tasks/psi"] = np.full((2, 4, 4), 1 + 1j)
        for axis, label in enumerate(("t", "x", "y")):
            file["tasks/psi"].dims[axis].label = label
            if axis:
                file[f"scales/{label}"].make_scale(label)
                file["tasks/psi"].dims[axis].attach_scale(file[f"scales/{label}"])
    assert measure([str(tmp_path / "gas_s1.h5")]) == 0
    text = capsys.readouterr().out
    assert "mean of |psi|, last" in text
    assert "vortices: vortex tracks: psi has no vortex at the first output" in text
    assert "no run.json (a plain script)" in text
