"""Spectral truncation of splitting schemes: chosen, recorded, resumed, watched; advice on grids."""

import json
import re

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.analysis import load as load_run
from spinhydro.errors import ParameterError, Stopped, WatchError
from spinhydro.run.filled_modes import FilledModes

from ..conftest import ROOT

G, TIMESTEP = 10.0, 0.02


def gas(N, wave=0.1):
    """A wave on a uniform gas of density 1."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], N, (0, 2 * np.pi))
    psi = dist.Field(name="psi", bases=basis)
    psi["g"] = 1 + wave * np.cos(dist.local_grid(basis))
    problem = d3.IVP([psi], namespace={"psi": psi, "abs2": spinhydro.abs2, "G": G})
    problem.add_equation("dt(psi) - 0.5j*lap(psi) = -1j*G*abs2(psi)*psi")
    return problem


def run(folder, N, timestep=TIMESTEP, stop_time=20, problem=None, **options):
    options = {"timestepper": "BlanesMoan4", "output_interval": 1, "outputs": {"n": "abs2(psi)"},
               "engine": "auto", **options}  # fmt: skip
    return spinhydro.simulate(
        problem or gas(N), timestep, stop_time, out=folder, quiet=True, **options
    )


def log_of(result):
    return (result.folder / "log.txt").read_text(encoding="utf-8")


def record_of(result):
    return json.loads((result.folder / "run.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("engine", ["fused", "dedalus"])
def test_a_timestep_that_resonates_truncates_and_is_right(engine, tmp_path):
    stop_time = 20 if engine == "fused" else 1
    result = run(tmp_path, 256, stop_time=stop_time, engine=engine)
    assert "truncation: BlanesMoan4 keeps the modes below 0." in log_of(result)
    assert "warning" not in log_of(result)
    fraction = record_of(result)["truncate"]
    assert fraction < 0.6
    exact = run(tmp_path, 64, TIMESTEP / 4, stop_time)
    ours, theirs = (load_run(r.folder).n[-1].values for r in (result, exact))
    np.testing.assert_allclose(ours[::4], theirs, atol=1e-6)
    if engine == "fused":
        assert re.search(r"advice: \d+ of 256 points along x would resolve", log_of(result))
        all_modes = run(tmp_path, 256, truncate=1)
        assert "warning: stability" in log_of(all_modes)
        wrong = load_run(all_modes.folder).n[-1].values
        assert np.abs(wrong[::4] - theirs).max() > 1e-3


def test_a_state_that_fills_all_modes_is_not_truncated(tmp_path):
    problem = gas(256)
    psi = problem.variables[0]
    psi["g"] += 0.01 * np.random.default_rng(0).standard_normal(256)
    log = log_of(run(tmp_path, 256, stop_time=10, problem=problem))
    assert "truncation: BlanesMoan4 keeps all modes, and not only" in log
    assert "warning: stability" in log and "advice" not in log


def test_a_truncation_that_fills_up_warns_and_then_stops(tmp_path):
    with pytest.raises(WatchError, match="no longer resolved") as caught:
        run(tmp_path, 128, 0.01, 3, gas(128, 0.6), truncate=0.12, output_interval=0.02)
    assert "warning: the modes next to the truncation at 0.12" in (
        caught.value.folder / "log.txt"
    ).read_text(encoding="utf-8")


def test_a_truncation_that_drops_the_initial_state_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="amplitude of the initial state"):
        run(tmp_path, 64, truncate=0.02)
    assert not list(tmp_path.glob("script/*"))


def test_other_steppers_keep_all_modes(tmp_path):
    with pytest.raises(ParameterError, match="IFRK4 keeps all modes; take timestepper"):
        run(tmp_path, 64, truncate=0.5, timestepper="IFRK4")


def test_a_resumed_run_keeps_its_truncation(tmp_path):
    whole = run(tmp_path, 256, stop_time=2)
    with pytest.raises(Stopped) as stopped:
        run(tmp_path, 256, stop_time=2, wall_limit=1e-3)
    resumed = run(tmp_path, 256, stop_time=2, resume=stopped.value.folder)
    assert record_of(resumed)["truncate"] == record_of(whole)["truncate"] < 1
    for name in "n":
        ours, theirs = (load_run(r.folder)[name].values for r in (whole, resumed))
        assert np.array_equal(ours, theirs)


def test_the_default_splitting_of_a_file_gives_way_to_a_tolerance(tmp_path):
    values = {"Nx": 256, "L_x": "120*um", "R_x": "50*um", "trap": "pedestal", "stop_time": 0.05}
    problem = spinhydro.load(
        ROOT / "problems" / "coupled_gpe.py", tolerance=1e-5, timestep="auto", **values
    )
    result = problem.run(out=tmp_path, quiet=True)
    assert record_of(result)["timestepper"] == "IFRK43"


def test_amplitudes_above_a_fraction_do_not_count_the_modes_at_it():
    """cos 16x of 64 points is at half of the largest wavenumber: nothing is above that half."""
    problem = gas(64)
    (psi,) = problem.variables
    psi["g"] = 1 + 0.2 * np.cos(16 * problem.dist.local_grid(psi.domain.bases[0]))
    modes = FilledModes(problem.build_solver(spinhydro.RK4))
    found = modes.measure()
    relative = np.sqrt(0.02 / 1.02)
    for fraction in (0.1, 0.49, 0.495):
        assert modes.amplitude_above(found, fraction) == pytest.approx(relative, rel=1e-12)
    assert modes.amplitude_above(found, 0.5) < 1e-14
    assert modes.filled() == {0: 0.5}


@pytest.mark.parametrize("dtype, sizes", [(complex, (12, 10)), (float, (12, 10)), (float, (16,))])
def test_amplitudes_of_an_engine_are_those_of_coefficients(dtype, sizes):
    coords = d3.CartesianCoordinates(*"xy"[: len(sizes)])
    dist = d3.Distributor(coords, dtype=dtype)
    basis = d3.ComplexFourier if dtype is complex else d3.RealFourier
    bases = [basis(c, n, (0, 1), dealias=1.5) for c, n in zip(coords.coords, sizes, strict=True)]
    u = dist.Field(name="u", bases=bases)
    u.fill_random("g", seed=1)
    u.low_pass_filter(scales=0.7)
    problem = d3.IVP([u], namespace={"u": u, "lap": d3.lap})
    problem.add_equation("dt(u) - 0.01*lap(u) = -u*u")
    solver = problem.build_solver(spinhydro.FusedIFRK4)
    solver.step(1e-3)
    found = FilledModes(solver).measure()
    assert solver.timestepper.spectra is not None
    solver.timestepper.read_again()
    for axis, expected in FilledModes(solver).measure().items():
        np.testing.assert_allclose(found[axis], expected, rtol=0, atol=1e-15)
