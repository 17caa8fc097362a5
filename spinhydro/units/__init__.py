"""Unit systems: a quantity is a plain float, a unit is the number that multiplies it.

A problem file declares its system by the module that it imports from, and writes
``210 * um`` or ``2 * pi * 118 * Hz``:

| module | length | time | for |
|---|---|---|---|
| ``spinhydro.units.um_ms`` | micrometre | millisecond | cold atoms |
| ``spinhydro.units.nm_ps`` | nanometre | picosecond | magnetism |

Mass is in kg, temperature in K, current in A, angle in rad in both. Constants are those of CODATA
2022; a test compares them with scipy.constants, whose import takes longer than reading a problem
file. ``metre`` and ``second`` are m and s, for files with fields m and s.
"""

from decimal import Decimal
from math import pi

#: Powers of (length, time, mass, temperature, current) of every name that may be imported.
DIMENSIONS = {
    "pi": (0, 0, 0, 0, 0),
    "rad": (0, 0, 0, 0, 0),
    **dict.fromkeys(("m", "metre", "mm", "um", "μm", "nm", "a_0"), (1, 0, 0, 0, 0)),
    **dict.fromkeys(("s", "second", "ms", "us", "ns", "ps", "fs"), (0, 1, 0, 0, 0)),
    **dict.fromkeys(("Hz", "kHz", "MHz", "GHz", "THz"), (0, -1, 0, 0, 0)),
    **dict.fromkeys(("kg", "dalton"), (0, 0, 1, 0, 0)),
    **dict.fromkeys(("K", "mK", "uK", "nK"), (0, 0, 0, 1, 0)),
    **dict.fromkeys(("J", "mJ", "eV", "meV", "ueV", "μeV", "Ry"), (2, -2, 1, 0, 0)),
    **dict.fromkeys(("tesla", "mT"), (0, -2, 1, 0, -1)),
    "Oe": (-1, 0, 0, 0, 1),
    "A": (0, 0, 0, 0, 1),
    "hbar": (2, -1, 1, 0, 0),
    "k_B": (2, -2, 1, -1, 0),
    "mu_0": (1, -2, 1, 0, -2),
    "mu_B": (2, 0, 0, 0, 1),
}

#: Elementary charge, in C.
_E = 1.602176634e-19

#: Values in SI units.
SI = {
    "pi": pi, "rad": 1.0,
    "m": 1.0, "metre": 1.0, "mm": 1e-3, "um": 1e-6, "μm": 1e-6, "nm": 1e-9,
    "a_0": 5.29177210544e-11,
    "s": 1.0, "second": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15,
    "Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9, "THz": 1e12,
    "kg": 1.0, "dalton": 1.66053906892e-27,
    "K": 1.0, "mK": 1e-3, "uK": 1e-6, "nK": 1e-9,
    "J": 1.0, "mJ": 1e-3, "eV": _E, "meV": 1e-3 * _E, "ueV": 1e-6 * _E,
    "μeV": 1e-6 * _E, "Ry": 2.1798723611029888e-18,
    "tesla": 1.0, "mT": 1e-3, "Oe": 250 / pi, "A": 1.0,
    "hbar": 1.0545718176461565e-34, "k_B": 1.380649e-23, "mu_0": 1.25663706127e-6,
    "mu_B": 9.2740100657e-24,
}  # fmt: skip


def multipliers(length, time):
    """Every unit and constant as a number where the units are 10**length m and 10**time s.

    >>> multipliers(length=-6, time=-3)["Hz"]
    0.001
    """
    result = {}
    for name, value in SI.items():
        exponent = DIMENSIONS[name][0] * length + DIMENSIONS[name][1] * time
        # Decimal shifts keep 1*um exactly 1.0.
        result[name] = float(Decimal(repr(value)).scaleb(-exponent))
    return result


#: Names of SI units, by powers.
_NAMES = {
    (2, -2, 1, 0, 0): "J", (1, -2, 1, 0, 0): "J/m", (0, -2, 1, 0, 0): "J/m^2",
    (-1, -2, 1, 0, 0): "J/m^3", (-1, 0, 0, 0, 1): "A/m", (2, 0, 0, 0, 1): "A m^2",
    (0, -2, 1, 0, -1): "T", (0, 1, -1, 0, 1): "rad/(s T)", (2, -2, 1, -1, 0): "J/K",
}  # fmt: skip


def with_unit(value, powers, units):
    """Return a value as text with its unit; see `in_unit`.

    >>> with_unit(5.8e-4, (-1, 0, 0, 0, 1), {"length": "nm", "time": "ps"})
    '580000 A/m'
    """
    value, unit = in_unit(value, powers, units)
    return f"{value:.12g} {unit}"


def in_unit(value, powers, units):
    """Return a value and the name of its unit: of the file for lengths and times, else of SI.

    Parameters
    ----------
    value : float
        In the units of a problem file.
    powers : tuple of 5
        Powers of (length, time, mass, temperature, current).
    units : dict
        ``{"length": "nm", "time": "ps"}``.
    """
    names = [units.get("length"), units.get("time"), "kg", "K", "A"]
    if any(powers[2:]) and all(SI.get(name) for name in names[:2]):
        for name, power in zip(names[:2], powers, strict=False):
            value *= SI[name] ** power
        names[:2] = "m", "s"
    unit = _NAMES.get(tuple(powers)) if any(powers[2:]) else None
    if unit is None:
        unit = " ".join(
            f"{name}^{power:g}" if power != 1 else str(name)
            for name, power in zip(names, powers, strict=True)
            if power
        )
    return value, unit


def describe(powers):
    """Name of a dimension: (0, -1, 0, 0, 0) -> "a frequency"."""
    names = {
        (0, 0, 0, 0, 0): "a pure number",
        (1, 0, 0, 0, 0): "a length",
        (0, 1, 0, 0, 0): "a time",
        (0, -1, 0, 0, 0): "a frequency",
        (1, -1, 0, 0, 0): "a velocity",
        (2, -1, 0, 0, 0): "a length squared over a time",
        (0, 0, 1, 0, 0): "a mass",
        (2, -2, 1, 0, 0): "an energy",
        (0, 0, 0, 1, 0): "a temperature",
        (0, -2, 1, 0, -1): "a magnetic flux density",
        (-1, 0, 0, 0, 1): "a magnetic field",
        (0, -2, 1, 0, 0): "an energy per area",
        (1, -2, 1, 0, 0): "an energy per length",
        (-1, -2, 1, 0, 0): "an energy per volume",
    }
    symbols = ("length", "time", "mass", "temperature", "current")
    known = names.get(tuple(powers))
    return known or " ".join(f"{s}^{p:g}" for s, p in zip(symbols, powers, strict=True) if p)
