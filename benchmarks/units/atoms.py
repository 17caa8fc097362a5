"""Atomistic spins on a chain, a square and a cubic lattice: RK4 and spins made unit vectors.

dm/dt = -p [m x H + alpha m x (m x H)], H = K m_z z + J sum over neighbours of (m_j - m_i).
"""

import dedalus.public as d3
import numpy as np

import spinhydro
from benchmarks.measure import Competitor, Unit
from spinhydro import RK4, RealFourierNyquist, distributor
from spinhydro.engines.choose import build_solver
from spinhydro.engines.fused import FUSED
from spinhydro.run.loop import FINITE_CADENCE

LATTICES = ("chain", "square", "sc")
J, K, ALPHA = 1.0, 0.1, 0.1
P = 1 / (1 + ALPHA**2)


def start(shape):
    """Unit vectors around z, (3, …)."""
    random = np.random.default_rng(0)
    m = random.standard_normal((3, *shape))
    m[2] += 2
    return m / np.sqrt(np.sum(m**2, axis=0))


def solver(shape, make):
    """The solver of the problem with the exchange that `make` gives, and its projection."""
    names = "xyz"[: len(shape)]
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=np.float64)
    bases = tuple(
        RealFourierNyquist(coords[name], size=size, bounds=(0, size))
        for name, size in zip(names, shape, strict=True)
    )
    m = dist.VectorField(spin, name="m", bases=bases)
    _, _, ez = spin.unit_vector_fields(dist)
    m["g"] = start(shape)
    H = K * (m @ ez) * ez - make(LATTICES[len(shape) - 1], a=1, omega_J=J)(m)
    problem = d3.IVP([m], namespace={"m": m, "H": H, "p": P, "alpha": ALPHA})
    problem.add_equation("dt(m) = -p*(cross(m, H) + alpha*cross(m, cross(m, H)))")
    return build_solver(problem, RK4), [(m, m / np.sqrt(m @ m))]


def engine(name, shape, timestep, make, compiled=True):
    """One of spinhydro's engines, with steps taken as the run loop takes them."""
    found, projections = solver(shape, make)
    fused = FUSED[RK4](found, projections, compiled=compiled)
    fused.sync_on_request, found.timestepper, found.enforce_real_cadence = True, fused, None

    def advance(steps):
        while steps:
            number = min(steps, FINITE_CADENCE) if fused.can_batch else 1
            if number > 1:
                fused.step_many(timestep, number)
            else:
                found.step(timestep)
            steps -= number

    def state():
        fused.synchronise()
        return found.state[0]["g"].copy()

    return Competitor(name, advance, state)


class Plain:
    """Scheme written for this equation alone, with np.roll."""

    def __init__(self, shape, timestep):
        self.m, self.timestep = start(shape), timestep
        self.axes = range(1, len(shape) + 1)

    def rate(self, m):
        field = -2 * J * len(self.axes) * m
        for axis in self.axes:
            field += J * (np.roll(m, 1, axis) + np.roll(m, -1, axis))
        field[2] += K * m[2]
        torque = _cross(m, field)
        return -P * (torque + ALPHA * _cross(m, torque))

    def step(self):
        m, h = self.m, self.timestep
        a = self.rate(m)
        b = self.rate(m + h / 2 * a)
        c = self.rate(m + h / 2 * b)
        d = self.rate(m + h * c)
        m = m + h / 6 * (a + 2 * b + 2 * c + d)
        self.m = m / np.sqrt(np.sum(m**2, axis=0))

    def advance(self, steps):
        for _ in range(steps):
            self.step()


def _cross(a, b):
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                     a[0] * b[1] - a[1] * b[0]])  # fmt: skip


def unit(shape, title):
    """All competitors on one lattice."""
    timestep = 0.1 / (4 * J * len(shape) + K)
    competitors = [
        engine("spinhydro, stencil", shape, timestep, spinhydro.stencil),
        engine("spinhydro, kernel", shape, timestep, spinhydro.kernel),
        engine("spinhydro, NumPy alone, stencil", shape, timestep, spinhydro.stencil, False),
    ]
    plain = Plain(shape, timestep)
    competitors.append(Competitor("plain, np.roll", plain.advance, lambda: plain.m))

    def reference(steps):
        plain = Plain(shape, timestep / 4)
        plain.advance(4 * steps)
        return plain.m

    return Unit(
        f"Atomistic spins, {title}, RK4 and unit vectors", "plain, np.roll", competitors,
        reference, sites=int(np.prod(shape)),
    )  # fmt: skip


def chain():
    return unit((1152,), "chain of 1152")


def square():
    return unit((256, 256), "256 × 256")


def cubic():
    return unit((64, 64, 64), "64 × 64 × 64")
