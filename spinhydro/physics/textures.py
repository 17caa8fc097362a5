"""Textures of spins by name, as arrays (3, …): walls, vortices, skyrmions, hopfions."""

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
