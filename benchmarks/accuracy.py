"""Error for CPU time: schemes and engines over a fixed time, with timesteps that a user takes."""

import time
from statistics import median

import dedalus.public as d3
import numpy as np
import scipy.fft

from benchmarks.engines import competitor
from benchmarks.units import landau_lifshitz, superfluid
from spinhydro import ETDRK4, IFRK4, RK4

SHAPE = (256,)
#: Name, scheme, whether fused, numbers of steps.
SUPERFLUID = [
    ("spinhydro, IFRK4", IFRK4, True, (10, 20, 40, 80)),
    ("spinhydro, ETDRK4", ETDRK4, True, (10, 20, 40, 80)),
    ("spinhydro, RK4", RK4, True, (3000, 6000)),
    ("spinhydro, RK443", d3.RK443, True, (40, 160, 640)),
    ("Dedalus, tuned, RK443", d3.RK443, False, (40, 160, 640)),
]
LANDAU_LIFSHITZ = [
    ("spinhydro, RK4", RK4, True, (1600, 3200, 6400)),
    ("spinhydro, RK443", d3.RK443, True, (1600, 3200, 6400)),
    ("Dedalus, tuned, RK443", d3.RK443, False, (3200,)),
]


def tables(repeats):
    """One table for each of two equations; the reference is plain code at a small timestep."""
    fine = superfluid.Plain(SHAPE, 1 / 4000, scipy.fft)
    fine.advance(4000)
    yield _table("GPE 1-D", superfluid.problem, SUPERFLUID, 1.0, fine.psi, repeats)
    fine = landau_lifshitz.Plain(SHAPE, 0.25 / 25600, scipy.fft)
    fine.advance(25600)
    yield _table("LLE 1-D", landau_lifshitz.problem, LANDAU_LIFSHITZ, 0.25, fine.s, repeats)


def _table(title, problem, contestants, stop_time, reference, repeats):
    lines = [
        f"## {title}, {SHAPE[0]} points: error for CPU time", "",
        f"Up to t = {stop_time:g}; largest difference to plain code with a much smaller timestep, "
        "relative to the largest value.", "",
        "| | steps | timestep | CPU s | error |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, scheme, is_fused, numbers in contestants:
        for steps in numbers:
            compiled = True if is_fused else None
            one = competitor(name, lambda: problem(SHAPE), scheme, stop_time / steps, compiled)
            seconds, error = _run(one, steps, reference, repeats if is_fused else 1)
            text = f"{error:.1e}" if np.isfinite(error) else "unstable"
            lines.append(f"| {name} | {steps} | {stop_time / steps:.2g} | {seconds:.2g} | {text} |")
    return "\n".join([*lines, ""])


def _run(one, steps, reference, repeats):
    """CPU seconds of all steps (median), and the error after them."""
    one.advance(2)
    samples = []
    with np.errstate(all="ignore"):
        for _ in range(repeats):
            one.reset()
            start = time.process_time()
            one.advance(steps)
            samples.append(time.process_time() - start)
        error = np.abs(one.state() - reference).max() / np.abs(reference).max()
    return median(samples), error
