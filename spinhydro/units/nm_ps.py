"""Nanometre and picosecond: ``from spinhydro.units.nm_ps import THz, nm, pi, ps``."""

from spinhydro.units import multipliers

LENGTH, TIME = "nm", "ps"

globals().update(multipliers(length=-9, time=-12))
