"""Exact solutions as functions of arrays: references for runs and analysis."""

import numpy as np

from spinhydro.dedalus_support.ensemble.values import by_member

# The arithmetic-geometric mean gains a factor two in ln(a/b) per step and then converges
# quadratically: twelve steps reach round-off for b/a down to 1e-150.
_LANDEN_STEPS = 12


def josephson_magnetization(kappa_n, Omega_R, t):
    r"""Z(t) of an independent spin that starts at Z = -1.

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


def dark_bright_soliton(x, t, angle, inverse_width):
    r"""Wave functions of the dark-bright soliton of two equal interactions, shape (2, …), complex.

    .. math:: \psi_1 = (\cos f \tanh z + i \sin f)\, e^{-i t}, \qquad
              \psi_2 = \eta\, \mathrm{sech}\, z\,
              e^{i [U x + (D^2 - U^2 - 2) t / 2]}, \\
              z = D (x - U t), \quad U = D \tan f, \quad \eta^2 = \cos^2 f - D^2

    solves i dpsi_j/dt = -psi_j''/2 + (|psi_1|^2 + |psi_2|^2) psi_j (Manakov), with n = 1 far away:
    x in units of sqrt(hbar/(m g n)), t of 1/(g n), g n a frequency; the velocity U is then in units
    of the sound velocity (Busch and Anglin, Phys. Rev. Lett. 87, 010401 (2001)).

    Parameters
    ----------
    x, t : array or float
        Position and time; they broadcast.
    angle : float
        f, |f| < pi/2: the phase of the dark component steps by 2 f - pi from left to right.
    inverse_width : float
        D, 0 < D < cos f.
    """
    x, t = np.broadcast_arrays(np.asarray(x, float), np.asarray(t, float))
    velocity = inverse_width * np.tan(angle)
    z = inverse_width * (x - velocity * t)
    bright = np.sqrt(np.cos(angle) ** 2 - inverse_width**2) / np.cosh(np.clip(z, -350, 350))
    phase = velocity * x + (inverse_width**2 - velocity**2 - 2) * t / 2
    dark = np.cos(angle) * np.tanh(z) + 1j * np.sin(angle)
    return np.stack([dark * np.exp(-1j * t), bright * np.exp(1j * phase)])


def rabi_rotation(psi, angle):
    r"""Two components after a resonant pulse.

    .. math:: e^{-i \theta \sigma_x/2} \psi

    With three equal interactions the Rabi coupling does this to every solution of the uncoupled
    equations, with theta = Omega_R t.

    Parameters
    ----------
    psi : array (2, …)
    angle : array or float
        theta.
    """
    cosine, sine = np.cos(np.asarray(angle) / 2), np.sin(np.asarray(angle) / 2)
    return np.stack([cosine * psi[0] - 1j * sine * psi[1], cosine * psi[1] - 1j * sine * psi[0]])


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


@by_member
def langevin(x):
    """L(x) = coth x - 1/x: mean of cos theta of a spin with energy -x k_B T cos theta."""
    x = np.asarray(x, float)
    small = np.abs(x) < 1e-3
    safe = np.where(small, 1.0, x)
    return np.where(small, x / 3 - x**3 / 45, 1 / np.tanh(safe) - 1 / safe)


@by_member
def heisenberg_ring(size, x):
    r"""Mean of m_i.m_{i+1} in a ring of classical spins with the energy -J sum m_i.m_{i+1}.

    .. math:: \langle m_i \cdot m_{i+1} \rangle = \frac{1}{N} \frac{d \ln Z}{d x}, \qquad
              Z = \sum_l (2 l + 1)\, i_l(x)^N, \quad x = J/k_B T

    with the modified spherical Bessel functions i_l (Joyce, Phys. Rev. 155, 478 (1967)); L(x) for
    a long ring.

    Parameters
    ----------
    size : int
        N >= 2.
    x : float
        J/(k_B T) > 0.
    """
    orders = np.arange(int(20 + 10 * x / np.sqrt(size) + 5 * np.sqrt(x)))
    # Imported here: analysis uses this module for formulas without special functions.
    from scipy.special import ive

    bessel = ive(orders + 0.5, x)
    bessel /= bessel[0]
    # i_l' = i_{l-1} - (l + 1) i_l/x, and i_0' = i_1.
    slope = np.append(bessel[1], bessel[:-1] - (orders[1:] + 1) / x * bessel[1:])
    weights = (2 * orders + 1) * bessel ** (size - 1)
    return float(np.sum(weights * slope) / np.sum(weights * bessel))


def phase_wall(x, ell):
    r"""Wall of the relative phase, shape (3, …): :math:`\phi = \pi + 4 \arctan e^{x/\ell}`.

    With ell = sqrt(hbar/(2 m Omega_R)) it is at rest for any kappa, and stable for
    Omega_R < kappa n/3 (Son and Stephanov, Phys. Rev. A 65, 063621 (2002)).
    """
    phi = np.pi + 4 * np.arctan(np.exp(x / ell))
    return np.stack([np.cos(phi), np.sin(phi), 0 * phi])


def wall_lattice(x, ell, modulus, easy_axis):
    r"""Periodic lattice of walls without Rabi coupling, shape (3, …).

    .. math:: (s_x, s_z) = (\mathrm{cn}, \mathrm{sn})(x/\ell\sqrt{m}\,|\,m) \text{ (easy axis)},
              \quad (\mathrm{sn}, \mathrm{cn}) \text{ (easy plane)}

    with ell = sqrt(hbar/(2 m |kappa| n)) and the period 4 K(m) ell sqrt(m); for m -> 1 a row of
    walls Z = tanh(x/ell).
    """
    from scipy.special import ellipj

    sn, cn, _, _ = ellipj(x / (ell * np.sqrt(modulus)), modulus)
    return np.stack([cn, 0 * sn, sn]) if easy_axis else np.stack([sn, 0 * sn, cn])


def lattice_period(ell, modulus):
    """Return the period 4 K(m) ell sqrt(m) of `wall_lattice`."""
    from scipy.special import ellipk

    return 4 * ellipk(modulus) * ell * np.sqrt(modulus)


def static_texture(kind, ell, modulus, easy_axis):
    """Return the function of x that is `phase_wall` ("son_stephanov") or `wall_lattice`."""
    if kind == "lattice":
        return lambda x: wall_lattice(x, ell, modulus, easy_axis)
    return lambda x: phase_wall(x, ell)


def modulated_wave(e, Omega_R, kappa_n0, epsilon, omega, stop_time):
    r"""Z(t)/Z(0) of one small wave about -x while the Rabi frequency is modulated.

    .. math:: \dot s_y = -(e + \Omega(t) + \kappa n)\, Z, \quad \dot Z = (e + \Omega(t))\, s_y,
              \quad \Omega(t) = \Omega_R (1 + \epsilon \cos \omega t)

    from s_y = 0, integrated to a part in 1e9 with e = hbar k^2/2m (Mathieu's equation to first
    order in epsilon).

    Returns
    -------
    callable
        Of a time between 0 and stop_time, a number or an array with one distinct value.
    """
    from scipy.integrate import solve_ivp

    def rates(t, y):
        stiffness = e + Omega_R * (1 + epsilon * np.cos(omega * t))
        return [-(stiffness + kappa_n0) * y[1], stiffness * y[0]]

    found = solve_ivp(rates, (0, stop_time), [0, 1], rtol=1e-9, atol=1e-10, dense_output=True)
    return lambda t: found.sol(np.ravel(t)[0])[1]


def free_spins(number, x):
    """Mean and standard deviation of m_z of `number` free spins, x = mu B/(k_B T): L(x)."""
    mean = langevin(x)
    return mean, np.sqrt(1 - 2 * mean / x - mean**2) / np.sqrt(number)


def heisenberg_ring_energy(size, x):
    """Mean and standard deviation of 1 - m_i.m_{i+1}, averaged over a ring, x = J/(k_B T).

    The deviation is that of a long ring: shorter ones fluctuate less.
    """
    return 1 - heisenberg_ring(size, x), free_spins(size, x)[1]
