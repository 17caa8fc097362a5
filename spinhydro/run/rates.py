"""The rates of change of all variables of a problem, as functions of arrays of their values."""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from dedalus.core.operators import GeneralFunction, UnaryGridFunction
from mpi4py import MPI

from spinhydro.dedalus_support.components import by_component, count
from spinhydro.dedalus_support.solver import evaluated, settled_fields, to_dealias_grid
from spinhydro.kernels.operator import space_axes
from spinhydro.steppers.noise import noises_of
from spinhydro.steppers.spin_steppers import is_spin_vector


class NoLawError(Exception):
    """The small waves of a problem have no frequencies; the message says why, for a picture."""


class Rates:
    """The rates dX/dt of a problem without its noise, on the whole grid on every rank.

    Values are arrays (components, members, *space): those of all variables in their order, one
    member where the problem has none. In a complex problem the real parts of all components come
    before the imaginary ones.

    Used as a context: variables and noises have their data back at its end.

    Parameters
    ----------
    ivp : d3.IVP
        With equations dt(X) + L = F of variables on the same Fourier bases.

    Raises
    ------
    NoLawError
        For other equations, or those that depend on time or call Python functions of the user.
    """

    def __init__(self, ivp):
        self.variables, self.dist, self.time = ivp.variables, ivp.dist, ivp.time
        self.equations = [_equation_of(variable, ivp) for variable in self.variables]
        self.domain = self.variables[0].domain
        axes = space_axes(self.dist)
        bases = [basis for basis in self.domain.bases if isinstance(basis, _FOURIER)]
        if len(bases) != len(axes) or any(v.domain is not self.domain for v in self.variables):
            raise NoLawError("not all variables are on the same periodic axes")
        for equation in self.equations:
            for part in (equation["F"], equation["L"]):
                _check_operand(part, self.time)
        self.lengths = np.array([basis.bounds[1] - basis.bounds[0] for basis in bases])
        whole = self.dist.grid_layout.global_shape(self.domain, 1)
        self.shape = tuple(whole[axis] for axis in axes)
        self.members = int(np.prod(whole)) // int(np.prod(self.shape))
        self.is_complex = np.issubdtype(self.variables[0].dtype, np.complexfloating)
        self._noises, self._profiles = noises_of(ivp), settled_fields(ivp)
        self._kept = []

    @property
    def rows(self):
        """``[(variable, components of the values)]``; of complex ones the real parts."""
        found, first = [], 0
        for variable in self.variables:
            last = first + count(variable)
            found.append((variable, slice(first, last)))
            first = last
        return found

    @property
    def spins(self):
        """The components of each vector of spins."""
        return [rows for variable, rows in self.rows if is_spin_vector(variable)]

    def __enter__(self):
        fields = [*self.variables, *self._noises]
        self._kept = [(f, f.data.copy(), f.layout, f.scales) for f in fields]
        for noise in self._noises:
            noise.preset_layout("g")
            noise.data[...] = 0
            noise.mark_as_changed()
        return self

    def __exit__(self, *error):
        for field, data, layout, scales in self._kept:
            field.preset_scales(scales)
            field.preset_layout(layout)
            np.copyto(field.data, data)
        for noise in self._noises:
            noise.mark_as_changed()
        return False

    def initial(self):
        """The values that the variables hold."""
        return self._real([self._whole(variable) for variable in self.variables])

    def __call__(self, values):
        """The rates at some values."""
        self._assign(values)
        rates = []
        for equation, variable in zip(self.equations, self.variables, strict=True):
            rate = np.zeros((count(variable), self.members, *self.shape), variable.dtype)
            for sign, part in ((1, equation["F"]), (-1, equation["L"])):
                # A side may be the number zero.
                if hasattr(part, "tensorsig"):
                    rate += sign * self._whole(evaluated(part))
            rates.append(rate)
        return self._real(rates)

    def outputs(self, operands, values):
        """``{name: array (components, members, *space)}`` of operands at some values."""
        self._assign(values)
        return {name: self._whole(evaluated(operand)) for name, operand in operands.items()}

    def observable(self, outputs):
        """Those of the outputs whose waves can be followed: scalars and vectors on the grid."""
        found = {}
        for name, operand in outputs.items():
            dims = [system.dim for system in getattr(operand, "tensorsig", (0, 0))]
            if dims not in ([], [3]) or operand.domain is not self.domain:
                continue
            try:
                _check_operand(operand, self.time)
            except NoLawError:
                continue
            found[name] = operand
        return found

    def _assign(self, values):
        if self.is_complex:
            half = len(values) // 2
            values = values[:half] + 1j * values[half:]
        mine = self.dist.grid_layout.slices(self.domain, 1)
        to_dealias_grid(self._profiles)
        for variable, rows in self.rows:
            tensor = [system.dim for system in variable.tensorsig]
            part = values[rows].reshape(*tensor, *self._grid_shape)
            variable.preset_scales(1)
            variable["g"] = part[(..., *mine)]

    @property
    def _grid_shape(self):
        return self.dist.grid_layout.global_shape(self.domain, 1)

    def _whole(self, field):
        """Values of a field on the grid of all ranks: (components, members, *space)."""
        field = field.copy()
        field.change_scales(1)
        values = field["g"]
        values = by_component(field, values)
        if self.dist.comm.size > 1:
            mine, part = self.dist.grid_layout.slices(field.domain, 1), values
            shape = self.dist.grid_layout.global_shape(field.domain, 1)
            values = np.zeros((len(part), *shape), part.dtype)
            values[(slice(None), *mine)] = part
            self.dist.comm.Allreduce(MPI.IN_PLACE, values)
        return values.reshape(len(values), self.members, *self.shape)

    def _real(self, values):
        values = np.concatenate(values)
        return np.concatenate([values.real, values.imag]) if self.is_complex else values


_FOURIER = (RealFourier, ComplexFourier)


def _equation_of(variable, ivp):
    for equation in ivp.equations:
        if equation["M"] is variable:
            return equation
    raise NoLawError("not every equation is of the form dt(X) = …")


def _check_operand(operand, time):
    if not hasattr(operand, "has"):
        return
    if time is not None and operand.has(time):
        raise NoLawError("the equation depends on time")
    own = [f for f in _functions(operand) if not _is_pure(f)]
    if own:
        raise NoLawError("the equation calls a function of Python")


def calls_functions(ivp):
    """Return whether a right side calls a function of a script, such as one that draws numbers.

    It must be called as often as by Dedalus, in steps only. Functions of numpy, words, and
    functions of grid values (``spinhydro.pointwise``, tables in time) may be called at any time.
    """
    return any(
        not _is_pure(function)
        and not str(getattr(function.func, "__module__", "")).startswith("spinhydro.")
        for equation in ivp.equations
        for function in _functions(equation["F"])
    )


def _functions(operand):
    """Yield the functions of grid values in an operand."""
    if isinstance(operand, (GeneralFunction, UnaryGridFunction)):
        yield operand
    for argument in getattr(operand, "args", ()):
        yield from _functions(argument)


def _is_pure(function):
    """Return whether a function may be called any number of times: one of numpy or of a word."""
    if isinstance(function, GeneralFunction):
        return False
    inner = function.func
    return isinstance(inner, np.ufunc) or str(inner.__module__).startswith("spinhydro.")
