"""Numbers of grid points, and dealiased grids, that no run can have: refused before it is built."""

import dedalus.public as d3
import numpy as np
import pytest

from spinhydro.dedalus_support import field_sizes
from spinhydro.errors import InputError, ParameterError
from spinhydro.problem.load import load

FILE = """
import numpy as np
import dedalus.public as d3
import spinhydro

Nx = Ny = 16
dealias = 3 / 2
coords = d3.CartesianCoordinates("x", "y")
dist = spinhydro.distributor(coords, dtype=np.complex128)
xbasis = d3.ComplexFourier(coords["x"], size=Nx, bounds=(0, 10), dealias=dealias)
ybasis = d3.ComplexFourier(coords["y"], size=Ny, bounds=(0, 10), dealias=dealias)
psi = dist.Field(name="psi", bases=(xbasis, ybasis))
problem = d3.IVP([psi], namespace=locals())
problem.add_equation("dt(psi) - 0.5j*lap(psi) = -1j*psi*conj(psi)*psi")
psi["g"] = 1
stop_time, timestep = 1, 0.01
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "gas.py"
    path.write_text(FILE)
    return path


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"Nx": 0}, ["line 10", "a whole number, 1 or more", "Nx = 0"]),
        ({"Nx": 16, "Ny": -4}, ["line 11", "a whole number, 1 or more", "Ny = -4"]),
        ({"Nx": "64.5"}, ["whole number", "nearest: 64"]),
        ({"Nx": 10**9, "Ny": 20}, ["psi on 1000000000 x 20 points", "TB", "--force"]),
        ({"dealias": 0}, ["dealias = 0", "above 0, at most 16"]),
        ({"dealias": -1}, ["dealias = -1"]),
        ({"dealias": "1e6"}, ["dealias = 1000000.0"]),
    ],
)
def test_impossible_grids_are_refused(file, values, words):
    with pytest.raises(InputError) as caught:
        load(file, **values)
    for word in words:
        assert word in str(caught.value)


def test_a_state_larger_than_the_memory_is_refused_and_forced(file, monkeypatch):
    """The fields are there, one by one; a run needs several arrays of all of them."""
    monkeypatch.setattr(field_sizes, "WORTH_CHECKING", 1)
    monkeypatch.setattr(field_sizes, "memory_of_machine", lambda processes: 1e9)
    problem = load(file)
    monkeypatch.setattr(field_sizes, "memory_of_machine", lambda processes: 1e4)
    with pytest.raises(ParameterError, match="the state on 16 x 16 points needs at least 20.5 kB"):
        problem.run(out=file.parent)
    assert not list(file.parent.glob("gas/*"))
    problem.run(out=file.parent, force=True, quiet=True)


def test_memory_of_the_machine_is_that_of_its_smallest_limit(tmp_path, monkeypatch):
    group = tmp_path / "job" / "step"
    group.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/job/step\n")
    (group / "memory.max").write_text("max\n")
    (group.parent / "memory.max").write_text("1000000\n")
    monkeypatch.setattr(field_sizes, "_CGROUPS", tmp_path)
    monkeypatch.setattr(field_sizes, "_OWN_CGROUP", tmp_path / "own")
    assert field_sizes.memory_of_machine() == 1_000_000


def test_two_names_of_one_value_are_replaced_separately(file):
    """Each of them replaced the same text, one after the other."""
    problem = load(file, Nx=8, Ny=12)
    assert problem.ivp.dist.grid_layout.global_shape(problem.ivp.variables[0].domain, 1) == (8, 12)


def test_a_field_without_bases_has_any_size():
    dist = d3.Distributor(d3.CartesianCoordinates("x"), dtype=np.float64)
    assert dist.Field(name="a").data.size == 1


def test_times_that_a_file_gives_as_whole_numbers_need_not_be_whole(file):
    assert load(file, stop_time="0.25")["stop_time"] == 0.25
