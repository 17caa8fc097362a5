"""Two coupled Gross-Pitaevskii equations in a periodic box, one Strang step."""

import numpy as np
import scipy.fft

from benchmarks.engines import competitor
from benchmarks.measure import Competitor, Unit
from benchmarks.transforms import PYFFTW, alone
from benchmarks.units import superfluid
from benchmarks.units.superfluid import G12, OMEGA, D, G, _start
from spinhydro import Strang

#: Of the timestep of the units with an integrating factor: no wave resonates.
PART = 0.2


def fftw_plans(psi):
    """Transforms in place by plans that FFTW has measured; None without pyfftw."""
    try:
        import pyfftw
    except ImportError:
        return None
    values = pyfftw.zeros_aligned(psi.shape, complex)
    axes = tuple(range(1, psi.ndim))
    plans = [
        pyfftw.FFTW(values, values, axes=axes, direction=direction, flags=("FFTW_MEASURE",))
        for direction in ("FFTW_FORWARD", "FFTW_BACKWARD")
    ]
    values[...] = psi
    return values, *plans


def scipy_transforms(psi):
    """Transforms in place by scipy.fft."""
    axes = tuple(range(1, psi.ndim))

    def forward():
        psi[...] = scipy.fft.fftn(psi, axes=axes)

    def backward():
        psi[...] = scipy.fft.ifftn(psi, axes=axes)

    return psi, forward, backward


class Plain:
    """Strang's scheme written by hand; the linear parts of neighbouring steps are one.

    Parameters
    ----------
    shape : tuple
    timestep : float
    transforms : callable(psi)
        Return (the array that is transformed in place, forward, backward).
    """

    def __init__(self, shape, timestep, transforms):
        psi, V = _start(np.ix_(*(2 * np.pi * np.arange(n) / n for n in shape)))
        self.V, self.timestep = np.broadcast_to(V, shape).copy(), timestep
        self.psi, self.forward, self.backward = transforms(psi)
        k2 = sum(k**2 for k in np.ix_(*(np.fft.fftfreq(n, 1 / n) for n in shape)))
        # The basis holds no Nyquist mode.
        held = np.ones(shape)
        for axis, size in enumerate(shape):
            np.moveaxis(held, axis, 0)[size // 2] = 0
        self._half, self._whole = (
            (held * np.exp(-1j * part * D * k2), np.cos(part * OMEGA / 2),
             -1j * np.sin(part * OMEGA / 2)) for part in (timestep / 2, timestep)
        )  # fmt: skip
        self.forward()

    @property
    def values(self):
        """Return the state on the grid."""
        axes = tuple(range(1, self.psi.ndim))
        return np.fft.ifftn(self.psi, axes=axes)

    def _drift(self, phase, cosine, sine):
        psi = self.psi
        first = phase * (cosine * psi[0] + sine * psi[1])
        psi[1] = phase * (sine * psi[0] + cosine * psi[1])
        psi[0] = first

    def advance(self, steps):
        psi, h = self.psi, self.timestep
        self._drift(*self._half)
        for step in range(steps):
            self.backward()
            n_a, n_b = psi.real**2 + psi.imag**2
            psi[0] *= np.exp(-1j * h * (self.V + G * n_a + G12 * n_b))
            psi[1] *= np.exp(-1j * h * (self.V + G * n_b + G12 * n_a))
            self.forward()
            self._drift(*(self._whole if step < steps - 1 else self._half))


def unit(shape, title):
    """Return the unit on a grid of this shape."""
    h = PART * superfluid.timestep(shape)
    competitors = [
        competitor("spinhydro", lambda: superfluid.problem(shape), Strang, h, compiled=True)
    ]
    # Beginning again reads the fields, which takes as long as some steps; plain code has none.
    competitors[0].reset = None
    for name, transforms in (("scipy.fft", scipy_transforms), ("pyfftw", fftw_plans)):
        if name == "pyfftw" and fftw_plans(np.zeros((2, 2), complex)) is None:
            competitors.append(Competitor("plain, pyfftw", missing=PYFFTW))
            continue
        plain = Plain(shape, h, transforms)
        competitors.append(
            Competitor(f"plain, {name}", plain.advance, lambda plain=plain: plain.values)
        )

    def reference(steps):
        fine = Plain(shape, h / 4, scipy_transforms)
        fine.advance(4 * steps)
        return fine.values

    return Unit(title, competitors[-1].name, competitors, reference, alone(2, shape, False, 1))


def two_dimensions():
    return unit((512, 512), "GPE 2-D, 512 × 512, Strang")


def three_dimensions():
    return unit((64, 64, 64), "GPE 3-D, 64 × 64 × 64, Strang")
