"""Conversion of spectra to the coefficients of Dedalus's fields, without a transform."""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier

from spinhydro.dedalus_support.nyquist import RealFourierNyquist


class Coefficients:
    r"""Coefficients of fields from spectra.

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
            and all(v.domain is space.domain or not _axes(v, space) for v in variables)
        )

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

    def _write_complex(self, spectrum, out):
        out[...] = 0
        for parts in np.ndindex(*(2 for _ in self._kept)):
            chosen = [kept[part] for kept, part in zip(self._kept, parts, strict=True)]
            into, source = zip(*chosen, strict=True)
            out[(..., *into)] = spectrum[(..., *source)]

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


def _axes(variable, space):
    """Return the space axes of a variable."""
    return [axis for axis in space.axes if variable.domain.full_bases[axis] is not None]
