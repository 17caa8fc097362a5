r"""Torques and anisotropies of magnets as effective fields: terms of H in the problem's equation.

With :math:`\partial_t m = -p\,[m \times H + \alpha\, m \times (m \times H)]`, p = 1/(1 + alpha^2),
a torque tau of Gilbert's equation, :math:`\partial_t m = \tau + \alpha\, m \times \partial_t m`, is
the field h with :math:`\tau = -m \times h`, in radians per unit of time like H.
"""

import dedalus.public as d3
import numpy as np

from spinhydro.errors import InputError
from spinhydro.kernels.kernel import Kernel
from spinhydro.physics.checks import check


def zhang_li(m, u, beta=0.0, cells=None):
    r"""Spin-transfer torque of a current in the texture (Zhang and Li, PRL 93, 127204 (2004)).

    .. math:: \tau = -(u \cdot \nabla) m + \beta\, m \times (u \cdot \nabla) m, \qquad
              h = -m \times (u \cdot \nabla) m - \beta\, (u \cdot \nabla) m

    With alpha = beta every texture moves with u.

    Parameters
    ----------
    m : vector field of spins
    u : sequence of float
        Velocity of the spin current along each axis, length over time.
    beta : float
        Non-adiabaticity.
    cells : sequence of float, optional
        Lengths > 0 of the grid's cells along each axis, for a body with m = 0 in the empty space
        around it: (m(x + a) - m(x - a))/2a in place of dm/dx, which would see the jump at the
        edge. A cell at the edge takes itself in place of the missing neighbour, because the part
        of h along m exerts no torque.

    Raises
    ------
    InputError (ParameterError)
        For a number of speeds or cells other than that of the axes, or a cell without length.

    Examples
    --------
    >>> H = omega_K * (m @ ez) * ez - W(m) + spinhydro.zhang_li(m, (u, 0), beta)
    """
    coords = _axes(m)
    speeds = tuple(u) if isinstance(u, (tuple, list)) else (u,)
    if len(speeds) != len(coords):
        raise InputError(f"u has {len(speeds)} components; this space has {len(coords)}")
    if cells is None:
        slopes = [d3.Differentiate(m, coord) for coord in coords]
    else:
        slopes = [difference(m) for difference in _central_differences(cells, len(coords))]
    drift = sum(speed * slope for speed, slope in zip(speeds, slopes, strict=True))
    return -d3.cross(m, drift) - beta * drift


def _central_differences(cells, dimensions):
    """Kernels i sin(k a)/a, one for each axis."""
    lengths = tuple(np.ravel(cells).tolist())
    if len(lengths) != dimensions:
        raise InputError(f"cells has {len(lengths)} lengths; this space has {dimensions} axes")
    for length in lengths:
        check(length > 0, "the cells of zhang_li have positive lengths", cell=length)
    return [
        Kernel(
            lambda *k, axis=axis, a=a: 1j * np.sin(k[axis] * a) / a + 0 * sum(k),
            "difference", arguments=dimensions,
        )
        for axis, a in enumerate(lengths)
    ]  # fmt: skip


def slonczewski(m, polarization, damping_like, field_like=0.0):
    r"""Torque of a current polarised along a unit vector (Slonczewski, JMMM 159, L1 (1996)).

    .. math:: \tau = a\, m \times (m \times \hat p) + b\, m \times \hat p, \qquad
              h = -a\, m \times \hat p - b\, \hat p

    Parameters
    ----------
    m : vector field of spins
    polarization : vector field or operand
        Unit vector, such as ez.
    damping_like, field_like : float
        a and b, radians per unit of time; a < 0 pulls m towards the polarisation.
    """
    return -damping_like * d3.cross(m, polarization) - field_like * polarization


def spin_orbit(m, current, normal, damping_like, field_like=0.0):
    r"""Torque of an in-plane current through the spin Hall effect, sigma = normal x current.

    Parameters
    ----------
    m : vector field of spins
    current, normal : vector fields
        Unit vectors, such as ex and ez.
    damping_like, field_like : float
        As in `slonczewski`.
    """
    return slonczewski(m, d3.cross(normal, current), damping_like, field_like)


def cubic_anisotropy(m, omega_c, axes=None):
    r"""Field of the cubic anisotropy energy K_c (m_1^2 m_2^2 + m_2^2 m_3^2 + m_3^2 m_1^2).

    .. math:: h_i = -\omega_c\, m_i (m_j^2 + m_k^2), \qquad \omega_c = 2\gamma K_c/M_s

    Parameters
    ----------
    m : vector field of spins
    omega_c : float
        > 0: easy axes along the cube's edges.
    axes : three vector fields, optional
        Edges of the cube; ex, ey, ez of the spin frame by default.
    """
    axes = axes or m.tensorsig[0].unit_vector_fields(m.dist)
    parts = [m @ axis for axis in axes]
    total = 0
    for i, axis in enumerate(axes):
        j, k = (i + 1) % 3, (i + 2) % 3
        total = total - omega_c * parts[i] * (parts[j] * parts[j] + parts[k] * parts[k]) * axis
    return total


def _axes(m):
    return [coord for system in m.dist.coordsystems for coord in system.coords][-_dimensions(m) :]


def _dimensions(m):
    members = getattr(m.dist, "member_axis", None)
    return len([b for axis, b in enumerate(m.domain.bases) if axis != members])
