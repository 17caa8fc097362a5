"""Figure files: found by name or path, drawn with their needs, one line for any error."""

import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray as xr
from synthetic_runs import PARAMETERS, cloud, josephson_spins, write_run

from spinhydro.analysis import load
from spinhydro.analysis.figures import all_figures, find, shipped_folder
from spinhydro.analysis.measure import main as measure
from spinhydro.analysis.plot import main
from spinhydro.errors import InputError

OWN = '''"""Mean of Z against time."""

from spinhydro.analysis import run_figure

NEEDS = {"gas": "quantum_torque"}


def draw(ax, gas, factor=1.0):
    ax.plot(gas.t, factor * gas.Z.mean("x"))
    return {"last": float(factor * gas.Z.mean("x")[-1])}


if __name__ == "__main__":
    run_figure(__file__)
'''
T = 0.25 * np.arange(12)


def gas(folder, **changes):
    x, n = cloud(64)
    s = josephson_spins(T, n)
    tasks = {"Z": s[:, 2], "n": np.tile(n, (len(T), 1)), "s": s}
    return write_run(folder, T, x, tasks, **changes)


@pytest.fixture
def run(tmp_path):
    return gas(tmp_path / "quantum_torque" / "0001")


def drawn(words, capsys):
    code = main([*map(str, words), "--dpi", "30"])
    captured = capsys.readouterr()
    return code, captured.out.splitlines(), captured.err


def test_a_file_of_ones_own(run, tmp_path, monkeypatch, capsys):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    code, lines, _ = drawn([run, "--figure", file, "factor=2"], capsys)
    assert code == 0 and lines[-1].endswith("own.png")
    assert lines[0] == f"last: {2 * float(load(run).Z.mean('x')[-1]):.5g}"
    done = subprocess.run([sys.executable, file, run], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.splitlines()[-1].endswith("own-2.png")
    # In a folder analysis/ it has a short name.
    (tmp_path / "analysis").mkdir()
    shutil.copy(file, tmp_path / "analysis")
    monkeypatch.chdir(tmp_path)
    assert drawn([run, "--figure", "own"], capsys)[0] == 0
    assert find("own").reason_against(load(run)) is None
    other = load(run).assign_attrs(problem="skyrmion")
    assert find("own").reason_against(other) == "needs a run of quantum_torque"


@pytest.mark.parametrize(
    "change, expected",
    [
        (("gas.Z.mean", "gas.Zz.mean"), "line 9: AttributeError"),
        (("factor * gas", "1/0 * gas"), "line 9: ZeroDivisionError: division by zero"),
        (("def draw(ax,", "def draw(axis,"), "first parameter of draw must be ax"),
        (("def draw", "def paint"), "has no function draw"),
        (("NEEDS = {", "NEEDS = {{"), "cannot be read as a figure file"),
        (("import run_figure", "import run_figur"), "line 3: ImportError"),
    ],
)
def test_faults_of_a_file_are_one_line(change, expected, run, tmp_path, capsys):
    file = tmp_path / "own.py"
    file.write_text(OWN.replace(*change))
    code, lines, error = drawn([run, "--figure", file], capsys)
    assert code == 2 and not lines and len(error.splitlines()) == 1
    assert expected in error and "own.py" in error


def test_names_that_do_not_exist(run, tmp_path, capsys):
    assert "did you mean 'profiles'" in drawn([run, "--figure", "profles"], capsys)[2]
    assert (
        "there is no no/fig3b.py; did you mean fig3b?"
        in (drawn([run, "--figure", "no/fig3b.py"], capsys)[2])
    )
    assert "no option 'factr'" in drawn([run, "--figure", "spacetime", "factr=1"], capsys)[2]


def test_every_shipped_figure_has_its_file_a_caption_and_a_command():
    for name, figure in all_figures().items():
        assert figure.caption and figure.needs, name
    for file in shipped_folder().glob("*.py"):
        assert '\nif __name__ == "__main__":\n' in file.read_text(), file


def default(run, capsys):
    code, lines, error = drawn([run], capsys)
    assert code == 0, error
    return next(line for line in lines if line.startswith("drawn: ")).split()[1].rstrip(".")


def test_default_picture_of_a_gas_without_rabi_coupling_or_interface(tmp_path, capsys):
    for number, values in enumerate(({"Omega_R": 0.0}, {"Omega_R": 50.0}, {"kappa_n0": 0.0})):
        run = gas(tmp_path / str(number), parameters={**PARAMETERS, **values})
        assert default(run, capsys) == "spacetime"
        # Every figure listed for the run can be drawn.
        offered = drawn([run], capsys)[1][0].split("also gives ")[-1].split(" (--figure")[0]
        for name in offered.split(", "):
            assert drawn([run, "--figure", name], capsys)[0] == 0, name


def test_default_picture_of_averages(tmp_path, capsys):
    """A vector without an axis of space: the first line of every table of a magnet."""
    x = np.arange(8.0)
    M = np.stack([np.sin(T), 0 * T, np.cos(T)], axis=1)
    run = write_run(tmp_path / "0001", T, x, {"M": M, "E": M[:, 0]}, problem="magnet")
    with h5py.File(run / "fields" / "fields_s1.h5", "r+") as h5:
        h5["tasks/M"].dims[1].label = ""
        h5["tasks/M"].dims[1].detach_scale(h5["scales/x_hash_1"])
        h5["tasks/M"].attrs["tensor_axes"] = ["spin"]
    assert load(run).M.dims == ("t", "spin")
    assert default(run, capsys) == "profiles"


def test_default_picture_of_what_is_not_finite(tmp_path, capsys):
    run = gas(tmp_path / "0001", problem="other")
    ds = load(run)
    nothing = write_run(tmp_path / "2", ds.t, ds.x, {"Z": np.nan * ds.Z.values}, problem="other")
    assert default(nothing, capsys) in ("spacetime", "profiles")
    one = write_run(tmp_path / "3", ds.t[:1], ds.x, {"Z": ds.Z.values[:1]}, problem="other")
    assert default(one, capsys) == "profiles"


def test_pictures_name_the_cut(tmp_path, capsys):
    ds = load(gas(tmp_path / "0001"))
    plane = ds.Z.expand_dims(y=[0.0, 1.0, 2.0]).transpose("t", "x", "y")
    sheet, _ = find("spacetime").draw([plane.to_dataset(name="Z").isel(y=1, drop=True)
                                       .assign_attrs(ds.attrs, selection="y = 1")], {})  # fmt: skip
    assert any("y = 1" in text.get_text() for text in sheet.texts)


def test_measure_counts_what_the_run_computed(tmp_path, capsys):
    """A run that ended NaN with another equation is not "13 of 13 agree"."""
    run = gas(tmp_path / "0001", status="failed", reason="not finite",
              given_equations=["dt(Z) = 1/0"], changed_by_hand=["s"])  # fmt: skip
    assert measure([str(run)]) == 0
    text = capsys.readouterr().out
    assert "NOT COMPLETE: status failed (not finite)" in text
    assert "OTHER EQUATIONS than the file: dt(Z) = 1/0" in text
    assert "FIELDS CHANGED BY HAND before the run: s" in text
    assert "13 of 13 from formulas" in text
    assert "no number from the run can be compared" in text


def test_measure_of_any_other_run(tmp_path, capsys):
    x = np.arange(8.0)
    m = np.zeros((len(T), 3, 8))
    m[:, 2] = 1
    run = write_run(tmp_path / "0001", T, x, {"m": m, "E": T}, problem="magnet", parameters={})
    assert measure([str(run)]) == 0
    text = capsys.readouterr().out
    assert "E, last" in text and "mean of m_z, last" in text and "Rabi" not in text
    with pytest.raises(InputError):
        find("fig3b").require(load(run))


@pytest.mark.parametrize("edit, told", [(("lap(s) +", "2*lap(s) +"), True), (("Nx", "Nx "), False)])
def test_measure_names_an_equation_edited_in_the_file(edit, told, tmp_path, capsys):
    source = (shipped_folder().parent / "problems/quantum_torque.py").read_text().replace(*edit)
    run = gas(tmp_path / "0001", problem="quantum_torque")
    with h5py.File(run / "fields" / "fields_s1.h5", "r+") as file:
        file.attrs["problem_source"] = source
    assert measure([str(run)]) == 0
    text = capsys.readouterr().out
    assert ("OTHER EQUATIONS than the problem file" in text) is told
    assert ("cross(s, 2*lap(s) + q*dx(s))" in text) is told


def test_loop_of_a_magnetization():
    """A square loop that switches at -+0.5: area 2 (2 x 0.5 x 2), remanence +-1."""
    B = np.concatenate([np.linspace(1, -1, 401), np.linspace(-1, 1, 401)])
    Mz = np.where(np.arange(802) < 401, np.where(B > -0.5, 1, -1), np.where(B < 0.5, -1, 1))
    M = np.stack([0 * Mz, 0 * Mz, Mz], axis=1).astype(float)
    t = np.arange(802.0)
    ds = xr.Dataset({"M": (("t", "spin"), M), "B": ("t", B)}, {"t": t})
    sheet, lines = find("loop").draw([ds], {})
    assert sheet.axes[0].get_ylabel() == "z component of M"
    numbers = dict(line.split(": ") for line in lines)
    assert np.allclose([float(v) for v in numbers["coercive"].split(",")], [-0.5, 0.5], atol=0.005)
    assert float(numbers["area"]) == pytest.approx(2, rel=0.01)
    assert find("loop").draw([ds], {"component": "x"})[1][0].startswith("coercive")
    assert find("loop").reason_against(ds.rename(B="x_c")).startswith("loop: needs averages")
    with pytest.raises(InputError, match="component=w: one of x, y, z"):
        find("loop").draw([ds], {"component": "w"})
