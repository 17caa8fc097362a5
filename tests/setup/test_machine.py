"""run/machine finds MPI and FFTW by programs that it compiles and runs."""

import os
import shlex
import subprocess

import pytest

from ..conftest import MPI_VARIABLES, ROOT

PROBE = """
set -euo pipefail
scratch="$1" venv="$1/no.venv" fault=""
source {root}/run/machine
if find_mpi_and_fftw; then echo "found: $mpi_probe"; else
    echo "fault: $machine_fault: $(describe_fault "$machine_fault")"
    cat "$scratch/shown.log"
fi
"""


@pytest.fixture
def machine(tmp_path, executable):
    """Output of the search, with a fake launcher before ``mpiexec``."""

    def search(launcher, **variables):
        path = executable("mpiexec.test", launcher)
        done = subprocess.run(
            ["bash", "-c", PROBE.format(root=shlex.quote(str(ROOT))), "bash", str(tmp_path)],
            env={**os.environ, **MPI_VARIABLES, "MPIEXEC": str(path), **variables},
            capture_output=True, text=True, timeout=100,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return search


@pytest.fixture
def executable(tmp_path):
    """Write a shell script and return its path."""

    def write(name, text):
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + text, encoding="utf-8")
        path.chmod(0o755)
        return path

    return write


def test_lines_of_a_fabric_library_do_not_matter(machine):
    text = machine('echo "fabric: no device found"; printf "fabric: "; exec mpiexec "$@"\n')
    assert text.startswith("found: 2 "), text


def test_a_launcher_that_starts_one_rank_is_refused_and_shown(machine):
    text = machine('shift 2; echo "fabric: no device found"; exec "$@"\n')
    assert text.startswith("fault: mismatch"), text
    assert "fabric: no device found" in text


def test_an_mpi_that_needs_its_launcher_is_refused(machine, executable):
    """The library of this MPI is named in the launcher's environment only."""
    compiler = executable(
        "mpicc.test",
        # Programs that stop unless the launcher has set a variable.
        'for word in "$@"; do [ "$before" != -o ] || target="$word"; before="$word"; done\n'
        'mpicc "$@" || exit 1\n'
        'case "$1" in -fopenmp) mv "$target" "$target.real"\n'
        'printf \'#!/bin/sh\\n[ -n "$LAUNCHED" ] || { echo no libmpi; exit 1; }\\n'
        'exec "%s" "$@"\\n\' "$target.real" >"$target"; chmod +x "$target" ;; esac\n',
    )
    text = machine('LAUNCHED=1 exec mpiexec "$@"\n', MPICC=str(compiler))
    assert text.startswith("fault: alone"), text
    assert "no libmpi" in text
