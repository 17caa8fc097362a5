"""Ferromagnetic resonance: power of the mean magnetisation against frequency, and its peaks."""

import numpy as np

from spinhydro.analysis import run_figure
from spinhydro.analysis.magnets import FREQUENCIES
from spinhydro.errors import InputError

NEEDS = {"run": ("fmr", "m_mean")}


def draw(ax, run, component="y", above=1e-3):
    """Draw |FFT of m_mean|^2 and mark the peaks that reach `above` times the highest one."""
    if component not in ("x", "y", "z"):
        raise InputError("component is x, y or z")
    f, power = spectrum(run, "xyz".index(component))
    unit = FREQUENCIES.get(run.t.attrs.get("units"), "1/time")
    ax.semilogy(f, power / power.max())
    found = peaks(f, power, above)
    for frequency in found:
        ax.axvline(frequency, color="0.6", lw=0.8)
    ax.set_xlabel(f"f ({unit})")
    ax.set_ylabel(rf"power of $\langle m_{component} \rangle$")
    ax.set_xlim(0, min(f[-1], 2 * max(found, default=f[-1])))
    return {f"peak {i + 1}": f"{frequency:.5g} {unit}" for i, frequency in enumerate(found)}


def check(name, run):
    """Raise InputError for a run with too few outputs, or at unequal intervals."""
    steps = np.diff(run.t.values)
    if len(steps) < 15 or np.ptp(steps) > 1e-6 * steps.mean():
        raise InputError(
            f"{name}: at least 16 outputs at equal intervals are needed, and the run has "
            f"{len(steps) + 1}"
        )


def spectrum(run, component):
    """Frequencies and power of one component of m_mean, less its last value; of one member."""
    m = run.m_mean.isel(member=0) if "member" in run.m_mean.dims else run.m_mean
    m = m.values.reshape(run.sizes["t"], 3)[:, component]
    check("resonance", run)
    steps = np.diff(run.t.values)
    # Zeros after the series make the curve smooth; a ringing that has ended needs no window.
    size = 4 * len(m)
    return np.fft.rfftfreq(size, steps.mean()), np.abs(np.fft.rfft(m - m[-1], size)) ** 2


def peaks(f, power, above=1e-3):
    """Frequencies of the maxima of a spectrum, refined by a parabola through its logarithm."""
    from scipy.signal import find_peaks

    places, _ = find_peaks(np.log(power), height=np.log(above * power[1:].max()), prominence=1.0)
    y = np.log(power)
    shift = [
        (y[i - 1] - y[i + 1]) / (2 * (y[i - 1] - 2 * y[i] + y[i + 1])) for i in places
    ]  # fmt: skip
    return [float(f[i] + d * (f[1] - f[0])) for i, d in zip(places, shift, strict=True)]


if __name__ == "__main__":
    run_figure(__file__)
