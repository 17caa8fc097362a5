"""Problem files are Python: executed by Python itself they build what `spinhydro.load` builds."""

import runpy
import subprocess
import sys

import numpy as np
import pytest

import spinhydro
from spinhydro.language.equations import fields_of

from ..conftest import ROOT

FILES = sorted((ROOT / "problems").glob("*.py"))


def equations(ivp):
    return [(str(e["LHS"]), str(e["RHS"])) for e in ivp.equations]


def fields(ivp):
    """Name and values of all fields, in an order that two noises of one name cannot change."""
    found = [(str(field.name), field["g"]) for field in fields_of(ivp)]
    return sorted(found, key=lambda pair: (pair[0], pair[1].tobytes()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_same_equations_and_initial_fields(path):
    loaded = spinhydro.load(path).ivp
    plain = runpy.run_path(str(path))["problem"]
    assert equations(plain) == equations(loaded)
    for (name, values), (other, expected) in zip(fields(plain), fields(loaded), strict=True):
        assert name == other
        np.testing.assert_array_equal(values, expected, err_msg=name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_main_is_called_at_the_end(path):
    assert path.read_text(encoding="utf-8").endswith(
        '\n\nif __name__ == "__main__":\n    spinhydro.main(__file__)\n'
    )


def test_words_are_known_without_the_loader(tmp_path):
    path = tmp_path / "waves.py"
    path.write_text(
        """
import numpy as np
import dedalus.public as d3
import spinhydro

coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=16, bounds=(0, 1))
u = dist.Field(name="u", bases=xbasis)
problem = d3.IVP([u], namespace=locals())
problem.add_equation("dt(u) = dx(u) + abs2(u) + u*t + t")
"""
    )
    run = "import runpy, sys; print(runpy.run_path(sys.argv[1])['problem'].equations[0]['RHS'])"
    result = subprocess.run(
        [sys.executable, "-c", run, str(path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.stdout.strip().endswith("+ u*t + C(t)"), result.stdout + result.stderr


def test_python_executes_a_file_and_then_runs_it_with_new_values(tmp_path):
    path = ROOT / "problems" / "spin_spiral.py"
    line = [sys.executable, str(path), "--quick", "turns=2", "--out", str(tmp_path), "--quiet"]
    result = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    folder = tmp_path / "spin_spiral" / "0001"
    assert result.stdout.splitlines()[-1] == str(folder)
    assert "turns = 2  #" in (folder / "spin_spiral.py").read_text()


def test_a_function_of_k_is_not_a_kernel(tmp_path):
    path = tmp_path / "scalar.py"
    text = """
import numpy as np
import dedalus.public as d3
import spinhydro

timestep, stop_time = 0.1, 1.0
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.float64)
xbasis = spinhydro.RealFourierNyquist(coords["x"], size=16, bounds=(0, 1))
u = dist.Field(name="u", bases=xbasis)
W = lambda k: k**2
Wk = spinhydro.kernel(W)
problem = d3.IVP([u], namespace=locals())
"""
    path.write_text(text + 'problem.add_equation("dt(u) = -W(u)")\n')
    with pytest.raises(spinhydro.errors.InputError, match=r"spinhydro\.kernel\(W\)"):
        spinhydro.load(path)
    path.write_text(text + 'F = W(u)\nproblem.add_equation("dt(u) = -F")\n')
    with pytest.raises(spinhydro.errors.InputError, match=r"line 14: W is a function"):
        spinhydro.load(path)
    path.write_text(text + 'rate = W(3.0)\nproblem.add_equation("dt(u) = -Wk(u)/rate")\n')
    assert spinhydro.load(path)["rate"] == 9
