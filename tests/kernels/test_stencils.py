"""Stencils: sums over neighbours on the grid, against kernels and direct sums."""

import dedalus.public as d3
import numpy as np
import pytest

import spinhydro.language.words  # noqa: F401
from spinhydro import RealFourierNyquist, distributor, kernel, stencil
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import InputError, ParameterError
from spinhydro.kernels.lattices import LATTICES
from spinhydro.steppers import find_stepper

A, OMEGA = 0.7, 1.3
BASES = {
    "even": (RealFourierNyquist, np.float64, 8),
    "odd": (RealFourierNyquist, np.float64, 9),
    "complex": (d3.ComplexFourier, np.complex128, 9),
}
BAD_KINDS = {
    "chian": ({"a": 1, "omega_J": 1}, "did you mean 'chain'"),
    "chain": ({"a": 1, "J": 1}, "no parameter 'J'"),
    "square": ({"a": 1}, "omega_J (gamma J/mu) or stiffness"),
    "sc": ({"a": -1, "omega_J": 1}, "a > 0"),
    "bcc": ({"a": 0, "omega_J": 1}, "a > 0"),
    "fcc": ({"a": np.inf, "omega_J": 1}, "a > 0"),
    "exchange": ({"bonds": {(1,): 1.0, (-1,): 2.0}}, "different values"),
    "dmi": ({"bonds": {(1,): 1.0}}, "(omega_x, omega_y, omega_z)"),
    "neighbours": ({"lattice": "hexagonal", "a": 1, "omega_E": 1}, "hexagonal"),
}
BAD_WEIGHTS = {
    "half": ({(0.5,): 1.0, (-0.5,): 1.0}, "whole numbers"),
    "dimensions": ({(1,): 1.0, (1, 0): 1.0}, "all alike"),
    "infinite": ({(0,): np.inf}, "finite"),
    "complex": ({(0,): 1j}, "real number"),
    "nothing": ({}, "at least one"),
}  # fmt: skip


def spins(lattice, basis=RealFourierNyquist, dtype=np.float64, size=9, bounds=None, **options):
    """A field of random unit vectors on a lattice, axes along its primitive vectors."""
    dimensions, lengths = lattice.dimensions, np.linalg.norm(lattice.primitive, axis=1)
    names = "xyz"[:dimensions]
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=dtype)
    bases = [
        basis(coords[name], size=size + 2 * i, dealias=options.get("dealias", 1),
              bounds=bounds or (0, (size + 2 * i) * A * lengths[i]))
        for i, name in enumerate(names)
    ]  # fmt: skip
    m = dist.VectorField(spin, name="m", bases=bases)
    values = np.random.default_rng(0).standard_normal(m["g"].shape)
    m["g"] = values / np.sqrt(np.sum(values**2, axis=0))
    return m, bases, spin


def neighbour(values, offset):
    """values(r + offset)."""
    axes = tuple(range(values.ndim - len(offset), values.ndim))
    return np.roll(values, tuple(-int(n) for n in offset), axes)


def largest(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


@pytest.mark.parametrize("grid", BASES)
@pytest.mark.parametrize("name", LATTICES)
def test_is_the_lattice_kernel_and_the_sum_over_neighbours(name, grid):
    lattice = LATTICES[name]
    m, _, _ = spins(lattice, *BASES[grid])
    values = m["g"].copy()
    found = stencil(name, a=A, omega_J=OMEGA)(m).evaluate()["g"].copy()
    direct = OMEGA * sum(
        2 * values - neighbour(values, d) - neighbour(values, -d) for d in lattice.neighbours
    )
    assert largest(found, direct) < 1e-14
    kernels = {"a": A, "omega_J": OMEGA, "axes": "primitive", "beyond": "periodic"}
    assert largest(kernel(name, **kernels)(m).evaluate()["g"], found) < 1e-13
    k = np.full(lattice.dimensions, 0.9)
    assert stencil(name, a=A, stiffness=OMEGA)(*k) == pytest.approx(
        kernel(name, a=A, stiffness=OMEGA, axes="primitive")(*k), rel=1e-13
    )


def test_any_shells_antisymmetric_exchange_and_sublattices():
    lattice = LATTICES["square"]
    m, _, _ = spins(lattice)
    values = m["g"].copy()
    bonds = {(1, 0): 1.0, (0, 1): -0.5, (1, 1): 0.3, (2, -1): 0.1, (3, 0): -0.05}
    direct = sum(
        w * (2 * values - neighbour(values, d) - neighbour(values, np.negative(d)))
        for d, w in bonds.items()
    )
    assert largest(stencil("exchange", bonds=bonds)(m).evaluate()["g"], direct) < 1e-14
    in_lengths = {tuple(A * i for i in d): w for d, w in bonds.items()}
    assert largest(kernel("exchange", bonds=in_lengths)(m).evaluate()["g"], direct) < 1e-13
    bonds = {(1, 0): (0.1, 0, 0.7), (0, 1): (0, -0.4, 0.2)}
    direct = -sum(
        np.cross(neighbour(values, d) - neighbour(values, np.negative(d)), D, axisa=0, axisc=0)
        for d, D in bonds.items()
    )
    assert largest(stencil("dmi", bonds=bonds)(m).evaluate()["g"], direct) < 1e-14
    in_lengths = {tuple(A * i for i in d): w for d, w in bonds.items()}
    assert largest(kernel("dmi", bonds=in_lengths)(m).evaluate()["g"], direct) < 1e-13
    options = {"lattice": "square", "a": A, "omega_E": 2.0}
    mean = sum(neighbour(values, s * d) for d in lattice.neighbours for s in (1, -1)) / 4
    assert largest(stencil("neighbours", **options)(m).evaluate()["g"], 2 * mean) < 1e-14


def test_weights_of_a_users_own():
    m, _, _ = spins(LATTICES["chain"])
    values, C = m["g"].copy(), np.arange(9.0).reshape(3, 3)
    W = stencil({(0,): np.eye(3), (2,): C, (-2,): C.T}, name="anisotropic")
    expected = values + np.einsum("ij,jx->ix", C, neighbour(values, (2,)))
    expected += np.einsum("ji,jx->ix", C, neighbour(values, (-2,)))
    np.testing.assert_allclose(W(m).evaluate()["g"], expected, rtol=0, atol=1e-13)
    scalar = m @ m.dist.VectorField(m.tensorsig[0], name="one")
    V = stencil({(0,): 2, (1,): -1, (-1,): -1})
    assert not np.any(V(scalar).evaluate()["g"])


def llg(W, lattice=LATTICES["square"], implicit="", size=9):
    """A damped problem with stencils in products, profiles and sums."""
    m, bases, spin = spins(lattice, size=size)
    ex, ey, ez = spin.unit_vector_fields(m.dist)
    n = m.dist.Field(name="n", bases=bases)
    n["g"] = 1 + 0.1 * np.cos(2 * np.pi * np.arange(bases[0].size) / bases[0].size).reshape(
        -1, *[1] * (lattice.dimensions - 1)
    )
    H = 0.4 * n * (m @ ez) * ez - W(m) + 0.1 * W(n * (m @ ex) * m) + 0.01 * W(W(m))
    problem = d3.IVP([m], namespace={"m": m, "H": H, "W": W})
    problem.add_equation(f"dt(m) {implicit} = -0.99*(cross(m, H) + 0.1*cross(m, cross(m, H)))")
    return problem, m


def after(problem, m, stepper, engine, steps=4):
    solver = build_solver(problem, find_stepper(stepper))
    solver.enforce_real_cadence = None
    projections = [(m, m / np.sqrt(m @ m))]
    name, _ = choose_engine(solver, engine, projections if engine == "fused" else ())
    for _ in range(steps):
        solver.step(0.02)
        if engine == "fused":
            continue
        # Assigned as it is, as the run loop does.
        m["g"] = projections[0][1].evaluate()["g"].copy()
    if name == "fused":
        solver.timestepper.synchronise()
    m.change_scales(1)
    return m["g"].copy()


@pytest.mark.parametrize("name", LATTICES)
def test_a_run_is_that_of_the_kernel_on_every_engine(name):
    lattice = LATTICES[name]
    options = {"a": A, "omega_J": OMEGA}
    W = kernel(name, **options, axes="primitive", beyond="periodic")
    expected = after(*llg(W, lattice), "RK4", "dedalus")
    # Odd sizes run on the fused engine.
    found = after(*llg(W, lattice), "RK4", "fused")
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    for engine in ("dedalus", "lean", "fused"):
        found = after(*llg(stencil(name, **options), lattice), "RK4", engine)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    "stepper",
    ["IFRK4", "ETDRK4", "RK443", "SBDF2", "RKMK4", "ImplicitMidpoint", "SemiImplicit",
     "StochasticHeun"],
)  # fmt: skip
def test_every_stepper_has_it_on_both_sides(stepper):
    options = {"a": A, "omega_J": OMEGA}
    sides = ("", "+ 0.3*W(m)") if stepper in ("IFRK4", "ETDRK4", "RK443", "SBDF2") else ("",)
    for implicit in sides:
        W, S = kernel("square", **options), stencil("square", **options)
        expected = after(*llg(W, implicit=implicit), stepper, "dedalus", steps=2)
        for engine in ("lean", "fused"):
            found = after(*llg(S, implicit=implicit), stepper, engine, steps=2)
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_nothing_is_transformed():
    S = stencil("square", a=A, omega_J=OMEGA)
    problem, m = llg(S)
    solver = build_solver(problem, find_stepper("RK4"))
    _, text = choose_engine(solver, "fused")
    assert "0 + 0 transforms" in text


@pytest.mark.parametrize("kind", BAD_KINDS)
def test_what_is_no_stencil_is_refused_by_name(kind):
    parameters, message = BAD_KINDS[kind]
    with pytest.raises(InputError) as refused:
        stencil(kind, **parameters)
    assert message in str(refused.value)
    assert kind in str(refused.value) or kind == "neighbours"


@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_weights_that_are_none_are_refused_by_name(case):
    weights, message = BAD_WEIGHTS[case]
    with pytest.raises(ParameterError if weights else InputError) as refused:
        stencil(weights, name="V")
    assert message in str(refused.value)
    assert "the stencil V" in str(refused.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dealias": 3 / 2}, "take dealias = 1, or the kernel"),
        ({"basis": d3.RealFourier, "size": 10}, "take spinhydro.RealFourierNyquist, or 11 sites"),
        ({"basis": d3.ComplexFourier, "dtype": np.complex128, "size": 10}, "take 11 sites"),
        ({"bounds": (0, 9.0)}, "one grid point per site: sites are 0.7 apart along x"),
    ],
)
def test_grids_that_are_not_the_lattice_are_refused(options, text):
    m, _, _ = spins(LATTICES["chain"], **options)
    with pytest.raises(InputError) as refused:
        stencil("chain", a=A, omega_J=OMEGA)(m)
    assert text in str(refused.value)
    with pytest.raises(InputError, match="has 2 dimensions, this space 1"):
        stencil("square", a=A, omega_J=OMEGA)(m)


def test_a_bond_longer_than_the_box_is_refused():
    m, _, _ = spins(LATTICES["chain"])
    with pytest.raises(InputError, match="reaches 9 sites along x, and there are 9"):
        stencil("exchange", bonds={(9,): 1.0})(m)


def test_sums_of_sublattices_need_no_transform():
    m, bases, spin = spins(LATTICES["chain"])
    q = m.dist.VectorField(spin, name="q", bases=bases)
    q["g"] = np.roll(m["g"], 1, axis=0)
    W = stencil("chain", a=A, omega_J=OMEGA)
    names = {"m": m, "q": q, "W": W, "n": (m + q) / 2, "l": 0.3 * (m - q)}
    problem = d3.IVP([m, q], namespace=names)
    problem.add_equation("dt(m) = -cross(m, 0.3*cross(l, n) - W(n))")
    problem.add_equation("dt(q) = -cross(q, 0.2*n - W(l))")
    solver = build_solver(problem, find_stepper("RK4"))
    _, text = choose_engine(solver, "fused")
    assert "0 + 0 transforms" in text


@pytest.mark.parametrize("name", ["chain of two", "honeycomb", "checkerboard"])
def test_lattices_with_a_basis_have_bonds_to_one_side(name):
    """Sites A and B of a cell, on every engine, against the sums over neighbours."""
    bonds = {
        "chain of two": {(0,): 1.0, (-1,): 0.4},
        "honeycomb": {(0, 0): 1.0, (-1, 0): 1.0, (0, -1): 1.0},
        "checkerboard": {(0, 0): 1.0, (-1, 0): 1.0, (0, -1): 1.0, (-1, -1): 1.0},
    }[name]
    lattice = LATTICES["chain" if len(next(iter(bonds))) == 1 else "square"]
    ends = []
    for engine in ("fused", "lean", "dedalus"):
        mA, bases, spin = spins(lattice, size=8)
        mB = mA.dist.VectorField(spin, name="mB", bases=bases)
        mB["g"] = np.roll(mA["g"], 3, axis=1)
        W_AB = stencil(bonds)
        W_BA = stencil({tuple(-i for i in d): w for d, w in bonds.items()})
        found = W_AB(mB).evaluate()["g"].copy()
        expected = sum(w * neighbour(mB["g"], d) for d, w in bonds.items())
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-14)
        pairs = np.sum(mA["g"] * found), np.sum(mB["g"] * W_BA(mA).evaluate()["g"])
        assert pairs[0] == pytest.approx(pairs[1], rel=1e-12)
        problem = d3.IVP([mA, mB], namespace=locals())
        problem.add_equation("dt(mA) = -cross(mA, W_AB(mB))")
        problem.add_equation("dt(mB) = -cross(mB, W_BA(mA))")
        solver = build_solver(problem, find_stepper("RK4"))
        chosen, text = choose_engine(solver, engine)
        assert chosen == engine and (engine != "fused" or "0 + 0 transforms" in text)
        for _ in range(4):
            solver.step(0.02)
        if engine == "fused":
            solver.timestepper.synchronise()
        ends.append([mA["g"].copy(), mB["g"].copy()])
    np.testing.assert_allclose(ends[0], ends[2], rtol=0, atol=1e-13)
    np.testing.assert_allclose(ends[1], ends[2], rtol=0, atol=1e-13)
