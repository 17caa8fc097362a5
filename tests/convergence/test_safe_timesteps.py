"""What the start line calls safe stays finite; more sizes in ``python -m benchmarks safe``."""

import numpy as np
import pytest

from benchmarks.safe_timesteps import verdicts

STEPPERS = [
    "RK4", "IFRK4", "ETDRK4", "Strang", "BlanesMoan4", "BlanesMoan6", "RKMK4", "ImplicitMidpoint",
    "SemiImplicit", "StochasticHeun", "RK8", "RK443", "SBDF3",
]  # fmt: skip


@pytest.mark.parametrize("name", STEPPERS)
def test_runs_that_are_called_safe_stay_finite(name):
    steps = 40 if name == "ImplicitMidpoint" else 150
    found = list(verdicts([name], [17 if "Implicit" in name else 33], [0.6, 1, 1.5], steps))
    assert found
    safe = [verdict for verdict in found if verdict.is_safe]
    assert safe, [verdict.line for verdict in found]
    for verdict in safe:
        assert verdict.growth < 3, verdict
    assert all(np.isfinite(verdict.timestep) for verdict in found)
