"""States and times at which a run begins: continuations of other runs."""

import numpy as np
import pytest

from spinhydro import load
from spinhydro.cli.main import call
from spinhydro.derivatives.data import read_data
from spinhydro.derivatives.fit import fit
from spinhydro.derivatives.start import start_at_end
from spinhydro.errors import InputError

DRIVEN = """
import dedalus.public as d3
import numpy as np
import spinhydro

N, a, omega, begin = 8, 1.3, 3.0, 0.7
timestepper, timestep, stop_time, output_interval = "RK4", 0.01, 0.2, 0.1
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, 5.0))
u, t = dist.Field(name="u", bases=xbasis), dist.Field(name="t")
x = dist.local_grid(xbasis)
problem = d3.IVP([u], time=t, namespace=locals())
problem.add_equation("dt(u) = a*cos(omega*t) + 0.3*lap(u)")
u["g"] = np.sin(2 * np.pi * x / 5)
t["g"] = begin
outputs = {"u": "u"}
"""


@pytest.fixture(scope="module")
def driven(tmp_path_factory):
    path = tmp_path_factory.mktemp("driven") / "driven.py"
    path.write_text(DRIVEN)
    return path


@pytest.fixture(scope="module")
def run(driven):
    return load(driven, begin=0.0).run(out=driven.parent / "runs", quiet=True).folder


def test_gradients_begin_at_the_time_of_the_file(driven):
    found = load(driven).gradient(of="ave(u)", wrt=["a"])
    wanted = (np.sin(3 * 0.9) - np.sin(3 * 0.7)) / 3
    assert abs(found.value - 1.3 * wanted) < 1e-9
    assert abs(found.gradient["a"] - wanted) < 1e-9


def test_fits_take_the_times_of_the_run(driven):
    folder = load(driven).run(out=driven.parent / "later", quiet=True).folder
    found = fit(load(driven, a=1.0), read_data(folder, {"u": "u"}), ["a"])
    assert abs(found.estimates[0] - 1.3) < 1e-7


def test_state_and_time_of_a_run_are_taken(driven, run):
    problem = load(driven)
    line = start_at_end(problem, run)
    assert line == f"start: {run} at t = 0.2, with begin=0.0"
    assert float(problem.ivp.time["g"].max()) == pytest.approx(0.2)
    u, x = problem["u"], problem["x"]
    u.change_scales(1)
    decay = np.exp(-0.3 * (2 * np.pi / 5) ** 2 * 0.2)
    wanted = decay * np.sin(2 * np.pi * x / 5) + 1.3 * np.sin(0.6) / 3
    assert np.allclose(u["g"], wanted, atol=1e-8)
    for path in (run / "checkpoints").glob("*.h5"):
        path.unlink()
    other = load(driven)
    assert start_at_end(other, run) == line
    assert np.allclose(other["u"]["g"], wanted, atol=1e-8)


@pytest.mark.parametrize(
    ("values", "source", "text"),
    [({"N": 16}, "0001", "take the same"), ({}, "0002", "did you mean '"), ({}, "", "not a run")],
)  # fmt: skip
def test_runs_that_do_not_fit_are_refused(driven, run, values, source, text):
    with pytest.raises(InputError, match=text):
        start_at_end(load(driven, **values), run.parent / source)


def test_command_begins_at_the_end_of_a_run(driven, run, capsys):
    constant = "dt(u) = 0.3*lap(u) - u"
    arguments = ["spectrum", str(driven), "--equation", constant, "--about", "initial"]
    assert call([*arguments, "--start", str(run.parent / "0007")]) == 2
    assert "there is no run folder" in capsys.readouterr().err
    assert call([*arguments, "--start", str(run)]) == 2
    assert "not at rest" in capsys.readouterr().err
