"""Fused spin steppers and noise: the same numbers as on Dedalus's own right-hand side."""

import numpy as np
import pytest

from spinhydro import analysis
from spinhydro.problem.load import load

from ..conftest import ROOT

STEPPERS = ["RK4", "StochasticHeun", "RKMK4", "SemiImplicit", "ImplicitMidpoint"]


def last_state(tmp_path, engine, **values):
    path = ROOT / "problems" / "laser_grating.py"
    result = load(path, quick=True, **values).run(out=tmp_path, quiet=True, engine=engine)
    data = analysis.load(result.folder)
    assert data.attrs["engine"] == engine
    return data.m.isel(t=-1).values


# Some twenty steps at the height of the pulse, where the noise turns spins by 0.2 rad per step.
SHORT = {"t_0": "0.01*ps", "stop_time": "0.02*ps", "output_interval": "0.02*ps", "N": 31,
         "timestep": "0.0008*ps"}  # fmt: skip


@pytest.mark.parametrize("stepper", STEPPERS)
def test_fused_noise_and_spins_equal_those_of_dedalus(stepper, tmp_path):
    fused, stock = (last_state(tmp_path, e, timestepper=stepper, **SHORT) for e in
                    ("fused", "dedalus"))  # fmt: skip
    assert np.abs(stock[:2]).max() > 0.01
    np.testing.assert_allclose(fused, stock, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("stepper", ["RK4", "RKMK4"])
def test_compiled_steps_see_the_noise_too(stepper, tmp_path, monkeypatch):
    from spinhydro.engines.fused.step import fourier_step as native

    compiled, make = [], native.FourierStep.__init__

    def noted(self, *arguments):
        compiled.append(self)
        make(self, *arguments)

    monkeypatch.setattr(native.FourierStep, "__init__", noted)
    fused = last_state(tmp_path, "fused", timestepper=stepper, **SHORT)
    assert compiled
    stock = last_state(tmp_path, "dedalus", timestepper=stepper, **SHORT)
    np.testing.assert_allclose(fused, stock, atol=1e-11)


def test_a_basis_that_drops_modes_is_left_to_the_other_engines(tmp_path):
    values = {"timestepper": "StochasticHeun", "N": 64, "r_max": 0, "stop_time": "0.001*ps"}
    values |= {"output_interval": "0.001*ps", "timestep": "1e-4*ps"}
    result = load(ROOT / "problems" / "transient_grating.py", **values).run(
        out=tmp_path, quiet=True
    )
    log = (result.folder / "log.txt").read_text()
    assert "engine: lean" in log and "bases that drop modes" in log
