import dedalus.public as d3
import numpy as np
import pytest

from spinhydro import distributor
from spinhydro.errors import EquationError
from spinhydro.language.watch import Limit


@pytest.fixture
def problem():
    coords = d3.CartesianCoordinates("x", "y")
    dist = distributor(coords, dtype=np.float64)
    bases = [d3.RealFourier(coords[axis], size=16, bounds=(0, 16), dealias=3 / 2) for axis in "xy"]
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    n = dist.Field(name="n", bases=bases)
    s = dist.VectorField(spin, name="s", bases=bases)
    x, y = dist.local_grids(*bases)
    n["g"] = 0.5 - 0.4 * np.cos(np.pi / 8 * (x - 3)) * np.cos(np.pi / 8 * (y - 5)) ** 2
    s["g"][1] = 2 * np.cos(np.pi / 8 * (x - 7)) + 0 * y
    return d3.IVP([n, s], namespace=locals())


def limit(problem, text):
    return Limit(text, problem.namespace, problem.dist)


def test_smallest_value_and_its_place(problem):
    found = limit(problem, "n >= 0.2")
    value = found.start()
    assert value == pytest.approx(0.1)
    assert not found.holds(value)
    assert found.holds(0.2) and not found.holds(0.199) and not found.holds(np.nan)
    # (3, 5) and (3, 13) are equally low.
    assert found.place in ("x = 3, y = 5", "x = 3, y = 13")
    assert found.summary() == "smallest n = 0.1"


def test_a_negative_value_is_the_smallest(problem):
    assert limit(problem, "n - 1 >= 0.2").start() == pytest.approx(-0.9)


def test_largest_value_and_its_place(problem):
    found = limit(problem, "s <= 3")
    assert found.start() == pytest.approx(2)
    assert found.place.startswith(("x = 7,", "x = 15,"))
    assert found.summary() == "largest s = 2"


def test_the_extreme_is_kept(problem):
    lowest, highest = limit(problem, "n >= 0"), limit(problem, "n <= 9")
    lowest.start(), highest.start()
    n = problem.variables[0]
    for factor in (0.5, 3, 1):
        n.change_scales(1)
        n["g"] *= factor
        lowest.measure(), highest.measure()
    assert lowest.extreme == pytest.approx(0.05)
    assert highest.extreme == pytest.approx(1.35)


def test_not_finite_breaks_every_limit(problem):
    n = problem.variables[0]
    n["g"][3, 4] = np.nan
    for text in ("n >= -1e9", "n <= 1e9"):
        found = limit(problem, text)
        assert np.isnan(found.start())
        assert not found.holds(found.extreme)


def test_uniform_values_have_no_place(problem):
    found = limit(problem, "ave(n) >= 0.1")
    assert found.start() == pytest.approx(0.5)
    assert found.place == ""


@pytest.mark.parametrize("text", ["drift(n) >= 1", "n >= n", "n > 1", ">= 1", "n >="])
def test_limits_that_cannot_be_read(problem, text):
    with pytest.raises(EquationError):
        limit(problem, text)


@pytest.mark.parametrize("text", ["n = 0.5+-0.3", "n=0.5 +- 0.3", "n + 1 = 1.5 +- 3e-1"])
def test_distance_from_a_value(problem, text):
    found = limit(problem, text)
    value = found.start()
    assert value == pytest.approx(0.4)
    assert not found.holds(value)
    assert found.holds(0.3) and not found.holds(0.301)


def test_a_rank_without_points_has_no_value_and_a_point_that_is_nan_decides(problem):
    for text, best in (("n >= 0.2", np.inf), ("n <= 0.2", np.inf)):
        found = limit(problem, text)
        assert found._worst(np.empty((0, 16)))[0] == best
        assert np.isnan(found._worst(np.array([[0.5, np.nan]]))[0])
    # Of smallest values an infinite one is not the worst.
    assert np.isnan(limit(problem, "n <= 0.2")._worst(np.array([[0.5, np.inf]]))[0])


def test_limits_leave_out_members_that_have_failed():
    """Member 1 is NaN: drifts, largest and smallest values are those of the others."""
    coords = d3.CartesianCoordinates("x")
    dist = distributor(coords, dtype=np.float64, members=3)
    n = dist.Field(name="n", bases=d3.RealFourier(coords["x"], size=8, bounds=(0, 1)))
    n["g"] = 2
    names = {"n": n}
    found = [Limit(text, names, dist) for text in ("drift(n) <= 1", "n <= 9", "n >= 0")]
    for one in found:
        one.start()
        one.excluded = {1}
    n["g"] = np.array([2.1, np.nan, 1.9])[:, None]
    n["g"][2] = 1.94
    values = [one.measure() for one in found]
    assert values == pytest.approx([0.05, 2.1, 1.94], rel=1e-12)
    assert all(one.holds(value) for one, value in zip(found, values, strict=True))
    assert [one.failing_members() for one in found] == [set(), set(), set()]
