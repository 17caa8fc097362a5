"""Numbers that differ between members: ``Omega_R = spinhydro.per_member([0.5, 0.6])``."""

import functools
import numbers
from contextlib import contextmanager

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from spinhydro.errors import ParameterError, shorten

LARGEST = 10**6


class Ensemble:
    """The number of members of a problem, and those of this rank.

    Attributes
    ----------
    size : int or None
        Number of members; None for an ordinary problem.
    dist : EnsembleDistributor or None
        None until `spinhydro.distributor` has been called.
    is_closed : bool
        True once a distributor has been made.
    """

    def __init__(self):
        self.size, self.dist = None, None
        self.is_closed = False
        self._declared_by = ""

    def declare(self, size, name):
        """Set the number of members; one member leaves an ordinary problem.

        Raises
        ------
        ParameterError
            If another number was declared before, or a distributor without members was made.
        """
        if size == 1:
            return
        if self.size is None:
            if self.is_closed:
                raise ParameterError(
                    f"{_declaration(name, size)}: move this above the line that calls "
                    "spinhydro.distributor"
                )
            self.size, self._declared_by = size, name
        if size != self.size:
            raise ParameterError(
                f"{_declaration(name, size)}, but {_declaration(self._declared_by, self.size)}: "
                "all lists and members must have the same length"
            )


def _declaration(name, size):
    return f"members = {size}" if name == "members" else f"{name} has {size} values"


_current = [Ensemble()]


def current():
    """The ensemble of the problem file that is being loaded, or of the script that runs."""
    return _current[-1]


def is_script():
    """True outside of `spinhydro.load`, where Python itself executes a file or a script."""
    return len(_current) == 1


def joined(size):
    """The ensemble of a new list of values; a script may continue with a problem of another size.

    In a problem file that is loaded, the list is declared under the name that it is assigned to.
    """
    if is_script():
        if current().is_closed and current().size != size:
            _current[0] = Ensemble()
        current().declare(size, "a list")
    return current()


def closed(members):
    """The ensemble of a new distributor.

    Parameters
    ----------
    members : int or None
        None: as many as the lists of `per_member` have values.
    """
    if is_script() and current().is_closed:
        _current[0] = Ensemble()
    if members is not None:
        current().declare(check_members(members), "members")
    current().is_closed = True
    return current()


@contextmanager
def new_ensemble():
    """While active, members are those of one problem file."""
    _current.append(Ensemble())
    try:
        yield _current[-1]
    finally:
        _current.pop()


def check_members(value):
    """Return `value` as a number of members; raise ParameterError for anything but 1, 2, 3, …"""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not 1 <= value <= LARGEST:
        raise ParameterError(f"members = {value}: it must be a whole number, 1 to {LARGEST}")
    return int(value)


def per_member(values):
    """One number for each member of an ensemble, usable wherever a problem file has a number.

    Arithmetic and NumPy functions act on every member: ``np.minimum(a, b)`` and ``np.maximum(a,
    b)`` compare member by member, which Python's ``min`` and ``max`` cannot. With arrays, such as
    grids, it broadcasts along the member axis of this rank; with fields and in equations it
    multiplies each member by its own value, on the left side too.

    Parameters
    ----------
    values : list or array of numbers
        As long as there are members. One value makes an ordinary number.

    Raises
    ------
    ParameterError
        For anything but a list of finite numbers.

    Examples
    --------
    >>> Omega_R = spinhydro.per_member(2 * pi * np.linspace(50, 150, 11) * Hz)
    """
    if isinstance(values, PerMember):
        return values
    try:
        array = np.asarray(values)
        usable = array.ndim == 1 and array.size and array.dtype.kind in "iufc"
    except ValueError:
        usable = False
    if not usable:
        raise ParameterError(
            f"per_member({shorten(values)}): a list of numbers is needed, one for each member"
        )
    if not np.all(np.isfinite(array)):
        raise ParameterError(f"per_member({shorten(values)}): the values must be finite")
    if array.size == 1:
        return array[0].item()
    return PerMember(array, ensemble=joined(array.size))


class PerMember(NDArrayOperatorsMixin):
    """One value for each member, as `per_member` returns it.

    Attributes
    ----------
    values : array (members,)
        Of all members, on every rank.
    names : tuple of str
        The parameters that it was computed from.
    """

    __hash__ = None

    def __init__(self, values, names=(), ensemble=None):
        self.values, self.names = np.asarray(values), tuple(names)
        self._is_named = False
        self.ensemble = ensemble or current()

    def __repr__(self):
        return shorten("[" + ", ".join(f"{v:.6g}" for v in self.values.tolist()) + "]")

    @property
    def name(self):
        """Text of the parameters."""
        return " and ".join(self.names) or "this value"

    def named(self, name):
        """Return these values as the parameter `name`."""
        same = PerMember(self.values, (name,), self.ensemble)
        same._is_named = True
        return same

    def local(self):
        """The values of the members of this rank, to broadcast against arrays on the grid."""
        if self.ensemble.dist is None:
            raise self._refused(
                "it cannot be put into an array above the line that calls spinhydro.distributor"
            )
        return self.ensemble.dist.local_members(self.values)

    def __array__(self, dtype=None, copy=None):
        return self.local().astype(dtype) if dtype else self.local()

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        from dedalus.core.field import Operand

        if any(isinstance(value, Operand) for value in inputs):
            return NotImplemented
        if method != "__call__" or any(np.ndim(v) for v in inputs if not isinstance(v, PerMember)):
            inputs = [v.local() if isinstance(v, PerMember) else v for v in inputs]
            return getattr(ufunc, method)(*inputs, **options)
        mine = [value for value in inputs if isinstance(value, PerMember)]
        names = dict.fromkeys(name for value in mine for name in value.names)
        values = [v.values if isinstance(v, PerMember) else v for v in inputs]
        return PerMember(ufunc(*values, **options), names, mine[0].ensemble)

    @property
    def real(self):
        return PerMember(self.values.real, self.names, self.ensemble)

    @property
    def imag(self):
        return PerMember(self.values.imag, self.names, self.ensemble)

    def conjugate(self):
        return PerMember(self.values.conjugate(), self.names, self.ensemble)

    def __bool__(self):
        truths = self.values.astype(bool)
        if truths.all() or not truths.any():
            return bool(truths[0])
        raise self._refused(
            "Python decides once for all members (if, and, min, max); np.minimum(a, b), "
            "np.maximum(a, b) and np.where(a > 0, a, b) act member by member"
        )

    def _one_number(self, *_):
        raise self._refused("one number for all members is needed here")

    def __format__(self, specification):
        return repr(self) if not specification else self._one_number()

    __int__ = __float__ = __complex__ = __index__ = __round__ = _one_number
    __len__ = __iter__ = __getitem__ = _one_number

    def _refused(self, why):
        verb = "have" if len(self.names) > 1 else "has"
        # Values computed from a parameter would be shown under its name.
        shown = f" ({self!r})" if self._is_named or not self.names else ""
        return ParameterError(
            f"{self.name} {verb} a value for each member{shown}, but {why}; give one value, "
            "and run the file once for each"
        )


def by_member(function):
    """Decorate a function of numbers so that it maps values of members to values of members."""

    @functools.wraps(function)
    def mapped(*arguments):
        mine = [value for value in arguments if isinstance(value, PerMember)]
        if not mine:
            return function(*arguments)
        names = dict.fromkeys(name for value in mine for name in value.names)
        results = [
            function(*(v.values[i].item() if isinstance(v, PerMember) else v for v in arguments))
            for i in range(mine[0].values.size)
        ]
        return PerMember(np.array(results), names, mine[0].ensemble)

    return mapped


def _with_fields(symbol):
    """An operator of PerMember that also takes fields."""
    stock = getattr(NDArrayOperatorsMixin, symbol)

    def operate(self, other):
        from dedalus.core.field import Operand

        if not isinstance(other, Operand):
            return stock(self, other)
        from spinhydro.dedalus_support.ensemble.basis import combine

        return combine(symbol, self, other)

    return operate


for _symbol in (
    "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__",
    "__rtruediv__", "__pow__", "__rpow__", "__matmul__", "__rmatmul__",
):  # fmt: skip
    setattr(PerMember, _symbol, _with_fields(_symbol))


def of_member(namespace, member):
    """A copy of a namespace with the values of one member."""
    return {
        name: value.values[member].item() if isinstance(value, PerMember) else value
        for name, value in namespace.items()
    }
