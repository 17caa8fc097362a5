"""Textures by name: arrays (3, …) of spins, and (2, …) of two components for half-vortices."""

import numpy as np

from spinhydro.physics.checks import check


def skyrmion(x, y, radius, width, charge=1, helicity=0.0, core=-1):
    r"""A disc of reversed spins in a film along z.

    .. math:: \theta = 2 \arctan \frac{\sinh(R/w)}{\sinh(r/w)}, \qquad
              \phi = Q \arg(x + i y) + \gamma, \\
              \mathbf{m} = (\sin\theta\cos\phi, \sin\theta\sin\phi, \pm\cos\theta)

    Parameters
    ----------
    x, y : array
        Positions from the centre; they broadcast.
    radius : float
        R > 0, where m_z = 0.
    width : float
        w > 0, of the wall around the disc.
    charge : int
        Winding number Q of the azimuth, not 0: 1 a skyrmion, -1 an antiskyrmion, 2, 3 …
    helicity : float
        gamma, rad: 0 Neel (outward), pi Neel (inward), +-pi/2 Bloch.
    core : int
        m_z in the centre, -1 or 1.

    Returns
    -------
    array (3, …)
        Its topological charge (1/4 pi) int m.(dm/dx x dm/dy) is core times `charge`.

    Raises
    ------
    ParameterError
    """
    check(radius > 0, "the radius of a skyrmion must be positive", radius=radius)
    check(width > 0, "the width of a skyrmion's wall must be positive", width=width)
    check(charge == int(charge) and charge != 0, "charge must be a whole number other than 0",
          charge=charge)  # fmt: skip
    check(core in (-1, 1), "core, the sign of m_z in the centre, must be -1 or 1", core=core)
    r = np.sqrt(x**2 + y**2)
    theta = 2 * np.arctan2(np.sinh(radius / width), np.sinh(r / width))  # pi inside, 0 outside
    if charge == 1 and helicity in (0, np.pi):
        outward = (1 if helicity == 0 else -1) * np.sin(theta) / np.maximum(r, 1e-12)
        across = outward * x, outward * y
    else:
        phi = charge * np.arctan2(y, x) + helicity
        across = np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi)
    return np.array([*across, -core * np.cos(theta)])


def wall(x, width, chirality=0.0):
    r"""A wall from m_z = 1 to -1 at x = 0, :math:`m_z = -\tanh(x/w)`, azimuth `chirality` (rad).

    0: Neel, pi/2: Bloch. Two of them make a periodic texture.
    """
    check(width > 0, "the width of a wall must be positive", width=width)
    sech = 1 / np.cosh(np.clip(np.asarray(x) / width, -350, 350))
    return np.array([np.cos(chirality) * sech, np.sin(chirality) * sech, -np.tanh(x / width)])


def vortex(x, y, core, winding=1, polarity=1, chirality=1):
    r"""A magnetic vortex: spins in the plane around a core along z.

    .. math:: m_z = \pm e^{-r^2/2 R^2}, \qquad \phi = w \arg(x + iy) + c\,\pi/2

    Parameters
    ----------
    x, y : array
        Positions from the centre.
    core : float
        R > 0.
    winding : int
        1 a vortex, -1 an antivortex.
    polarity, chirality : int
        Signs of m_z in the core and of the sense of rotation.
    """
    check(core > 0, "the core of a vortex must have a positive radius", core=core)
    check(winding == int(winding) and winding != 0, "winding must be a whole number other than 0",
          winding=winding)  # fmt: skip
    m_z = polarity * np.exp(-(x**2 + y**2) / (2 * core**2))
    phi = winding * np.arctan2(y, x) + chirality * np.pi / 2
    across = np.sqrt(1 - m_z**2)
    return np.array([across * np.cos(phi), across * np.sin(phi), m_z])


def half_vortex(x, y, core, component=0, winding=1):
    r"""Half a quantum of circulation in a gas of two components: a vortex in one of them.

    .. math:: \psi_c = \sqrt{\tfrac12}\, \frac{r}{\sqrt{r^2 + R^2}}\, e^{i w \phi}, \qquad
              \psi_{\bar c} = \sqrt{1 - \vert\psi_c\vert^2}

    The other component fills the core, so that the density is 1. The spins turn around a core with
    Z = -1 (component 0) or 1; far from it Z = 0, and the flow is that of half a quantum.

    Parameters
    ----------
    x, y : array
        Positions from the centre; they broadcast.
    core : float
        R > 0.
    component : int
        0 or 1: the component that turns.
    winding : int
        w, of its phase.

    Returns
    -------
    array (2, …), complex
        Not periodic: the windings of all half-vortices of a component in a periodic box add up to
        0, and their wave functions multiply.

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> psi_a["g"], psi_b["g"] = spinhydro.half_vortex(x, y, 2 * um)
    """
    check(core > 0, "the core of a half-vortex must have a positive radius", core=core)
    check(component in (0, 1), "component, that which turns, is 0 or 1", component=component)
    check(winding == int(winding) and winding != 0, "winding must be a whole number other than 0",
          winding=winding)  # fmt: skip
    r = np.hypot(x, y)
    size = np.sqrt(1 / 2) * r / np.sqrt(r**2 + core**2)
    turning = size * np.exp(1j * winding * np.arctan2(y, x))
    rest = np.sqrt(1 - size**2).astype(complex)
    return np.array([turning, rest] if component == 0 else [rest, turning])


def hopfion(x, y, z, radius, twists=1):
    r"""A hopfion in a magnet along z, by the rational map of the three-sphere.

    .. math:: (Z_1, Z_0) = \frac{(2R(x + iy),\; 2Rz + i (r^2 - R^2))}{r^2 + R^2}, \qquad
              m = (2 \mathrm{Re}\, \bar Z_1 Z_0^p,\, 2 \mathrm{Im}\, \bar Z_1 Z_0^p,\,
              \vert Z_0\vert^{2p} - \vert Z_1\vert^2)/(\vert Z_1\vert^2 + \vert Z_0\vert^{2p})

    Parameters
    ----------
    x, y, z : array
        Positions from the centre; the box is several times `radius` along each.
    radius : float
        R > 0, of the ring m_z = -1.
    twists : int
        p >= 1, the Hopf index up to its sign.
    """
    check(radius > 0, "the radius of a hopfion must be positive", radius=radius)
    check(twists == int(twists) and twists >= 1, "twists must be a whole number, at least 1",
          twists=twists)  # fmt: skip
    squared = x**2 + y**2 + z**2
    first = 2 * radius * (x + 1j * y) / (squared + radius**2)
    second = (2 * radius * z + 1j * (squared - radius**2)) / (squared + radius**2)
    powered = second**twists
    size = np.abs(first) ** 2 + np.abs(powered) ** 2
    product = 2 * np.conj(first) * powered / size
    m_z = (np.abs(powered) ** 2 - np.abs(first) ** 2) / size
    return np.array([product.real, product.imag, m_z])
