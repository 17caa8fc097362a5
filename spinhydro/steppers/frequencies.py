"""Estimates of the fastest oscillations of a problem about its present state."""

import time
from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.blocks import NoSmallBlocks
from spinhydro.dedalus_support.memory import parts
from spinhydro.errors import Unsupported
from spinhydro.steppers.coupled_components import coupled_components
from spinhydro.steppers.explicit_part import senses_of
from spinhydro.steppers.fused_rates import FusedRates
from spinhydro.steppers.krylov import ritz_values, ritz_values_of_sketches
from spinhydro.steppers.local_spectrum import spectrum_of_points
from spinhydro.steppers.state_vectors import LARGE, chosen_modes, norm, total
from spinhydro.steppers.stock_rates import StockRates

#: Size of a state on all ranks, in bytes, from which evaluations are costly: J is then examined
#: point by point if possible, and Krylov spaces end when nothing changes.
COSTLY = 1 << 20
#: Dimension of the Krylov space; 24 find the largest frequency of a spin-wave spectrum to 2 %.
KRYLOV = 24
#: Linear modes at or above this part of the largest frequency represent the fastest wave.
SHELL = 0.98
#: Dimension of the Krylov space that starts with them: density, spin and their conjugates.
SMALL_KRYLOV = 6
#: Linear terms this much slower than the others do not change the limits.
SLOW = 100
#: Linear modes that represent all.
MODES = 40


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
    senses : array of float, optional
        For each of `values`: 1 if linear terms rotate its mode in the same sense, -1 if in the
        opposite one, 0 if unknown.
    modes : array of complex, optional
        Some eigenvalues of the linear terms, from the slowest to the fastest.
    pair : (float, float)
        Complex fields: mean a and root mean square b in F' u = -i (a u + b u*), as for a gas.
    extent, extent_sense : float
        Complex fields: largest imaginary part of u* J u over |u| = 1, and its sense. J of a gas is
        so far from normal that waves of finite size grow where this, and no eigenvalue, is beyond
        the limit.
    components : (array, array), optional
        J and A of some waves at some points (see `coupled_components`).
    """

    values: np.ndarray
    coupling: float
    linear: float
    whole: float
    seconds: float = float("nan")
    senses: np.ndarray = None
    modes: np.ndarray = None
    pair: tuple = (0.0, 0.0)
    extent: float = 0.0
    extent_sense: float = 0.0
    components: tuple = None

    @property
    def explicit(self):
        """Return the largest |lambda| of the explicit part."""
        return float(np.abs(self.values).max(initial=0))


def frequencies_of(solver, explicit_linear, with_modes=False, with_components=True):
    r"""Estimate the fastest oscillations about the present state.

    The eigenvalues of :math:`J = M^{-1} (\partial F/\partial X - L)` are estimated by the Arnoldi
    method from directional differences of the right-hand side. Complex fields count as pairs
    of real ones: with terms such as |f|² f, J is linear over the real numbers only. Eigenvalues of
    growing modes (positive real part) are left out: growth is physics and limits no timestep.

    Where a state of some size has no derivatives in the explicit part, J is a small matrix at each
    point, and its spectrum is that of all points (`local_spectrum`). Elsewhere only random sketches
    of the Krylov vectors of a large state are kept, which is enough to find the same eigenvalues
    (sketched Rayleigh-Ritz: Nakatsukasa and Tropp, SIAM J. Matrix Anal. Appl. 45, 1183 (2024)).

    Where the stepper treats L by itself, L is left out of J and its own frequencies come from its
    matrices. The frequency of the whole equation is then that of the fastest linear modes under
    J - L.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    explicit_linear : bool
        Whether the stepper treats L explicitly.
    with_modes : bool
        Whether to find `senses`, `modes` and `pair` too, where L is left out of J.
    with_components : bool
        Whether to find `components` of large complex states too, which takes long.

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
    is_costly = comm.allreduce(rates.nbytes, op=MPI.SUM) > COSTLY
    is_complex = np.iscomplexobj(solver.state[0].data)
    seconds = []

    def timed(call, *arguments):
        before = time.process_time()
        call(*arguments)
        seconds.append(time.process_time() - before)

    def differentiate(vector):
        timed(rates.differentiate, vector, comm)

    try:
        local, linear = rates.matrices_at_points(comm) if is_costly else None, None
        if local is None:
            vector = rates.noise(np.random.default_rng(0))
            if large:
                part = ritz_values_of_sketches(differentiate, vector, KRYLOV, comm)
            else:
                part = ritz_values(differentiate, vector, KRYLOV, comm, is_costly)
            del vector
        else:
            if not explicit_linear:
                linear = _linear_part(rates, comm)
            turning = linear.at_a_point(comm) if with_modes and linear is not None else None
            part = spectrum_of_points(*local, is_complex, comm, turning)
            for _ in range(2):
                timed(rates.evaluate)
        if part is None:
            return None
        whole = float(np.abs(part.values).max(initial=0))
        found = Frequencies(part.values, part.norm, 0.0, whole)
        if is_complex:
            found.extent = part.extent
        if not explicit_linear:
            if local is None:
                linear = _linear_part(rates, comm)
            _add_linear_part(found, linear, rates, comm, large)
            if with_modes and linear is not None and found.linear > whole / SLOW:
                senses = _senses(part, linear, comm)
                found.senses, found.extent_sense = senses[:-1], senses[-1]
                found.modes = _some_modes(linear, comm)
            # For states of some size the `pair` is enough where it decides.
            has_pair = is_complex and (rates.components == 1 or not with_components)
            if with_modes and not (is_costly and has_pair):
                found.components = coupled_components(rates, comm, is_costly)
            if with_modes and is_complex:
                found.pair = part.pair or _pair(differentiate, rates, comm)
    finally:
        rates.put_back()
    found.seconds = min(seconds) / rates.evaluations
    return found


def largest_frequency(solver, explicit_linear):
    """Return the largest |lambda| of the explicit part (see `frequencies_of`), or nan."""
    found = frequencies_of(solver, explicit_linear)
    return float("nan") if found is None else found.explicit


def _linear_part(rates, comm):
    """Return the linear part of rates; None if a rank has none."""
    try:
        linear = rates.linear_part()
    except (NoSmallBlocks, np.linalg.LinAlgError):
        linear = None
    return None if comm.allreduce(int(linear is None), op=MPI.SUM) else linear


def _add_linear_part(found, linear, rates, comm, large):
    """Note the largest linear frequency, and the fastest oscillation of the whole equation.

    The latter of a large state is estimated by half of the coupling, its first-order shift in a
    gas, which takes no memory.
    """
    if linear is None:
        found.linear = float("nan")
        return
    explicit, found.linear = found.whole, comm.allreduce(linear.largest, op=MPI.MAX)
    found.whole = max(explicit, found.linear)
    # Without linear terms the state may be on the grid, and has no modes to choose from.
    if found.linear <= explicit / SLOW:
        return
    if large:
        found.whole = max(explicit, found.linear + found.coupling / 2)
        return
    vector = rates.noise(np.random.default_rng(1))
    linear.keep_fastest(vector, SHELL * found.linear)
    if not norm(vector, comm):
        return

    def differentiate(vector):
        start = vector.copy()
        rates.differentiate(vector, comm)
        linear.add_rates(start, vector)

    part = ritz_values(differentiate, vector, SMALL_KRYLOV, comm)
    if part is not None:
        found.whole = max(explicit, np.abs(part.values).max(initial=0))


def _senses(part, linear, comm):
    """Return the senses in which linear terms rotate the modes of Ritz values, and of the extent.

    From the Rayleigh quotients of A with their vectors; 0 where these are not known.
    """
    if part.senses is not None:
        return part.senses
    if part.basis is None:
        return np.zeros(len(part.values) + 1)
    columns, rate = [], np.empty_like(part.basis[0])
    for vector in part.basis:
        rate[...] = 0
        linear.add_rates(vector, rate)
        columns.append([np.vdot(known, rate) for known in part.basis])
    projected = total(np.array(columns).T, comm)
    quotients = np.einsum("im,ij,jm->m", part.vectors.conj(), projected, part.vectors)
    return senses_of(quotients, np.append(part.values, 1j), np.abs(projected).max())


def _some_modes(linear, comm):
    """Return some eigenvalues of the linear terms, a geometric series of frequencies."""
    values = np.concatenate(comm.allgather(linear.modes(MODES)))
    return chosen_modes(values, MODES)


def _pair(differentiate, rates, comm):
    """Return a and b of F' u = -i (a u + b u*), from two derivatives along noise.

    The noise, which is as large as the state, is drawn again where it is needed.
    """
    direct = rates.noise(np.random.default_rng(2))
    scale = norm(direct, comm)
    if not scale:
        return 0.0, 0.0
    direct /= scale
    differentiate(direct)
    # Difference quotients have hardly more digits than single precision.
    direct = direct.view(complex).astype(np.complex64)
    turned = rates.noise(np.random.default_rng(2))
    turned.view(complex)[...] *= 1j / scale
    differentiate(turned)
    square = 0.0
    for a, b in parts(direct, turned.view(complex)):
        b *= 1j
        square += np.linalg.norm(a + b) ** 2
        a -= b
    del turned
    noise = rates.noise(np.random.default_rng(2)).view(complex)
    mean = total(np.vdot(noise, direct).imag, comm) / (2 * scale)
    return -float(mean), float(np.sqrt(total(square, comm))) / 2
