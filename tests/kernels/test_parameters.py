"""Impossible values of the parameters of kernels and stencils are refused in plain words."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro
from spinhydro.errors import InputError, shown

KERNELS = {
    "chain": {"a": 1.0, "omega_J": 1.0, "beyond": "flat", "axes": "cartesian"},
    "square": {"a": 1.0, "stiffness": 1.0},
    "exchange": {"bonds": {(1.0,): 1.0}, "vectors": [[1.0]]},
    "neighbours": {"lattice": "bcc", "a": 1.0, "omega_E": 1.0},
    "micromagnetic": {"stiffness": 1.0},
    "film": {"omega_M": 1.0, "thickness": 1.0},
    "dmi": {"bonds": {(1.0,): (0.0, 0.0, 1.0)}},
    "interfacial_dmi": {"omega_D": 1.0},
    "bulk_dmi": {"omega_D": 1.0},
    "dipolar": {"g_dd": 1.0, "cutoff": 1.0, "axis": (0.0, 0.0, 1.0)},
    "projector": {"k_max": 1.0},
    "table": {"k": [0, 1, 2, 3], "omega": [0, 1, 4, 9]},
}
STENCILS = {
    "sc": {"a": 1.0, "omega_J": 1.0},
    "exchange": {"bonds": {(1,): 1.0}, "a": 1.0},
    "neighbours": {"lattice": "bcc", "a": 1.0, "omega_E": 1.0},
    "dmi": {"bonds": {(1,): (0.0, 0.0, 1.0)}, "a": 1.0},
}
CASES = [
    (make, kind, name)
    for make, table in ((spinhydro.kernel, KERNELS), (spinhydro.stencil, STENCILS))
    for kind, parameters in table.items()
    for name in parameters
]
WRONG = [
    "x", np.nan, np.inf, [], {}, (1, 2), object(), np.zeros((2, 2)), {(1,): "x"},
    {(1.0,): [1, 2]}, {(1,): 1.0, (1, 2): 1.0}, {(0.0,): 1.0}, 1j, np.float64(-1.0),
]  # fmt: skip


@pytest.fixture(scope="module")
def fields():
    """A field of spins in one, two and three dimensions."""
    made = []
    for dimensions in (1, 2, 3):
        coords = d3.CartesianCoordinates(*"xyz"[:dimensions])
        dist = spinhydro.distributor(coords, dtype=np.float64)
        bases = [spinhydro.RealFourierNyquist(c, size=5, bounds=(0, 5)) for c in coords.coords]
        spin = d3.CartesianCoordinates("sx", "sy", "sz")
        made.append(dist.VectorField(spin, name="m", bases=bases))
    return made


@pytest.mark.parametrize("make, kind, name", CASES)
def test_a_value_of_another_form_is_refused_in_plain_words(make, kind, name, fields):
    parameters = (KERNELS if make is spinhydro.kernel else STENCILS)[kind]
    refused = 0
    for value in WRONG:
        try:
            word = make(kind, **{**parameters, name: value})
        except InputError as error:
            refused += 1
            assert kind in str(error) or name in str(error)
            assert "np." not in str(error) and " object at " not in str(error)
            continue
        for field in fields:
            try:
                word(field).evaluate()
            except InputError:
                continue
    assert refused >= 6


def test_a_lattice_acts_only_on_space_of_its_own_dimensions(fields):
    line, plane, _ = fields
    chain = spinhydro.kernel("chain", a=1.0, omega_J=1.0)
    bonds = spinhydro.kernel("exchange", bonds={(1.0,): 1.0})
    isotropic = spinhydro.kernel("micromagnetic", stiffness=1.0)
    for kernel in (chain, bonds):
        kernel(line).evaluate()
        with pytest.raises(InputError, match="function of 1 wavenumber; this space has 2"):
            kernel(plane)
        with pytest.raises(InputError, match="takes 1 wavenumber, not 2"):
            kernel(0.1, 0.2)
    isotropic(plane).evaluate()


def test_values_in_messages_are_plain_numbers():
    assert shown(np.float64(2.5)) == "2.5"
    assert shown((np.int64(3), [np.float64(0.5)])) == "(3, [0.5])"
    assert shown({np.int64(1): np.array([1, 2])}) == "{1: [1, 2]}"
    assert str(
        InputError(f"{(np.float64(1.5), np.int64(-2), np.bool_(True))}, {np.str_('a')!r}")
    ) == ("(1.5, -2, True), 'a'")
    assert shown(object()) == "a value of type object"
