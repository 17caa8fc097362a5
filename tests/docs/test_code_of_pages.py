"""Every block of Python in the pages runs, in order and page by page, at small size."""

import importlib.util
import json
import re
from pathlib import Path

import dedalus.public as d3
import h5py
import numpy as np
import pytest
import xarray as xr

import spinhydro
from spinhydro.analysis import load
from spinhydro.cli.main import call

from ..conftest import ROOT, stored
from .commands import commands

#: ``{page: (blocks of Python, the file below tests that runs or compares them)}``.
RUN_BY = {
    "README.md": (4, "docs/test_readme.py"),
    "docs/tutorials/gas.md": (3, "docs/test_pages.py"),
    "docs/tutorials/magnet.md": (1, "docs/test_pages.py"),
    "docs/gases.md": (2, "docs/test_pages.py"),
    "docs/howto/figure.md": (1, "docs/test_pages.py"),
    "docs/howto/design.md": (4, "derivatives/test_minimise.py"),
    "docs/derivatives.md": (2, "docs/test_code_of_pages.py"),
    "docs/dedalus_support.md": (2, "docs/test_code_of_pages.py"),
    "docs/fused_engine.md": (1, "docs/test_code_of_pages.py"),
    "docs/howto/fit.md": (3, "docs/test_code_of_pages.py"),
    "docs/howto/spectrum.md": (1, "docs/test_code_of_pages.py"),
    "docs/howto/guest.md": (6, "docs/test_code_of_pages.py"),
    "docs/howto/results.md": (2, "docs/test_code_of_pages.py"),
    "docs/howto/resume.md": (2, "docs/test_code_of_pages.py"),
    "docs/howto/sweep.md": (1, "docs/test_code_of_pages.py"),
    "docs/howto/thermal_gas.md": (1, "docs/test_code_of_pages.py"),
    "docs/life_of_an_equation.md": (1, "docs/test_code_of_pages.py"),
    "docs/output_format.md": (1, "docs/test_code_of_pages.py"),
    "docs/magnets.md": (4, "docs/test_code_of_pages.py"),
}


def blocks(page):
    """Blocks of Python of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_every_block_of_every_page_has_a_test():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    names = [page.relative_to(ROOT).as_posix() for page in pages]
    found = {name: len(blocks(name)) for name in names if "/_" not in name and blocks(name)}
    assert found == {name: count for name, (count, _) in RUN_BY.items()}
    for page, (_, test) in RUN_BY.items():
        text = (ROOT / "tests" / test).read_text(encoding="utf-8")
        assert Path(page).name in text, f"{test} does not read {page}"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def gas(**values):
    """A small problem of paper A's gas."""
    values = {"Nx": 64, "stop_time": 1, "output_interval": 0.5, **values}
    return spinhydro.load(ROOT / "problems" / "quantum_torque.py", quick=True, **values)


def test_a_script_of_ones_own():
    names = {}
    for code in blocks("docs/howto/guest.md"):
        exec(code.replace("size=256", "size=64"), names)
    assert list(names["ds"].t.values[:5].round(3)) == [0, 0.1, 0.2, 0.3, 0.4]
    assert "engine: fused" in Path("runs/script/0001/log.txt").read_text(encoding="utf-8")
    assert float(abs(names["run"].u).max()) > 0.1

    # The script as a problem file.
    script, *_, declarations, _ = blocks("docs/howto/guest.md")
    Path("kdv.py").write_text(script.replace("size=256", "size=64") + declarations)
    assert call(["run", "kdv.py", "--quiet", "stop_time=0.1"]) == 0
    assert list(load("runs/kdv/0001").data_vars) == ["energy", "u"]


def test_results():
    for words in commands(ROOT / "docs/howto/results.md"):
        small = ["--quick", "stop_time=4", "--quiet"] if words[1] == "run" else []
        if words[1] == "run":
            words[2] = str(ROOT / words[2])
        assert call([*words[1:], *small]) == 0, words
    for name in ("m.ovf", "last.vti", "averages.csv", "run.nc", "movie.gif"):
        assert Path(name).stat().st_size > 300, name
    read, profile = blocks("docs/howto/results.md")
    names = {}
    exec(read, names)
    np.testing.assert_array_equal(names["same"].m, names["ds"].m)
    np.testing.assert_array_equal(names["part"].m, names["ds"].m)
    problem = spinhydro.load(ROOT / "problems" / "skyrmion.py", quick=True)
    exec(profile, {"spinhydro": spinhydro, "m": problem["m"]})
    np.testing.assert_allclose(problem["m"]["g"], names["last"], atol=1e-12)


def test_resume():
    resume, plain = blocks("docs/howto/resume.md")
    gas().run(quiet=True)
    whole = stored("runs/quantum_torque/0001")
    problem = gas(stop_time=2)
    for code in resume.splitlines()[:1]:
        exec(code, {"problem": problem})
    assert stored("runs/quantum_torque/0001")["t"][-1] == 2 > whole["t"][-1]

    coords = d3.CartesianCoordinates("x", "z")
    dist = d3.Distributor(coords, dtype=np.float64)
    bases = [d3.RealFourier(coords[axis], size=8, bounds=(0, 1)) for axis in "xz"]
    u = dist.VectorField(coords, name="u", bases=bases)
    forcing = dist.Field(name="forcing", bases=bases)
    ex, _ = coords.unit_vector_fields(dist)
    problem = d3.IVP([u], namespace=locals())
    problem.add_equation("dt(u) - 0.01*lap(u) = -u@grad(u) + forcing*ex")
    u["g"] = 0.1
    names = {"problem": problem, "u": u, "forcing": forcing, "d3": d3, "np": np}
    names.update(spinhydro=spinhydro, stop=0.2)
    exec(plain.replace("stop_sim_time = 10", "stop_sim_time = 0.2"), names)
    slices = load("runs/script/0001/slices")
    np.testing.assert_allclose(slices.t, [0, 0.05, 0.1, 0.15, 0.2], atol=0.02)

    names.update(timestep=0.01)
    for line in resume.splitlines()[1:]:
        exec(line.replace("stop_time=40", "stop_time=0.3"), names)
    # The first run is complete: a new one goes on from its state, for the given time.
    assert names["timestep"] == 0.01 and load("runs/script/0002").t[-1] == pytest.approx(0.5)


def test_sweep():
    problem = str(ROOT / "problems" / "quantum_torque.py")
    words = ["sweep", problem, "Omega_R=0.6,0.7", "Nx=64", "stop_time=10", "output_interval=5"]
    assert call([*words, "timestep=0.1", "L_x=480", "--workers", "1"]) == 0
    (code,) = blocks("docs/howto/sweep.md")
    names = {}
    exec(code, names)
    assert names["ds"].Z.sel(t=10, Omega_R=0.7, method="nearest").shape == (64,)


def test_temperature_of_every_mode():
    """The page's run, shorter: single modes deviate by up to 1/sqrt(8 members x 10 times)."""
    assert call(["run", str(ROOT / "problems" / "stochastic_gpe.py"), "members=8", "gamma=1",
                 "Nx=9", "stop_time=10*ms", "--quiet"]) == 0  # fmt: skip
    names = {}
    exec(blocks("docs/howto/thermal_gas.md")[0], names)
    assert names["ratio"].shape == (9,)
    assert names["ratio"].mean() == pytest.approx(1, abs=0.2)


def test_a_film_of_ones_own():
    """The page's sweep in a larger field, for a shorter time: the film reverses from both sides."""
    film, sweep, *_ = blocks("docs/magnets.md")
    Path("film.py").write_text(film, encoding="utf-8")
    words = ["sweep", "film.py", "B=-8*tesla:8*tesla:2", "start=1,-1", "N=8", "L=16*nm"]
    assert call([*words, "stop_time=40*ps", "--members", "4", "--workers", "1"]) == 0
    names = {}
    exec(sweep, names)
    assert list(names["final"].B.values) == [-8, 8] and names["final"].B.attrs["units"] == "T"
    np.testing.assert_allclose(names["final"].values, [[-1, -1], [1, 1]], atol=1e-3)


def test_kernels_and_bodies_of_magnets():
    *_, kernels, body = blocks("docs/magnets.md")
    names = {"spinhydro": spinhydro, "a": 0.5, "stiffness": 3.0}
    exec(kernels, names)
    assert names["W"](0.01) == pytest.approx(3e-4, rel=1e-4)

    coords = d3.CartesianCoordinates("x", "y")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    names = {"spinhydro": spinhydro, "dist": dist, "length": 40, "width": 20, "Nx": 8, "Ny": 4}
    ex, ey, ez = spinhydro.spin.unit_vector_fields(dist)
    names.update(stiffness=30.0, omega_M=0.2, thickness=3.0, gamma=0.17, B=0.1 * ex, d3=d3)
    exec(body, names)
    m = names["m"]
    m["g"][0] = names["body"]["g"]
    exec(
        "problem = d3.IVP([m], namespace=dict(globals()))\n"
        "problem.add_equation('dt(m) = -cross(m, H) - cross(m, cross(m, H))')",
        names,
    )
    spinhydro.simulate(
        names["problem"], timestep=0.01, stop_time=0.05,
        projections=names["projections"], watch=names["watch"],
    )  # fmt: skip


def test_engines_and_coefficients_in_plain_scripts():
    coords = d3.CartesianCoordinates("x")
    dist = d3.Distributor(coords, dtype=np.float64)
    basis = d3.RealFourier(coords["x"], size=8, bounds=(0, 2 * np.pi), dealias=3 / 2)
    u, nu = dist.Field(name="u", bases=basis), dist.Field(name="nu")
    nu["g"] = 0.1
    problem = d3.IVP([u], namespace=locals())
    problem.add_equation("dt(u) - nu*lap(u) = -u*dx(u)")
    names = {"problem": problem, "d3": d3, "spinhydro": spinhydro, "nu": nu}
    (accelerate,) = blocks("docs/fused_engine.md")
    exec(accelerate, names)
    change, state = blocks("docs/dedalus_support.md")
    x = dist.local_grid(basis)
    u["g"] = 1e-8 * np.sin(x)
    exec(change, names)
    for _ in range(10):
        names["solver"].step(0.1)
    u.change_scales(1)
    np.testing.assert_allclose(u["g"], 1e-8 * np.exp(-0.3) * np.sin(x), atol=1e-12)
    names["other_solver"] = spinhydro.accelerate(problem.build_solver(d3.RK443))
    exec(state, names)


def test_files_of_a_run_are_those_of_the_page():
    problem = ROOT / "problems" / "lattice_magnon.py"
    run = spinhydro.load(problem, quick=True).run(quiet=True).folder
    (code,) = blocks("docs/output_format.md")
    names = {}
    exec(code, names)
    assert names["m"].shape == (len(names["t"]), 3, *[len(names["x"])] * 3)

    page = (ROOT / "docs" / "output_format.md").read_text(encoding="utf-8")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert not [key for key in record if f"`{key}`" not in page]
    found = set()
    for path in run.glob("*/*.h5"):
        with h5py.File(path) as file:
            found.update(f"attribute `{name}`" for name in file.attrs)
            file.visit(lambda name: found.add(name.split("_hash_")[0]))
    # Of every problem: names of outputs, kernels and variables are placeholders in the page.
    known = {"tasks", "scales", "kernels", "waves", "exact", "exact/0", "scales/x", "scales/y"}
    known |= {"scales/z", "tasks/m", "tasks/mz_mean", "kernels/W"}
    known |= {f"attribute `{name}`" for name in ("handler_name", "set_number", "writes")}
    for name in found - known:
        # What a time stepper keeps for itself is not described.
        assert name.startswith("exact/0/") or name.rpartition("/")[2] in page, name


def test_quoted_equation_is_that_of_the_problem_file():
    (code,) = blocks("docs/life_of_an_equation.md")
    assert code in (ROOT / "problems" / "quantum_torque.py").read_text(encoding="utf-8")


def test_data_of_a_fit():
    values = {"Nx": 256, "stop_time": 1, "timestep": 0.02}
    spinhydro.load(ROOT / "problems" / "quantum_torque.py", **values).run(quiet=True)
    code, bump, density = blocks("docs/howto/fit.md")
    names = {}
    exec(code, names)
    frames = xr.open_dataset("frames.nc")
    assert float((frames.Z - names["ds"].Z).std()) == pytest.approx(0.05, rel=0.1)
    Path("bump.py").write_text(bump, encoding="utf-8")
    spinhydro.load("bump.py", height=0.3).run(quiet=True)
    exec(density, names)
    if importlib.util.find_spec("jax"):
        *_, words = commands(ROOT / "docs/howto/fit.md")
        assert call(words[1:]) == 0
        rows = np.genfromtxt("bump.csv", delimiter=",", names=True)
        x = names["ds"].x.values
        truth = 0.3 * np.exp(-((x - 4) ** 2) / 18)
        rest = rows["V"] - truth
        assert np.abs((rest - rest.mean()) / rows["V_error_about_average"]).max() < 4


def test_spectrum():
    pytest.importorskip("jax")
    (code,) = blocks("docs/howto/spectrum.md")
    problem = str(ROOT / "problems" / "bogoliubov.py")
    exec(code.replace("problems/bogoliubov.py", problem), {})


def test_gradients_and_design():
    pytest.importorskip("jax")
    gradient, design = blocks("docs/derivatives.md")
    names = {}
    exec(gradient.replace("problems/", f"{ROOT}/problems/").replace("256", "64"), names)
    assert names["found"].gradient["s"].shape[0] == 3
    for line in design.replace("problems/", f"{ROOT}/problems/").splitlines():
        exec(line.replace("over=", "iterations=2, over="), names)
        if line.startswith("found"):
            assert names["found"].value < names["found"].start
