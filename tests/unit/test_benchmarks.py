"""The competitors of a work unit solve the same problem."""

import numpy as np
import pytest

from benchmarks import table
from benchmarks.measure import Competitor, Unit, measure
from benchmarks.units import landau_lifshitz, superfluid


@pytest.mark.parametrize("module", [landau_lifshitz, superfluid])
def test_competitors_agree(module):
    unit = module._unit((32,), "small", "nothing")
    errors = {}
    reference = unit.reference(5)
    for competitor in unit.competitors:
        if competitor.advance:
            competitor.advance(5)
            errors[competitor.name] = np.abs(competitor.state() - reference).max()
    assert len(errors) >= 5
    assert max(errors.values()) < 1e-4
    same = [errors[c.name] for c in unit.competitors if c.advance and c.same_scheme]
    np.testing.assert_allclose(same, same[0], atol=1e-12)


def test_a_small_unit_is_measured():
    unit = landau_lifshitz._unit((16,), "small", "nothing")
    unit = Unit("small", "plain, scipy.fft", unit.competitors[-2:-1], "nothing")
    (result,) = measure(unit, 1)
    assert result.milliseconds > 0
    assert "| plain, scipy.fft |" in table.of_unit(unit, [result])


def test_a_state_that_is_not_finite_is_not_timed():
    broken = Competitor("broken", lambda steps: None, lambda: np.array([np.nan]))
    with pytest.raises(RuntimeError, match="not finite"):
        measure(Unit("small", "broken", [broken], "nothing"), 1)
