"""Initial states: traps, and densities of trapped gases."""

import functools

import numpy as np

from spinhydro.errors import InputError
from spinhydro.physics.trap_modes import MirroredModes, PeriodicModes


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


def pedestal(potential, wall, width):
    r"""A trap that levels off, so that there is gas everywhere: a smooth minimum.

    .. math:: V_p = w - \delta \ln\left(1 + e^{(w - V)/\delta}\right)

    Parameters
    ----------
    potential : array
        V, in any unit.
    wall : float
        w: V_p tends to it far out. With 0.95 of the chemical potential 5 % of the density at V = 0
        are left.
    width : float
        delta > 0: how gently. A kink where a periodic box closes would stir the gas.
    """
    return wall - width * np.logaddexp(0, (wall - np.asarray(potential)) / width)


def ground_state(x, *arguments, **options):
    """Return the ground state of a problem, or the density of a single trapped component.

    ``ground_state(problem, N=…)`` fills the fields of a problem: see
    `spinhydro.physics.stationary.stationary_state`. ``ground_state(x, potential, interaction,
    kinetic, chemical_potential)`` returns a density: see `ground_state_density`.
    """
    if hasattr(x, "equations"):
        from spinhydro.physics.stationary import stationary_state

        return stationary_state(x, *arguments, **options)
    return ground_state_density(x, *arguments, **options)


def ground_state_density(x, potential, interaction, kinetic, chemical_potential, tolerance=1e-12):
    r"""Density of the ground state of one component on a periodic grid, by Newton's method.

    .. math:: -K \nabla^2 p + V p + g p^3 = \mu p, \qquad n = p^2, \quad K = \hbar/2m

    with every term divided by hbar, so that V, g and mu are frequencies.

    Parameters
    ----------
    x : array (N,), or tuple of arrays (Nx,), (Ny,), …
        Equidistant grid of the whole period along each axis, N even. An array of one axis may have
        further axes of length 1, as ``dist.local_grid`` gives it.
    potential : array (N,), or (Nx, Ny, …)
        V/hbar. Every index of further axes, such as that of the members, is a separate gas.
    interaction : float or per_member
        g/hbar for a density in units of the reference density, > 0.
    kinetic : float or per_member
        hbar/2m > 0.
    chemical_potential : float or per_member
        mu/hbar > min(V).
    tolerance : float
        Largest residual |(-K lap + V + g p^2 - mu) p| relative to mu.

    Returns
    -------
    array, of the shape of `potential`, or (members of this rank, …)
        n in units of the reference density.

    Raises
    ------
    InputError
        If mu lies below the potential, or if the grid is too coarse for Newton's method to
        converge.
    """
    axes = [np.asarray(axis, float) for axis in (x if isinstance(x, tuple) else (x,))]
    # The axis along which a single grid runs, counted from the last.
    last = next((i for i in range(-axes[0].ndim, 0) if axes[0].shape[i] > 1), -1)
    along = last if len(axes) == 1 else -1
    values = np.broadcast_arrays(
        *(np.asarray(v, float) for v in (potential, interaction, kinetic, chemical_potential))
    )
    potentials, *numbers = (np.moveaxis(value, along, -1) for value in values)
    result = np.empty(potentials.shape)
    for gas in np.ndindex(potentials.shape[: -len(axes)]):
        here = (value[gas].flat[0] for value in numbers)
        result[gas] = _one_gas([a.ravel() for a in axes], potentials[gas], *here, tolerance)
    return np.moveaxis(result, -1, along)


def _one_gas(axes, potential, *numbers):
    """The density of one gas on the grid of `axes`."""
    if not np.all(np.isfinite(potential)):
        raise InputError("no ground state: the potential is not finite everywhere")
    kind = MirroredModes if MirroredModes.is_possible(potential) else PeriodicModes
    return _density(kind, axes, potential, *numbers)


def _density(kind, axes, potential, interaction, kinetic, chemical_potential, tolerance):
    """The density of one gas, by its modes of this kind."""
    shape = tuple(axis.size for axis in axes)
    spacing = max(axis[1] - axis[0] for axis in axes)
    length = min(axis.size * (axis[1] - axis[0]) for axis in axes)
    if chemical_potential <= potential.min():
        raise InputError(
            f"no ground state: the chemical potential {chemical_potential:g} is not above the "
            f"bottom of the trap {potential.min():g}"
        )
    modes = kind(axes)
    k_squared, filtered = modes.k_squared, modes.filter

    def minus_laplacian(p):
        return filtered(k_squared, p)

    numbers = interaction, kinetic, chemical_potential
    p = _start_on_coarser_grid(modes, axes, potential, *numbers)
    potential = modes.part(potential)
    if p is None:
        p = np.sqrt(np.maximum(chemical_potential - potential, 0) / interaction)
        # Newton's Jacobian is singular where p = 0: start with a tail outside the Thomas-Fermi
        # edge.
        width = (kinetic * length / (4 * chemical_potential)) ** (1 / 3)
        p = filtered(np.exp(-k_squared * width**2 / 2), p)

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
    previous = size_of(r)
    for _ in range(60):
        if size_of(r) <= tolerance:
            return modes.whole(p**2)
        diagonal = potential - chemical_potential + 3 * interaction * p**2
        if len(shape) == 1:
            symbol, accuracy = kinetic * k_squared, 1e-10
        else:
            # Single precision, which takes half the time, is enough for the accuracy of a step;
            # the residual, which decides, is in double precision.
            diagonal = diagonal.astype(np.float32)
            symbol = (kinetic * k_squared).astype(np.float32)
            # Newton's method squares the reduction of the last step: more accuracy is useless.
            expected = (size_of(r) / previous) ** 2
            accuracy = np.clip(max(expected, tolerance / size_of(r) / 10), 1e-4, 1e-2)
        precondition = _split_inverse(diagonal, symbol, filtered)
        # Powers of two change no digit.
        scale = np.exp2(np.floor(np.log2(np.abs(r).max())))
        kinetic_energy = functools.partial(filtered, symbol)
        step = scale * _newton_step(
            r / scale, diagonal, kinetic_energy, precondition, accuracy, modes.dot
        )
        damping, previous = 1.0, size_of(r)
        p = p + step
        r = residual(p)
        while size_of(r) > previous and damping > 1e-3:
            damping /= 2
            p = p - damping * step
            r = residual(p)
    raise InputError(
        f"the ground state did not converge (residual {size_of(r):.1e}): take more grid points "
        f"(spacing {spacing:g}, healing length {np.sqrt(kinetic / chemical_potential):.3g}) or a "
        "larger box"
    )


#: Points along an axis from which Newton's method starts from the solution on half of them.
_COARSEST = 32


def _start_on_coarser_grid(modes, axes, potential, *numbers):
    """Return sqrt(n) of the grid of every other point, interpolated, or None on coarse grids."""
    strides = [2 if axis.size % 4 == 0 and axis.size >= 2 * _COARSEST else 1 for axis in axes]
    if len(axes) == 1 or max(strides) == 1:
        return None
    part = tuple(slice(None, None, stride) for stride in strides)
    coarse_axes = [axis[::stride] for axis, stride in zip(axes, strides, strict=True)]
    try:
        density = _density(type(modes), coarse_axes, potential[part], *numbers, tolerance=1e-4)
    except InputError:
        # Too coarse for this gas, or it misses the bottom of the trap.
        return None
    p = np.sqrt(modes.part(density))
    for i, stride in enumerate(strides):
        if stride == 2:
            p = modes.on_finer_grid(p, i)
    return p


def _newton_step(r, diagonal, kinetic_energy, precondition, accuracy, dot):
    """Solve J step = -r, J = -K lap + diagonal, by preconditioned conjugate gradients.

    In the precision of the diagonal, to an accuracy relative to the norm of r. SciPy's function
    takes as many iterations, and as long to load as all of these in one dimension.
    """
    r = -r.astype(diagonal.dtype)
    step, goal = np.zeros_like(r), accuracy**2 * dot(r, r)
    direction, product = 0, 1
    for _ in range(400):
        z = precondition(r)
        before, product = product, dot(r, z)
        direction = z + (product / before) * direction
        change = kinetic_energy(direction) + diagonal * direction
        length = product / dot(direction, change)
        step += length * direction
        r -= length * change
        if dot(r, r) <= goal:
            break
    return step


def _split_inverse(diagonal, kinetic_symbol, filtered):
    """Approximate inverse of J for a slowly varying diagonal, split symmetrically."""
    # Short waves are found at the edge of the gas, where the diagonal is small.
    edge = np.abs(diagonal).mean() / 3
    half = 1 / np.sqrt(np.maximum(np.abs(diagonal), edge))
    between = 1 / (1 + kinetic_symbol / edge)
    return lambda u: half * filtered(between, half * u)
