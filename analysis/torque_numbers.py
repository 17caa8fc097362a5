"""Numbers of paper A from runs of its clouds, beside those of reference.

Farolfi et al., Nature Physics 17, 1359 (2021): positions of the interface, local frequencies, how
the interface breaks, the front, the correlation, and what is conserved.  Further runs of the same
cloud are set against the first.

References hold for the 118 Hz case (Omega_R = 0.33 kappa n0, Na23).  Those of the gas that moves
come from two coupled Gross-Pitaevskii equations, solved by an independent fourth-order split step,
converged to 2e-10 (rms Z) at 24 ms; those of the frozen gas from an independent RK4 of the
Landau-Lifshitz equation.
"""

from dataclasses import asdict

import numpy as np

from spinhydro.analysis import run_measurement
from spinhydro.analysis.breaking import (
    PERIODS,
    departure_times,
    difference_over_time,
    interface_maxima,
)
from spinhydro.analysis.budgets import conserved
from spinhydro.analysis.correlation import autocorrelation, fit_domains
from spinhydro.analysis.frequencies import measured_frequency
from spinhydro.analysis.front import RANGE, inward_front
from spinhydro.analysis.interface import (
    analytic_position,
    breaking_time,
    interface_position,
    is_unit_vector,
    magnetization_map,
    norm_error,
    rabi_period,
)
from spinhydro.analysis.josephson import critical_position_thomas_fermi, local_frequency
from spinhydro.analysis.measure import FORMULA, Row, against, attempt
from spinhydro.analysis.sampling import squeezed
from spinhydro.analysis.style import run_label, run_name
from spinhydro.errors import InputError

NEEDS = {"run": ("quantum_torque", "Z", "n", "Omega_R", "kappa_n0")}
LINE = True
OMEGA_R, KAPPA_N0, R_X = 0.741415866, 2.246714746, 210.0

INTERFACE_TIMES = (0.75, 0.9, 1.0)
# x_c in the run (µm).  The frozen ones are read from a record of the independent RK4 with outputs
# every 0.5 ms (tests/analysis/data/lle_118Hz.npz); tolerances are those of the spline between them.
POSITION_TOLERANCE = 0.05
INTERFACE = {"moving": (122.44, 122.34, 122.25), "frozen": (122.519, 122.439, 122.419)}
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


# The late fluctuating region: |x| (in units of x_c) and the last part of the run.
LATE_REGION, LATE_PART = (0.57, 1.22), 0.1
# Rabi periods after which the region has domains all over.
DEVELOPED = 4.2
BLURS = (0.0, 1.0, 2.0)


def measure(ds, others=(), exact=False):
    """Return all numbers of a run: a list of `Row`.

    Parameters
    ----------
    ds : Dataset along t, spin and x (`selection.selected`)
    others : datasets of the same cloud, each set against `ds`
    exact : bool
        Read currents, slopes and modulation at exactly the times named.  Default: in the case of
        `reference_values` at the nearest multiple of 0.05 or 0.25 ms, as the references were.
    """
    ours = applies(ds)
    rows = []
    for part in (
        _positions,
        _frequencies,
        _breaking,
        _maxima,
        _front,
        _correlation,
        _conservation,
    ):
        rows += part(ds, ours, exact)
    for other in others:
        rows += _difference(ds, other, ours)
    rows += _difference(ds, None, ours) if kind(ds) == "moving" else []
    return rows


def title(ds):
    """Return the heading of a table."""
    words = {"moving": "the gas moves", "frozen": "frozen density", "local": "without torque"}
    text = f"{run_label(ds)} ({words[kind(ds)]}; T = 2 pi/Omega_R = {rabi_period(ds):.5g})"
    if not applies(ds):
        text += "; other parameters than the references, which are left out"
    return text


def check(name, ds):
    """Raise InputError for a run without Rabi coupling."""
    if not ds.attrs["Omega_R"]:
        raise InputError(
            f"{name}: states no Rabi frequency; give it with --parameter Omega_R=NUMBER"
        )


def applies(ds):
    """Return True for runs with the parameters of this case, in one dimension."""
    if ds.attrs.get("dimensions", 1) != 1:
        return False
    stated = [ds.attrs.get(name) for name in ("Omega_R", "kappa_n0", "R_x")]
    if any(not isinstance(value, (int, float, np.number)) for value in stated):
        return False
    return np.allclose(stated, (OMEGA_R, KAPPA_N0, R_X), rtol=1e-5)


def kind(ds):
    """Return "moving" (a run with v), "local" (torque = 0) or "frozen" (Landau-Lifshitz)."""
    if "v" in ds:
        return "moving"
    return "local" if float(ds.attrs.get("torque", 1)) == 0 else "frozen"


def _positions(ds, ours, exact):
    unit = ds.x.attrs.get("units", "")
    rows = []
    if "R_x" in ds.attrs:
        rows += attempt(
            lambda: critical_position_thomas_fermi(
                ds.attrs["kappa_n0"], ds.attrs["Omega_R"], ds.attrs["R_x"]
            ),
            "x_c, Thomas-Fermi",
            unit=unit,
            origin=FORMULA,
        )
        if ours:
            rows = against(rows, [ANALYTIC_POSITION], 1e-3)
    rows += attempt(
        lambda: analytic_position(ds), "x_c from the initial n(x)", unit=unit, origin=FORMULA
    )
    names = [f"x_c in the run, {period:g} T" for period in INTERFACE_TIMES]
    measured = []
    for name, period in zip(names, INTERFACE_TIMES, strict=True):
        measured += attempt(lambda p=period: interface_position(ds, [p]), name, unit=unit)
    if ours and kind(ds) in INTERFACE:
        measured = against(measured, INTERFACE[kind(ds)], POSITION_TOLERANCE)
    return rows + measured


def _frequencies(ds, ours, exact):
    rows = []
    if ours:
        profile = 1 - (np.array(POSITIONS) / ds.attrs["R_x"]) ** 2
        table = local_frequency(ds.attrs["kappa_n0"] * profile, ds.attrs["Omega_R"])
        for x, value, reference in zip(
            POSITIONS, table / ds.attrs["Omega_R"], FREQUENCIES, strict=True
        ):
            row = Row(f"local omega/Omega_R at {x:g} um, exact", float(value), origin=FORMULA)
            rows += against([row], [reference], 1e-4)
    if kind(ds) == "local" and {"Z", "n"} <= set(ds.data_vars):
        rows += attempt(lambda: _worst_frequency(ds), "local omega, measured/exact - 1, largest")
    return rows


def _worst_frequency(ds):
    """Largest relative error of the measured frequency where two periods fit into the run."""
    kappa_n = abs(ds.attrs["kappa_n0"]) * np.maximum(squeezed(ds.n).isel(t=0).values, 0)
    exact = local_frequency(kappa_n, ds.attrs["Omega_R"])
    cloud = kappa_n > 0.05 * kappa_n.max()
    fits = cloud & (exact * float(ds.t[-1]) > 4 * np.pi)
    if not fits.any():
        raise InputError("two periods of the local oscillation do not fit into the run")
    found = measured_frequency(magnetization_map(ds)[:, fits], ds.t.values)
    return np.nanmax(np.abs(found / exact[fits] - 1))


def _breaking(ds, ours, exact):
    if kind(ds) == "local":
        return []
    rows = attempt(
        lambda: breaking_time(ds) / rabi_period(ds),
        "breaking, max|dx j_torque| = max|H x s|",
        unit="T",
        paper="about 1",
    )
    if ours and kind(ds) == "moving":
        rows = against(rows, [BREAKING], 0.02)
    levels = tuple(DEPARTURES)
    departures = attempt(
        lambda: departure_times(ds, levels),
        *(f"max|Z - Z_local| = {level:g}" for level in levels),
        unit="T",
    )
    if ours and kind(ds) == "moving":
        departures = against(departures, DEPARTURES.values(), 0.01)
    return rows + departures


def _maxima(ds, ours, exact):
    if kind(ds) == "local":
        return []
    moving = kind(ds) == "moving"
    period = rabi_period(ds)
    rounded = ours and not exact and ds.t.attrs.get("units") == "ms"

    def read(interval, periods):
        periods = np.array(periods)
        return np.round(periods * period / interval) * interval / period if rounded else periods

    def column(name, interval, table, title, unit, tolerance):
        periods = tuple(table)
        labels = [f"{title} at {value:g} T" for value in periods]
        times = read(interval, periods)
        rows = attempt(lambda: interface_maxima(ds, times)[name].values, *labels, unit=unit)
        rows = [_late(row, ds, time) for row, time in zip(rows, times, strict=True)]
        if name == "modulation":
            rows = [_scaled(row, 100) for row in rows]
        return against(rows, table.values(), tolerance) if ours and moving else rows

    fine, coarse = CURRENT_READING, MODULATION_READING
    rows = column("current", fine, CURRENT, "max|j_torque|/(n c_s)", "", "1 %")
    if moving:
        rows += column("ratio", fine, RATIO, "max|j_torque|/max|v s|", "", "5 %")
    rows += column("slope", fine, SLOPE, "max|dx Z|", "/um", "1 %")
    rows += [row for row in _divergences(ds, read(fine, PERIODS))]
    if moving:
        title = "max|n/n(0) - 1|"
        rows += column("modulation", coarse, MODULATION, title, "%", "5 %")
    return rows


def _divergences(ds, times):
    names = [f"max|dx j_torque|/max|H x s| at {period:g} T" for period in PERIODS]

    def ratio():
        table = interface_maxima(ds, times)
        return (table.divergence / table.field_torque).values

    rows = attempt(ratio, *names)
    return [_late(row, ds, time) for row, time in zip(rows, times, strict=True)]


def _late(row, ds, periods):
    if row.value is None and not row.note:
        return Row(**{**asdict(row), "note": _ends(ds, periods * rabi_period(ds))})
    return row


def _ends(ds, time):
    return f"needs t = {time:.4g}, the run ends at {float(ds.t[-1]):.4g}"


def _scaled(row, factor):
    value = None if row.value is None else factor * row.value
    return Row(**{**asdict(row), "value": value})


def _front(ds, ours, exact):
    if kind(ds) == "local":
        return []
    try:
        found = inward_front(ds)
    except InputError as error:
        return [Row("front speed", None, "c_s", note=str(error), paper="1.4(1); measured 1.8(2)")]
    rows = [
        Row(
            "front speed",
            found.attrs.get("mach", found.attrs["speed"]),
            "c_s" if "mach" in found.attrs else "",
            paper="1.4(1); measured 1.8(2)",
            note=found.attrs["recipe"],
        ),
    ]
    # The front accelerates: only one that has crossed most of the range compares.
    crossed = float(found.position.min()) <= RANGE[0] + 0.2 * (RANGE[1] - RANGE[0])
    if ours and crossed:
        rows = against(rows, [FRONT[kind(ds)]], 0.03)
    spread = found.attrs.get("mach_uncertainty", found.attrs["uncertainty"])
    return [*rows, Row("  its spread over sides and thresholds", spread, rows[0].unit)]


def _correlation(ds, ours, exact):
    if kind(ds) == "local":
        return []
    rows = []
    for blur in BLURS:
        unit = ds.x.attrs.get("units", "")
        title = f"C_ZZ, blur {blur:g} {unit}: " if blur else "C_ZZ: "
        names = [f"{title}{name}" for name in ("L1", "L2", "minimum")]
        try:
            x_c, last = analytic_position(ds), float(ds.t[-1])
            window = tuple(share * x_c for share in LATE_REGION)
            found = autocorrelation(ds, window, ((1 - LATE_PART) * last, last), blur)
            fit = fit_domains(found)
        except InputError as error:
            rows += [Row(name, None, note=str(error)) for name in names]
            continue
        where = f"{window[0]:.0f} < |x| < {window[1]:.0f}, last {100 * LATE_PART:g} % of the run"
        bands = (L1_BAND, L2_BAND, MINIMUM_BAND)
        papers = ("7.1(1)", "4.0(1)", "")
        for name, key, band, paper in zip(
            names, ("L1", "L2", "minimum"), bands, papers, strict=True
        ):
            note = where
            if key != "minimum":
                low, high = fit[f"{key}_interval"]
                note = f"95 % {low:.2f} to {high:.2f}; {where}"
            developed = last >= DEVELOPED * rabi_period(ds)
            compare = ours and developed and blur == 0 and kind(ds) == "moving"
            rows.append(
                Row(
                    name,
                    fit[key],
                    unit if key != "minimum" else "",
                    band=band if compare else None,
                    paper=paper,
                    note=note,
                )
            )
    return rows


def _conservation(ds, ours, exact):
    rows = attempt(
        lambda: norm_error(ds),
        f"max||s| - {'1' if is_unit_vector(ds) else 'n'}|" if "s" in ds else "|s|",
    )
    try:
        kept = conserved(ds)
    except InputError as error:
        return [*rows, Row("conserved quantities", None, note=str(error))]
    return rows + [
        Row(f"drift of {name}, relative", float(drift)) for name, drift in kept.attrs.items()
    ]


def _difference(ds, other, ours):
    name = "the local solution" if other is None else run_name(other)
    rows = []
    for period in DIFFERENCES:
        time = period * rabi_period(ds)
        rows += attempt(
            lambda time=time: difference_over_time(ds, other, time),
            f"rms of Z - Z of {name}, {period:g} T",
        )
    sort = "local" if other is None else kind(other)
    same = ours and (other is None or applies(other)) and kind(ds) == "moving"
    if same and sort in DIFFERENCE:
        rows = against(rows, DIFFERENCE[sort], "10 %")
    return rows


if __name__ == "__main__":
    run_measurement(__file__)
