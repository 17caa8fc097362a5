"""Output of any encoding and in any state of the streams: no traceback, no wrong exit code."""

import os
import subprocess
import sys

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
