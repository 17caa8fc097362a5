import dedalus.public as d3
import numpy as np
import pytest

from spinhydro import RK4, RealFourierNyquist, distributor
from spinhydro.dedalus_support.domain import fast_size, slow_sizes
from spinhydro.errors import InputError


def line(size, basis=RealFourierNyquist, dealias=1):
    coords = d3.CartesianCoordinates("x")
    dist = distributor(coords, dtype=np.float64)
    return coords, dist, basis(coords["x"], size=size, bounds=(0, 2), dealias=dealias)


@pytest.mark.parametrize("library", ["fftw", "scipy"])
@pytest.mark.parametrize("size", [8, 10, 64, 1000])
def test_no_number_on_the_grid_is_lost(size, library):
    coords, dist, _ = line(size)
    basis = RealFourierNyquist(coords["x"], size=size, bounds=(0, 2), library=library)
    f = dist.VectorField(d3.CartesianCoordinates("a", "b"), bases=basis)
    values = np.random.default_rng(1).standard_normal((2, size))
    f["g"] = values
    f["c"]
    np.testing.assert_allclose(f["g"], values, rtol=0, atol=1e-14)


def test_stock_basis_does_lose_the_nyquist_mode():
    _, dist, basis = line(16, basis=d3.RealFourier)
    f = dist.Field(bases=basis)
    f["g"] = (-1.0) ** np.arange(16)
    f["c"]
    np.testing.assert_allclose(f["g"], 0, atol=1e-14)


def test_derivatives_without_a_nyquist_mode_are_those_of_the_stock_basis():
    values = np.random.default_rng(2).standard_normal(32)
    values -= (-1.0) ** np.arange(32) * np.mean((-1.0) ** np.arange(32) * values)
    results = []
    for basis in (RealFourierNyquist, d3.RealFourier):
        coords, dist, xbasis = line(32, basis=basis)
        f = dist.Field(bases=xbasis)
        f["g"] = values
        derivative = d3.Differentiate(f, coords["x"]).evaluate()["g"]
        results.append((derivative, d3.lap(f).evaluate()["g"], d3.integ(f).evaluate()["g"]))
    for ours, stock in zip(*results, strict=True):
        np.testing.assert_allclose(ours, stock, rtol=0, atol=1e-11)


def test_products_are_exact_point_by_point():
    _, dist, basis = line(32)
    f, g = dist.Field(bases=basis), dist.Field(bases=basis)
    random = np.random.default_rng(3)
    f["g"], g["g"] = random.standard_normal((2, 32))
    expected = f["g"] * g["g"]
    product = (f * g).evaluate()
    product["c"]
    np.testing.assert_allclose(product["g"], expected, atol=1e-14)


def test_a_local_equation_steps_exactly_through_the_nyquist_mode():
    _, dist, basis = line(16)
    u = dist.Field(name="u", bases=basis)
    start = np.random.default_rng(4).standard_normal(16)
    u["g"] = start
    problem = d3.IVP([u], namespace=locals())
    problem.add_equation("dt(u) + u = 0")
    solver = problem.build_solver(d3.RK443, ncc_cutoff=0, entry_cutoff=0)
    for _ in range(10):
        solver.step(0.1)
    np.testing.assert_allclose(u["g"], np.exp(-1) * start, rtol=2e-4)


@pytest.mark.parametrize("size", [9, 15, 33])
def test_odd_sizes_lose_nothing_either(size):
    """d3.RealFourier of odd size transforms exactly, but builds no solver."""
    _, dist, basis = line(size)
    u = dist.Field(name="u", bases=basis)
    start = np.random.default_rng(5).standard_normal(size)
    u["g"] = start
    u.require_coeff_space()
    np.testing.assert_allclose(u["g"], start, atol=1e-14)
    problem = d3.IVP([u], namespace=locals())
    problem.add_equation("dt(u) = -u")
    solver = problem.build_solver(RK4, ncc_cutoff=0, entry_cutoff=0)
    for _ in range(10):
        solver.step(0.1)
    np.testing.assert_allclose(u["g"], np.exp(-1) * start, rtol=1e-6)


@pytest.mark.parametrize("size", [0, -4, 1, 16.5, float("nan"), float("inf")])
def test_sizes_outside_the_range_are_refused(size):
    with pytest.raises(InputError, match="must be a whole number"):
        line(size)


@pytest.mark.parametrize("bounds", [(1, 1), (2, 1), (0, float("inf")), (0, float("nan")), (0,)])
def test_bounds_outside_the_range_are_refused(bounds):
    coords = d3.CartesianCoordinates("x")
    with pytest.raises(InputError, match="bounds"):
        RealFourierNyquist(coords["x"], size=16, bounds=bounds)


def test_several_coordinate_objects_are_refused():
    with pytest.raises(InputError, match="one d3.CartesianCoordinates"):
        distributor((d3.CartesianCoordinates("x"), d3.CartesianCoordinates("y")))


def test_fast_sizes():
    assert fast_size(1127) == fast_size(1128) == 1152
    assert fast_size(1127, odd=True) == 1215
    assert fast_size(2048) == 2048
    assert fast_size(255, odd=True) == 273 and fast_size(8) == 8 and fast_size(7, odd=True) == 7


def test_sizes_with_large_prime_factors_are_slow():
    coords = d3.CartesianCoordinates("x", "y")
    bases = [d3.RealFourier(coords["x"], size=1128, bounds=(0, 1)),
             d3.ComplexFourier(coords["y"], size=260, bounds=(0, 1))]  # fmt: skip
    (line,) = slow_sizes(bases)
    assert line == "1128 points along x have the prime factor 47: 1152 would be faster"


def test_no_module_hides_a_function_of_the_package():
    """Importing spinhydro.noise, a module, would have replaced spinhydro.noise, the function."""
    import importlib.util

    import spinhydro

    for name in spinhydro.__all__:
        assert importlib.util.find_spec(f"spinhydro.{name}") is None, name
