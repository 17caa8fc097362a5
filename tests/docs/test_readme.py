"""The examples of the README run, and the names in it exist."""

import re
import shlex
from itertools import pairwise

import h5py
import matplotlib
import pytest

from spinhydro.cli.main import call
from spinhydro.problem.examples import copy_examples
from spinhydro.problem.load import load

from ..conftest import ROOT, launch
from .commands import commands

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def quoted(pattern):
    """All matches of a pattern in the README; at least one."""
    found = re.findall(pattern, TEXT)
    assert found, pattern
    return found


def python_block(containing):
    """The one Python block of the README that contains a text."""
    (code,) = [b for b in quoted(r"```python\n([\s\S]*?)```") if containing in b]
    return code


def test_every_file_it_names_exists():
    names = re.findall(r"`((?:tests|problems|run|analysis|spinhydro|docs)/[\w/.]*)`", TEXT)
    names += re.findall(r"\]\(((?!https)[^)]+)\)", TEXT)
    assert len(names) > 10
    for name in names:
        assert (ROOT / name).exists(), name


def test_every_option_and_command_it_names_exists(command):
    helped = command("run", "--help").stdout + command("plot", "--help").stdout
    for option in set(re.findall(r"`(--[a-z-]+)", TEXT)):
        assert option in helped, option
    known = command("--help").stdout
    for name in set(re.findall(r"`spinhydro (\w+)", TEXT)):
        assert f"spinhydro {name} " in known, name


@pytest.mark.slow
def test_its_commands_run_in_order(tmp_path, monkeypatch, capfd):
    """Run them in order, with reduced settings and a short stop time."""
    copy_examples(tmp_path)
    monkeypatch.chdir(tmp_path)
    for words in commands(ROOT / "README.md"):
        is_run = "run" in words
        if is_run and "--quick" not in words:
            words = [*words, "--quick", "stop_time=0.5"]
        if words[0] == "mpiexec":
            done = launch("-m", *words[3:], ranks=int(words[2]), cwd=tmp_path)
            assert done.returncode == 0, done.stderr
        elif words[0] == "spinhydro" and words[1] != "resume":  # that run is complete
            assert call(words[1:]) == 0, (shlex.join(words), capfd.readouterr().err)


def test_first_script_is_fused(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(python_block("spinhydro.simulate("), encoding="utf-8")
    done = launch(script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "engine: fused" in (tmp_path / "runs/script/0001/log.txt").read_text(encoding="utf-8")


def test_quoted_lines_of_the_problem_file_are_there():
    lines = (ROOT / "problems" / "quantum_torque.py").read_text(encoding="utf-8").splitlines()
    for line in python_block("problem.add_equation(\n").splitlines():
        assert line in lines, line


def test_edits_that_it_proposes_run(copied, tmp_path):
    stock = " + cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)"
    for text in quoted(r"\| `… ([+-] [^`]+)` \|"):
        added = stock + " " + text if "alpha" in text else " " + text
        path = copied(
            "quantum_torque",
            (f'"{stock}"', f'"{added}"'),
            ("torque = 1.0", "alpha = 0.01\ntorque = 1.0"),
        )
        problem = load(path, quick=True, stop_time=0.5)
        assert problem.equations[0].endswith(text)
        problem.run(out=tmp_path, quiet=True)


def test_damping_that_it_proposes_lowers_the_energy(copied, tmp_path):
    (text,) = quoted(r"`… (- alpha[^`]+)`")
    stock = " + cross(Omega_R*ex + kappa_n0*n*(s@ez)*ez, s)"
    path = copied(
        "quantum_torque",
        (f'"{stock}"', f'"{stock} {text}"'),
        ("torque = 1.0", "alpha = 0.5\ntorque = 1.0"),
        (
            'outputs = {"Z"',
            'outputs = {"E": "ave(n*(kappa_n0/4*n*(s@ez)**2 + Omega_R/2*(s@ex)))", "Z"',
        ),
    )
    result = load(path, quick=True, torque=0, stop_time=8).run(out=tmp_path, quiet=True)
    with h5py.File(result.folder / "fields" / "fields_s1.h5") as file:
        energy = file["tasks/E"][:].ravel()
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(energy))
    assert energy[-1] < 0 < energy[0]


def test_output_that_it_proposes_runs(copied, tmp_path):
    (line,) = quoted(r"\n(outputs = \{.*current.*\})\n")
    path = copied("quantum_torque", ('outputs = {"Z": "s@ez", "n": "n", "s": "s"}', line))
    load(path, quick=True, stop_time=0.5).run(out=tmp_path, quiet=True)


def assert_shown(stderr, beginning):
    """The README shows the lines of an error, up to line numbers; MPI may print others."""
    start = stderr.index(beginning)
    lines = stderr[start:].rstrip("\n").splitlines()
    shown = re.sub(r"line \d+", "line N", TEXT)
    for line in lines[: 4 if "line " in lines[0] else 1]:
        assert re.sub(r"line \d+", "line N", line) in shown, line


def test_errors_that_it_shows_are_those_that_come(command, copied, tmp_path):
    done = command("run", "problems/quantum_torque.py", "Omega_r=1", "--out", tmp_path / "runs")
    assert_shown(done.stderr, "spinhydro: error:")
    path = copied("quantum_torque", ("hbar_over_m/2*cross(", "hbar_over_m/2*crss("))
    done = command("run", path, "--out", tmp_path / "runs")
    shown = done.stderr.replace(str(path), "problems/quantum_torque.py")
    assert_shown(shown, "spinhydro: error:")


def test_python_that_it_shows_runs(tmp_path, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    code = python_block("from spinhydro.analysis import load")
    for old, new in (
        ('"problems/', f'"{ROOT}/problems/'),
        ("problem.run()", "problem.run(quiet=True)"),
        ("Nx=1024", "Nx=64, stop_time=10.5"),
    ):
        assert code.count(old) == 1
        code = code.replace(old, new)
    namespace = {}
    exec(code, namespace)
    assert namespace["data"].Z.sel(t=10).shape == (64,)
