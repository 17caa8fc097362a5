"""Relaxed magnets against the exact wall, and profiles read from files."""

import dedalus.public as d3
import matplotlib.image
import numpy as np
import pytest

import spinhydro
from spinhydro.errors import InputError

from ..conftest import ROOT


def grid(*sizes, length=10.0):
    coords = d3.CartesianCoordinates(*"xyz"[: len(sizes)])
    dist = spinhydro.distributor(coords, dtype=np.float64)
    bases = [
        spinhydro.RealFourierNyquist(c, size=n, bounds=(-length / 2, length / 2))
        for c, n in zip(coords.coords, sizes, strict=True)
    ]
    return dist, bases


@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_two_walls_relax_to_their_exact_shape(alpha):
    """theta = 2 atan exp(x/Delta) from walls of twice the width; E = 4 per wall in units of it."""
    dist, (xbasis,) = grid(256, length=60.0)
    m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
    ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
    W = spinhydro.kernel("micromagnetic", stiffness=1.0)
    H, p = (m @ ez) * ez - W(m), 1 / (1 + alpha**2)
    problem = d3.IVP([m], namespace=locals())
    problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
    x = dist.local_grid(xbasis)
    y = np.abs(x) - 15
    m["g"] = np.array([1 / np.cosh(y / 2), 0 * x, -np.tanh(y / 2)])
    found = spinhydro.relax(problem, tolerance=1e-5)
    m.change_scales(1)
    np.testing.assert_allclose(m["g"][2], -np.tanh(y), atol=2e-3)
    np.testing.assert_allclose((m["g"] ** 2).sum(0), 1, atol=1e-12)
    assert found.iterations < 5000


def test_arrays_and_files_of_one_dimension(tmp_path):
    dist, (xbasis,) = grid(64)
    K = dist.Field(name="K", bases=xbasis)
    x = dist.local_grid(xbasis)
    np.save(tmp_path / "map.npy", np.arange(64.0))
    np.testing.assert_array_equal(
        spinhydro.profile(tmp_path / "map.npy", K, unit=2), 2 * np.arange(64)
    )
    fine = np.linspace(-5, 5, 501)
    rows = "\n".join(f"{1e-3 * position}, {np.sin(position)}" for position in fine)
    (tmp_path / "p.csv").write_text("x, K\n" + rows)
    found = spinhydro.profile(tmp_path / "p.csv", K, lengths=1e3)
    np.testing.assert_allclose(found, np.sin(x), atol=1e-4)
    with pytest.raises(InputError, match="unit of length"):
        spinhydro.profile(tmp_path / "p.csv", K)
    centres = (np.arange(100) + 0.5) / 10 - 5
    found = spinhydro.profile(np.cos(2 * np.pi * centres / 10), K)
    np.testing.assert_allclose(found, np.cos(2 * np.pi * x / 10), atol=1e-3)
    with pytest.raises(InputError, match="cannot be read"):
        spinhydro.profile(tmp_path / "absent.npy", K)
    with pytest.raises(InputError, match="dimensions"):
        spinhydro.profile(np.zeros((4, 4)), K)


def test_maps_of_two_dimensions(tmp_path):
    xarray = pytest.importorskip("xarray")
    dist, bases = grid(32, 16)
    K = dist.Field(name="K", bases=bases)
    x, y = dist.local_grids(*bases)
    fine = np.linspace(-5, 5, 101)
    data = xarray.DataArray(
        fine[:, None] + 2 * fine, dims=("x", "y"), coords={"x": fine, "y": fine}, name="K"
    )
    data.to_netcdf(tmp_path / "map.nc")
    np.testing.assert_allclose(spinhydro.profile(tmp_path / "map.nc", K), x + 2 * y, atol=1e-10)
    image = np.zeros((16, 32))
    image[:8] = 1.0  # the upper half
    matplotlib.image.imsave(tmp_path / "map.png", image, cmap="gray", vmin=0, vmax=1)
    np.testing.assert_allclose(
        spinhydro.profile(tmp_path / "map.png", K), (y >= 0) + 0 * x, atol=1e-2
    )


def test_ovf_files_of_the_whole_box(tmp_path):
    """Cells of the grid point by point, coarser ones in between; other boxes are refused."""
    from xarray import DataArray

    from spinhydro.physics.ovf import write_ovf

    def file(name, counts, length):
        cells = [(np.arange(n) + 0.5) * length * f / n for n, f in zip(counts, (2, 1), strict=True)]
        phase = 2 * np.pi * (cells[0][:, None] / (2 * length) + cells[1] / length)
        values = np.array([np.cos(phase), np.sin(phase), 0 * phase])
        field = DataArray(values, dims=("spin", "x", "y"), coords=dict(zip("xy", cells,
                                                                        strict=True)))  # fmt: skip
        return values, write_ovf(field, tmp_path / name)

    coords = d3.CartesianCoordinates("x", "y")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    bases = [
        spinhydro.RealFourierNyquist(c, size=n, bounds=(0, L))
        for c, n, L in zip(coords.coords, (64, 32), (20.0, 10.0), strict=True)
    ]
    m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
    values, path = file("same.ovf", (64, 32), 1e-8)
    np.testing.assert_allclose(spinhydro.profile(path, m), values, atol=1e-12)
    _, path = file("fine.omf", (128, 64), 1e-8)
    x, y = dist.local_grids(*bases)
    exact = np.cos(2 * np.pi * (x / 20 + y / 10))
    np.testing.assert_allclose(spinhydro.profile(path, m)[0], exact, atol=1e-2)
    _, path = file("other.ovf", (64, 32), 2e-8)
    with pytest.raises(InputError, match="take the same box"):
        spinhydro.profile(path, m)


def test_state_written_by_discretisedfield():
    """Field(mesh of 6 x 4 x 1 nm, (cos x, sin x, y), norm=1).to_file("discretisedfield.ovf")."""
    coords = d3.CartesianCoordinates("x", "y")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    bases = [
        spinhydro.RealFourierNyquist(c, size=n, bounds=(0, n))
        for c, n in zip(coords.coords, (6, 4), strict=True)
    ]
    m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
    m["g"] = spinhydro.profile(ROOT / "tests" / "data" / "discretisedfield.ovf", m)
    x, y = np.arange(6)[:, None] + 0.5, np.arange(4) + 0.5
    exact = np.array([np.cos(x) + 0 * y, np.sin(x) + 0 * y, y + 0 * x])
    np.testing.assert_allclose(m["g"], exact / np.sqrt(1 + y**2), atol=1e-12)


def test_order_of_axes_and_rows_does_not_matter(tmp_path):
    """A map stored as (y, x), and a table of rows in any order, are the map of (x, y)."""
    xarray = pytest.importorskip("xarray")
    dist, bases = grid(32, 16)
    K = dist.Field(name="K", bases=bases)
    x, y = dist.local_grids(*bases)
    fine, few = np.linspace(-5, 5, 101), np.linspace(-5, 5, 41)
    data = xarray.DataArray(
        fine + 2 * few[:, None], dims=("y", "x"), coords={"x": fine, "y": few}, name="K"
    )
    data.to_netcdf(tmp_path / "map.nc")
    np.testing.assert_allclose(spinhydro.profile(tmp_path / "map.nc", K), x + 2 * y, atol=1e-10)
    rows = [(u, v, u + 2 * v) for u in few for v in few[::-1]]
    np.random.default_rng(0).shuffle(rows)
    text = "position x, position y, K\n" + "\n".join(f"{u}, {v}, {w}" for u, v, w in rows)
    (tmp_path / "map.csv").write_text(text)
    np.testing.assert_allclose(spinhydro.profile(tmp_path / "map.csv", K), x + 2 * y, atol=1e-10)
    (tmp_path / "gap.csv").write_text("\n".join(text.splitlines()[:-1]))
    with pytest.raises(InputError, match="do not fill a grid"):
        spinhydro.profile(tmp_path / "gap.csv", K)
    with pytest.raises(InputError, match="not finite"):
        spinhydro.profile(np.full((32, 16), np.nan), K)


def test_complex_maps(tmp_path):
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    psi = dist.Field(name="psi", bases=d3.ComplexFourier(coords["x"], size=8, bounds=(0, 1)))
    values = np.exp(2j * np.pi * (np.arange(40) + 0.5) / 40)
    found = spinhydro.profile(values, psi)
    np.testing.assert_allclose(found, np.exp(2j * np.pi * np.arange(8) / 8), atol=5e-3)
