"""Kernel of the dipolar interaction of a gas in three dimensions, with a spherical cut-off."""

import numpy as np

from spinhydro.kernels.kernel import Kernel

#: Below this product k R the cut-off is its series, 1 - j(x) = x^2/10 to 1e-11 relative.
_SMALL = 1e-2


def dipolar_kernel(g_dd, cutoff=None, axis=(0, 0, 1)):
    r"""Mean field of dipoles that all point along an axis, ``W(abs2(psi))``.

    .. math:: V(\mathbf{r}) = \frac{3 g_{dd}}{4\pi} \frac{1 - 3 \cos^2\theta}{r^3}, \quad r < R,
              \qquad
              W(\mathbf{k}) = g_{dd} (3 \cos^2\alpha - 1)
              \left[ 1 + 3 \frac{\cos kR}{(kR)^2} - 3 \frac{\sin kR}{(kR)^3} \right]

    A gas of the extent D in a periodic box does not feel its images if R >= D and every side of
    the box is at least R + D (Ronen, Bortolotti and Bohn, Phys. Rev. A 74, 013623 (2006)).

    Parameters
    ----------
    g_dd : float or per_member
        4 pi (hbar/m) a_dd times the density of |psi|^2 = 1, a frequency times a volume if |psi|^2
        is a density; a_dd = mu_0 mu^2 m/(12 pi hbar^2).
    cutoff : float, optional
        R > 0; by default none: the images interact, and W(0) = 0.
    axis : (float, float, float)
        Direction of the dipoles.

    Raises
    ------
    ParameterError
    """
    direction = np.array(axis, dtype=float)
    direction /= np.sqrt((direction**2).sum())

    def omega(kx, ky, kz):
        squared = kx**2 + ky**2 + kz**2
        along = direction[0] * kx + direction[1] * ky + direction[2] * kz
        angle = 3 * along**2 / np.where(squared > 0, squared, 1) - 1
        if cutoff is None:
            return g_dd * np.where(squared > 0, angle, 0)
        x = np.sqrt(squared) * cutoff
        safe = np.where(x > _SMALL, x, 1)
        near = 1 + 3 * np.cos(safe) / safe**2 - 3 * np.sin(safe) / safe**3
        return g_dd * np.where(x > _SMALL, angle * near, angle * x**2 / 10)

    return Kernel(omega, "dipolar", arguments=3)
