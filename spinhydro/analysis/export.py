"""`spinhydro export RUN FILE`: hand a run over to other tools, by the ending of the file.

| ending | content |
|---|---|
| .ovf, .omf | one output at one time, OVF 2.0 (OOMMF, mumax3, Ubermag) |
| .vti | all outputs at one time, VTK image data (ParaView) |
| .csv | every output without an axis of space against time |
| .nc | the whole run, netCDF |
| .gif | a movie of one output |
"""

import csv
import sys
from pathlib import Path

import numpy as np

from spinhydro.errors import InputError, SpinhydroError, did_you_mean, refuse_existing

from . import arguments as line
from .complex_outputs import as_real
from .style import is_tensor

#: Frames of a movie: more are thinned out evenly.
MOST_FRAMES = 200


def main(argv=None):
    """Write the file; its path is the last line on standard output.

    Returns the exit code: 0, or 2 with one line on standard error.
    """
    try:
        arguments = _parser().parse_args(argv)
        path = Path(arguments.file)
        if path.suffix not in WRITERS:
            kinds = ", ".join(WRITERS)
            raise InputError(f"{path}: unknown ending {path.suffix!r}; choose one of {kinds}")
        refuse_existing(path)
        ds = line.named(line.read(arguments.run), arguments)
        WRITERS[path.suffix](ds, path, arguments)
    except SpinhydroError as error:
        print(f"spinhydro: error: {line.printable(error)}", file=sys.stderr)
        return error.exit_code
    print(path)
    return 0


def _ovf(ds, path, arguments):
    from spinhydro.physics.ovf import write_ovf

    name = _name(ds, arguments.output)
    now = _at(ds, arguments.time)
    title = f"{name}, t = {float(now.t)} {ds.t.attrs.get('units', '')}"
    write_ovf(_one_member(now[name]), path, arguments.form, title)


def _vti(ds, path, arguments):
    from .vtk import write_vtk

    now = _at(ds, arguments.time).drop_vars("t")
    write_vtk(now if arguments.output is None else now[[_name(ds, arguments.output)]], path)


def _nc(ds, path, arguments):
    from .netcdf import save_netcdf

    save_netcdf(ds, path)


def _csv(ds, path, arguments):
    write_table(ds, path)


def write_table(ds, path):
    """Write all outputs without an axis of space against time as comma-separated values.

    One column for each component and member: M[x], E[member 3]; complex ones as real and imag.

    Raises
    ------
    InputError
        The run has no such output, or the file cannot be written.
    """
    columns = {"t": ds.t.values}
    for name in map(str, ds.data_vars):
        variable = ds[name]
        rest = [dim for dim in variable.dims if dim != "t"]
        if "t" not in variable.dims or any(dim != "member" and not is_tensor(dim) for dim in rest):
            continue
        values = variable.transpose("t", *rest).values
        for place in np.ndindex(values.shape[1:]):
            series = values[(slice(None), *place)]
            label = _column(variable, name, rest, place)
            if np.iscomplexobj(series):
                columns[f"{label} real"], columns[f"{label} imag"] = series.real, series.imag
            else:
                columns[label] = series
    if "sweep" in ds.attrs:
        raise InputError(f"the table of a sweep is there already: {ds.attrs['sweep']}/sweep.csv")
    if len(columns) == 1:
        raise InputError(
            "table: every output of this run has an axis of space; declare averages, for example "
            'outputs = {"mz_mean": "ave(m@ez)"}'
        )
    try:
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(
                [repr(value.item()) for value in row] for row in zip(*columns.values(), strict=True)
            )
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def _gif(ds, path, arguments):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    from .profiles import plot_state
    from .style import house_style, run_label

    name = _name(ds, arguments.output)
    variable = _one_member(ds[name])
    tensor = [dim for dim in variable.dims if is_tensor(dim)]
    space = [dim for dim in variable.dims if dim not in (*tensor, "t")]
    if tensor and len(space) > 1:
        variable, name = variable.isel({tensor[0]: -1}, drop=True), f"{name} (last component)"
    if not 1 <= len(space) <= 2:
        raise InputError(
            f"movie: {name} runs along {', '.join(map(str, variable.dims))}; it needs time and one "
            "or two axes of space: choose a plane with --cut"
        )
    variable = as_real(variable)
    if np.iscomplexobj(variable):
        variable, name = abs(variable) ** 2, f"|{name}|²"
    chosen = np.unique(np.linspace(0, ds.sizes["t"] - 1, MOST_FRAMES).round().astype(int))
    low, high = float(variable.min()), float(variable.max())
    frames = []
    for count, index in enumerate(chosen, start=1):
        with house_style():
            figure = Figure(figsize=(4.4, 3.6), dpi=110)
            canvas = FigureCanvasAgg(figure)
            ax = figure.add_axes([0.15, 0.15, 0.68, 0.72])
            plot_state(variable.isel(t=index, drop=True), name, ax)
            if len(space) == 1:
                ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low) or 1)
            else:
                span = max(abs(low), abs(high))
                limits = (-span, span) if low < 0 < high else (low, high)
                ax.collections[0].set_clim(*limits)
            unit = ds.t.attrs.get("units", "")
            figure.suptitle(f"{run_label(ds)}   t = {float(ds.t[index]):.5g} {unit}", fontsize=8)
            canvas.draw()
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("P"))
        if sys.stderr.isatty():
            print(f"\rframe {count} of {len(chosen)}", end="", file=sys.stderr, flush=True)
    try:
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=60, loop=0)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


WRITERS = {".ovf": _ovf, ".omf": _ovf, ".vti": _vti, ".csv": _csv, ".nc": _nc, ".gif": _gif}


def _name(ds, output):
    names = [str(name) for name in ds.data_vars]
    if output is None:
        likely = [name for name in ("m", "s", "Z") if name in names]
        fields = [name for name in names if ds[name].ndim > 1]
        if not (likely or fields):
            raise InputError("this run has no output along an axis of space")
        return (likely or fields)[0]
    if output not in names:
        hint = did_you_mean(output, names)
        raise InputError(f"this run has no output {output!r}; {hint} It has {', '.join(names)}")
    return output


def _at(ds, time):
    """The output nearest to a time; the last without one."""
    index = -1 if time is None else int(np.argmin(np.abs(ds.t.values - time)))
    now = ds.isel(t=index)
    return now.isel(member=0, drop=True) if "member" in now.dims else now


def _one_member(variable):
    return variable.isel(member=0, drop=True) if "member" in variable.dims else variable


def _column(variable, name, rest, place):
    parts = []
    for dim, index in zip(rest, place, strict=True):
        text = str(variable[dim].values[index]) if dim in variable.coords else str(index)
        parts.append(f"member {text}" if dim == "member" else text)
    return f"{name}[{', '.join(parts)}]" if parts else name


def _parser():
    parser = line.Parser(
        prog="spinhydro export",
        description="Write a run for other tools: .ovf, .vti, .csv, .nc or .gif.",
    )
    parser.add_argument("run", metavar="RUN", help="run folder, handler folder or .h5 file")
    parser.add_argument("file", metavar="FILE", help="file to write; its extension is the format")
    parser.add_argument("--output", metavar="NAME", help="output of .ovf and .gif [m, s, Z]")
    parser.add_argument("--time", type=float, metavar="T", help="nearest output [the last]")
    parser.add_argument(
        "--form", default="binary 8", help="of .ovf: text, binary 4 or binary 8 [binary 8]"
    )
    line.add_choices(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
