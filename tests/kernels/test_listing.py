"""The kernels of a problem file as a table."""

import numpy as np

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
