r"""Explicit and linear terms as matrices between components, for waves at single points.

A gas as two real fields, u and v for psi = u + i v, has J = 2 g n [[0, 0], [-1, 0]] at rest: all of
its eigenvalues are 0. Together with linear terms that turn u into v, a step may still grow.

Its growth is that of the matrices J(x, k) and A(k) for short waves at a point x of a smooth state:
J(x, k) e_j = exp(-ikx) J [exp(ikx) e_j] at x. Two derivatives for each component give it on every
engine, whatever the explicit part holds: products, derivatives, kernels or averages.
"""

from itertools import pairwise

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from mpi4py import MPI

from spinhydro.dedalus_support.ensemble.basis import Members
from spinhydro.steppers.state_vectors import norm, total

#: Wavenumbers at which J is found, over the largest; beyond the last one it is extrapolated. The
#: products of shorter waves with the state are truncated.
EXPLICIT_AT, OF_LARGE = (0, 0.25, 0.5, 0.75, 0.9), (0, 0.5, 0.9)
#: Wavenumbers of linear terms: zero, and geometric series of this many, on one axis, and in each of
#: several directions, from this part of the largest on.
ON_AN_AXIS, IN_A_DIRECTION, SLOWEST = 40, 12, 0.05
#: Relative difference of J at two wavenumbers from which it depends on them.
SAME = 0.01
#: Difference of A from one point to another, relative to A, that is rounding.
ROUNDING = 1e-6
#: Part of the largest entry of J below which others are errors of difference quotients.
NOTHING = 1e-4
#: Digits in which matrices of different points differ.
DIGITS = 3
#: Points of a large state that are examined, besides those where the state is largest.
POINTS = 4096


def coupled_components(rates, comm, is_large=False):
    """Return J and A of waves of some wavenumbers, where entries of J are largest.

    Parameters
    ----------
    rates : FusedRates or StockRates
        A complex component counts as two, its real and its imaginary part.
    comm : MPI communicator
    is_large : bool
        Whether evaluations of the right side are costly; half of the wavenumbers then suffice.

    Returns
    -------
    (array (cases, r, r), array (cases, r, r)) or None
        None for a single component, other bases than Fourier, no linear terms, or an explicit part
        that is not finite.
    """
    waves = _Waves(rates, comm)
    if not waves.is_possible:
        return None
    cases = list(_cases(waves, is_large))
    explicit, linear = (np.concatenate(parts) for parts in zip(*cases, strict=True))
    if not (np.isfinite(explicit).all() and linear.any()):
        return None
    return explicit, linear


def _cases(waves, is_large):
    """Yield (J, A), arrays (points, r, r), of one wavenumber after the other."""
    directions = waves.directions()
    number = (ON_AN_AXIS if len(directions) == 1 else IN_A_DIRECTION) // (1 + is_large)
    parts = [0.0, *np.geomspace(SLOWEST, 1, number)]
    modes = {d: {waves.mode(d, part): part for part in parts} for d in directions}
    linear = waves.linear_at({mode for found in modes.values() for mode in found})
    uniform = waves.explicit_at(waves.mode(directions[0], 0))
    half = waves.explicit_at(waves.mode(directions[0], 0.5))
    is_local = waves.are_same(uniform, half)
    for direction in directions:
        known = {0: uniform, 1: uniform}
        if not is_local:
            known = {
                part: waves.explicit_at(waves.mode(direction, part)) if part else uniform
                for part in (OF_LARGE if is_large else EXPLICIT_AT)
            }
        for mode, part in modes[direction].items():
            yield waves.extreme(_between(known, part), linear[mode])


def _between(known, part):
    """Return a matrix that is known at some parts of the wavenumbers, linear in between."""
    low, high = next((pair for pair in pairwise(known) if part <= pair[1]), tuple(known)[-2:])
    weight = (part - low) / (high - low)
    return (1 - weight) * known[low] + weight * known[high]


class _Waves:
    """Responses of components to waves of other components."""

    def __init__(self, rates, comm):
        self.rates, self.comm = rates, comm
        noise = rates.on_grid(rates.noise(np.random.default_rng(3)))
        sizes = np.array([total(float(np.vdot(row, row).real), comm) for row in noise])
        # A pressure is not advanced.
        self._components = np.flatnonzero(sizes)
        bases = rates.domain.bases
        self.is_possible = self._components.size > 1 and all(
            isinstance(basis, (RealFourier, ComplexFourier, Members)) for basis in bases
        )
        self._largest = [
            (size - 1) // 2 if isinstance(basis, (RealFourier, ComplexFourier)) else 0
            for basis in rates.domain.full_bases
            for size in ((basis.shape[0],) if basis is not None else (0,))
        ]
        self._points = self._chosen_points() if self.is_possible else None

    def _chosen_points(self):
        state = self.rates.on_grid(self.rates.state())[self._components]
        number = state.shape[-1]
        if number <= POINTS:
            return np.arange(number)
        every = np.arange(0, number, -(-number // POINTS))
        largest = [state.argmax(axis=1), state.argmin(axis=1), [(state**2).sum(axis=0).argmax()]]
        return np.unique(np.concatenate([every, *largest]))

    def directions(self):
        """Return directions of wavenumbers: the axes, and diagonals of all of them."""
        axes = np.flatnonzero(self._largest)
        unit = np.eye(len(self._largest), dtype=int)
        found = [tuple(unit[axis]) for axis in axes]
        if axes.size > 1:
            diagonal = unit[axes].sum(axis=0)
            found += [tuple(diagonal), tuple(diagonal - 2 * unit[axes[0]])]
        return found

    def mode(self, direction, part):
        """Return the numbers of waves along each axis, of a part of the largest wavenumbers."""
        return tuple(
            round(one * part * largest)
            for one, largest in zip(direction, self._largest, strict=True)
        )

    def explicit_at(self, mode):
        """Return J for waves of a mode, an array (points, r, r)."""
        return self._response(lambda vector: self.rates.differentiate(vector, self.comm), mode)

    def linear_at(self, modes):
        """Return {mode: A}, arrays (points, r, r).

        Where A is the same everywhere, all modes are examined at once.
        """
        return self._uniform_linear(modes) or {
            mode: self._response(self.rates.apply_linear, mode) for mode in modes
        }

    def _uniform_linear(self, modes):
        """Return {mode: A}, from the coefficients of waves; None if A depends on the point."""
        number, points = self._components.size, self._points.size
        found = {mode: np.empty((number, number), complex) for mode in modes}
        waves = {mode: self._coefficients(mode) for mode in modes}
        for column in range(number):
            change = np.zeros(self.rates.state().size, complex)
            for columns in waves.values():
                places, values = columns[column]
                change[places] += values
            parts = change.real.copy(), change.imag.copy()
            for part in parts:
                self.rates.apply_linear(part)
            change = parts[0] + 1j * parts[1]
            rest = change.copy()
            for mode, rows in waves.items():
                for row, (places, values) in enumerate(rows):
                    square = total(np.vdot(values, values).real, self.comm)
                    entry = total(np.vdot(values, change[places]), self.comm) / square
                    found[mode][row, column] = entry
                    rest[places] -= entry * values
            if norm(rest, self.comm).real > ROUNDING * norm(change, self.comm).real:
                return None
        return {mode: np.broadcast_to(one, (points, number, number)) for mode, one in found.items()}

    def _coefficients(self, mode):
        """Return where the coefficients of waves exp(ikx) are not zero, and these."""
        found = []
        for parts in self._waves(mode):
            wave = parts[0] + 1j * parts[1] if any(mode) else parts[0] + 0j
            sizes = np.abs(wave)
            largest = self.comm.allreduce(float(sizes.max(initial=0)), op=MPI.MAX)
            places = np.flatnonzero(sizes > ROUNDING * largest)
            found.append((places, wave[places]))
        return found

    def _waves(self, mode):
        """Yield the cosine and, for waves, the sine of a mode, of each component."""
        kinds = [False, True][: 1 + any(mode)]
        waves = (self.rates.waves(mode, is_sine) for is_sine in kinds)
        for component, parts in enumerate(zip(*waves, strict=True)):
            if component in self._components:
                yield parts

    def _response(self, apply, mode):
        """Return the symbol of a linear map at each point for waves of a mode."""
        rates, points, columns = self.rates, self._points, []
        for component, parts in zip(self._components, self._waves(mode), strict=True):
            wave, response = 0, 0
            for factor, vector in zip((1, 1j), parts, strict=False):
                wave = wave + factor * rates.on_grid(vector)[component, points]
                size = norm(vector, self.comm)
                vector /= size
                apply(vector)
                values = rates.on_grid(vector)[self._components][:, points]
                response = response + factor * size * values
            columns.append(response * np.conj(wave))
        return np.moveaxis(np.array(columns), -1, 0).swapaxes(-1, -2) + 0j

    def are_same(self, first, second):
        """Return whether two matrices of all points are the same, on all ranks."""
        gathered = self.comm.allgather(
            (np.abs(first - second).max(axis=0, initial=0), np.abs(first).max(axis=0, initial=0))
        )
        differences, sizes = (np.max(found, axis=0) for found in zip(*gathered, strict=True))
        return bool(np.all(differences <= SAME * sizes.max(initial=0)))

    def extreme(self, explicit, linear):
        """Return J and A of the points where an entry or the eigenvalues of J are largest."""
        sizes = np.abs(explicit).reshape(len(explicit), -1)
        powers = np.abs(np.einsum("pij,pji->p", explicit, explicit))
        sizes = np.column_stack([sizes, powers])
        # Entries that are zero but for the errors of difference quotients have no largest place.
        sizes[:, sizes.max(axis=0, initial=0) < NOTHING * sizes.max(initial=0)] = 0
        places = sizes.argmax(axis=0) if len(sizes) else []
        mine = [(sizes[p, kind], explicit[p], linear[p]) for kind, p in enumerate(places)]
        gathered = [found for found in self.comm.allgather(mine) if found]
        best = [max(found, key=lambda one: one[0]) for found in zip(*gathered, strict=True)]
        unique = {}
        for one in best:
            largest = np.abs(one[1]).max() or 1.0
            unique.setdefault(np.round(one[1] / largest, DIGITS).tobytes(), one)
        return tuple(np.array([one[i] for one in unique.values()]) for i in (1, 2))
