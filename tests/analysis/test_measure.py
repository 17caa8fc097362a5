"""The table of paper A's numbers, from an independent record and from short runs."""

import json

import numpy as np
import pytest
import xarray as xr
from synthetic_runs import DATA, PARAMETERS

from spinhydro.analysis.figures import find_measurement
from spinhydro.analysis.measure import cells, main, table
from spinhydro.analysis.selection import selected

measure = find_measurement("torque_numbers").module.measure


def by_name(rows):
    return {row.quantity: row for row in rows}


def test_independent_record_agrees_with_its_own_numbers():
    """Z of two coupled equations by another code, |x| < 152 µm; missing numbers have a reason."""
    with np.load(DATA / "fronts_118Hz.npz") as data:
        x = np.concatenate([-data["x"][:0:-1], data["x"]])
        Z = np.concatenate([data["gpe_Z"][:, :0:-1], data["gpe_Z"]], axis=1) / 127
        u = np.maximum(1 - (x / 210) ** 2, 0)
        ds = xr.Dataset(
            {"Z": (("t", "x"), Z), "n": (("t", "x"), np.tile(u, (len(Z), 1)))},
            coords={"t": ("t", data["t"], {"units": "ms"}), "x": ("x", x, {"units": "um"})},
            attrs=PARAMETERS,
        )
        ds["v"] = 0 * ds.n
    rows = measure(ds)
    compared = [row for row in rows if row.agrees is not None]
    assert len(compared) == 28
    # Z is stored in steps of 1/127, which only the first difference of 0.0012 shows.
    assert [row.quantity for row in compared if not row.agrees] == [
        "rms of Z - Z of the local solution, 0.5 T"
    ]
    named = by_name(rows)
    assert named["max|j_torque|/(n c_s) at 1 T"].value is None
    assert "no output 's'" in named["max|j_torque|/(n c_s) at 1 T"].note
    assert named["C_ZZ: L1"].band == (4.5, 7.0)
    assert any(line.startswith("-: breaking") and "no output 's'" in line for line in table(rows))


def test_short_run_says_what_is_missing(torque_run, josephson_run, tmp_path, capsys):
    file = tmp_path / "numbers.json"
    runs = [str(torque_run), str(josephson_run)]
    assert main([*runs, "--save", str(file)]) == 0
    text = capsys.readouterr().out
    assert "quantum_torque/0001 (frozen density" in text and "(without torque" in text
    assert "needs t = 10.6, the run ends at 10" in text
    assert "from formulas of its parameters agree" in text
    saved = list(json.loads(file.read_text()).values())[0]
    rows = {row["quantity"]: row for row in saved}
    assert rows["x_c, Thomas-Fermi"]["value"] == pytest.approx(122.450, abs=1e-3)
    assert rows["front speed"]["value"] is None and rows["front speed"]["note"]
    assert main([*runs, "--save", str(file)]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err
    for suffix in ("md", "csv"):
        assert main([*runs, "--save", str(tmp_path / f"a.{suffix}")]) == 0
        assert "122.45 ± 0.001" in (tmp_path / f"a.{suffix}").read_text()
    assert main([*runs, "--save", str(tmp_path / "a.xls")]) == 2


def test_other_parameters_have_no_references(moving_run, capsys):
    assert main([str(moving_run), "--parameter", "Omega_R=0.8"]) == 0
    text = capsys.readouterr().out
    assert "other parameters than the references" in text and "±" not in text
    assert main([str(moving_run), "--parameter", "Omega_R=0"]) == 0
    assert "mean of n, last" in capsys.readouterr().out
    words = ["--parameter", "Omega_R=0", "--numbers", "torque_numbers"]
    assert main([str(moving_run), *words]) == 2
    assert "states no Rabi frequency" in capsys.readouterr().err
    assert main([str(moving_run), "--parameter", "Omega_R=fast"]) == 2
    assert "'fast' is not a number" in capsys.readouterr().err


def test_cells():
    ds = selected(load_synthetic())
    row = by_name(measure(ds))["x_c, Thomas-Fermi"]
    assert cells(row) == (
        "x_c, Thomas-Fermi",
        "122.45",
        "um",
        "formula",
        "122.45 ± 0.001",
        "yes",
        "",
    )


def load_synthetic():
    x = np.linspace(-240, 240, 64, endpoint=False)
    return xr.Dataset(
        {"n": (("t", "x"), np.maximum(1 - (x / 210) ** 2, 0)[None])},
        coords={"t": [0.0], "x": ("x", x, {"units": "um"})},
        attrs=PARAMETERS,
    )
