"""Members on the fused and the lean engine against Dedalus's own evaluator."""

from functools import partial

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.dedalus_support.ensemble.values import new_ensemble, per_member
from spinhydro.engines.choose import build_solver
from spinhydro.engines.fused import FUSED
from spinhydro.engines.lean import make_lean
from spinhydro.steppers import find_stepper

SYMBOLS = {1: lambda k: k**2 / (1 + k**2), 2: lambda kx, ky: (kx**2 + ky**2) / (1 + kx**2)}


def solved(stepper, dtype, dealias, dimensions, lean=False, steps=3):
    """Three members that differ on both sides of the equation, after a few steps."""
    with new_ensemble() as ensemble:
        ensemble.declare(3, "members")
        nu, a = per_member([0.01, 0.02, 0.05]), per_member([1.0, -2.0, 0.5])
        coords = d3.CartesianCoordinates(*"xyz"[:dimensions])
        dist = spinhydro.distributor(coords, dtype=dtype)
        bases = [
            d3.Fourier(coord, size=8 + 4 * i, bounds=(0, 2 * np.pi), dealias=dealias, dtype=dtype)
            for i, coord in enumerate(coords.coords)
        ]
        u, t = dist.Field(name="u", bases=bases), dist.Field(name="t")
        f = dist.Field(name="f", bases=bases[0])
        f["g"] = np.cos(dist.local_grid(bases[0])) * (1 + a)
        u["g"] = 1 + 0.3 * spinhydro.initial_noise(u, seed=2)
        W = spinhydro.kernel(SYMBOLS[dimensions])
        i = 1 if dtype is np.float64 else 1j
        problem = d3.IVP([u], time=t, namespace=locals())
        linear = -nu * i * d3.lap(u) + a * nu * u + 2 * nu * spinhydro.dx(u)
        rate = (
            a * i * u * u
            - u * u * u * nu
            + f * np.cos(a * t)
            + W(a * u)
            + u / (3 + a)
            + d3.ave(u * u)
        )
        problem.add_equation((d3.dt(u) + linear, rate))
        solver = build_solver(problem, stepper)
        if lean:
            make_lean(solver)
        for _ in range(steps):
            solver.step(0.01)
        u.change_scales(1)
        return u["g"].copy()


@pytest.mark.parametrize("dealias", [1, 3 / 2])
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize(
    "scheme, dimensions", [("RK4", 2), ("IFRK4", 2), ("IFRK4", 1), ("RK443", 1), ("ETDRK4", 1)]
)
def test_all_engines_agree(scheme, dimensions, dtype, dealias):
    stock = find_stepper(scheme)
    fused = FUSED[stock]
    expected = solved(stock, dtype, dealias, dimensions)
    assert np.ptp(expected[:, ..., 0], axis=0).min() > 1e-3
    for compiled in (False, True):
        found = solved(partial(fused, compiled=compiled), dtype, dealias, dimensions)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        solved(stock, dtype, dealias, dimensions, lean=True), expected, rtol=0, atol=1e-12
    )
