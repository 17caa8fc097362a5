"""Micrometre and millisecond: ``from spinhydro.units.um_ms import Hz, hbar, kg, ms, pi, um``."""

from spinhydro.units import multipliers

LENGTH, TIME = "um", "ms"

globals().update(multipliers(length=-6, time=-3))
