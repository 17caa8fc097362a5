"""Our pieces in plain Dedalus scripts, without the loader."""

import re
import subprocess
import sys

import dedalus.public as d3
import h5py
import numpy as np
import pytest

import spinhydro
import spinhydro.language.words
from spinhydro.analysis import load
from spinhydro.cli.info import command as info
from spinhydro.errors import InputError

from ..conftest import ROOT


def spins(size=32):
    coords = d3.CartesianCoordinates("x")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = d3.Distributor(coords, dtype=np.float64)
    xbasis = d3.RealFourier(coords["x"], size=size, bounds=(0, 2 * np.pi))
    s = dist.VectorField(spin, name="s", bases=xbasis)
    ex, ey, ez = spin.unit_vector_fields(dist)
    s["g"] = spinhydro.spin_spiral(3 * dist.local_grid(xbasis), 1.0)
    return d3.IVP([s], namespace=locals()), s, dist.local_grid(xbasis)


def test_rk4_is_a_time_stepper_of_dedalus():
    problem, s, x = spins()
    problem.add_equation("dt(s) = cross(s, lap(s))")
    solver = problem.build_solver(spinhydro.RK4)
    solver.stop_sim_time = 0.1
    while solver.proceed:
        solver.step(0.001)
    exact = spinhydro.spin_spiral(3 * x - 9 * np.cos(1.0) * solver.sim_time, 1.0)
    s.change_scales(1)
    np.testing.assert_allclose(s["g"], exact, atol=1e-8)


def test_words_are_known_to_plain_add_equation():
    problem, s, x = spins()
    problem.add_equation("dt(s) = cross(s, dx(dx(s)))")
    solver = problem.build_solver(d3.RK443)
    for _ in range(10):
        solver.step(0.001)
    exact = spinhydro.spin_spiral(3 * x - 9 * np.cos(1.0) * 0.01, 1.0)
    s.change_scales(1)
    np.testing.assert_allclose(s["g"], exact, atol=1e-6)


def test_simulate_runs_a_plain_ivp(tmp_path):
    problem, s, x = spins()
    problem.add_equation("dt(s) = cross(s, lap(s))")
    result = spinhydro.simulate(
        problem, timestep=0.001, stop_time=0.1, output_interval=0.05, name="plain", out=tmp_path,
        quiet=True, outputs={"Z": "s@ez", "s": "s"}, watch=["abs(s@s - 1) <= 1e-6"],
    )  # fmt: skip
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        np.testing.assert_allclose(file["scales/sim_time"][:], [0, 0.05, 0.1])
        exact = spinhydro.spin_spiral(3 * x - 9 * np.cos(1.0) * 0.1, 1.0)
        np.testing.assert_allclose(file["tasks/s"][-1], exact, atol=1e-8)


def test_simulate_names_a_wrong_option(tmp_path):
    problem, _, _ = spins()
    problem.add_equation("dt(s) = cross(s, lap(s))")
    with pytest.raises(InputError, match="did you mean 'outputs'"):
        spinhydro.simulate(problem, timestep=0.1, stop_time=1, output={"Z": "s@ez"})


def test_simulate_takes_nothing_but_an_ivp_and_a_plain_name(tmp_path):
    problem, _, _ = spins()
    problem.add_equation("dt(s) = cross(s, lap(s))")
    with pytest.raises(InputError, match="takes a d3.IVP"):
        spinhydro.simulate(None, timestep=0.1, stop_time=1)
    with pytest.raises(InputError, match="simple name"):
        spinhydro.simulate(problem, timestep=0.1, stop_time=1, name="../elsewhere", out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_still_state_stays_still(tmp_path):
    """dt(s) = 0: nothing moves, and no check fails."""
    problem, s, _ = spins()
    problem.add_equation("dt(s) = 0")
    before = s["g"].copy()
    spinhydro.simulate(problem, timestep=0.1, stop_time=1, out=tmp_path, quiet=True)
    s.change_scales(1)
    np.testing.assert_allclose(s["g"], before, atol=1e-14)


def test_korteweg_de_vries_burgers_of_the_dedalus_examples(tmp_path):
    """An equation of another field, with an implicit left side and dealiasing, in this run loop."""
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    xbasis = d3.RealFourier(coords["x"], size=128, bounds=(0, 10), dealias=3 / 2)
    u = dist.Field(name="u", bases=xbasis)
    a, b = 1e-2, 2e-2
    x = dist.local_grid(xbasis)
    u["g"] = np.log(1 + np.cosh(20) ** 2 / np.cosh(0.2 * 20 * (x - 4)) ** 2) / (2 * 20)
    start = u["g"].mean()
    problem = d3.IVP([u], namespace=locals())
    problem.add_equation("dt(u) - a*dx(dx(u)) - b*dx(dx(dx(u))) = - u*dx(u)")
    result = spinhydro.simulate(
        problem, timestep=2e-3, stop_time=0.5, timestepper=d3.SBDF2, out=tmp_path, quiet=True,
        watch=["drift(u) <= 1e-10"],
    )  # fmt: skip
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        assert file["tasks/u"][-1].mean() == pytest.approx(start, rel=1e-10)


def test_importing_the_package_starts_no_solver():
    code = "import spinhydro, spinhydro.errors, sys; print('dedalus' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "False\n", done.stderr


def test_layers_do_not_import_each_other_backwards():
    for path in (ROOT / "spinhydro").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found = re.findall(r"^\s*(?:from|import)\s+(problems|run|analysis)\b", text, re.MULTILINE)
        assert not found, path


def test_simulate_refuses_what_dedalus_computes_wrongly(tmp_path):
    coords = d3.CartesianCoordinates("x", "y")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = tuple(d3.RealFourier(c, size=8, bounds=(0, 1)) for c in coords.coords)
    v = dist.VectorField(coords, name="v", bases=bases)
    problem = d3.IVP([v], namespace=locals())
    problem.add_equation("dt(v) = -div(v*v, index=1)")
    with pytest.raises(InputError, match="index=1.*wrong numbers"):
        spinhydro.simulate(problem, timestep=0.1, stop_time=1, out=tmp_path, outputs={"v": "v"})
    assert not list(tmp_path.iterdir())


def test_scales_that_differ_between_axes(tmp_path, capsys):
    """Dedalus 3.0 writes all grids for the scale of the first axis: y had none."""
    coords = d3.CartesianCoordinates("x", "y")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = [d3.RealFourier(coords[name], size=8, bounds=(1, 5)) for name in "xy"]
    u = dist.Field(name="u", bases=bases)
    problem = d3.IVP([u], namespace=locals())
    problem.add_equation("dt(u) = 0*u")
    solver = problem.build_solver(d3.RK111)
    handler = solver.evaluator.add_file_handler(tmp_path / "fine", iter=1)
    handler.add_task(u, name="u", scales=(1, 2))
    handler.add_task(u, name="flux/left")
    solver.step(0.1)
    ds = load(tmp_path / "fine")
    np.testing.assert_allclose(ds.y_16, 1 + 0.25 * np.arange(16))
    np.testing.assert_allclose(ds.x, 1 + 0.5 * np.arange(8))
    assert info([str(tmp_path / "fine")]) == 0
    text = capsys.readouterr().out
    assert "u (float64): x 8, y_16 16" in text and "flux/left (float64): x 8, y 8" in text
    assert set(load(tmp_path / "fine", handler="*")["fine"].data_vars) == {"u", "flux_left"}
