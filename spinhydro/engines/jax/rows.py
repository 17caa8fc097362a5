"""States as separate components, on which compilers fuse arithmetic into vectorised loops.

Arithmetic on a stack of components follows their concatenation, and on a CPU XLA compiles neither
the concatenation nor what it fuses with it into vector instructions. A sum of many arrays is faster
on a stack, though: with more than about a dozen of them the loops are not vectorised either way,
and there is one loop in place of one for each component.
"""

from functools import cache

from spinhydro.engines.jax.require import require_jax


class Rows:
    """The components of a state, with the arithmetic of an array (components, …).

    Parameters
    ----------
    rows : sequence of arrays
        Of equal shape and type.
    """

    # NumPy's numbers leave products with rows to this class.
    __array_ufunc__ = None

    def __init__(self, rows):
        self.rows = tuple(rows)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]

    @property
    def dtype(self):
        """The type of the first component."""
        return self.rows[0].dtype

    def astype(self, dtype):
        """Return the components with another type."""
        return Rows(row.astype(dtype) for row in self.rows)

    def _combined(self, other, function):
        others = other.rows if isinstance(other, Rows) else (other,) * len(self.rows)
        return Rows(function(a, b) for a, b in zip(self.rows, others, strict=True))

    def __add__(self, other):
        return self._combined(other, lambda a, b: a + b)

    def __radd__(self, other):
        return self._combined(other, lambda a, b: b + a)

    def __sub__(self, other):
        return self._combined(other, lambda a, b: a - b)

    def __truediv__(self, number):
        return self._combined(number, lambda a, b: a / b)

    def __rmul__(self, number):
        return self._combined(number, lambda a, b: b * a)


@cache
def _register():
    require_jax("this").tree_util.register_pytree_node(
        Rows, lambda values: (values.rows, None), lambda _, rows: Rows(rows)
    )


def split(values):
    """Return the components of an array (components, …) as `Rows`.

    The reverse sweep of a split joins the components without sums.
    """
    _register()
    parts = require_jax("this").lax.split(values, (1,) * len(values))
    return Rows(part[0] for part in parts)


def join(values):
    """Return the array (components, …) of `Rows`, or an array as it is."""
    if not isinstance(values, Rows):
        return values
    return require_jax("this").numpy.stack(values.rows)


def like(values, array):
    """Return an array (components, …) in the form of some values: `Rows` or an array."""
    return split(array) if isinstance(values, Rows) else array
