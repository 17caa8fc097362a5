"""The kernels of a problem file as a table."""

import numpy as np
import pytest

from spinhydro.cli.main import call
from spinhydro.kernels.formulas import LATTICE_NAMES
from spinhydro.kernels.lattices import LATTICES

from ..conftest import ROOT


def test_table_of_a_problem_files_kernels(command):
    done = command("words", ROOT / "problems" / "transient_grating.py", "N=128")
    assert done.returncode == 0, done.stderr
    assert "k in rad/nm and omega in rad/ps" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()[2:]]
    assert rows[0] == ["k", "W", "bonds"]
    last = np.array(rows[-1], dtype=float)
    np.testing.assert_allclose(last, [np.pi / 0.355, 288.046, 4], rtol=3e-6)
    done = command("words", ROOT / "problems" / "skyrmion.py", "N=32")
    assert "W_D" in done.stdout
    done = command("words", ROOT / "problems" / "josephson.py")
    assert done.returncode == 0 and "defines no kernel" in done.stdout


@pytest.mark.parametrize(
    "word, parts",
    [("lap", ["lap(f)", "Laplacian"]),
     ("demag", ['spinhydro.kernel("demag", …)', "omega_M, body, thickness"]),
     ("exchange", ['spinhydro.kernel("exchange"', 'spinhydro.stencil("exchange"']),
     ("bcc", ['spinhydro.kernel("bcc"', 'spinhydro.stencil("bcc"']),
     ("max", ["maximum(a, b)"])],
)  # fmt: skip
def test_one_word(word, parts, capsys):
    assert call(["words", word]) == 0
    printed = capsys.readouterr().out
    for part in parts:
        assert part in printed


def test_unknown_word_names_the_nearest(capsys):
    assert call(["words", "demagg"]) == 2
    assert "no word, kernel or problem file 'demagg'; did you mean 'demag'?" in (
        capsys.readouterr().err
    )
    assert call(["words", "demagg.py"]) == 2
    assert "no problem file 'demagg.py'" in capsys.readouterr().err


def test_every_lattice_is_listed_as_kernel_and_stencil():
    assert set(LATTICE_NAMES) == set(LATTICES)
