"""From the laboratory to the model: the numbers of paper A, and impossible gases."""

import numpy as np
import pytest
from scipy import constants
from scipy.integrate import quad

from spinhydro import experiment, load, model, scattering_lengths
from spinhydro.cli.main import call
from spinhydro.errors import ParameterError
from spinhydro.problem.load import evaluate

from ..conftest import ROOT

HERTZ = 2 * np.pi * 1e-3
FILE = ROOT / "spinhydro" / "physics" / "default_experiment.py"
NAMES = ("atom", "N", "omega_x", "omega_r", "a_aa", "a_bb", "a_ab", "Omega_R")


def gas(**changed):
    names = evaluate(FILE, **changed)
    return experiment(*(names[name] for name in NAMES))


def test_paper_a_from_its_atom_number_and_trap():
    """kappa n0 237 Hz with the 2/3 of Eq. (9), 356 Hz without; radii 210 and 2.2 um, printed
    interchanged and to their last digits."""
    found = gas()
    assert found["kappa_n0"].value == pytest.approx(356, abs=0.5)
    assert found["kappa_n0 (2/3)"].value == pytest.approx(237, abs=0.6)
    assert found["R_x"].value == pytest.approx(210, rel=0.01)
    assert found["R_r"].value == pytest.approx(2.2, rel=0.05)
    assert found["omega_x (1-D)"].value == pytest.approx(10, rel=1e-6)


def test_densities_integrate_to_the_number_of_atoms():
    found = {name: quantity.value for name, quantity in gas(N=3e5).items()}
    line, _ = quad(lambda u: (1 - u**2) ** 2, -1, 1)
    assert found["n(0)"] * found["R_x"] * line == pytest.approx(3e5, rel=1e-9)
    in_space = 8 * np.pi / 15 * found["R_x"] * found["R_r"] ** 2
    assert found["n_3D(0)"] * in_space == pytest.approx(3e5, rel=1e-9)


def test_averaged_kappa_is_the_one_of_the_linear_density():
    found = {name: quantity.value for name, quantity in gas().items()}
    assert found["kappa"] * found["n(0)"] / HERTZ == pytest.approx(found["kappa_n0 (2/3)"])
    assert found["kappa (printed)"] * 2 == pytest.approx(found["kappa"])


@pytest.mark.parametrize(
    ("Omega_R", "kappa_n0", "expected"),
    [
        (118, 118 / 0.33, {"x_c": 122.45, "c_s": 1.7616, "c": 9.250, "c (paper A)": 9.416,
                           "xi_s": 0.784, "xi_R": 1.93, "g n0": 5108.2}),
        (62, 62 / 0.28, {"xi_R": 2.66, "x_c": 210 * np.sqrt(0.44)}),
    ],
    ids=["118 Hz", "62 Hz"],
)  # fmt: skip
def test_speeds_and_lengths_of_both_data_sets(Omega_R, kappa_n0, expected):
    found = model("Na23", Omega_R * HERTZ, kappa_n0 * HERTZ, 0.93, 210)
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, rel=0.5e-3 if value > 3 else 3e-3), name


def trap_frequency(of):
    """Frequency of the trap whose gas has the radius R_x: m (omega R_x)^2 / 2 = mu."""
    return np.sqrt(2 * of["hbar_over_m"] * of["g_n0"]) / of["R_x"]


def test_problem_file_has_the_frequency_that_the_table_gives():
    problem = load(ROOT / "problems" / "quantum_torque.py", Nx=64)
    of = problem.namespace
    found = model(of["atom"], of["Omega_R"], of["kappa_n0"], of["g12_over_g"], of["R_x"])
    assert found["g n0"].value * HERTZ == pytest.approx(of["g_n0"])
    assert found["omega_x (1-D)"].value * HERTZ == pytest.approx(trap_frequency(of))
    assert found["hbar/m"].value == pytest.approx(of["hbar_over_m"])


def test_without_self_trapping_there_is_no_interface():
    assert "x_c" not in model("Rb87", 2.0, 3.0, 0.9, 100.0)
    assert "x_c" in model("Rb87", 1.4, 3.0, 0.9, 100.0)
    assert "T" not in model("Rb87", 0, 3.0, 0.9, 100.0)


def test_sodium_lengths_give_the_seven_per_cent_of_the_paper():
    lengths = scattering_lengths("Na23")
    assert lengths.ab / lengths.bb == pytest.approx(0.93, abs=2e-3)


def test_units_of_length():
    found = gas(a_bb="100*a_0", a_aa="100*a_0", a_ab="90*a_0")
    assert found["a_bb"].value == pytest.approx(100)
    bohr = constants.physical_constants["Bohr radius"][0]
    g = 4 * np.pi * constants.hbar**2 * 100 * bohr / (22.9897693 * constants.atomic_mass)
    mu = found["mu"].value * constants.h
    assert mu / g == pytest.approx(found["n_3D(0)"].value * 1e18, rel=1e-6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"atom": "Rb87"}, "immiscible.*spin states, or a magnetic field"),
        ({"atom": "K39"}, "collapses.*magnetic field"),
        ({"atom": "Cs133"}, "no scattering lengths of 'Cs133'"),
        ({"atom": "Na22"}, "no atom|no scattering lengths"),
        ({"a_bb": "-10*a_0"}, "collapses"),
        ({"N": 1}, "too thin.*more atoms"),
        ({"omega_r": "2*pi*5*Hz"}, "not elongated"),
        ({"omega_x": 0}, "must be positive"),
        ({"omega_x": "10*um"}, "must be a frequency"),
    ],
    ids=str,
)
def test_what_cannot_be_such_a_gas(changed, message):
    with pytest.raises(ParameterError, match=message):
        gas(**changed)


def test_one_command_from_experiment_and_from_problem_file(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert call(["laboratory", "N=3e5", "Omega_R=2*pi*90*Hz"]) == 0
    printed = capsys.readouterr().out
    line = printed.splitlines()[-1]
    assert line.startswith("spinhydro run problems/quantum_torque.py atom=Na23 ")
    values = dict(part.split("=") for part in line.replace("'", "").split()[3:])
    problem = load("problems/quantum_torque.py", Nx=64, **values)
    assert trap_frequency(problem) == pytest.approx(10 * HERTZ, rel=1e-4)
    assert problem["Omega_R"] == pytest.approx(90 * HERTZ)
    assert call(["laboratory", "problems/quantum_torque.py"]) == 0
    assert "122.45  um" in capsys.readouterr().out
    assert call(["laboratory", "problems/dark_bright_soliton.py"]) == 2
    assert "does not set kappa_n0" in capsys.readouterr().err
