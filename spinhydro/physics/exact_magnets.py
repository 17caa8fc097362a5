"""Exact motions of magnets, as functions of arrays: references for runs.

Frequencies, lengths and times are in reciprocal units; spins have the shape (3, …).
"""

from typing import NamedTuple

import numpy as np


def cone(phase, n):
    r"""Spins on a cone about z, :math:`(\sqrt{1-n^2}\cos\phi, \sqrt{1-n^2}\sin\phi, n)`.

    A spiral phi = k.r - Omega t solves dm/dt = -m x H, H = omega_K m_z z - W m, on any lattice
    with Omega = -(omega(k) + omega_K) n.
    """
    radius = np.sqrt(1 - n**2)
    return np.array([radius * np.cos(phase), radius * np.sin(phase), n + 0 * phase])


def damped_helix(x, t, Q, n_0, alpha, omega):
    r"""A helix that relaxes towards its axis.

    .. math:: \frac{n}{\sqrt{1-n^2}} = \frac{n_0}{\sqrt{1-n_0^2}} e^{p\alpha\omega t}, \qquad
              \phi = Qx + (\mathrm{atanh}\,n - \mathrm{atanh}\,n_0)/\alpha

    solves the Landau-Lifshitz equation with the damping alpha, p = 1/(1 + alpha^2), for any
    exchange kernel.

    Parameters
    ----------
    x, t : array or float
    Q : float
        Wavenumber.
    n_0 : float
        m_z at t = 0, between -1 and 1.
    alpha : float
        Damping, > 0.
    omega : float
        omega_K + omega(Q).
    """
    p = 1 / (1 + alpha**2)
    ratio = n_0 / np.sqrt(1 - n_0**2) * np.exp(p * alpha * omega * t)
    n = ratio / np.sqrt(1 + ratio**2)
    phi = Q * x + (np.arcsinh(ratio) - np.arctanh(n_0)) / alpha  # arcsinh(ratio) = arctanh(n)
    across = np.sqrt(1 + ratio**2)
    return np.array([np.cos(phi) / across, np.sin(phi) / across, n + 0 * x])


class WallMotion(NamedTuple):
    """Steady motion of a domain wall, made by `wall_motion`."""

    tilt: float
    width: float
    velocity: float
    turning: float
    is_walker: bool


def wall_motion(omega_B, omega_K, omega_p, alpha, Delta):
    r"""Steady motion of a domain wall in a field along its easy axis.

    .. math:: v = p \alpha \omega_B \Delta, \quad \dot\phi = p\,\omega_B \quad (\omega_p = 0),
              \qquad \sin 2\phi = \frac{2\omega_B}{\alpha\omega_p}, \quad
              v = \frac{\omega_B \Delta'}{\alpha}, \quad
              \Delta' = \frac{\Delta}{\sqrt{1 + (\omega_p/\omega_K) \sin^2\phi}}

    The second form is Walker's, below his field omega_B = alpha omega_p/2; beyond it no closed
    form is known, and the first is returned.

    Parameters
    ----------
    omega_B, omega_K, omega_p : float
        gamma times the applied field, the anisotropy field and that of the hard axis.
    alpha : float
        Damping, > 0.
    Delta : float
        Width of the wall at rest.
    """
    if omega_p > 0 and abs(omega_B) < alpha * omega_p / 2:
        tilt = np.arcsin(2 * omega_B / (alpha * omega_p)) / 2
        width = Delta / np.sqrt(1 + omega_p / omega_K * np.sin(tilt) ** 2)
        return WallMotion(tilt, width, omega_B * width / alpha, 0.0, True)
    p = 1 / (1 + alpha**2)
    return WallMotion(0.0, Delta, p * alpha * omega_B * Delta, p * omega_B, False)


def domain_walls(x, t, distance, motion):
    """Two walls that move apart from +-distance, with m_z = 1 between them.

    Parameters
    ----------
    x, t : array or float
    distance : float
        Half of the distance of the walls at t = 0.
    motion : WallMotion
    """
    y = (np.abs(x) - distance - motion.velocity * t) / motion.width
    phi = motion.tilt + motion.turning * t + 0 * x
    return np.array([np.cos(phi) / np.cosh(y), np.sin(phi) / np.cosh(y), -np.tanh(y)])


def easy_axis_soliton(xi, t, Omega, V):
    r"""The moving, precessing soliton of an easy-axis magnet.

    .. math:: \tan^2\frac\theta2 = \frac{2a_0}{b + R\cosh(2\sqrt{a_0}\,\xi)}, \qquad
              \phi = \Omega t - \frac{V\xi}2 - \mathrm{sgn}(V) \arctan\left(
              \sqrt{\tfrac{R-b}{R+b}}\tanh(\sqrt{a_0}\,\xi)\right)

    with a_0 = 1 - Omega - V^2/4, b = Omega + V^2/2, R = sqrt(Omega^2 + V^2), solves
    dm/dt = -m x (m_z z + m'') (Kosevich, Ivanov and Kovalev, Physics Reports 194, 117 (1990)).

    Parameters
    ----------
    xi : array
        Position in the moving frame, x - V t, over Delta.
    t : array or float
        Time over 1/omega_K.
    Omega, V : float
        Frequency over omega_K, > 0, and velocity over Delta omega_K, with a_0 > 0.
    """
    a_0, b, R = 1 - Omega - V**2 / 4, Omega + V**2 / 2, np.sqrt(Omega**2 + V**2)
    tan2 = 2 * a_0 / (b + R * np.cosh(2 * np.sqrt(a_0) * xi))
    inner = np.sqrt((R - b) / (R + b)) * np.tanh(np.sqrt(a_0) * xi) if R > b else 0 * xi
    phi = Omega * t - V * xi / 2 - np.sign(V) * np.arctan(inner)
    sine = 2 * np.sqrt(tan2) / (1 + tan2)
    return np.array([sine * np.cos(phi), sine * np.sin(phi), (1 - tan2) / (1 + tan2)])


def film_frequencies(kx, ky, omega_B, omega_M, stiffness, thickness):
    r"""In-plane and normal frequency of a wave in a film magnetised along y.

    .. math:: \omega_\parallel = w + \omega_M (1 - P) \frac{k_x^2}{k^2}, \qquad
              \omega_\perp = w + \omega_M P, \qquad w = \omega_B + D k^2, \quad
              P = \frac{1 - e^{-kd}}{kd}

    The wave has the frequency sqrt(omega_par omega_perp): the lowest mode of Kalinikos and Slavin.
    """
    k = np.hypot(kx, ky)
    kd = k * thickness
    P = (1 - np.exp(-kd)) / kd if kd > 0 else 1.0
    across = (kx / k) ** 2 if kd > 0 else 0.0  # sin^2 of the angle between k and m
    w = omega_B + stiffness * k**2
    return w + omega_M * (1 - P) * across, w + omega_M * P


def elliptic_wave(phase, amplitude, in_plane, normal):
    """A small wave about y, m = (u_x, sqrt(1 - u^2), u_z), with the ellipse of the frequencies."""
    u_x = amplitude * np.cos(phase)
    u_z = amplitude * np.sqrt(in_plane / normal) * np.sin(phase)
    return np.array([u_x, np.sqrt(1 - u_x**2 - u_z**2), u_z])


def transverse_wave(phase, size, sign=1):
    """A small circular wave (size cos, size sin) about sign z."""
    return np.array(
        [size * np.cos(phase), size * np.sin(phase), sign * np.sqrt(1 - size**2) + 0 * phase]
    )


def linear_waves(start, t, omega, alpha=0.0):
    r"""Small waves about z on a periodic chain, shape (3, N), m_z left out (0).

    .. math:: m_x - i m_y = \mathcal{F}^{-1}\{e^{-(i + \alpha) p \omega(k) t}
              \mathcal{F}\{m_x - i m_y\}_{t=0}\}

    Parameters
    ----------
    start : array (…, N)
        m_x - i m_y at t = 0.
    t : float
    omega : array (N,)
        omega(k) + omega_K at ``2 pi fftfreq(N, cell)``.
    alpha : float
        Damping.
    """
    p = 1 / (1 + alpha**2)
    decay = np.exp((-1j - alpha) * p * omega * t)
    plus = np.fft.ifft(decay * np.fft.fft(start))
    return np.array([plus.real, -plus.imag, 0 * plus.real])
