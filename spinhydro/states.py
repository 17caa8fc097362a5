"""Initial states: densities of trapped gases."""

import numpy as np
from scipy.linalg import solveh_banded
from scipy.sparse.linalg import LinearOperator, cg

from spinhydro.errors import InputError


def thomas_fermi(x, R_x, floor=0.0):
    r"""Thomas-Fermi density of a harmonic trap, in units of its peak.

    .. math:: u = 1 - x^2/R_x^2, \qquad n = \max(u, 0) \quad\text{or}\quad
              n = \tfrac12 \left( u + \sqrt{u^2 + 4 f^2} \right)

    Parameters
    ----------
    x : array
        Positions.
    R_x : float
        Thomas-Fermi radius, > 0, in the units of x.
    floor : float
        f >= 0: smooths the kink at R_x, where the density is then f, and keeps n > 0 everywhere.
        0 gives the bare inverted parabola.
    """
    u = 1 - (np.asarray(x) / R_x) ** 2
    if floor == 0:
        return np.maximum(u, 0)
    return (u + np.sqrt(u**2 + 4 * floor**2)) / 2


def ground_state(x, potential, interaction, kinetic, chemical_potential, tolerance=1e-12):
    r"""Density of the ground state of one component on a periodic grid, by Newton's method.

    .. math:: -K \partial_x^2 p + V p + g p^3 = \mu p, \qquad n = p^2, \quad K = \hbar/2m

    with every term divided by hbar, so that V, g and mu are frequencies.

    Parameters
    ----------
    x : array (N,)
        Equidistant grid of the whole period, N even.
    potential : array (N,)
        V(x)/hbar.
    interaction : float
        g/hbar for a density in units of the reference density, > 0.
    kinetic : float
        hbar/2m > 0.
    chemical_potential : float
        mu/hbar > min(V).
    tolerance : float
        Largest residual |(-K dxx + V + g p^2 - mu) p| relative to mu.

    Returns
    -------
    array (N,)
        n(x) in units of the reference density.

    Raises
    ------
    InputError
        If mu lies below the potential, or if the grid is too coarse for Newton's method to
        converge.
    """
    x, potential = np.asarray(x, float), np.asarray(potential, float)
    size, spacing = x.size, x[1] - x[0]
    if not np.all(np.isfinite(potential)):
        raise InputError("no ground state: the potential is not finite everywhere")
    if chemical_potential <= potential.min():
        raise InputError(
            f"no ground state: the chemical potential {chemical_potential:g} is not above the "
            f"bottom of the trap {potential.min():g}"
        )
    k_squared = (2 * np.pi * np.fft.rfftfreq(size, spacing)) ** 2

    def minus_laplacian(p):
        return np.fft.irfft(k_squared * np.fft.rfft(p), size)

    p = np.sqrt(np.maximum(chemical_potential - potential, 0) / interaction)
    # Newton's Jacobian is singular where p = 0: start with a tail outside the Thomas-Fermi edge.
    width = (kinetic * spacing * size / (4 * chemical_potential)) ** (1 / 3)
    smooth = np.exp(-k_squared * width**2 / 2)
    p = np.fft.irfft(smooth * np.fft.rfft(p), size)

    def residual(p):
        return (
            kinetic * minus_laplacian(p) + (potential - chemical_potential + interaction * p**2) * p
        )

    def size_of(r):
        return np.abs(r).max() / chemical_potential

    r = residual(p)
    # Rounding in the second derivative sets the floor of the residual on fine grids.
    tolerance = max(
        tolerance, 10 * np.finfo(float).eps * kinetic * k_squared.max() / chemical_potential
    )
    for _ in range(60):
        if size_of(r) <= tolerance:
            return p**2
        step = _newton_step(p, r, kinetic, potential, interaction, chemical_potential, spacing,
                            minus_laplacian)  # fmt: skip
        damping = 1.0
        while size_of(residual(p + damping * step)) > size_of(r) and damping > 1e-3:
            damping /= 2
        p = p + damping * step
        r = residual(p)
    raise InputError(
        f"the ground state did not converge (residual {size_of(r):.1e}): take more grid points "
        f"(spacing {spacing:g}, healing length {np.sqrt(kinetic / chemical_potential):.3g}) or a "
        "larger box"
    )


def _newton_step(p, r, kinetic, potential, interaction, chemical_potential, spacing,
                 minus_laplacian):  # fmt: skip
    """Solve J step = -r, J = -K dxx + V - mu + 3 g p^2, by preconditioned conjugate gradients."""
    diagonal = potential - chemical_potential + 3 * interaction * p**2
    # The preconditioner is the second-order finite difference of J, made positive definite.
    positive = np.maximum(diagonal, 1e-3 * chemical_potential)
    banded = np.zeros((2, p.size))
    banded[0, 1:] = -kinetic / spacing**2
    banded[1] = 2 * kinetic / spacing**2 + positive
    shape = (p.size, p.size)
    jacobian = LinearOperator(shape, lambda u: kinetic * minus_laplacian(u) + diagonal * u)
    inverse = LinearOperator(shape, lambda u: solveh_banded(banded, u))
    step, _ = cg(jacobian, -r, rtol=1e-10, maxiter=400, M=inverse)
    return step
