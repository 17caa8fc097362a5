"""Fraction of the spectrum that a run fills, and advice on smaller grids."""

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from mpi4py import MPI

from spinhydro.dedalus_support.domain import fast_size
from spinhydro.kernels.operator import local_wavenumbers, space_axes

#: Amplitude of the modes that a smaller grid would not hold, relative to the state, below which
#: the grid is called larger than the run needs.
UNUSED = 1e-8
#: Smaller grids than this part of the present one are worth a line.
WORTH_SAYING = 0.7
#: Margin of the advice: a grid must hold more than the modes that are filled.
_MARGIN = 1.1
_BINS = 200


class FilledModes:
    """Amplitudes of the modes above every fraction of the largest wavenumber, along every axis.

    Parameters
    ----------
    solver : d3.InitialValueSolver

    Attributes
    ----------
    above : dict
        ``{axis: array (bins + 1)}``: largest amplitude, relative to the whole state, that modes
        above the fraction ``i/bins`` had in any measurement.
    """

    def __init__(self, solver):
        self.solver = solver
        self.axes = [axis for axis in space_axes(solver.dist) if self._is_fourier(axis)]
        self.above = {axis: np.zeros(_BINS + 1) for axis in self.axes}
        self._bins = {}

    def _is_fourier(self, axis):
        bases = [field.domain.full_bases[axis] for field in self.solver.state]
        return all(isinstance(basis, (RealFourier, ComplexFourier)) for basis in bases)

    def measure(self):
        """Return the amplitudes of the present state, and keep the largest.

        A collective call. The fields of the solver must be up to date; they are left as they are.
        """
        energies = np.zeros((len(self.axes), _BINS + 1))
        spectra = getattr(self.solver.timestepper, "spectra", None)
        if spectra is not None:
            self._add_spectra(spectra, self.solver.timestepper.right_side.space, energies)
        elif self.axes:
            self._add_fields(energies)
        self.solver.dist.comm.Allreduce(MPI.IN_PLACE, energies, op=MPI.SUM)
        found = {}
        for axis, row in zip(self.axes, energies, strict=True):
            total = row.sum()
            if not (np.isfinite(total) and total > 0):
                continue
            # Bin i holds fractions in ((i - 1)/bins, i/bins].
            beyond = np.append(np.cumsum(row[::-1])[::-1][1:], 0.0)
            found[axis] = np.sqrt(beyond / total)
            self.above[axis] = np.maximum(self.above[axis], found[axis])
        return found

    def _add_fields(self, energies):
        for field in self.solver.state:
            if field.layout is not field.dist.coeff_layout:
                field = field.copy()
                field.require_coeff_space()
            first = field.data.ndim - field.dist.dim
            bins = [self._bins_of(field.domain, axis) for axis in self.axes]
            _add(squares(field.data), bins, [first + axis for axis in self.axes], energies)

    def _add_spectra(self, spectra, space, energies):
        """Add the energies of an engine's spectra, as those of the coefficients of Dedalus.

        A coefficient of a real field is twice as large as the mode, for every axis along which the
        mode varies; half of the modes are stored.
        """
        numbers = {axis: np.abs(space.modes(axis)) for axis in space.axes}
        bins = [_bins(2 * numbers[axis] / space.bases[axis].size) for axis in self.axes]
        for spectrum in spectra:
            found = squares(spectrum)
            for axis in space.axes if space.is_real else ():
                factor = 4 if axis == space.axes[-1] else 2
                found *= space.along(axis, np.where(numbers[axis] > 0, factor, 1))
            _add(found, bins, self.axes, energies)

    def _bins_of(self, domain, axis):
        found = self._bins.get((domain, axis))
        if found is None:
            basis = domain.full_bases[axis]
            (k,) = local_wavenumbers(domain, [axis])
            left, right = basis.bounds
            found = _bins(np.abs(k.ravel()) * (right - left) / (np.pi * basis.size))
            self._bins[domain, axis] = found
        return found

    def amplitude_above(self, found, fraction, inclusive=False):
        """Return the largest amplitude above a fraction along any axis, of a `measure`.

        The fraction is rounded up to a bin; with `inclusive`, down.
        """
        index = fraction * _BINS
        index = min(int(np.floor(index + 1e-9) if inclusive else np.ceil(index - 1e-9)), _BINS)
        return max((float(row[index]) for row in found.values()), default=0.0)

    def filled(self):
        """Return ``{axis: fraction}`` of the modes that were filled in any measurement."""
        return {
            axis: float(np.argmax(row <= UNUSED)) / _BINS
            for axis, row in self.above.items()
            if row.max() > 0
        }

    def advice(self, truncation=1.0):
        """Return a line on axes on which fewer points resolve the run, or "".

        Parameters
        ----------
        truncation : float
            The fraction of modes that was advanced; if it was filled, nothing is known.
        """
        smaller, ratio = [], 1.0
        for axis, fraction in self.filled().items():
            if fraction > 0.98 * truncation:
                continue
            basis = self.solver.state[0].domain.full_bases[axis]
            size = fast_size(max(8, int(np.ceil(_MARGIN * fraction * basis.size))), basis.size % 2)
            if fraction > 0 and size <= WORTH_SAYING * basis.size:
                smaller.append(f"{size} of {basis.size} points along {basis.coord.name}")
                ratio *= basis.size / size
        if not smaller:
            return ""
        return (
            f"advice: {' and '.join(smaller)} would resolve this run (at all outputs, the other "
            f"modes hold less than {UNUSED:g} of the amplitude): {ratio:.2g} times cheaper per step"
        )


def squares(values):
    """Return |values|^2 without the roots of np.abs."""
    if np.iscomplexobj(values):
        return values.real**2 + values.imag**2
    return values**2


def _add(found, bins, axes, energies):
    """Add the energies of modes to bins along every axis."""
    if not np.isfinite(np.sum(found)):
        # Members that have failed are NaN.
        found = np.nan_to_num(found)
    for row, axis, places in zip(energies, axes, bins, strict=True):
        others = tuple(i for i in range(found.ndim) if i != axis)
        row += np.bincount(places, found.sum(axis=others), _BINS + 1)


def _bins(fractions):
    """Return the bin of every mode, from its part of the largest wavenumber."""
    return np.minimum(np.ceil(fractions * _BINS - 1e-9).astype(int), _BINS)
