"""Domains, structure factors, moving textures, Hopf index, errors and loops, known exactly."""

import numpy as np
import pytest
import xarray as xr
from spin_chain import A, dataset, sites

from spinhydro.analysis.domains import domain_number, domains, structure_factor
from spinhydro.analysis.statistics import blocked_mean, hysteresis_loop
from spinhydro.analysis.tracking import hopf_index, skyrmion_position, velocity, wall_position
from spinhydro.errors import InputError


def test_domains_on_a_line_and_in_a_plane():
    Z = np.repeat([1.0, -1.0, 1.0, -1.0, 1.0], [3, 10, 5, 20, 2])
    ds = xr.Dataset({"Z": (("t", "x"), Z[None])}, coords={"t": [0.0], "x": 0.5 * np.arange(40)})
    found = domains(ds)
    # The first and the last stretch are one domain around the ring.
    assert list(found["size"].values) == [10, 5, 2.5, 2.5] and int(domain_number(ds)[0, 0]) == 4
    assert sorted(found.sign.values.tolist()) == [-1, -1, 1, 1]
    plane = -np.ones((20, 30))
    plane[:2], plane[-1:], plane[8:10, 5:8] = 1, 1, 1
    grid = {"t": [0.0], "x": np.arange(20.0), "y": np.arange(30.0)}
    ds = xr.Dataset({"Z": (("t", "x", "y"), plane[None])}, coords=grid)
    assert domains(ds)["size"].values.tolist() == [600 - 90 - 6, 90, 6]
    with pytest.raises(InputError, match="must be real"):
        domains(ds.assign(Z=ds.Z + 1j))


def test_structure_factor_of_waves():
    x, y = np.arange(48) * 0.5, np.arange(32) * 0.5
    wave = np.cos(2 * np.pi * 6 * x / 24)[:, None] + 0 * y
    ds = xr.Dataset({"Z": (("t", "x", "y"), wave[None])}, coords={"t": [0.0], "x": x, "y": y})
    found = structure_factor(ds)
    k = 2 * np.pi * 6 / 24
    assert float(found.k[int(np.argmax(found.S.values))]) == pytest.approx(
        k, abs=2 * np.pi / 16 / 2 + 1e-9
    )
    assert float((found.S * found.modes).sum()) / wave.size == pytest.approx(0.5)
    noise = ds.assign(Z=ds.Z * 0 + np.random.default_rng(0).standard_normal(ds.Z.shape))
    flat = structure_factor(noise)
    # Each shell holds pairs of equal modes, so that S scatters by sqrt(2/modes).
    scatter = (flat.S - 1) / np.sqrt(2 / flat.modes)
    assert float(np.abs(scatter).max()) < 3.5


def skyrmion(shape, centre, steps, radius=3.0):
    axes = [np.arange(n) * h for n, h in zip(shape, steps, strict=True)]
    box = np.array(shape) * steps
    dx, dy = ((axis - c + b / 2) % b - b / 2 for axis, c, b in zip(axes, centre, box, strict=True))
    dx, dy = np.meshgrid(dx, dy, indexing="ij")
    r, turn = np.hypot(dx, dy), np.arctan2(dy, dx)
    polar = np.where(r < 2 * radius, np.pi * (1 + np.cos(np.pi * r / (2 * radius))) / 2, 0)
    return np.stack(
        [np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)]
    ), axes


def test_velocity_of_a_skyrmion_across_the_edge():
    t, speed = np.arange(12.0), np.array([1.3, -0.7])
    states = [skyrmion((48, 40), (9, 4) + speed * s, (0.5, 0.5)) for s in t]
    ds = xr.Dataset(
        {"m": (("t", "spin", "x", "y"), np.array([m for m, _ in states]))},
        coords={"t": t, "x": states[0][1][0], "y": states[0][1][1], "spin": list("xyz")},
    )
    found = skyrmion_position(ds)
    assert np.allclose(np.abs(found.charge), 1)
    assert float(found.x[0, 0]) == pytest.approx(9, abs=0.02)
    assert float(velocity(found.x)[0]) == pytest.approx(1.3, abs=1e-3)
    assert float(velocity(found.y, last=0.5)[0]) == pytest.approx(-0.7, abs=2e-3)


def test_velocity_of_walls_across_the_end():
    x, t, speed = sites(200), np.arange(20.0), 2.3
    box = len(x) * A
    places = np.array([20.0, 55.0])
    m_z = np.array([
        np.prod([np.tanh(np.sin(np.pi * (x - p - speed * s) / box) * box / np.pi / 2)
                 for p in places], axis=0)
        for s in t
    ])  # fmt: skip
    m = np.stack([np.sqrt(np.maximum(1 - m_z**2, 0)), 0 * m_z, m_z], axis=1)
    found = wall_position(dataset(t, x, m))
    assert np.allclose(velocity(found), speed, atol=2e-3)
    with pytest.raises(InputError, match="no wall at the first output"):
        wall_position(dataset(t, x, np.abs(m)))


@pytest.mark.parametrize("turns", [1, -1])
def test_hopf_index_of_a_hopfion(turns):
    """The Hopf map of a stereographic projection of the volume, cut off smoothly."""
    axis = np.linspace(-6, 6, 40, endpoint=False)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    r = np.sqrt(x**2 + y**2 + z**2) + 1e-12
    # The angle falls from pi in the middle to zero at the edge of the box.
    angle = np.where(r < 5.5, np.pi * (1 + np.cos(np.pi * r / 5.5)) / 2, 0)
    u = np.cos(angle) + 1j * np.sin(angle) * z / r
    w = np.sin(angle) * (x + 1j * turns * y) / r
    product = 2 * u * np.conj(w)
    m = np.stack([product.real, product.imag, np.abs(u) ** 2 - np.abs(w) ** 2])
    coords = {"t": [0.0], "spin": list("xyz"), "x": axis, "y": axis, "z": axis}
    ds = xr.Dataset({"m": (("t", "spin", "x", "y", "z"), m[None])}, coords=coords)
    assert abs(hopf_index(ds)) == pytest.approx(1, abs=0.01)
    mirrored = ds.assign(m=ds.m.isel(x=slice(None, None, -1)).assign_coords(x=ds.x))
    assert hopf_index(mirrored) == pytest.approx(-hopf_index(ds), abs=0.02)


def test_error_of_a_correlated_series():
    """An autoregressive series: its error is known, and 7 times that of independent values."""
    rng, share, size = np.random.default_rng(3), 0.96, 1 << 15
    noise = rng.standard_normal(size)
    values = np.empty(size)
    values[0] = noise[0] / np.sqrt(1 - share**2)
    for i in range(1, size):
        values[i] = share * values[i - 1] + noise[i]
    exact = 1 / (1 - share) / np.sqrt(size)
    found = blocked_mean(values)
    assert found.error == pytest.approx(exact, rel=0.25) and abs(found.mean) < 4 * exact
    single = blocked_mean(noise)
    assert single.error == pytest.approx(1 / np.sqrt(size), rel=0.1)
    assert blocked_mean(np.ones(20)).error == 0
    with pytest.raises(InputError, match="at least 8"):
        blocked_mean(noise[:5])


def test_hysteresis_loop_of_a_square():
    field = np.concatenate([np.linspace(1, -1, 201), np.linspace(-1, 1, 201)[1:]])
    branch = np.where(np.arange(401) <= 200, np.where(field > -0.405, 1, -1),
                      np.where(field > 0.405, 1, -1))  # fmt: skip
    loop = hysteresis_loop(field, branch.astype(float))
    assert np.allclose(loop.coercive, (-0.405, 0.405), atol=1e-9)
    assert loop.remanence == (1, -1) and loop.area == pytest.approx(4 * 0.405, rel=0.01)
    with pytest.raises(InputError, match="never turns"):
        hysteresis_loop(np.arange(5.0), np.arange(5.0))
