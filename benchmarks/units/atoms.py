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
from spinhydro.engines.fused.program.pointwise import HAS_NUMBA
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
    """One of ours, with steps taken as the run loop takes them."""
    found, projections = solver(shape, make)
    fused = FUSED[RK4](found, projections, compiled=compiled)
    fused.lazy, found.timestepper, found.enforce_real_cadence = True, fused, None

    def advance(steps):
        while steps:
            number = min(steps, FINITE_CADENCE) if fused.runs_ahead else 1
            if number > 1:
                fused.run_ahead(timestep, number)
            else:
                found.step(timestep)
            steps -= number

    def state():
        fused.synchronise()
        return found.state[0]["g"].copy()

    return Competitor(name, advance, state)


class Plain:
    """The same scheme as somebody would write it for this equation alone, with np.roll."""

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


class Loops(Plain):
    """The same with numba: one loop over the sites for a stage, neighbours by their numbers."""

    def __init__(self, shape, timestep):
        super().__init__(shape, timestep)
        self.stage = _compiled_stage(len(shape))
        self.work = [np.empty_like(self.m) for _ in range(3)]

    def step(self):
        m, h, (one, two, total) = self.m, self.timestep, self.work
        self.stage(m, m, m, one, total, h / 2, h / 6, False)
        self.stage(one, m, total, two, total, h / 2, h / 3, False)
        self.stage(two, m, total, one, total, h, h / 3, False)
        self.stage(one, m, total, two, m, 0.0, h / 6, True)


def _compiled_stage(dimensions):
    """``stage(at, start, before, ahead, after, step, weight, last)``.

    ahead = start + step*rate(at), after = before + weight*rate(at), made unit vectors at the last.
    """
    import numba

    @numba.njit(fastmath={"contract"}, error_model="numpy", inline="always")
    def site(x, y, z, X, Y, Z):
        X, Y, Z = J * X, J * Y, J * Z + K * z
        a, b, c = y * Z - z * Y, z * X - x * Z, x * Y - y * X
        return (-P * (a + ALPHA * (y * c - z * b)), -P * (b + ALPHA * (z * a - x * c)),
                -P * (c + ALPHA * (x * b - y * a)))  # fmt: skip

    @numba.njit(fastmath={"contract"}, error_model="numpy", inline="always")
    def put(i, u, v, w, start, before, ahead, after, step, weight, last):
        if last:
            u, v, w = (before[0][i] + weight * u, before[1][i] + weight * v,
                       before[2][i] + weight * w)  # fmt: skip
            norm = 1 / np.sqrt(u * u + v * v + w * w)
            after[0][i], after[1][i], after[2][i] = u * norm, v * norm, w * norm
        else:
            ahead[0][i] = start[0][i] + step * u
            ahead[1][i] = start[1][i] + step * v
            ahead[2][i] = start[2][i] + step * w
            after[0][i] = before[0][i] + weight * u
            after[1][i] = before[1][i] + weight * v
            after[2][i] = before[2][i] + weight * w

    def chain(at, start, before, ahead, after, step, weight, last):
        x, y, z = at
        n = x.size
        for i in range(n):
            left, right = (i - 1 if i else n - 1), (i + 1 if i < n - 1 else 0)
            u, v, w = site(
                x[i],
                y[i],
                z[i],
                x[left] + x[right] - 2 * x[i],
                y[left] + y[right] - 2 * y[i],
                z[left] + z[right] - 2 * z[i],
            )
            put(i, u, v, w, start, before, ahead, after, step, weight, last)

    def square(at, start, before, ahead, after, step, weight, last):
        x, y, z = at
        rows, n = x.shape
        for j in range(rows):
            up, down = (j - 1 if j else rows - 1), (j + 1 if j < rows - 1 else 0)
            for i in range(n):
                left, right = (i - 1 if i else n - 1), (i + 1 if i < n - 1 else 0)
                X = x[j, left] + x[j, right] + x[up, i] + x[down, i] - 4 * x[j, i]
                Y = y[j, left] + y[j, right] + y[up, i] + y[down, i] - 4 * y[j, i]
                Z = z[j, left] + z[j, right] + z[up, i] + z[down, i] - 4 * z[j, i]
                u, v, w = site(x[j, i], y[j, i], z[j, i], X, Y, Z)
                put((j, i), u, v, w, start, before, ahead, after, step, weight, last)

    def cubic(at, start, before, ahead, after, step, weight, last):
        x, y, z = at
        planes, rows, n = x.shape
        for k in range(planes):
            back, fore = (k - 1 if k else planes - 1), (k + 1 if k < planes - 1 else 0)
            for j in range(rows):
                up, down = (j - 1 if j else rows - 1), (j + 1 if j < rows - 1 else 0)
                for i in range(n):
                    left, right = (i - 1 if i else n - 1), (i + 1 if i < n - 1 else 0)
                    X = (x[k, j, left] + x[k, j, right] + x[k, up, i] + x[k, down, i]
                         + x[back, j, i] + x[fore, j, i] - 6 * x[k, j, i])  # fmt: skip
                    Y = (y[k, j, left] + y[k, j, right] + y[k, up, i] + y[k, down, i]
                         + y[back, j, i] + y[fore, j, i] - 6 * y[k, j, i])  # fmt: skip
                    Z = (z[k, j, left] + z[k, j, right] + z[k, up, i] + z[k, down, i]
                         + z[back, j, i] + z[fore, j, i] - 6 * z[k, j, i])  # fmt: skip
                    u, v, w = site(x[k, j, i], y[k, j, i], z[k, j, i], X, Y, Z)
                    put((k, j, i), u, v, w, start, before, ahead, after, step, weight, last)

    loops = (chain, square, cubic)[dimensions - 1]
    return numba.njit(loops, fastmath={"contract"}, error_model="numpy")


def _cross(a, b):
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                     a[0] * b[1] - a[1] * b[0]])  # fmt: skip


def unit(shape, title, target):
    """All competitors on one lattice."""
    timestep = 0.1 / (4 * J * len(shape) + K)
    competitors = [
        engine("spinhydro, stencil", shape, timestep, spinhydro.stencil),
        engine("spinhydro, kernel", shape, timestep, spinhydro.kernel),
        engine("spinhydro without numba, stencil", shape, timestep, spinhydro.stencil, False),
    ]
    kinds = {"plain, np.roll": Plain, "plain, numba": Loops if HAS_NUMBA else None}
    for name, kind in kinds.items():
        if kind is None:
            competitors.append(Competitor(name, missing="pip install numba"))
            continue
        one = kind(shape, timestep)
        competitors.append(Competitor(name, one.advance, lambda one=one: one.m))

    def reference(steps):
        plain = Plain(shape, timestep / 4)
        plain.advance(4 * steps)
        return plain.m

    return Unit(
        f"Atomistic spins, {title}, RK4 and unit vectors", "plain, numba", competitors, target,
        reference, sites=int(np.prod(shape)),
    )  # fmt: skip


def chain():
    return unit((1152,), "chain of 1152",
                "≤ 134 ns per step and site, the figure quoted for Spirit")  # fmt: skip


def square():
    return unit((256, 256), "256 × 256", "faster than loops by hand")


def cubic():
    return unit((64, 64, 64), "64 × 64 × 64", "faster than loops by hand")
