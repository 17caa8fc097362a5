"""Atomic species of cold-gas experiments: masses, and scattering lengths of two spin states."""

from typing import NamedTuple

from spinhydro.errors import ParameterError, unknown_name_message
from spinhydro.units import SI

#: Masses of the neutral atoms in dalton: AME2020 atomic mass evaluation
#: (Wang et al., Chinese Physics C 45, 030003 (2021)).
MASSES = {
    "Li7": 7.0160034,
    "Na23": 22.9897693,
    "K39": 38.9637065,
    "K41": 40.9618253,
    "Rb87": 86.9091805,
    "Cs133": 132.9054520,
    "Dy162": 161.9268061,
    "Dy164": 163.9291819,
    "Er166": 165.9303011,
    "Er168": 167.9323783,
}


class ScatteringLengths(NamedTuple):
    """Scattering lengths of two spin states a and b, in Bohr radii, and their validity."""

    aa: float
    bb: float
    ab: float
    states: str
    source: str


# Two atoms of sodium in |1,1> and |1,-1> collide with total spin 0 or 2.
_NA_0, _NA_2 = 48.91, 54.54

SCATTERING_LENGTHS = {
    "Na23": ScatteringLengths(
        _NA_2, _NA_2, (_NA_2 + 2 * _NA_0) / 3, "|1,+1> and |1,-1>, near 0 G",
        "a_0 and a_2 of Knoop et al., Phys. Rev. A 83, 042704 (2011)",
    ),
    "K39": ScatteringLengths(
        66.6, 34.4, -53.4, "|1,-1> and |1,0> at 56.34 G, next to several Feshbach resonances",
        "Cikojevic et al., New J. Phys. 22, 053045 (2020)",
    ),
    "Rb87": ScatteringLengths(
        95.44, 100.40, 98.006, "|2,+1> and |1,-1>, near 3.2 G",
        "Egorov et al., Phys. Rev. A 87, 053614 (2013)",
    ),
}  # fmt: skip


def atomic_mass(atom):
    """Mass of one atom in kg: ``atomic_mass("Na23")``, 3.8175e-26 kg.

    Raises ParameterError for an atom that is not in MASSES.
    """
    if atom not in MASSES:
        raise ParameterError(unknown_name_message("atom", atom, MASSES))
    return MASSES[atom] * SI["dalton"]


def scattering_lengths(atom):
    """Scattering lengths of the usual pair of spin states, in Bohr radii.

    Parameters
    ----------
    atom : str
        "Na23", "K39" or "Rb87".

    Returns
    -------
    ScatteringLengths
        ``aa``, ``bb``, ``ab``; ``states`` names the states and the magnetic field,
        ``source`` the publication. Those of potassium change by a Bohr radius and more
        per 0.1 G: give your own for another field. For sodium an earlier analysis has 55.4(1.2)
        for two atoms in |1,-1> (van Abeelen and Verhaar, Phys. Rev. A 59, 578 (1999)), in
        agreement; what matters for the spin is the difference a_2 - a_0, of some ten per cent.
        The potassium values and a_0 of sodium could not be compared with the printed tables:
        look there before you rely on their last digits.

    Raises
    ------
    ParameterError
        For an atom that is not in SCATTERING_LENGTHS.
    """
    if atom not in SCATTERING_LENGTHS:
        raise ParameterError(
            f"no scattering lengths of '{atom}' are stored (only of "
            f"{', '.join(SCATTERING_LENGTHS)}); write a_aa = 54.54*a_0 and so on"
        )
    return SCATTERING_LENGTHS[atom]
