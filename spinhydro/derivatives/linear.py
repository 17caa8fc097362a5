"""The linearised equations about a background, as one matrix for each Bloch wavevector."""

import itertools
from dataclasses import dataclass

import numpy as np

#: Tangents that are propagated in one call.
CHUNK = 64
#: Component of the rate of a spin along it that is rounding, relative to the rate.
PERPENDICULAR = 1e-9
#: Points per wave of a random state, at least, in which products are resolved.
LONG_WAVE = 16
#: Differences of values, relative to the largest, that are rounding.
UNIFORM = 1e-9
#: Length of a spin, relative to the longest, up to which there is none.
EMPTY = 1e-8


class RealForm:
    """Functions of a model on real values on the grid: complex components are pairs.

    Parameters
    ----------
    model : Model

    Attributes
    ----------
    components : int
        Of the real form; real parts of all components come before the imaginary ones.
    shape : tuple
        Points along each axis of space.
    box : tuple
        Lengths of the box along each axis.
    axis_names : tuple of str
    compiled_rate : callable
        `rate`, compiled.
    lengths : dict
        Lengths (shape) of spins that the equations conserve though the file does not project
        them, by the first component of the spin; see `keep_lengths`.
    """

    def __init__(self, model):
        self.model, self.np = model, model.jax.numpy
        self.is_complex = not model.space.is_real
        self.components = model.components * (2 if self.is_complex else 1)
        space = model.space
        self.shape = tuple(space.shape[axis] for axis in space.axes)
        bounds = [space.bases[axis].bounds for axis in space.axes]
        self.box = tuple(right - left for left, right in bounds)
        self.axis_names = tuple(space.bases[axis].coord.name for axis in space.axes)
        self.compiled_rate = model.jax.jit(self.rate)
        self._spins, self.lengths = None, {}

    def join(self, values):
        """A state of the model from real values (components, *shape)."""
        if self.is_complex:
            half = self.components // 2
            values = values[:half] + 1j * values[half:]
        values = values.reshape(-1, *self.model.space.shape)
        return self.model.from_grid_values(values, self.model.leaves)

    def split(self, state):
        """Real values of a state of the model."""
        values = self.model.on_grid_values(state)
        if self.is_complex:
            values = self.np.concatenate([self.np.real(values), self.np.imag(values)])
        return values.reshape(-1, *self.shape)

    def rate(self, values, time=0.0):
        """The rate of change of real values, of every term of the equations."""
        return self.split(self.model.rate(self.join(values), time, self.model.leaves))

    def project(self, values, time=0.0):
        """The projections of the file, and the truncation to the modes of the bases."""
        np_ = self.np
        for first, length in self.lengths.items():
            rows = values[first : first + 3]
            squared = np_.sum(rows**2, axis=0)
            factor = length / np_.sqrt(np_.where(squared > 0, squared, 1))
            values = np_.concatenate([values[:first], rows * factor, values[first + 3 :]])
        state = self.join(values)
        if self.model.project:
            state = self.model.project(state, time, self.model.leaves)
        return self.split(state)

    def keep_lengths(self, values):
        """Keep in `project` the lengths of the spins of some values, where they are conserved.

        A spin is a vector of three components whose rate is perpendicular to it in any state.
        Changes of its length are not waves.
        """
        if self._spins is None:
            self._spins = list(self._conserved(values))
        self.lengths = {}
        for first in self._spins:
            lengths = np.sqrt(np.sum(values[first : first + 3] ** 2, axis=0))
            # Empty space around a body holds the rounding of transforms.
            self.lengths[first] = np.where(lengths > EMPTY * lengths.max(), lengths, 0)

    def _long_waves(self, values):
        """Random values about an average whose products the bases resolve."""
        random, axes = np.random.default_rng(2), tuple(range(1, values.ndim))
        spectra = np.fft.fftn(random.standard_normal(values.shape), axes=axes)
        for axis, size in zip(axes, self.shape, strict=True):
            shape = [-1 if a == axis else 1 for a in range(values.ndim)]
            waves = np.abs(np.fft.fftfreq(size, 1 / size)).reshape(shape)
            spectra = np.where(waves <= max(size // LONG_WAVE, 1), spectra, 0)
        waves = np.fft.ifftn(spectra, axes=axes).real
        waves *= 0.1 * np.abs(values).max() / np.abs(waves).max()
        return values.mean(axis=axes, keepdims=True) + waves

    def _conserved(self, values):
        """Yield the first components of spins of constant length.

        Of a texture on bases without the Nyquist mode only the length of the exact equations is
        constant: a state of the same length at every point would not be one of the bases.
        """
        if self.is_complex:
            return
        values = self._long_waves(values) if _is_uniform(values) else _noisy(values)
        values = np.asarray(self.split(self.join(values)))
        rate = np.asarray(self.compiled_rate(values))
        for variable, first in self.model.lowering.first_component.items():
            if [system.dim for system in variable.tensorsig] != [3]:
                continue
            spin, change = values[first : first + 3], rate[first : first + 3]
            size = np.abs(spin).max() * np.abs(change).max()
            if np.abs(np.sum(spin * change, axis=0)).max() <= PERPENDICULAR * size:
                yield first


def _is_uniform(values):
    """Return whether values are the same at all points, to rounding."""
    axes = tuple(range(1, values.ndim))
    return np.ptp(values, axis=axes).max() <= UNIFORM * np.abs(values).max()


def _noisy(values):
    """Return values with white noise of a tenth of the largest."""
    random = np.random.default_rng(2)
    return values + 0.1 * np.abs(values).max() * random.standard_normal(values.shape)


@dataclass
class Blocks:
    """The matrices of a linear map between fields, one for each Bloch wavevector.

    A map that is invariant under shifts by a cell couples the waves k, k + K, k + 2 K, … alone,
    K = 2 pi/cell.

    Attributes
    ----------
    modes : list of array (waves, axes)
        The integer wave numbers that each matrix couples.
    matrices : list of array (components * waves, components * waves)
        Component by component.
    """

    modes: list
    matrices: list


def smallest_cell(values, tolerance=1e-11):
    """Points along each axis of the smallest cell that repeats itself in some fields.

    Parameters
    ----------
    values : array (fields, *shape)
    """
    scale, cell = np.abs(values).max(initial=0) or 1.0, []
    for axis, size in enumerate(values.shape[1:], start=1):
        for points in (d for d in range(1, size + 1) if size % d == 0):
            if np.abs(np.roll(values, points, axis) - values).max(initial=0) <= tolerance * scale:
                cell.append(points)
                break
    return tuple(cell)


def compiled_tangents(jax, function):
    """The derivative of a function, ``f(values, tangents, *arguments)`` for many tangents.

    Arguments after the values are passed to the function.
    """

    def derivative(values, tangents, *arguments):
        def along(tangent):
            return jax.jvp(lambda v: function(v, *arguments), (values,), (tangent,))[1]

        return jax.vmap(along)(tangents)

    return jax.jit(derivative)


def responses(tangents_of, values, cell):
    """Fourier transforms of the responses to a unit value at each point of a cell.

    Parameters
    ----------
    tangents_of : callable
        From `compiled_tangents`, of the values and tangents.

    Returns
    -------
    array (components, *cell, components, *shape)
        The first component is that of the perturbation.
    """
    shape, components = values.shape[1:], values.shape[0]
    places = list(itertools.product(range(components), *map(range, cell)))
    found = []
    for first in range(0, len(places), CHUNK):
        part = places[first : first + CHUNK]
        tangents = np.zeros((len(part), *values.shape))
        for row, place in enumerate(part):
            tangents[(row, *place)] = 1
        response = np.asarray(tangents_of(values, tangents))
        found.append(np.fft.fftn(response, axes=range(2, response.ndim)))
    return np.concatenate(found).reshape(components, *cell, components, *shape)


def blocks(tangents_of, values, cell):
    """The linearisation of a function about some values, wavevector by wavevector.

    Parameters
    ----------
    tangents_of : callable
        The derivative of a function of real values (components, *shape) that returns such
        values, from `compiled_tangents`.
    values : array
        What repeats itself after `cell`.

    Returns
    -------
    Blocks
    """
    found = responses(tangents_of, values, cell)
    components, shape = values.shape[0], values.shape[1:]
    repeats = [size // points for size, points in zip(shape, cell, strict=True)]
    points = np.array(list(itertools.product(*map(range, cell))))
    found = found.reshape(components, len(points), components, *shape)
    modes, matrices = [], []
    for first in itertools.product(*map(range, repeats)):
        waves = (np.array(first) + points * np.array(repeats)) % np.array(shape)
        # (components in, points of the cell, components out, waves out)
        chosen = found[(slice(None),) * 3 + tuple(waves.T)]
        phases = np.exp(2j * np.pi * (points / np.array(shape)) @ waves.T) / len(points)
        matrix = np.einsum("jpil,pm->iljm", chosen, phases)
        size = components * len(points)
        matrices.append(matrix.reshape(size, size))
        modes.append(waves)
    return Blocks(modes, matrices)


def reduced(jacobian, projector):
    """Matrices on the range of a projector, each with the basis of that range.

    Radial changes of spins, and modes that the bases do not hold, are not perturbations.

    Returns
    -------
    list of (matrix, basis)
    """
    found = []
    for matrix, onto in zip(jacobian.matrices, projector.matrices, strict=True):
        left, sizes, _ = np.linalg.svd(onto)
        basis = left[:, sizes > 0.5]
        found.append((basis.conj().T @ onto @ matrix @ basis, basis))
    return found
