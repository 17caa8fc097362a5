"""Differences between two runs of the same problem."""

from pathlib import Path

import h5py
import numpy as np


def compare_runs(first, second):
    """Return the largest and the rms difference of every output at the last time of two runs.

    Along axes with another number of points, the second run is evaluated at the points of the
    first as the Fourier series that it is.

    Parameters
    ----------
    first, second : Path
        Run folders of the same problem, on boxes of the same size.

    Returns
    -------
    dict
        ``{name: (rms, largest)}``.
    """

    def last(folder):
        files = sorted((folder / "fields").glob("*.h5"), key=lambda p: p.stat().st_mtime)
        with h5py.File(files[-1]) as file:
            return {name: file["tasks"][name][-1] for name in file["tasks"]}

    a, b = last(Path(first)), last(Path(second))
    found = {}
    for name in a:
        difference = np.abs(a[name] - at_points_of(b[name], a[name].shape))
        found[name] = (float(np.sqrt(np.mean(difference**2))), float(np.max(difference)))
    return found


def at_points_of(values, shape):
    """Return values on a periodic grid of this shape, from another grid of the same box."""
    is_real = np.isrealobj(values)
    for axis, size in enumerate(shape):
        number = values.shape[axis]
        if number == size:
            continue
        spectrum = np.moveaxis(np.fft.fft(values, axis=axis, norm="forward"), axis, 0)
        folded = np.zeros((size, *spectrum.shape[1:]), complex)
        modes = np.fft.fftfreq(number, 1 / number).round().astype(int)
        np.add.at(folded, modes % size, spectrum)
        values = np.moveaxis(np.fft.ifft(folded, axis=0, norm="forward"), 0, axis)
    return values.real if is_real else values


def extrapolated(difference, order):
    r"""Return the error of a run from its difference to a run of half the timestep.

    .. math:: e(h) = \frac{2^p}{2^p - 1} |X_h - X_{h/2}| + O(h^{p + 1})
    """
    return difference * 2**order / (2**order - 1)
