"""Profiles and maps from files, interpolated onto the grid of a field."""

from pathlib import Path

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from spinhydro.dedalus_support.domain import local_part
from spinhydro.errors import InputError
from spinhydro.kernels.text_tables import read_columns


def profile(source, field, unit=1.0, lengths=None, name=None):
    """Values of a file on the grid of a field, for ``field["g"]``.

    Parameters
    ----------
    source : str, Path or array
        ``.npy``: an array over the whole box; ``.csv`` or ``.txt``: columns of positions and one
        of values, which fill a grid; ``.nc``: a variable of a netCDF file with its coordinates;
        ``.ovf``, ``.omf``: a file of OOMMF, mumax3 or discretisedfield over the whole box;
        ``.png``, ``.jpg`` …: an image, 0 black to 1 white, its first row at the largest y. An
        array is taken as from a ``.npy`` file.
    field : Dedalus field
        A scalar; a vector takes an array with its components first.
    unit : float
        Multiplies the values: ``unit=J/metre**3``.
    lengths : float, optional
        Unit of the positions in a ``.csv``, ``.txt`` or ``.nc`` file: ``lengths=um``. 1 by default.
    name : str, optional
        Variable of a netCDF file; the only one by default.

    Returns
    -------
    array
        This rank's part. An array of the grid's own size is taken point by point; other arrays and
        images without positions cover the whole box and are interpolated linearly, periodically,
        between the centres of their cells.

    Raises
    ------
    InputError
        For a file that cannot be read, or that has another number of dimensions than the field; for
        an OVF file whose box has other proportions.
    """
    members = getattr(field.dist, "member_axis", None)
    bases = [basis for axis, basis in enumerate(field.domain.bases) if axis != members]
    grids = [basis.global_grid(field.dist, scale=1).ravel() for basis in bases]
    bounds = [basis.bounds for basis in bases]
    values, axes = _read(source, name, bounds, [basis.coord.name for basis in bases])
    leading = values.ndim - len(bases)
    if leading != len(field.tensorsig):
        raise InputError(
            f"{_label(source)} has {values.ndim} dimension{'s' * (values.ndim != 1)}; "
            f"{field.name or 'the field'} has {len(bases)} of space and {len(field.tensorsig)} of "
            "components"
        )
    if not np.issubdtype(values.dtype, np.number) or not np.all(np.isfinite(values)):
        raise InputError(f"{_label(source)} holds values that are not finite numbers")
    if np.iscomplexobj(values) and not np.issubdtype(field.dtype, np.complexfloating):
        raise InputError(f"{_label(source)} holds complex values; {field.name} is a real field")
    if axes is None:
        sizes = values.shape[leading:]
        axes = [
            lower + (np.arange(n) + 0.5) / n * (upper - lower)
            for n, (lower, upper) in zip(sizes, bounds, strict=True)
        ]
        if tuple(sizes) == tuple(len(g) for g in grids):
            return local_part(unit * values, field)
        values, axes = _periodic(values, axes, bounds, leading)
    else:
        axes = [np.asarray(axis) * (1 if lengths is None else lengths) for axis in axes]
        for axis, grid, what in zip(axes, grids, "xyz", strict=False):
            step = grid[1] - grid[0]
            if axis.min() > grid.min() + step or axis.max() < grid.max() - step:
                raise InputError(
                    f"{_label(source)} covers {what} = {axis.min():g} to {axis.max():g}, and the "
                    f"box {grid.min():g} to {grid.max():g}: is a unit of length missing (lengths=)?"
                )
    flat = values.reshape(-1, *values.shape[leading:])
    points = np.stack(np.meshgrid(*grids, indexing="ij"), axis=-1)
    found = np.array(
        [
            RegularGridInterpolator(axes, part, bounds_error=False, fill_value=None)(points)
            for part in flat
        ]
    )
    return local_part(unit * found.reshape(*values.shape[:leading], *points.shape[:-1]), field)


def _periodic(values, axes, bounds, leading):
    """One more cell on either side of each axis, from the other end of the box."""
    for i, (lower, upper) in enumerate(bounds):
        axis = leading + i
        first, last = np.take(values, [0], axis), np.take(values, [-1], axis)
        values = np.concatenate([last, values, first], axis)
        length = upper - lower
        axes[i] = np.concatenate([[axes[i][-1] - length], axes[i], [axes[i][0] + length]])
    return values, axes


def _read(source, name, bounds, coordinates):
    """Values, and the positions along each axis where the file has them."""
    if not isinstance(source, (str, Path)):
        return np.asarray(source), None
    path = Path(source)
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False), None
        if path.suffix in (".csv", ".txt", ".dat"):
            return _from_table(path, len(bounds))
        if path.suffix in (".nc", ".h5"):
            return _from_netcdf(path, name, coordinates)
        if path.suffix in (".ovf", ".omf", ".ohf"):
            return _from_ovf(path, bounds), None
        import matplotlib.image

        image = matplotlib.image.imread(path)
        image = image / 255 if image.dtype == np.uint8 else image
        gray = image[..., :3].mean(axis=-1) if image.ndim == 3 else image
        return np.asarray(gray[::-1].T, float), None  # x along the first axis, y upwards
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path} cannot be read as a profile: {error}") from None


def _from_table(path, dimensions):
    """Columns of positions and one of values, in any order of the rows; a heading is left out."""
    table = read_columns(path).T
    if table.shape[1] == 2:
        dimensions = 1
    elif table.shape[1] != dimensions + 1:
        raise InputError(
            f"{path} has {table.shape[1]} columns: a table has a position for each of the "
            f"{dimensions} dimensions and a value"
        )
    axes, places = zip(
        *(np.unique(column, return_inverse=True) for column in table[:, :dimensions].T), strict=True
    )
    shape = tuple(axis.size for axis in axes)
    if np.prod(shape) != len(table) or len(set(zip(*places, strict=True))) != len(table):
        raise InputError(f"{path} has {len(table)} rows, which do not fill a grid of {shape}")
    values = np.empty(shape)
    values[places] = table[:, dimensions]
    return values, list(axes)


def _from_netcdf(path, name, coordinates):
    import xarray

    with xarray.open_dataset(path) as dataset:
        names = list(dataset.data_vars)
        if name is None and len(names) != 1:
            raise InputError(f"{path} has the variables {', '.join(names)}: choose one with name=")
        if name is not None and name not in names:
            raise InputError(f"{path} has no variable '{name}'; it has {', '.join(names)}")
        data = dataset[name or names[0]]
        if set(coordinates) <= set(data.dims):
            # Other tools store y or z first.
            data = data.transpose(..., *coordinates)
        space = data.dims[-len(coordinates) :]
        axes = [data[dim].values for dim in space if dim in data.coords]
        return data.values, axes if len(axes) == len(coordinates) else None


def _from_ovf(path, bounds):
    """Values (components, x, y, z) of a file whose cells cover the box, in any unit of length."""
    from spinhydro.physics.ovf import read_ovf

    data = read_ovf(path, unit="m")
    axes = [axis for axis in "xyz" if axis in data.coords]
    lengths = [float(np.ptp(data[a].values)) * data.sizes[a] / (data.sizes[a] - 1) for a in axes]
    units = [
        (upper - lower) / length
        for length, (lower, upper) in zip(lengths, bounds, strict=False)
    ]  # fmt: skip
    decades = np.log10(units)
    if len(axes) == len(bounds) and np.abs(decades - np.round(decades[0])).max(initial=0) > 1e-4:
        sizes = " x ".join(f"{length:.4g} m" for length in lengths)
        box = " x ".join(f"{upper - lower:.4g}" for lower, upper in bounds)
        raise InputError(
            f"{path} covers {sizes}, and the box of the field {box}: take the same box, or fill a "
            "part of it with read_ovf of spinhydro.physics.ovf"
        )
    return data.values


def _label(source):
    return source if isinstance(source, (str, Path)) else "the array"
