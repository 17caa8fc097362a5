"""Half-vortices: places, components and senses of known ones."""

import numpy as np
import pytest
import xarray as xr

import spinhydro
from spinhydro.analysis.tracking import velocity
from spinhydro.analysis.vortices import (
    _zero,
    half_vortices,
    vortex_number,
    vortex_tracks,
    vortices,
)
from spinhydro.errors import InputError


def gas(places, size=64):
    """A spinor with zeros of each component at known places, and opposite windings elsewhere."""
    x = np.linspace(-5, 5, size, endpoint=False)
    X, Y = np.meshgrid(x, x, indexing="ij")
    psi = {"a": np.ones_like(X, complex), "b": np.ones_like(X, complex)}
    for component, x_0, y_0, sense in places:
        core = (X - x_0) + 1j * sense * (Y - y_0)
        psi[component] *= core / np.sqrt(1 + abs(core) ** 2)
    s = 2 * np.conj(psi["a"]) * psi["b"]
    spin = np.stack([s.real, s.imag, abs(psi["a"]) ** 2 - abs(psi["b"]) ** 2])
    return xr.Dataset(
        {"s": (("t", "spin", "x", "y"), spin[None])}, coords={"t": [0.0], "x": x, "y": x}
    )


def test_known_vortices_are_found():
    places = [
        ("a", -1.33, 0.71, 1),
        ("a", 2.02, 0.68, -1),
        ("b", 0.31, -2.9, 1),
        ("b", 0.31, 3.3, -1),
    ]
    found = half_vortices(gas(places))
    inside = [one for one in found if max(abs(one.x), abs(one.y)) < 4.5]
    assert len(inside) == 4
    for component, x, y, sense in places:
        (one,) = (v for v in inside if abs(v.x - x) + abs(v.y - y) < 0.02)
        assert (one.component, one.sense) == (component, sense)


def test_a_uniform_gas_has_none():
    assert half_vortices(gas([])) == []


def test_rounding_around_a_trapped_gas_is_not_a_vortex():
    x = np.linspace(-8, 8, 64, endpoint=False)
    X, Y = np.meshgrid(x, x, indexing="ij")
    noise = 1e-9 * np.random.default_rng(1).standard_normal((2, 64, 64))
    psi = (X + 0.1 + 1j * Y) * np.exp(-(X**2 + Y**2) / 2) + noise[0] + 1j * noise[1]
    found = vortices(
        xr.Dataset({"psi": (("t", "x", "y"), psi[None])}, {"t": [0.0], "x": x, "y": x})
    )
    assert found.sizes["vortex"] == 1 and float(found.x[0]) == pytest.approx(-0.1, abs=0.01)


def test_a_line_is_refused():
    with pytest.raises(InputError, match="in a plane"):
        half_vortices(gas([]).isel(y=0))


@pytest.mark.parametrize("u, w", [(0.2, 0.9), (0.75, 0.1), (0.5, 0.5), (0.97, 0.6)])
def test_zero_of_a_bilinear_function(u, w):
    def function(x, y):
        return (2 - 1j) * (x - u) + (0.5 + 1j) * (y - w) + 0.3 * (x - u) * (y - w)

    corners = [function(*corner) for corner in ((0, 0), (1, 0), (1, 1), (0, 1))]
    assert _zero(corners) == pytest.approx((u, w), abs=1e-9)


def wave_function(places, size=(96, 64), lengths=(24.0, 16.0)):
    x, y = (np.arange(n) * L / n - L / 2 for n, L in zip(size, lengths, strict=True))
    psi = spinhydro.quantized_vortices(x[:, None], y, places, lengths, 1.0)
    grid = {"t": [0.0], "x": x, "y": y}
    return xr.Dataset({"psi": (("t", "x", "y"), psi[None])}, coords=grid)


PLACES = [(-6.2, 3.1, 1), (2.5, -4.4, 1), (5.1, 5.2, -1), (-1.3, -1.9, -1)]


def test_quantized_vortices_are_where_they_are_put():
    ds = wave_function(PLACES)
    found = vortices(ds)
    rows = sorted(zip(found.x.values, found.y.values, found.charge.values, strict=True))
    np.testing.assert_allclose(rows, sorted(PLACES), atol=0.02)
    assert int(vortex_number(ds)[0, 0]) == 4
    assert np.abs(ds.psi.values).max() < 1


def test_velocities_of_point_vortices_are_those_of_the_phase():
    """Mean of grad(phase) around each vortex, where its own flow averages out, across all edges."""
    angles = 2 * np.pi * np.arange(512) / 512
    lengths = (24.0, 16.0)
    found = spinhydro.vortex_velocities(PLACES, lengths, 2.0)
    for (x, y, _), expected in zip(PLACES, found, strict=True):
        ring = x + 0.5 * np.cos(angles), y + 0.5 * np.sin(angles)
        mean = []
        for shift in ((1e-5, 0), (0, 1e-5)):
            ends = [
                spinhydro.quantized_vortices(
                    ring[0] + sign * shift[0], ring[1] + sign * shift[1], PLACES, lengths, 1e-3
                )
                for sign in (-1, 1)
            ]
            mean.append(np.angle(ends[1] * ends[0].conj()).mean() / 2e-5)
        np.testing.assert_allclose(expected, 2.0 * np.array(mean), atol=1e-6)
    with pytest.raises(InputError, match="add up to 0"):
        spinhydro.vortex_velocities([(0, 0, 1)], lengths, 1.0)


def test_the_phase_is_periodic():
    x, y = np.array([-1.7, 0.3, 4.4])[:, None], np.array([0.8, 7.7])
    lengths = (24.0, 8.0)
    places = [(-6.2, 3.1, 1), (2.5, -3.4, -1)]
    here = spinhydro.quantized_vortices(x, y, places, lengths, 1.0)
    for shift in ((24, 0), (0, 8)):
        there = spinhydro.quantized_vortices(x + shift[0], y + shift[1], places, lengths, 1.0)
        np.testing.assert_allclose(there, here, atol=1e-6)


def test_tracks_continue_across_the_edges():
    t = np.arange(12.0)
    frames = [wave_function([(x + 0.9 * i, y, c) for x, y, c in PLACES[1:3]]) for i in range(12)]
    ds = xr.concat([frame.assign_coords(t=[i]) for i, frame in zip(t, frames, strict=True)], "t")
    tracks = vortex_tracks(ds)
    np.testing.assert_allclose(tracks.x.diff("t"), 0.9, atol=0.03)
    np.testing.assert_allclose(velocity(tracks.y), 0, atol=0.01)


def test_a_grey_soliton_solves_its_equation():
    """i dpsi/dt = -psi''/2 + (|psi|^2 - 1) psi, moving at U."""
    x, U, h = np.linspace(-3, 3, 25), 0.4, 1e-3
    psi = [spinhydro.grey_soliton(x + shift, U) for shift in (-h, 0, h)]
    second, slope = (psi[0] - 2 * psi[1] + psi[2]) / h**2, (psi[2] - psi[0]) / (2 * h)
    right = -second / 2 + (np.abs(psi[1]) ** 2 - 1) * psi[1]
    np.testing.assert_allclose(-1j * U * slope, right, atol=1e-6)
