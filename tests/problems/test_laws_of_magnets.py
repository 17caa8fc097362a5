"""Numbers of magnetic problems beside published ones and exact laws."""

import numpy as np

from spinhydro.analysis import load as read
from spinhydro.analysis.figures import find
from spinhydro.problem.load import load

from ..conftest import ROOT


def run(name, tmp_path, **values):
    result = load(ROOT / "problems" / f"{name}.py", **values).run(out=tmp_path, quiet=True)
    assert all(found["met"] for found in result.expect.values()), result.expect
    return read(result.folder)


def test_film_resonates_at_the_published_frequencies(tmp_path):
    """8.25 and 11.25 GHz of the FMR standard problem, on cells of 7.5 nm, within 1 %."""
    found = run("fmr", tmp_path, N=16, stop_time="5*ns")
    fmr = find("fmr").module
    peaks = fmr.peaks(*fmr.spectrum(found, 1))
    np.testing.assert_allclose(peaks[:2], [0.00825, 0.01125], rtol=0.01)
