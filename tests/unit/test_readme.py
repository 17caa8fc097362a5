"""The README quotes what is there."""

import re
from itertools import pairwise

import h5py
import matplotlib

from spinhydro.problem.load import load

from ..conftest import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_quoted_problem_file_is_the_file():
    assert (ROOT / "problems" / "quantum_torque.py").read_text(encoding="utf-8") in TEXT


def test_every_file_it_names_exists():
    names = re.findall(r"`((?:tests|problems|run|analysis|spinhydro)/[\w/.]*)`", TEXT)
    names += re.findall(r"\]\(((?!https)[^)]+)\)", TEXT)
    assert len(names) > 10
    for name in names:
        assert (ROOT / name).exists(), name


def test_every_option_and_command_it_names_exists(command):
    helped = command("run", "--help").stdout
    for option in set(re.findall(r"`(--[a-z]+)", TEXT)):
        assert option in helped, option
    known = command("--help").stdout
    for name in set(re.findall(r"^spinhydro (\w+) ", TEXT, re.MULTILINE)):
        assert f"spinhydro {name} " in known or name == "plot", name


def quoted(pattern):
    """What stands in the README at a pattern, as a list."""
    found = re.findall(pattern, TEXT)
    assert found, pattern
    return found


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


def test_errors_that_it_shows_are_those_that_come(command, copied, tmp_path):
    done = command("run", "problems/quantum_torque.py", "Omega_r=1", "--out", tmp_path / "runs")
    assert done.stderr.strip() in TEXT
    path = copied("quantum_torque", ("hbar_over_m/2*cross(", "hbar_over_m/2*crss("))
    done = command("run", path, "--out", tmp_path / "runs")
    shown = done.stderr.replace(str(path), "problems/quantum_torque.py").rstrip("\n")
    assert shown in TEXT, shown


def test_python_that_it_shows_runs(tmp_path, monkeypatch):
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    blocks = quoted(r"```python\n([\s\S]*?)```")
    (code,) = [block for block in blocks if "from spinhydro.analysis import load" in block]
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
