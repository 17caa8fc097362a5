"""Frequencies of small waves that a run keeps, against laws written by hand."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from spinhydro import load
from spinhydro.analysis import dispersion
from spinhydro.analysis import load as load_run
from spinhydro.analysis.figures import find
from spinhydro.analysis.netcdf import open_netcdf, save_netcdf
from spinhydro.analysis.waves import NoWavesError, RecordedWaves, waves_along
from spinhydro.language.equations import names_of
from spinhydro.language.expressions import ExpressionBuilder
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
m["g"][0, ..., 3], m["g"][2, ..., 3] = np.sin(0.05), up*np.cos(0.05)
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
    build = ExpressionBuilder({**problem.namespace, **names_of(problem.ivp)})
    outputs = problem.declared("outputs").items()
    return waves_of(problem.ivp, {n: build(o) if isinstance(o, str) else o for n, o in outputs})


def recorded(problem):
    tables = waves(problem)
    attrs = {f"waves_{name}": np.ravel(table) for name, table in tables.items()}
    attrs["waves_shape"] = [*tables["rates"].shape[:3], tables["k"].shape[1]]
    return RecordedWaves(xr.Dataset(attrs=attrs))


def branches(problem, output, numbers, component=""):
    return recorded(problem).of(output, (component, 2), np.atleast_2d(numbers).T)


@pytest.mark.parametrize(
    "values", [{}, {"up": -1.0}, {"N": 30}, {"J": 0.5, "alpha": 0.1}, {"N": 20011}]
)
def test_exchange_anisotropy_field_and_dmi(values, tmp_path):
    problem = load(written(tmp_path, CHAIN), **values)
    m = problem["m"]
    before, layout = m.data.copy(), m.layout
    table = recorded(problem)
    assert np.array_equal(m.data, before) and m.layout is layout
    step = 2 * np.pi / values.get("N", 31)
    assert table.step == pytest.approx([step])
    numbers = np.arange(-14, 15)
    found = table.of("m", ("perpendicular", 2), numbers[:, None]).visible
    # m_x + i m_y shows one circular branch alone.
    assert np.array_equal(np.isfinite(found).sum(axis=1), np.ones(29))
    law = chain_law(step * numbers, values.get("up", 1.0))
    np.testing.assert_allclose(np.nansum(found, axis=1), law, atol=1e-11)


def test_film():
    """Elliptic waves of a film: its dipolar kernel, exchange and a field, magnetised along y."""
    problem = load(ROOT / "problems" / "film_spin_waves.py", Nx=9, Ny=8)
    table = recorded(problem)
    names = ("omega_B", "omega_M", "stiffness", "thickness")
    numbers = np.array([(i, j) for i in range(-4, 5) for j in range(-3, 4)])
    found = table.of("m", ("perpendicular", 1), numbers)
    for k, omega, weight in zip(numbers * table.step, found.omega, found.weight, strict=True):
        parts = film_frequencies(*k, *[problem[name] for name in names])
        law = np.sqrt(np.prod(parts))
        np.testing.assert_allclose(omega, [-law, law], rtol=1e-7)
        # Elliptic: both signs show, with the squares of the sum and difference of the axes.
        axes = np.sqrt(parts)
        ratio = ((axes[0] - axes[1]) / (axes[0] + axes[1])) ** 2
        np.testing.assert_allclose(weight.min() / weight.max(), ratio, rtol=1e-5)


@pytest.mark.parametrize("level", ["gpe", "hydrodynamics"])
def test_two_branches_of_a_coupled_gas(level):
    """Bogoliubov's branches: those of Z and n from psi_a and psi_b, and from n, J and s."""
    problem = load(ROOT / "problems" / "bogoliubov.py", level=level, Nx=32)
    numbers, step = np.arange(-7, 8), 2 * np.pi / problem["L_x"]
    e = problem["hbar_over_m"] / 2 * (step * numbers) ** 2
    f = e + problem["Omega_R"]
    laws = {"Z": f * (f + problem["kappa_n0"])}
    if "n" in problem.declared("outputs"):
        laws["n"] = e * (e + problem["g_n0"] + problem["g12_n0"])
    for output, squared in laws.items():
        found = branches(problem, output, numbers)
        law = np.sqrt(squared)
        found = np.nan_to_num(found.visible[:7])
        np.testing.assert_allclose(found.max(axis=1), law[:7], rtol=1e-6)
        np.testing.assert_allclose(found.min(axis=1), -law[:7], rtol=1e-6)


GAS = """
import dedalus.public as d3
import numpy as np
import spinhydro

N, g, n_0 = 31, 0.7, 1.3
timestepper, timestep, stop_time, output_interval = "IFRK4", 0.05, 1.0, 0.3
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=N, bounds=(0, N), dealias=2)
x = dist.local_grid(xbasis)
psi = dist.Field(name="psi", bases=xbasis)
psi["g"] = np.sqrt(n_0)*np.exp(0.4j) + 1e-3*np.cos(2*np.pi*x/N)
problem = d3.IVP([psi], namespace=locals())
problem.add_equation("dt(psi) - 1j*lap(psi)/2 = -1j*g*abs2(psi)*psi")
outputs = {"psi": "psi", "density": "abs2(psi)"}
"""


def test_wave_function_with_its_conjugate(tmp_path):
    """psi turns with the chemical potential mu, and shows -mu - omega and -mu + omega."""
    problem = load(written(tmp_path, GAS))
    numbers = np.arange(1, 16)
    e = (2 * np.pi * numbers / 31) ** 2 / 2
    gn = 0.7 * 1.3
    omega = np.sqrt(e * (e + 2 * gn))
    found = branches(problem, "psi", numbers)
    expected = np.stack([-gn - omega, -gn + omega], axis=1)
    np.testing.assert_allclose(found.visible, expected, rtol=1e-5)
    ratio = ((e + gn - omega) / gn) ** 2  # (v/u)^2
    np.testing.assert_allclose(found.weight[:, 1] / found.weight[:, 0], ratio, rtol=1e-4)
    density = branches(problem, "density", numbers)
    np.testing.assert_allclose(density.visible, np.stack([-omega, omega], axis=1), rtol=1e-5)


@pytest.mark.parametrize("moment_ratio", [1.0, 0.6])
def test_two_sublattices(moment_ratio):
    problem = load(
        ROOT / "problems" / "afm_resonance.py", N=16, moment_ratio=moment_ratio, H0="1.5*tesla"
    )
    numbers = np.arange(-6, 7)
    k = 2 * np.pi * numbers / problem["L_x"]
    names = ("omega_EA", "omega_EB", "omega_AA", "omega_AB", "omega_H", "a")
    e_a, e_b, a_a, a_b, field, a = [problem[name] for name in names]
    first, second = e_a + a_a + field, e_b + a_b - field
    root = np.sqrt((first + second) ** 2 - 4 * e_a * e_b * np.cos(k * a) ** 2)
    expected = np.stack([(first - second - root) / 2, (first - second + root) / 2], axis=1)
    found = branches(problem, "m", numbers, "perpendicular").visible
    np.testing.assert_allclose(np.nanmin(found, axis=1), expected[:, 0], rtol=1e-7)
    np.testing.assert_allclose(np.nanmax(found, axis=1), expected[:, 1], rtol=1e-7)


@pytest.mark.parametrize(
    "term, reason",
    [
        ("pin*cross(m, ez)", "depends on place"),
        ("cross(m, ex)", "not at rest"),
        ("sin(t)*cross(m, ez)", "depends on time"),
        ("0.1*m", "not at rest"),
    ],
)
def test_no_law_where_waves_have_none(term, reason, tmp_path):
    """Equations that depend on place or time, and a background that is not at rest."""
    text = CHAIN.replace("outputs =", 'pin["g"] = 0.1*np.cos(2*np.pi*x/N)\noutputs =')
    assert reason in waves(load(written(tmp_path, text, term)))["note"]


def test_a_tilted_state_at_rest(tmp_path):
    """Small waves on spins that a field has tilted: the initial state is at rest only nearly."""
    start = 'm["g"][0], m["g"][2] = np.sin(0.36), np.cos(0.36)\noutputs ='
    text = CHAIN.replace("outputs =", start)
    problem = load(written(tmp_path, text, "-0.27*cross(m, ex)"), D=0.0, omega_0=0.0)
    # Energy -omega_K m_z^2/2 - 0.27 m_x: at rest at sin(theta) = 0.27/0.7.
    exchange = 1 - np.cos(2 * np.pi * np.arange(1, 8) / 31)
    squared = (exchange + 0.7) * (exchange + 0.7 - 0.27**2 / 0.7)
    found = branches(problem, "m", np.arange(1, 8), "perpendicular")
    np.testing.assert_allclose(found.omega[:, 1], np.sqrt(squared), rtol=1e-6)


def test_no_law_for_textures(tmp_path):
    helix = """m["g"][0], m["g"][1] = 0.6*np.cos(2*np.pi*x/N), 0.6*np.sin(2*np.pi*x/N)
m["g"][2] = 0.8
outputs ="""
    found = waves(load(written(tmp_path, CHAIN.replace("outputs =", helix))))
    assert found == {"note": "the initial state is not uniform"}


def test_each_member_has_its_own_law(tmp_path):
    """A member that is chosen shows its law; members with different ones show none together."""
    path = written(tmp_path, CHAIN)
    problem = load(path, omega_K=[0.7, 0.5], stop_time=4)
    run = load_run(problem.run(out=tmp_path, quiet=True).folder)
    with pytest.raises(NoWavesError, match="choose one with --member"):
        RecordedWaves(run)
    assert "members have different waves" in dispersion.analyse(run).note
    for member, shift in enumerate([0.0, -0.2]):
        found = waves_along(run.isel(member=member))
        np.testing.assert_allclose(
            np.nansum(found.omega, axis=1), chain_law(found.k) + shift, atol=1e-11
        )
    alike = load(path, members=3)
    assert waves(alike)["rates"].shape[0] == 1


@pytest.mark.parametrize("component", ["perpendicular", "x"])
def test_ridges_of_both_signs_of_k(chain, component):
    found = dispersion.analyse(chain, component=component)
    assert found.law.name == dispersion.SMALL_WAVES and found.unseen == 0
    k = found.found.k.values
    shown = found.law.shown(k, found.interval, component == "perpendicular")
    np.testing.assert_allclose(np.nansum(shown, axis=1), chain_law(k) / (2 * np.pi), atol=1e-12)
    assert found.largest < 1e-4
    wrong = found.found.frequency - chain_law(-k) / (2 * np.pi)
    assert float(np.abs(wrong).max()) > 0.15


def test_the_longitudinal_component_has_no_law(chain):
    """Its waves have the differences of the frequencies."""
    found = dispersion.analyse(chain, component="z")
    assert found.law is None and "do not show in m_z" in found.note


@pytest.mark.parametrize("direction, steps", [(None, (1, 0)), ("y", (0, 1)), ((1, -1), (1, -1))])
def test_two_kernels_in_any_direction(plane, direction, steps):
    found = dispersion.analyse(plane, direction=direction)
    assert found.law.name == dispersion.SMALL_WAVES
    vector = np.array(steps) / [12, 10]
    k = found.found.k.values[:, None] * vector / np.linalg.norm(vector)
    inside = np.isfinite(found.error.values)
    assert inside.sum() >= len(k) - 1
    law = np.nansum(found.law.branches(found.found.k.values), axis=1)
    np.testing.assert_allclose(law[inside], plane_law(*k[inside].T), atol=1e-7)
    assert found.largest < 1e-3


def test_plane_of_wavenumbers(plane, tmp_path):
    """The contour of one frequency lies on the law, up to interpolation between the waves."""
    sheet, _ = find("dispersion").draw([plane], {"frequency": 0.2})
    lines = (one for one in sheet.axes[0].collections if hasattr(one, "levels"))
    points = np.concatenate([path.vertices for line in lines for path in line.get_paths()])
    assert len(points) > 8
    np.testing.assert_allclose(plane_law(*points.T), 0.4 * np.pi, rtol=0.05)


@pytest.mark.parametrize(
    "name, value",
    [
        ("k", "text"),
        ("rates", np.ones((1, 16, 3, 2, 2))),
        ("rates", np.full((1, 16, 2, 2, 2), np.nan)),
        ("output_m", np.ones((1, 16, 0, 2, 2))),
        ("turn_m", np.ones((1, 2))),
    ],
)
def test_damaged_tables_give_no_law(chain, tmp_path, name, value):
    (file,) = Path(chain.attrs["run"]).rglob("fields_s1.h5")
    copy = shutil.copytree(file.parent, tmp_path / "fields")
    with h5py.File(copy / "fields_s1.h5", "r+") as h5:
        h5["waves"].pop(name, None)
        h5["waves"][name] = value
    found = dispersion.analyse(load_run(copy / "fields_s1.h5"))
    assert found.law is None and "keeps no frequencies" in found.note


def test_attributes_that_netcdf_can_keep(chain, plane, tmp_path):
    names = [name for name in plane.attrs if name.startswith("waves_")]
    assert names and all(plane.attrs[name].ndim == 1 for name in names)
    again = open_netcdf(save_netcdf(chain, tmp_path / "chain.nc"))
    np.testing.assert_array_equal(waves_along(again).omega, waves_along(chain).omega)
