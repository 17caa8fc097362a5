"""Heat of a laser pulse in a magnet, and spins that feel it: references by ordinary integration."""

from typing import NamedTuple

import numpy as np

from spinhydro.physics.checks import check


class Temperatures(NamedTuple):
    """Temperatures of electrons and lattice at the times asked for, K."""

    electrons: np.ndarray
    lattice: np.ndarray


def two_temperatures(times, power, gamma_e, C_p, G, T_0):
    r"""Two-temperature model of a film that is heated uniformly.

    .. math:: \frac{d}{dt} \frac{\gamma_e T_e^2}{2} = -G (T_e - T_p) + P(t), \qquad
              C_p \frac{dT_p}{dt} = G (T_e - T_p)

    Parameters
    ----------
    times : array
        Increasing, from the start on.
    power : callable
        P(t), power density.
    gamma_e, C_p, G : float
        > 0, > 0, >= 0: heat capacity of the electrons over T_e, of the lattice, and the coupling.
    T_0 : float
        Temperature at the start, > 0.

    Returns
    -------
    Temperatures

    Raises
    ------
    ParameterError
    """
    from scipy.integrate import solve_ivp

    check(gamma_e > 0 and C_p > 0, "heat capacities are positive", gamma_e=gamma_e, C_p=C_p)
    check(G >= 0, "the coupling of electrons and lattice cannot be negative", G=G)
    check(T_0 > 0, "the temperature at the start must be positive", T_0=T_0)

    def rates(t, T):
        flow = G * (T[0] - T[1])
        return [(power(t) - flow) / (gamma_e * T[0]), flow / C_p]

    span = times[0], times[-1]
    longest = np.min(np.diff(times)) * 10
    found = solve_ivp(rates, span, [T_0, T_0], t_eval=times, rtol=1e-9, max_step=longest)
    return Temperatures(*found.y)


def mean_of_axial_spins(times, field, anisotropy, diffusion, alpha, start=0.5, cells=200):
    r"""Mean m_z of independent spins with an axial field and a heat bath, by Fokker and Planck.

    .. math:: \partial_t P = \partial_x \left\{ (1 - x^2) \left[ D\, \partial_x P - \alpha p\,
              (\omega_K x + \omega(t)) P \right] \right\}, \qquad x = m_z

    with finite volumes in x, whose currents vanish in equilibrium.

    Parameters
    ----------
    times : array
        Increasing, from the start on.
    field : callable
        omega(t), rad per time.
    anisotropy : float
        omega_K.
    diffusion : callable
        D(t) = alpha p gamma k_B T(t)/mu >= 0, p = 1/(1 + alpha^2).
    alpha : float
        Damping.
    start : float
        Part of the spins that point up at the start; the others point down.
    cells : int

    Returns
    -------
    array
        At the times.

    Raises
    ------
    ParameterError
    """
    from scipy.integrate import solve_ivp

    check(0 <= start <= 1, "the part of spins that points up is between 0 and 1", start=start)
    edges = np.linspace(-1, 1, cells + 1)[1:-1]
    centres = (np.arange(cells) + 0.5) * 2 / cells - 1
    width, p = 2 / cells, 1 / (1 + alpha**2)

    def rates(t, P):
        drift = alpha * p * (anisotropy * edges + field(t))
        D = max(diffusion(t), 1e-12 * alpha * abs(anisotropy))
        # The exponential fit of Scharfetter and Gummel: exact for a constant current.
        u = np.clip(drift * width / D, -500, 500)
        weight = np.where(np.abs(u) > 1e-8, u / np.expm1(np.where(u == 0, 1, u)), 1 - u / 2)
        current = (1 - edges**2) * D / width * ((weight + u) * P[:-1] - weight * P[1:])
        return -np.diff(current, prepend=0, append=0) / width

    P = np.zeros(cells)
    P[[0, -1]] = np.array([1 - start, start]) / width
    found = solve_ivp(rates, (times[0], times[-1]), P, method="LSODA", lband=1, uband=1,
                      t_eval=times, rtol=1e-7, atol=1e-9)  # fmt: skip
    return centres @ found.y * width
