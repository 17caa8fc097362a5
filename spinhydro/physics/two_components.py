"""Two-component Gross-Pitaevskii equations in plain NumPy: preparation of states, a reduced model.

Independent of Dedalus and of the engines; every term is divided by hbar.
"""

import numpy as np


def vortex_phase(x, y, L_x, L_y):
    """Phase factor of a vortex at (0, 0) with all its images along x and the nearer ones along y.

    Rows of images up to 3 max(L_x, L_y) away along y are taken.

    Parameters
    ----------
    x, y : array
        Positions; they broadcast.
    L_x, L_y : float
        Periods. Far from a vortex and its opposite the phase factors cancel, so that
        ``vortex_phase(…)*conj(vortex_phase(…))`` is periodic.
    """
    value = 1
    reach = 3 * max(1, int(np.ceil(L_x / L_y)))
    for row in range(-reach, reach + 1):
        around = np.sin(np.pi * (x + 1j * (y - row * L_y)) / L_x)
        value = value * around / np.maximum(np.abs(around), 1e-12)
    return value


def relaxed_pair(a, b, lengths, duration, hbar_over_m, g, g12, mu, Omega_R):
    """Two components with equal interactions after some imaginary time in a periodic box.

    Steps are exact in the kinetic energy and of first order in the rest.

    Parameters
    ----------
    a, b : array (…, Nx, …)
        Wave functions on the whole grid; the axes of space are the last ones.
    lengths : sequence of float
        Of the box.
    duration : float
        Imaginary time.
    hbar_over_m, g, g12, mu, Omega_R : float

    Returns
    -------
    (array, array)
    """
    axes = range(-len(lengths), 0)
    shape = np.shape(a)
    k = np.meshgrid(
        *(2 * np.pi * np.fft.fftfreq(shape[i], lengths[i] / shape[i]) for i in axes),
        indexing="ij", sparse=True,
    )  # fmt: skip
    step = 0.2 / (g + g12)
    smooth = np.exp(-hbar_over_m / 2 * sum(q**2 for q in k) * step)
    for _ in range(int(duration / step)):
        n_a, n_b = np.abs(a) ** 2, np.abs(b) ** 2
        a, b = (
            a * np.exp(-step * (g * n_a + g12 * n_b - mu)) - step * Omega_R / 2 * b,
            b * np.exp(-step * (g * n_b + g12 * n_a - mu)) - step * Omega_R / 2 * a,
        )
        a, b = (np.fft.ifftn(smooth * np.fft.fftn(f, axes=axes), axes=axes) for f in (a, b))
    return a, b


def coupled_line(x, potential, start, stop_time, hbar_over_m, g, g12, Omega_R):
    """Densities of the two components along a periodic line, by DOP853 (order 8).

    Parameters
    ----------
    x : array (N,)
        Equidistant grid of the whole period.
    potential : array (N,)
        V - mu.
    start : array (N,)
        Wave function of component b; a is empty.
    stop_time : float
    hbar_over_m, g, g12, Omega_R : float

    Returns
    -------
    callable
        ``densities(t)`` gives (|psi_a|^2, |psi_b|^2), each of shape (N,), for 0 <= t <= stop_time.
    """
    hbar_over_m, g, g12, Omega_R = map(float, (hbar_over_m, g, g12, Omega_R))
    size = x.size
    kinetic = hbar_over_m / 2 * (2 * np.pi * np.fft.fftfreq(size, x[1] - x[0])) ** 2

    def rate(_, psi):
        a, b = psi.reshape(2, size)
        n_a, n_b = np.abs(a) ** 2, np.abs(b) ** 2
        free_a, free_b = (np.fft.ifft(kinetic * np.fft.fft(f)) for f in (a, b))
        return -1j * np.concatenate(
            [
                free_a + (potential + g * n_a + g12 * n_b) * a + Omega_R / 2 * b,
                free_b + (potential + g * n_b + g12 * n_a) * b + Omega_R / 2 * a,
            ]
        )

    # Imported here: vortices do not need it.
    from scipy.integrate import solve_ivp

    solution = solve_ivp(
        rate, (0, stop_time), np.concatenate([0j * start, start + 0j]), method="DOP853",
        dense_output=True, rtol=1e-8, atol=1e-9,
    ).sol  # fmt: skip
    return lambda t: np.abs(solution(t).reshape(2, size)) ** 2
