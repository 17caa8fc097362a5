"""Functions of one value for JAX, by their names in the graph, with derivatives that are right.

Most are those of ``jax.numpy``. The others differ in their derivatives alone:

- a root has an infinite slope at zero, and reverse sweeps multiply it by the zero slope of what is
  inside: the slope is taken as zero there, and a Taylor test shows if this is wrong;
- JAX takes the derivative of z/|z| as zero, and that of arccosh on the wrong branch.
"""

from functools import cache

from spinhydro.engines.jax.require import require_jax
from spinhydro.errors import Unsupported


def find_function(kind):
    """The function of a kind of node; raises Unsupported if JAX has none."""
    jax, own = require_jax("this"), _own()
    if kind in own:
        return own[kind]
    if not hasattr(jax.numpy, kind):
        raise Unsupported(f"the function {kind}")
    return getattr(jax.numpy, kind)


@cache
def power(exponent):
    """The function ``x**exponent`` for a number that is constant."""
    if exponent == int(exponent):
        return lambda base: base ** int(exponent)
    if exponent == 0.5:
        return _own()["sqrt"]
    if not 0 < exponent < 1:
        return lambda base: base**exponent

    def slope(np, base, root):
        return np.where(base == 0, 0, exponent * root / np.where(base == 0, 1, base))

    return _with_slope(lambda np, base: base**exponent, slope)


def scaled(number, values):
    """A number times values, whose derivative with respect to the number is a matrix product.

    In a reverse sweep a product takes less time than the sum over the grid that JAX makes of it.
    """
    jax = require_jax("this")
    if not isinstance(number, jax.core.Tracer):
        return number * values
    return _scaled()(number, jax.numpy.asarray(values))


@cache
def _scaled():
    jax = require_jax("this")

    @jax.custom_jvp
    def multiply(number, values):
        return number * values

    @multiply.defjvp
    def derivative(primals, tangents):
        (number, values), (moved, change) = primals, tangents
        rows = values.reshape(-1, 1) @ moved.reshape(1, 1)
        return multiply(number, values), number * change + rows.reshape(values.shape)

    return multiply


@cache
def _own():
    def bounded(np, function, at):
        """A slope of ±1/sqrt(…) that is zero where the root vanishes."""
        root = np.sqrt(at)
        return np.where(root == 0, 0, function / np.where(root == 0, 1, root))

    def arccosh_slope(np, x, y):
        root = np.sqrt(x - 1) * np.sqrt(x + 1)
        return np.where(root == 0, 0, 1 / np.where(root == 0, 1, root))

    return {
        "conjugate": _numpy("conj"),
        "abs2": _abs2,
        "sign": _sign,
        "erf": _erf,
        "sqrt": _with_slope(
            lambda np, x: np.sqrt(x),
            lambda np, x, y: np.where(y == 0, 0, 0.5 / np.where(y == 0, 1, y)),
        ),
        "arcsin": _with_slope(
            lambda np, x: np.arcsin(x), lambda np, x, y: bounded(np, 1, 1 - x * x)
        ),
        "arccos": _with_slope(
            lambda np, x: np.arccos(x), lambda np, x, y: bounded(np, -1, 1 - x * x)
        ),
        "arccosh": _with_slope(lambda np, x: np.arccosh(x), arccosh_slope),
    }


def _numpy(name):
    return getattr(require_jax("this").numpy, name)


def _with_slope(function, slope):
    """A function ``function(np, x)`` whose derivative is ``slope(np, x, value)``."""
    jax = require_jax("this")
    np = jax.numpy

    @jax.custom_jvp
    def call(x):
        return function(np, x)

    @call.defjvp
    def derivative(primals, tangents):
        (x,), (moved,) = primals, tangents
        value = call(x)
        return value, slope(np, x, value) * moved

    return lambda x: call(np.asarray(x))


def _abs2(z):
    np = require_jax("this").numpy
    return np.real(z) ** 2 + np.imag(z) ** 2


def _sign(z):
    np = require_jax("this").numpy
    if not np.iscomplexobj(z):
        return np.sign(z)
    size = np.abs(z)
    return np.where(size == 0, 0, z / np.where(size == 0, 1, size))


def _erf(x):
    jax = require_jax("this")
    if jax.numpy.iscomplexobj(x):
        raise Unsupported("erf of a complex value, which JAX has not; erf(re(…)) is possible")
    return jax.scipy.special.erf(x)
