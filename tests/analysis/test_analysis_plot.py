"""Figures and the command that draws them."""

import json
import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from synthetic_runs import OMEGA_R, PARAMETERS, cloud, josephson_spins, record, write_run, write_set

from spinhydro.analysis import load
from spinhydro.analysis.breaking import interface_profiles
from spinhydro.analysis.figures import all_figures, find
from spinhydro.analysis.local_dynamics import frequency_profile, without_torque
from spinhydro.analysis.plot import main
from spinhydro.analysis.profiles import _middle
from spinhydro.analysis.selection import selected
from spinhydro.errors import InputError

PERIOD = 2 * np.pi / OMEGA_R


def drawn(path):
    """True if the picture is not blank."""
    pixels = matplotlib.image.imread(path)[..., :3]
    return pixels.shape[0] > 200 and float(np.mean(pixels < 0.99)) > 0.01


FIGURES = all_figures()
PAPER_A = [name for name in FIGURES if name.startswith(("fig", "ed"))]


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure(name, moving_run, torque_run, tmp_path, capsys):
    file = tmp_path / "figure.png"
    figure = FIGURES[name]
    ds = load(moving_run)
    reason = figure.reason_against(selected(ds) if figure.line else ds)
    if reason is not None:
        assert name not in PAPER_A
        assert main([str(moving_run), "--figure", name]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    elif name == "ed1e":
        assert main([str(moving_run), "--figure", name]) == 2
        assert "takes runs of coupled_gpe and then quantum_torque" in capsys.readouterr().err
    else:
        arguments = ["--figure", name, "--save", str(file), "--dpi", "80"]
        assert main([str(moving_run), *arguments]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == str(file) and drawn(file)


@pytest.mark.parametrize("name", ["fig2", "fig2a", "ed1", "ed1e"])
def test_figures_of_two_runs_in_any_order(name, moving_run, torque_run, josephson_run, tmp_path):
    pair = (moving_run, torque_run) if name.startswith("ed") else (torque_run, josephson_run)
    for place, runs in enumerate((pair, pair[::-1])):
        file = tmp_path / f"{place}.png"
        arguments = ["--figure", name, "--save", str(file), "--dpi", "80"]
        assert main([*map(str, runs), *arguments]) == 0 and drawn(file)
    first, second = (matplotlib.image.imread(tmp_path / f"{place}.png") for place in (0, 1))
    assert np.array_equal(first, second)


def test_figures_that_a_frozen_or_short_run_cannot_give(torque_run, capsys):
    ds = selected(load(torque_run))
    refused = {name: FIGURES[name].reason_against(ds) for name in PAPER_A}
    assert {name for name, reason in refused.items() if reason} == {
        "fig3b", "fig3fgh", "fig3g", "fig3h", "fig4a", "fig4b",
        "ed1", "ed1a", "ed1b", "ed1c", "ed1d", "ed1e", "ed1f",
    }  # fmt: skip
    assert "run problems/coupled_gpe.py" in refused["ed1b"]
    assert "needs t = 21.19, and the run ends at 10" in refused["fig3h"]
    assert "fewer than 8 outputs have the front" in refused["fig3b"]
    assert main([str(torque_run), "--figure", "ed1b"]) == 2
    assert capsys.readouterr().err == f"spinhydro: error: {refused['ed1b']}\n"


def test_options_of_figures(moving_run, tmp_path, capsys):
    file = str(tmp_path / "a.png")
    words = ["4a", "blur=1.5", "E=60,150,36,44", "longest=12"]
    assert main([str(moving_run), "--figure", *words, "--save", file]) == 0
    words = ["3b", "thresholds=0.3,0.4", "fit_range=40,100"]
    assert main([str(moving_run), "--figure", *words, "--save", file]) == 0
    capsys.readouterr()
    for words, message in (
        (["4a", "E=60,150"], "rectangle E: give x low, x high"),
        (["4a", "blur=-1"], "blur: sigma = -1"),
        (["3b", "fit_range=0,5"], "fewer than 8 outputs"),
        (["ed1", "periods=8,9"], "0 outputs with Omega_R t/2pi from 8 to 9"),
        (["3b", "--dpi", "1"], "--dpi 1"),
    ):
        assert main([str(moving_run), "--figure", *words, "--save", file]) == 2
        error = capsys.readouterr().err
        assert message in error and len(error.splitlines()) == 1


def test_names_of_figures(torque_run, tmp_path, capsys):
    assert find("2c").name == find("fig2c").name == "fig2c"
    assert find("spacetime").name == "spacetime"
    assert main([str(torque_run), "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    can, cannot = (
        [line for line in lines if line.startswith("not ") is no] for no in (False, True)
    )
    assert {"fig2", "fig2a", "fig2b"} <= {line.split()[0] for line in can}
    assert any("ed1, ed1a, ed1b" in line and "has no velocity v" in line for line in cannot)
    named = " ".join(cannot)
    assert all(name in named or any(line.split()[0] == name for line in can) for name in FIGURES)
    assert main([str(torque_run), "--figure", "spacetime", "outptu=n"]) == 2
    assert "no option 'outptu'; did you mean 'output'?" in capsys.readouterr().err
    assert main([str(torque_run), str(torque_run), "--figure", "spacetime"]) == 2
    assert "2 runs given; it takes one run" in capsys.readouterr().err


def test_default_file_is_never_overwritten(tmp_path, capsys):
    x, n = cloud(64)
    t = 0.25 * np.arange(4)
    s = josephson_spins(t, n)
    run = write_run(tmp_path / "0001", t, x, {"Z": s[:, 2]}, problem="other")
    for _ in range(3):
        assert main([str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("drawn: spacetime. This run also gives ") and "profiles" in lines[0]
    names = [line.rsplit("/", 1)[1] for line in lines[1::2]]
    assert names == ["spacetime.png", "spacetime-2.png", "spacetime-3.png"]
    assert all((run / name).exists() for name in names)


def test_report_beside_the_maps(torque_run, tmp_path, capsys):
    assert main([str(torque_run), "--figure", "fig2cd", "--save", str(tmp_path / "a.png")]) == 0
    text = capsys.readouterr().out
    assert "x_c from n(x): 122." in text and "norm error: max | |s| - 1 | = " in text
    time = float(text.split("interface breaks at: Omega_R t/2pi = ")[1].split()[0])
    assert time == pytest.approx(1.10, abs=0.03)


def test_as_a_module_without_a_display(torque_run, tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "spinhydro.analysis",
            str(torque_run),
            "--save",
            str(tmp_path / "a.png"),
        ],
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "a.png") and drawn(tmp_path / "a.png")


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--figure", "fig2x"], "did you mean 'fig2'? Figures: b1, b2"),
        (["--figure", "spacetime", "--output", "q"], "no output 'q'; choose one of Z, n"),
        (["--figure", "spacetime", "--output", "s"], "runs along t, spin, x"),
        (["--save", "no/such/folder/a.png"], "cannot save"),
        (["--save", "a.nonsense"], "cannot save"),
    ],
)
def test_errors_are_one_line(arguments, expected, torque_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([str(torque_run), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("spinhydro: error: ")
    assert expected in captured.err and len(captured.err.splitlines()) == 1


def test_missing_run(tmp_path, capsys):
    assert main([str(tmp_path / "0001")]) == 2
    assert "there is no" in capsys.readouterr().err


def test_figures_that_a_run_cannot_give(josephson_run, torque_run, tmp_path, capsys):
    assert main([str(josephson_run), "--figure", "fig2"]) == 2
    assert "torque = 0; give one with torque = 1" in capsys.readouterr().err
    other = {**PARAMETERS, "Omega_R": 0.5, "torque": 0}
    x, n = cloud(64)
    t = 0.25 * np.arange(8)
    Z = josephson_spins(t, n)[:, 2]
    density = np.tile(n, (8, 1))
    wrong = write_run(tmp_path / "0001", t, x, {"Z": Z, "n": density}, parameters=other)
    assert main([str(torque_run), str(wrong), "--figure", "fig2c"]) == 2
    assert "different Omega_R" in capsys.readouterr().err
    assert main([str(torque_run), str(torque_run), "--figure", "fig2c"]) == 2
    assert "give one with torque = 0" in capsys.readouterr().err
    short = write_run(tmp_path / "0002", t, x, {"n": density, "s": josephson_spins(t, n)})
    assert main([str(short), "--figure", "fig2e"]) == 2
    assert "needs Omega_R t/2pi >= 0.7" in capsys.readouterr().err
    assert main([str(short), "--figure", "fig2d", "--save", str(tmp_path / "a.png")]) == 0  # of s
    bare = write_run(tmp_path / "0003", t, x, {"n": density})
    assert main([str(bare), "--figure", "fig2d"]) == 2
    assert "no output 'Z'" in capsys.readouterr().err


def test_run_without_torque_may_come_first(josephson_run, torque_run, tmp_path):
    file = tmp_path / "a.png"
    assert (
        main([str(josephson_run), str(torque_run), "--figure", "fig2d", "--save", str(file)]) == 0
    )
    assert drawn(file)


def test_half_finished_run_is_drawn(torque_run, tmp_path):
    ds = load(torque_run).isel(t=slice(0, 28))  # to 0.8 periods
    run = tmp_path / "0001"
    run.mkdir()
    (run / "run.json").write_text(json.dumps(record(status="running")))
    write_set(
        run / "fields" / "fields_s1.h5",
        ds.t,
        ds.x,
        {"Z": ds.Z.values, "n": ds.n.values, "s": ds.s.values},
    )
    assert main([str(run)]) == 0 and drawn(run / "fig2.png")


def drawn_by_default(run, capsys):
    assert main([str(run), "--dpi", "30"]) == 0
    return next(
        line.split()[1].rstrip(".")
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("drawn: ")
    )


def test_default_figures(torque_run, josephson_run, tmp_path, capsys):
    assert drawn_by_default(torque_run, capsys) == "fig2"
    assert drawn_by_default(josephson_run, capsys) == "spacetime"
    ds = load(torque_run)
    spins = write_run(tmp_path / "0001", ds.t, ds.x, {"s": ds.s.values}, problem="other")
    # Z is made from s.
    assert drawn_by_default(spins, capsys) == "spacetime"


def test_damaged_record_is_said_and_drawn(torque_run, tmp_path, capsys):
    ds = load(torque_run)
    run = write_run(tmp_path / "0001", ds.t, ds.x, {"Z": ds.Z.values}, problem="other")
    (run / "run.json").write_text("{")
    assert main([str(run)]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith("spinhydro: warning: ") and len(captured.err.splitlines()) == 1


# The arrays behind figure 2


def test_exact_solution_stands_in_for_the_run_without_torque(torque_run, josephson_run):
    ds = load(torque_run)
    local = without_torque(ds)
    assert local.attrs["origin"] == "exact local solution" and local.Z.shape == ds.Z.shape
    # Before the interface forms and away from it, the torque changes nothing.
    away = (np.abs(np.abs(ds.x) - 122) > 30) & (np.abs(ds.x) < 180)
    assert float(np.abs(local.Z - ds.Z)[:20, away.values].max()) < 0.01
    assert without_torque(ds, load(josephson_run)).attrs["origin"].startswith("run ")


def test_frequency_profile(josephson_run):
    profile = frequency_profile(load(josephson_run))
    exact = profile.analytic.interp(x=profile.x_measured)
    found = np.isfinite(profile.measured) & (np.abs(np.abs(profile.x_measured) - 122.5) > 3)
    assert found.sum() > 140
    assert float(np.abs(profile.measured / exact - 1)[found].max()) < 1e-3
    assert float(profile.analytic.sel(x=slice(115, 130)).min()) < 0.1


def test_interface_profiles(torque_run):
    ds = load(torque_run)
    profiles = interface_profiles(ds)
    assert list(profiles.period) == [0.7, 0.8, 0.9, 1.0]
    near = np.abs(np.abs(ds.x.values) - 122.45) < 25
    largest = profiles.current[:, near].max("x").values
    # From an independent Landau-Lifshitz run on the ground-state density; smooth densities differ.
    assert np.allclose(largest, [0.225, 0.386, 0.584, 0.749], rtol=0.1)
    assert np.all(np.diff(profiles.divergence[:, near].max("x")) > 0)
    assert float(profiles.divergence[-1, near].max()) < 1
    index = int(round(0.9 * PERIOD / 0.25))
    assert np.allclose(profiles.Z[2, near], ds.Z[index, near], atol=0.25)


def test_interface_profiles_say_what_is_missing(torque_run):
    with pytest.raises(InputError, match="no output 's'"):
        interface_profiles(load(torque_run).drop_vars("s"))
    without = load(torque_run)
    del without.attrs["hbar_over_m"]
    with pytest.raises(InputError, match="parameter 'hbar_over_m'"):
        interface_profiles(without)


def test_mistyped_command_lines(capsys):
    assert main([]) == 2
    assert "name a run folder, for example" in capsys.readouterr().err
    assert main(["runs/x/0001", "--figur=2c"]) == 2
    assert main(["runs/x/0001", "--lits"]) == 2
    assert "did you mean '--list'?" in capsys.readouterr().err


def test_a_body_is_cut_in_its_own_middle():
    """Bodies fill a part of their box; spins outside of them are rounding errors."""
    m = np.full((2, 8, 3), 1e-17)
    m[:, :4] = 1
    state = xr.DataArray(m, dims=("x", "z", "spin"))
    assert _middle(state, "z") == 2
    assert _middle(state + 1, "z") == 4
    assert _middle(0 * state, "z") == 4
