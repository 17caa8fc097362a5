"""Numbers that runs of paper A's case are set against (118 Hz, Omega_R = 0.33 kappa n0, Na23).

Those of the gas that moves come from two coupled Gross-Pitaevskii equations, solved by an
independent fourth-order split step, converged to 2e-10 (rms Z) at 24 ms; those of the frozen gas
from an independent RK4 of the Landau-Lifshitz equation.  The published ones are from A. Farolfi et
al., Nature Physics 17, 1359 (2021).
"""

import numpy as np

OMEGA_R, KAPPA_N0, R_X = 0.741415866, 2.246714746, 210.0

INTERFACE_TIMES = (0.75, 0.9, 1.0)
INTERFACE = {"moving": (122.44, 122.34, 122.25), "frozen": (122.52, 122.44, 122.42)}
ANALYTIC_POSITION = 122.450
POSITIONS = (0, 60, 90, 105, 119, 122, 122.5, 123, 126, 140, 160, 180)
FREQUENCIES = (
    2.63997, 2.33979, 1.93106, 1.62075, 1.12847, 0.82186,
    0.31880, 0.42068, 0.55638, 0.75224, 0.88232, 0.95736,
)  # fmt: skip
BREAKING = 1.109
DEPARTURES = {0.05: 0.761, 0.1: 0.820, 0.2: 0.885, 0.5: 1.009}
CURRENT = {0.7: 0.233, 0.8: 0.406, 0.9: 0.605, 1.0: 0.748, 1.1: 0.859, 1.25: 1.453, 1.5: 1.64}
RATIO = {0.7: 3.5, 0.8: 8.8, 0.9: 4.0, 1.0: 5.0, 1.1: 10.8, 1.25: 9.7, 1.5: 11.0}
SLOPE = {1.0: 0.485, 1.25: 0.891, 1.5: 1.127}
MODULATION = {0.7: 2.2, 0.8: 3.5, 0.9: 1.5, 1.0: 2.5, 1.5: 8.8}
# The numbers above at multiples of the Rabi period were read from records with these intervals
# (ms), at the output nearest to the time named.
CURRENT_READING, MODULATION_READING = 0.05, 0.25
FRONT = {"moving": 1.538, "frozen": 1.77}
DIFFERENCES = (0.5, 1.0, 1.5, 2.0)
DIFFERENCE = {"frozen": (0.0011, 0.015, 0.080, 0.19), "local": (0.0012, 0.067, 0.35, 0.47)}
# Bands of the fit to C_ZZ without blur; with blur the fit depends on box and time.
L1_BAND, L2_BAND, MINIMUM_BAND = (4.5, 7.0), (1.2, 2.2), (-0.15, -0.02)
BLURRED = {1.0: (8.4, 2.4), 2.0: (13.7, 4.0)}


def applies(ds):
    """True for runs with the parameters of this case, in one dimension."""
    if ds.attrs.get("dimensions", 1) != 1:
        return False
    stated = [ds.attrs.get(name) for name in ("Omega_R", "kappa_n0", "R_x")]
    if any(not isinstance(value, (int, float, np.number)) for value in stated):
        return False
    return np.allclose(stated, (OMEGA_R, KAPPA_N0, R_X), rtol=1e-5)


def kind(ds):
    """What a run is: "moving" (it has v), "local" (torque = 0) or "frozen" (Landau-Lifshitz)."""
    if "v" in ds:
        return "moving"
    return "local" if float(ds.attrs.get("torque", 1)) == 0 else "frozen"
