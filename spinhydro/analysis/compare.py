"""`spinhydro compare RUN RUN …`: a table of the differences between runs of different models."""

import csv
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spinhydro.errors import InputError, SpinhydroError, did_you_mean

from .arguments import Parser, printable, printable_columns
from .load import load
from .sampling import at_times
from .style import is_tensor, run_name

#: Rabi periods at which runs with a Rabi frequency are compared, as far as they reach.
PERIODS = (0.5, 1.0, 1.5, 2.0)
#: Part of the Thomas-Fermi radius inside which trapped gases are compared: 150 of 210 um.
INNER = 5 / 7


class Differences(NamedTuple):
    """Table of one output: rows are times, columns are runs.

    ``rms`` and ``largest`` have the shape (times, runs - 1); the first run is the reference. They
    are NaN where a run ended earlier.
    """

    output: str
    times: np.ndarray
    periods: np.ndarray
    rms: np.ndarray
    largest: np.ndarray
    points: int


def compare(runs, output="Z", times=None, within=None):
    r"""Differences of an output of several runs from the first of them.

    .. math:: \mathrm{rms} = \langle (Z_i - Z_0)^2 \rangle^{1/2}, \quad \max |Z_i - Z_0|

    over the grid points of the first run with |x| < `within` (and all tensor components).

    Parameters
    ----------
    runs : list of Dataset
        As returned by `spinhydro.analysis.load`. Grids may differ: the others are interpolated to
        the points of the first by their Fourier series, as their equations imply.
    output : str
        A common output.
    times : sequence of float, optional
        Within the record of the first run; between outputs a spline of order 5 is taken. Default:
        0.5, 1, 1.5 and 2 Rabi periods where the first run states Omega_R, otherwise the four
        quarters of its time.
    within : float, optional
        Only points with |x| below this.

    Returns
    -------
    Differences

    Raises
    ------
    InputError
        Fewer than two runs, an output or an axis that is not common, different units, or a time
        that is not in the record of the first run.
    """
    if len(runs) < 2:
        raise InputError("compare at least two runs: the first is the reference")
    variables = [_output(ds, output) for ds in runs]
    reference = variables[0]
    for ds, variable in zip(runs, variables, strict=True):
        _check_like(reference, variable, runs[0], ds)
    Omega_R = _rabi_frequency(runs[0])
    times = np.asarray(_default_times(runs[0]) if times is None else times, dtype=float)
    inside = _inside(reference, within)
    first = at_times(reference.values, reference.t.values, times, order=5)
    rms, largest = (np.full((len(times), len(runs) - 1), np.nan) for _ in range(2))
    for column, variable in enumerate(variables[1:]):
        t = variable.t.values
        reached = times <= t[-1] * (1 + 1e-9)
        if not reached.any():
            continue
        other = at_times(_on_points(variable, reference), t, times[reached], order=5)
        gap = np.abs(other - first[reached])[..., inside].reshape(len(other), -1)
        rms[reached, column] = np.sqrt(np.mean(gap**2, axis=1))
        largest[reached, column] = gap.max(axis=1)
    return Differences(
        output=output,
        times=times,
        periods=times * Omega_R / (2 * np.pi) if Omega_R else np.full(len(times), np.nan),
        rms=rms,
        largest=largest,
        points=int(inside.sum()),
    )


def _rabi_frequency(ds):
    """Omega_R of a run, 0 where it states none."""
    Omega_R = ds.attrs.get("Omega_R")
    return Omega_R if isinstance(Omega_R, (int, float)) and Omega_R > 0 else 0


def _default_times(ds):
    end = float(ds.t[-1])
    if _rabi_frequency(ds):
        times = [2 * np.pi * k / _rabi_frequency(ds) for k in PERIODS]
        times = [time for time in times if time <= end * (1 + 1e-9)]
        if times:
            return times
    return [end * k / 4 for k in (1, 2, 3, 4)]


def _output(ds, name):
    if name not in ds.data_vars:
        raise InputError(
            f"{run_name(ds)} has no output '{name}'; "
            + did_you_mean(name, ds.data_vars, f"its outputs: {', '.join(ds.data_vars)}")
        )
    return ds[name]


def _space(variable):
    return [dim for dim in variable.dims[1:] if not is_tensor(dim) and dim in variable.coords]


def _check_like(reference, variable, first, ds):
    where = f"{run_name(first)} and {run_name(ds)}"
    if reference.dims != variable.dims:
        raise InputError(
            f"{where}: {reference.name} runs along {', '.join(reference.dims)} in one and "
            f"{', '.join(variable.dims)} in the other"
        )
    for dim in reference.dims[1:]:
        if dim not in _space(reference) and reference.sizes[dim] != variable.sizes[dim]:
            raise InputError(f"{where}: {reference.name} has different sizes along {dim}")
    for one, other in ((reference, variable), (reference.t, variable.t)):
        if one.attrs.get("units") != other.attrs.get("units"):
            raise InputError(
                f"{where} have different units: {one.name} in {one.attrs.get('units')} and "
                f"{other.attrs.get('units')}"
            )


def _inside(reference, within):
    """Mask of the points of the last axes that are compared."""
    space = _space(reference)
    shape = tuple(reference.sizes[dim] for dim in space)
    if list(reference.dims[len(reference.dims) - len(space) :]) != space:
        raise InputError(f"the space axes of {reference.name} do not come last")
    mask = np.ones(shape, dtype=bool)
    if within is not None:
        if not space:
            raise InputError(f"{reference.name} has no space axis; leave --within out")
        inside = np.abs(reference[space[0]].values) < within
        mask &= inside.reshape(-1, *(1,) * (len(shape) - 1))
        if not mask.any():
            raise InputError(f"no grid point of the first run has |{space[0]}| < {within:g}")
    return mask


def _on_points(variable, reference):
    """Values of a variable at the grid points of the reference."""
    values = np.asarray(variable.values)
    for dim in _space(reference):
        own, wanted = variable[dim].values, reference[dim].values
        if len(own) == len(wanted) and np.allclose(own, wanted, rtol=0, atol=1e-9 * np.ptp(own)):
            continue
        axis = variable.dims.index(dim)
        values = np.moveaxis(
            np.moveaxis(values, axis, -1) @ _fourier_interpolation(own, wanted, dim), -1, axis
        )
    return values


def _fourier_interpolation(own, wanted, dim):
    """Matrix (N, M) that takes values on a periodic grid to other points."""
    spacing = np.diff(own)
    if np.ptp(spacing) > 1e-6 * spacing.mean():
        raise InputError(f"the grids along {dim} differ and are not uniform: choose equal grids")
    period, size = len(own) * spacing.mean(), len(own)
    if np.ptp(wanted) > period * (1 + 1e-9):
        raise InputError(
            f"the box of the first run is longer along {dim}: name the run with the shorter box "
            "first"
        )
    distance = np.pi * (wanted[None, :] - own[:, None]) / period
    # The periodic sinc; its even form halves the Nyquist mode.
    sine = np.sin(distance)
    on_point = np.abs(sine) < 1e-12
    denominator = np.where(on_point, 1.0, np.tan(distance) if size % 2 == 0 else sine)
    return np.where(on_point, 1.0, np.sin(size * distance) / (size * denominator))


def names_of(runs):
    """Short names of the runs: the folder, and the parameters that differ from runs of its kind."""
    names = []
    for ds in runs:
        same = [other for other in runs if other.attrs.get("problem") == ds.attrs.get("problem")]
        differing = [
            f"{key}={_short(value)}"
            for key, value in ds.attrs.items()
            if key in _parameters(ds) - {"stop_time", "output_interval"}
            and any(other.attrs.get(key) != value for other in same if key in other.attrs)
        ]
        names.append(" ".join([run_name(ds), *differing[:3]]))
    return names


def _parameters(ds):
    """Names of the parameters that the source of a run assigns before derived values."""
    source = str(ds.attrs.get("source", "")).partition("# Derived parameters")[0]
    return {line.split("=")[0].strip() for line in source.splitlines() if "=" in line}


def _short(value):
    return f"{value:g}" if isinstance(value, (int, float)) else value


def table(differences, names, unit="", within=None, length=""):
    """Lines of text: a row per time, for every run the rms and the largest difference."""
    place = f" for |x| < {within:g} {length}".rstrip() if within is not None else ""
    has_periods = np.isfinite(differences.periods).all()
    lines = [f"{differences.output} against {names[0]}{place}: rms difference (largest)"]
    lines += [f"  [{i}] {name}" for i, name in enumerate(names[1:], start=1)]
    head = f"{f't ({unit})' if unit else 't':>10}"
    if has_periods:
        head = f"{'t Omega_R/2pi':>13}" + head
    lines.append(head + "".join(f"{f'[{i}]':>22}" for i in range(1, len(names))))
    for row, time in enumerate(differences.times):
        line = f"{time:>10.4g}"
        if has_periods:
            line = f"{differences.periods[row]:>13.4g}" + line
        for rms, largest in zip(differences.rms[row], differences.largest[row], strict=True):
            entry = f"{rms:.2e} ({largest:.1e})" if np.isfinite(rms) else "-"
            line += f"{entry:>22}"
        lines.append(line)
    return lines


def write_table(path, differences, names):
    """Write the table as comma-separated values; raise InputError if that is impossible."""
    path = Path(path)
    if path.exists():
        raise InputError(f"{path} is there already; choose another name with --save")
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            columns = [f"{kind} {name}" for name in names[1:] for kind in ("rms", "largest")]
            writer.writerow(["t", "rabi_periods", *columns])
            for row, time in enumerate(differences.times):
                both = np.stack([differences.rms[row], differences.largest[row]], axis=1)
                writer.writerow([time, differences.periods[row], *both.ravel()])
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def main(argv=None):
    """Print the table; returns the exit code: 0, or 2 with one line on standard error."""
    arguments = _parser().parse_args(argv)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            output = arguments.output or first_common([load(path) for path in arguments.runs])
            runs = [load(path, tasks=[output]) for path in arguments.runs]
        names = names_of(runs)
        within = arguments.within
        if within is None and all("R_x" in ds.attrs for ds in runs):
            within = INNER * runs[0].attrs["R_x"]
        found = compare(runs, output, _times(arguments.times, runs), within)
        space = runs[0][output]
        length = space.x.attrs.get("units", "") if "x" in space.coords else ""
        unit = runs[0].t.attrs.get("units", "")
        for line in table(found, names, unit, within, length):
            print(printable_columns(line))
        if arguments.save:
            write_table(arguments.save, found, names)
            print(arguments.save)
    except SpinhydroError as error:
        print(f"spinhydro: error: {printable(error)}", file=sys.stderr)
        return error.exit_code
    return 0


def first_common(runs):
    """Name of the output that is compared by default: Z, or the first that all runs have."""
    common = [str(name) for name in runs[0].data_vars if all(name in ds for ds in runs)]
    if not common:
        held = "; ".join(f"{run_name(ds)}: {', '.join(map(str, ds.data_vars))}" for ds in runs)
        raise InputError(f"these runs have no output in common ({held})")
    return "Z" if "Z" in common else common[0]


def _times(text, runs):
    """ "4,8.5" in the time unit of the runs, or "0.5T,1T" in Rabi periods."""
    if text is None:
        return None
    times = []
    for part in text.split(","):
        part = part.strip()
        in_periods = part.endswith("T")
        try:
            time = float(part.removesuffix("T"))
        except ValueError:
            raise InputError(
                f"'{part}' is not a time; write --times 4,8.5 or, in Rabi periods, --times 0.5T,1T"
            ) from None
        if in_periods:
            if not _rabi_frequency(runs[0]):
                raise InputError("the first run has no Omega_R: give times in its own unit")
            time *= 2 * np.pi / _rabi_frequency(runs[0])
        times.append(time)
    return times


def _parser():
    parser = Parser(
        prog="spinhydro compare",
        description="How far runs are from the first one: rms and largest difference at some "
        "times. `run/compare` computes the four models of the coupled gas and does this.",
    )
    parser.add_argument("runs", metavar="RUN", nargs="+", help="run folders; the first one is the "
                        "reference")  # fmt: skip
    parser.add_argument(
        "--output", metavar="NAME",
        help="what is compared [Z, or else the first output that all runs have]",
    )  # fmt: skip
    parser.add_argument("--within", type=float, metavar="X", help="only where |x| < X [5/7 R_x "
                        "where all runs have R_x]")  # fmt: skip
    parser.add_argument(
        "--times", metavar="T,T,…",
        help="4,8.5 in the unit of the runs, 0.5T,1T in Rabi periods [0.5T,1T,1.5T,2T]",
    )  # fmt: skip
    parser.add_argument("--save", metavar="FILE", help="write the table as FILE.csv too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
