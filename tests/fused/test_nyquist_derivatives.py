"""Derivatives of the Nyquist mode: exact on their own, and the same on every engine."""

import dedalus.public as d3
import numpy as np
import pytest

from spinhydro import IFRK4, RK4, RealFourierNyquist, accelerate, distributor

from .nyquist_problems import EQUATIONS, PLANE, final_state

SIZES, LENGTHS, LEFT = (8, 6, 4), (2.0, 3.0, 5.0), 0.5


def space(dimensions, dealias=1):
    names = "xyz"[:dimensions]
    coords = d3.CartesianCoordinates(*names)
    dist = distributor(coords)
    bases = [
        RealFourierNyquist(coords[c], size=n, bounds=(LEFT, LEFT + length), dealias=dealias)
        for c, n, length in zip(names, SIZES, LENGTHS, strict=False)
    ]
    return coords, dist, bases


def on_grid(expression):
    found = expression.evaluate()
    found.change_scales(1)
    return found["g"].copy()


def second_derivative(values, axis):
    k = 2 * np.pi * np.fft.fftfreq(SIZES[axis], LENGTHS[axis] / SIZES[axis])
    k = k.reshape([-1 if a == axis else 1 for a in range(values.ndim)])
    return np.fft.ifft(-(k**2) * np.fft.fft(values, axis=axis), axis=axis).real


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_nyquist_cosine_along_every_axis(dimensions):
    coords, dist, bases = space(dimensions)
    k = [np.pi * n / length for n, length in zip(SIZES, LENGTHS, strict=True)]
    for axis, coord in enumerate(coords.coords):
        f = dist.Field(bases=bases)
        wave = np.cos(k[axis] * (dist.local_grids(*bases)[axis] - LEFT))
        f["g"] = wave
        expected = -(k[axis] ** 2) * np.broadcast_to(wave, f["g"].shape)
        for expression in (
            d3.lap(f),
            d3.div(d3.grad(f)),
            d3.Differentiate(d3.Differentiate(f, coord), coord),
        ):
            np.testing.assert_allclose(on_grid(expression), expected, atol=1e-12 * k[axis] ** 2)
        for expression in (d3.grad(f), d3.integ(f), d3.ave(f), d3.lap(d3.Differentiate(f, coord))):
            np.testing.assert_allclose(on_grid(expression), 0, atol=1e-12)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_even_derivatives_of_random_values(dimensions):
    coords, dist, bases = space(dimensions)
    f, g = dist.Field(bases=bases), dist.Field(bases=bases)
    random = np.random.default_rng(0)
    f["g"], g["g"] = random.standard_normal((2, *f["g"].shape))
    values, others = f["g"].copy(), g["g"].copy()
    x = coords.coords[0]

    def laplacian(v):
        return sum(second_derivative(v, axis) for axis in range(dimensions))

    def dx(operand):
        return d3.Differentiate(operand, x)

    for expression, expected in [
        (d3.lap(f), laplacian(values)),
        (d3.lap(d3.lap(f)), laplacian(laplacian(values))),
        (d3.div(2 * d3.grad(f) + d3.grad(g)), laplacian(2 * values + others)),
        (dx(2 * dx(f) + g) - dx(g), 2 * second_derivative(values, 0)),
        (dx(dx(dx(dx(f)))), second_derivative(second_derivative(values, 0), 0)),
    ]:
        scale = np.abs(expected).max()
        np.testing.assert_allclose(on_grid(expression), expected, atol=1e-14 * scale)


def test_dealiased_bases_are_the_stock_ones():
    coords, dist, bases = space(1, dealias=3 / 2)
    f = dist.Field(bases=bases)
    f["g"] = (-1.0) ** np.arange(SIZES[0])
    found = d3.lap(f).evaluate()
    np.testing.assert_array_equal(found["c"], 0)


@pytest.mark.parametrize("engine", ["fused", "lean"])
@pytest.mark.parametrize("equation", EQUATIONS)
def test_engines_agree_in_one_dimension(equation, engine):
    expected = final_state(equation, "dedalus")
    found = final_state(equation, engine)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("engine", ["fused", "lean"])
@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("equation", PLANE)
def test_engines_agree_in_several_dimensions(equation, dimensions, engine):
    expected = final_state(equation, "dedalus", dimensions=dimensions)
    found = final_state(equation, engine, dimensions=dimensions)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("dimensions", [1, 2])
def test_diffusion_of_every_mode_is_exact(dimensions):
    """An integrating factor solves dt(s) = D lap(s) exactly, the Nyquist modes too."""
    start, D, steps = final_state(EQUATIONS[1], "dedalus", IFRK4, dimensions, steps=0), 0.01, 5
    k = np.meshgrid(
        *(2 * np.pi * np.fft.fftfreq(n, 3.0 / n) for n in (8, 12)[:dimensions]), indexing="ij"
    )
    axes = tuple(range(1, dimensions + 1))
    decay = np.exp(-D * sum(q**2 for q in k) * 0.02 * steps)
    expected = np.fft.ifftn(decay * np.fft.fftn(start, axes=axes), axes=axes).real
    for engine in ("dedalus", "lean", "fused"):
        found = final_state(EQUATIONS[1], engine, IFRK4, dimensions, steps)
        np.testing.assert_allclose(found, expected, atol=1e-13)


def precessed_texture(size, steps=100, timestep=1e-3):
    """A smooth texture in two dimensions after exchange, anisotropy and a field have turned it."""
    coords = d3.CartesianCoordinates("x", "y")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords)
    bases = [RealFourierNyquist(c, size=size, bounds=(0, 2 * np.pi)) for c in coords.coords]
    s = dist.VectorField(spin, name="s", bases=bases)
    x, y = dist.local_grids(*bases)
    polar, azimuth = np.sin(x) + np.sin(2 * y), np.cos(x) + np.cos(y)
    s["g"] = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]
    ex, _, ez = spin.unit_vector_fields(dist)
    problem = d3.IVP([s], namespace={"s": s, "ex": ex, "ez": ez})
    problem.add_equation("dt(s) = cross(s, lap(s)) + cross(0.3*ex + 0.7*(s@ez)*ez, s)")
    solver = accelerate(problem.build_solver(RK4), "fused")
    for _ in range(steps):
        solver.step(timestep)
    s.change_scales(1)
    return s["g"].copy()


def test_texture_converges():
    """With a Nyquist mode that the Laplacian leaves alone, the error of 32 points is 4e-4."""
    fine = precessed_texture(64)
    errors = []
    for size in (16, 32):
        step = 64 // size
        errors.append(np.abs(precessed_texture(size) - fine[:, ::step, ::step]).max())
    assert errors[1] < 5e-5
    assert errors[1] < errors[0] / 300
