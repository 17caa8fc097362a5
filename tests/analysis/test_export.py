"""Files for other tools and back: OVF, VTK, tables, movies."""

import csv

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import write_run
from test_spectra import plane

from spinhydro.analysis import load
from spinhydro.analysis.export import main
from spinhydro.analysis.vtk import read_vtk, write_vtk
from spinhydro.errors import InputError
from spinhydro.physics.ovf import FORMATS, read_ovf, write_ovf


@pytest.fixture(scope="module")
def field():
    m = plane([(1, 2, 0.3, 0.5), (0, 1, 0.1, 0.2)], shape=(6, 5), outputs=2).m.isel(t=1)
    for axis in "xy":
        m[axis].attrs["units"] = "nm"
    return m


@pytest.mark.parametrize("form", FORMATS)
def test_ovf_and_back(form, field, tmp_path):
    path = write_ovf(field, tmp_path / "m.ovf", form)
    back = read_ovf(path)
    assert back.dims == ("spin", "x", "y")
    np.testing.assert_allclose(back.values, field.values, atol=1e-7 if form == "binary 4" else 0)
    np.testing.assert_allclose(back.x, field.x, atol=1e-12)
    with pytest.raises(InputError, match="nothing is overwritten"):
        write_ovf(field, path, form)
    # The order of OVF: x runs fastest, the components of a cell are adjacent.
    if form == "text":
        lines = [row for row in path.read_text().splitlines() if not row.startswith("#")]
        assert np.allclose(np.array(lines[1].split(), float), field.isel(x=1, y=0))
        assert "# xstepsize: 5" in path.read_text() and "# valuedim: 3" in path.read_text()


def test_ovf_of_other_tools(tmp_path):
    """OVF 1.0 of OOMMF (big-endian binary) and text of mumax3, written by hand."""
    head = "# OOMMF: rectangular mesh v1.0\n# Segment count: 1\n# Begin: Segment\n# Begin: Header\n"
    grid = "# meshunit: m\n" + "".join(
        f"# {a}base: 1e-9\n# {a}stepsize: 2e-9\n# {a}nodes: {n}\n" for a, n in zip("xyz", (2, 3, 1),
                                                                                 strict=True)
    )  # fmt: skip
    values = np.arange(18.0)
    data = np.concatenate([[1234567.0], values]).astype(">f4").tobytes()
    file = tmp_path / "a.omf"
    file.write_bytes((head + grid + "# End: Header\n# Begin: Data Binary 4\n").encode() + data)
    found = read_ovf(file)
    assert found.shape == (3, 2, 3) and np.array_equal(found[:, 1, 0], [3, 4, 5])
    assert np.allclose(found.y, [1, 3, 5])
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(InputError, match="is cut off"):
        read_ovf(file)
    for content, text in ((b"hello", "does not begin"), (b"# OOMMF OVF 2.0\n", "no '# Begin")):
        file.write_bytes(content)
        with pytest.raises(InputError, match=text):
            read_ovf(file)


def test_vtk_and_back(field, tmp_path):
    ds = xr.Dataset({"m": field, "psi": field.isel(spin=0, drop=True) + 1j, "E": 3.0})
    path = write_vtk(ds.drop_vars("t"), tmp_path / "m.vti")
    back = read_vtk(path)
    assert set(back.data_vars) == {"m", "psi"}
    assert np.array_equal(back.m.transpose(*field.dims), field)
    assert np.allclose(back.psi.transpose("x", "y"), np.abs(ds.psi))
    path.write_text("<VTKFile/>")
    with pytest.raises(InputError, match="is not VTK image data"):
        read_vtk(path)


def test_the_command(tmp_path, capsys):
    x, t = np.arange(8.0), np.arange(4.0)
    Z = np.sin(x + t[:, None])
    run = write_run(tmp_path / "0001", t, x, {"Z": Z, "psi": Z + 1j}, problem="other")
    for name in ("Z.ovf", "all.vti", "run.nc", "movie.gif"):
        file = tmp_path / name
        assert main([str(run), str(file), "--time", "2"]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == str(file) and file.stat().st_size > 300
        assert main([str(run), str(file)]) == 2 and "exists" in capsys.readouterr().err
    assert np.allclose(read_ovf(tmp_path / "Z.ovf"), Z[2])
    assert main([str(run), str(tmp_path / "psi.gif"), "--output", "psi"]) == 0
    assert main([str(run), str(tmp_path / "a.csv")]) == 2
    assert "every output of this run has an axis of space" in capsys.readouterr().err
    assert main([str(run), str(tmp_path / "a.xyz")]) == 2
    assert main([str(run), str(tmp_path / "b.ovf"), "--output", "z"]) == 2
    assert "did you mean 'Z'" in capsys.readouterr().err


def test_tables(tmp_path):
    from spinhydro.analysis.export import write_table

    t = np.arange(3.0)
    M = xr.DataArray(np.arange(9.0).reshape(3, 3), dims=("t", "spin"), coords={"spin": list("xyz")})
    ds = xr.Dataset({"M": M, "E": ("t", t**2), "z": ("t", t * 1j)}, coords={"t": t})
    write_table(ds, tmp_path / "a.csv")
    with open(tmp_path / "a.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["t", "M[x]", "M[y]", "M[z]", "E", "z real", "z imag"]
    assert np.allclose(np.array(rows[1:], float)[:, 1:4], M) and rows[3][4] == "4.0"


def test_a_run_of_the_loader_goes_out_whole(tmp_path):
    x, t = np.arange(8.0), np.arange(4.0)
    run = write_run(tmp_path / "0001", t, x, {"Z": np.sin(x + t[:, None])})
    assert main([str(run), str(tmp_path / "a.nc")]) == 0
    with xr.open_dataset(tmp_path / "a.nc") as back:
        assert np.array_equal(back.Z, load(run).Z) and back.attrs["problem"] == "quantum_torque"
