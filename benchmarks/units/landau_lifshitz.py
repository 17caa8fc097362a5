"""dt(s) = A s x lap(s) + (Omega, 0, kappa n s_z) x s on a periodic square, RK4."""

import dedalus.public as d3
import numpy as np

import spinhydro.language.words  # noqa: F401  (lap in strings)
from benchmarks.engines import engines
from benchmarks.measure import Competitor, Unit
from benchmarks.transforms import alone, libraries
from spinhydro import RK4, RealFourierNyquist, distributor

A, OMEGA, KAPPA = 1.0, 0.3, 0.7


def _start(grids):
    polar = sum(np.sin((i + 1) * x) for i, x in enumerate(grids))
    azimuth = sum(np.cos(x) for x in grids)
    spin = [np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)]
    return np.array(np.broadcast_arrays(*spin)), 1 + 0.2 * np.cos(grids[0]) + 0 * polar


def timestep(shape):
    """Well inside what RK4 is stable with."""
    return 1.0 / (A * sum((size / 2) ** 2 for size in shape))


def problem(shape):
    names = "xyz"[: len(shape)]
    coords = d3.CartesianCoordinates(*names)
    spin = d3.CartesianCoordinates("sx", "sy", "sz")
    dist = distributor(coords, dtype=np.float64)
    bases = tuple(
        RealFourierNyquist(coords[name], size=size, bounds=(0, 2 * np.pi))
        for name, size in zip(names, shape, strict=True)
    )
    s = dist.VectorField(spin, name="s", bases=bases)
    n = dist.Field(name="n", bases=bases)
    ex, ey, ez = spin.unit_vector_fields(dist)
    s["g"], n["g"] = _start(dist.local_grids(*bases))
    namespace = {"s": s, "n": n, "ex": ex, "ez": ez, "A": A, "Omega": OMEGA, "kappa": KAPPA}
    found = d3.IVP([s], namespace=namespace)
    found.add_equation(
        "dt(s) = A*cross(s, lap(s)) + cross(Omega*ex + kappa*n*(s@ez)*ez, s)"
    )  # fmt: skip
    return found


class Plain:
    """Scheme and arithmetic written by hand for this equation alone."""

    def __init__(self, shape, timestep, fft):
        grids = np.ix_(*(2 * np.pi * np.arange(size) / size for size in shape))
        self.s, self.n = _start(grids)
        wavenumbers = [np.fft.fftfreq(size, 1 / size) for size in shape[:-1]]
        wavenumbers.append(np.fft.rfftfreq(shape[-1], 1 / shape[-1]))
        self.symbol = -A * sum(k**2 for k in np.ix_(*wavenumbers))
        self.shape, self.timestep, self.fft = shape, timestep, fft
        self.axes = tuple(range(1, len(shape) + 1))

    def rate(self, s):
        spectrum = self.fft.rfftn(s, axes=self.axes)
        field = self.fft.irfftn(self.symbol * spectrum, s=self.shape, axes=self.axes)
        field *= -1
        field[0] += OMEGA
        field[2] += KAPPA * self.n * s[2]
        return np.array([field[1] * s[2] - field[2] * s[1],
                         field[2] * s[0] - field[0] * s[2],
                         field[0] * s[1] - field[1] * s[0]])  # fmt: skip

    def advance(self, steps):
        h = self.timestep
        for _ in range(steps):
            s = self.s
            k1 = self.rate(s)
            k2 = self.rate(s + h / 2 * k1)
            k3 = self.rate(s + h / 2 * k2)
            k4 = self.rate(s + h * k3)
            self.s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _unit(shape, title, baseline="plain, scipy.fft", stock="RK443"):
    h = timestep(shape)
    competitors = engines(lambda: problem(shape), RK4, h, stock)
    for name, library, missing in libraries():
        if library is None:
            competitors.append(Competitor(f"plain, {name}", missing=missing))
            continue
        plain = Plain(shape, h, library)
        competitors.append(Competitor(f"plain, {name}", plain.advance, lambda p=plain: p.s))

    def reference(steps):
        fine = Plain(shape, h / 4, libraries()[0][1])
        fine.advance(4 * steps)
        return fine.s

    return Unit(title, baseline, competitors, reference, alone(3, shape, True, 4))


def one_dimension():
    return _unit((4096,), "LLE 1-D, 4096 points, RK4")


def two_dimensions():
    return _unit((256, 256), "LLE 2-D, 256 × 256, RK4", stock="")
