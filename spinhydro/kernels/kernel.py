"""A kernel omega(k): a function of the wavenumbers, and its operator."""

import inspect
from functools import cached_property, reduce
from itertools import product

import numpy as np
from dedalus.core.field import Operand

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.dedalus_support.strings import in_string
from spinhydro.errors import InputError
from spinhydro.kernels.operator import KernelOperator, rounded

#: Names of the components of a wave vector.
COMPONENTS = ("kx", "ky", "kz")


class Kernel:
    r"""omega(k), a frequency for each wavenumber.

    ``W(m)`` of a field is the operator :math:`\mathcal{F}^{-1}\{\omega(k) \mathcal{F}\{m\}\}`, in
    Python and in the strings of a problem alike; ``W(k)`` of numbers or arrays is omega there. In
    strings a number is a constant field c, and W(c) = omega(0) c.

    Parameters
    ----------
    function : callable
        ``function(k)``: in one dimension k has a sign, in more it is the length of the wave
        vector. ``function(kx, ky)`` or ``function(kx, ky, kz)``: takes the components. Arrays
        that broadcast against each other. Returns an array, or a tensor as nested lists
        ``[[0, -1j*k, 0], [1j*k, 0, 0], [0, 0, 0]]`` or an array (3, 3, …), which then acts on
        the components of a vector.
    name : str
        For messages.
    check : callable(KernelOperator), optional
        Raises InputError if the kernel cannot act on the space of an operand.
    arguments : int, optional
        Number of components of k that the function takes, if its signature is variable; 0: as
        many as there are dimensions of space.
    is_radial : bool
        Whether a function of one wavenumber is that of the length of the wave vector in more
        dimensions.

    Raises
    ------
    InputError
        When applied or evaluated: a value that is not finite, a wrong number of wavenumbers,
        or, on real fields, omega(-k) other than conj(omega(k)): the result would not be real.
    """

    def __init__(self, function, name="W", check=None, arguments=None, is_radial=True):
        self.function, self.name = function, name
        self._check, self._is_radial = check, is_radial
        self.arguments = _number_of_arguments(function, name) if arguments is None else arguments

    @cached_property
    def components(self):
        """Components of the vectors that a tensor kernel acts on; 0 of a scalar kernel."""
        # As many axes as a field can have, including that of the members.
        axes = (1,) * 4
        values = self._evaluate([np.zeros(axes)] * max(1, self.arguments))
        if values.ndim == len(axes):
            return 0
        if values.shape[0] != values.shape[1]:
            raise InputError(
                f"the kernel {self.name} gives {values.shape[0]} x {values.shape[1]} components: "
                "a tensor kernel is square"
            )
        return values.shape[0]

    def __str__(self):
        return f"the kernel {self.name}"

    def __call__(self, *arguments):
        """The operator on a field, or omega at wavenumbers."""
        if len(arguments) == 1 and isinstance(arguments[0], Operand):
            return KernelOperator(arguments[0], self)
        if any(isinstance(argument, Operand) for argument in arguments):
            raise InputError(f"{self} acts on one field")
        if in_string() and len(arguments) == 1:
            return self._of_constant(arguments[0])
        if any(isinstance(argument, PerMember) for argument in arguments):
            return self.function(*arguments)
        if len(arguments) == 1 and type(arguments[0]) is int and arguments[0] == 0:
            raise InputError(
                f"{self} of the number 0: a field times 0 is 0 in Python, which is not a "
                "wavenumber. Put the factor in front, g*W(f), or into the string; omega at k = 0 "
                "is W.at(0)"
            )
        try:
            arrays = [np.asarray(argument, dtype=float) for argument in arguments]
        except (TypeError, ValueError):
            raise InputError(f"{self} acts on a field, or on real wavenumbers") from None
        if not any(array.ndim for array in arrays):
            found = self._call(arrays)
            if isinstance(found, PerMember):
                return found
        values = self._finite(arrays)
        return values if values.ndim else values.item()

    def at(self, *k):
        """Return omega at one wavenumber or wavevector as a number, also within strings.

        Raises InputError for another number of components of k, or if omega is a matrix.
        """
        value = self._at(k)
        if value.ndim:
            raise InputError(
                f"{self} is a matrix at each k, not a number: name a component, such as _xx"
            )
        return value.item()

    def component_at(self, row, column, *k):
        """Return one component of a tensor kernel at one wavevector as a number."""
        return self._at(k)[row, column].item()

    def _at(self, k):
        try:
            return np.asarray(self.function(*map(np.asarray, k)))
        except (TypeError, ValueError):
            raise InputError(f"{self} is not a function of {_wavenumbers(len(k))}") from None

    def _of_constant(self, value):
        """omega(0) times a number, which has the wave vector 0."""
        if isinstance(value, (int, float, complex)) and value == 0:
            return 0
        if self.components:
            raise InputError(f"{self} acts on vectors, not on a number")
        mean = self.function(*[np.zeros(())] * max(1, self.arguments))
        return (mean if isinstance(mean, PerMember) else np.asarray(mean).item()) * value

    def fastest(self, *k):
        """The largest |omega| over arrays of wavenumbers, for a timestep.

        One value for each member if the kernel differs between them.
        """
        grid = np.broadcast_arrays(*k)
        first = self.function(*(array.flat[0] for array in grid))
        if isinstance(first, PerMember):
            places = zip(*(array.flat for array in grid), strict=True)
            return reduce(np.maximum, [abs(self.function(*place)) for place in places])
        return float(np.abs(self._finite(grid)).max())

    def check(self, operator):
        """Raise InputError if the kernel cannot act on the space of an operator."""
        dimensions = len(operator.axes)
        is_fixed = self.arguments > 1 or (self.arguments == 1 and not self._is_radial)
        if is_fixed and self.arguments != dimensions:
            raise InputError(
                f"{self} is a function of {_wavenumbers(self.arguments)}; this space has "
                f"{dimensions} dimension{'s' * (dimensions > 1)}"
            )
        if self._check:
            self._check(operator)

    def matrix(self, *k):
        """omega as an array (rows, columns, *shape); (1, 1, *shape) of a scalar kernel.

        Parameters
        ----------
        k : arrays
            One for every direction of space, all with as many axes as the result. If the kernel
            differs between members, the first axis is that of the members of this rank.
        """
        values = self._finite(self._chosen(k))
        return values if self.components else values[None, None]

    def symmetric_matrix(self, k, signless):
        """The matrix, averaged over both signs of k where `signless` (an array for each k) is set.

        Only this average acts on the Nyquist mode of a real field.
        """
        used = [i for i, mask in enumerate(signless) if np.any(mask)]
        total = 0
        for signs in product((1, -1), repeat=len(used)):
            signed = list(k)
            for i, sign in zip(used, signs, strict=True):
                signed[i] = np.where(signless[i], sign * k[i], k[i])
            total = total + self.matrix(*signed)
        return total / 2 ** len(used)

    def not_real(self, k, excess):
        """Return the error for a kernel that would make real fields complex."""
        worst = np.unravel_index(np.argmax(np.abs(excess)), excess.shape)
        shape = excess.shape[2:]
        place = [np.broadcast_to(array, shape)[worst[2:]] for array in k]
        where = ", ".join(f"{name} = {rounded(v)}" for name, v in zip(self._names(k), place,
                                                                   strict=False))  # fmt: skip
        return InputError(
            f"{self} makes real fields complex: omega(-k) must be the complex conjugate of "
            f"omega(k), and is not at {where}. Even parts must be real and odd parts imaginary "
            "(1j*k is the derivative)"
        )

    def _names(self, k):
        return COMPONENTS if len(k) > 1 else ("k",)

    def _chosen(self, k):
        """The arguments of the function: components, or the length of the wave vector."""
        if self.arguments == 1 and len(k) > 1:
            return [np.sqrt(sum(array**2 for array in k))]
        return k

    def _call(self, k):
        """Values of the function; raise InputError if it does not take these wavenumbers."""
        if self.arguments and len(k) != self.arguments:
            raise InputError(f"{self} takes {_wavenumbers(self.arguments)}, not {len(k)}")
        with np.errstate(all="ignore"):
            try:
                return self.function(*k)
            except InputError:
                raise
            except Exception as error:
                raise InputError(
                    f"{self} cannot be computed: {type(error).__name__}: {error}"
                ) from error

    def _evaluate(self, k):
        return _as_array(self._call(k), k, self)

    def _finite(self, k):
        values = self._evaluate(k)
        bad = ~np.isfinite(values)
        if np.any(bad):
            dimensions = np.broadcast(*k).ndim
            shape = values.shape[values.ndim - dimensions :]
            worst = np.argwhere(bad)[0][values.ndim - dimensions :]
            place = [np.broadcast_to(array, shape)[tuple(worst)] for array in k]
            where = ", ".join(
                f"{name} = {rounded(v)}" for name, v in zip(self._names(k), place, strict=False)
            )
            raise InputError(
                f"{self} is not finite at {where}: give its limit there, for example with "
                "np.where, and finite values at every wavenumber of the grid"
            )
        return values


def _wavenumbers(count):
    return f"{count} wavenumber{'s' * (count > 1)}"


def is_function_of_k(value):
    """True for a plain function of k, or of kx, ky, kz: it acts on fields only as a kernel."""
    if not inspect.isfunction(value):
        return False
    parameters = tuple(inspect.signature(value).parameters)
    return parameters == ("k",) or parameters in (COMPONENTS[:n] for n in (1, 2, 3))


def not_a_kernel(name):
    """Message for a plain function of k that is applied to a field."""
    return (
        f"{name} is a function of the wavenumber and is applied to a field: make it a kernel, "
        f"{name} = spinhydro.kernel(lambda k: …), or spinhydro.kernel({name})"
    )


def _number_of_arguments(function, name):
    if not callable(function):
        raise InputError(
            f"the kernel {name} is {type(function).__name__}, not a function of k: write "
            "lambda k: …, or name a kernel (`spinhydro words`)"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return 1  # NumPy's functions
    required = [
        p for p in signature.parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    ]  # fmt: skip
    if not 1 <= len(required) <= 3:
        raise InputError(
            f"the kernel {name} takes {len(required)} arguments: it is a function of k, of kx and "
            "ky, or of kx, ky and kz"
        )
    return len(required)


def _as_array(values, k, kernel):
    """An array of the shape of the wavenumbers, or (rows, columns, *shape)."""
    shape = np.broadcast_shapes(*(array.shape for array in k))
    try:
        if isinstance(values, (list, tuple)):
            shape = np.broadcast_shapes(
                shape, *(np.shape(entry) for row in values for entry in row)
            )
            values = np.array([[np.broadcast_to(entry, shape) for entry in row] for row in values])
        values = np.asarray(values)
        if values.dtype.kind not in "biufc":
            raise ValueError(f"it gives {values.dtype}")
        outer = values.shape[:2] if values.ndim == len(shape) + 2 else ()
        shape = np.broadcast_shapes(shape, values.shape[len(outer) :])
        return np.broadcast_to(values, (*outer, *shape))
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{kernel} must give one value, or a square of values [[…], …], for every wavenumber "
            f"({error})"
        ) from None
