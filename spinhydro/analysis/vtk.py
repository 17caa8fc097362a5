"""VTK image data (.vti), read by ParaView and PyVista: write outputs of a run, read them."""

import base64
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import xarray as xr

from spinhydro.errors import InputError, refuse_existing, shorten

from .complex_outputs import as_real
from .style import is_tensor

AXES = "xyz"
_TYPES = {"Float64": "<f8", "Float32": "<f4", "Int32": "<i4", "Int64": "<i8"}


def write_vtk(ds, path):
    """Write the outputs of a dataset at one time as VTK image data.

    Parameters
    ----------
    ds : Dataset without time; outputs along x, y, z and at most one axis of components
        Outputs on the grid of the first one are written, complex ones as |value|.
    path : path-like ending in .vti, must not exist

    Returns
    -------
    Path

    Raises
    ------
    InputError
        No output along space, a grid that is not uniform, or a file that exists.
    """
    path = Path(path)
    refuse_existing(path)
    names = [str(name) for name in ds.data_vars if _space(ds[name])]
    names = [name for name in names if set(_space(ds[name])) <= set(AXES)]
    if not names:
        raise InputError("VTK: no output runs along x, y or z at this time")
    space = _space(ds[names[0]])
    names = [name for name in names if _space(ds[name]) == space]
    grid = [_axis(ds, axis) if axis in space else (1, 0.0, 1.0) for axis in AXES]
    sizes, origin, steps = zip(*grid, strict=True)
    extent = " ".join(f"0 {n - 1}" for n in sizes)
    root = ElementTree.Element(
        "VTKFile", type="ImageData", version="1.0", byte_order="LittleEndian", header_type="UInt64"
    )
    image = ElementTree.SubElement(
        root, "ImageData", WholeExtent=extent, Origin=" ".join(map(repr, map(float, origin))),
        Spacing=" ".join(map(repr, map(float, steps))),
    )  # fmt: skip
    points = ElementTree.SubElement(
        ElementTree.SubElement(image, "Piece", Extent=extent), "PointData"
    )
    for name in names:
        values = as_real(ds[name])
        values = np.abs(values) if np.iscomplexobj(values.values) else values
        tensor = [dim for dim in values.dims if is_tensor(dim)]
        order = [axis for axis in AXES[::-1] if axis in space]
        data = np.ascontiguousarray(values.transpose(*order, *tensor).values, "<f8")
        components = int(np.prod([values.sizes[dim] for dim in tensor], dtype=int))
        array = ElementTree.SubElement(
            points, "DataArray", type="Float64", Name=name, NumberOfComponents=str(components),
            format="binary",
        )  # fmt: skip
        array.text = base64.b64encode(
            np.array(data.nbytes, "<u8").tobytes() + data.tobytes()
        ).decode()
    try:
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    return path


def read_vtk(path):
    """Read the image data that `write_vtk` writes (uncompressed, binary or text).

    Returns
    -------
    Dataset with one variable per array, dimensions (component, x, y, z); axes of one point are
    dropped.

    Raises
    ------
    InputError
        The file is damaged or holds another kind of data.
    """
    path = Path(path)
    try:
        root = ElementTree.parse(path).getroot()
        image = root.find("ImageData")
        extent = np.array(image.get("WholeExtent").split(), int)
        origin, steps = (np.array(image.get(n).split(), float) for n in ("Origin", "Spacing"))
        sizes = extent[1::2] - extent[::2] + 1
        arrays = list(image.find("Piece").find("PointData"))
        data = {one.get("Name"): _array(one, sizes, root.get("header_type")) for one in arrays}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except (ElementTree.ParseError, AttributeError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not VTK image data: {shorten(error, 100)}") from None
    coords = {
        axis: origin[i] + steps[i] * np.arange(sizes[i])
        for i, axis in enumerate(AXES)
        if sizes[i] > 1
    }
    single = [axis for axis, n in zip(AXES, sizes, strict=True) if n == 1]
    variables = {}
    for name, values in data.items():
        tensor = [] if values.shape[0] == 1 else ["spin" if values.shape[0] == 3 else "component"]
        values = values if tensor else values[0]
        variables[name] = xr.DataArray(values, dims=[*tensor, *AXES]).squeeze(single)
    return xr.Dataset(variables).assign_coords(coords)


def _array(element, sizes, header):
    dtype = np.dtype(_TYPES[element.get("type")])
    components = int(element.get("NumberOfComponents") or 1)
    if element.get("format") == "ascii":
        values = np.array(element.text.split(), dtype)
    else:
        skip = 8 if header == "UInt64" else 4
        values = np.frombuffer(base64.b64decode(element.text.strip())[skip:], dtype)
    return values.reshape(*sizes[::-1], components).transpose(3, 2, 1, 0)


def _space(variable):
    return [str(dim) for dim in variable.dims if not is_tensor(dim)]


def _axis(ds, axis):
    points = ds[axis].values
    steps = np.diff(points)
    if len(points) > 1 and np.ptp(steps) > 1e-6 * abs(steps.mean()):
        raise InputError(f"VTK: the grid along {axis} is not uniform")
    return len(points), float(points[0]), float(steps.mean()) if len(steps) else 1.0
