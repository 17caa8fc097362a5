"""Two coupled Gross-Pitaevskii equations in a periodic box, integrating-factor RK4."""

import dedalus.public as d3
import numpy as np

import spinhydro.language.words  # noqa: F401  (lap in strings)
from benchmarks.engines import engines
from benchmarks.measure import Competitor, Unit
from benchmarks.transforms import alone, libraries
from benchmarks.xmds import xmds
from spinhydro import IFRK4, abs2, distributor

D, OMEGA, G, G12 = 0.5, 0.3, 1.0, 0.9


def _start(grids):
    wave = np.prod(np.broadcast_arrays(*(np.exp(1j * x) for x in grids)), axis=0)
    psi = np.array([0.5 + 0.2 * wave, 0.7 + 0.1 * wave.real])
    return psi, 0.1 * sum(np.cos(x) for x in grids)


def timestep(shape):
    """A phase of two for the shortest wave, which the integrating factor treats exactly."""
    return 2.0 / (D * sum((size / 2) ** 2 for size in shape))


def problem(shape):
    names = "xyz"[: len(shape)]
    coords = d3.CartesianCoordinates(*names)
    dist = distributor(coords, dtype=np.complex128)
    bases = tuple(
        d3.ComplexFourier(coords[name], size=size, bounds=(0, 2 * np.pi))
        for name, size in zip(names, shape, strict=True)
    )
    a, b, V = (dist.Field(name=name, bases=bases) for name in ("a", "b", "V"))
    (a["g"], b["g"]), V["g"] = _start(dist.local_grids(*bases))
    namespace = {"a": a, "b": b, "V": V, "abs2": abs2, "D": D, "Omega": OMEGA, "g": G, "g12": G12}
    found = d3.IVP([a, b], namespace=namespace)
    found.add_equation("dt(a) - 1j*D*lap(a) + 1j*Omega/2*b = -1j*(V + g*abs2(a) + g12*abs2(b))*a")
    found.add_equation("dt(b) - 1j*D*lap(b) + 1j*Omega/2*a = -1j*(V + g*abs2(b) + g12*abs2(a))*b")
    return found


class Plain:
    """Scheme and arithmetic written by hand for these equations alone."""

    def __init__(self, shape, timestep, fft):
        grids = np.ix_(*(2 * np.pi * np.arange(size) / size for size in shape))
        psi, self.V = _start(grids)
        k2 = sum(k**2 for k in np.ix_(*(np.fft.fftfreq(size, 1 / size) for size in shape)))
        self.phase = np.exp(-1j * D * k2 * timestep / 2)
        self.mixing = np.cos(OMEGA * timestep / 4), -1j * np.sin(OMEGA * timestep / 4)
        self.timestep, self.fft = timestep, fft
        self.axes = tuple(range(1, len(shape) + 1))
        # The basis holds no Nyquist mode.
        self.held = np.ones(shape)
        for axis, size in enumerate(shape):
            np.moveaxis(self.held, axis, 0)[size // 2] = 0
        self.spectrum = fft.fftn(psi, axes=self.axes) * self.held

    @property
    def psi(self):
        return self.fft.ifftn(self.spectrum, axes=self.axes)

    def rate(self, spectrum):
        a, b = self.fft.ifftn(spectrum, axes=self.axes)
        n_a, n_b = a.real**2 + a.imag**2, b.real**2 + b.imag**2
        force = np.array([-1j * (self.V + G * n_a + G12 * n_b) * a,
                          -1j * (self.V + G * n_b + G12 * n_a) * b])  # fmt: skip
        return self.held * self.fft.fftn(force, axes=self.axes)

    def move(self, psi):
        c, s = self.mixing
        return self.phase * np.array([c * psi[0] + s * psi[1], s * psi[0] + c * psi[1]])

    def advance(self, steps):
        h = self.timestep
        for _ in range(steps):
            k1 = self.move(self.rate(self.spectrum))
            moved = self.move(self.spectrum)
            k2 = self.rate(moved + h / 2 * k1)
            k3 = self.rate(moved + h / 2 * k2)
            k4 = self.rate(self.move(moved + h * k3))
            self.spectrum = self.move(moved + h / 6 * k1 + h / 3 * (k2 + k3)) + h / 6 * k4


def _unit(shape, title, stock="RK443"):
    h = timestep(shape)
    competitors = engines(lambda: problem(shape), IFRK4, h, stock)
    for name, library, missing in libraries():
        if library is None:
            competitors.append(Competitor(f"plain, {name}", missing=missing))
            continue
        plain = Plain(shape, h, library)
        competitors.append(Competitor(f"plain, {name}", plain.advance, lambda p=plain: p.psi))
    competitors.append(xmds(shape, D, h, OMEGA, G, G12))

    def reference(steps):
        fine = Plain(shape, h / 4, libraries()[0][1])
        fine.advance(4 * steps)
        return fine.psi

    transforms = alone(2, shape, False, 4)
    return Unit(title, "plain, scipy.fft", competitors, reference, transforms)


def one_dimension():
    return _unit((4096,), "GPE 1-D, 4096 points, IFRK4")


def three_dimensions():
    return _unit((64, 64, 64), "GPE 3-D, 64 × 64 × 64, IFRK4", stock="")
