"""The demagnetising field of finite bodies: Newell's tensor, zero padding, edges, muMAG 4."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.analysis import load as read
from spinhydro.errors import InputError
from spinhydro.kernels.newell import PAIRS, newell_tensor
from spinhydro.problem.load import load

from ..conftest import ROOT


def padded(counts, cells, shape=None):
    """A distributor, m and a body of `counts` cells in a box of twice its size."""
    coords = d3.CartesianCoordinates(*"xyz"[: len(counts)])
    dist = spinhydro.distributor(coords, dtype=np.float64)
    bases = [
        spinhydro.RealFourierNyquist(c, size=2 * n, bounds=(0, 2 * n * h))
        for c, n, h in zip(coords.coords, counts, cells, strict=True)
    ]
    m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
    body = dist.Field(name="body", bases=bases)
    body["g"][tuple(slice(0, n) for n in counts)] = 1 if shape is None else shape
    return m, body


@pytest.mark.parametrize(
    "shape, cells", [((12, 5, 3), (1, 2, 1.5)), ((30, 2, 1), (1, 1, 1)), ((4, 4, 60), (1, 1, 0.3))]
)
def test_cells_of_a_prism_add_up_to_its_demagnetising_tensor(shape, cells):
    """The mean over all pairs of cells, near and far, is the tensor of the prism as one cell."""
    tensor = newell_tensor(shape, cells)
    weights = np.ones(())
    for n in shape:
        pairs = np.where(np.arange(n) > 0, 2, 1) * (n - np.arange(n))
        weights = np.multiply.outer(weights, pairs)
    found = [(tensor[PAIRS.index((i, i))] * weights).sum() / np.prod(shape) for i in range(3)]
    edges = [n * h for n, h in zip(shape, cells, strict=True)]
    whole = newell_tensor((1, 1, 1), edges)[[0, 3, 5]].ravel()
    np.testing.assert_allclose(found, whole, atol=1e-9)
    assert whole.sum() == pytest.approx(1, abs=1e-12)


def test_cube_and_distant_dipoles():
    tensor = newell_tensor((201, 2, 1), (1, 1, 1))
    np.testing.assert_allclose(tensor[[0, 3, 5], 0, 0, 0], 1 / 3, atol=1e-14)
    np.testing.assert_allclose(tensor[0, 200, 0, 0] * 4 * np.pi * 200**3, -2, rtol=1e-4)
    np.testing.assert_allclose(tensor[1, 200, 1, 0] * 4 * np.pi * 200**4, -3, rtol=1e-3)


def direct_sum(m, filled, cells):
    """omega_M sum over cells of N(r - r') m(r'), pair by pair."""
    places = np.argwhere(filled)
    tensor = newell_tensor(filled.shape, cells)
    field = np.zeros((3, *filled.shape))
    for here in places:
        for there in places:
            offset = here - there
            for (i, j), values in zip(PAIRS, tensor, strict=True):
                sign = np.prod(np.where(offset < 0, -1, 1)[[i, j]]) if i != j else 1
                value = sign * values[tuple(np.abs(offset))]
                field[(i, *here)] += value * m[(j, *there)]
                if i != j:
                    field[(j, *here)] += value * m[(i, *there)]
    return field


@pytest.mark.parametrize("counts", [(6, 5), (3, 4, 2), (7,)])
def test_field_of_a_body_of_any_shape_is_the_sum_over_its_cells(counts):
    random = np.random.default_rng(1)
    cells, thickness = (1.0, 1.5, 0.7)[: len(counts)], (1.5, 0.7)[len(counts) - 1 :]
    filled = random.random(counts) < 0.8
    m, body = padded(counts, cells, filled)
    inside = tuple(slice(0, n) for n in counts)
    m["g"][(slice(None), *inside)] = random.normal(size=(3, *counts)) * filled
    start = m["g"].copy()
    W = spinhydro.kernel("demag", omega_M=2.0, body=body, thickness=thickness or None)
    found = W(m).evaluate()
    found.change_scales(1)
    missing = (1,) * (3 - len(counts))
    exact = direct_sum(
        2 * start[(slice(None), *inside)].reshape(3, *counts, *missing),
        filled.reshape(*counts, *missing), (*cells, *thickness),
    )  # fmt: skip
    found = found["g"][(slice(None), *inside)].reshape(exact.shape)
    np.testing.assert_allclose(found * filled.reshape(filled.shape + missing), exact, atol=1e-12)


def test_spins_at_the_edge_of_a_body_have_fewer_neighbours():
    """cos(pi (j + 1/2)/N) is a wave of a chain with free ends: its torque is that of omega(k)."""
    m, body = padded((8,), (1.0,))
    wave = 1e-6 * np.cos(np.pi * (np.arange(8) + 0.5) * 3 / 8)
    m["g"][0, :8], m["g"][2, :8] = wave, 1
    W = spinhydro.stencil("chain", a=1.0, omega_J=1.0)
    torque = d3.cross(m, W(m)).evaluate()
    torque.change_scales(1)
    omega = 2 * (1 - np.cos(3 * np.pi / 8))
    np.testing.assert_allclose(torque["g"][1, :8], omega * wave, atol=1e-15)
    np.testing.assert_array_equal(torque["g"][:, 8:], 0)


def test_bodies_that_cannot_be():
    m, body = padded((4, 4), (1.0, 1.0))
    with pytest.raises(InputError, match="thickness > 0"):
        spinhydro.kernel("demag", omega_M=1.0, body=body)
    with pytest.raises(InputError, match="bases of its body"):
        other = padded((4, 4), (1.0, 2.0))[0]
        spinhydro.kernel("demag", omega_M=1.0, body=body, thickness=1.0)(other)
    for values in ({"thickness": "thin"}, {"thickness": np.inf}, {"omega_M": "M"}):
        with pytest.raises(InputError, match=next(iter(values))):
            spinhydro.kernel("demag", **{"omega_M": 1.0, "body": body, "thickness": 1.0, **values})
    body["c"]  # Rounding errors of transforms change nothing.
    spinhydro.kernel("demag", omega_M=1.0, body=body, thickness=1.0)
    for value in (0.5, -1, np.nan):
        body["g"] = value
        with pytest.raises(InputError, match="other values than 1"):
            spinhydro.kernel("demag", omega_M=1.0, body=body, thickness=1.0)
    body["g"] = 1
    with pytest.raises(InputError, match="at least 15 cells"):
        spinhydro.kernel("demag", omega_M=1.0, body=body, thickness=1.0)
    body["g"] = 0
    with pytest.raises(InputError, match="0 everywhere"):
        spinhydro.kernel("demag", omega_M=1.0, body=body, thickness=1.0)


def test_mumag_4_reverses_at_the_published_times(tmp_path):
    """<m_x> = 0 first at 137.9 and 136.0 ps; the S-state of mumax3 on 128 x 32 cells."""
    result = load(
        ROOT / "problems" / "mumag4.py", Nx=100, Ny=25, stop_time="150*ps",
        B_x="[-24.6*mT, -35.5*mT]", B_y="[4.3*mT, -6.3*mT]",
    ).run(out=tmp_path, quiet=True)  # fmt: skip
    assert all(found["met"] for found in result.expect.values())
    found = read(result.folder)
    t = found.t.values
    for member, published in enumerate((137.9, 136.0)):
        m_x = found.m_mean.isel(member=member, spin=0).values.ravel()
        after = np.argmax(m_x < 0)
        crossing = np.interp(0, m_x[[after, after - 1]], t[[after, after - 1]])
        assert crossing == pytest.approx(published, rel=0.01)
    start = found.m_mean.isel(member=0, t=0).values.ravel()
    np.testing.assert_allclose(start, [0.96697, 0.12527, 0], atol=5e-4)


def test_cuboid_and_exchange_between_its_cells():
    """Spins at an edge have fewer neighbours: differences within the body only."""
    coords = d3.CartesianCoordinates("x", "y")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    film = spinhydro.cuboid(dist, (8.0, 3.0), (4, 6))
    assert film.cells == (2.0, 0.5)
    np.testing.assert_allclose(film.grids[0].ravel()[:4], [-3, -1, 1, 3], atol=1e-12)
    assert film.body["g"].shape == (8, 12) and film.body["g"][:4, :6].all()
    assert film.body["g"].sum() == 24
    m = dist.VectorField(spinhydro.spin, name="m", bases=film.bases)
    m["g"] = np.random.default_rng(2).normal(size=(3, 8, 12)) * film.body["g"]
    start = m["g"].copy()
    W = spinhydro.kernel("exchange", stiffness=5.0, cells=film.cells)
    field = (W(m) - W(film.body) * m).evaluate()
    field.change_scales(1)
    expected = np.zeros((3, 4, 6))
    for axis, cell in ((1, 2.0), (2, 0.5)):
        step = 5.0 / cell**2 * np.diff(start[:, :4, :6], axis=axis)
        empty = np.zeros_like(np.take(step, [0], axis=axis))
        expected -= np.diff(np.concatenate([empty, step, empty], axis=axis), axis=axis)
    np.testing.assert_allclose(field["g"][:, :4, :6], expected, atol=1e-10)


@pytest.mark.parametrize(
    "lengths, counts, message",
    [((8, 3), (4,), "2 lengths and 2 numbers of cells"), ((8, -3), (4, 6), "lengths of a cuboid"),
     ((8, 3), (4, 2.5), "whole and at least 1"), ((8, np.inf), (4, 2), "lengths of a cuboid")],
)  # fmt: skip
def test_impossible_cuboids_are_refused(lengths, counts, message):
    dist = spinhydro.distributor(d3.CartesianCoordinates("x", "y"), dtype=np.float64)
    with pytest.raises(InputError, match=message):
        spinhydro.cuboid(dist, lengths, counts)


@pytest.mark.parametrize(
    "given", [{"stiffness": 1.0}, {"cells": (1.0, 1.0)}, {"stiffness": 1.0, "cells": (1.0, 0.0)},
              {"stiffness": 1.0, "cells": (1.0, 1.0), "bonds": {(1, 0): 1.0}}]
)  # fmt: skip
def test_exchange_takes_bonds_or_cells(given):
    with pytest.raises(InputError, match="stiffness and cells|all > 0"):
        spinhydro.kernel("exchange", **given)


def test_torque_of_a_current_within_a_body_takes_differences_of_its_cells():
    """tau = -(u.grad) m + beta m x (u.grad) m with the edge cell in place of its neighbour."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    wire = spinhydro.cuboid(dist, [3.0], [6])
    m = dist.VectorField(spinhydro.spin, name="m", bases=wire.bases)
    m["g"] = np.random.default_rng(3).normal(size=(3, 12)) * wire.body["g"]
    m["g"] /= np.maximum(np.linalg.norm(m["g"], axis=0), 1e-9)
    S = m["g"][:, :6].copy()
    h = spinhydro.zhang_li(m, (0.7,), 0.3, cells=wire.cells).evaluate()
    h.change_scales(1)
    slope = 0.7 * np.diff(np.pad(S, ((0, 0), (1, 1)), mode="edge"))
    slope = (slope[:, 1:] + slope[:, :-1]) / (2 * 0.5)
    drift = slope - np.sum(slope * S, axis=0) * S
    tau = -drift + 0.3 * np.cross(S, drift, axis=0)
    np.testing.assert_allclose(-np.cross(S, h["g"][:, :6], axis=0), tau, atol=1e-12)
    with pytest.raises(InputError, match="cells has 2 lengths"):
        spinhydro.zhang_li(m, (0.7,), cells=(1.0, 1.0))
