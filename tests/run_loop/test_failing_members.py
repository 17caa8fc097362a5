"""Members that fail are named and NaN from then on; the others have the bytes of a run alone."""

import json

import numpy as np
import pytest

from spinhydro.analysis import load as read
from spinhydro.cli.main import call
from spinhydro.errors import InputError, NotFiniteError
from spinhydro.problem.load import load
from spinhydro.problem.resume import resume_run

LINE = '''
"""Growth of spins at a rate of each member."""
import dedalus.public as d3
import numpy as np

import spinhydro

N = 16
rate = 1e-3
timestep = 1e-3
stop_time = 1.0
output_interval = 0.1
coords = d3.CartesianCoordinates("x")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords)
xb = spinhydro.RealFourierNyquist(coords["x"], size=N, bounds=(0, 2 * np.pi))
s = dist.VectorField(spin, name="s", bases=xb)
x = dist.local_grid(xb)
s["g"][0], s["g"][1], s["g"][2] = np.sin(0.3 * np.sin(x)), 0, np.cos(0.3 * np.sin(x))
problem = d3.IVP([s], namespace=locals())
problem.add_equation("dt(s) = cross(s, lap(s)) + rate*s")
outputs = {"s": "s"}
watch = []
'''


@pytest.fixture
def line(tmp_path):
    path = tmp_path / "line.py"
    path.write_text(LINE)
    return path


def rates(number, bad):
    return [1e-3 * (m + 1) if m != bad else 2e3 for m in range(number)]


@pytest.mark.parametrize("engine", ["fused", "lean"])
def test_the_others_have_the_bytes_of_a_run_without_it(engine, line, tmp_path):
    good = rates(5, None)
    whole = load(line, rate=good, stop_time=0.5).run(out=tmp_path / "a", engine=engine, quiet=True)
    result = load(line, rate=rates(5, 3), stop_time=0.5).run(
        out=tmp_path / "b", engine=engine, quiet=True
    )
    assert list(result.failed_members) == [3]
    a, b = read(whole.folder).s.values, read(result.folder).s.values
    others = [0, 1, 2, 4]
    assert a.shape == b.shape
    axis = a.shape.index(5)
    assert np.take(a, others, axis).tobytes() == np.take(b, others, axis).tobytes()
    lost = np.take(b, 3, axis)
    assert np.isfinite(lost[0]).all() and np.isnan(lost[-1]).all()
    found = json.loads((result.folder / "run.json").read_text())
    assert (found["status"], found["exit_code"]) == ("done", 3)
    assert found["failed_members"]["3"]["reason"] == "not finite"
    resume_run(result.folder, stop_time=0.6, quiet=True)
    assert read(result.folder).sizes["t"] == 7


def test_a_broken_watch_names_its_member_and_the_exit_code_tells(line, tmp_path, capfd):
    line.write_text(LINE.replace("watch = []", 'watch = ["abs(s@s) <= 2"]'))
    arguments = ["run", str(line), "rate=[0, 2, 0]", "stop_time=0.5", "--out", str(tmp_path / "r")]
    assert call(arguments) == 3
    err = capfd.readouterr().err
    assert "warning: member 1 failed" in err and "error: member 1 failed; the others" in err
    with pytest.raises(NotFiniteError, match="s is not finite"):
        load(line, rate=rates(3, 1), watch=[]).run(
            out=tmp_path / "r", quiet=True, members_fail="stop"
        )
    with pytest.raises(InputError, match="no choice 'go'"):
        load(line).run(out=tmp_path / "r", members_fail="go")


def test_an_output_that_is_not_finite_is_never_stored(line, tmp_path):
    line.write_text(LINE.replace('{"s": "s"}', '{"s": "s", "q": "sqrt(1.05 - s@s)"}'))
    problem = load(line, rate=0.1)
    with pytest.raises(NotFiniteError, match="output 'q' is not finite at t = 0.3.*x = "):
        problem.run(out=tmp_path, quiet=True)
    folder = tmp_path / "line" / "0001"
    assert json.loads((folder / "run.json").read_text())["exit_code"] == 3
    assert np.isfinite(read(folder).q.values).all()
