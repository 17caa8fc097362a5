"""Initial states from the outputs of another run."""

from pathlib import Path

import h5py
import numpy as np

from spinhydro.errors import InputError, nearest, unknown_name_message

#: Largest difference of grid points, in spacings, that counts as the same grid.
SAME_GRID = 1e-6


def start_from(run, *fields, time=None):
    """Fill fields with the outputs of the same names of another run.

    Parameters
    ----------
    run : str or Path
        A run folder, ``runs/laser_grating/0001``. Its outputs must hold every field under its
        name, on the same grid. Grid values are taken as they were written: a run that continues
        from them is the same to rounding if its basis represents all grid values
        (``spinhydro.RealFourierNyquist``) and its scheme is one-step.
    *fields : Dedalus fields
    time : float, optional
        Time of the output, the nearest is taken; by default the last.

    Returns
    -------
    float
        The time of that output: assign it to ``t["g"]`` to continue from there.

    Raises
    ------
    InputError
        If there is no such run, output or time, or if its grid differs.

    Examples
    --------
    >>> t["g"] = spinhydro.start_from("runs/laser_grating/0001", m, theta_e, theta_p)
    """
    files = _files(run)
    times = []
    for path in files:
        with _opened(path) as file:
            times += [(float(t), path, i) for i, t in enumerate(file["scales/sim_time"][:])]
    if not times:
        raise InputError(f"start = {run}: this run has written no output yet")
    found, path, index = times[-1]
    if time is not None:
        first, last = times[0][0], times[-1][0]
        found, path, index = min(times, key=lambda entry: abs(entry[0] - time))
        gap = (last - first) / max(len(times) - 1, 1)
        if not abs(found - time) <= gap:
            raise InputError(
                f"start = {run}: its outputs go from t = {first:g} to {last:g}, and t = {time:g} "
                "is not among them"
            )
    with _opened(path) as file:
        for field in fields:
            _fill(field, file["tasks"], index, run)
    return found


def _files(run):
    folder = Path(str(run))
    if not folder.is_dir():
        runs = [str(p.parent) for p in folder.parent.glob("*/run.json")]
        close = nearest(str(folder), runs)
        raise InputError(
            f"start = {run}: there is no such run folder; "
            + (f"did you mean '{close}'?" if close else "`spinhydro list` shows the runs")
        )
    files = sorted(
        (folder / "fields").glob("fields_s*.h5"), key=lambda p: int(p.stem.rsplit("_s", 1)[1])
    )
    if not files:
        raise InputError(f"start = {run}: this folder has no fields/fields_s1.h5; is it a run?")
    return files


def _opened(path):
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _fill(field, tasks, index, run):
    if field.name not in tasks:
        message = unknown_name_message("output", field.name, sorted(tasks))
        raise InputError(f"start = {run} has {message}; the field {field.name} starts from it")
    stored = tasks[field.name]
    layout, domain = field.dist.grid_layout, field.domain
    components = tuple(system.dim for system in field.tensorsig)
    shape = (*components, *layout.global_shape(domain, 1))
    members = getattr(field.dist, "member_axis", None)
    slices = (*[slice(None)] * len(components), *layout.slices(domain, 1))
    if stored.shape[1:] != shape and members is not None:
        # A run without members starts every member.
        alone = shape[: len(components)] + shape[len(components) + 1 :]
        if stored.shape[1:] == alone:
            local = slices[: len(components)] + slices[len(components) + 1 :]
            values = np.expand_dims(stored[index][local], len(components))
            field.preset_scales(1)
            field["g"] = np.broadcast_to(values, field["g"].shape)
            return
    if stored.shape[1:] != shape:
        raise InputError(
            f"start = {run}: its {field.name} has the shape {stored.shape[1:]} (components, "
            f"grid), and here it has {shape}: take the same numbers of grid points"
        )
    _check_grid(field, stored, len(components), run)
    field.preset_scales(1)
    field["g"] = stored[index][slices]


def _check_grid(field, stored, rank, run):
    """Raise InputError unless the grid points agree along every axis of space."""
    for axis, basis in enumerate(field.domain.full_bases):
        if basis is None or axis == getattr(field.dist, "member_axis", None):
            continue
        scales = stored.dims[1 + rank + axis]
        if not len(scales):
            continue
        theirs, ours = scales[0][:], basis.global_grid(field.dist, 1).ravel()
        spacing = abs(ours[1] - ours[0])
        if np.abs(theirs - ours).max() > SAME_GRID * spacing:
            raise InputError(
                f"start = {run}: its grid goes from {theirs[0]:g} to {theirs[-1]:g}, and here it "
                f"goes from {ours[0]:g} to {ours[-1]:g}: take the same box"
            )
