import numpy as np
import pytest
from scipy import constants

from spinhydro.errors import ParameterError
from spinhydro.kernels.named import kernel
from spinhydro.physics.materials import MATERIALS, material
from spinhydro.problem.load import load

from ..conftest import ROOT

MU_B = constants.physical_constants["Bohr magneton"][0]


def test_numbers_of_paper_b():
    """omega_M and omega_K in rad/ps, the atomistic set, and the edges of both kernels."""
    m = material("CoFeNi")
    found = (m.omega_M / 1e12, m.omega_K / 1e12, m.J, m.mu_s / MU_B, m.d_z, m.wall_width * 1e9)
    expected = (0.170299, 0.342811, 1.409501e-20, 3.714567, 3.354960e-23, 5.1452)
    np.testing.assert_allclose(found, expected, rtol=5e-6)
    a, edge = m.a * 1e9, np.pi / (m.a * 1e9)
    stiffness = m.stiffness * 1e6
    assert kernel("chain", a=a, stiffness=stiffness)(edge) == pytest.approx(288.046, rel=2e-6)
    assert kernel("micromagnetic", stiffness=stiffness)(edge) == pytest.approx(710.7, rel=1e-4)


@pytest.mark.parametrize("name", MATERIALS)
def test_kernel_and_atomistic_parameters_describe_the_same_chain(name):
    m = material(name)
    np.testing.assert_allclose(m.gamma * m.J / m.mu_s, m.stiffness / m.a**2, rtol=1e-12)
    np.testing.assert_allclose(2 * m.gamma * m.d_z / m.mu_s, m.omega_K, rtol=1e-12)
    np.testing.assert_allclose(m.d_z / m.a**3, m.Ku, rtol=1e-12)


def test_unknown_material_names_the_nearest():
    with pytest.raises(ParameterError, match="no material 'CoFeni'; did you mean 'CoFeNi'"):
        material("CoFeni")


def test_command_prints_the_table(command):
    done = command("materials", "CoFeNi")
    assert done.returncode == 0
    for text in ("0.170299", "0.34281", "rad/ps", "1.4095", "3.714567", "mu_B", "288.04"):
        assert text in done.stdout, text
    done = command("materials", "permaloy")
    assert done.returncode == 2 and "did you mean 'permalloy'" in done.stderr


def test_the_record_of_a_run_has_the_numbers_of_a_magnet_and_not_the_object():
    """As a list in the units of the file, Ms would be 0.00058."""
    parameters = load(ROOT / "problems" / "skyrmion.py", quick=True).parameters
    assert "magnet" not in parameters
    assert parameters["Ms"] == pytest.approx(5.8e-4) and parameters["material"] == "PtCo"
