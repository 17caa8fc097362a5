"""Numbers that differ from member to member: ``Omega_R = spinhydro.per_member([0.5, 0.6])``."""

import numbers
from contextlib import contextmanager

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from spinhydro.errors import InputError, ParameterError, shorten

LARGEST = 10**6


class Ensemble:
    """How many members a problem has, and which of them this rank computes.

    Attributes
    ----------
    size : int or None
        Number of members; None for an ordinary problem.
    dist : EnsembleDistributor or None
        Once `spinhydro.distributor` has made it.
    is_closed : bool
        Whether a distributor has been made.
    """

    def __init__(self):
        self.size, self.dist = None, None
        self.is_closed = False
        self._said_by = ""

    def declare(self, size, name):
        """Note a number of members; raises ParameterError if another was said before."""
        if self.size is None:
            if size == 1:
                return
            if self.is_closed:
                raise ParameterError(
                    f"{_says(name, size)}: this must stand above the line that calls "
                    "spinhydro.distributor"
                )
            self.size, self._said_by = size, name
        if size != self.size:
            raise ParameterError(
                f"{_says(name, size)}, but {_says(self._said_by, self.size)}: all lists and "
                "members must have the same length"
            )


def _says(name, size):
    return f"members = {size}" if name == "members" else f"{name} has {size} values"


_current = [Ensemble()]


def current():
    """The ensemble of the problem file that is being loaded, or of the script that runs."""
    return _current[-1]


@contextmanager
def new_ensemble():
    """While active, a problem file says of itself how many members it has."""
    _current.append(Ensemble())
    try:
        yield _current[-1]
    finally:
        _current.pop()


def check_members(value):
    """`value` as a number of members; raises ParameterError for anything but 1, 2, 3, …"""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not 1 <= value <= LARGEST:
        raise ParameterError(f"members = {value}: it must be a whole number, 1 to {LARGEST}")
    return int(value)


def per_member(values):
    """One number for each member of an ensemble, usable wherever a problem file has a number.

    Arithmetic and NumPy functions act on every member; ``min`` and ``max`` of a problem file too.
    With arrays, such as grids, it broadcasts along the member axis of this rank; with fields and in
    equations it multiplies each member by its own value, on the left side too.

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
    return array[0].item() if array.size == 1 else PerMember(array)


class PerMember(NDArrayOperatorsMixin):
    """What `per_member` returns.

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
        """The parameters in words."""
        return " and ".join(self.names) or "this value"

    def named(self, name):
        """The same values as the parameter `name`."""
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
        raise self._refused("the lines of a problem file cannot differ between members (if, and)")

    def _one_number(self, *_):
        raise self._refused("one number for all members is needed here")

    def __format__(self, specification):
        return repr(self) if not specification else self._one_number()

    __int__ = __float__ = __complex__ = __index__ = __round__ = _one_number
    __len__ = __iter__ = __getitem__ = _one_number

    def _refused(self, why):
        verb = "have" if len(self.names) > 1 else "has"
        # What has been computed from a parameter would be shown under its name.
        shown = f" ({self!r})" if self._is_named or not self.names else ""
        return ParameterError(
            f"{self.name} {verb} a value for each member{shown}, but {why}; give one value, "
            "and run the file once for each"
        )


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


def member_min(*values, **options):
    """Python's ``min``, member by member where a value has members."""
    return _extreme(min, np.minimum, values, options)


def member_max(*values, **options):
    """Python's ``max``, member by member where a value has members."""
    return _extreme(max, np.maximum, values, options)


def _extreme(stock, ufunc, values, options):
    candidates = values
    if len(values) == 1 and isinstance(values[0], (list, tuple)):
        candidates = values[0]
    if options or not any(isinstance(value, PerMember) for value in candidates):
        return stock(*values, **options)
    if len(candidates) == 1 and values is candidates:
        raise InputError(f"{stock.__name__}() of one value: a second is missing")
    result = candidates[0]
    for value in candidates[1:]:
        result = ufunc(result, value)
    return result


def of_member(namespace, member):
    """A copy of a namespace with the values of one member."""
    return {
        name: value.values[member].item() if isinstance(value, PerMember) else value
        for name, value in namespace.items()
    }
