"""Every problem file, with its reduced settings, against its expectations."""

import json
import subprocess
import sys

import numpy as np
import pytest

from spinhydro.problem.load import load

from ..conftest import ROOT, stored

FILES = sorted((ROOT / "problems").glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_quick_version_meets_its_expectations(path, tmp_path):
    result = load(path, quick=True).run(out=tmp_path, quiet=True)
    assert result.expect, f"{path.name} declares no expect"
    for name, found in result.expect.items():
        assert found["met"], f"{name}: {found['value']} > {found['limit']}"
    record = json.loads((result.folder / "run.json").read_text(encoding="utf-8"))
    assert record["engine"] == "fused", (result.folder / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_loading_runs_and_writes_nothing(path, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    problem = load(path, quick=True)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().out == ""
    assert problem.ivp.time["g"].ravel()[0] == 0


def test_files_are_short():
    lengths = {path.stem: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert max(lengths.values()) <= 150, lengths


def test_file_runs_alone(tmp_path, command):
    line = [sys.executable, str(ROOT / "problems" / "spin_spiral.py"), "turns=2", "stop_time=0.2"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    folder = done.stdout.splitlines()[-1]
    assert folder == "runs/spin_spiral/0001"
    np.testing.assert_allclose(stored(tmp_path / folder)["t"][-1], 0.2, rtol=0, atol=0)


def test_torque_off_is_exact_at_every_point(tmp_path):
    """Local equation: no mode may be lost on the way through coefficient space."""
    from spinhydro import josephson_magnetization

    result = load(ROOT / "problems" / "quantum_torque.py", torque=0, Nx=512, stop_time=30).run(
        out=tmp_path, quiet=True
    )
    found = stored(result.folder)
    t, Z, n, s = (found[name] for name in ("t", "Z", "n", "s"))
    Omega_R = 2 * np.pi * 0.118
    exact = josephson_magnetization(Omega_R / 0.33 * n, Omega_R, t[:, None])
    np.testing.assert_allclose(Z, exact, atol=1e-6)
    np.testing.assert_allclose(np.sqrt((s**2).sum(axis=1)), 1, atol=1e-12)


def test_other_data_set_of_the_paper_runs_with_nothing_else_changed(tmp_path):
    result = load(
        ROOT / "problems" / "quantum_torque.py", quick=True,
        Omega_R="2*pi*62*Hz", kappa_n0="2*pi*221.4*Hz",
    ).run(out=tmp_path, quiet=True)  # fmt: skip
    assert all(found["met"] for found in result.expect.values())


@pytest.mark.parametrize("density", ["thomas_fermi", "thomas_fermi_floor"])
def test_other_densities(density, tmp_path):
    problem = load(ROOT / "problems" / "quantum_torque.py", quick=True, density=density)
    n = problem["n"]["g"]
    assert n.max() == pytest.approx(1, abs=1e-5)
    problem.run(out=tmp_path, quiet=True)


def test_editing_one_string_changes_the_physics(copied, tmp_path):
    """Without its interaction term the spin rotates at the Rabi frequency everywhere."""
    path = copied("quantum_torque", (" + kappa_n0*n*(s@ez)*ez", ""))
    result = load(path, quick=True).run(out=tmp_path, quiet=True)
    found = stored(result.folder)
    t, Z = found["t"], found["Z"]
    expected = np.broadcast_to(-np.cos(2 * np.pi * 0.118 * t)[:, None], Z.shape)
    np.testing.assert_allclose(Z, expected, atol=1e-8)


def test_equation_on_the_command_line_does_the_same(copied, tmp_path):
    new = "dt(s) = cross(Omega_R*ex, s)"
    problem = load(ROOT / "problems" / "quantum_torque.py", equations=[new], quick=True)
    assert problem.equations == [new]
    assert repr(new) in problem.source
    result = problem.run(out=tmp_path, quiet=True)
    Z = stored(result.folder)["Z"][-1]
    np.testing.assert_allclose(Z, -np.cos(2 * np.pi * 0.118 * 5), atol=1e-8)
