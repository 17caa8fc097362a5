"""Stationary states of large systems, by Newton's method without a matrix."""

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from spinhydro.derivatives.tangent import TangentMap, approximate_inverse

#: Newton's iteration ends at this rate, relative to the fastest rate of perturbations.
CONVERGED = 1e-11
#: Relative residual of the linear equations of one step.
INNER = 1e-3
#: Shifts of the first step, relative to a typical slow rate: almost Newton's step, then shorter.
SHIFTS = (0.05, 1.0, 10.0)
#: A rate that has fallen this much has found its state: what is left is that of the grid.
FOLLOWED = 1e-2
#: Largest number of steps from each first shift.
STEPS = 30


def stationary_state(form, start, fastest):
    r"""A stationary state near some values.

    Each step solves :math:`(J - \sigma) \delta = -F` by GMRES, J the linearised equations on the
    perturbations that projections allow. The shift falls with the rate F, which leads from an
    implicit Euler step, as in a relaxation, to Newton's step; it also keeps zero modes, such as
    translations, at rest. The shortest waves are damped until that limits the convergence: those
    next to the Nyquist mode do not fulfil the projections of a file well.

    Parameters
    ----------
    form : RealForm
    start : array (components, *shape)
        With the projections applied.
    fastest : float
        The fastest rate of perturbations.

    Returns
    -------
    array
        The state with the smallest rate that was found.
    """
    tangent = TangentMap(form, fastest, np.zeros((form.components,) * 2))
    project = form.model.jax.jit(form.project)
    smooth = start
    for _ in range(2):
        smooth = np.asarray(project(damped(smooth, 2)))
    start = min(start, smooth, key=lambda values: np.linalg.norm(tangent.residual(values)))
    best, least = start, np.inf
    for shift in SHIFTS:
        found, rate = _iterate(tangent, project, start, shift, CONVERGED * fastest)
        if rate < least:
            best, least = found, rate
        if least <= FOLLOWED * np.abs(tangent.residual(start)).max():
            break
    return best


def damped(values, order):
    """Values without their shortest waves, by the factor exp(-36 (k/k_max)^(2 order))."""
    axes, factor = tuple(range(1, values.ndim)), 0.0
    for axis in axes:
        size = values.shape[axis]
        k = np.fft.fftfreq(size) * 2
        factor = factor + (k**2).reshape([-1 if a == axis else 1 for a in axes])
    spectra = np.fft.fftn(values, axes=axes) * np.exp(-36 * factor**order)
    return np.fft.ifftn(spectra, axes=axes).real


def _iterate(tangent, project, values, shift, goal):
    """Newton's iteration from one first shift: the state of the smallest rate, and that rate."""
    rate = np.asarray(tangent.residual(values))
    size, best, least = np.linalg.norm(rate), values, np.abs(rate).max()
    first, damping, moved = size, True, np.inf
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
        rate = np.asarray(tangent.residual(values))
        before, size = size, np.linalg.norm(rate)
        if np.abs(rate).max() < least:
            best, least = values, np.abs(rate).max()
        if size > 0.8 * before and moved < 1e-3:
            if not damping:
                break
            damping = False
        shift *= min(size / before, 2.0)
    return best, least


def solve(tangent, inverse, values, shift, right):
    """The solution of (J - shift) x = right, by GMRES with an approximate inverse of J."""
    shape = values.shape

    def shifted(vector):
        vector = vector.reshape(shape)
        return np.asarray(tangent.push(values, vector)).ravel() - shift * vector.ravel()

    found, _ = gmres(
        LinearOperator((values.size,) * 2, matvec=shifted, dtype=float),
        np.array(right).ravel(),
        M=LinearOperator(
            (values.size,) * 2, matvec=lambda v: inverse(v.reshape(shape)).ravel(), dtype=float
        ),
        rtol=INNER, restart=60, maxiter=2,
    )  # fmt: skip
    return found.reshape(shape)
