import ast
import math

import pytest
from scipy import constants

import spinhydro.units.nm_ps as nm_ps
import spinhydro.units.um_ms as um_ms
from spinhydro import atomic_mass
from spinhydro.errors import ParameterError
from spinhydro.problem.dimensions import dimension
from spinhydro.units import DIMENSIONS, describe, with_unit


def test_base_units_are_exactly_one():
    assert um_ms.um == um_ms.ms == nm_ps.nm == nm_ps.ps == 1.0


@pytest.mark.parametrize("module, length, time", [(um_ms, 1e-6, 1e-3), (nm_ps, 1e-9, 1e-12)])
def test_every_unit_is_its_si_value_over_the_base_units(module, length, time):
    si = {"mm": 1e-3, "s": 1.0, "kHz": 1e3, "J": 1.0, "tesla": 1.0, "hbar": constants.hbar,
          "k_B": constants.k, "mu_0": constants.mu_0}  # fmt: skip
    for name, value in si.items():
        powers = DIMENSIONS[name]
        expected = value / length ** powers[0] / time ** powers[1]
        assert getattr(module, name) == pytest.approx(expected, rel=1e-12), name


def test_hbar_over_m_of_sodium_is_the_published_value():
    assert um_ms.hbar / (atomic_mass("Na23") * um_ms.kg) == pytest.approx(2.762437, rel=1e-6)


def test_rabi_frequency_of_paper_a():
    assert 2 * math.pi * 118 * um_ms.Hz == pytest.approx(0.741415866, rel=1e-9)


def test_unknown_atom_names_the_nearest():
    with pytest.raises(ParameterError, match="did you mean 'Na23'"):
        atomic_mass("na23")


def test_dimensions_in_words():
    assert describe(DIMENSIONS["Hz"]) == "a frequency"
    assert describe((3, 0, 0, 0, 0)) == "length^3"


def test_constants_are_those_of_scipy():
    from scipy import constants

    from spinhydro.units import SI

    expected = {
        "a_0": constants.physical_constants["Bohr radius"][0],
        "mu_B": constants.physical_constants["Bohr magneton"][0],
        "dalton": constants.atomic_mass,
        "hbar": constants.hbar,
        "k_B": constants.k,
        "mu_0": constants.mu_0,
        "eV": constants.e,
        "Ry": constants.Rydberg * constants.h * constants.c,
    }
    for name, value in expected.items():
        assert SI[name] == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize(
    ("value", "powers", "text"),
    [
        (5.8e-4, (-1, 0, 0, 0, 1), "580000 A/m"),
        (1.5e-26, (1, -2, 1, 0, 0), "1.5e-11 J/m"),
        (8e-28, (-1, -2, 1, 0, 0), "800000 J/m^3"),
        (1.76e23, (0, 1, -1, 0, 1), "176000000000 rad/(s T)"),
        (0.1, (0, -2, 1, 0, -1), "1e+23 T"),
        (8.0, (1, 0, 0, 0, 0), "8 nm"),
        (9.1, (2, -1, 0, 0, 0), "9.1 nm^2 ps^-1"),
        (300, (0, 0, 0, 1, 0), "300 K"),
        (2e-6, (2, -1, 1, 0, 0), "2e-12 m^2 s^-1 kg"),
    ],
)
def test_values_are_shown_with_their_units(value, powers, text):
    """Lengths and times in the units of the file, what has mass or current in those of SI."""
    assert with_unit(value, powers, {"length": "nm", "time": "ps"}) == text


LENGTH, TIME = DIMENSIONS["um"], DIMENSIONS["ms"]


@pytest.mark.parametrize(
    "name",
    ["max", "min", "maximum", "minimum", "float", "int", "round", "per_member", "linspace",
     "arange", "array"],
)  # fmt: skip
def test_functions_that_keep_the_dimension_of_their_first_argument(name):
    known = {"um": LENGTH, "L": LENGTH, "ms": TIME}
    for text in (f"{name}(3*L, 2*um)", f"np.{name}(L)", f"2*{name}(L)"):
        assert dimension(ast.parse(text, mode="eval").body, known) == LENGTH, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L/ms", (1, -1, 0, 0, 0)),
        ("L*L", (2, 0, 0, 0, 0)),
        ("1/ms", (0, -1, 0, 0, 0)),
        ("L**2", (2, 0, 0, 0, 0)),
        ("sqrt(L**2)", (1, 0, 0, 0, 0)),
        ("-L", (1, 0, 0, 0, 0)),
        ("L - 2*L", (1, 0, 0, 0, 0)),
        ("L < 2*L", (0, 0, 0, 0, 0)),
        ("[L, 2*L]", (1, 0, 0, 0, 0)),
        ("exp(L/um)", (0, 0, 0, 0, 0)),
        ("max()", None),
        ("unknown(L)", None),
        ("[L, ms]", None),
        ("L + ms", None),
        ("L**n", None),
    ],
)
def test_dimensions_of_expressions(text, expected):
    known = {"um": LENGTH, "L": LENGTH, "ms": TIME, "n": DIMENSIONS["pi"]}
    found = dimension(ast.parse(text, mode="eval").body, known)
    assert found == expected
