"""Expectations that an edit makes meaningless are explained; --check follows the same noise."""

import re

from spinhydro.cli.main import call

from ..conftest import ROOT


def test_a_missed_expectation_of_an_edited_file_is_explained(copied, capfd, tmp_path):
    ramp = ("cross(Omega_R*ex + kappa", "cross(Omega_R*tanh(t/5)*ex + kappa")
    path = copied("quantum_torque", ramp)
    line = ["--quick", "stop_time=1*ms", "Nx=128", "--out", str(tmp_path / "runs")]
    assert call(["run", str(path), *line]) == 0
    assert re.search(r"energy: .* MISSED \(an equation depends on time", capfd.readouterr().err)
    new = ["--equation", "dt(s) = cross(Omega_R*ex, s)"]
    assert call(["run", "--strict", str(ROOT / "problems" / "quantum_torque.py"), *new, *line]) == 1
    assert "whose equations were replaced" in capfd.readouterr().err


def test_check_refines_the_same_path_of_the_noise(capfd, tmp_path):
    """At half the timestep spins of a heat bath are close; with other noise they differ by 0.5."""
    values = ["stop_time=0.1*ps", "timestep=2e-4*ps", "N=16", "members=4"]
    path = str(ROOT / "problems" / "thermal_chain.py")
    line = ["run", path, "--check", *values, "--out", str(tmp_path)]
    assert call(line) == 0
    text = capfd.readouterr().err
    # The check chooses its timestep in the units of the file.
    assert "has no unit" not in text
    assert "the same path of the noise" in text
    assert float(re.search(r" m: rms difference ([\d.e+-]+)", text)[1]) < 0.06
