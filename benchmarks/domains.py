"""Which kappa n0 and imaging blur bring C_ZZ nearest to the measured domains of paper A at 62 Hz.

    python -m benchmarks.domains [--small]

The measurement is L1 = 7.1(1), L2 = 4.0(1) um in C_ZZ = cos(pi x/L1) exp(-x^2/2 L2^2). Runs of
problems/coupled_gpe.py have Omega_R = 62 Hz and kappa n0 between 0.6 and 1.25 times the 62/0.28 Hz
of the paper; for each, the blur and the window of 6 ms in time with the least

    chi^2 = sum over i of (L_i - measured_i)^2/(0.1^2 + 0.4^2)

are found; 0.4 um is the typical half of the 68 % interval of one window. (With the interval of each
window in its place, windows without regular domains would win.) The region is
0.57 x_c < |x| < 1.22 x_c, as in `spinhydro measure`. All rows take 37 CPU seconds, ``--small`` 5;
"The domains at 62 Hz" in docs/derivatives.md has the result.
"""

import argparse
import tempfile

import numpy as np

from spinhydro import load
from spinhydro.analysis import load as load_run
from spinhydro.analysis.correlation import autocorrelation, fit_domains
from spinhydro.analysis.interface import analytic_position
from spinhydro.dedalus_support.backend import quiet_dedalus
from spinhydro.errors import InputError, SpinhydroError

MEASURED, ERROR, SCATTER = (7.1, 4.0), 0.1, 0.4
FACTORS = (0.6, 0.65, 0.7, 0.75, 0.8, 1.0, 1.25)
BLURS = np.arange(0, 2.01, 0.25)
WINDOWS = ((40, 46), (46, 52), (52, 58), (58, 64))
REGION = (0.57, 1.22)
#: Factor and stop time of the small size.
SMALL_FACTOR, SMALL_STOP_TIME = 0.75, "46*ms"


def candidates(run):
    """Yield (chi^2, blur, window, fit) for every blur and window of a run."""
    x_c, last = analytic_position(run), float(run.t[-1])
    region = tuple(share * x_c for share in REGION)
    for window in (w for w in WINDOWS if w[1] <= last):
        for blur in BLURS:
            try:
                found = autocorrelation(run, region, window, float(blur))
                fit = fit_domains(found, confidence=0.68, resamples=50)
            except InputError:
                continue
            yield _chi_squared(fit), float(blur), window, fit


def _chi_squared(fit):
    found = np.array([fit["L1"], fit["L2"]])
    return float(np.sum((found - MEASURED) ** 2) / (ERROR**2 + SCATTER**2))


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.domains", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--out", help="folder of the runs [a temporary one]")
    parser.add_argument(
        "--small", action="store_true",
        help="only the row of kappa n0 = 166 Hz, up to 46 ms",
    )  # fmt: skip
    options = parser.parse_args()
    quiet_dedalus()
    out = options.out or tempfile.mkdtemp()
    print("kappa n0 (Hz)  chi^2  blur (um)  t (ms)  L1 (um)  L2 (um)  without blur")
    stop_time = SMALL_STOP_TIME if options.small else "64*ms"
    for factor in (SMALL_FACTOR,) if options.small else FACTORS:
        kappa = 62 / 0.28 * factor
        problem = load(
            "problems/coupled_gpe.py", Omega_R="2*pi*62*Hz", kappa_n0=f"2*pi*{kappa}*Hz",
            stop_time=stop_time, output_interval="0.25*ms",
        )  # fmt: skip
        try:
            run = load_run(problem.run(out=out, quiet=True).folder)
        except SpinhydroError as error:
            print(f"{kappa:13.1f}  {error}")
            continue
        found = sorted(candidates(run), key=lambda candidate: candidate[0])
        if not found or not np.isfinite(found[0][0]):
            print(f"{kappa:13.1f}  no window has domains with a change of sign")
            continue
        chi, blur, window, fit = found[0]
        sharp = next(f for _, b, w, f in found if b == 0 and w == window)
        L1, L2 = (_shown(fit, name) for name in ("L1", "L2"))
        print(
            f"{kappa:13.1f}  {chi:5.2f}  {blur:9.2f}  {window[0]}-{window[1]}   {L1}  {L2}  "
            f"{sharp['L1']:.1f}, {sharp['L2']:.1f}"
        )


def _shown(fit, name):
    low, high = fit[f"{name}_interval"]
    return f"{fit[name]:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
