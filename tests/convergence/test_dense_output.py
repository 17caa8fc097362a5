"""Outputs inside steps: interpolants, errors at output times, resume, members, watches."""

import json
import re

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spinhydro.analysis import load as read
from spinhydro.errors import OutputError, WatchError
from spinhydro.problem.load import load
from spinhydro.problem.resume import resume_run
from spinhydro.run import passed_outputs
from spinhydro.run.checkpoint import checkpoint_files
from spinhydro.run.output import FieldOutput
from spinhydro.steppers import rk8
from spinhydro.steppers.control import intervals_within
from spinhydro.steppers.dense_output import DenseOutput, intervals_in_step
from spinhydro.steppers.interpolants import (
    HIGHEST,
    NODES,
    STAGES,
    ContinuousRK8,
    ExponentialQuartic,
    Quartic,
)
from spinhydro.steppers.phi import phi_functions

from ..conftest import ROOT
from .test_adaptive_pairs import GPE

POINTS, TOLERANCE = 33, 1e-6
CLOSE = {"Nx": POINTS, "timestep": "auto", "tolerance": TOLERANCE, "output_interval": 0.01}


@pytest.fixture
def gpe(tmp_path):
    path = tmp_path / "gpe.py"
    path.write_text(GPE)
    return path


def exact_fields(times, damped):
    """Return the gas of `GPE` at times, by SciPy's DOP853 on NumPy's transforms."""
    x = -8 + 16 / POINTS * np.arange(POINTS)
    k2 = (2 * np.pi * np.fft.fftfreq(POINTS, 16 / POINTS)) ** 2
    loss = (0.5 + 1j) if damped else 1j

    def rate(t, u):
        rate = loss * np.fft.ifft(-k2 * np.fft.fft(u)) / 2 + damped * (1 - u)
        return rate - 1j * (np.abs(u) ** 2 + 0.3 * np.sin(3 * t)) * u

    start = 1 + 0.4 * np.exp(-(x**2)) * np.exp(1j * x)
    # Its interpolation is of order 7: short steps.
    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-13, "max_step": 0.01}
    return solve_ivp(rate, (0, times[-1]), start, t_eval=times, **options).y.T


def number_inside(folder):
    """Return the number of outputs inside steps, which the log states."""
    found = re.findall(r"rejected, (\d+) outputs inside", (folder / "log.txt").read_text())
    return int(found[-1]) if found else 0


def largest_error(found, exact):
    norms = np.linalg.norm(exact, axis=-1)
    return (np.linalg.norm(found - exact, axis=-1) / norms).max()


@pytest.mark.parametrize("damped", [0, 1])
def test_errors_at_output_times_meet_the_tolerance(damped, gpe, tmp_path):
    """A gas in a field that depends on time, without damping and with stiff damping."""
    exact = None
    for stepper in ("RK4", "IFRK4", "ETDRK4", "RK8"):
        for engine in ("fused", "lean") if stepper != "RK4" else ("fused",):
            values = CLOSE | {"stop_time": 0.3, "timestepper": stepper, "damped": damped}
            # Their stability limit keeps steps short.
            values["output_interval"] = 0.0025 if stepper == "RK4" else 0.005
            run = load(gpe, **values).run(out=tmp_path, engine=engine, quiet=True)
            fields = read(run.folder).u
            assert number_inside(run.folder) >= 0.4 * len(fields), (stepper, engine)
            np.testing.assert_allclose(
                fields.t, values["output_interval"] * np.arange(len(fields)), rtol=1e-14
            )
            if exact is None:
                exact = exact_fields(fields.t.values, damped)
            every = len(exact) // (len(fields) - 1)
            assert largest_error(fields.values, exact[::every]) < 2 * TOLERANCE, (stepper, engine)


@pytest.mark.parametrize(
    ("name", "values", "steppers"),
    [
        ("quantum_torque", {"stop_time": 0.4, "output_interval": 0.01},
         ("RK4", "RKMK4", "WaveRK4")),
        (
            "transient_grating",
            {"stop_time": "0.1*ps", "output_interval": "1e-3*ps", "N": 65},
            ("RK8",),
        ),
    ],
)  # fmt: skip
def test_spins_at_output_times(name, values, steppers, tmp_path):
    """A chain of spins and a grating with a lattice kernel; lengths are kept by rotations."""
    path = ROOT / "problems" / f"{name}.py"
    variable = "s" if name == "quantum_torque" else "m"

    def spins(**others):
        problem = load(path, quick=True, timestep="auto", **values, **others)
        run = problem.run(out=tmp_path, quiet=True)
        return read(run.folder)[variable].transpose("t", "spin", ...).values, number_inside(
            run.folder
        )

    exact, _ = spins(timestepper="RK8", tolerance=1e-10)
    for stepper in steppers:
        found, number = spins(timestepper=stepper, tolerance=TOLERANCE)
        assert number > 0.4 * len(found), stepper
        found, flat = found.reshape(len(found), -1), exact.reshape(len(exact), -1)
        assert largest_error(found, flat) < 2 * TOLERANCE, stepper
        if name == "quantum_torque":
            # Kept by rotations, or by the projection of the file.
            lengths = np.linalg.norm(found.reshape(len(found), 3, -1), axis=1)
            assert np.abs(lengths - 1).max() < 1e-12


class Oscillator(DenseOutput):
    """A wave, with half of its frequency on the left side, and a rate that depends on time."""

    def __init__(self, is_split):
        self.linear = 0.5j if is_split else 0.0

    def exact(self, t):
        return np.array([np.exp(1j * t) + t * np.exp(-t)])

    def rate_at(self, state, time):
        forced = (1 - (1 + 1j) * time) * np.exp(-time)
        return 1j * state + forced - self.linear * state

    def move_linear(self, state, duration):
        return np.exp(self.linear * duration) * state

    def sum_of_phi(self, duration, vectors):
        functions = phi_functions(np.array([[duration * self.linear]]), 4)
        return sum(phi.item() * vector for phi, vector in zip(functions, vectors, strict=False))


@pytest.mark.parametrize("kind, order", [(Quartic, 5), (ExponentialQuartic, 5), (ContinuousRK8, 8)])
def test_orders_of_the_interpolants(kind, order):
    """The error of one step is of one order more, and below the estimate."""
    wave = Oscillator(kind is not ContinuousRK8)
    timesteps, fractions = np.geomspace(0.15, 0.5, 5), np.linspace(0.05, 0.95, 19)
    errors = []
    for h in timesteps:
        found = kind(wave, 0.3, h, wave.exact(0.3), wave.exact(0.3 + h))
        distances = [abs(found(x) - wave.exact(0.3 + x * h)).item() for x in fractions]
        errors.append(max(distances))
        assert errors[-1] < 1.2 * max(abs(part).item() for part in found.errors)
    assert np.polyfit(np.log(timesteps), np.log(errors), 1)[0] == pytest.approx(order, abs=0.3)


def test_coefficients_of_the_continuous_extension():
    from scipy.integrate._ivp import dop853_coefficients as published

    def dense(rows, width=16):
        found = np.zeros((len(rows), width))
        for row, weights in zip(found, rows, strict=True):
            row[list(weights)] = list(weights.values())
        return found

    np.testing.assert_allclose(dense(STAGES), published.A[13:], rtol=1e-14)
    np.testing.assert_allclose(dense(HIGHEST), published.D, rtol=1e-14)
    np.testing.assert_allclose((*rk8.NODES, 1, *NODES), published.C, rtol=1e-14)


def test_intervals_of_a_step():
    assert intervals_within(0.1, 0.55, None, 4, 9) == 5
    assert intervals_within(0.1, 0.55, None, 4, 0.31) == 3
    # Kept while the suggestion stays close.
    assert intervals_within(0.1, 0.47, 0.5, 4, 9) == intervals_within(0.1, 0.59, 0.5, 4, 9) == 5
    assert intervals_within(0.1, 0.45, 0.5, 4, 9) == 4
    # RK8 with two outputs per step costs less without an interpolant.
    assert [intervals_in_step(n, 7.2, 4, Quartic) for n in (0, 1, 2, 99)] == [1, 1, 2, 30]
    assert [intervals_in_step(n, 12.5, 12, ContinuousRK8) for n in (2, 3)] == [2, 3]
    assert [intervals_in_step(n, 5, 4, None) for n in (1, 2)] == [1, 2]
    # Shorter steps that can be interpolated, or long ones that cannot.
    assert [intervals_in_step(9, 18.5, 12, ContinuousRK8, n) for n in (8.3, 2.3, 0)] == [8, 9, 9]


def test_an_interpolant_beyond_the_tolerance_is_not_used(gpe, tmp_path, monkeypatch):
    """Each state then follows from a step of the scheme to the output time."""
    values = CLOSE | {"stop_time": 0.5, "timestepper": "IFRK4"}
    monkeypatch.setattr(Quartic, "__call__", lambda *_: 0 / 0)
    monkeypatch.setattr("spinhydro.steppers.dense_output.PERMITTED", 1e-12)
    run = load(gpe, **values).run(out=tmp_path, quiet=True)
    fields = read(run.folder).u
    assert number_inside(run.folder) > 20
    assert largest_error(fields.values, exact_fields(fields.t.values, 0)) < 2 * TOLERANCE


@pytest.mark.parametrize(
    ("stepper", "engine"), [("IFRK4", "fused"), ("IFRK4", "lean"), ("RK8", "fused")]
)
def test_a_run_that_ends_inside_a_step_is_resumed(stepper, engine, gpe, tmp_path, monkeypatch):
    """The bytes of the run in one piece, no output twice, none missing."""
    values = CLOSE | {"stop_time": 0.403, "timestepper": stepper}
    whole = load(gpe, **values).run(out=tmp_path / "a", engine=engine, quiet=True)
    stock, made = FieldOutput.write, []

    def write(self, timestep):
        made.append(self.solver.sim_time)
        if len(made) == 25:
            raise OutputError("the disk is full")
        stock(self, timestep)

    options = {"checkpoint_interval": 0, "checkpoints_kept": 9, "engine": engine, "quiet": True}
    with monkeypatch.context() as patch:
        patch.setattr(FieldOutput, "write", write)
        with pytest.raises(OutputError) as ended:
            load(gpe, **values).run(out=tmp_path / "b", **options)
    folder = ended.value.folder
    resume_run(folder, quiet=True)
    first, second = read(whole.folder), read(folder)
    for name in ("u", "t", "iteration", "timestep"):
        assert first[name].values.tobytes() == second[name].values.tobytes(), name
    assert len(set(second.t.values)) == len(second.t) == 42
    assert second.t.values[-1] == 0.403
    # From an earlier checkpoint: outputs that exist are compared and not written again.
    resume_run(folder, checkpoint=min(checkpoint_files(folder)), quiet=True)
    assert read(folder).u.values.tobytes() == first.u.values.tobytes()
    assert number_inside(folder) == number_inside(whole.folder) > 15
    assert "differ" not in (folder / "log.txt").read_text()


def test_a_watch_that_breaks_inside_a_step(gpe, tmp_path):
    """One run ends there; a member is NaN from that output on, and the others go on."""
    source = GPE.replace("depth = 0.3", "depth = 0.3\nscale = 0.0")
    gpe.write_text(source + 'watch = ["scale*spinhydro.abs2(u - 1) <= 1"]\n')
    values = CLOSE | {"stop_time": 0.5, "timestepper": "IFRK4"}
    found = read(load(gpe, **values).run(out=tmp_path, quiet=True).folder)
    peaks = (np.abs(found.u - 1) ** 2).max("x").values
    is_inside = np.diff(found.iteration) == 0
    at = next(i for i in range(10, 40) if is_inside[i - 1] and peaks[i] > peaks[:i].max())
    limit = float(peaks[at] + peaks[:at].max()) / 2
    with pytest.raises(WatchError, match=f"t = {0.01 * at:g},"):
        load(gpe, **values, scale=1 / limit).run(out=tmp_path, quiet=True)
    members = load(gpe, members=2, **values, scale=[0, 1 / limit])
    run = members.run(out=tmp_path, quiet=True)
    assert list(run.failed_members) == [1]
    assert number_inside(run.folder) > 20
    finite = np.isfinite(read(run.folder).u).all("x").values
    assert finite[:, 0].all() and finite[:at, 1].all() and not finite[at + 1 :, 1].any()


def test_members_have_the_outputs_of_their_runs(gpe, tmp_path):
    """Members share timesteps; errors at all output times are below the tolerance."""
    values = CLOSE | {"stop_time": 0.5, "timestepper": "RK8"}
    run = load(gpe, members=3, **values | {"depth": [0.3, 0.0, 3.0]}).run(out=tmp_path, quiet=True)
    fields = read(run.folder).u
    assert number_inside(run.folder) > 20
    for member, depth in enumerate((0.3, 0.0, 3.0)):
        alone = load(gpe, **values | {"depth": depth, "tolerance": 1e-9})
        exact = read(alone.run(out=tmp_path, quiet=True).folder).u.values
        assert largest_error(fields.isel(member=member).values, exact) < 2 * TOLERANCE


def test_steps_end_at_outputs_where_they_must(gpe, tmp_path):
    """Handlers are due at steps, and a stated function of the script too; the log says so."""
    values = CLOSE | {"stop_time": 0.1, "timestepper": "IFRK4"}
    log = (load(gpe, **values).run(out=tmp_path, quiet=True).folder / "log.txt").read_text()
    assert "outputs inside steps: interpolated, 3 evaluations" in log
    from spinhydro import simulate

    handlers = {"fine": {"tasks": {"n": "u"}, "sim_dt": 0.01}}
    ivp = load(gpe, Nx=POINTS).ivp
    options = {"timestepper": "IFRK4", "tolerance": 1e-6, "output_interval": 0.01, "quiet": True}
    run = simulate(ivp, "auto", 0.1, handlers=handlers, out=tmp_path, **options)
    assert "steps end at every output: further handlers" in (run.folder / "log.txt").read_text()
    assert number_inside(run.folder) == 0
    assert json.loads((run.folder / "run.json").read_text())["status"] == "done"


def test_outputs_of_very_large_states_end_steps(gpe, tmp_path, monkeypatch):
    """Interpolation keeps several states."""
    monkeypatch.setattr(passed_outputs, "LARGE", 100)
    problem = load(gpe, timestepper="IFRK4", tolerance=1e-4, stop_time=0.2, output_interval=0.01)
    result = problem.run(out=tmp_path, quiet=True)
    text = (result.folder / "log.txt").read_text()
    assert "steps end at every output: the state has more than" in text
    assert "outputs inside steps" not in text
