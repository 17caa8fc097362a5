"""Atomic species of cold-gas experiments."""

from scipy import constants

from spinhydro.errors import ParameterError, did_you_mean

#: Masses of the neutral atoms in dalton: AME2020 atomic mass evaluation
#: (Wang et al., Chinese Physics C 45, 030003 (2021)).
MASSES = {
    "Li7": 7.0160034,
    "Na23": 22.9897693,
    "K39": 38.9637065,
    "K41": 40.9618253,
    "Rb87": 86.9091805,
    "Cs133": 132.9054520,
}


def atomic_mass(atom):
    """Mass of one atom in kg: ``atomic_mass("Na23")``, 3.8175e-26 kg.

    Raises ParameterError for an atom that is not in MASSES.
    """
    if atom not in MASSES:
        raise ParameterError(
            f"no atom '{atom}'; {did_you_mean(str(atom), MASSES)} known: {', '.join(MASSES)}"
        )
    return MASSES[atom] * constants.atomic_mass
