"""Exact solutions, as plain functions of arrays: what runs and analysis are measured against."""

import numpy as np

# The arithmetic-geometric mean gains a factor two in ln(a/b) per step and then converges
# quadratically: twelve steps reach round-off for b/a down to 1e-150.
_LANDEN_STEPS = 12


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
        Frequencies and time in reciprocal units; they broadcast. Signs do not matter.

    Returns
    -------
    array
        Z in [-1, 1]; absolute error below 1e-12 for Omega_R t < 200, also next to k = 1.
    """
    kappa_n, Omega_R, t = np.broadcast_arrays(
        *(np.abs(np.asarray(value, float)) for value in (kappa_n, Omega_R, t))
    )
    oscillating, trapped = kappa_n < 2 * Omega_R, kappa_n > 2 * Omega_R
    Z = np.asarray(-1 / np.cosh(np.minimum(Omega_R * t, 700.0)))
    # (1-k)(1+k) and not 1-k^2: the period near k = 1 depends on the logarithm of it.
    k = kappa_n[oscillating] / (2 * Omega_R[oscillating])
    Z[oscillating] = -_jacobi_cn((Omega_R * t)[oscillating], (1 - k) * (1 + k))
    inverse = 2 * Omega_R[trapped] / kappa_n[trapped]
    complement = (1 - inverse) * (1 + inverse)
    cn = _jacobi_cn((kappa_n / 2 * t)[trapped], complement)
    Z[trapped] = -np.sqrt(complement + (1 - complement) * cn**2)
    return Z


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


def _jacobi_cn(u, complement):
    """cn(u; k) by the descending Landen transformation, complement = 1 - k² in (0, 1].

    The library function takes k² and so loses the period next to k = 1.
    """
    a, b = np.ones_like(complement), np.sqrt(complement)
    ratios, means = [], []
    for _ in range(_LANDEN_STEPS):
        c, mean = (a - b) / 2, (a + b) / 2
        a, b = mean, np.sqrt(a * b)
        ratios.append(c / mean)
        means.append(mean)
        if np.all(c <= 1e-17 * mean):
            break
    # One period is 2π/AGM·2; taking u modulo it keeps the doubled angles small.
    period = 2 * np.pi / means[-1]
    amplitude = 2.0 ** len(ratios) * means[-1] * (u - period * np.round(u / period))
    for ratio in reversed(ratios):
        amplitude = (amplitude + np.arcsin(np.clip(ratio * np.sin(amplitude), -1, 1))) / 2
    return np.cos(amplitude)
