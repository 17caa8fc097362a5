"""The dipolar kernel of a gas against the energy of a Gaussian and against its direct sum."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.errors import InputError, ParameterError


def gas(shape, lengths):
    coords = d3.CartesianCoordinates("x", "y", "z")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    bases = [
        spinhydro.RealFourierNyquist(c, size=n, bounds=(-L / 2, L / 2))
        for c, n, L in zip(coords.coords, shape, lengths, strict=True)
    ]
    return dist.Field(name="n", bases=bases), dist.local_grids(*bases)


def anisotropy(ratio):
    """f of the Gaussian, ratio = width across over width along the dipoles: 1 a rod, -2 a disc."""
    if ratio < 1:
        root = np.sqrt(1 - ratio**2)
        return (1 + 2 * ratio**2) / (1 - ratio**2) - 3 * ratio**2 * np.arctanh(root) / root**3
    root = np.sqrt(ratio**2 - 1)
    return (1 + 2 * ratio**2) / (1 - ratio**2) + 3 * ratio**2 * np.arctan(root) / root**3


@pytest.mark.parametrize("across, along", [(0.5, 1.0), (1.0, 0.6)])
@pytest.mark.parametrize("axis", [(0, 0, 2), (1, 0, 0)])
def test_energy_of_a_gaussian(across, along, axis):
    """E = -g_dd f/(2 (2 pi)^(3/2) sigma^2 sigma_z), as in free space."""
    widths = [along if part else across for part in axis]
    # Density beyond 4.5 widths is neglected: the diameter is 9 widths.
    extent = 9 * max(widths)
    lengths = [extent + 9 * width for width in widths]
    shape = [
        2 * int(np.ceil(1.6 * L / width / 2)) for L, width in zip(lengths, widths, strict=True)
    ]
    n, places = gas(shape, lengths)
    W = spinhydro.kernel("dipolar", g_dd=3.0, cutoff=extent, axis=axis)
    n["g"] = np.prod([2 * np.pi * w**2 for w in widths]) ** -0.5
    for place, width in zip(places, widths, strict=True):
        n["g"] *= np.exp(-(place**2) / (2 * width**2))
    field = W(n).evaluate()
    field.change_scales(1)
    cell = np.prod(np.divide(lengths, shape))
    # The density of |psi|^2 with psi of width sqrt(2) w.
    expected = -3.0 / 2 * anisotropy(across / along) / (8 * np.pi**1.5 * across**2 * along)
    assert 0.5 * np.sum(n["g"] * field["g"]) * cell == pytest.approx(expected, rel=2e-4)


def test_values():
    W = spinhydro.kernel("dipolar", g_dd=2.0)
    assert W(0.0, 0.0, 0.0) == 0
    assert W(0.0, 0.0, 0.3) == pytest.approx(4) and W(0.3, 0.4, 0.0) == pytest.approx(-2)
    cut = spinhydro.kernel("dipolar", g_dd=2.0, cutoff=5.0)
    assert cut(0.0, 0.0, 0.0) == 0
    # Its series meets the formula, and short waves do not feel the cut-off.
    assert cut(0.0, 0.0, 0.00199999) == pytest.approx(cut(0.0, 0.0, 0.00200001), rel=1e-4)
    assert cut(0.0, 0.0, 60.0) == pytest.approx(4, rel=1e-4)


def test_impossible_values_are_refused():
    for wrong in ({"cutoff": 0.0}, {"axis": (0, 0, 0)}, {"axis": (0, 1)}):
        with pytest.raises(ParameterError, match="dipolar"):
            spinhydro.kernel("dipolar", g_dd=1.0, **wrong)
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    n = dist.Field(bases=d3.RealFourier(coords["x"], size=8, bounds=(0, 1)))
    with pytest.raises(InputError, match="1 dimension"):
        spinhydro.kernel("dipolar", g_dd=1.0)(n).evaluate()
