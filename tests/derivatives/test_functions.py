"""Every function of one value in JAX: values and derivatives against NumPy."""

import numpy as np
import pytest

from spinhydro.errors import Unsupported
from spinhydro.language.functions import FUNCTIONS

EVALUATE = {"real": np.real, "imag": np.imag, "abs2": lambda z: np.abs(z) ** 2}


def arguments(function, is_complex):
    random = np.random.default_rng(1)
    x = random.uniform(0.05, 0.95, 20)
    if is_complex:
        return random.choice([-2, 2], 20) * x + 1j * random.uniform(-1.5, 1.5, 20)
    return 1 + x if function.needs == "x >= 1" else x


@pytest.mark.parametrize("is_complex", [False, True])
def test_values_and_derivatives(is_complex):
    from spinhydro.engines.jax.functions import find_function
    from spinhydro.engines.jax.require import require_jax

    jax, step = require_jax("this test"), 1e-5
    for name, function in FUNCTIONS.items():
        if name == "erf" and is_complex:
            continue
        evaluate = EVALUATE.get(name, function.evaluate)
        x = arguments(function, is_complex)
        value, slope = jax.jvp(find_function(name), (x,), (np.ones_like(x),))
        assert np.allclose(value, evaluate(x.copy()), rtol=1e-13, atol=1e-13), name
        wanted = (evaluate(x + step) - evaluate(x - step)) / (2 * step)
        assert np.allclose(slope, wanted, rtol=1e-5, atol=1e-7), name


def test_slopes_of_roots_at_zero_are_finite():
    from spinhydro.engines.jax.functions import find_function, power
    from spinhydro.engines.jax.require import require_jax

    grad = require_jax("this test").grad
    for function, end in (
        (find_function("sqrt"), 0.0), (power(0.5), 0.0), (power(0.25), 0.0),
        (find_function("arcsin"), 1.0), (find_function("arccos"), -1.0),
        (find_function("arccosh"), 1.0),
    ):  # fmt: skip
        assert grad(lambda x, f=function, e=end: f(e + x * x))(0.0) == 0


def test_what_jax_has_not_is_named():
    from spinhydro.engines.jax.functions import find_function

    with pytest.raises(Unsupported, match="erf of a complex value"):
        find_function("erf")(np.array([1j]))
    with pytest.raises(Unsupported, match="the function gamma"):
        find_function("gamma")
