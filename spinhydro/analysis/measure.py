"""`spinhydro measure RUN [RUN …]`: the numbers of paper A from runs, beside those of reference.

Every quantity is computed from the stored outputs; one that a run cannot give (it is too short,
has no v, …) is named with the reason.  Further runs of the same cloud are set against the first.
"""

import csv
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from spinhydro.errors import InputError, SpinhydroError

from . import arguments as line
from . import reference_values as known
from .breaking import PERIODS, departure_times, difference_over_time, interface_maxima
from .budgets import conserved
from .correlation import autocorrelation, fit_domains
from .frequencies import measured_frequency
from .front import RANGE, inward_front
from .interface import (
    analytic_position,
    breaking_time,
    interface_position,
    is_unit_vector,
    magnetization_map,
    norm_error,
    rabi_period,
)
from .josephson import critical_position_thomas_fermi, local_frequency
from .sampling import squeezed
from .style import run_name

# The late fluctuating region: |x| (in units of x_c) and the last part of the run.
LATE_REGION, LATE_PART = (0.57, 1.22), 0.1
# Rabi periods after which the region has domains all over.
DEVELOPED = 4.2
BLURS = (0.0, 1.0, 2.0)


@dataclass(frozen=True)
class Row:
    """One number of a run.

    value : None where the run cannot give it; `note` then says why
    reference, tolerance : the number it is set against, None if there is none; or `band`
    paper : what the paper prints, as text
    """

    quantity: str
    value: float | None
    unit: str = ""
    reference: float | None = None
    tolerance: float | None = None
    band: tuple[float, float] | None = None
    paper: str = ""
    note: str = ""

    @property
    def agrees(self):
        """True or False against the reference; None without one or without a value."""
        if self.value is None or not np.isfinite(self.value):
            return None
        if self.band is not None:
            return self.band[0] <= self.value <= self.band[1]
        if self.tolerance is None:
            return None
        return abs(self.value - self.reference) <= self.tolerance


def measure(ds, others=(), exact=False):
    """All numbers of a run: a list of `Row`.

    Parameters
    ----------
    ds : Dataset along t, spin and x (`selection.selected`)
    others : datasets of the same cloud, each set against `ds`
    exact : bool
        Read currents, slopes and modulation at exactly the times named.  Default: in the case of
        `reference_values` at the nearest multiple of 0.05 or 0.25 ms, as the references were.
    """
    ours = known.applies(ds)
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
    rows += _difference(ds, None, ours) if known.kind(ds) == "moving" else []
    return rows


def _attempt(function, *names, **row):
    """Rows of the values of `function`, or rows that say why there are none."""
    try:
        values = np.atleast_1d(function())
    except InputError as error:
        return [Row(name, None, note=str(error), **row) for name in names]
    return [
        Row(name, float(value) if np.isfinite(value) else None, **row)
        for name, value in zip(names, values, strict=True)
    ]


def _against(rows, references, tolerance, paper=()):
    """The same rows with references; `tolerance` is absolute, or relative if given as "1 %"."""
    out = []
    for place, (row, reference) in enumerate(zip(rows, references, strict=True)):
        if isinstance(tolerance, str):
            allowed = abs(reference) * float(tolerance.rstrip(" %")) / 100
        else:
            allowed = tolerance
        text = paper[place] if place < len(paper) else row.paper
        fields = {**asdict(row), "reference": reference, "tolerance": allowed, "paper": text}
        out.append(Row(**fields))
    return out


def _positions(ds, ours, exact):
    unit = ds.x.attrs.get("units", "")
    rows = []
    if "R_x" in ds.attrs:
        rows += _attempt(
            lambda: critical_position_thomas_fermi(
                ds.attrs["kappa_n0"], ds.attrs["Omega_R"], ds.attrs["R_x"]
            ),
            "x_c, Thomas-Fermi",
            unit=unit,
        )
        if ours:
            rows = _against(rows, [known.ANALYTIC_POSITION], 1e-3)
    rows += _attempt(lambda: analytic_position(ds), "x_c from n(x)", unit=unit)
    names = [f"x_c in the run, {period:g} T" for period in known.INTERFACE_TIMES]
    measured = []
    for name, period in zip(names, known.INTERFACE_TIMES, strict=True):
        measured += _attempt(lambda p=period: interface_position(ds, [p]), name, unit=unit)
    if ours and known.kind(ds) in known.INTERFACE:
        measured = _against(measured, known.INTERFACE[known.kind(ds)], 0.25)
    return rows + measured


def _frequencies(ds, ours, exact):
    rows = []
    if ours:
        profile = 1 - (np.array(known.POSITIONS) / ds.attrs["R_x"]) ** 2
        table = local_frequency(ds.attrs["kappa_n0"] * profile, ds.attrs["Omega_R"])
        for x, value, reference in zip(
            known.POSITIONS, table / ds.attrs["Omega_R"], known.FREQUENCIES, strict=True
        ):
            row = Row(f"local omega/Omega_R at {x:g} um, exact", float(value))
            rows += _against([row], [reference], 1e-4)
    if known.kind(ds) == "local" and {"Z", "n"} <= set(ds.data_vars):
        rows += _attempt(lambda: _worst_frequency(ds), "local omega, measured/exact - 1, largest")
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
    if known.kind(ds) == "local":
        return []
    rows = _attempt(
        lambda: breaking_time(ds) / rabi_period(ds),
        "breaking, max|dx j_torque| = max|H x s|",
        unit="T",
        paper="about 1",
    )
    if ours and known.kind(ds) == "moving":
        rows = _against(rows, [known.BREAKING], 0.02)
    levels = tuple(known.DEPARTURES)
    departures = _attempt(
        lambda: departure_times(ds, levels),
        *(f"max|Z - Z_local| = {level:g}" for level in levels),
        unit="T",
    )
    if ours and known.kind(ds) == "moving":
        departures = _against(departures, known.DEPARTURES.values(), 0.01)
    return rows + departures


def _maxima(ds, ours, exact):
    if known.kind(ds) == "local":
        return []
    moving = known.kind(ds) == "moving"
    period = rabi_period(ds)
    rounded = ours and not exact and ds.t.attrs.get("units") == "ms"

    def read(interval, periods):
        periods = np.array(periods)
        return np.round(periods * period / interval) * interval / period if rounded else periods

    def column(name, interval, table, title, unit, tolerance):
        periods = tuple(table)
        labels = [f"{title} at {value:g} T" for value in periods]
        times = read(interval, periods)
        rows = _attempt(lambda: interface_maxima(ds, times)[name].values, *labels, unit=unit)
        rows = [_late(row, ds, time) for row, time in zip(rows, times, strict=True)]
        if name == "modulation":
            rows = [_scaled(row, 100) for row in rows]
        return _against(rows, table.values(), tolerance) if ours and moving else rows

    fine, coarse = known.CURRENT_READING, known.MODULATION_READING
    rows = column("current", fine, known.CURRENT, "max|j_torque|/(n c_s)", "", "1 %")
    if moving:
        rows += column("ratio", fine, known.RATIO, "max|j_torque|/max|v s|", "", "5 %")
    rows += column("slope", fine, known.SLOPE, "max|dx Z|", "/um", "1 %")
    rows += [row for row in _divergences(ds, read(fine, PERIODS))]
    if moving:
        title = "max|n/n(0) - 1|"
        rows += column("modulation", coarse, known.MODULATION, title, "%", "5 %")
    return rows


def _divergences(ds, times):
    names = [f"max|dx j_torque|/max|H x s| at {period:g} T" for period in PERIODS]

    def ratio():
        table = interface_maxima(ds, times)
        return (table.divergence / table.field_torque).values

    rows = _attempt(ratio, *names)
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
    if known.kind(ds) == "local":
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
        rows = _against(rows, [known.FRONT[known.kind(ds)]], 0.03)
    spread = found.attrs.get("mach_uncertainty", found.attrs["uncertainty"])
    return [*rows, Row("  its spread over sides and thresholds", spread, rows[0].unit)]


def _correlation(ds, ours, exact):
    if known.kind(ds) == "local":
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
        bands = (known.L1_BAND, known.L2_BAND, known.MINIMUM_BAND)
        papers = ("7.1(1)", "4.0(1)", "")
        for name, key, band, paper in zip(
            names, ("L1", "L2", "minimum"), bands, papers, strict=True
        ):
            note = where
            if key != "minimum":
                low, high = fit[f"{key}_interval"]
                note = f"95 % {low:.2f} to {high:.2f}; {where}"
            developed = last >= DEVELOPED * rabi_period(ds)
            compare = ours and developed and blur == 0 and known.kind(ds) == "moving"
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
    rows = _attempt(
        lambda: norm_error(ds), f"max||s| - {'1' if _unit(ds) else 'n'}|" if "s" in ds else "|s|"
    )
    try:
        kept = conserved(ds)
    except InputError as error:
        return [*rows, Row("conserved quantities", None, note=str(error))]
    return rows + [
        Row(f"drift of {name}, relative", float(drift)) for name, drift in kept.attrs.items()
    ]


def _unit(ds):
    return is_unit_vector(ds)


def _difference(ds, other, ours):
    name = "the local solution" if other is None else run_name(other)
    rows = []
    for period in known.DIFFERENCES:
        time = period * rabi_period(ds)
        rows += _attempt(
            lambda time=time: difference_over_time(ds, other, time),
            f"rms of Z - Z of {name}, {period:g} T",
        )
    sort = "local" if other is None else known.kind(other)
    same = ours and (other is None or known.applies(other)) and known.kind(ds) == "moving"
    if same and sort in known.DIFFERENCE:
        rows = _against(rows, known.DIFFERENCE[sort], "10 %")
    return rows


# Text


HEADER = ("quantity", "value", "unit", "reference", "agrees", "paper")


def cells(row):
    """The texts of a row, in the order of HEADER."""
    value = "-" if row.value is None else f"{row.value:.5g}"
    if row.band is not None:
        reference = f"{row.band[0]:g} … {row.band[1]:g}"
    elif row.reference is not None:
        reference = f"{row.reference:g} ± {row.tolerance:.2g}"
    else:
        reference = ""
    agrees = {True: "yes", False: "NO", None: ""}[row.agrees]
    return row.quantity, value, row.unit, reference, agrees, row.paper


def table(rows):
    """Lines of plain text in columns."""
    texts = [HEADER, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in texts) for column in range(len(HEADER))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(one, widths, strict=True)).rstrip()
        for one in texts
    ]
    reasons = {}
    for row in rows:
        if row.value is None and row.note:
            reasons.setdefault(row.note, []).append(row.quantity)
    for note, quantities in reasons.items():
        more = f" and {len(quantities) - 1} more" if len(quantities) > 1 else ""
        lines.append(f"-: {quantities[0]}{more}: {note}")
    return lines


def title(ds):
    """Heading of a run's table."""
    words = {"moving": "the gas moves", "frozen": "frozen density", "local": "without torque"}
    text = f"{run_name(ds)} ({words[known.kind(ds)]}; T = 2 pi/Omega_R = {rabi_period(ds):.5g})"
    if ds.attrs.get("selection"):
        text += f", {ds.attrs['selection']}"
    if not known.applies(ds):
        text += "; other parameters than the references, which are left out"
    return text


def main(argv=None):
    """Print the table of every run.  Returns the exit code: 0, or 2 for bad input."""
    try:
        arguments = _parser().parse_args(argv)
        runs = [line.chosen(line.read(path), arguments) for path in arguments.runs]
        for ds in runs:
            if "Omega_R" not in ds.attrs or not ds.attrs["Omega_R"]:
                raise InputError(
                    f"{run_name(ds)}: states no Rabi frequency; give it with --parameter Omega_R=…"
                )
        tables = [
            (title(ds), measure(ds, runs[1:] if place == 0 else [], arguments.exact))
            for place, ds in enumerate(runs)
        ]
        if arguments.save:
            _save(tables, Path(arguments.save))
    except SpinhydroError as error:
        print(f"spinhydro: error: {error}", file=sys.stderr)
        return error.exit_code
    for heading, rows in tables:
        print(heading, *table(rows), "", sep="\n")
    compared = [row.agrees for _, rows in tables for row in rows if row.agrees is not None]
    if compared:
        print(f"{sum(compared)} of {len(compared)} numbers agree with their references")
    return 0


def _save(tables, path):
    if path.exists():
        raise InputError(f"{path} exists; nothing is overwritten, choose another name")
    try:
        if path.suffix == ".json":
            content = {heading: [asdict(row) for row in rows] for heading, rows in tables}
            path.write_text(json.dumps(content, indent=1), encoding="utf-8")
        elif path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["run", *HEADER, "note"])
                for heading, rows in tables:
                    writer.writerows([heading, *cells(row), row.note] for row in rows)
        elif path.suffix == ".md":
            path.write_text("\n".join(_markdown(tables)), encoding="utf-8")
        else:
            raise InputError(f"--save {path}: choose .md, .csv or .json")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error}") from error


def _markdown(tables):
    for heading, rows in tables:
        yield f"**{heading}**\n"
        yield "| " + " | ".join(HEADER) + " |"
        yield "|" + "---|" * len(HEADER)
        for row in rows:
            yield "| " + " | ".join(text.replace("|", "\\|") for text in cells(row)) + " |"
        yield ""


def _parser():
    parser = line.Parser(
        prog="spinhydro measure",
        description="The numbers of paper A from runs, beside those of reference.",
    )
    parser.add_argument(
        "runs",
        metavar="RUN",
        nargs="+",
        help="run folder; further ones (the same cloud with frozen density, with torque=0) are "
        "set against the first",
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="read currents, slopes and modulation at exactly the times named, not at the nearest "
        "multiple of 0.05 or 0.25 ms at which the references were read",
    )
    parser.add_argument("--save", metavar="FILE", help="also as .md, .csv or .json")
    line.add_choices(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
