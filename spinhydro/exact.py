"""Exact solutions, as plain functions of arrays: what runs and analysis are measured against."""

import numpy as np
from scipy.special import ellipj


def josephson_magnetization(kappa_n, Omega_R, t):
    r"""Z(t) of a spin that starts at Z = -1 and feels no neighbours.

    .. math:: \partial_t \mathbf{s} = (\Omega_R, 0, \kappa n Z) \times \mathbf{s}, \qquad
              k = \kappa n / 2 \Omega_R, \\
              Z = -\mathrm{cn}(\Omega_R t; k)\ (k < 1), \quad
              -\mathrm{sech}\,\Omega_R t\ (k = 1), \quad
              -\mathrm{dn}(k \Omega_R t; 1/k)\ (k > 1)

    with k the modulus. For k < 1 the spin oscillates between -1 and 1, for k > 1 it stays below 0
    (Smerzi et al., Phys. Rev. Lett. 79, 4950 (1997); regimes (i) and (ii) of paper A).

    Parameters
    ----------
    kappa_n, Omega_R, t : array or float
        Frequencies and time in reciprocal units, kappa_n >= 0, Omega_R >= 0; they broadcast.
    """
    kappa_n, Omega_R, t = np.broadcast_arrays(
        np.asarray(kappa_n, float), np.asarray(Omega_R, float), np.asarray(t, float)
    )
    trapped = kappa_n > 2 * Omega_R
    fast, slow = np.where(trapped, (kappa_n / 2, Omega_R), (Omega_R, kappa_n / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        # Below one part in 1e8 of k = 1 the parameter m = modulus**2 is rounded to 1: -sech.
        parameter = np.where(fast > 0, (slow / fast) ** 2, 0.0)
    _, cn, dn, _ = ellipj(fast * t, np.clip(parameter, 0, 1))
    return -np.where(trapped, dn, cn)


def magnetic_soliton(z, velocity):
    r"""Spin of the easy-plane magnetic soliton, shape (3, …).

    .. math:: \mathbf{s} = (U\,\mathrm{sech}\, q z, -\tanh q z, q\,\mathrm{sech}\, q z), \qquad
              q = \sqrt{1 - U^2}, \quad z = (x - U c_s t)/\xi

    solves the Landau-Lifshitz equation without Rabi coupling (Omega_R = 0, kappa > 0) at uniform
    density, with c_s = sqrt(hbar kappa n/2m) and xi = sqrt(hbar/(2 m kappa n)).

    Parameters
    ----------
    z : array
        Position in the moving frame over xi.
    velocity : float
        U = velocity over c_s, |U| < 1.
    """
    q = np.sqrt(1 - velocity**2)
    sech = 1 / np.cosh(np.clip(q * np.asarray(z), -350, 350))
    return np.stack([velocity * sech, -np.tanh(q * np.asarray(z)), q * sech])


def spin_spiral(phase, polar_angle):
    r"""Spin of the uniform spiral, shape (3, …).

    .. math:: \mathbf{s} = (\sin\theta \cos\phi, \sin\theta \sin\phi, \cos\theta), \qquad
              \phi = q x - \omega t, \quad
              \omega = v q - (\kappa n - \hbar q^2/2m) \cos\theta

    solves the Landau-Lifshitz equation, the coupled Gross-Pitaevskii equations and the full
    hydrodynamics at uniform density and velocity v, without Rabi coupling.
    """
    phase = np.asarray(phase)
    return np.stack(
        [
            np.sin(polar_angle) * np.cos(phase),
            np.sin(polar_angle) * np.sin(phase),
            np.cos(polar_angle) + 0 * phase,
        ]
    )
