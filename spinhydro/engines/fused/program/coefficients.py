"""Conversion between spectra and the coefficients of Dedalus's fields, without a transform."""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier

from spinhydro.dedalus_support.nyquist import RealFourierNyquist


class Coefficients:
    r"""Coefficients of fields from spectra, and spectra from coefficients.

    A real basis holds :math:`a_k \cos kx - b_k \sin kx`, where :math:`a_k + i b_k` is twice the
    complex amplitude (once for k = 0), along each axis.

    Parameters
    ----------
    space : Space
        For which `is_possible`.
    """

    def __init__(self, space):
        self.space = space
        sizes = [space.bases[axis].size for axis in space.axes]
        if not space.is_real:
            self._kept = [[(slice((n + 1) // 2),) * 2, (slice(n - (n - 1) // 2, None),
                          slice(space.whole[axis] - (n - 1) // 2, None))]
                          for n, axis in zip(sizes, space.axes, strict=True)]  # fmt: skip
            return
        self._halves = [n // 2 for n in sizes]
        self._weights = np.full(self._halves[:2], 2.0)
        self._weights[..., 0] = 1
        if len(sizes) > 1:
            self._weights[0] *= 0.5

    @staticmethod
    def is_possible(space, variables):
        """Return whether the coefficients of all variables on this domain can be written."""
        kind = RealFourier if space.is_real else ComplexFourier
        bases = [space.bases[axis] for axis in space.axes]
        return (
            space.slabs is None
            and all(isinstance(basis, kind) for basis in bases)
            # A coarser grid than the basis resolves fewer modes.
            and all(scale >= 1 for scale in space.scales)
            and not any(isinstance(basis, RealFourierNyquist) for basis in bases)
            and all(_is_over(v, space) for v in variables)
        )

    def holds(self, field):
        """Return whether the coefficients of a field can be read, like those of the variables."""
        return _is_over(field, self.space)

    def read(self, coefficients, variable, out):
        """Read one component of a variable into a spectrum: the inverse of `write`."""
        out[...] = 0
        if not _axes(variable, self.space):
            out[(..., *(slice(1) for _ in self.space.axes))] = coefficients
        elif not self.space.is_real:
            for into, source in self._corners():
                out[source] = coefficients[into]
        else:
            self._read_real(coefficients, out)

    def write(self, spectrum, variable, out):
        """Write one component of a variable; `out` has the shape of its coefficients."""
        if not _axes(variable, self.space):
            constant = spectrum[(..., *(slice(1) for _ in self.space.axes))]
            out[...] = constant.real if self.space.is_real else constant
        elif not self.space.is_real:
            self._write_complex(spectrum, out)
        elif len(self._halves) == 1:
            self._write_line(spectrum, out)
        elif len(self._halves) == 2:
            self._write_plane(spectrum, out)
        else:
            self._write_box(spectrum, out)

    def _corners(self):
        """Yield the places of the same modes among coefficients and in a spectrum."""
        for parts in np.ndindex(*(2 for _ in self._kept)):
            chosen = [kept[part] for kept, part in zip(self._kept, parts, strict=True)]
            into, source = zip(*chosen, strict=True)
            yield (..., *into), (..., *source)

    def _write_complex(self, spectrum, out):
        out[...] = 0
        for into, source in self._corners():
            out[into] = spectrum[source]

    def _read_real(self, coefficients, out):
        pairs = coefficients.reshape(*coefficients.shape[:-1], self._halves[-1], 2)
        values = 0.5 * (pairs[..., 0] + 1j * pairs[..., 1])
        # The amplitude of the sine of k = 0 has no meaning.
        values[..., 0] = pairs[..., 0, 0]
        for axis in range(-2, -1 - len(self._halves), -1):
            half, size = self._halves[axis], self.space.whole[axis]
            along = np.moveaxis(values, axis, -1)
            cosine, sine = along[..., ::2], along[..., 1::2]
            values = np.zeros((*along.shape[:-1], size), complex)
            values[..., :half] = 0.5 * (cosine + 1j * sine)
            values[..., 0] = cosine[..., 0]
            values[..., : size - half : -1] = 0.5 * (cosine - 1j * sine)[..., 1:]
            values = np.moveaxis(values, -1, axis)
        out[..., : self._halves[-1]] = values

    def _write_line(self, spectrum, out):
        (half,) = self._halves
        pairs = out.reshape(*out.shape[:-1], half, 2)
        np.multiply(spectrum[..., :half].real, self._weights, out=pairs[..., 0])
        np.multiply(spectrum[..., :half].imag, self._weights, out=pairs[..., 1])
        pairs[..., 0, 1] = 0

    def _write_plane(self, spectrum, out):
        rows, columns = self._halves[:2]
        positive = spectrum[..., :rows, :columns]
        negative = np.empty_like(positive)
        np.conjugate(spectrum[..., 0, :columns], out=negative[..., 0, :])
        np.conjugate(spectrum[..., -1:-rows:-1, :columns], out=negative[..., 1:, :])
        # Real and imaginary part of the amplitude along the last axis, as functions of the first.
        even, odd = positive + negative, positive - negative
        even *= self._weights
        odd *= self._weights
        pairs = out.reshape(*out.shape[:-2], rows, 2, columns, 2)
        pairs[..., 0, :, 0], pairs[..., 1, :, 0] = even.real, even.imag
        pairs[..., 0, :, 1] = odd.imag
        np.negative(odd.real, out=pairs[..., 1, :, 1])
        pairs[..., :, 0, 1] = 0

    def _write_box(self, spectrum, out):
        rows, columns, depth = self._halves
        x, y = np.r_[:rows, 1 - rows : 0], np.arange(columns)
        positive = spectrum[..., x[:, None], y, :depth]
        negative = np.conjugate(spectrum[..., -x[:, None], -y, :depth])
        # As in a plane, but as functions of the first two axes.
        even, odd = positive + negative, -1j * (positive - negative)
        even[..., 0] *= 0.5
        odd[..., 0] = 0
        pairs = np.moveaxis(out.reshape(*out.shape[:-1], depth, 2), -2, -4)
        for part, values in enumerate((even, odd)):
            self._write_plane(np.moveaxis(values, -1, -3), pairs[..., part])


def _is_over(variable, space):
    return variable.domain is space.domain or not _axes(variable, space)


def _axes(variable, space):
    """Return the space axes of a variable."""
    return [axis for axis in space.axes if variable.domain.full_bases[axis] is not None]
