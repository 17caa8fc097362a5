"""Coverage of the 68 % band of a fitted profile: python -m benchmarks.profile_coverage

Potentials V(x) are drawn from the prior of the fit; a split-step program without spinhydro gives
the blurred density of a gas in each of them at six times, with noise of 2 %. The band is compared
about the average of V, which the density does not depend on. 40 data sets take 75 CPU seconds;
"Coverage" in docs/derivatives.md has the result.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from spinhydro import load
from spinhydro.dedalus_support.backend import quiet_dedalus
from spinhydro.derivatives.data import Data
from spinhydro.derivatives.fit import fit

NOISE, BLUR, CORRELATION, WIDTH = 0.02, 0.8, 3.0, 0.3
POINTS, LENGTH, STEP, FRAMES, STEPS_OF_A_FRAME = 32, 20.0, 0.05, 6, 10

GAS = f"""
import dedalus.public as d3
import numpy as np
import spinhydro

stop_time, output_interval = {FRAMES * STEPS_OF_A_FRAME * STEP}, {STEPS_OF_A_FRAME * STEP}
timestepper, timestep, truncate = "Strang", {STEP}, 1.0
coords = d3.CartesianCoordinates("x")
dist = spinhydro.distributor(coords, dtype=np.complex128)
ends = (-{LENGTH / 2}, {LENGTH / 2})
xbasis = d3.ComplexFourier(coords["x"], size={POINTS}, bounds=ends)
psi, V = (dist.Field(name=name, bases=xbasis) for name in ("psi", "V"))
psi["g"] = 1
problem = d3.IVP([psi], namespace=locals())
problem.add_equation("dt(psi) - 0.5j*lap(psi) = -1j*(V + abs2(psi))*psi")
outputs = {{"n": "abs2(psi)"}}
"""


def potential(random):
    """A potential (points,) drawn from the prior, without its average."""
    distances = LENGTH / POINTS * (np.arange(POINTS)[:, None] - np.arange(POINTS))
    copies = LENGTH * np.arange(-2, 3)[:, None, None]
    covariance = np.exp(-((distances + copies) ** 2) / (2 * CORRELATION**2)).sum(axis=0)
    sizes, vectors = np.linalg.eigh(WIDTH**2 * covariance)
    V = vectors @ (np.sqrt(np.maximum(sizes, 0)) * random.standard_normal(POINTS))
    return V - V.mean()


def density(V):
    """The blurred density (frames, points) of a gas that starts uniform in a potential."""
    k = 2 * np.pi / LENGTH * np.fft.fftfreq(POINTS, 1 / POINTS)
    half, blur = np.exp(-0.25j * STEP * k**2), np.exp(-((k * BLUR) ** 2) / 2)
    psi, frames = np.ones(POINTS, complex), []
    for _ in range(FRAMES):
        for _ in range(STEPS_OF_A_FRAME):
            psi = np.fft.ifft(half * np.fft.fft(psi))
            psi = psi * np.exp(-1j * STEP * (V + np.abs(psi) ** 2))
            psi = np.fft.ifft(half * np.fft.fft(psi))
        frames.append(np.fft.ifft(blur * np.fft.fft(np.abs(psi) ** 2)).real)
    return np.array(frames)


def deviations(path, seed):
    """(estimate - truth)/error (points,) about the average, for the data of a seed."""
    random = np.random.default_rng(seed)
    V = potential(random)
    measured = density(V) + NOISE * random.standard_normal((FRAMES, POINTS))
    axes = {
        "t": STEP * STEPS_OF_A_FRAME * np.arange(1, FRAMES + 1),
        "x": -LENGTH / 2 + LENGTH / POINTS * np.arange(POINTS),
    }
    found = fit(
        load(path), Data(axes, {"n": measured}), ["V"], blur=BLUR, noise=NOISE,
        priors={"V": (0.0, WIDTH)}, smooth={"V": CORRELATION},
    ).fields["V"]  # fmt: skip
    values = found.values[0]
    return (values - values.mean() - V) / found.errors_about_average[0]


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_coverage")
    parser.add_argument("--seeds", type=int, default=40, help="data sets [40]")
    options = parser.parse_args()
    quiet_dedalus()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gas.py"
        path.write_text(GAS)
        found = np.array([deviations(str(path), seed) for seed in range(options.seeds)])
    shares = np.mean(np.abs(found) < 1, axis=1)
    error = shares.std() / np.sqrt(len(shares))
    print(
        f"{shares.mean():.1%} of the points lie in the 68 % band (+- {error:.1%}, {len(shares)} "
        f"data sets); rms of (estimate - truth)/error {np.sqrt(np.mean(found**2)):.2f}"
    )


if __name__ == "__main__":
    main()
