"""Fourier transforms of many scalars at once, with Dedalus's FFTW plans.

A spectrum is kept as the complex transform of the (dealiased) grid: along the last axis of a real
problem 0 … G/2, along all others in FFT order. Modes that the basis does not hold are zero.
The member axis of an ensemble, the first, is not transformed; a rank holds its part of the members.
Two and three dimensions are split over ranks as in `spinhydro.engines.fused.program.slabs`.
"""

from functools import cached_property, reduce

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from dedalus.libraries.fftw import fftw_wrappers as fftw
from mpi4py import MPI

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.dedalus_support.memory import advise_free, cleared
from spinhydro.dedalus_support.nyquist import RealFourierNyquist, differentiates_nyquist
from spinhydro.engines.fused.program.slabs import Slabs
from spinhydro.engines.fused.read.graph import Unsupported
from spinhydro.steppers.truncation import kept_along

_FLAGS = ["FFTW_ESTIMATE"]


class Space:
    """Grid, wavenumbers and transforms of an all-Fourier domain on one rank.

    Attributes
    ----------
    shape, spectral_shape : tuple
        Of the arrays on the grid and of spectra: members first, if there are members.
    wavenumbers, even_wavenumbers : list of arrays
        Along every axis, for derivatives of odd and of even order; they differ at the Nyquist
        mode of ``RealFourierNyquist``. None for members.
    axes : range
        The axes that are transformed.

    Parameters
    ----------
    domain : Dedalus Domain
        That of every variable of the problem.
    dtype : np.float64 or np.complex128

    Raises
    ------
    Unsupported
        For another basis, or a domain that is split over ranks.
    """

    def __init__(self, domain, dtype):
        dist = domain.dist
        self.dist = dist
        first = getattr(dist, "member_axis", -1) + 1
        self.slabs = Slabs(dist.comm) if dist.comm.size > 1 and not first else None
        self.dtype = np.dtype(dtype).type
        self.is_real = self.dtype is np.float64
        kinds = RealFourier if self.is_real else ComplexFourier
        for basis in domain.full_bases[first:]:
            if basis is None:
                raise Unsupported("fields without an axis of space")
            if not isinstance(basis, kinds):
                raise Unsupported(f"the basis {type(basis).__name__}")
            if self.is_real and basis.size % 2 and not isinstance(basis, RealFourierNyquist):
                raise Unsupported("an odd number of points of a RealFourier basis")
        self.domain, self.bases = domain, domain.full_bases
        self.scales = domain.dealias
        self.shape_of_fields = tuple(dist.grid_layout.local_shape(domain, self.scales))
        self.axes = range(first, len(self.shape_of_fields))
        self._measure()
        self.points = int(np.prod(self.shape))
        #: Number of grid values that a step advances, equal on all ranks of one space.
        self.work = int(np.prod(self.whole))
        self.points_of_member = int(np.prod(self.whole[first:]))
        self.wavenumbers = [None] * first + [self._wavenumbers(axis, 1) for axis in self.axes]
        self.even_wavenumbers = [None] * first + [self._wavenumbers(axis, 2) for axis in self.axes]
        self.mask = self._mask()
        self._symbols, self._kernels = {}, {}

    def _measure(self):
        """Shapes of the whole grid, and of what this rank holds on the grid and in k-space."""
        self.whole = self.shape = self.shape_of_fields
        if self.slabs:
            self.whole = tuple(self.dist.grid_layout.global_shape(self.domain, self.scales))
        last = self.whole[-1] // 2 + 1 if self.is_real else self.whole[-1]
        self.spectral_shape = self.slab_spectral_shape = (*self.whole[:-1], last)
        if self.slabs:
            if np.sum(self.dist.mesh > 1) > 1:
                raise Unsupported("a domain that is split along more than one axis")
            if self.slabs.leaves_ranks_empty(*self.whole[:2], self.spectral_shape[1]):
                raise Unsupported("more ranks than planes of the grid")
            planes, part = (self.slabs.size_of(n) for n in (self.whole[0], self.spectral_shape[1]))
            self.shape = (planes, *self.whole[1:])
            self.slab_spectral_shape = (planes, *self.spectral_shape[1:])
            self.spectral_shape = (self.whole[0], part, *self.spectral_shape[2:])

    def from_fields(self, values):
        """Grid values (n, …) as they are in Dedalus's fields, as arrays of `shape`."""
        values = values.reshape(-1, *self.shape_of_fields)
        if self.slabs is None:
            return values
        out = np.empty((len(values), *self.shape), values.dtype)
        self.slabs.second_whole(values, self.whole[1], out)
        return out

    def to_fields(self, values):
        """The inverse of `from_fields`."""
        if self.slabs is None:
            return values
        out = np.empty((len(values), *self.shape_of_fields), values.dtype)
        self.slabs.first_whole(values, self.whole[0], out)
        return out

    def profile(self, field):
        """Grid values of any field, component by component; it may depend on some axes only."""
        field.change_scales(self.scales)
        components = tuple(system.dim for system in field.tensorsig)
        if self.slabs is None:
            data = np.broadcast_to(field["g"], (*components, *self.shape))
        elif all(basis is not None for basis in field.domain.full_bases):
            return self.from_fields(field["g"])
        else:
            whole = np.broadcast_to(field.allgather_data("g"), (*components, *self.whole))
            whole = whole.reshape(-1, *self.whole)
            data = whole[:, self.slabs.span(self.whole[0])]
        return data.reshape(-1, *self.shape)

    def neighbours(self, offsets):
        """Numbers of the points at each offset from every point, as (offsets, points).

        Raises Unsupported where the neighbours of a point may live on another rank.
        """
        if self.slabs:
            raise Unsupported("neighbours of points where space is split over ranks")
        numbers = np.arange(self.points).reshape(self.shape)
        axes = tuple(range(len(self.shape)))
        back = [tuple(-n for n in offset) for offset in offsets]
        return np.stack([np.roll(numbers, offset, axes).ravel() for offset in back])

    def anywhere(self, flag):
        """Return whether a flag is set on any rank of the same space."""
        return bool(self.largest(int(flag)))

    def largest(self, value):
        """The largest value of all ranks of the same space."""
        return self.dist.comm.allreduce(value, op=MPI.MAX) if self.slabs else value

    def along(self, axis, values):
        """Numbers along an axis, to be broadcast to the grid or to spectra."""
        return values.reshape([-1 if a == axis else 1 for a in range(len(self.shape))])

    def modes(self, axis):
        """Numbers of the modes of this rank along an axis."""
        size = self.whole[axis]
        if self.is_real and axis == len(self.shape) - 1:
            modes = np.arange(size // 2 + 1)
        else:
            modes = np.fft.fftfreq(size, 1 / size).round()
        return modes[self.slabs.span(modes.size)] if self.slabs and axis == 1 else modes

    def _wavenumbers(self, axis, order):
        basis, modes = self.bases[axis], self.modes(axis)
        left, right = basis.bounds
        if order % 2 or not differentiates_nyquist(basis):
            # An odd derivative of the Nyquist mode is zero.
            modes = np.where(2 * np.abs(modes) == basis.size, 0, modes)
        return self.along(axis, 2 * np.pi / (right - left) * modes)

    def wavenumbers_of(self, order):
        """Wavenumbers along every axis for a derivative of some order; None for members."""
        return self.wavenumbers if order % 2 else self.even_wavenumbers

    def _mask(self):
        """Mask of the modes that the bases hold; None if they hold all of them."""
        held = np.ones(self.spectral_shape, bool)
        for axis in self.axes:
            basis, modes = self.bases[axis], np.abs(self.modes(axis))
            largest = (min(basis.size, self.whole[axis]) - 1) // 2
            keeps_nyquist = isinstance(basis, RealFourierNyquist) and basis.size == self.whole[axis]
            if not keeps_nyquist:
                held &= self.along(axis, modes <= largest)
        return held if self.anywhere(not held.all()) else None

    def modes_of(self, domain):
        """Mask of the modes of a domain that may lack some axes: k = 0 along these."""
        held = np.ones(self.spectral_shape, bool) if self.mask is None else self.mask.copy()
        for axis in self.axes:
            if domain.full_bases[axis] is None:
                held &= self.along(axis, self.modes(axis) == 0)
        return held

    def part_of(self, domain, values):
        """View of grid values of fields (…, *shape_of_fields) on the axes of a domain only."""
        shape = self.dist.grid_layout.local_shape(domain, self.scales)
        cut = tuple(
            slice(size if basis is None else None)
            for size, basis in zip(shape, domain.full_bases, strict=True)
        )
        return values[(..., *cut)]

    def kept_along_axes(self, fraction):
        """Return which modes a truncation keeps, as one array of booleans for each axis of space.

        See ``spinhydro.steppers.truncation``.
        """
        kept = []
        for axis in self.axes:
            left, right = self.bases[axis].bounds
            k = 2 * np.pi / (right - left) * self.modes(axis)
            kept.append(self.along(axis, kept_along(self.bases[axis], k, fraction)))
        return kept

    def kept(self, fraction):
        """Return which modes a truncation keeps, as an array for spectra; None if all are."""
        return None if fraction == 1 else reduce(np.multiply, self.kept_along_axes(fraction))

    @property
    def stored_once(self):
        """Return the number of columns of a spectrum whose modes count once; None if all do.

        Half of the modes of a real problem are stored. Those with the wavenumber 0 along the last
        axis are complete, the others count twice.
        """
        if not self.is_real:
            return None
        if self.slabs and len(self.whole) == 2:
            return int(self.slabs.span(self.whole[-1] // 2 + 1).start == 0)
        return 1

    def norm(self, spectrum):
        """Return the norm of the modes of this rank.

        Without members and ranks this is the root mean square of the values on the grid.
        """
        total, once = np.vdot(spectrum, spectrum).real, self.stored_once
        if once is not None:
            total = 2 * total - np.vdot(spectrum[..., :once], spectrum[..., :once]).real
        return np.sqrt(total)

    def symbol(self, polynomial):
        """Array of a symbol ``{factors: coefficient}``, or a number if it is constant.

        Equal symbols are the same array.
        """
        key = frozenset(polynomial.items())
        if key not in self._symbols:
            self._symbols[key] = self.evaluate(polynomial)
        return self._symbols[key]

    def bound(self, polynomial):
        """An upper bound of the modulus of a symbol."""
        dimensions, total = len(self.wavenumbers), 0
        for powers, coefficient in polynomial.items():
            factor = abs(coefficient)
            for axis, power in enumerate(powers[:dimensions]):
                if power:
                    factor *= np.abs(self.wavenumbers_of(power)[axis]).max() ** power
            for entry in powers[dimensions:]:
                factor *= np.abs(self.factor(entry)).max()
            total += factor
        return total

    def factor(self, entry):
        """Array of one component of a kernel, or of the numbers of members."""
        if isinstance(entry.kernel, PerMember):
            return self.dist.local_members(entry.kernel.values)
        return self._kernel(entry.kernel)[entry.row, entry.column]

    def evaluate_at(self, polynomial, chosen):
        """The value of a symbol at some modes.

        Parameters
        ----------
        polynomial : dict
        chosen : callable
            Takes these modes from an array that can be broadcast to the shape of spectra.
        """
        total = 0
        for powers, coefficient in polynomial.items():
            factor = coefficient
            dimensions = len(self.wavenumbers)
            for axis, power in enumerate(powers[:dimensions]):
                if power:
                    factor = factor * (1j * chosen(self.wavenumbers_of(power)[axis])) ** power
            for entry in powers[dimensions:]:
                factor = factor * chosen(self.factor(entry))
            total = total + factor
        return total

    def evaluate(self, polynomial):
        """A new array, or a number, with the value of a symbol."""
        total = self.evaluate_at(polynomial, lambda values: values)
        if np.ndim(total) == 0:
            return total
        total = np.broadcast_to(total, self.spectral_shape)
        return np.ascontiguousarray(total.real if np.all(total.imag == 0) else total)

    def _kernel(self, kernel):
        """omega of all modes that the bases hold, as (rows, columns, *spectral shape)."""
        if kernel not in self._kernels:
            wavenumbers, signless = [], []
            for axis in self.axes:
                basis, modes = self.bases[axis], self.modes(axis)
                left, right = basis.bounds
                # Only modes of the bases are evaluated.
                modes = np.where(2 * np.abs(modes) <= basis.size, modes, 0)
                wavenumbers.append(self.along(axis, 2 * np.pi / (right - left) * modes))
                signless.append(self.along(axis, 2 * np.abs(modes) == basis.size))
            if not self.is_real:
                signless = [np.zeros_like(mask) for mask in signless]
            self._kernels[kernel] = kernel.symmetric_matrix(wavenumbers, signless)
        return self._kernels[kernel]

    def plan(self, number):
        """Transforms of `number` scalars at once."""
        return SlabBatch(self, number) if self.slabs else Batch(self, number)


class Batch:
    """Buffers and plans for a number of scalars, made at their first use.

    Attributes
    ----------
    grid : array (number, *grid shape)
    spectra : array (number, *spectral shape)
    """

    def __init__(self, space, number):
        self.space, self.number = space, number

    @cached_property
    def grid(self):
        return cleared((self.number, *self.space.shape), self.space.dtype)

    @property
    def spectra(self):
        return self._buffers[-1]

    @cached_property
    def _shape(self):
        return (self.number, *self.space.spectral_shape)

    @cached_property
    def plans(self):
        space, plans = self.space, []
        shape, kind = (self.number, *space.shape), space.dtype
        for axis in reversed(space.axes):
            plans.append(fftw.FourierTransform(kind, shape, axis + 1, flags=_FLAGS))
            shape, kind = self._shape, np.complex128
        return plans

    @cached_property
    def _buffers(self):
        """The output array of each plan: two arrays that alternate."""
        number = len(self.space.axes)
        spectra = self._buffer()
        if number == 1:
            return [spectra]
        # The second of three complex transforms may overwrite the grid.
        other = self._buffer() if number == 2 or self.space.is_real else self.grid
        return [(spectra, other)[(number - 1 - i) % 2] for i in range(number)]

    def _buffer(self):
        return cleared(self._shape, np.complex128)

    def free_scratch(self):
        """Free the buffers until they are used again."""
        made = self.__dict__
        advise_free(*[made[name] for name in ("grid",) if name in made], *made.get("_buffers", ()))

    @property
    def nbytes(self):
        """Bytes that the buffers take."""
        arrays = {id(array): array.nbytes for array in (self.grid, *self._buffers)}
        return sum(arrays.values())

    def forward(self):
        """grid -> spectra; normalised, and truncated to the modes of the bases.

        The grid may be overwritten.
        """
        source = self.grid
        for plan, buffer in zip(self.plans, self._buffers, strict=True):
            plan.forward(source, buffer)
            source = buffer
        spectra = self.spectra
        spectra *= 1 / self.space.points_of_member
        if self.space.mask is not None:
            spectra *= self.space.mask

    def backward(self):
        """spectra -> grid; spectra are overwritten."""
        steps = list(zip(self.plans, self._buffers, strict=True))
        for i in range(len(steps) - 1, -1, -1):
            plan, buffer = steps[i]
            plan.backward(buffer, steps[i - 1][1] if i else self.grid)


class SlabBatch:
    """Transforms of a number of scalars on a domain that is split over ranks."""

    def __init__(self, space, number):
        self.space = space
        self.grid = cleared((number, *space.shape), space.dtype)
        self.plans, self.buffers = [], []
        shape, kind = self.grid.shape, space.dtype
        for axis in range(len(space.shape), 1, -1):
            self.plans.append(fftw.FourierTransform(kind, shape, axis, flags=_FLAGS))
            shape, kind = (number, *space.slab_spectral_shape), np.complex128
            self.buffers.append(cleared(shape, kind))
        columns = (number, *space.spectral_shape)
        self.column_plan = fftw.FourierTransform(np.complex128, columns, 1, flags=_FLAGS)
        self.columns, self.spectra = (cleared(columns, np.complex128) for _ in range(2))

    def free_scratch(self):
        """Free the buffers until they are used again."""
        advise_free(self.grid, *self.buffers, self.columns, self.spectra)

    def forward(self):
        """grid -> spectra; normalised, and truncated to the modes of the bases."""
        source = self.grid
        for plan, buffer in zip(self.plans, self.buffers, strict=True):
            plan.forward(source, buffer)
            source = buffer
        self.space.slabs.first_whole(source, self.space.whole[0], self.columns)
        self.column_plan.forward(self.columns, self.spectra)
        self.spectra *= 1 / self.space.points_of_member
        if self.space.mask is not None:
            self.spectra *= self.space.mask

    def backward(self):
        """spectra -> grid; spectra are overwritten."""
        self.column_plan.backward(self.spectra, self.columns)
        last = self.buffers[-1]
        self.space.slabs.second_whole(self.columns, last.shape[2], last)
        steps = list(zip(self.plans, self.buffers, strict=True))
        for i in range(len(steps) - 1, -1, -1):
            plan, buffer = steps[i]
            plan.backward(buffer, steps[i - 1][1] if i else self.grid)
