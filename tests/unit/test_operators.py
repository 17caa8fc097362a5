import dedalus.public as d3
import numpy as np
import pytest

from spinhydro import distributor
from spinhydro.errors import EquationError
from spinhydro.language.expressions import ExpressionBuilder
from spinhydro.language.operators import spin_cross


def build(axes, dtype):
    coords = d3.CartesianCoordinates(*axes)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=dtype)
    Basis = d3.RealFourier if dtype is np.float64 else d3.ComplexFourier
    bases = [Basis(coords[axis], size=8, bounds=(0, 1)) for axis in axes]
    s = dist.VectorField(spin, name="s", bases=bases)
    T = dist.TensorField((coords, spin), name="T", bases=bases)
    n = dist.Field(name="n", bases=bases)
    random = np.random.default_rng(0)
    for field in (s, T, n):
        field["g"] = random.standard_normal(field["g"].shape)
    return dist, coords, spin, bases, s, T, n


@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
@pytest.mark.parametrize("axes", ["x", "xy", "xyz"])
def test_values_are_those_of_numpy(axes, dtype):
    _, _, _, _, s, T, _ = build(axes, dtype)
    expected = np.cross(T["g"], s["g"][None], axis=1)
    found = spin_cross(T, s).evaluate()["g"]
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_of_two_vectors_it_is_the_cross_product():
    _, _, spin, _, s, _, _ = build("xy", np.float64)
    ex, _, _ = spin.unit_vector_fields(s.dist)
    for first, second in ((ex, s), (s, ex)):
        np.testing.assert_allclose(
            spin_cross(first, second).evaluate()["g"],
            d3.cross(first, second).evaluate()["g"],
            atol=1e-14,
        )


def test_left_side_of_an_equation():
    """Precession of a tensor about a constant axis, solved implicitly: one row per direction."""
    dist, coords, spin, bases, s, T, _ = build("xy", np.float64)
    axis = dist.VectorField(spin, name="axis")
    axis["g"] = np.array([0.3, -0.5, 0.7]).reshape(3, 1, 1)
    X = dist.TensorField((coords, spin), name="X", bases=bases)
    problem = d3.LBVP([X], namespace=locals())
    problem.add_equation((X + spin_cross(X, axis), T))
    problem.build_solver(ncc_cutoff=0, entry_cutoff=0, matrix_coupling=(True, True)).solve()
    residual = X["g"] + np.cross(X["g"], axis["g"][None], axis=1) - T.copy()["g"]
    mean = np.abs(X["g"]).max()
    X.require_coeff_space(), T.require_coeff_space()
    assert mean > 0.1
    # T keeps its Nyquist mode on the grid only; compare the modes of the bases.
    held = dist.TensorField((coords, spin), bases=bases)
    held["g"] = residual
    assert np.abs(held["c"]).max() < 1e-13


@pytest.mark.parametrize(
    "text, message",
    [
        ("spin_cross(n, s)", "tensor and a vector"),
        ("spin_cross(T, n)", "tensor and a vector"),
        ("spin_cross(2, s)", "tensor and a vector"),
        ("spin_cross(T, T)", "second argument"),
        ("spin_cross(grad(n), s)", "same components"),
        ("spin_cross(s)", "takes 2 fields"),
    ],
)
def test_what_it_cannot_take(text, message):
    dist, coords, spin, bases, s, T, n = build("xyz", np.float64)
    problem = d3.IVP([s], namespace=locals())
    with pytest.raises(EquationError, match=message):
        ExpressionBuilder(problem.namespace)(text)
