"""Runs of large states, whose limits are measured by the engine."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.errors import InputError
from spinhydro.run import checks, operand_values


def _gas(size=64):
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.complex128)
    basis = d3.ComplexFourier(coords["x"], size=size, bounds=(0, 2 * np.pi))
    (x,) = dist.local_grids(basis)
    psi = dist.Field(name="psi", bases=basis)
    psi["g"] = 1 + 0.1 * np.exp(1j * x)
    problem = d3.IVP([psi], namespace=locals())
    problem.add_equation("dt(psi) - 0.5j*lap(psi) = -1j*abs2(psi)*psi")
    return problem


@pytest.fixture
def all_large(monkeypatch):
    monkeypatch.setattr(checks, "is_large", lambda variable: True)
    monkeypatch.setattr(operand_values, "WORTH_REUSING", 1)


def _run(out, **options):
    return spinhydro.simulate(
        _gas(), 1e-3, 0.02, timestepper="IFRK4", out=out, quiet=True, **options
    )


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize("engine", ["fused", "dedalus"])
def test_drifts_are_relative_to_the_initial_state(engine, tmp_path):
    """The momentum of a sum of two waves, and its number of atoms."""
    result = _run(
        tmp_path, engine=engine, watch=["drift(abs2(psi)) <= 1e-9", "abs2(psi) <= 2"],
        expect={"momentum": "drift(im(conj(psi)*dx(psi))) <= 1e-9", "most": "abs2(psi) <= 1.3"},
    )  # fmt: skip
    assert result.watch["drift(abs2(psi)) <= 1e-9"] < 1e-12
    assert result.watch["abs2(psi) <= 2"] == pytest.approx(1.21, abs=1e-6)
    assert result.expect["momentum"]["met"] and result.expect["most"]["met"]


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize(
    ("limits", "parts"),
    [
        ({"watch": ["abs2(psi) <= 1.2"]}, ["abs2(psi) <= 1.2", "initial state", "1.21"]),
        ({"watch": ["abs(psi - 1) <= 0.05"]}, ["abs(psi - 1) <= 0.05", "0.1"]),
    ],
)
def test_a_watch_that_does_not_hold_at_the_start_is_refused(limits, parts, tmp_path):
    with pytest.raises(InputError) as refused:
        _run(tmp_path, **limits)
    assert all(part in str(refused.value) for part in parts)
    assert not list(tmp_path.glob("*/*"))
