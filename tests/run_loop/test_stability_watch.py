"""Runs that outgrow the stability limit of their timestep: found, reported, ended before NaN."""

import json
from contextlib import nullcontext

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.analysis import load as read
from spinhydro.errors import NotFiniteError, UnstableError
from spinhydro.run import stability_watch

N = 32
FOCUSING = "dt(u) - 0.5j*lap(u) = 2j*abs2(u)*u"


def gas(equation, amplitude=1.0):
    """A gas with a wave on it, in a box of length 2 pi."""
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=N, bounds=(0, 2 * np.pi))
    u, wave = dist.Field(name="u", bases=basis), dist.Field(name="wave", bases=basis)
    x = dist.local_grid(basis)
    u["g"], wave["g"] = amplitude * (1 + 0.3 * np.cos(x + 1)), np.cos(x)
    words = {"abs2": spinhydro.abs2, "lap": d3.lap, "ramp": spinhydro.ramp}
    problem = d3.IVP([u], namespace={"u": u, "wave": wave, **words})
    problem.add_equation(equation)
    return problem


def log_of(folder):
    return (folder / "log.txt").read_text(encoding="utf-8")


def simulate(out, problem, **options):
    options = {"timestep": 0.1, "stop_time": 4.0, "output_interval": 0.5, "out": out} | options
    return spinhydro.simulate(problem, quiet=True, units={"time": "s"}, **options)


@pytest.mark.parametrize("engine", ["fused", "dedalus"])
def test_a_focusing_gas_ends_before_it_is_not_finite(tmp_path, engine):
    with pytest.raises(UnstableError, match=r"\|u\| has grown .* kept.*safe timestep") as caught:
        simulate(tmp_path, gas(FOCUSING), timestepper="RK443", engine=engine)
    folder = caught.value.folder
    record = json.loads((folder / "run.json").read_text())
    assert (record["status"], record["exit_code"]) == ("stopped", 3)
    start, warning = (x for x in log_of(folder).splitlines() if "stability: " in x)
    assert "warning" not in start and "for amplitudes below" in start
    assert "of the RK443 stability limit, not at" in warning and "|u| has grown" in warning
    outputs = read(folder)
    assert len(outputs.t) >= 2 and np.isfinite(outputs.u.values).all()
    # The largest safe timestep that is reported is one at that time.
    safe = float(warning.split("largest safe timestep: ")[1].split()[0])
    passed = float(warning.split("at t = ")[1].split()[0])
    simulate(tmp_path, gas(FOCUSING), timestep=safe, stop_time=passed, timestepper="RK443")


def test_a_forced_run_goes_on_until_it_is_not_finite(tmp_path):
    with pytest.raises(NotFiniteError, match="beyond the stability limit at t = .*auto"):
        simulate(tmp_path, gas(FOCUSING), timestepper="RK443", force=True)
    # A gas that stays within its limit has no line.
    result = simulate(tmp_path, gas(FOCUSING.replace("2j", "-2j")), timestepper="RK443")
    assert log_of(result.folder).count("stability: ") == 1


def test_drives_are_examined_ahead(tmp_path):
    equation = "dt(u) - 0.5j*lap(u) = -1j*(1 + ramp(t, 0, {}, 1, 2))*wave*u"
    for height, verdict in ((4, "stability: terms"), (40, "warning: stability: terms")):
        with pytest.raises(UnstableError) if height > 4 else nullcontext():
            simulate(tmp_path, gas(equation.format(height)), timestepper="RK443")
        folder = sorted((tmp_path / "script").iterdir())[-1]
        line = next(x for x in log_of(folder).splitlines() if "depend on time" in x)
        assert verdict in line and "of the limit, at t = " in line


@pytest.mark.parametrize(
    "stepper, engine",
    [("IFRK4", "fused"), ("Strang", "fused"), ("RK443", "lean"), ("SBDF3", "dedalus")],
)
def test_estimates_leave_the_run_as_it_is(tmp_path, monkeypatch, stepper, engine):
    ends, estimates = [], []
    compare = stability_watch.compare_timestep

    def counted(*arguments):
        estimates.append(len(ends))
        return compare(*arguments)

    monkeypatch.setattr(stability_watch, "compare_timestep", counted)
    monkeypatch.setattr(stability_watch, "SELDOM", 2)
    for again in (10**9, 3):
        monkeypatch.setattr(stability_watch, "AGAIN", again)
        problem = gas("dt(u) - 0.5j*lap(u) = -2j*abs2(u)*u")
        simulate(
            tmp_path, problem, timestep=0.002, stop_time=0.06, output_interval=0.02,
            timestepper=stepper, engine=engine,
        )  # fmt: skip
        ends.append(problem.variables[0]["c"].copy())
    assert set(estimates) == {1} and len(estimates) > 2
    np.testing.assert_array_equal(*ends)


def test_the_limit_of_adaptive_steps_follows_the_state(tmp_path):
    equation = "dt(u) = 0.5j*lap(u) - 1j*abs2(u)*u + 1.5*u"
    result = simulate(
        tmp_path, gas(equation, 4.0), timestep="auto", timestepper="RK4", tolerance=1e-3,
        stop_time=1.0,
    )  # fmt: skip
    lines = [x for x in log_of(result.folder).splitlines() if "RK4 stability limit" in x]
    longest = [float(x.split("at most ")[1].split()[0]) for x in lines]
    assert len(longest) >= 2 and longest == sorted(longest, reverse=True)
    assert "|u| has grown by a factor of" in lines[1]


def test_an_oscillating_state_is_not_examined_at_every_maximum(tmp_path, monkeypatch):
    """A verdict on the largest state so far holds while it shrinks and grows again."""
    verdicts, usual = [], stability_watch.StabilityWatch._estimate

    def estimate(watch):
        verdicts.append(usual(watch))
        return verdicts[-1]

    def measure(magnitudes, with_drives=True):
        phase = 0.7 * magnitudes.solver.iteration
        return {"|u|": 1.1 + np.sin(phase), "|s|": 1.1 - np.sin(phase)}

    monkeypatch.setattr(stability_watch.StabilityWatch, "_estimate", estimate)
    monkeypatch.setattr(stability_watch.Magnitudes, "measure", measure)
    problem = gas("dt(u) - 0.5j*lap(u) = -1j*wave*u")
    run = {"timestep": 1.2, "stop_time": 240, "output_interval": 60}
    simulate(tmp_path, problem, timestepper="RK443", **run)
    assert max(check.share for check in verdicts) > 0.5
    assert len(verdicts) < 8
