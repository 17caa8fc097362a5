"""Tables beside the outputs of a set file: kernels and small waves."""

import h5py
import numpy as np


def child(group, name):
    """Return the object of a name in a group; None if there is none or the link is external."""
    if not isinstance(group, h5py.Group):
        return None
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    return group.get(name)


def kernels(group):
    """Return {name: (k, omega)} of the scalar kernels in a file."""
    found = {}
    for name in group if isinstance(group, h5py.Group) else ():
        table = child(group, name)
        if isinstance(table, h5py.Dataset) and table.ndim == 2 and len(table) == 2:
            if table.dtype.kind in "iuf" and np.all(np.diff(table[0]) > 0):
                found[name] = (table[0], table[1])
    return found


def waves(group):
    """Return tables of small waves on the initial state (see ``run.linear_waves``), or {}.

    Returns
    -------
    dict
        ``{"note": text}``, or flat arrays and their ``shape``: members, waves, branches, axes.
    """
    if not isinstance(group, h5py.Group):
        return {}
    tables = {name: child(group, name) for name in group}
    tables = {name: one for name, one in tables.items() if isinstance(one, h5py.Dataset)}
    note = tables.get("note")
    if note is not None:
        return {"note": text(note[()])} if note.shape == () else {}
    if not {"k", "step", "rates"} <= tables.keys() or tables["k"].ndim != 2:
        return {}
    waves, axes = tables["k"].shape
    members, branches = tables["rates"].shape[0], tables["rates"].shape[-2:-1]
    if not branches or tables["k"].dtype.kind != "i" or tables["step"].shape != (axes,):
        return {}
    shapes = {"rates": (members, waves, *branches, *branches, 2)}
    found = {"shape": np.array([members, waves, *branches, axes])}
    for name, table in tables.items():
        if name.startswith("output_") and table.ndim == 5 and table.shape[2] in (1, 2, 3, 6):
            shapes[name] = (members, waves, table.shape[2], *branches, 2)
        elif name.startswith("turn_") and table.ndim == 2 and table.shape[1] in (1, 6):
            shapes[name] = (members, table.shape[1])
        if name not in ("k", "step") and table.shape != shapes.get(name):
            return {}
        if table.dtype.kind not in "if":
            return {}
        found[name] = table[()].ravel()
        # Only a turn may be nan: that of an output which the frame does not turn.
        if not name.startswith("turn_") and not np.isfinite(found[name]).all():
            return {}
    return found


def text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
