import dedalus.public as d3
import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import eigsh

from spinhydro import frozen_gas, ground_state, thomas_fermi
from spinhydro.errors import InputError
from spinhydro.physics.trap_modes import MirroredModes

KINETIC, RADIUS = 1.38122, 210.0


def trap(x, interaction):
    omega = np.sqrt(4 * KINETIC * interaction) / RADIUS
    return omega**2 * x**2 / (4 * KINETIC)


def grid(size, length=480.0):
    return -length / 2 + length / size * np.arange(size)


@pytest.mark.parametrize("size", [512, 2048, 4096])
def test_ground_state_solves_its_equation(size):
    x, g = grid(size), 32.0959
    n = ground_state(x, trap(x, g), g, KINETIC, chemical_potential=g)
    p = np.sqrt(n)
    k = 2 * np.pi * np.fft.rfftfreq(size, x[1] - x[0])
    kinetic = np.fft.irfft(KINETIC * k**2 * np.fft.rfft(p), size)
    residual = kinetic + (trap(x, g) + g * n - g) * p
    assert np.abs(residual).max() < 1e-9 * g


def test_ground_state_of_weak_interaction_is_the_oscillator():
    """mu -> the lowest level of the linear problem, found by an independent eigenvalue solver."""
    x = grid(256, 40.0)
    potential = 0.5 * x**2
    h = x[1] - x[0]
    # Fourth-order finite differences of -1/2 dxx.
    stencil = np.array([1, -16, 30, -16, 1]) / (24 * h**2)
    matrix = sparse.diags(stencil, [-2, -1, 0, 1, 2], shape=(256, 256)) + sparse.diags(potential)
    level = eigsh(matrix, k=1, sigma=0)[0][0]
    assert level == pytest.approx(0.5, abs=1e-4)
    n = ground_state(x, potential, 1.0, 0.5, chemical_potential=0.6)
    # Perturbation theory: mu = 1/2 + N / sqrt(2 pi).
    assert n.sum() * h == pytest.approx(0.1 * np.sqrt(2 * np.pi), rel=0.05)


def test_ground_state_tends_to_thomas_fermi_inside():
    x, g = grid(2048), 32.0959
    n = ground_state(x, trap(x, g), g, KINETIC, chemical_potential=g)
    inside = np.abs(x) < 190
    np.testing.assert_allclose(n[inside], thomas_fermi(x, RADIUS)[inside], atol=2e-4)


def test_no_state_below_the_trap():
    x = grid(64)
    with pytest.raises(InputError, match="not above the bottom"):
        ground_state(x, 1 + 0 * x, 1.0, 1.0, chemical_potential=0.5)


def test_potential_must_be_finite():
    x = grid(64)
    with pytest.raises(InputError, match="not finite"):
        ground_state(x, x * np.nan, 1.0, 1.0, chemical_potential=1.0)


def test_thomas_fermi_floor():
    x = grid(256)
    np.testing.assert_allclose(thomas_fermi(np.array([RADIUS]), RADIUS, floor=1e-3), 1e-3)
    assert thomas_fermi(x, RADIUS).min() == 0
    assert thomas_fermi(x, RADIUS, floor=1e-3).min() > 0


@pytest.mark.parametrize("shape", [(64, 32), (48, 32, 32)])
def test_ground_state_in_more_dimensions(shape):
    lengths, radii, g = (48.0, 6.4, 6.4), (20.0, 2.2, 2.2), 8.0
    axes = tuple(grid(size, length) for size, length in zip(shape, lengths, strict=False))
    mesh = np.meshgrid(*axes, indexing="ij")
    potential = g * sum((x / R) ** 2 for x, R in zip(mesh, radii, strict=False))
    n = ground_state(axes, potential, g, KINETIC, chemical_potential=g)
    p = np.sqrt(n)
    k = np.meshgrid(*(2 * np.pi * np.fft.fftfreq(x.size, x[1] - x[0]) for x in axes), indexing="ij")
    kinetic = np.fft.ifftn(KINETIC * sum(q**2 for q in k) * np.fft.fftn(p)).real
    assert np.abs(kinetic + (potential + g * n - g) * p).max() < 1e-10 * g
    assert 0.5 < n.max() < 1
    # Even about the centre along every axis.
    for axis in range(len(shape)):
        np.testing.assert_allclose(n, np.roll(np.flip(n, axis), 1, axis), atol=1e-10)


def test_a_trap_that_is_not_mirrored_about_its_first_point_gives_the_same():
    axes = tuple(grid(size, length) for size, length in ((64, 48.0), (32, 6.4)))
    potential = 8.0 * sum((x / R) ** 2 for x, R in zip(np.ix_(*axes), (20.0, 2.2), strict=True))
    moved = np.roll(potential, 1, axis=0)
    assert MirroredModes.is_possible(potential)
    assert not MirroredModes.is_possible(moved)
    mirrored, periodic = (ground_state(axes, V, 8.0, KINETIC, 8.0) for V in (potential, moved))
    np.testing.assert_allclose(np.roll(periodic, -1, axis=0), mirrored, atol=1e-12)


def test_modes_by_matrices_are_those_of_fast_transforms():
    modes = MirroredModes([grid(16), grid(24), grid(32)])
    p = np.random.default_rng(0).random((9, 13, 17))
    single = modes.filter(np.float32(1 / (1 + modes.k_squared)), p.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, modes.filter(1 / (1 + modes.k_squared), p), atol=1e-6)


@pytest.mark.parametrize("density", ["ground_state", "pedestal", "thomas_fermi"])
def test_frozen_gas_does_not_depend_on_dealiasing(density):
    """Coefficients of the density and the slope are those of a basis without dealiasing."""
    found = []
    for dealias in (1, 3 / 2):
        coord = d3.Coordinate("x")
        dist = d3.Distributor(coord, dtype=np.float64)
        basis = d3.RealFourier(coord, size=64, bounds=(-240, 240), dealias=dealias)
        gas = frozen_gas(dist, basis, 2.76, g_n0=32.0, R_x=RADIUS, density=density)
        found.append([field["c"].copy() for field in (gas.n, gas.log_slope)])
    np.testing.assert_allclose(*found, rtol=0, atol=1e-14)
