"""Vectors of real numbers that states are linearised along, and sums over ranks."""

import numpy as np

#: Size of a state, in bytes, from which memory counts.
LARGE = 1 << 22
#: Part of the largest entry of L by which M is completed where it is singular.
COMPLETION = 1e-4
#: Relative difference of frequencies that count as the same.
SAME_FREQUENCY = 0.02


def norm(vector, comm):
    """Return the length of a vector over all ranks."""
    return np.sqrt(total(np.vdot(vector, vector), comm))


def total(value, comm):
    """Return the sum of a value over all ranks.

    A single rank skips mpi4py, which pickles a NumPy number in the time of a small right side.
    """
    return value if comm.size == 1 else comm.allreduce(value)


def chosen_modes(values, number):
    """Return some of many eigenvalues, of a geometric series of frequencies over four decades.

    Among those of nearly the same frequency, the least damped one.
    """
    frequencies = np.abs(values.imag)
    largest = frequencies.max(initial=0)
    if not largest:
        return values[:1]
    groups = np.round(np.log(np.maximum(frequencies / largest, 1e-6)) / SAME_FREQUENCY)
    order = np.lexsort((-values.real, groups))
    values, groups = values[order], groups[order]
    wanted = np.round(np.log(np.geomspace(1e-4, 1, number)) / SAME_FREQUENCY)
    places = np.minimum(np.searchsorted(groups, wanted), values.size - 1)
    return values[np.unique(places)]


def difference_step(size):
    """Length of the difference quotient along a unit vector, for a state of this length."""
    return 1e-5 * max(size, 1e-3)


def as_reals(data):
    return data.view(data.real.dtype)


def units(data):
    """Return the units of the real and of the imaginary part, if there is one."""
    return (1, 1j) if np.iscomplexobj(data) else (1,)


def real_rows(rows):
    """Return rows of real numbers, real and imaginary parts of complex ones in turn."""
    if not np.iscomplexobj(rows):
        return rows
    return np.stack([rows.real, rows.imag], axis=1).reshape(2 * len(rows), -1)


def kept_modes(stepper):
    """Return which modes a stepper keeps, as it holds them; None if it keeps all."""
    return stepper.kept() if hasattr(stepper, "kept") else None


def widest_domain(variables):
    """Return the domain with the most bases of those of some variables."""
    return max((variable.domain for variable in variables), key=lambda domain: len(domain.bases))


def wave_on_grid(domain, mode, is_sine):
    """Return the values of a wave on a rank's part of the grid of Fourier bases.

    Parameters
    ----------
    domain : Domain
    mode : tuple of int
        Number of waves along each axis.
    is_sine : bool
        Whether it is a sine, else a cosine.
    """
    layout, phase = domain.dist.grid_layout, 0.0
    shape, slices = layout.global_shape(domain, 1), layout.slices(domain, 1)
    for axis, number in enumerate(mode):
        places = np.arange(shape[axis])[slices[axis]]
        places = places.reshape([-1 if other == axis else 1 for other in range(len(shape))])
        phase = phase + 2 * np.pi * number * places / shape[axis]
    values = np.sin(phase) if is_sine else np.cos(phase)
    return np.broadcast_to(values, layout.local_shape(domain, 1))
