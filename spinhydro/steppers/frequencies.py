"""Estimates of the fastest oscillations of a problem about its present state."""

import time
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.blocks import NoSmallBlocks
from spinhydro.dedalus_support.memory import parts
from spinhydro.errors import Unsupported
from spinhydro.steppers.linearised_rates import LARGE, FusedRates, StockRates, norm, total

#: Dimension of the Krylov space; 24 find the largest frequency of a spin-wave spectrum to 2 %.
KRYLOV = 24
#: Numbers in a sketch.
SKETCH = 1024
#: A mode with a growth rate above this part of |lambda| grows; others count as waves.
GROWING = 0.2
#: Linear modes at or above this part of the largest frequency represent the fastest wave.
SHELL = 0.98
#: Dimension of the Krylov space that starts with them: density, spin and their conjugates.
SMALL_KRYLOV = 6


@dataclass
class Frequencies:
    r"""Angular frequencies of the linearised problem, in radians per unit of time.

    Attributes
    ----------
    values : array of complex
        Estimated extreme eigenvalues of the explicit part J, without growing modes.
    coupling : float
        Estimated norm of J: how strongly the explicit part couples modes.
    linear : float
        Largest frequency of the terms that the stepper treats by itself, on the left side; 0 if it
        treats them explicitly, nan if unknown.
    whole : float
        Fastest oscillation of the whole equation.
    seconds : float
        CPU time of an evaluation of the right side on this rank; nan if unknown.
    """

    values: np.ndarray
    coupling: float
    linear: float
    whole: float
    seconds: float = float("nan")

    @property
    def explicit(self):
        """Return the largest |lambda| of the explicit part."""
        return float(np.abs(self.values).max(initial=0))


def frequencies_of(solver, explicit_linear):
    r"""Estimate the fastest oscillations about the present state.

    The eigenvalues of :math:`J = M^{-1} (\partial F/\partial X - L)` are estimated by the Arnoldi
    method from directional differences of the right-hand side. Complex fields count as pairs
    of real ones: with terms such as |f|² f, J is linear over the real numbers only. Eigenvalues of
    growing modes (positive real part) are left out: growth is physics and limits no timestep.
    Only random sketches of the Krylov vectors of a large state are kept, which is enough to find
    the same eigenvalues (sketched Rayleigh-Ritz: Nakatsukasa and Tropp, SIAM J. Matrix Anal. Appl.
    45, 1183 (2024)).

    Where the stepper treats L by itself, L is left out of J and its own frequencies come from its
    matrices. The frequency of the whole equation is then that of the fastest linear modes under
    J - L.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    explicit_linear : bool
        Whether the stepper treats L explicitly.

    Returns
    -------
    Frequencies or None
        None if the right-hand side is not finite, or if M and L do not determine all variables.

    Where M is singular (constraint equations), J acts on states that keep the constraints, and the
    frequencies of L are unknown.
    """
    is_fused = hasattr(solver.timestepper, "right_side")
    try:
        rates = (FusedRates if is_fused else StockRates)(solver, explicit_linear)
    except (RuntimeError, Unsupported):
        return None
    comm = solver.dist.comm
    large = comm.allreduce(rates.nbytes, op=MPI.MAX) > LARGE
    ritz = _ritz_values_of_sketches if large else _ritz_values
    seconds = []

    def differentiate(vector):
        before = time.process_time()
        rates.differentiate(vector, comm)
        seconds.append(time.process_time() - before)

    try:
        vector = rates.noise(np.random.default_rng(0))
        found = ritz(differentiate, vector, KRYLOV, comm)
        if found is None:
            return None
        del vector
        values, coupling = found
        linear, whole = 0.0, float(np.abs(values).max(initial=0))
        if not explicit_linear:
            linear, whole = _with_linear_part(rates, comm, whole, coupling, large)
    finally:
        rates.put_back()
    return Frequencies(values, coupling, linear, whole, min(seconds) / rates.evaluations)


def largest_frequency(solver, explicit_linear):
    """Return the largest |lambda| of the explicit part (see `frequencies_of`), or nan."""
    found = frequencies_of(solver, explicit_linear)
    return float("nan") if found is None else found.explicit


def _with_linear_part(rates, comm, explicit, coupling, large):
    """Return (largest linear frequency, fastest oscillation of the whole equation).

    The latter of a large state is estimated by half of the coupling, its first-order shift in a
    gas, which takes no memory.
    """
    try:
        linear = rates.linear_part()
    except (NoSmallBlocks, np.linalg.LinAlgError):
        linear = None
    if comm.allreduce(int(linear is None), op=MPI.SUM):
        return float("nan"), explicit
    largest = comm.allreduce(linear.largest, op=MPI.MAX)
    # Without linear terms the state may be on the grid, and has no modes to choose from.
    if largest <= explicit / 100:
        return largest, max(largest, explicit)
    if large:
        return largest, max(explicit, largest + coupling / 2)
    vector = rates.noise(np.random.default_rng(1))
    linear.keep_fastest(vector, SHELL * largest)
    if not norm(vector, comm):
        return largest, max(largest, explicit)

    def differentiate(vector):
        start = vector.copy()
        rates.differentiate(vector, comm)
        linear.add_rates(start, vector)

    found = _ritz_values(differentiate, vector, SMALL_KRYLOV, comm)
    return largest, max(explicit, largest if found is None else np.abs(found[0]).max(initial=0))


def _ritz_values(differentiate, vector, number, comm):
    """Estimate extreme eigenvalues of a matrix by the Arnoldi method.

    Parameters
    ----------
    differentiate : callable
        Multiplies a vector of real numbers by the matrix, in place.
    vector : array
        Where the Krylov space begins; overwritten.
    number : int
        Its dimension.

    Returns
    -------
    (array of eigenvalues without growing modes, norm) or None
        None if a product is not finite.
    """
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
        if hessenberg[j + 1, j] <= 1e-12 * np.abs(hessenberg).max():
            size = j + 1
            break
        basis.append(vector / hessenberg[j + 1, j])
    return _waves(hessenberg[:size, :size]), float(np.linalg.norm(hessenberg[: size + 1, :size], 2))


def _ritz_values_of_sketches(differentiate, vector, number, comm):
    """Estimate extreme eigenvalues by Arnoldi with one vector in memory at a time."""
    scale = norm(vector, comm)
    sketch = _sketch(vector, comm)
    before, after = [], []
    for _ in range(number):
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
    # Vectors that are nearly multiples of each other carry no information.
    left, sizes, right = np.linalg.svd(np.array(before).T, full_matrices=False)
    kept = sizes > 1e-6 * sizes[0]
    left, sizes, right = left[:, kept], sizes[kept], right[kept]
    changes = np.array(after).T @ right.T / sizes
    return _waves(left.T @ changes), float(np.linalg.norm(changes, 2))


def _waves(matrix):
    """Eigenvalues of a matrix without those of growing modes."""
    values = np.linalg.eigvals(matrix)
    return values[values.real <= GROWING * np.abs(values)]


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
