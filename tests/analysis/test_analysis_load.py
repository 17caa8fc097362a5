"""`load`: runs, plain Dedalus files, half-written and damaged ones."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from synthetic_runs import OMEGA_R, record, write_run, write_set

from spinhydro.analysis import load
from spinhydro.errors import InputError
from tests.conftest import launch

SCRIPT = Path(__file__).parent / "data" / "plain_script.py"
T = np.array([0.0, 0.5, 1.0])
X = np.linspace(-1, 1, 8, endpoint=False)


def map_of(t, factor=1.0):
    return factor * np.asarray(t)[:, None] + X


def plain(folder, parallel="gather", dim=1, dtype="float64", ranks=1):
    launch(SCRIPT, folder, parallel, dim, dtype, ranks=ranks).check_returncode()
    return folder


@pytest.fixture(scope="module")
def plain_2d(tmp_path_factory):
    return plain(tmp_path_factory.mktemp("plain") / "snapshots", dim=2)


# Runs of spinhydro


def test_run_has_names_units_and_provenance(torque_run):
    ds = load(torque_run)
    assert ds.Z.dims == ("t", "x") and ds.s.dims == ("t", "spin", "x")
    assert list(ds.spin.values) == ["x", "y", "z"]
    assert np.array_equal(ds.s.sel(spin="z"), ds.Z)
    assert (ds.x.units, ds.t.units, ds.Z.units) == ("um", "ms", "1")
    assert ds.attrs["Omega_R"] == OMEGA_R and ds.attrs["torque"] == 1.0
    assert ds.attrs["problem"] == "quantum_torque" and ds.attrs["status"] == "done"
    assert ds.attrs["git_commit"] == "abc123 (dirty)"
    assert "dedalus 3.0.5" in ds.attrs["versions"] and ds.attrs["source"] == "Omega_R = 1"
    assert set(ds.coords) >= {"iteration", "wall_time", "timestep", "write_number"}
    assert "x um, Z 1" in ds.attrs["units"] and "units" in repr(ds)
    assert all(name in repr(ds) for name in ("kappa_n0", "torque", "git_commit", "versions"))


def test_file_folder_and_list_are_the_same(torque_run):
    fields = torque_run / "fields"
    for path in (str(torque_run), fields, fields / "fields_s1.h5", [fields / "fields_s1.h5"]):
        assert load(path).identical(load(torque_run))


def test_chosen_tasks_only(torque_run):
    assert set(load(torque_run, tasks="Z").data_vars) == {"Z"}
    assert set(load(torque_run, tasks=["n", "s"]).data_vars) == {"n", "s"}


def test_sets_are_joined_in_the_order_of_their_numbers(tmp_path):
    for number in (10, 2, 9):
        t = number + T / 10
        write_set(tmp_path / f"a_s{number}.h5", t, X, {"u": map_of(t)})
    for path in (tmp_path, [tmp_path / f"a_s{number}.h5" for number in (10, 2, 9)]):
        with pytest.warns(UserWarning, match="sets 3 to 8 are missing between a_s2.h5 and a_s9.h5"):
            ds = load(path)
        assert np.allclose(ds.t, np.concatenate([n + T / 10 for n in (2, 9, 10)]))
        assert np.allclose(ds.u, map_of(ds.t.values))


def test_restart_replaces_what_it_computes_again(tmp_path):
    write_set(tmp_path / "a_s1.h5", [0, 1, 2, 3], X, {"u": map_of([0, 1, 2, 3])})
    write_set(tmp_path / "a_s2.h5", [1, 2.5, 4], X, {"u": map_of([1, 2.5, 4], factor=-1)})
    ds = load(tmp_path)
    assert list(ds.t.values) == [0, 1, 2.5, 4]
    assert np.allclose(ds.u, [X, -1 + X, -2.5 + X, -4 + X])
    assert ds.attrs["superseded_writes"] == 3


def test_write_that_is_not_complete_is_left_out(tmp_path):
    file = tmp_path / "a_s1.h5"
    write_set(file, T, X, {"u": map_of(T), "v": map_of(T)[:2]})
    ds = load(file)
    assert ds.sizes["t"] == 2 and np.allclose(ds.u, map_of(T[:2]))


def test_write_that_one_process_has_not_finished_is_left_out(tmp_path):
    file = tmp_path / "a_s1.h5"
    write_set(file, T, X, {"u": map_of(T)})
    layout = h5py.VirtualLayout(shape=(1, 8), maxshape=(None, 8), dtype=float)
    (tmp_path / "a_s1").mkdir()
    for rank, writes in enumerate((3, 2)):
        part, half = f"a_s1/a_s1_p{rank}.h5", slice(4 * rank, 4 * rank + 4)
        with h5py.File(tmp_path / part, "w") as h5:
            h5.create_dataset("tasks/u", data=map_of(T)[:writes, half], maxshape=(None, 4))
        source = h5py.VirtualSource(part, "tasks/u", shape=(1, 4), maxshape=(None, 4))
        layout[: h5py.h5s.UNLIMITED, half] = source[: h5py.h5s.UNLIMITED, :]
    with h5py.File(file, "r+") as h5:
        del h5["tasks/u"]
        dataset = h5["tasks"].create_virtual_dataset("u", layout, fillvalue=0)
        dataset.dims[0].label, dataset.dims[1].label = "t", "x"
        dataset.dims[1].attach_scale(h5["scales/x_hash_1"])
    ds = load(file)
    assert ds.sizes["t"] == 2 and np.allclose(ds.u, map_of(T[:2]))


def test_file_open_for_writing_can_be_read(tmp_path):
    file = tmp_path / "a_s1.h5"
    write_set(file, T, X, {"u": map_of(T)})
    with h5py.File(file, "r+"):
        assert np.allclose(load(file).u, map_of(T))
        reader = f"from spinhydro.analysis import load; assert load({str(file)!r}).sizes['t'] == 3"
        assert subprocess.run([sys.executable, "-c", reader], timeout=60).returncode == 0


# Plain Dedalus files


def test_plain_one_dimension(tmp_path):
    ds = load(plain(tmp_path / "snapshots"))
    assert ds.sizes["t"] == 4 and ds.attrs["files"] == "snapshots_s1.h5, snapshots_s2.h5"
    assert ds.u.dims == ("t", "x") and ds.total.dims == ("t",)
    assert ds.s.dims[0] == "t" and ds.s.dims[1].startswith("component") and ds.s.dims[2] == "x"
    decay = np.exp(-ds.t.values)
    assert np.allclose(ds.u, decay[:, None] * np.cos(ds.x.values), atol=1e-4)
    assert np.allclose(ds.u_fine, decay[:, None] * np.cos(ds.x_12.values), atol=1e-4)
    assert ds.u_modes.dims == ("t", "kx") and list(ds.kx.values) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert np.allclose(ds.u_modes.sel(kx=1)[:, 0], decay, atol=1e-4)
    assert np.allclose(ds.total, np.pi * decay**2, atol=1e-3)


def test_plain_two_dimensions(plain_2d):
    ds = load(plain_2d)
    assert ds.u.dims == ("t", "x", "y") and ds.u.shape == (4, 8, 12)
    assert ds.u_fine.dims == ("t", "x_12", "y_18")
    assert ds.s.shape == (4, 3, 8, 12) and ds.slope.shape == (4, 2, 3, 8, 12)
    assert ds.c.dims == ("t", "x") and np.allclose(ds.c[0], np.cos(ds.x))
    expected = np.cos(ds.x) + 2 * np.cos(ds.y)
    assert np.allclose(ds.u[0].transpose("x", "y"), expected.transpose("x", "y"))
    assert np.allclose(ds.slope[0, 0, 1], np.cos(ds.x.values)[:, None], atol=1e-12)
    assert "ky" not in ds.coords


def test_plain_three_dimensions_complex(tmp_path):
    ds = load(plain(tmp_path / "snapshots", dim=3, dtype="complex128"), tasks=["u", "s"])
    assert ds.u.dims == ("t", "x", "y", "z") and np.iscomplexobj(ds.u)
    wave = np.cos(ds.x) + 2 * np.cos(ds.y) + 3 * np.cos(ds.z)
    expected = (wave * np.exp(1j * ds.x)).transpose("x", "y", "z")
    assert np.allclose(ds.u[0], expected)


@pytest.mark.mpi
@pytest.mark.parametrize("parallel", ["gather", "virtual"])
def test_parallel_files_equal_serial_ones(tmp_path, plain_2d, parallel):
    folder = plain(tmp_path / "snapshots", parallel, dim=2, ranks=2)
    parts = list(folder.glob("*_s1/*_p1.h5"))
    assert bool(parts) == (parallel == "virtual")
    ds, serial = load(folder), load(plain_2d)
    for name in serial.data_vars:
        assert np.allclose(ds[name], serial[name], atol=1e-13), name
    if parallel == "virtual":
        with pytest.raises(InputError, match="one process.*snapshots_s1.h5"):
            load(parts[0])
        parts[0].unlink()
        with pytest.raises(InputError, match="is missing"):
            load(folder)


# Errors


def message(path, **options):
    with pytest.raises(InputError) as caught:
        load(path, **options)
    return str(caught.value)


def test_missing_run_names_the_nearest(tmp_path):
    run = write_run(tmp_path / "quantum_torque" / "0001", T, X, {"u": map_of(T)})
    assert f"did you mean {run}?" in message(tmp_path / "quantum_torqe" / "0001")
    assert f"did you mean {run}?" in message(tmp_path / "quantum_torque" / "0007")
    assert "holds quantum_torque" in message(tmp_path / "zzz")
    assert str(run) in message(tmp_path / "quantum_torque")


def test_folder_that_is_not_a_run(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    text = message(tmp_path)
    assert "neither a run folder" in text and "notes.txt" in text


def test_several_handlers(tmp_path):
    for name in ("a", "b"):
        write_set(tmp_path / name / f"{name}_s1.h5", T, X, {"u": map_of(T)})
    assert "(a, b)" in message(tmp_path)


@pytest.mark.parametrize("kept", [0, 100, 4000])
def test_damaged_file(tmp_path, kept):
    file = tmp_path / "a_s1.h5"
    write_set(file, T, X, {"u": map_of(T)})
    content = file.read_bytes()
    assert kept < len(content)
    file.write_bytes(content[:kept])
    os.utime(file, (0, 0))
    assert str(file) in message(tmp_path) and "damaged" in message(tmp_path)


def test_hdf5_of_something_else(tmp_path):
    with h5py.File(tmp_path / "a_s1.h5", "w") as h5:
        h5["q"] = 1
    assert "not the output of a Dedalus file handler: it holds q" in message(tmp_path)


def test_no_writes_yet(tmp_path):
    run = tmp_path / "0001"
    run.mkdir()
    (run / "run.json").write_text(json.dumps(record(status="running")))
    assert "no output yet" in message(run)
    write_set(run / "fields" / "fields_s1.h5", [], X, {"u": np.zeros((0, 8))})
    assert "no output yet" in message(run)
    (run / "run.json").write_text(json.dumps(record(status="failed", message="not finite")))
    assert "failed; not finite" in message(run)


def test_unknown_task(torque_run):
    text = message(torque_run, tasks="Zz")
    assert "Did you mean 'Z'?" in text and "n, s" in text


def test_sets_of_different_grids(tmp_path):
    write_set(tmp_path / "a_s1.h5", T, X, {"u": map_of(T)})
    write_set(tmp_path / "a_s2.h5", T + 2, X[:4], {"u": map_of(T)[:, :4]})
    assert "different grids" in message(tmp_path)


def test_damaged_record_still_gives_the_data(tmp_path):
    run = write_run(tmp_path / "0001", T, X, {"u": map_of(T)})
    (run / "run.json").write_text('{"problem": "quan')
    with pytest.warns(UserWarning, match="run.json is damaged"):
        ds = load(run)
    assert np.allclose(ds.u, map_of(T)) and "run.json is damaged" in ds.attrs["warning"]
    # The data file carries the record of the start.
    assert ds.attrs["Omega_R"] == OMEGA_R and ds.attrs["status"] == "unknown"


def test_moved_run(tmp_path, torque_run):
    moved = shutil.copytree(torque_run, tmp_path / "elsewhere")
    assert load(moved).Z.equals(load(torque_run).Z)


def test_analysis_imports_neither_dedalus_nor_mpi():
    code = (
        "import sys; from spinhydro import analysis; import spinhydro.analysis.plot;"
        "from spinhydro.analysis.figures import find; find('fig2').module; analysis.plot_spacetime;"
        "sys.exit(any(name.split('.')[0] in ('dedalus', 'mpi4py') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
