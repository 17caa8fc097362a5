"""OVF 2.0, the files of OOMMF and mumax3: write a vector field of a run, read one of any tool."""

from pathlib import Path

import numpy as np
import xarray as xr

from spinhydro.errors import InputError, refuse_existing, shorten

#: Units of length, in metres.
METRES = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "pm": 1e-12}
#: How the names of axes of tensor components begin.
TENSOR_AXES = ("component", "spin")


#: Numbers that mark the byte order in binary files, by the size of a value.
CHECK = {4: 1234567.0, 8: 123456789012345.0}
FORMATS = ("text", "binary 4", "binary 8")
AXES = "xyz"
# A longer header belongs to another kind of file.
LONGEST_HEADER = 500


def write_ovf(field, path, form="binary 8", title=None):
    """Write a scalar or vector field at one time as an OVF 2.0 file.

    Parameters
    ----------
    field : DataArray without time: up to one axis of components, and space axes x, y, z
        Grid points are cell centres; lengths are converted to metres by the unit of x.  An axis
        that the field lacks has one cell of 1 nm (or of the spacing along x).
    path : path-like, must not exist
    form : {"text", "binary 4", "binary 8"}
    title : str, optional

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Complex values, other axes, a grid that is not uniform, or a file that exists.
    """
    path, form = Path(path), str(form)
    if form not in FORMATS:
        raise InputError(f"OVF: no form {form!r}; choose one of {', '.join(FORMATS)}")
    refuse_existing(path)
    values, grid = _cells(field)
    header = _header(field, values.shape, grid, title or str(field.name or "field"))
    name = "Text" if form == "text" else form.capitalize()
    try:
        with path.open("wb") as file:
            file.write(f"{header}# Begin: Data {name}\n".encode())
            if form == "text":
                np.savetxt(file, values.reshape(-1, values.shape[-1]), "%.17g")
            else:
                size = int(form[-1])
                np.array(CHECK[size], f"<f{size}").tofile(file)
                values.astype(f"<f{size}").tofile(file)
                file.write(b"\n")
            file.write(f"# End: Data {name}\n# End: Segment\n".encode())
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    return path


def read_ovf(path, unit="nm"):
    """Read an OVF 1.0 or 2.0 file (text or binary) into a DataArray.

    Parameters
    ----------
    path : path-like
    unit : str
        Unit of the coordinates: nm, um, m.

    Returns
    -------
    DataArray (spin, x, y, z) for three components (x, y, z for one); axes of one cell are dropped.
        Coordinates are cell centres.  Attribute `title`.

    Raises
    ------
    InputError
        The file is damaged or of another kind; the message gives the position.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    if not content.startswith(b"# OOMMF"):
        raise InputError(f"{path} is not an OVF file: it does not begin with '# OOMMF'")
    entries, kind, start = _entries(content, path)
    try:
        nodes = [int(entries[f"{axis}nodes"]) for axis in AXES]
        steps = [float(entries[f"{axis}stepsize"]) for axis in AXES]
        bases = [float(entries[f"{axis}base"]) for axis in AXES]
        dimension = int(entries.get("valuedim", 3))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: the header lacks or garbles {error}") from None
    if min(nodes) < 1 or not 1 <= dimension <= 100 or np.prod(nodes, dtype=float) > 1e10:
        raise InputError(f"{path}: {nodes} cells of {dimension} numbers cannot be")
    count = int(np.prod(nodes)) * dimension
    is_first_version = b"OVF 2" not in content[:80] and b"segment v1" not in content[:80]
    values = _values(content, start, kind, count, path, is_first_version)
    scale = _metres(entries.get("meshunit", "m")) / METRES[unit]
    cells = values.reshape(*nodes[::-1], dimension).transpose(3, 2, 1, 0)
    coords = {
        axis: (axis, (base + step * np.arange(n)) * scale, {"units": unit})
        for axis, base, step, n in zip(AXES, bases, steps, nodes, strict=True)
        if n > 1
    }
    tensor = ["spin"] if dimension == 3 else ["component"]
    if dimension == 3:
        coords["spin"] = list(AXES)
    found = xr.DataArray(cells, dims=[*tensor, *AXES], attrs={"title": entries.get("title", "")})
    single = [axis for axis, n in zip(AXES, nodes, strict=True) if n == 1]
    found = found.squeeze(single + (tensor if dimension == 1 else []))
    return found.assign_coords(coords)


def _cells(field):
    """(values (z, y, x, components), [(first centre, step) in metres per axis])."""
    if np.iscomplexobj(field.values):
        raise InputError(f"OVF: {field.name} is complex; export its parts, as np.abs(field)")
    tensor = [dim for dim in field.dims if dim.startswith(TENSOR_AXES)]
    space = [dim for dim in field.dims if dim not in tensor]
    if len(tensor) > 1 or not space or any(axis not in AXES for axis in space):
        raise InputError(
            f"OVF: {field.name} runs along {', '.join(map(str, field.dims))}; it takes x, y, z and "
            "one axis of components at one time: choose them with isel"
        )
    grid, last = [], None
    for axis in AXES:
        if axis not in space:
            grid.append(None)
            continue
        points = field[axis].values
        steps = np.diff(points)
        if len(points) > 1 and np.ptp(steps) > 1e-6 * abs(steps.mean()):
            raise InputError(f"OVF: the grid along {axis} is not uniform")
        metre = _metres(field[axis].attrs.get("units", "m"))
        last = (metre * points[0], metre * (steps.mean() if len(steps) else 1.0))
        grid.append(last)
    grid = [one or (last[1] / 2, last[1]) for one in grid]
    values = field.transpose(*[a for a in AXES[::-1] if a in space], *tensor).values
    sizes = [field.sizes[axis] if axis in space else 1 for axis in AXES[::-1]]
    return np.asarray(values, dtype=float).reshape(*sizes, -1), grid


def _header(field, shape, grid, title):
    sizes, dimension = shape[2::-1], shape[3]
    labels = "xyz" if dimension == 3 else [str(i) for i in range(dimension)]
    name = "".join(str(field.name or "field").split())
    units = field.attrs.get("units", "1") or "1"
    lines = ["OOMMF OVF 2.0", "", "Segment count: 1", "", "Begin: Segment", "Begin: Header", ""]
    lines += [f"Title: {' '.join(title.split())}", "meshtype: rectangular", "meshunit: m"]
    for axis, (first, step), size in zip(AXES, grid, sizes, strict=True):
        low = first - step / 2
        lines += [
            f"{axis}base: {first:.17g}",
            f"{axis}nodes: {size}",
            f"{axis}stepsize: {step:.17g}",
        ]
        lines += [f"{axis}min: {low:.17g}", f"{axis}max: {low + size * step:.17g}"]
    lines += [f"valuedim: {dimension}"]
    lines += ["valuelabels: " + " ".join(f"{name}_{one}" for one in labels)]
    lines += ["valueunits: " + " ".join([units.replace(" ", "_")] * dimension), "", "End: Header"]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _entries(content, path):
    """({header entry: text}, kind of data, place where the data begin)."""
    entries, place = {}, 0
    for _ in range(LONGEST_HEADER):
        end = content.find(b"\n", place)
        if end < 0:
            break
        line = content[place:end].decode("utf-8", "replace").strip()
        place = end + 1
        name, _, text = line.lstrip("#").strip().partition(":")
        name = name.strip().lower()
        if name == "begin" and text.strip().lower().startswith("data"):
            return entries, text.strip().lower().removeprefix("data").strip(), place
        entries[name] = text.strip()
    raise InputError(f"{path}: no '# Begin: Data' in its header; it is damaged or cut off")


def _values(content, start, kind, count, path, big_endian):
    if kind == "text":
        end = content.find(b"# End: Data", start)
        text = content[start : end if end >= 0 else None]
        try:
            values = np.array(text.split(), dtype=float)
        except ValueError as error:
            raise InputError(f"{path}: {shorten(error, 80)}") from None
    else:
        size = 4 if kind.endswith("4") else 8 if kind.endswith("8") else 0
        if not size:
            raise InputError(f"{path}: unknown kind of data {shorten(kind)!r}")
        dtype = f"{'>' if big_endian else '<'}f{size}"
        block = content[start : start + size * (count + 1)]
        if len(block) < size * (count + 1):
            raise InputError(f"{path} is cut off: {len(block)} of {size * (count + 1)} bytes")
        values = np.frombuffer(block, dtype).astype(float)
        if values[0] != CHECK[size]:
            raise InputError(f"{path}: the check value is {values[0]:g}, not {CHECK[size]:g}")
        values = values[1:]
    if len(values) != count:
        raise InputError(f"{path} holds {len(values)} numbers; its header states {count}")
    return values


def _metres(unit):
    return METRES.get({"µm": "um"}.get(unit, unit), 1.0)
