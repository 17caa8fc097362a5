"""Fourier modes of densities in traps: of a period of the grid, or of half of a mirrored one."""

import math

import numpy as np
from scipy import fft

#: Points along an axis up to which products with a matrix are faster than SciPy's transforms, in
#: single precision.
_LARGEST_MATRIX = 80
#: Largest difference of a potential from its mirror image that is rounding, over its range.
_ROUNDING = 1e-13


class PeriodicModes:
    """Modes of real functions of a periodic grid.

    Parameters
    ----------
    axes : list of array (N,), N even
        Grid of the whole period along each axis.
    """

    def __init__(self, axes):
        self.k_squared = 0.0
        for i, axis in enumerate(axes):
            last = i == len(axes) - 1
            k = 2 * np.pi * self._frequencies(axis.size, axis[1] - axis[0], last)
            self.k_squared = self.k_squared + (k**2).reshape(-1, *(1,) * (len(axes) - 1 - i))

    @staticmethod
    def _frequencies(size, spacing, last):
        return (np.fft.rfftfreq if last else np.fft.fftfreq)(size, spacing)

    def part(self, values):
        """Return the part of values on the whole grid that the modes are of."""
        return values

    def whole(self, part):
        """Return the values on the whole grid."""
        return part

    def filter(self, symbol, p):
        """Multiply the modes of p by a symbol."""
        if p.ndim == 1:
            # Loading SciPy's transforms takes longer than all of these.
            return np.fft.irfft(symbol * np.fft.rfft(p), p.size)
        return fft.irfftn(symbol * fft.rfftn(p), p.shape)

    def dot(self, a, b):
        """Return the sum of a b over the grid."""
        return np.vdot(a, b)

    def on_finer_grid(self, p, axis):
        """Interpolate p along an axis to twice as many points, by its Fourier series."""
        size = 2 * p.shape[axis]
        return 2 * np.fft.irfft(np.fft.rfft(p, axis=axis), size, axis=axis)


class MirroredModes(PeriodicModes):
    """Modes of functions that are even about the first point and the middle of every axis.

    Their values at the first N/2 + 1 points determine them: an eighth of the work in three
    dimensions.
    """

    def __init__(self, axes):
        super().__init__(axes)
        weights = []
        for axis in axes:
            weights.append(np.full(axis.size // 2 + 1, 2.0, np.float32))
            weights[-1][[0, -1]] = 1
        #: How often each point occurs in the whole grid.
        self._weights = math.prod(np.ix_(*weights))
        self._matrices = None

    @staticmethod
    def is_possible(values):
        """Return whether values on the whole grid are even about the first point, to rounding."""
        if values.ndim == 1 or any(size % 2 for size in values.shape):
            return False
        allowed = _ROUNDING * np.ptp(values)
        return all(
            np.abs(inside - inside[::-1]).max(initial=0) <= allowed
            for inside in (np.moveaxis(values, axis, 0)[1:] for axis in range(values.ndim))
        )

    @staticmethod
    def _frequencies(size, spacing, last):
        return np.fft.rfftfreq(size, spacing)

    def part(self, values):
        """Return the values at the first N/2 + 1 points along every axis."""
        return values[tuple(slice(size // 2 + 1) for size in values.shape)]

    def whole(self, part):
        """Return the values on the whole grid."""
        for axis, size in enumerate(part.shape):
            points = np.concatenate([np.arange(size), np.arange(size - 2, 0, -1)])
            part = np.take(part, points, axis=axis)
        return part

    def filter(self, symbol, p):
        """Multiply the modes of p by a symbol."""
        if p.dtype == np.float32 and max(p.shape) <= _LARGEST_MATRIX:
            return self._transformed(symbol * self._transformed(p))
        return fft.idctn(symbol * fft.dctn(p, type=1), type=1, overwrite_x=True)

    def _transformed(self, p):
        """Return the cosine transform of p, scaled to be its own inverse."""
        if self._matrices is None:
            self._matrices = [
                (fft.dct(np.eye(size), type=1, axis=0) / np.sqrt(2 * (size - 1))).astype(np.float32)
                for size in p.shape
            ]
        shape = p.shape
        for axis, matrix in enumerate(self._matrices[:-1]):
            p = matrix @ p.reshape(math.prod(shape[:axis]), shape[axis], -1)
        return (p.reshape(-1, shape[-1]) @ self._matrices[-1].T).reshape(shape)

    def dot(self, a, b):
        """Return the sum of a b over the whole grid."""
        return np.vdot(a, self._weights * b)

    def on_finer_grid(self, p, axis):
        """Interpolate p along an axis to half the spacing, by its Fourier series."""
        modes, size = fft.dct(p, type=1, axis=axis), p.shape[axis]
        # The mode of shortest wavelength is counted once, and twice on the finer grid.
        modes[(slice(None),) * axis + (-1,)] /= 2
        widths = [(0, size - 1) if i == axis else (0, 0) for i in range(p.ndim)]
        return 2 * fft.idct(np.pad(modes, widths), type=1, axis=axis)
