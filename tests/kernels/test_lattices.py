"""Lattice kernels against sums over neighbours that are found by distance."""

from itertools import product

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro.language.words  # noqa: F401
from spinhydro import RealFourierNyquist, distributor, kernel
from spinhydro.errors import InputError
from spinhydro.kernels.lattices import LATTICES

A = 0.4
#: Atoms of a cell whose edges have the length 1 (triangular: 1 and sqrt 3).
CELLS = {
    "chain": ([[0]], [1]),
    "square": ([[0, 0]], [1, 1]),
    "triangular": ([[0, 0], [0.5, np.sqrt(3) / 2]], [1, np.sqrt(3)]),
    "sc": ([[0, 0, 0]], [1, 1, 1]),
    "bcc": ([[0, 0, 0], [0.5, 0.5, 0.5]], [1, 1, 1]),
    "fcc": ([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], [1, 1, 1]),
}
FORMULAS = {
    "chain": lambda x: 2 * (1 - np.cos(x)),
    "square": lambda x, y: 2 * (2 - np.cos(x) - np.cos(y)),
    "triangular": lambda x, y: 2 * (3 - np.cos(x) - 2 * np.cos(x / 2) * np.cos(np.sqrt(3) * y / 2)),
    "sc": lambda x, y, z: 2 * (3 - np.cos(x) - np.cos(y) - np.cos(z)),
    "bcc": lambda x, y, z: 8 * (1 - np.cos(x / 2) * np.cos(y / 2) * np.cos(z / 2)),
    "fcc": lambda x, y, z: (
        4
        * (
            3
            - np.cos(x / 2) * np.cos(y / 2)
            - np.cos(x / 2) * np.cos(z / 2)
            - np.cos(y / 2) * np.cos(z / 2)
        )
    ),
}


def nearest_neighbours(name):
    """Offsets of all nearest neighbours of the atom at the origin."""
    atoms, edges = (np.array(part, dtype=float) for part in CELLS[name])
    found = [
        atom + np.array(shift) * edges
        for atom in atoms
        for shift in product((-1, 0, 1), repeat=len(edges))
    ]
    lengths = np.array([np.linalg.norm(d) for d in found])
    shortest = lengths[lengths > 1e-9].min()
    return [d for d, length in zip(found, lengths, strict=True) if abs(length - shortest) < 1e-9]


@pytest.mark.parametrize("name", LATTICES)
def test_omega_is_the_sum_over_all_nearest_neighbours(name):
    neighbours = nearest_neighbours(name)
    k = np.random.default_rng(1).uniform(-20, 20, (len(CELLS[name][1]), 200))
    expected = sum(1 - np.cos(A * np.array(d) @ k) for d in neighbours)
    found = kernel(name, a=A, omega_J=1.0)(*k)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found, FORMULAS[name](*(A * k)), rtol=0, atol=1e-12)
    mean = kernel("neighbours", lattice=name, a=A, omega_E=len(neighbours))(*k)
    np.testing.assert_allclose(mean, len(neighbours) - expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", LATTICES)
def test_long_waves_have_the_stiffness(name):
    direction = np.random.default_rng(2).standard_normal(len(CELLS[name][1]))
    k = 1e-4 * direction / np.linalg.norm(direction)
    found = kernel(name, a=A, stiffness=3.0)(*k)
    assert found == pytest.approx(3.0e-8, rel=1e-6)


def primitive_field(name, size=6):
    """Random spins on a periodic piece of a lattice, axes along the primitive vectors."""
    lattice = LATTICES[name]
    lengths = np.linalg.norm(lattice.primitive, axis=1) * A
    axes = "xyz"[: lattice.dimensions]
    coords = d3.CartesianCoordinates(*axes)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=np.float64)
    sizes = [size + (i if size % 2 == 0 else 2 * i) for i in range(lattice.dimensions)]
    sizes = [max(8, n) for n in sizes]
    bases = [
        RealFourierNyquist(coords[axis], size=n, bounds=(0, n * length))
        for axis, n, length in zip(axes, sizes, lengths, strict=True)
    ]
    m = dist.VectorField(spin, name="m", bases=bases)
    m["g"] = np.random.default_rng(3).standard_normal(m["g"].shape)
    return m, lattice


@pytest.mark.parametrize("size", [8, 9])
@pytest.mark.parametrize("name", LATTICES)
def test_field_of_random_spins_is_the_direct_sum(name, size):
    """Every spin feels its neighbours, whole multiples of the primitive vectors away."""
    m, lattice = primitive_field(name, size)
    values = m["g"].copy()
    offsets = nearest_neighbours(name)
    whole = np.rint(np.array(offsets) @ np.linalg.inv(lattice.primitive)).astype(int)
    axes = tuple(range(1, lattice.dimensions + 1))
    expected = sum(1.7 * (values - np.roll(values, -d, axis=axes)) for d in whole)
    found = kernel(name, a=A, omega_J=1.7, axes="primitive")(m).evaluate()["g"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_exchange_with_any_neighbours():
    """Three shells of a sheared lattice, against rolled arrays."""
    m, _ = primitive_field("square", 9)
    values = m["g"].copy()
    bonds = {(1, 0): 1.0, (2, 1): -0.3, (0, 3): 0.2}
    found = kernel("exchange", bonds=bonds, vectors=[[A, 0], [0, A]])(m).evaluate()["g"]
    expected = 0
    for d, rate in bonds.items():
        for sign in (1, -1):
            shift = (-sign * d[0], -sign * d[1])
            expected = expected + rate * (values - np.roll(values, shift, axis=(1, 2)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_dzyaloshinskii_moriya_field_is_the_direct_sum():
    """E = - sum D.(S_i x S_{i+d}), differentiated with respect to a spin."""
    m, _ = primitive_field("square", 9)
    S = m["g"].copy()
    bonds = {(1.0, 0.0): (0.1, 0.5, -0.2), (0.0, 1.0): (-0.5, 0.2, 0.3)}
    scaled = {(d[0] * A, d[1] * A): D for d, D in bonds.items()}
    found = kernel("dmi", bonds=scaled)(m).evaluate()["g"]
    field = 0
    for d, D in bonds.items():
        shift = (int(d[0]), int(d[1]))
        ahead = np.roll(S, (-shift[0], -shift[1]), axis=(1, 2))
        behind = np.roll(S, shift, axis=(1, 2))
        vector = np.array(D).reshape(3, 1, 1)
        # -dE/dS_i of S_i.(S_{i+d} x D) and S_{i-d}.(S_i x D) = S_i.(D x S_{i-d})
        field = field + np.cross(ahead, vector, axis=0) + np.cross(vector, behind, axis=0)
    np.testing.assert_allclose(found, -field, rtol=0, atol=1e-13)


def line(cell, size=16):
    coords = d3.CartesianCoordinates("x")
    dist = distributor(coords, dtype=np.float64)
    basis = RealFourierNyquist(coords["x"], size=size, bounds=(0, cell * size))
    return dist.Field(name="u", bases=basis)


def test_cells_smaller_than_the_lattice():
    """Refused, unless `beyond` continues omega."""
    u, a = line(0.6), 1.0
    with pytest.raises(InputError, match="beyond the Brillouin zone of a = 1"):
        kernel("chain", a=a, omega_J=1.0)(u)
    k = np.array([0.5, np.pi, 4.0, 5.2])
    flat = kernel("chain", a=a, omega_J=1.0, beyond="flat")
    np.testing.assert_allclose(flat(k)[1:], 4.0)
    assert flat(u).evaluate()["g"].shape == (16,)
    periodic = kernel("chain", a=a, omega_J=1.0, beyond="periodic")
    np.testing.assert_allclose(periodic(k), 2 * (1 - np.cos(k)))
    kernel("chain", a=a, omega_J=1.0)(line(1.0))
    kernel("chain", a=a, omega_J=1.0)(line(1.3))


def test_bcc_on_cartesian_axes_needs_cells_that_hold_its_zone():
    """A grid of spacing a/2 holds waves that a bcc lattice does not have."""
    coords = d3.CartesianCoordinates("x", "y", "z")
    dist = distributor(coords, dtype=np.float64)

    def field(cell):
        bases = [
            RealFourierNyquist(coords[n], size=8, bounds=(0, 8 * cell)) for n in ("x", "y", "z")
        ]
        return dist.Field(name="u", bases=bases)

    with pytest.raises(InputError, match="axes='primitive'"):
        kernel("bcc", a=1.0, omega_J=1.0)(field(0.5))
    kernel("bcc", a=1.0, omega_J=1.0)(field(1.0))
    with pytest.raises(InputError, match="cannot be continued flat"):
        kernel("bcc", a=1.0, omega_J=1.0, beyond="flat")


def test_table_and_function_are_the_same_kernel(tmp_path):
    k = np.linspace(0, 8, 400)
    np.savetxt(tmp_path / "omega.txt", np.column_stack([k, 2 * (1 - np.cos(k))]))
    asked = np.linspace(-7, 7, 33)
    for W in (
        kernel("table", k=k, omega=2 * (1 - np.cos(k))),
        kernel("table", file=tmp_path / "omega.txt"),
    ):
        np.testing.assert_allclose(W(asked), 2 * (1 - np.cos(asked)), atol=1e-7)


@pytest.mark.parametrize("size", [9, 10])
def test_dzyaloshinskii_moriya_kernels_are_derivatives(size):
    """E = D [m_z div m - (m.grad) m_z] and D m.(curl m), H = -dE/dm."""
    coords = d3.CartesianCoordinates("x", "y")
    dist = spinhydro.distributor(coords, dtype=np.float64)
    bases = [spinhydro.RealFourierNyquist(c, size=size, bounds=(0, 3)) for c in coords.coords]
    m = dist.VectorField(spinhydro.spin, name="m", bases=bases)
    m["g"] = np.random.default_rng(0).normal(size=(3, size, size))
    mx, my, mz = (m @ e for e in spinhydro.spin.unit_vector_fields(dist))
    dx, dy = (lambda f, c=c: d3.Differentiate(f, c) for c in coords.coords)
    expected = {
        "interfacial_dmi": (-dx(mz), -dy(mz), dx(mx) + dy(my)),
        "bulk_dmi": (dy(mz), -dx(mz), dx(my) - dy(mx)),
    }
    for name, components in expected.items():
        found = spinhydro.kernel(name, omega_D=2.0)(m).evaluate()["g"]
        for value, component in zip(found, components, strict=True):
            np.testing.assert_allclose(value, 2 * component.evaluate()["g"], atol=1e-10)


def test_film_tensor():
    """Trace 1, N_zz = P, and the limits of long and short waves."""
    W = kernel("film", omega_M=1.0, thickness=5.0)
    coords = d3.CartesianCoordinates("x", "y")
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=np.float64)
    bases = [RealFourierNyquist(coords[n], size=9, bounds=(0, 30.0)) for n in ("x", "y")]
    m = dist.VectorField(spin, name="m", bases=bases)
    x, y = dist.local_grids(*bases)
    kx, ky = 2 * np.pi / 30 * 2, 2 * np.pi / 30 * 1
    wave = np.cos(kx * x + ky * y)
    m["g"] = np.array([0.3, -0.5, 0.8]).reshape(3, 1, 1) * wave
    kd = np.hypot(kx, ky) * 5.0
    P = (1 - np.exp(-kd)) / kd
    along = (0.3 * kx - 0.5 * ky) / (kx**2 + ky**2) * (1 - P)
    expected = np.array([along * kx, along * ky, 0.8 * P]).reshape(3, 1, 1) * wave
    np.testing.assert_allclose(W(m).evaluate()["g"], expected, atol=1e-14)


@pytest.mark.parametrize("name", LATTICES)
def test_nearest_neighbours_on_primitive_axes(name):
    """On one grid point per site, the kernel of a Fourier mode is the mean of its phases."""
    lattice = LATTICES[name]
    cells = np.array([4, 5, 6])[: lattice.dimensions]
    lengths = np.linalg.norm(lattice.primitive, axis=1) * A * cells
    W = kernel("neighbours", lattice=name, a=A, omega_E=0.7, axes="primitive")
    random = np.random.default_rng(2)
    for _ in range(5):
        mode = random.integers(-3, 4, lattice.dimensions)
        # `neighbours` are whole multiples of the primitive vectors, one of each pair d, -d.
        expected = 0.7 * np.mean(np.cos(2 * np.pi * lattice.neighbours @ (mode / cells)))
        assert W(*(2 * np.pi * mode / lengths)) == pytest.approx(expected, abs=1e-13)
