"""The generator of noise: its bits on NumPy and compiled, its distribution, and its use in runs."""

import dedalus.public as d3
import numpy as np
import pytest
from scipy import stats

import spinhydro
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.engines.fused.program.normal_numbers import CompiledNormalNumbers
from spinhydro.language.declarations import read_projections
from spinhydro.steppers import find_stepper
from spinhydro.steppers.normal_numbers import NormalNumbers, two_normal_numbers
from spinhydro.steppers.projections import project


@pytest.mark.parametrize("components", [1, 2, 3, 4])
def test_compiled_numbers_have_the_same_bits(components):
    """For odd and even first cells, and across the chunks of both implementations."""
    for cells, first in ((0, 4), (1, 0), (1, 3), (7, 5), (1152, 0), (2051, 2**33 + 1), (4099, 7)):
        found, expected = np.empty((2, components, cells))
        for kind, out in ((NormalNumbers, expected), (CompiledNormalNumbers, found)):
            kind(2**62 + 7, 2**32 - 1, 3).fill(2**40 + 5, first, out, 1.7)
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="side by side"):
        CompiledNormalNumbers(0).fill(0, 0, np.empty((2, 16))[:, ::2])


def test_numbers_are_those_of_box_and_muller():
    """Against NumPy's own logarithm, cosine and sine, also at the ends of the ranges."""
    words = np.random.Philox(3).random_raw(100_000)
    words[:4] = 0, 2**32 - 1, 2**64 - 2**32, 2**64 - 1
    u, v = ((words >> np.uint64(shift) & np.uint64(2**32 - 1)).astype(float) for shift in (0, 32))
    radius = np.sqrt(-2 * np.log1p((2 * u + 1 - 2**33) / 2**33))
    for x, exact in zip(two_normal_numbers(words), (np.cos, np.sin), strict=True):
        np.testing.assert_allclose(x, radius * exact(2 * np.pi * (v + 0.5) / 2**32), atol=1e-11)


def test_distribution_is_normal_into_its_tails():
    """Kolmogorov's distance of two million numbers, and the counts beyond 3, 4 and 5 sigma."""
    x = np.empty((2, 1_000_000))
    CompiledNormalNumbers(11).fill(4, 0, x)
    values = x.ravel()
    assert stats.kstest(values, "norm").statistic < 1.63 / np.sqrt(values.size)
    for limit in (3, 4, 5):
        for tail in (values > limit, values < -limit):
            expected = values.size * stats.norm.sf(limit)
            assert abs(np.count_nonzero(tail) - expected) < 4 * np.sqrt(expected) + 1
    # Pairs fill the plane evenly: the angle is uniform and independent of the radius.
    angle, radius = np.arctan2(x[1], x[0]), np.hypot(*x)
    for part in (radius < 1, radius > 2):
        counts = np.histogram(angle[part], 24, (-np.pi, np.pi))[0]
        assert stats.chisquare(counts).pvalue > 1e-3


def test_seeds_streams_kinds_and_iterations_are_independent():
    cells, found = 100_000, []
    for change in ({}, {"seed": 1}, {"stream": 1}, {"kind": 1}, {"iteration": 1}):
        numbers = {"seed": 0, "stream": 0, "kind": 0, **change}
        out = np.empty((3, cells))
        CompiledNormalNumbers(*(numbers[k] for k in ("seed", "stream", "kind"))).fill(
            change.get("iteration", 0), 0, out
        )
        found += [out, out**2]
    correlation = np.corrcoef(np.concatenate(found)) - np.eye(6 * 5)
    assert np.abs(correlation).max() < 4.8 / np.sqrt(cells)


def solver_of(engine, stepper="StochasticHeun", sync_on_request=True, n=24):
    """Thermal spins on a ring, with two independent noises."""
    coords, spin = d3.CartesianCoordinates("x"), d3.CartesianCoordinates("sx", "sy", "sz")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    basis = spinhydro.RealFourierNyquist(coords["x"], size=n, bounds=(0, n))
    m = dist.VectorField(spin, name="m", bases=basis)
    m["g"][2] = 1
    namespace = {
        "m": m, "W": spinhydro.stencil("chain", a=1, omega_J=3.0),
        "xi": spinhydro.white_noise(m, seed=4), "eta": spinhydro.white_noise(m, seed=4),
    }  # fmt: skip
    problem = d3.IVP([m], namespace=namespace)
    problem.add_equation("dt(m) = -cross(m, 0.3*xi - W(m)) - 0.1*cross(m, cross(m, eta - W(m)))")
    solver = build_solver(problem, find_stepper(stepper))
    projections = read_projections(problem, {"m": "m/sqrt(m@m)"})
    name, _ = choose_engine(solver, engine, projections, 10**9, sync_on_request=sync_on_request)
    assert name == engine
    return solver, m, (namespace["xi"], namespace["eta"]), projections


@pytest.mark.parametrize("stepper", ["StochasticHeun", "RK4"])
def test_steps_in_one_call_draw_as_single_steps_do(stepper):
    """On the fused engine, in batches of any length; and the noise fields follow on request."""
    found = []
    for batches in ([1] * 12, [5, 7], [1, 1, 4, 6]):
        solver, m, noises, _ = solver_of("fused", stepper)
        solver.step(0.01)
        assert solver.timestepper.can_batch
        for number in batches:
            if number == 1:
                solver.step(0.01)
            else:
                solver.timestepper.step_many(0.01, number)
        solver.timestepper.synchronise()
        found.append([field["g"].copy() for field in (m, *noises)])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)
    noise = np.empty((3, 24))
    NormalNumbers(4, 1, 1).fill(12, 0, noise, 10.0)
    np.testing.assert_array_equal(found[0][2], noise)


def test_engines_draw_the_same_noise():
    found = {}
    for engine in ("fused", "lean", "dedalus"):
        solver, m, noises, projections = solver_of(engine, sync_on_request=False)
        for _ in range(5):
            solver.step(0.01)
            if engine != "fused":
                project(projections)
        for field in (m, *noises):
            field.change_scales(1)
        found[engine] = [field["g"].copy() for field in (m, *noises)]
    for engine in ("lean", "dedalus"):
        np.testing.assert_allclose(found[engine][0], found["fused"][0], rtol=0, atol=1e-12)
        for a, b in zip(found[engine][1:], found["fused"][1:], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-11)
