"""Profiles at the edges of a box by name: absorbing sponges and box traps."""

import numpy as np

from spinhydro.errors import ParameterError, unknown_name_message
from spinhydro.physics.checks import check


def sponge(field, width, axes=None):
    r"""Profile that is 0 inside the box and rises to 1 at its ends, to absorb what arrives there.

    .. math:: S = 1 - \prod_i \cos^2 \frac{\pi u_i}{2}, \qquad
              u_i = \max\left(0, 1 - \frac{\text{distance to the nearest end}}{w}\right)

    Parameters
    ----------
    field : Dedalus field
        A scalar over the box.
    width : float
        w > 0, at most half of the box. Several wavelengths of the slowest wave reflect less than
        1 % with a damping rate of about its frequency.
    axes : sequence of str, optional
        Names of the coordinates with sponges, ``"x"`` or ``["x", "y"]``; default: all.

    Returns
    -------
    array
        On this rank's part of the grid, for ``field["g"]``.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> S["g"] = spinhydro.sponge(S, width=10 * um)
    >>> problem.add_equation("dt(psi) - 1j*K*lap(psi) = -1j*g*abs2(psi)*psi - rate*S*psi")
    """
    bases = _space(field)
    known = [basis.coord.name for basis in bases]
    for name in axes or ():
        if name not in known:
            raise ParameterError(unknown_name_message("axis", name, known))
    inside = 1.0
    for basis in bases:
        if axes is not None and basis.coord.name not in axes:
            continue
        x, (left, right) = field.dist.local_grid(basis), basis.bounds
        check(
            (width > 0) & (2 * width <= right - left),
            "a sponge has a positive width, at most half of the box",
            width=width, length=right - left,
        )  # fmt: skip
        depth = np.clip(1 - np.minimum(x - left, right - x) / width, 0, 1)
        inside = inside * np.cos(np.pi / 2 * depth) ** 2
    return 1 - inside + np.zeros_like(field["g"].real)


def box_trap(field, sizes, wall):
    r"""Potential of a box with smooth walls: 0 inside and 1 outside.

    .. math:: V = 1 - \prod_i \tfrac12 \left[ \tanh\frac{x_i + a_i/2}{w}
              - \tanh\frac{x_i - a_i/2}{w} \right]

    about the middle of the periodic box.

    Parameters
    ----------
    field : Dedalus field
        A scalar over the box.
    sizes : sequence of float
        a_i > 0 along each coordinate, below the period.
    wall : float
        w > 0: from a tenth to nine tenths of the height in about 2 w.

    Returns
    -------
    array
        On this rank's part of the grid: ``V["g"] = height * spinhydro.box_trap(V, (L, L), wall)``.

    Raises
    ------
    ParameterError
    """
    bases = _space(field)
    check(wall > 0, "the walls of a box trap have a positive width", wall=wall)
    if len(sizes) != len(bases):
        raise ParameterError(f"box_trap takes {len(bases)} sizes here, not {len(sizes)}")
    inside = 1.0
    for basis, size in zip(bases, sizes, strict=True):
        left, right = basis.bounds
        check(
            (size > 0) & (size < right - left),
            "a box trap fits into the periodic box", size=size, length=right - left,
        )  # fmt: skip
        x = field.dist.local_grid(basis) - (left + right) / 2
        inside = inside * (np.tanh((x + size / 2) / wall) - np.tanh((x - size / 2) / wall)) / 2
    return 1 - inside + np.zeros_like(field["g"].real)


def _space(field):
    """Bases along the coordinates of space."""
    members = getattr(field.dist, "member_axis", None)
    return [basis for axis, basis in enumerate(field.domain.bases) if axis != members]
