"""The result of a fit as arrays, tables, or pictures of fields, data, model and residuals."""

import csv
from pathlib import Path

import numpy as np

#: Endings of the names of results and figures.
ENDINGS = (".npz", ".nc", ".csv", ".png", ".pdf", ".svg")


def save(found, data, path):
    """Write a `Fit` by the ending of the name.

    ``.npz`` and ``.nc`` (netCDF) hold everything. ``.csv`` holds the fields, one row for each
    point, with columns NAME, NAME_prior, NAME_error and, of differences from their average,
    NAME_error_about_average; without fields the parameters. Figures show the fields with their
    bands, and the first output against its first axis and time.

    Parameters
    ----------
    found : Fit
    data : Data
        That was fitted.
    path : path-like, must not exist
    """
    write = {".npz": _save_arrays, ".nc": _save_netcdf, ".csv": _save_table}
    write.get(Path(path).suffix, _draw)(found, data, Path(path))


def field_columns(estimate):
    """``{column: array (*points)}`` of a field; components and parts of complex values apart."""
    columns = {}
    for component in range(len(estimate.values)):
        name = f"{estimate.name}{component}" if len(estimate.values) > 1 else estimate.name
        for column, values in (
            (name, estimate.values[component]), (f"{name}_prior", estimate.prior_mean[component]),
        ):  # fmt: skip
            if np.iscomplexobj(values):
                columns |= {f"{column}_real": values.real, f"{column}_imag": values.imag}
            else:
                columns[column] = values
        columns[f"{name}_error"] = estimate.errors[component]
        columns[f"{name}_error_about_average"] = estimate.errors_about_average[component]
    return columns


def _save_arrays(found, data, path):
    arrays = {"samples": found.posterior.samples} if found.posterior else {}
    for estimate in found.fields.values():
        arrays |= {f"{estimate.name}_{axis}": points for axis, points in estimate.axes.items()}
        arrays |= field_columns(estimate)
    np.savez(
        path, names=found.names, estimates=found.estimates, errors=found.errors,
        covariance=found.covariance, chi_squared=found.chi_squared, noise=found.noise,
        model=found.model, data=found.data, residuals=found.residuals, **found.nuisance, **arrays,
    )  # fmt: skip


def _save_netcdf(found, data, path):
    import xarray as xr

    from spinhydro.analysis import save_netcdf

    variables = {
        name: (["frame"], values) for name, values in found.nuisance.items()
    }  # fmt: skip
    coordinates = {}
    for estimate in found.fields.values():
        # Kernels and fields, and fields on other axes, have other points.
        axes = [f"{axis}_of_{estimate.name}" for axis in estimate.axes]
        coordinates |= dict(zip(axes, estimate.axes.values(), strict=True))
        for name, values in field_columns(estimate).items():
            variables[name] = (axes, values)
    coordinates |= data.axes
    for number, name in enumerate(data.values):
        for kind, values in (
            ("data", found.data), ("model", found.model), ("residuals", found.residuals),
        ):  # fmt: skip
            variables[f"{name}_{kind}"] = (list(data.axes), values[number])
    attributes = {"chi_squared": found.chi_squared, "noise": found.noise}
    for name, value, error in zip(found.names, found.estimates, found.errors, strict=True):
        attributes |= {name: float(value), f"{name}_error": float(error)}
    if found.names:
        variables["covariance"] = (["row", "column"], found.covariance)
    if found.posterior:
        variables["samples"] = (["sample", "parameter"], found.posterior.samples)
    save_netcdf(xr.Dataset(variables, coordinates, attributes), path)


def _save_table(found, data, path):
    columns = {}
    for estimate in found.fields.values():
        grid = np.meshgrid(*estimate.axes.values(), indexing="ij")
        columns |= dict(zip(estimate.axes, grid, strict=True)) | field_columns(estimate)
    rows = zip(*(np.ravel(values) for values in columns.values()), strict=True)
    if not columns:
        columns = ["name", "estimate", "error"]
        rows = zip(found.names, found.estimates, found.errors, strict=True)
    with path.open("x", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(rows)


def _draw(found, data, path):
    from matplotlib.figure import Figure

    from spinhydro.analysis.style import house_style

    with house_style():
        rows = 1 + len(found.fields)
        figure = Figure(figsize=(8, 2.8 * rows), layout="constrained")
        parts = np.atleast_1d(figure.subfigures(rows, 1))
        for part, estimate in zip(parts, found.fields.values(), strict=False):
            _draw_field(part, estimate)
        _draw_frames(parts[-1], found, data)
        figure.savefig(path)


def _draw_field(figure, estimate):
    """Values with their band and the prior; in more dimensions values and band as maps."""
    number = len(estimate.values)
    if estimate.values.ndim > 2:
        panels = figure.subplots(1, 2 * number, squeeze=False)[0]
        is_level = estimate.level_is_unclear
        errors = estimate.errors_about_average if is_level else estimate.errors
        title_of_band = "68 % band, but for the average" if is_level else "68 % band"
        for component in range(number):
            for panel, title, values in (
                (panels[2 * component], estimate.name, np.real(estimate.values[component])),
                (panels[2 * component + 1], title_of_band, errors[component]),
            ):
                _map(figure, panel, _first_plane(values).T, *list(estimate.axes.items())[:2])
                panel.set_title(title)
        return
    ((axis, points),) = estimate.axes.items()
    for component, panel in enumerate(figure.subplots(1, number, squeeze=False)[0]):
        mean, prior = estimate.values[component].real, estimate.prior_mean[component].real
        error = estimate.errors[component]
        panel.fill_between(
            points, prior - estimate.prior_width, prior + estimate.prior_width, color="0.9",
            linewidth=0, label="prior",
        )  # fmt: skip
        panel.fill_between(
            points, mean - error, mean + error, color="C0", alpha=0.4, linewidth=0, label="68 %"
        )
        about = estimate.errors_about_average
        if estimate.level_is_unclear:
            low, high = mean - about[component], mean + about[component]
            panel.fill_between(
                points, low, high, color="C0", linewidth=0, label="68 %, but for its average"
            )
        panel.plot(points, prior, color="0.6", linewidth=0.6)
        panel.plot(points, mean, color="C0")
        panel.set_xlabel(_with_unit(axis, estimate.unit))
        panel.set_ylabel(f"{estimate.name}[{component}]" if number > 1 else estimate.name)
        panel.legend()


def _draw_frames(figure, found, data):
    """Data, model and residuals of the first output."""
    if list(data.axes) == ["t"]:
        _draw_series(figure, found, data)
        return
    axis = next(name for name in data.axes if name != "t")
    output = next(iter(data.values))
    panels = figure.subplots(1, 3, sharey=True)
    largest = np.nanmax(np.abs(found.data[0]))
    for panel, (title, values, limit) in zip(
        panels,
        (
            (f"{output}, data", found.data[0], largest),
            (f"{output}, model", found.model[0], largest),
            ("(data - model)/noise", found.residuals[0], 4),
        ),
        strict=True,
    ):
        axes = (
            (_with_unit(axis, found.units.get("length")), data.axes[axis]),
            (_with_unit("t", found.units.get("time")), data.axes["t"]),
        )
        _map(figure, panel, _first_plane(values), *axes, limit)
        panel.set_title(title)


def _draw_series(figure, found, data):
    """Averages against the time, and their residuals."""
    above, below = figure.subplots(2, 1, sharex=True)
    times = data.axes["t"]
    for number, name in enumerate(data.values):
        color = f"C{number}"
        above.plot(times, found.data[number], ".", color=color, label=name)
        above.plot(times, found.model[number], "-", color=color, linewidth=0.8)
        below.plot(times, found.residuals[number], ".", color=color)
    above.legend()
    below.set_xlabel(_with_unit("t", found.units.get("time")))
    below.set_ylabel("(data - model)/noise")


def _with_unit(name, unit):
    """Return the label of an axis."""
    return f"{name} ({unit.replace('um', 'µm')})" if unit else name


def _first_plane(values):
    """Values of two axes; others than the first two are shown at their middle."""
    while values.ndim > 2:
        values = values[..., values.shape[-1] // 2]
    return values


def _map(figure, panel, values, across, up, limit=None):
    """An image of values (up, across), each axis a name with its points."""
    low = None if limit is None else -limit
    if limit is not None and np.nanmin(values) >= 0:
        low = 0
    image = panel.pcolormesh(
        across[1], up[1], values, vmin=low, vmax=limit, rasterized=True,
        cmap="RdBu_r" if low is not None and low < 0 else "viridis", shading="nearest",
    )  # fmt: skip
    panel.set_xlabel(across[0])
    panel.set_ylabel(up[0])
    figure.colorbar(image, ax=panel)
