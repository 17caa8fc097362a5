"""Outputs keep their values while others, which use the same operands, are computed."""

import numpy as np

from spinhydro.analysis import load as read
from spinhydro.problem.load import load

from ..conftest import ROOT


def test_an_output_does_not_change_with_those_after_it(tmp_path):
    """Average and dx take their operand to coefficient space, which uses the same memory."""
    path = ROOT / "problems" / "bogoliubov.py"
    found = []
    for outputs in ({"n": "n"}, {"n": "n", "slope": "dx(n)", "mean": "ave(n)"}):
        problem = load(path, quick=True, stop_time=0.02, outputs=outputs, output_units={})
        found.append(read(problem.run(out=tmp_path, quiet=True).folder).n.values)
    np.testing.assert_array_equal(*found)
    assert abs(found[0].mean() - 1) < 1e-6
