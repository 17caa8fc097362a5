"""
The experiment of paper A, as `spinhydro laboratory` reads it: quantities known in a laboratory.

Copy this file, or give new values by name:

    spinhydro laboratory N=3e5 omega_r='2*pi*800*Hz'
    spinhydro laboratory atom=Rb87 a_ab='95*a_0'
    spinhydro laboratory my_experiment.py

| symbol in this file | meaning | paper A |
|---|---|---|
| N | number of atoms, all of them in state b at the start | Methods |
| omega_x, omega_r | trap frequencies along and across the axis | Methods |
| a_aa, a_bb, a_ab | scattering lengths of the states a and b | Methods |
| Omega_R | Rabi frequency | Fig. 3 |
"""

import spinhydro
from spinhydro.units.um_ms import Hz, a_0, pi

atom = "Na23"
N = 5e5
omega_x = 2 * pi * 10 * Hz
omega_r = 2 * pi * 1006 * Hz
a_aa = spinhydro.scattering_lengths(atom).aa * a_0
a_bb = spinhydro.scattering_lengths(atom).bb * a_0
a_ab = 0.93 * a_bb if atom == "Na23" else spinhydro.scattering_lengths(atom).ab * a_0  # as printed
Omega_R = 2 * pi * 118 * Hz

conditions = {
    "N >= 1": "a gas has at least one atom",
    "omega_x > 0 and omega_r > 0": "the trap frequencies must be positive",
    "a_aa > 0 and a_bb > 0": (
        "the gas of one component collapses: a_aa and a_bb must be positive (choose another "
        "magnetic field)"
    ),
    "a_ab < (a_aa*a_bb)**0.5": (
        "the components are immiscible: they separate unless a_ab < sqrt(a_aa a_bb). Choose other "
        "spin states, or a magnetic field where a_ab is smaller"
    ),
    "a_ab > -((a_aa*a_bb)**0.5)": (
        "the mixture collapses (or forms droplets, which these equations do not hold) unless "
        "a_ab > -sqrt(a_aa a_bb). Choose a magnetic field where the attraction is weaker"
    ),
    "Omega_R >= 0": "the Rabi frequency cannot be negative",
}
