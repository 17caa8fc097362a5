"""`load`: large, incomplete, damaged and unusual files, several handlers, xarray, netCDF."""

import json
import shutil
import tracemalloc
import zlib
from importlib.metadata import EntryPoint
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from synthetic_runs import record, write_run, write_set

from spinhydro.analysis import load, open_netcdf, save_netcdf
from spinhydro.analysis.backend import RunBackend
from spinhydro.errors import InputError

ROOT = Path(__file__).parents[2]

T = np.array([0.0, 0.5, 1.0])
X = np.linspace(-1, 1, 8, endpoint=False)


def map_of(t, factor=1.0):
    return factor * np.asarray(t)[:, None] + X


def numbered(folder, *numbers):
    for number in numbers:
        write_set(folder / f"a_s{number}.h5", number + T / 10, X, {"u": map_of(T)})


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """1.6 GB in 24 writes, each with one chunk on the disk."""
    file = tmp_path_factory.mktemp("large") / "a_s1.h5"
    write_set(file, np.arange(24.0), X, {})
    with h5py.File(file, "r+") as h5:
        data = h5["tasks"].create_dataset("u", (24, 256, 256, 256), "f4", chunks=(1, 16, 64, 256))
        data[:, 0, 0] = np.arange(24.0)[:, None]
    return file


def test_one_time_of_a_large_file(large):
    tracemalloc.start()
    ds = load(large)
    assert ds.u.nbytes > 1e9 and tracemalloc.get_traced_memory()[1] < 2e7
    row = ds.u.isel(t=5).values
    assert row[0, 0, 7] == 5 and row[0, 1, 7] == 0
    assert tracemalloc.get_traced_memory()[1] < 1.5 * 256**3 * 4 + 2e7
    tracemalloc.stop()


def test_any_index_of_a_large_file(large):
    u = load(large).u
    assert np.array_equal(u[[7, 3, 3], 0, 0, 5], [7, 3, 3])
    assert np.array_equal(u[::-8, 0, 0, 200], [23, 15, 7])
    assert u[2:4, 0, [0, 5], ::-100].shape == (2, 2, 3)
    assert np.array_equal(u[2, 0, [1, 0, 0], ::-255], [[0, 0], [2, 2], [2, 2]])
    assert u[0:0].shape == (0, 256, 256, 256)


def test_a_lost_set_is_said(tmp_path):
    numbered(tmp_path, 1, 3)
    for path in (tmp_path, [tmp_path / "a_s1.h5", tmp_path / "a_s3.h5"]):
        with pytest.warns(UserWarning, match="set 2 is missing between a_s1.h5 and a_s3.h5"):
            ds = load(path)
        assert "set 2 is missing" in ds.attrs["warning"] and ds.sizes["t"] == 6
    (tmp_path / "a_s1.h5").unlink()
    with pytest.warns(UserWarning, match="earlier ones are missing"):
        load(tmp_path)
    # A file given by its own path is complete.
    assert load(tmp_path / "a_s3.h5").sizes["t"] == 3


def test_a_set_replaced_by_a_copy_of_another_is_said(tmp_path):
    numbered(tmp_path, 1, 2, 3)
    for number in (1, 2, 3):
        with h5py.File(tmp_path / f"a_s{number}.h5", "a") as h5:
            h5.attrs["set_number"] = number
    assert "warning" not in load(tmp_path).attrs
    shutil.copy(tmp_path / "a_s1.h5", tmp_path / "a_s2.h5")
    with pytest.warns(UserWarning, match="a_s2.h5 holds set 1.*set 2 is missing"):
        load(tmp_path)


def test_a_last_set_cut_short_costs_that_set(tmp_path):
    numbered(tmp_path, 1, 2, 3)
    content = (tmp_path / "a_s3.h5").read_bytes()
    (tmp_path / "a_s3.h5").write_bytes(content[:3000])
    with pytest.warns(UserWarning, match="last set is left out.*a_s3.h5"):
        ds = load(tmp_path)
    assert ds.sizes["t"] == 6
    (tmp_path / "a_s2.h5").write_bytes(content[:3000])
    with pytest.raises(InputError, match="a_s2.h5 .*damaged"):
        load(tmp_path)


def test_a_write_that_was_killed(tmp_path):
    file = tmp_path / "a_s1.h5"
    write_set(file, T, X, {"u": map_of(T), "v": map_of(T)})
    with h5py.File(file, "r+") as h5:
        h5["tasks/u"][2] = 0
    with pytest.warns(UserWarning, match="output 'u' is exactly zero in write 3"):
        load(file)
    with h5py.File(file, "r+") as h5:
        for name in ("sim_time", "iteration"):
            h5["scales"][name][2] = 0
    with pytest.warns(UserWarning, match="write 3 was not completed"):
        ds = load(file)
    assert list(ds.t.values) == [0, 0.5]


def with_checksums(file):
    """Add the checksums that runs write (docs/output_format.md)."""
    kinds = dict.fromkeys(("sim_time", "wall_time", "timestep"), "<f8")
    kinds |= dict.fromkeys(("iteration", "write_number"), "<i8")
    with h5py.File(file, "r+") as h5:
        tasks, scales, rows = h5["tasks"], h5["scales"], []
        for i in range(h5.attrs["writes"]):
            times = b"".join(np.array(scales[n][i], k).tobytes() for n, k in kinds.items())
            rows.append(
                [zlib.crc32(times), *(zlib.crc32(one[i].tobytes()) for one in tasks.values())]
            )
        h5["checksums"] = np.array(rows, "<u4")
        h5["checksums"].attrs["columns"] = ["scales", *tasks]


def test_checksums_of_the_writer(tmp_path):
    file = tmp_path / "a_s1.h5"
    write_set(file, T, X, {"u": map_of(T), "v": map_of(T)})
    with_checksums(file)
    assert np.allclose(load(file).u, map_of(T))
    with h5py.File(file, "r+") as h5:
        h5["tasks/v"][1, 3] = 1e-9
    with pytest.raises(InputError, match="write 2 of output 'v' is not what was written"):
        load(file)
    assert np.allclose(load(file, tasks="u").u, map_of(T))
    with h5py.File(file, "r+") as h5:
        h5["scales/sim_time"][1] = 0.7
    with pytest.raises(InputError, match="time of write 2 is not what was written"):
        load(file)


def test_several_handlers_at_once(tmp_path):
    for name in ("a", "b"):
        write_set(tmp_path / name / f"{name}_s1.h5", T, X, {f"u_{name}": map_of(T)})
    with pytest.raises(InputError, match=r"several handlers \(a, b\)"):
        load(tmp_path)
    tree = load(tmp_path, handler="*")
    assert list(tree.children) == ["a", "b"] and np.allclose(tree["b/u_b"], map_of(T))
    assert list(load(tmp_path, handler="b").data_vars) == ["u_b"]
    with pytest.raises(InputError, match="no handler 'bb'; did you mean 'b'|It has a, b"):
        load(tmp_path, handler="bb")


def test_patterns(tmp_path):
    numbered(tmp_path, 1, 2)
    assert load(tmp_path / "a_s*.h5").sizes["t"] == 6
    assert load(f"{tmp_path.parent}/{tmp_path.name[:-1]}?").sizes["t"] == 6
    with pytest.raises(InputError, match="no file and no folder matches"):
        load(tmp_path / "b_s*.h5")


def test_axis_called_t(tmp_path):
    file = tmp_path / "a_s1.h5"
    write_set(file, T, X, {"u": map_of(T)})
    with h5py.File(file, "r+") as h5:
        h5["tasks/u"].dims[1].label = "t"
    ds = load(file)
    assert ds.u.dims == ("t", "t_axis") and np.array_equal(ds.t_axis, X)


def test_process_files_of_dedalus_v2(tmp_path):
    write_set(tmp_path / "a_s1" / "a_s1_p0.h5", T, X, {"u": map_of(T)})
    for path in (tmp_path, tmp_path / "a_s1" / "a_s1_p0.h5"):
        with pytest.raises(InputError, match="python3 -m dedalus merge_procs"):
            load(path)


def test_xarray_opens_a_run(tmp_path):
    run = write_run(tmp_path / "0001", T, X, {"u": map_of(T), "v": map_of(T)})
    backend = RunBackend()
    assert backend.guess_can_open(str(run)) and not backend.guess_can_open("a.nc")
    ds = xr.open_dataset(str(run), engine=RunBackend, drop_variables=["v"])
    assert list(ds.data_vars) == ["u"] and np.allclose(ds.u, map_of(T))
    assert list(backend.open_datatree(run).children) == ["fields"]
    assert "/fields" in backend.open_groups_as_dict(run)


def test_the_package_states_its_backend_of_xarray():
    """The installation then finds ``engine="spinhydro"``."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    stated = project.split('[project.entry-points."xarray.backends"]\n')[1].splitlines()[0]
    name, target = stated.split(" = ")
    point = EntryPoint(name=name, value=target.strip('"'), group="xarray.backends")
    assert name == "spinhydro" and point.load() is RunBackend


def test_netcdf_in_one_call(tmp_path):
    parameters = {"α": 0.5, "ω_0": 3, "steps": 2**40, "words": "µm", "flag": True}
    # SciPy's file object has attributes of these names.
    parameters |= {"dimensions": 2, "mode": "fast"}
    tasks = {"ψ": map_of(T) + 1j, "n": np.ones((3, 8), int)}
    ds = load(write_run(tmp_path / "0001", T, X, tasks, parameters=parameters))
    path = save_netcdf(ds, tmp_path / "a.nc")
    back = open_netcdf(path)
    assert np.array_equal(back["ψ"], ds["ψ"]) and np.array_equal(back.n, ds.n)
    assert back.attrs["alpha"] == 0.5 and back.attrs["omega_0"] == 3
    assert back.attrs["steps"] == 2**40
    assert back.attrs["dimensions"] == 2 and back.attrs["mode"] == "fast"
    with pytest.raises(InputError, match="nothing is overwritten"):
        save_netcdf(ds, path)


@pytest.mark.parametrize(
    "changes",
    [
        {"units": [1]},
        {"parameters": "x"},
        {"versions": ["a"], "git": "abc"},
        {"git": {"commit": 5}},
        {"per_member": [["a"]]},
        {"status": {"x": 1}, "command": {"a": 1}},
        {"units": {"time": {"a": 1}, "length": "um"}},
    ],
)
def test_hostile_records(changes, tmp_path):
    run = write_run(tmp_path / "0001", T, X, {"u": map_of(T)})
    (run / "run.json").write_text(json.dumps(record(**changes)))
    assert np.allclose(load(run).u, map_of(T))
