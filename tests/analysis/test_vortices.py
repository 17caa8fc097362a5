"""Half-vortices: places, components and senses of known ones."""

import numpy as np
import pytest
import xarray as xr

from spinhydro.analysis.vortices import _zero, half_vortices
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


def test_a_line_is_refused():
    with pytest.raises(InputError, match="in a plane"):
        half_vortices(gas([]).isel(y=0))


@pytest.mark.parametrize("u, w", [(0.2, 0.9), (0.75, 0.1), (0.5, 0.5), (0.97, 0.6)])
def test_zero_of_a_bilinear_function(u, w):
    def function(x, y):
        return (2 - 1j) * (x - u) + (0.5 + 1j) * (y - w) + 0.3 * (x - u) * (y - w)

    corners = [function(*corner) for corner in ((0, 0), (1, 0), (1, 1), (0, 1))]
    assert _zero(corners) == pytest.approx((u, w), abs=1e-9)
