"""The table of differences between runs: known functions on equal and unequal grids and times."""

import csv

import numpy as np
import pytest
import xarray as xr

from spinhydro.analysis.compare import compare, first_common, main, names_of, table
from spinhydro.errors import InputError
from spinhydro.problem.load import load

OMEGA = 0.5


def waves(amplitude=0.0, size=32, times=41, length=10.0, end=30.0, **attrs):
    """Z = cos(kx - t/2) + amplitude sin(kx), periodic, smooth in time."""
    x = -length / 2 + length * np.arange(size) / size
    t = np.linspace(0, end, times)
    k = 2 * np.pi / 10.0
    Z = np.cos(k * x - t[:, None] / 2) + amplitude * np.sin(k * x)
    return xr.Dataset(
        {"Z": (("t", "x"), Z)},
        {"t": ("t", t, {"units": "ms"}), "x": ("x", x, {"units": "um"})},
        {"problem": "waves", "run": "runs/waves/0001", "Omega_R": OMEGA, **attrs},
    )


def test_rms_and_largest_of_a_known_difference():
    found = compare([waves(), waves(0.1), waves(0.02)])
    np.testing.assert_allclose(found.periods, [0.5, 1, 1.5, 2])
    np.testing.assert_allclose(found.times, np.array([0.5, 1, 1.5, 2]) * 2 * np.pi / OMEGA)
    np.testing.assert_allclose(found.rms[:, 0], 0.1 / np.sqrt(2), rtol=1e-12)
    np.testing.assert_allclose(found.largest[:, 1], 0.02, rtol=1e-12)


@pytest.mark.parametrize("size", [24, 25, 64])
def test_other_grids_and_output_times_mean_the_same_function(size):
    found = compare([waves(), waves(size=size, times=67), waves(0.1, size=size)], within=3)
    assert found.points == 19
    assert found.largest[:, 0].max() < 1e-6  # of the splines in time
    x = waves().x.values
    expected = 0.1 * np.sqrt(np.mean(np.sin(2 * np.pi / 10 * x[np.abs(x) < 3]) ** 2))
    np.testing.assert_allclose(found.rms[:, 1], expected, atol=1e-12)


def test_longer_box_of_the_same_periodic_function():
    found = compare([waves(), waves(0.1, size=64, length=20.0)])
    np.testing.assert_allclose(found.rms[:, 0], 0.1 / np.sqrt(2), rtol=1e-9)
    with pytest.raises(InputError, match="shorter box first"):
        compare([waves(size=64, length=20.0), waves()])


def test_run_that_ended_early_leaves_a_gap():
    found = compare([waves(), waves(0.1, end=15.0), waves(0.1)])
    assert np.isfinite(found.rms[:, 0]).tolist() == [True, True, False, False]
    assert np.isfinite(found.rms[:, 1]).all()
    rows = table(found, ["a", "b", "c"], "ms")
    assert rows[-1].split()[2] == "-"


def test_times_without_rabi_frequency_are_quarters():
    runs = [waves(), waves(0.1)]
    for ds in runs:
        del ds.attrs["Omega_R"]
    np.testing.assert_allclose(compare(runs).times, [7.5, 15, 22.5, 30])


@pytest.mark.parametrize(
    ("other", "options", "message"),
    [
        (waves(), {"output": "z"}, "no output 'z'; did you mean 'Z'"),
        (waves().expand_dims("y", axis=1), {}, "runs along t, x in one and t, y, x"),
        (waves(), {"times": [31]}, "outside the record"),
        (waves(), {"within": 0}, "no grid point"),
        (waves().assign_coords(x=waves().x.assign_attrs(units="nm")).pipe(lambda d: d.assign(
            Z=d.Z.assign_attrs(units="n0"))), {}, "different units"),
    ],
    ids=["name", "axes", "time", "nothing inside", "units"],
)  # fmt: skip
def test_what_cannot_be_compared(other, options, message):
    with pytest.raises(InputError, match=message):
        compare([waves(), other], **options)


def test_one_run_is_not_enough():
    with pytest.raises(InputError, match="at least two"):
        compare([waves()])


def test_without_a_name_the_first_common_output_is_compared():
    other = waves().rename(Z="m").assign(E=("t", np.ones(41)))
    assert first_common([waves(), waves().assign(B=("t", np.ones(41)))]) == "Z"
    assert first_common([other, other.drop_vars("m")]) == "E"
    with pytest.raises(InputError, match="no output in common .*: Z; .*: m, E"):
        first_common([waves(), other])


def test_names_say_what_sets_runs_apart():
    source = "torque = 1.0\nNx = 4\n# Derived parameters\ng = 2*torque\n"
    runs = [waves(torque=1.0, Nx=4, g=2.0, source=source), waves(torque=0, Nx=4, g=0.0,
                                                                 source=source)]  # fmt: skip
    assert names_of(runs) == ["waves/0001 torque=1", "waves/0001 torque=0"]


def test_command_on_runs(problems, tmp_path, capsys):
    folders = [
        load(problems / "quantum_torque.py", quick=True, torque=torque, Nx=Nx).run(
            out=tmp_path, quiet=True
        ).folder
        for torque, Nx in ((1, 256), (0, 128))
    ]  # fmt: skip
    save = tmp_path / "table.csv"
    arguments = [*map(str, folders), "--times", "2.5,0.5T", "--save", str(save)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("Z against quantum_torque/0001 torque=1")
    assert printed[-1] == str(save)
    with save.open() as file:
        rows = list(csv.reader(file))
    assert float(rows[1][0]) == 2.5
    assert float(rows[2][1]) == pytest.approx(0.5)
    assert 1e-5 < float(rows[2][2]) < 1e-2  # the torque acts at half a period
    assert main(arguments) == 2
    assert "is there already" in capsys.readouterr().err
    assert main([*map(str, folders), "--times", "soon"]) == 2
    assert "'soon' is not a time" in capsys.readouterr().err
