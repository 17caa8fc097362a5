r"""From the laboratory to the model: atom number, trap and scattering lengths -> kappa n_0, R_x, …

`experiment` converts measured quantities to the parameters of a problem file, `model` those
parameters to speeds, lengths and times. Both return tables (dictionaries of
`Quantity`), `table` prints them, and `spinhydro laboratory` is both on one line.

Formulas are for a gas in the Thomas-Fermi regime, all of it in state b as in paper A (Farolfi et
al., Nature Physics 17, 1359 (2021), Methods). Units are micrometre and millisecond.
"""

from typing import NamedTuple

import numpy as np

from spinhydro.errors import ParameterError
from spinhydro.physics.species import atomic_mass
from spinhydro.units import SI

_UM, _MS = 1e-6, 1e-3
_HBAR = SI["hbar"] * _MS / _UM**2  # kg um²/ms


class Quantity(NamedTuple):
    """One line of the table."""

    value: float
    unit: str
    meaning: str


def experiment(atom, N, omega_x, omega_r, a_aa, a_bb, a_ab, Omega_R):
    r"""Model parameters of an elongated, harmonically trapped gas.

    .. math::
        \mu = \tfrac12 \hbar\bar\omega\,(15 N a_{bb}/\bar a)^{2/5}, \quad
        \bar\omega^3 = \omega_x\omega_r^2, \quad \bar a^2 = \hbar/m\bar\omega, \\
        R_i^2 = 2\mu/m\omega_i^2, \quad n_{3D}(0) = \mu/g_{bb}, \quad
        n(0) = \tfrac12 \pi R_r^2\, n_{3D}(0) = 15 N/16 R_x, \\
        \hbar\kappa\, n_0 = (g - g_{12})\, n_{3D}(0) \quad\text{or}\quad
        \tfrac23\, (g - g_{12})\, n_{3D}(0)

    with g = 4 pi hbar^2 a/m, g - g12 = (g_aa + g_bb)/2 - g_ab. The second form of kappa n_0 is the
    average over the cross-section of the gas that Eqs. (8) and (9) of paper A take, the first is
    the value on the axis; what paper A measured, 357 Hz, agrees with the first. For n the linear
    density the average reads kappa = (4/3) (g - g12)/(hbar pi R_r^2), twice Eq. (9) as printed.

    Parameters
    ----------
    atom : str
        A name in spinhydro.physics.species.
    N : float
        Number of atoms.
    omega_x, omega_r, Omega_R : float
        Angular frequencies in 1/ms: trap along and across the axis, Rabi coupling.
    a_aa, a_bb, a_ab : float
        Scattering lengths in um.

    Returns
    -------
    dict of Quantity

    Raises
    ------
    ParameterError
        If the gas is not elongated and in the Thomas-Fermi regime; signs and miscibility are the
        conditions of ``spinhydro/physics/default_experiment.py``.
    """
    mass = atomic_mass(atom)
    hbar_over_m = _HBAR / mass
    mean_omega = (omega_x * omega_r**2) ** (1 / 3)
    mu = mean_omega / 2 * (15 * N * a_bb / np.sqrt(hbar_over_m / mean_omega)) ** 0.4
    if mu < max(omega_x, omega_r):
        raise ParameterError(
            f"the gas is too thin for these formulas (Thomas-Fermi): mu = 2 pi hbar x "
            f"{_kilohertz(mu):.3g} kHz must be well above hbar omega; take more atoms or a weaker "
            "trap"
        )
    if omega_x > omega_r:
        raise ParameterError("the gas is not elongated along x: omega_x must be below omega_r")
    R_x, R_r = (np.sqrt(2 * hbar_over_m * mu) / omega for omega in (omega_x, omega_r))

    def interaction(a):
        return 4 * np.pi * hbar_over_m * a  # g/hbar in um³/ms

    n_3d = mu / interaction(a_bb)
    difference = interaction((a_aa + a_bb) / 2 - a_ab)
    on_axis, averaged = difference * n_3d, 2 / 3 * difference * n_3d
    area = np.pi * R_r**2
    g12_over_g = 2 * a_ab / (a_aa + a_bb)
    return {
        "N": Quantity(N, "", "number of atoms"),
        "omega_x": _frequency(omega_x, "trap along the axis"),
        "omega_r": _frequency(omega_r, "trap across the axis"),
        "a_aa": Quantity(a_aa / _BOHR, "a_0", "scattering length of two atoms in a"),
        "a_bb": Quantity(a_bb / _BOHR, "a_0", "of two atoms in b"),
        "a_ab": Quantity(a_ab / _BOHR, "a_0", "of one in a and one in b"),
        "mu": _frequency(mu, "chemical potential over hbar, mu = g n_0"),
        "R_x": Quantity(R_x, "um", "Thomas-Fermi radius along the axis (paper A: as R_r)"),
        "R_r": Quantity(R_r, "um", "and across it (paper A: as R_x)"),
        "n_3D(0)": Quantity(n_3d, "1/um^3", "peak density, mu/g"),
        "n(0)": Quantity(n_3d * area / 2, "1/um", "linear density at the centre, 15 N/(16 R_x)"),
        "g12_over_g": Quantity(g12_over_g, "", "2 a_ab/(a_aa + a_bb)"),
        "kappa_n0": _frequency(on_axis, "(g - g12) n_3D(0)/hbar, on the axis"),
        "kappa_n0 (2/3)": _frequency(averaged, "the same averaged over the cross-section, Eq. (9)"),
        "kappa": Quantity(
            4 / 3 * difference / area, "um/ms", "(4/3) (g - g12)/(hbar pi R_r^2), for n linear"
        ),
        "kappa (printed)": Quantity(
            2 / 3 * difference / area, "um/ms", "Eq. (9) as printed, for n twice the linear density"
        ),
        **model(atom, Omega_R, on_axis, g12_over_g, R_x),
    }


def model(atom, Omega_R, kappa_n0, g12_over_g, R_x):
    r"""Speeds, lengths, times and frequencies at the centre of the gas, from model parameters.

    .. math::
        g n_0 = \kappa n_0/(1 - g_{12}/g), \quad x_c = R_x \sqrt{1 - 2\Omega_R/\kappa n_0}, \quad
        c_s = \sqrt{\hbar\kappa n_0/2m}, \quad c = \sqrt{(g + g_{12}) n_0/2m}, \\
        \xi_s = \sqrt{\hbar/2m\kappa n_0}, \quad \xi_R = \sqrt{\hbar/m\Omega_R}, \quad
        \omega_p = \sqrt{\Omega_R (\Omega_R + \kappa n_0)}, \quad T = 2\pi/\Omega_R

    omega_p is the frequency of small oscillations about the ground state s = (-n, 0, 0); about
    (+n, 0, 0), which paper A names, it would be sqrt(Omega_R (Omega_R - kappa n_0)), which is not
    real for Omega_R < kappa n_0. Paper A's c is sqrt(g n_0/m).

    Parameters
    ----------
    atom : str
    Omega_R, kappa_n0 : float
        In 1/ms; kappa_n0 > 0.
    g12_over_g : float
        Below 1.
    R_x : float
        In um; None for a uniform gas.

    Returns
    -------
    dict of Quantity
        Without x_c if Omega_R > kappa_n0/2: the gas has no interface then.
    """
    hbar_over_m = _HBAR / atomic_mass(atom)
    if not (kappa_n0 > 0 and g12_over_g < 1 and Omega_R >= 0):
        raise ParameterError(
            f"kappa_n0 = {kappa_n0:g}, g12_over_g = {g12_over_g:g}, Omega_R = {Omega_R:g}: these "
            "formulas are for kappa_n0 > 0, g12_over_g < 1 and Omega_R >= 0"
        )
    g_n0 = kappa_n0 / (1 - g12_over_g)
    found = {
        "hbar/m": Quantity(hbar_over_m, "um^2/ms", f"of {atom}"),
        "Omega_R": _frequency(Omega_R, "Rabi frequency"),
        "kappa n0": _frequency(kappa_n0, "spin interaction at the peak density"),
        "Omega_R/kappa n0": Quantity(
            Omega_R / kappa_n0, "", "self-trapping at the centre below 1/2"
        ),
        "g n0": _frequency(g_n0, "kappa n0/(1 - g12/g)"),
    }
    if R_x is not None:
        trap = np.sqrt(2 * hbar_over_m * g_n0) / R_x
        found["omega_x (1-D)"] = _frequency(trap, "trap with this radius and g n0")
        if 2 * Omega_R <= kappa_n0:
            x_c = R_x * np.sqrt(1 - 2 * Omega_R / kappa_n0)
            found["x_c"] = Quantity(x_c, "um", "interface, kappa n(x_c) = 2 Omega_R")
    c_s, c = np.sqrt(hbar_over_m * kappa_n0 / 2), np.sqrt(hbar_over_m * g_n0)
    found["c_s"] = Quantity(c_s, "um/ms", "spin sound, sqrt(hbar kappa n0/2m)")
    found["c"] = Quantity(
        c * np.sqrt((1 + g12_over_g) / 2), "um/ms", "sound, sqrt((g + g12) n0/2m)"
    )
    found["c (paper A)"] = Quantity(c, "um/ms", "sqrt(g n0/m)")
    xi_s = np.sqrt(hbar_over_m / (2 * kappa_n0))
    found["xi_s"] = Quantity(xi_s, "um", "spin healing length, sqrt(hbar/(2 m kappa n0))")
    if Omega_R > 0:
        xi_R = np.sqrt(hbar_over_m / Omega_R)
        plasma = np.sqrt(Omega_R * (Omega_R + kappa_n0))
        found["xi_R"] = Quantity(xi_R, "um", "sqrt(hbar/(m Omega_R))")
        found["omega_p"] = _frequency(plasma, "plasma oscillation of small amplitude")
        found["T"] = Quantity(2 * np.pi / Omega_R, "ms", "Rabi period")
    return found


_BOHR = SI["a_0"] / _UM


def _kilohertz(omega):
    return omega / (2 * np.pi)


def _frequency(omega, meaning):
    """Angular frequency 2 pi nu as nu in Hz."""
    return Quantity(1e3 * _kilohertz(omega), "2 pi Hz", meaning)


def table(quantities):
    """The lines that ``spinhydro laboratory`` prints."""
    width = max(len(name) for name in quantities)
    return "\n".join(
        f"{name:<{width}}  {quantity.value:>12.6g}  {quantity.unit:<8} {quantity.meaning}"
        for name, quantity in quantities.items()
    )
