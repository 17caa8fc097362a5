"""Numbers that `spinhydro plot` prints with a figure of paper B: those of the figure."""

import re

import pytest

from spinhydro.analysis import load as load_run
from spinhydro.analysis.figures import find
from spinhydro.analysis.plot import main
from spinhydro.errors import InputError
from spinhydro.problem.load import load

from ..conftest import ROOT


def made(tmp_path, name, **values):
    return str(
        load(ROOT / "problems" / f"{name}.py", **values).run(out=tmp_path, quiet=True).folder
    )


def printed(capsys, *arguments):
    assert main([*arguments, "--dpi", "20"]) == 0
    *lines, path = capsys.readouterr().out.splitlines()
    assert path.endswith(".png")
    return lines


def test_dispersion(tmp_path, capsys):
    run = made(tmp_path, "pslle_dispersion", N=63, stop_time=4)
    (line,) = printed(capsys, run, "--figure", "b1")
    assert float(re.search(r"chain law: (\S+) THz", line)[1]) < 0.02
    assert float(re.search(r"k\^2 differs from it by up to (\S+)", line)[1]) > 60


def test_growth(tmp_path, capsys):
    run = made(
        tmp_path, "modulational_instability", N=288, cell="4*a", n_bar="[0, 0.5]", members=2,
        stop_time=30,
    )  # fmt: skip
    lines = printed(capsys, run, "--figure", "b2")
    assert "largest growth 171.405 (formula 171.405) 1/ns" in lines[0]
    assert "cut-off 0.168342 (formula 0.168342) rad/nm" in lines[1]


def test_gratings(tmp_path, capsys):
    small = {"N": 63, "stop_time": 0.3, "output_interval": 0.1}
    runs = [
        made(tmp_path, "transient_grating", kernel=k, **small) for k in ("micromagnetic", "lattice")
    ]
    lines = printed(capsys, *runs, "--figure", "b3")
    assert lines and "micromagnetic against lattice" in lines[0]
    lines = printed(capsys, *runs, "--figure", "b4")
    assert "PS-LLE" in lines[0] and "k² kernel" in lines[1] and "<m_z> = 0.8" in lines[0]
    assert main([runs[0], "--figure", "bs5"]) == 2
    assert "problems/transient_grating.py plane=1" in capsys.readouterr().err
    flat = made(tmp_path, "transient_grating", plane=1, **small)
    lines = printed(capsys, flat, "--figure", "bs5")
    assert "sign changes of m_z" in lines[0] and "more than half" in lines[1]


def test_laser(tmp_path, capsys):
    run = made(tmp_path, "laser_grating", N=31, pulses=1, t_0=0.05, tau=0.02, stop_time=0.1)
    (line,) = printed(capsys, run, "--figure", "bs6")
    assert float(re.search(r"highest temperature (\S+) K", line)[1]) > 1000
    (line,) = printed(capsys, run, "--figure", "bs7")
    assert "E_ex/NJ largest" in line


@pytest.mark.parametrize(
    "name, values, reason",
    [("thermal_chain", {"N": 15, "members": 2, "stop_time": 0.2}, "starts without waves"),
     ("pslle_dispersion", {"N": 15, "stop_time": 0.05}, "the mean spin of this run falls to 0.0")],
)  # fmt: skip
def test_dispersion_of_the_chain_needs_free_waves(name, values, reason, tmp_path):
    ds = load_run(made(tmp_path, name, **values))
    if name == "pslle_dispersion":
        find("b1").require(ds)
        ds["m"] = ds.m.where(ds.t < ds.t[-1], 0.01)
    with pytest.raises(InputError, match=reason):
        find("b1").require(ds)
