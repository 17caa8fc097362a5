"""Estimates of extreme eigenvalues of a real matrix from products with vectors."""

import numpy as np

from spinhydro.dedalus_support.memory import parts
from spinhydro.steppers.explicit_part import ExplicitPart, are_waves
from spinhydro.steppers.state_vectors import norm, total

#: Part of the largest rate from which a new vector is what difference quotients leave.
EXHAUSTED = 1e-8
#: Numbers in a sketch.
SKETCH = 1024
#: Part of the largest singular value of the sketches up to which others are rounding errors.
DEPENDENT = 1e-6
#: Smallest Krylov space that is examined, and relative change by three vectors with which it is
#: large enough.
FEWEST, SETTLED = 8, 0.005


def ritz_values(differentiate, vector, number, comm, may_settle=False):
    """Estimate extreme eigenvalues of a matrix by the Arnoldi method.

    Parameters
    ----------
    differentiate : callable
        Multiplies a vector of real numbers by the matrix, in place.
    vector : array
        Where the Krylov space begins; overwritten.
    number : int
        Its dimension.
    may_settle : bool
        End before when the largest value, the norm and the extent no longer change.

    Returns
    -------
    ExplicitPart or None
        None if a product is not finite.
    """
    estimates = []
    basis, hessenberg = [vector / norm(vector, comm)], np.zeros((number + 1, number))
    size = number
    for j in range(number):
        vector = basis[j].copy()
        differentiate(vector)
        if not np.isfinite(norm(vector, comm)):
            return None
        for i, known in enumerate(basis):
            hessenberg[i, j] = total(np.vdot(known, vector), comm)
            vector -= hessenberg[i, j] * known
        hessenberg[j + 1, j] = norm(vector, comm)
        if hessenberg[j + 1, j] <= EXHAUSTED * np.abs(hessenberg).max():
            size = j + 1
            break
        if may_settle and j + 1 >= FEWEST:
            estimates.append(_of_hessenberg(hessenberg[: j + 2, : j + 1]))
            if _is_settled(estimates):
                size = j + 1
                break
        basis.append(vector / hessenberg[j + 1, j])
    found = _of_hessenberg(hessenberg[: size + 1, :size])
    found.basis = basis[:size]
    return found


def _of_hessenberg(hessenberg):
    """Return what the matrix (size + 1, size) of an Arnoldi method tells of the whole matrix."""
    square = hessenberg[:-1]
    values, vectors = np.linalg.eig(square)
    kept = are_waves(values)
    extents, others = np.linalg.eigh((square - square.T) / 2j)
    vectors = np.column_stack([vectors[:, kept], others[:, -1]])
    largest = float(np.linalg.norm(hessenberg, 2))
    return ExplicitPart(values[kept], largest, float(extents[-1]), vectors=vectors)


def ritz_values_of_sketches(differentiate, vector, number, comm):
    """Estimate extreme eigenvalues by Arnoldi with one vector in memory at a time.

    Ends before the Krylov space has its dimension `number` when the largest value, the norm and the
    extent no longer change, or when sketches of new vectors are sums of known ones.
    """
    scale = norm(vector, comm)
    sketch = _sketch(vector, comm)
    before, after, estimates = [], [], []
    while len(after) < number:
        vector *= 1 / scale
        before.append(sketch / scale)
        differentiate(vector)
        sketch = _sketch(vector, comm)
        after.append(sketch)
        scale = norm(vector, comm)
        if not np.isfinite(scale):
            return None
        if scale == 0:
            break
        if len(after) >= FEWEST:
            estimates.append(_of_sketches(before, after))
            if _is_settled(estimates):
                break
    return _of_sketches(before, after)


def _of_sketches(before, after):
    """Return what the sketches of vectors, and of their products with the matrix, tell of it."""
    left, sizes, right = np.linalg.svd(np.array(before).T, full_matrices=False)
    # Vectors that are nearly multiples of each other carry no information.
    kept = sizes > DEPENDENT * sizes[0]
    left, sizes, right = left[:, kept], sizes[kept], right[kept]
    changes = np.array(after).T @ right.T / sizes
    square = left.T @ changes
    values = np.linalg.eigvals(square)
    extent = float(np.linalg.eigvalsh((square - square.T) / 2j)[-1])
    return ExplicitPart(values[are_waves(values)], float(np.linalg.norm(changes, 2)), extent)


def _is_settled(estimates):
    """Return whether the last three vectors have changed nothing."""
    if len(estimates) < 4:
        return False
    numbers = np.array(
        [
            (np.abs(part.values).max(initial=0), part.norm, part.extent)
            for part in (estimates[-4], estimates[-1])
        ]
    )
    return bool(np.all(np.abs(numbers[1] - numbers[0]) <= SETTLED * numbers[1]))


def _sketch(vector, comm):
    """Sums of a vector's entries with random signs, the same for every vector."""
    block = 64 * SKETCH
    random = np.random.default_rng(comm.rank)
    # Every block takes its signs from another place of one sequence.
    signs = random.choice([-1.0, 1.0], 2 * block)
    found = np.zeros(SKETCH)
    for (part,) in parts(vector, size=block):
        first = int(random.integers(block))
        rows = part.size // SKETCH
        whole = rows * SKETCH
        mine = signs[first : first + part.size]
        found += np.einsum(
            "ij,ij->j", part[:whole].reshape(rows, SKETCH), mine[:whole].reshape(rows, SKETCH)
        )
        found[: part.size - whole] += part[whole:] * mine[whole:]
    return total(found, comm)
