"""Output of any encoding and in any state of the streams: no traceback, no wrong exit code."""

import os
import subprocess
import sys

import h5py
import pytest

from spinhydro.cli.terminal import printable

from ..conftest import ROOT


def spinhydro(tmp_path, *arguments, redirect="", **environment):
    """Run a command below a shell; returns the finished process."""
    quoted = " ".join(f"'{argument}'" for argument in arguments)
    return subprocess.run(
        ["bash", "-c", f"$0 -m spinhydro {quoted} {redirect}", sys.executable],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        {"COLUMNS": "40"},
        {"COLUMNS": "1"},
    ],
    ids=str,
)
def test_help_and_errors_in_any_environment(environment, tmp_path):
    done = spinhydro(tmp_path, "run", "--help", redirect="; $0 -m spinhydro µ", **environment)
    assert b"NAME=VALUE" in done.stdout, done.stderr
    assert b"error: no command" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize("variable", ["PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK"])
def test_a_rank_left_from_another_job_does_not_silence_errors(variable, tmp_path):
    done = spinhydro(tmp_path, "run", "no.py", **{variable: "1"})
    assert done.returncode == 2 and b"there is no problem file" in done.stderr


@pytest.mark.parametrize(
    "redirect, code", [(">&-", 0), ("2>&-", 0), (">/dev/full", 4), ("| head -c 1 >&2", 0)]
)
def test_streams_that_are_closed_or_full(redirect, code, tmp_path):
    done = spinhydro(tmp_path, "list", redirect=redirect)
    assert done.returncode == code and b"Traceback" not in done.stderr
    assert (b"cannot write to standard output: No space left" in done.stderr) == (code == 4)


def test_foreign_text_does_not_steer_the_terminal(tmp_path):
    assert printable("a\x1b[2J\nb\x9b") == r"a\x1b[2J\nb\x9b"
    folder = tmp_path / "runs" / "evil" / "0001"
    folder.mkdir(parents=True)
    text = r'{"problem": "\u001b[2Jx\ny", "status": "\u009b31m", "overrides": {"\u0007": 1}}'
    (folder / "run.json").write_text(text)
    for arguments in (["info", folder], ["list"]):
        done = spinhydro(tmp_path, *arguments)
        assert done.returncode == 0
        assert not set(done.stdout.decode()) & {"\x1b", "\x9b", "\x07"}
    done = spinhydro(tmp_path, "run", "x\x1b[2J.py")
    assert b"\x1b" not in done.stderr and done.returncode == 2


def test_foreign_units_do_not_steer_the_terminal(tmp_path):
    """Files of another writer: the names of outputs and their units are shown by other commands."""
    for name, unit in (("a", "1"), ("b", "\x1b[31m\x07")):
        (tmp_path / name / "fields").mkdir(parents=True)
        with h5py.File(tmp_path / name / "fields" / "fields_s1.h5", "w") as file:
            file["scales/sim_time"] = [0.0, 1.0]
            file["tasks/u"] = [1.0, 2.0]
            file["tasks/u"].dims[0].label = "t"
            file["tasks/u"].dims[0].attach_scale(file["scales/sim_time"])
            file["tasks/u"].attrs["units"] = unit
        (tmp_path / name / "run.json").write_text("{}")
    for arguments in (["compare", "a", "b"], ["plot", "b"], ["measure", "b"], ["info", "b"]):
        done = spinhydro(tmp_path, *arguments)
        printed = (done.stdout + done.stderr).decode()
        assert "Traceback" not in printed and "Glyph" not in printed
        assert not set(printed) & {"\x1b", "\x07"}, arguments
