"""Sponges absorb wave packets; box traps have their values inside, outside and at the wall."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.errors import ParameterError


def grid(*shape, dtype=np.float64, members=1):
    coords = d3.CartesianCoordinates(*"xy"[: len(shape)])
    dist = spinhydro.distributor(coords, dtype=dtype, members=members)
    basis = d3.ComplexFourier if dtype == np.complex128 else d3.RealFourier
    bases = [basis(c, size=n, bounds=(-20, 20)) for c, n in zip(coords.coords, shape, strict=True)]
    return dist.Field(name="f", bases=bases), dist.local_grids(*bases)


def test_a_wave_packet_is_absorbed():
    """A packet of k = 4 meets a sponge of six wavelengths: 1e-5 of it is left in the box."""
    psi, (x,) = grid(256, dtype=np.complex128)
    S = psi.copy()
    S.name = "S"
    S["g"] = spinhydro.sponge(S, width=10.0)
    problem = d3.IVP([psi], namespace={"psi": psi, "S": S})
    problem.add_equation("dt(psi) - 0.5j*lap(psi) = -6*S*psi")
    psi["g"] = np.exp(-(x**2) / 8 + 4j * x)
    start = np.sum(np.abs(psi["g"]) ** 2)
    solver = problem.build_solver(spinhydro.ETDRK4)
    for _ in range(800):
        solver.step(0.02)
    psi.change_scales(1)
    assert np.sum(np.abs(psi["g"]) ** 2) < 1e-5 * start


def test_profile_of_a_sponge():
    f, (x, y) = grid(40, 20)
    along = spinhydro.sponge(f, 5.0, axes="x")
    assert along.shape == (40, 20)
    np.testing.assert_array_equal(along[(np.abs(x) < 14).ravel()], 0)
    assert along[0, 0] == pytest.approx(1) and along[2, 3] == along[2, 7]
    both = spinhydro.sponge(f, 5.0)
    assert both[20, 0] == pytest.approx(1) and both[20, 10] == 0
    for wrong in (0.0, 21.0):
        with pytest.raises(ParameterError, match="half of the box"):
            spinhydro.sponge(f, wrong)
    with pytest.raises(ParameterError, match="axis 'z'"):
        spinhydro.sponge(f, 5.0, axes="z")


def test_box_trap():
    f, (x, y) = grid(80, 80, members=2)
    V = spinhydro.box_trap(f, (20.0, 10.0), 0.5)
    assert V.shape == (2, 80, 80)
    inside = (np.abs(x) < 7) & (np.abs(y) < 2)
    outside = (np.abs(x) > 13) | (np.abs(y) > 8)
    np.testing.assert_allclose(V[0][np.broadcast_to(inside, V.shape)[0]], 0, atol=1e-4)
    np.testing.assert_allclose(V[1][np.broadcast_to(outside, V.shape)[0]], 1, atol=1e-4)
    at_wall = np.isclose(x, 10) & np.isclose(y, 0)
    np.testing.assert_allclose(V[0][np.broadcast_to(at_wall, V.shape)[0]], 0.5, atol=1e-8)
    with pytest.raises(ParameterError, match="takes 2 sizes"):
        spinhydro.box_trap(f, (20.0,), 0.5)
    with pytest.raises(ParameterError, match="fits into"):
        spinhydro.box_trap(f, (20.0, 41.0), 0.5)
