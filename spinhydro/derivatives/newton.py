"""Stationary states of large systems, by Newton's method without a matrix."""

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from spinhydro.derivatives.frame import INDEPENDENT, Frame, nearest_frame
from spinhydro.derivatives.tangent import TangentMap, approximate_inverse

#: Newton's iteration ends at this rate, relative to the fastest rate of perturbations.
CONVERGED = 1e-11
#: Relative residual of the linear equations of one step.
INNER = 1e-3
#: Shifts of the first step, relative to a typical slow rate: almost Newton's step, then shorter.
SHIFTS = (0.05, 1.0, 10.0)
#: Shift below which Newton's step is not improved by a smaller one.
LEAST_SHIFT = 1e-4
#: A state is smooth if damping its shortest waves does not raise the rate by this factor.
BLURRED = 4.0
#: A rate that has fallen this much has found its state: what is left is that of the grid.
FOLLOWED = 1e-2
#: Largest number of steps from each first shift, and of steps that do not halve the rate.
STEPS, STALLED = 30, 10


def stationary_state(form, start, fastest, symmetries=()):
    r"""A stationary state near some values, in a frame that is found with it.

    Each step solves :math:`(J - \sigma) \delta = -F` by GMRES, J the linearised equations on the
    perturbations that projections allow. The shift falls with the rate F, which leads from an
    implicit Euler step, as in a relaxation, to Newton's step; it also keeps zero modes, such as
    translations, at rest. The shortest waves are damped until that limits the convergence: those
    next to the Nyquist mode do not fulfil the projections of a file well. States with edges, such
    as a body in empty space, are not damped.

    With symmetries, the frequencies and velocities of the frame are unknowns too: at each state
    they are those that leave the smallest rate. Steps are orthogonal to the changes by the
    symmetries, which fixes phases and places.

    Parameters
    ----------
    form : RealForm
    start : array (components, *shape)
        With the projections applied.
    fastest : float
        The fastest rate of perturbations.
    symmetries : sequence of Symmetry
        Phases, rotations and translations that the frame may follow.

    Returns
    -------
    array
        The state with the smallest rate that was found.
    """
    tangent = TangentMap(form, fastest, _frame_at(form, symmetries, start))
    project = form.model.jax.jit(form.project)
    smooth = start
    for _ in range(2):
        smooth = np.asarray(project(damped(smooth, 2)))
    start = min(start, smooth, key=lambda values: np.linalg.norm(_residual(tangent, values)))
    blurred = np.asarray(project(damped(start, 8)))
    smooth, rough = (np.linalg.norm(_residual(tangent, values)) for values in (blurred, start))
    damping = smooth <= BLURRED * rough
    best, least = start, np.inf
    for shift in SHIFTS:
        found, rate = _iterate(tangent, project, start, shift, CONVERGED * fastest, damping)
        if rate < least:
            best, least = found, rate
        if least <= FOLLOWED * np.abs(_residual(tangent, start)).max():
            break
    return best


def _frame_at(form, symmetries, values):
    if not symmetries:
        return Frame(form)
    return nearest_frame(form, symmetries, values, form.compiled_rate(values))


def _residual(tangent, values):
    """The rate in the frame that leaves the smallest one, which is kept."""
    frame = tangent.frame
    if frame.symmetries:
        rate = np.asarray(tangent.form.compiled_rate(values)).ravel()
        columns = np.asarray(tangent.directions(values)).reshape(-1, values.size).T
        sizes = np.linalg.norm(columns, axis=0)
        sizes = np.where(sizes > 0, sizes, 1)
        found = np.linalg.lstsq(columns / sizes, rate, rcond=INDEPENDENT)[0]
        tangent.coefficients = found / sizes
    return np.asarray(tangent.residual(values))


def _phases(tangent, values):
    """An orthonormal basis (directions, unknowns) of the changes by symmetries."""
    rows = np.asarray(tangent.directions(values)).reshape(-1, values.size)
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    _, sizes, basis = np.linalg.svd(rows, full_matrices=False)
    return basis[sizes > INDEPENDENT]


def damped(values, order):
    """Values without their shortest waves, by the factor exp(-36 (k/k_max)^(2 order))."""
    axes, factor = tuple(range(1, values.ndim)), 0.0
    for axis in axes:
        size = values.shape[axis]
        k = np.fft.fftfreq(size) * 2
        factor = factor + (k**2).reshape([-1 if a == axis else 1 for a in axes])
    spectra = np.fft.fftn(values, axes=axes) * np.exp(-36 * factor**order)
    return np.fft.ifftn(spectra, axes=axes).real


def _iterate(tangent, project, values, shift, goal, damping):
    """Newton's iteration from one first shift: the state of the smallest rate, and that rate."""
    rate = _residual(tangent, values)
    size, best, least = np.linalg.norm(rate), values, np.abs(rate).max()
    first, moved, halved, stalled = size, np.inf, least, 0
    for _ in range(STEPS):
        if least <= goal or not np.isfinite(size) or size > 1e3 * first:
            break
        # The inverse follows the state while it moves.
        if moved > 1e-2:
            inverse = approximate_inverse(tangent, values)
        if moved == np.inf:
            shift = shift * inverse.gap
        step = solve(tangent, inverse, values, shift, -rate)
        moved = np.abs(step).max() / (np.abs(values).max() or 1.0)
        values = values + step
        values = np.asarray(project(damped(values, 8) if damping else values))
        rate = _residual(tangent, values)
        before, size = size, np.linalg.norm(rate)
        if np.abs(rate).max() < least:
            best, least = values, np.abs(rate).max()
        stalled = 0 if least <= 0.5 * halved else stalled + 1
        if stalled > STALLED:
            break
        halved = halved if stalled else least
        if size > 0.8 * before and moved < 1e-3:
            if damping:
                damping = False
            elif shift > LEAST_SHIFT * inverse.gap:
                # Soft directions, such as those of elliptic precession, need a smaller shift.
                shift *= 0.1
            else:
                break
        shift *= min(size / before, 2.0)
    return best, least


def solve(tangent, inverse, values, shift, right):
    """The solution of (J - shift) x = right without the directions of the symmetries, by GMRES.

    The approximate inverse of J is the preconditioner.
    """
    shape, phases = values.shape, _phases(tangent, values)

    def without(vector):
        return vector - phases.T @ (phases @ vector)

    def shifted(vector):
        inside = without(vector)
        moved = np.asarray(tangent.push(values, inside.reshape(shape))).ravel()
        return without(moved - shift * inside)

    found, _ = gmres(
        LinearOperator((values.size,) * 2, matvec=shifted, dtype=float),
        without(np.array(right).ravel()),
        M=LinearOperator(
            (values.size,) * 2,
            matvec=lambda v: without(inverse(without(v).reshape(shape)).ravel()), dtype=float,
        ),
        rtol=INNER, restart=60, maxiter=2,
    )  # fmt: skip
    return without(found).reshape(shape)
