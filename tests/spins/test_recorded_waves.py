"""Frequencies of small waves that a run keeps, against laws written by hand."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.analysis import dispersion
from spinhydro.analysis import load as load_run
from spinhydro.analysis.figures import find
from spinhydro.analysis.waves import waves_along
from spinhydro.physics.exact_magnets import film_frequencies
from spinhydro.run.linear_waves import waves_of

from ..conftest import ROOT

CHAIN = """
import dedalus.public as d3
import numpy as np
import spinhydro

N, J, D, omega_K, omega_0, alpha, up = 31, 0.5, 0.3, 0.7, 0.2, 0.0, 1.0
timestepper, timestep, stop_time, output_interval = "RK4", 0.05, 200.0, 0.5
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, N))
x = dist.local_grid(xbasis)
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
W = spinhydro.kernel("chain", a=1.0, omega_J=J)
V = spinhydro.kernel("dmi", bonds={1: (0, 0, D)})
pin = dist.Field(bases=xbasis)
m = dist.VectorField(spinhydro.spin, name="m", bases=xbasis)
m["g"][2] = up
m["g"][0, 3], m["g"][2, 3] = np.sin(0.05), up*np.cos(0.05)
problem = d3.IVP([m], namespace=locals())
H = "((omega_0 + omega_K*(m@ez))*ez - W(m) - V(m))"
problem.add_equation(f"dt(m) = -cross(m, {H}) - alpha*cross(m, cross(m, {H})) + TERM")
outputs = {"m": "m"}
"""
PLANE = """
import dedalus.public as d3
import numpy as np
import spinhydro

N, omega_K = 12, 0.5
timestepper, timestep, stop_time, output_interval = "RK4", 0.1, 100.0, 0.5
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = d3.RealFourier(coords["x"], size=N, bounds=(0, N))
ybasis = d3.RealFourier(coords["y"], size=N - 2, bounds=(0, N - 2))
ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
W = spinhydro.kernel(lambda kx, ky: 0.2*kx**2 + 0.1*ky**2)
V = spinhydro.kernel("exchange", bonds={(1, 1): 0.15}, vectors=[[1.0, 0.0], [0.0, 1.0]])
m = dist.VectorField(spinhydro.spin, name="m", bases=(xbasis, ybasis))
m["g"][2] = 1
m["g"][0, 3, 3], m["g"][2, 3, 3] = np.sin(0.05), np.cos(0.05)
problem = d3.IVP([m], namespace=locals())
problem.add_equation("dt(m) = -cross(m, omega_K*(m@ez)*ez - W(m) - V(m))")
outputs = {"m": "m"}
"""


def written(folder, text, term="0*m"):
    path = folder / "waves.py"
    path.write_text(text.replace("TERM", term), encoding="utf-8")
    return path


def chain_law(k, up=1.0):
    """Exchange 0.5, anisotropy 0.7, field 0.2; DMI 0.3 along the axis: -2 D sin k at m = e_z."""
    return up * (1.0 * (1 - np.cos(k)) + 0.7) + 0.2 - up * 0.6 * np.sin(k)


def plane_law(kx, ky):
    return 0.5 + 0.2 * kx**2 + 0.1 * ky**2 + 0.3 * (1 - np.cos(kx + ky))


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    return load_run(load(written(folder, CHAIN)).run(out=folder, quiet=True).folder)


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plane")
    return load_run(load(written(folder, PLANE)).run(out=folder, quiet=True).folder)


def waves(problem):
    return waves_of(problem.ivp, problem.declared("outputs"))


@pytest.mark.parametrize("values", [{}, {"up": -1.0}, {"N": 30}, {"J": 0.5, "alpha": 0.1}])
def test_exchange_anisotropy_field_and_dmi(values, tmp_path):
    problem = load(written(tmp_path, CHAIN), **values)
    m = problem["m"]
    before, layout = m.data.copy(), m.layout
    found = waves(problem)
    assert np.array_equal(m.data, before) and m.layout is layout
    step = 2 * np.pi / values.get("N", 31)
    assert found["m_z_step"] == pytest.approx([step])
    assert len(found["m_z"]) == (31 if "N" not in values else 29)
    k = step * (np.arange(len(found["m_z"])) - len(found["m_z"]) // 2)
    np.testing.assert_allclose(found["m_z"], chain_law(k, values.get("up", 1.0)), atol=1e-12)


def test_film():
    """Elliptic waves of a film: its dipolar kernel, exchange and a field, magnetised along y."""
    problem = load(ROOT / "problems" / "film_spin_waves.py", Nx=9, Ny=8)
    found = waves(problem)
    omega, step = found["m_y"], found["m_y_step"]
    assert omega.shape == (9, 7)
    names = ("omega_B", "omega_M", "stiffness", "thickness")
    for i, j in np.ndindex(omega.shape):
        parts = film_frequencies(
            (i - 4) * step[0], (j - 3) * step[1], *[problem[name] for name in names]
        )
        assert omega[i, j] == pytest.approx(np.sqrt(np.prod(parts)), rel=1e-7)


@pytest.mark.parametrize(
    "term",
    ["pin*cross(m, ez)", "0.1*cross(m, ex)", "sin(t)*cross(m, ez)", "0.1*m"],
    ids=["place", "not at rest", "time", "length"],
)
def test_no_law_where_waves_have_none(term, tmp_path):
    """Equations that depend on place or time, and a background that is not at rest."""
    text = CHAIN.replace("outputs =", 'pin["g"] = 0.1*np.cos(2*np.pi*x/N)\noutputs =')
    assert waves(load(written(tmp_path, text, term))) == {}


def test_no_law_for_textures_and_other_outputs(tmp_path):
    text = CHAIN.replace("outputs =", 'm["g"][2] = 0.5\noutputs =')
    assert waves(load(written(tmp_path, text))) == {}
    helix = """m["g"][0], m["g"][1] = 0.6*np.cos(2*np.pi*x/N), 0.6*np.sin(2*np.pi*x/N)
m["g"][2] = 0.8
outputs ="""
    assert waves(load(written(tmp_path, CHAIN.replace("outputs =", helix)))) == {}
    other = CHAIN.replace('{"m": "m"}', '{"m": "W(m)"}')
    assert waves(load(written(tmp_path, other))) == {}


@pytest.mark.parametrize("component", ["perpendicular", "x"])
def test_ridges_of_both_signs_of_k(chain, component):
    found = dispersion.analyse(chain, component=component)
    assert found.law.name == dispersion.SMALL_WAVES and found.unseen == 0
    k = found.found.k.values
    np.testing.assert_allclose(found.law.omega(k), chain_law(k), atol=1e-12)
    assert found.largest < 1e-4
    wrong = found.found.frequency - chain_law(-k) / (2 * np.pi)
    assert float(np.abs(wrong).max()) > 0.15


def test_the_longitudinal_component_has_no_law(chain):
    """Its waves have the differences of the frequencies."""
    assert waves_along(chain) is not None
    assert dispersion.analyse(chain, component="z").law is None


@pytest.mark.parametrize("direction, steps", [(None, (1, 0)), ("y", (0, 1)), ((1, -1), (1, -1))])
def test_two_kernels_in_any_direction(plane, direction, steps):
    found = dispersion.analyse(plane, direction=direction)
    assert found.law.name == dispersion.SMALL_WAVES
    vector = np.array(steps) / [12, 10]
    k = found.found.k.values[:, None] * vector / np.linalg.norm(vector)
    inside = np.isfinite(found.error.values)
    assert inside.sum() >= len(k) - 1
    law = found.law.omega(found.found.k.values)
    np.testing.assert_allclose(law[inside], plane_law(*k[inside].T), atol=1e-7)
    assert found.largest < 1e-3


def test_plane_of_wavenumbers(plane, tmp_path):
    """The contour of one frequency lies on the law, up to interpolation between the waves."""
    sheet, _ = find("dispersion").draw([plane], {"frequency": 0.2})
    (line,) = (one for one in sheet.axes[0].collections if hasattr(one, "levels"))
    points = np.concatenate([path.vertices for path in line.get_paths()])
    assert len(points) > 8
    np.testing.assert_allclose(plane_law(*points.T), 0.4 * np.pi, rtol=0.05)


def test_attributes_that_netcdf_can_keep(plane):
    names = [name for name in plane.attrs if name.startswith("waves_")]
    assert names and all(plane.attrs[name].ndim == 1 for name in names)
