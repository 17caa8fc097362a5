"""Problems for the tests of the fused engine, and functions that advance them on two engines."""

import dedalus.public as d3
import numpy as np
from hypothesis import strategies as st

from spinhydro import RealFourierNyquist, distributor

OPTIONS = {"ncc_cutoff": 0, "entry_cutoff": 0}


def smooth(shape, grids, seed):
    """Random sums of low modes: periodic, between -1 and 1."""
    random = np.random.default_rng(seed)
    values = np.zeros(shape + np.broadcast_shapes(*(g.shape for g in grids)))
    for _ in range(4):
        phase = sum(random.integers(-2, 3) * g for g in grids) + random.uniform(0, 6)
        values += random.uniform(-0.25, 0.25, shape + (1,) * len(grids)) * np.cos(phase)
    return values


def make(equations, dimensions=1, size=16, dealias=1.0, basis=d3.RealFourier, seed=0):
    """A problem for a spin s and a scalar u with profile n, constant B and time t."""
    names = ("x", "y", "z")[:dimensions]
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=np.float64)
    bases = tuple(
        basis(coords[name], size=size, bounds=(0, 2 * np.pi), dealias=dealias) for name in names
    )
    s = dist.VectorField(spin, name="s", bases=bases)
    u = dist.Field(name="u", bases=bases)
    n = dist.Field(name="n", bases=bases)
    B = dist.VectorField(spin, name="B")
    t = dist.Field(name="t")
    ex, ey, ez = spin.unit_vector_fields(dist)
    grids = dist.local_grids(*bases)
    s["g"] = smooth((3,), grids, seed)
    u["g"] = smooth((), grids, seed + 1)
    n["g"] = 2 + smooth((), grids, seed + 2)
    B["g"] = np.array([0.3, -0.2, 0.7]).reshape((3,) + (1,) * dimensions)
    nu = 0.05
    problem = d3.IVP([s, u], time=t, namespace=dict(locals()))
    for equation in equations:
        problem.add_equation(equation)
    return problem, {"s": s, "u": u, "n": n, "B": B}


def build(problem, stepper):
    coupling = (True,) * problem.dist.dim
    return problem.build_solver(stepper, matrix_coupling=coupling, **OPTIONS)


def state(fields):
    result = []
    for name in ("s", "u"):
        fields[name].change_scales(1)
        result.append(fields[name]["g"].copy())
    return result


def advance(equations, stepper, steps=20, edit=None, **options):
    problem, fields = make(equations, **options)
    solver = build(problem, stepper)
    for i in range(steps):
        if edit and i == steps // 2:
            edit(fields)
        solver.step(1e-3)
    return state(fields)


def assert_same(ours, theirs, tolerance=1e-12):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1, np.abs(b).max()))


SPIN = "dt(s) = cross(s, lap(s)) + cross(n*B + (s@ez)*ez, s) + u*dx(s)*cos(3*t)"


SCALAR = "dt(u) - nu*lap(u) = -u*dx(u) + s@ex - 0.1*u**3 + sqrt(n)*exp(-n)*sin(t)"


CASES = {
    "1-D": {},
    "1-D, all modes kept": {"basis": RealFourierNyquist},
    "1-D, dealiased": {"dealias": 3 / 2, "size": 32},
    "2-D": {"dimensions": 2},
    "2-D, dealiased": {"dimensions": 2, "dealias": 3 / 2},
    "2-D, all modes kept": {"dimensions": 2, "basis": RealFourierNyquist},
    "3-D": {"dimensions": 3, "size": 8},
}


def gas(stepper, dimensions, dealias, steps=20, **options):
    """Two coupled complex fields, linear terms that couple them, a profile and time."""
    names = ("x", "y", "z")[:dimensions]
    coords = d3.CartesianCoordinates(*names)
    dist = distributor(coords, dtype=np.complex128)
    bases = tuple(
        d3.ComplexFourier(coords[name], size=16, bounds=(0, 2 * np.pi), dealias=dealias)
        for name in names
    )
    a, b, V = (dist.Field(name=name, bases=bases) for name in "abV")
    t = dist.Field(name="t")
    grids = dist.local_grids(*bases)
    for seed, field in enumerate((a, b, V)):
        field["g"] = smooth((), grids, seed) + 1j * smooth((), grids, seed + 10) * (field is not V)
    problem = d3.IVP([a, b], time=t, namespace=dict(locals()))
    problem.add_equation("dt(a) - 0.5j*lap(a) + 0.3j*b = -1j*(V + 2*abs2(a) + re(b)*cos(t))*a")
    problem.add_equation(
        "dt(b) - 0.5j*lap(b) + 0.3j*a = -1j*(V + abs2(b))*b + im(a)*conj(b)*dx(a) + abs(a)*b"
    )
    solver = build(problem, lambda s: stepper(s, **options))
    for _ in range(steps):
        solver.step(5e-3)
    for field in (a, b):
        field.change_scales(1)
    return [a["g"].copy(), b["g"].copy()], solver.timestepper


# Random expressions: scalars and vectors built from each other.
SCALARS = st.recursive(
    st.sampled_from(["u", "n", "t", "0.7", "s@ez", "s@s", "B@s"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map("({0[0]}{0[1]}{0[2]})".format),
        inner.map("dx({})".format),
        inner.map("lap({})".format),
        inner.map("sin({})".format),
        inner.map("({})**2".format),
        inner.map("({})/n".format),
        inner.map("ave({})".format),
    ),
    max_leaves=6,
)


VECTORS = st.recursive(
    st.sampled_from(["s", "B", "ex", "ez"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("cross({0[0]}, {0[1]})".format),
        st.tuples(inner, st.sampled_from("+-"), inner).map("({0[0]}{0[1]}{0[2]})".format),
        st.tuples(SCALARS, inner).map("({0[0]})*{0[1]}".format),
        inner.map("dx({})".format),
        inner.map("lap({})".format),
    ),
    max_leaves=5,
)
