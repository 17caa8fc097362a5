"""Several ranks: same numbers, no hang, one message."""

import numpy as np
import pytest

from ..conftest import ROOT, stored

pytestmark = pytest.mark.mpi

TWO_DIMENSIONS = '''
"""Two-dimensional Landau-Lifshitz equation."""
import dedalus.public as d3
import numpy as np

import spinhydro

N = 32
timestep = 0.001
stop_time = 0.02
coords = d3.CartesianCoordinates("x", "y")
spin = d3.CartesianCoordinates("sx", "sy", "sz")
dist = spinhydro.distributor(coords)
xb = d3.RealFourier(coords["x"], size=N, bounds=(0, 2 * np.pi))
yb = d3.RealFourier(coords["y"], size=N, bounds=(0, 2 * np.pi))
s = dist.VectorField(spin, name="s", bases=(xb, yb))
ex, ey, ez = spin.unit_vector_fields(dist)
x, y = dist.local_grids(xb, yb)
angle = 0.3 * np.sin(x) * np.cos(y) + 0.2 * np.cos(2 * x + y)
s["g"][0], s["g"][1], s["g"][2] = np.sin(angle), 0, np.cos(angle)
problem = d3.IVP([s], namespace=locals())
problem.add_equation("dt(s) = cross(s, lap(s)) + cross(0.5*(s@ez)*ez, s)")
projections = {"s": "s/sqrt(s@s)"}
outputs = {"s": "s", "gradient": "grad(s@ez)"}
output_interval = 0.01
watch = ["abs(s@s - 1) <= 1e-3", "drift(dx(s)@dx(s) + dy(s)@dy(s) - 0.5*(s@ez)**2) <= 1e-3"]
'''


def fields(folder):
    return {name: values for name, values in stored(folder).items() if name != "t"}


@pytest.mark.parametrize("ranks", [2, 3])
def test_one_dimension_runs_on_one_rank_and_says_so(ranks, command, tmp_path):
    arguments = ["run", ROOT / "problems" / "spin_spiral.py", "stop_time=0.5", "--out", tmp_path]
    alone = command(*arguments)
    done = command(*arguments, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cannot be split over") == 1
    assert "members=100" in done.stderr
    assert len(done.stdout.splitlines()) == 1
    first, second = (tmp_path / "spin_spiral" / n for n in ("0001", "0002"))
    assert alone.stdout.strip() == str(first) and done.stdout.strip() == str(second)
    for name, values in fields(first).items():
        np.testing.assert_array_equal(values, fields(second)[name])


def test_two_dimensions_are_split_and_give_the_same_numbers(command, tmp_path):
    path = tmp_path / "square.py"
    path.write_text(TWO_DIMENSIONS)
    for ranks in (None, 2):
        done = command("run", path, "--out", tmp_path, ranks=ranks)
        assert done.returncode == 0, done.stderr
        assert "engine: fused" in done.stderr
    one, two = (fields(tmp_path / "square" / n) for n in ("0001", "0002"))
    assert one["s"].shape == (3, 3, 32, 32)
    for name in one:
        np.testing.assert_allclose(one[name], two[name], atol=1e-12)


def test_the_lean_engine_gives_the_same_numbers_on_two_ranks(command, tmp_path):
    """With linear terms that couple sine and cosine, on an axis that is split."""
    path = tmp_path / "square.py"
    path.write_text(
        TWO_DIMENSIONS.replace('"dt(s) = ', '"dt(s) - 0.02*lap(s) + dx(s) + cross(ex, s) = ')
        + 'timestepper = "RK443"\n'
    )
    for engine, ranks in (("dedalus", None), ("lean", 2)):
        done = command("run", path, "--out", tmp_path, "--engine", engine, ranks=ranks)
        assert done.returncode == 0, done.stderr
        assert f"engine: {engine}" in done.stderr
    stock, lean = (fields(tmp_path / "square" / f"000{i}") for i in (1, 2))
    for name in stock:
        np.testing.assert_allclose(lean[name], stock[name], atol=1e-12)


def test_ranks_that_hold_no_wavenumber(command, tmp_path):
    """Eight points of a real axis are four pairs of coefficients: the third of 3 ranks has none."""
    path = tmp_path / "square.py"
    text = TWO_DIMENSIONS.replace('"dt(s) = ', '"dt(s) - 0.02*lap(s) + cross(ex, s) = ')
    path.write_text(text + 'timestepper = "RK443"\n')
    for engine, ranks in (("dedalus", None), ("lean", 3)):
        done = command(
            "run", path, "N=8", "stop_time=0.005", "watch=[]",
            "--out", tmp_path, "--engine", engine, ranks=ranks,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    stock, lean = (fields(tmp_path / "square" / f"000{i}") for i in (1, 2))
    np.testing.assert_allclose(lean["s"], stock["s"], atol=1e-12)


BAD = ["turnss=2", "turns=1000", "timestep=1", "--equation=dt(s) = crss(s, s)", "Nx=2*um"]


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_ends_all_ranks_with_one_message(bad, command, tmp_path):
    done = command(
        "run", ROOT / "problems" / "spin_spiral.py", bad, "--out", tmp_path, ranks=2, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr.count("spinhydro: error:") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_breaks_ends_all_ranks(command, tmp_path):
    path = tmp_path / "square.py"
    path.write_text(TWO_DIMENSIONS.replace("dt(s) = ", "dt(s) = s*log(s@ez - 0.99) + "))
    done = command("run", path, "--out", tmp_path, ranks=2, timeout=60)
    assert done.returncode == 3
    assert done.stderr.count("spinhydro: error: s is not finite at t = ") == 1


def test_a_record_that_cannot_be_written_ends_all_ranks(command, tmp_path):
    """Only rank 0 writes run.json: its failure must reach the others."""
    path = tmp_path / "square.py"
    fault = (
        "import spinhydro.run.folder\n"
        "stock = spinhydro.run.folder.RunFolder.update\n"
        "def update(self, **entries):\n"
        "    if 'sim_time' in entries and entries['sim_time'] > 0:\n"
        "        raise spinhydro.errors.OutputError('on purpose')\n"
        "    stock(self, **entries)\n"
        "spinhydro.run.folder.RunFolder.update = update\n"
    )
    path.write_text(TWO_DIMENSIONS.replace("projections = ", fault + "projections = "))
    done = command("run", path, "--out", tmp_path, ranks=2, timeout=60)
    assert done.returncode == 4, done.stderr
    assert done.stderr.count("spinhydro: error: rank 0: on purpose") == 1


@pytest.mark.parametrize(
    "place", ["projections = ", "s = dist.VectorField"], ids=["at the end", "before a transform"]
)
def test_an_error_on_one_rank_ends_all(place, command, tmp_path):
    """Also where the other rank waits inside a collective operation."""
    path = tmp_path / "square.py"
    fault = "assert dist.comm.rank == 0, 'on purpose'\n"
    path.write_text(TWO_DIMENSIONS.replace(place, fault + place))
    done = command("run", path, "--out", tmp_path / "runs", ranks=2, timeout=60)
    assert done.returncode == 2
    assert "AssertionError: on purpose" in done.stderr
    assert done.stderr.count("spinhydro: error:") == 1
    assert not (tmp_path / "runs").exists()
