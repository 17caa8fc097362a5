"""Wave functions by name: quantized vortices in a periodic box, solitons of one component."""

import numpy as np

from spinhydro.errors import ParameterError
from spinhydro.physics.checks import check
from spinhydro.physics.two_components import vortex_phase

#: f^2 = r^2 (A + r^2)/(C + (A + 1) r^2 + r^4): slope 0.5832, third derivative at r = 0 and decay
#: 1 - 1/r^2 of the exact profile, r in healing lengths sqrt(K/mu).
_CORE_A, _CORE_C = 7.323, 21.53


def quantized_vortices(x, y, places, lengths, healing_length):
    r"""Wave function of vortices in a periodic box, of density 1 far from them.

    .. math:: \psi = e^{-2\pi i D_x y/L_x L_y} \prod_j f(\vert\mathbf{r} - \mathbf{r}_j\vert/\xi)\,
              e^{i \kappa_j \arg \theta_1(\pi (z - z_j)/L_x)}, \qquad
              z = x + i y, \quad D_x = \sum_j \kappa_j x_j

    The phase is that of point vortices with all their images. The density is the product of those
    of single vortices, f a Padé approximant to their profile, to about 1 %.

    Parameters
    ----------
    x, y : array
        Positions; they broadcast.
    places : sequence of (x_j, y_j, charge)
        Charges kappa_j are whole numbers and add up to 0.
    lengths : (float, float)
        Periods L_x, L_y.
    healing_length : float
        xi = sqrt(hbar/(2 m mu)) > 0, mu = g n/hbar.

    Returns
    -------
    array, complex

    Raises
    ------
    ParameterError

    Examples
    --------
    >>> psi["g"] = spinhydro.quantized_vortices(x, y, [(0, 6, 1), (0, -6, -1)], (L_x, L_y), xi)
    """
    _check_vortices(places, lengths)
    check(healing_length > 0, "healing_length must be positive", healing_length=healing_length)
    L_x, L_y = lengths
    psi = np.ones(np.broadcast_shapes(np.shape(x), np.shape(y)), complex)
    for x_j, y_j, charge in places:
        across = (x - x_j + L_x / 2) % L_x - L_x / 2
        along = (y - y_j + L_y / 2) % L_y - L_y / 2
        r2 = (across**2 + along**2) / healing_length**2
        profile = r2 * (_CORE_A + r2) / (_CORE_C + (_CORE_A + 1) * r2 + r2**2)
        phase = vortex_phase(x - x_j, y - y_j, L_x, L_y)
        psi *= np.sqrt(profile) ** abs(charge) * (phase if charge > 0 else phase.conj()) ** abs(
            charge
        )
    dipole = sum(charge * x_j for x_j, _, charge in places)
    return psi * np.exp(-2j * np.pi * dipole * y / (L_x * L_y))


def vortex_velocities(places, lengths, hbar_over_m):
    r"""Velocities of point vortices and all their images in a periodic box, shape (vortices, 2).

    .. math:: v_x - i v_y = \frac{\hbar}{m} \Big[ -i \sum_{l \ne j} \kappa_l
              \frac{\pi}{L_x} \sum_r \cot \frac{\pi (z_j - z_l - i r L_y)}{L_x}
              + \frac{2 \pi i D_x}{L_x L_y} \Big]

    Parameters
    ----------
    places, lengths
        See `quantized_vortices`, whose state this moves; compressibility changes the velocities by
        the order of (velocity/sound velocity)^2.
    hbar_over_m : float

    Raises
    ------
    ParameterError
    """
    _check_vortices(places, lengths)
    L_x, L_y = lengths
    z = np.array([x + 1j * y for x, y, _ in places])
    charges = np.array([charge for *_, charge in places])
    reach = 2 + int(np.ceil(6 * L_x / L_y))
    rows = 1j * L_y * np.arange(-reach, reach + 1)
    apart = (z[:, None] - z)[..., None] - rows
    own = np.eye(len(z), dtype=bool)
    apart[own] = 1.0  # no vortex moves itself, and its images cancel
    terms = charges * (np.pi / L_x / np.tan(np.pi * apart / L_x)).sum(axis=-1)
    terms[own] = 0
    dipole = np.sum(charges * z.real)
    found = hbar_over_m * (-1j * terms.sum(axis=1) + 2j * np.pi * dipole / (L_x * L_y))
    return np.stack([found.real, -found.imag], axis=-1)


def grey_soliton(x, velocity=0.0):
    r"""Wave function of a grey soliton of density 1 far away.

    .. math:: \psi = i U + \sqrt{1 - U^2} \tanh(\sqrt{1 - U^2}\, x)

    Parameters
    ----------
    x : array
        Position over sqrt(hbar/(m mu)), mu = g n/hbar.
    velocity : float
        U over the sound velocity sqrt(hbar mu/m), |U| < 1; 0 a dark soliton.

    Returns
    -------
    array, complex
        The phase differs between its two sides: a periodic box needs a second soliton.

    Raises
    ------
    ParameterError
    """
    check(abs(velocity) < 1, "a soliton is slower than sound: |velocity| < 1", velocity=velocity)
    depth = np.sqrt(1 - velocity**2)
    return 1j * velocity + depth * np.tanh(depth * np.asarray(x))


def _check_vortices(places, lengths):
    check(min(lengths) > 0, "the periods of the box must be positive", lengths=lengths)
    if len({(x, y) for x, y, _ in places}) < len(places):
        raise ParameterError("two vortices are at the same place: give one with their joint charge")
    charges = [charge for *_, charge in places]
    if any(charge != int(charge) or charge == 0 for charge in charges) or sum(charges):
        raise ParameterError(
            f"charges = {charges}: vortices in a periodic box have whole charges, not 0, that add "
            "up to 0: give as many of +1 as of -1"
        )
