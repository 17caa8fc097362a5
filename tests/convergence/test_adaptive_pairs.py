"""Embedded pairs: their orders, the error of whole runs, agreement of engines, and refusals."""

import numpy as np
import pytest

from spinhydro import simulate
from spinhydro.analysis import load as read
from spinhydro.errors import InputError, NotFiniteError, ParameterError
from spinhydro.problem.load import load
from spinhydro.problem.resume import resume_run
from spinhydro.steppers import IFRK43, trial
from spinhydro.steppers.control import ErrorControl, even_steps

from ..conftest import ROOT

GPE = '''
"""Gross-Pitaevskii equation with loss (damped = 1: with strong, stiff damping) and a drive."""
import dedalus.public as d3
import numpy as np

import spinhydro

damped = 0
depth = 0.3
Nx = 65
timestepper = "IFRK4"
timestep = 0.01
stop_time = 2.0
output_interval = 0.5
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
basis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(-8, 8))
u = dist.Field(name="u", bases=basis)
t = dist.Field()
x = dist.local_grid(basis)
u["g"] = 1 + 0.4 * np.exp(-(x**2)) * np.exp(1j * x)
loss = (0.5 + 1j) if damped else 1j
problem = d3.IVP([u], time=t, namespace=locals())
problem.add_equation(
    "dt(u) - loss*lap(u)/2 = -1j*spinhydro.abs2(u)*u - 1j*depth*sin(3*t)*u + damped*(1 - u)"
)
outputs = {"u": "u"}
'''


@pytest.fixture(scope="module")
def gpe(tmp_path_factory):
    path = tmp_path_factory.mktemp("gpe") / "gpe.py"
    path.write_text(GPE)
    return path


def final(path, out, engine="auto", **values):
    """Return the coefficients of all variables at the end of a run, and its folder."""
    problem = load(path, **values)
    result = problem.run(out=out, quiet=True, force=True, engine=engine)
    return [variable["c"].copy() for variable in problem.ivp.variables], result.folder


def on_grid(folder):
    """Return the last spins of a run, with their components first."""
    return read(folder).s.isel(t=-1).values


def distance(first, second):
    """Return the largest relative L2 difference of the variables."""
    return max(
        np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("engine", ["fused", "lean"])
@pytest.mark.parametrize("stepper", ["RK43", "IFRK43", "ETDRK43", "RK853", "RKMK43", "WaveRK43"])
def test_orders_of_the_pair(stepper, engine, gpe, tmp_path, monkeypatch):
    """One step: the difference of the pair is of order h^4 or h^8, the error one order higher."""
    order = 8 if stepper == "RK853" else 4
    judged = []

    def judge(self, timestep, difference, measured=None, steps=1):
        judged.append((timestep, difference, measured))
        return stock(self, timestep, difference, measured, steps)

    stock = ErrorControl.judge
    monkeypatch.setattr(ErrorControl, "judge", judge)
    path, Nx = gpe, 17 if order == 8 else 65
    if stepper == "RKMK43":
        path, Nx = ROOT / "problems" / "quantum_torque.py", 64
    for timestep in (0.08, 0.064, 0.051, 0.04) if order == 8 else (0.02, 0.014, 0.01, 0.007):
        values = {"timestep": timestep, "stop_time": timestep, "output_interval": timestep}
        values["Nx"] = Nx
        monkeypatch.setattr(ErrorControl, "start", _first(timestep))
        final(path, tmp_path, engine, timestepper=stepper, tolerance=0.1, **values)
    timesteps, differences, errors = np.log(judged).T
    assert len(judged) == 4
    assert np.polyfit(timesteps, differences, 1)[0] == pytest.approx(order, abs=0.1)
    assert np.polyfit(timesteps, errors, 1)[0] == pytest.approx(order + 1, abs=0.1)


def _first(timestep):
    def start(self, _, scales):
        self.scales, self.suggestion, self.stable = scales, timestep, np.inf

    return start


CASES = {
    "GPE": ("gpe", {}, ("IFRK4", "ETDRK4", "RK4")),
    "stiff damping": ("gpe", {"damped": 1}, ("IFRK4", "ETDRK4")),
    "LLE": ("quantum_torque", {"quick": True, "stop_time": 1}, ("RK4", "RKMK4")),
    "PS-LLE": ("transient_grating", {"quick": True, "stop_time": "0.2*ps"}, ("RK8", "RK4")),
}


@pytest.mark.parametrize("case", CASES)
def test_runs_end_within_a_factor_of_5_of_their_tolerance(case, gpe, tmp_path):
    name, values, steppers = CASES[case]
    path = gpe if name == "gpe" else ROOT / "problems" / f"{name}.py"
    values = dict(values)
    if name == "transient_grating":
        values["output_interval"] = "0.1*ps"
    values["timestep"] = "auto"
    exact, _ = final(path, tmp_path, **values, timestepper=steppers[0], tolerance=1e-9)
    for stepper in steppers:
        found, folder = final(path, tmp_path, **values, timestepper=stepper, tolerance=1e-6)
        error = distance(found, exact)
        assert error < 5e-6, (stepper, error)
        # The stability limit of stiff problems makes them more accurate than asked for.
        assert error > 1e-6 / 20 or case == "stiff damping", (stepper, error)
        estimated = float((folder / "log.txt").read_text().split("estimated error ")[1].split()[0])
        assert error / 4 < estimated < 4 * error, (stepper, error, estimated)
        if stepper == "RKMK4":
            assert np.abs(np.linalg.norm(on_grid(folder), axis=0) - 1).max() < 1e-12


def test_the_cheaper_explicit_pair_is_chosen(tmp_path):
    """RK8 where it saves evaluations, the file's WaveRK4 at low accuracy; not if stated."""
    path = ROOT / "problems" / "quantum_torque.py"
    values = {"Nx": 64, "stop_time": 8, "output_interval": 8}
    exact, _ = final(path, tmp_path, **values, timestepper="RK8", timestep=0.05)
    values["timestep"] = "auto"
    for tolerance, stepper in ((1e-9, "RK853"), (1e-2, "WaveRK43")):
        for engine in ("fused", "lean"):
            found, folder = final(path, tmp_path, engine, **values, tolerance=tolerance)
            text = (folder / "log.txt").read_text()
            assert f"adaptive, {stepper}, " in text, (engine, tolerance)
            assert distance(found, exact) < 5 * tolerance
            if stepper == "RK853":
                steps = int(text.split("done: ")[1].split()[0])
                predicted = float(text.split("predicted ")[1].split()[0])
                assert predicted / 2 < 18 * steps < 2 * predicted
    _, folder = final(path, tmp_path, **values, timestepper="RK4", tolerance=1e-7)
    assert "adaptive, RK43, " in (folder / "log.txt").read_text()


@pytest.mark.parametrize("engine", ["fused", "lean"])
def test_the_cheapest_pair_of_a_gas_is_chosen(engine, gpe, tmp_path, monkeypatch):
    """RK8 for a small tolerance; the trials leave no trace in the run."""
    monkeypatch.setattr(trial, "LEAST_SAVED", 0)
    values = {"timestep": "auto", "stop_time": 3.0, "output_interval": 1.0, "tolerance": 1e-9}
    chosen, folder = final(gpe, tmp_path, engine, **values)
    text = (folder / "log.txt").read_text()
    assert "stepper: RK8 in place of IFRK4: predicted " in text and "RK4 " in text, text
    stated, other = final(gpe, tmp_path, engine, **values, timestepper="RK8")
    assert "stepper:" not in (other / "log.txt").read_text()
    np.testing.assert_array_equal(chosen, stated)


def test_linear_terms_are_taken_exactly_where_it_pays(gpe, tmp_path, monkeypatch):
    """A script that states no stepper, whose stiff damping is on the left side."""
    monkeypatch.setattr(trial, "LEAST_SAVED", 0)
    values = {"damped": 1, "Nx": 129, "stop_time": 1.0, "output_interval": 0.5}
    ivp = load(gpe, **values).ivp
    result = simulate(ivp, "auto", 1.0, output_interval=0.5, out=tmp_path, quiet=True)
    text = (result.folder / "log.txt").read_text()
    assert "stepper: ETDRK4 in place of RK4: " in text, text
    exact, _ = final(gpe, tmp_path, **values, timestep="auto", tolerance=1e-8)
    assert distance([ivp.variables[0]["c"]], exact) < 5e-6


def test_engines_take_the_same_steps(gpe, tmp_path):
    values = {
        "Nx": 33,
        "stop_time": 1.0,
        "timestepper": "IFRK4",
        "tolerance": 1e-6,
        "timestep": "auto",
    }
    runs = [final(gpe, tmp_path, engine, **values) for engine in ("fused", "lean", "dedalus")]
    (fused, one), (lean, two), (stock, three) = runs
    assert distance(lean, fused) < 1e-12 and distance(stock, fused) < 1e-12
    steps = {
        line.split(", ", 1)[0]
        for folder in (one, two, three)
        for line in (folder / "log.txt").read_text().splitlines()
        if line.startswith("done: ")
    }
    assert len(steps) == 1, steps


def test_a_script_covers_its_timestep_exactly(gpe):
    problem, exact = (load(gpe, Nx=33).ivp.build_solver(IFRK43) for _ in range(2))
    problem.timestepper.control = ErrorControl(1e-5, stable=0.1)
    exact.timestepper.control = ErrorControl(1e-7, stable=0.1)
    for solver in (problem, exact):
        for _ in range(2):
            solver.step(0.5)
        assert solver.sim_time == 1
        assert solver.iteration == solver.timestepper.control.accepted > 4
    assert exact.iteration > 2 * problem.iteration
    assert distance([problem.state[0]["c"]], [exact.state[0]["c"]]) < 5e-5


def test_a_kick_is_resolved_by_rejections(tmp_path):
    """A potential that is switched on within a small part of a timestep."""
    source = GPE.replace("sin(3*t)", "(1 + tanh(400*(t - 0.7)))/2").replace("0.3", "20")
    path = tmp_path / "kick.py"
    path.write_text(source)
    values = {"timestepper": "IFRK4", "timestep": "auto", "stop_time": 1.0, "Nx": 33}
    exact, _ = final(path, tmp_path, tolerance=1e-7, **values)
    found, folder = final(path, tmp_path, tolerance=1e-5, **values)
    assert distance(found, exact) < 5e-5
    assert " 0 rejected" not in (folder / "log.txt").read_text()


def test_a_singular_solution_ends_the_run_or_its_member(tmp_path):
    path = tmp_path / "singular.py"
    source = GPE.replace("damped*(1 - u)", "gain*spinhydro.abs2(u)*u").replace("Nx = 65", "Nx = 9")
    path.write_text(source.replace("depth = 0.3", "depth = 0.3\ngain = 5.0"))
    values = {"timestepper": "IFRK4", "tolerance": 1e-2, "timestep": "auto"}
    with pytest.raises(NotFiniteError, match="no timestep meets the tolerance.*outputs? up to"):
        final(path, tmp_path, **values)
    problem = load(path, members=2, gain=[0.0, 5.0], stop_time=0.5, **values)
    result = problem.run(out=tmp_path, quiet=True)
    assert list(result.failed_members) == [1]
    ends = np.abs(problem.ivp.variables[0]["g"])
    assert np.isfinite(ends[0]).all() and np.isnan(ends[1]).all()


@pytest.mark.parametrize(
    "values, message",
    [
        ({"tolerance": 1e-15}, "tolerance = 1e-15: .*rounding errors are larger"),
        ({"tolerance": 1}, "tolerance = 1: .* from 1e-12 to below 1"),
        ({"tolerance": -1e-6}, "tolerance = -1e-06"),
        ({"tolerance": "'small'"}, "tolerance = small"),
        ({"tolerance": 1e-6, "timestepper": "BlanesMoan6"}, "no embedded pair.*'RK4', 'IFRK4'"),
        ({"timestep": "auto", "timestepper": "RK443"}, "RK443 has no embedded pair"),
        ({"timestep": "'often'"}, "timestep must be one number"),
        ({"tolerance": 1e-6, "timestep": -0.1}, "timestep = -0.1"),
    ],
)
def test_refusals(values, message, gpe, tmp_path):
    with pytest.raises(InputError, match=message):
        load(gpe, **values).run(out=tmp_path, quiet=True)
    assert not list(tmp_path.glob("*/*"))


def test_typed_values_that_a_file_with_auto_takes(gpe, tmp_path):
    path = tmp_path / "automatic.py"
    path.write_text(GPE.replace("timestep = 0.01", 'timestep = "auto"'))
    values = {"Nx": 33, "timestepper": "IFRK4"}
    assert load(path, **values).declared("timestep") == "auto"
    for given in (0.02, "0.02", "0.04/2"):
        assert load(path, **values, timestep=given).declared("timestep") == 0.02
    for word in ("fast", "aut"):
        with pytest.raises(ParameterError, match="or timestep=auto"):
            load(path, timestep=word)
    with pytest.raises(InputError, match="tolerance cannot be used: 'abc' is not known.*") as found:
        load(gpe, tolerance="abc")
    assert "tolerance=1e-06" in str(found.value)


def test_a_resumed_run_takes_a_new_tolerance(gpe, tmp_path):
    values = {"Nx": 33, "timestepper": "IFRK4", "timestep": "auto", "tolerance": 1e-4}
    run = load(gpe, **values, stop_time=0.5).run(out=tmp_path, quiet=True)
    resume_run(run.folder, stop_time=1, values={"tolerance": 1e-9}, quiet=True)
    done = [line for line in (run.folder / "log.txt").read_text().splitlines() if "done: " in line]
    assert "tolerance 0.0001" in done[0] and "tolerance 1e-09" in done[1]
    first, both = (int(line.split("done: ")[1].split()[0]) for line in done)
    assert both - first > 4 * first


def test_a_later_stop_time_is_that_of_the_tolerance(gpe, tmp_path):
    values = {"Nx": 33, "timestepper": "IFRK4", "tolerance": 1e-6}
    run = load(gpe, **values, stop_time=0.5).run(out=tmp_path, quiet=True)
    resume_run(run.folder, stop_time=2, quiet=True)
    whole = load(gpe, **values, stop_time=2).run(out=tmp_path, quiet=True)
    lengths = []
    for result in (run, whole):
        text = (result.folder / "log.txt").read_text()
        assert "tolerance 1e-06" in text
        lengths.append(int(text.split("done: ")[-1].split()[0]))
    # About as many steps as in one piece: with the old duration four times the error was allowed.
    assert lengths[0] == pytest.approx(lengths[1], rel=0.15)


def test_adaptive_timesteps_are_refused_with_constraints(tmp_path):
    path = tmp_path / "constrained.py"
    path.write_text(
        GPE.replace("problem = d3.IVP([u]", "p = u.copy()\np.name = 'p'\nproblem = d3.IVP([u, p]")
        + 'problem.add_equation("p - lap(u) = 0")\n'
    )
    for values in ({"timestep": "auto"}, {"tolerance": 1e-6}):
        with pytest.raises(ParameterError, match="none of these takes equations without a dt"):
            load(path, **values).run(out=tmp_path, quiet=True)
    with pytest.raises(ParameterError, match="timestepper = 'RK443'"):
        load(path, timestepper="BlanesMoan4").run(out=tmp_path, quiet=True)


def test_a_run_without_a_tolerance_is_resumed_without_one(gpe, tmp_path):
    run = load(gpe, Nx=33, stop_time=0.5).run(out=tmp_path, quiet=True)
    with pytest.raises(InputError, match="of a run without a tolerance: resume it without one"):
        resume_run(run.folder, stop_time=1, values={"tolerance": 1e-6}, quiet=True)
    assert resume_run(run.folder, stop_time=1, quiet=True).status == "done"


def test_noise_kicks_and_functions_are_refused(gpe, tmp_path):
    noisy = tmp_path / "noisy.py"
    noisy.write_text(
        GPE.replace("problem = d3", "xi = spinhydro.white_noise(u, seed=1)\nproblem = d3").replace(
            "damped*(1 - u)", "damped*(1 - u) + xi"
        )
    )
    with pytest.raises(ParameterError, match="strong order with noise"):
        load(noisy, tolerance=1e-6).run(out=tmp_path, quiet=True)
    kicked = tmp_path / "kicked.py"
    kicked.write_text(GPE + 'projections = {"u": "0.99*u"}\n')
    with pytest.raises(ParameterError, match="a second projection changes the state again"):
        load(kicked, tolerance=1e-6).run(out=tmp_path, quiet=True)
    with pytest.raises(ParameterError, match="a function chooses the timestep"):
        simulate(load(gpe).ivp, lambda: 0.1, 1, tolerance=1e-6, out=tmp_path)


@pytest.mark.parametrize("stepper", ["IFRK4", "RK8"])
def test_outputs_cost_few_steps(stepper, gpe, tmp_path):
    """Steps grow again after an output has shortened them: outputs 1 and 3 steps apart."""
    values = {"timestepper": stepper, "timestep": "auto", "tolerance": 1e-5, "Nx": 17}
    values |= {"depth": 0, "stop_time": 3.0}

    def number(interval):
        _, folder = final(gpe, tmp_path, **values, output_interval=interval)
        return int((folder / "log.txt").read_text().split("done: ")[1].split()[0])

    alone = number(3.0)
    for apart in (1, 3):
        assert number(apart * 3.0 / alone) < 1.35 * alone, apart


def test_even_steps():
    assert even_steps(1.0, 0.3) == (0.25, 4)
    # A little longer than suggested, if a step is saved; not beyond the limit.
    assert even_steps(1.0, 0.24) == (0.25, 4)
    assert even_steps(1.0, 0.24, longest=0.245) == (0.2, 5)
    # Kept while the suggestion stays close, and again from one output to the next.
    assert even_steps(0.75, 0.24, 0.25, 3) == (0.25, 3)
    assert even_steps(1.0, 0.28, 0.25, 0) == (0.25, 4)
    assert even_steps(0.75, 0.2, 0.25, 3) == (0.1875, 4)
    assert even_steps(0.25, 1.0, 0.25, 1) == (0.25, 1)
