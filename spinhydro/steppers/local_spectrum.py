"""The spectrum of a linearised right side that is a matrix at each point."""

import numpy as np
from mpi4py import MPI

from spinhydro.steppers.explicit_part import ExplicitPart, are_waves, senses_of
from spinhydro.steppers.state_vectors import total

#: Groups of neighbouring points on a rank. Of each, three points at most are diagonalised.
GROUPS = 1024
#: Directions of the upper half-plane. The largest eigenvalue of each is kept.
DIRECTIONS = 32


def spectrum_of_points(points, blocks, is_complex, comm, linear=None):
    r"""Return the outermost eigenvalues, norm and numerical range of a matrix at each point.

    All points of a small state are diagonalised; of a larger one, those where the spectral radius,
    the norm or the numerical range are largest in a group of neighbouring points, as is seen from
    :math:`|\operatorname{tr} M^2|` (the sum of the squares of the frequencies), from the sum of the
    fourth powers of the singular values, and from that of the squares of M - M^T.

    Parameters
    ----------
    points : int
        Number of points on this rank.
    blocks : iterable of arrays (rows, columns, points)
        The matrices M of all of them, of real numbers: a complex component counts as its real and
        its imaginary part.
    is_complex : bool
        Whether components are complex.
    comm : MPI communicator
    linear : array (rows, columns), optional
        Matrix of the linear terms of a wave at a single point.

    Returns
    -------
    ExplicitPart or None
        With `pair` for complex components and `senses` if the linear terms are given. None if a
        matrix is not finite.
    """
    group, chosen = -(-points // GROUPS), []
    sums, is_finite = np.zeros(3), True
    for block in blocks:
        is_finite &= bool(np.isfinite(block).all())
        places = [_largest_of_groups(sizes, group) for sizes in _sizes(block)]
        chosen.append(block[:, :, np.unique(places)])
        if is_complex:
            sums += _pair_sums(block)
    if comm.allreduce(int(not is_finite), op=MPI.SUM):
        return None
    matrices = np.concatenate(chosen, axis=-1) if chosen else np.zeros((1, 1, 0))
    matrices = np.moveaxis(matrices, -1, 0)
    values, senses = _outermost(*_values_and_senses(matrices, linear))
    gathered = comm.allgather((values, senses))
    values, senses = _outermost(*map(np.concatenate, zip(*gathered, strict=True)))
    found = ExplicitPart(values, _largest_norm(matrices, comm))
    extent_sense = 0.0
    if is_complex:
        found.extent, extent_sense = max(comm.allgather(_extent_and_sense(matrices, linear)))
        mean, square, number = total(sums, comm)
        found.pair = float(mean / number), float(np.sqrt(square / number))
    if linear is not None:
        found.senses = np.append(senses, extent_sense)
    return found


def _values_and_senses(matrices, linear):
    """Return all eigenvalues but those of growing modes, and the senses of their modes."""
    if linear is None:
        values = np.linalg.eigvals(matrices).ravel()
        senses = np.zeros(values.size)
    else:
        values, vectors = np.linalg.eig(matrices)
        quotients = np.einsum("pik,ij,pjk->pk", vectors.conj(), linear, vectors, optimize=True)
        senses = senses_of(quotients, values, np.abs(linear).max(initial=0)).ravel()
        values = values.ravel()
    kept = are_waves(values)
    return values[kept], senses[kept]


def _extent_and_sense(matrices, linear):
    """Return the largest imaginary part of the numerical range, and its sense."""
    if not matrices.size:
        return 0.0, 0.0
    turns = (matrices - matrices.swapaxes(-1, -2)) / 2j
    extents = np.linalg.eigvalsh(turns)[:, -1]
    place = np.argmax(extents)
    if linear is None:
        return float(extents[place]), 0.0
    vector = np.linalg.eigh(turns[place])[1][:, -1]
    quotient = np.array([np.vdot(vector, linear @ vector)])
    sense = senses_of(quotient, np.array([1j]), np.abs(linear).max(initial=0))
    return float(extents[place]), float(sense[0])


def _sizes(block):
    """Yield what is large where the spectral radius, the norm or the numerical range are large."""
    yield np.abs(np.einsum("ijp,jip->p", block, block))
    fourth_powers = np.zeros(block.shape[-1])
    for i, first in enumerate(block):
        for j in range(i + 1):
            product = np.einsum("kp,kp->p", first, block[j])
            fourth_powers += (1 + (j < i)) * product**2
    yield fourth_powers
    skew = block - block.swapaxes(0, 1)
    yield np.einsum("ijp,ijp->p", skew, skew)


def _largest_of_groups(values, size):
    """Return the place of the largest of each group of neighbouring values."""
    number = -(-values.size // size)
    padded = np.full(number * size, -1.0)
    padded[: values.size] = values
    return padded.reshape(number, size).argmax(axis=1) + size * np.arange(number)


def _largest_norm(matrices, comm):
    norms = np.linalg.norm(matrices, 2, axis=(-2, -1)) if matrices.size else np.zeros(0)
    return comm.allreduce(float(norms.max(initial=0)), op=MPI.MAX)


def _outermost(values, senses):
    """Return the largest value of each direction in the upper half-plane, for each sense."""
    values = np.where(values.imag < 0, values.conj(), values)
    order = np.argsort(-np.abs(values))
    values, senses = values[order], senses[order]
    directions = 3 * np.round(np.angle(values) * (DIRECTIONS / np.pi)) + senses
    kept = np.unique(directions, return_index=True)[1]
    return values[kept], senses[kept]


def _pair_sums(block):
    """Return sums of a, of |b|^2 and of 1 over points and components, as of `Frequencies.pair`."""
    # u -> (p + i q) u + (r + i s) u*, with a = -q + i p.
    of_real, of_imaginary = block[:, 0::2], block[:, 1::2]
    q = np.einsum("iip->", of_real[1::2]) - np.einsum("iip->", of_imaginary[0::2])
    r, s = of_real[0::2] - of_imaginary[1::2], of_real[1::2] + of_imaginary[0::2]
    square = np.einsum("ijp,ijp->", r, r) + np.einsum("ijp,ijp->", s, s)
    return np.array([-q / 2, square / 4, len(r) * block.shape[-1]])
