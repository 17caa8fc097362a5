"""Save runs as netCDF, and read them back, in one call each."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import xarray as xr

from spinhydro.errors import InputError, refuse_existing

#: Suffixes of the two real variables that represent a complex one.
PARTS = ("_real", "_imag")
#: Attribute that marks them, and one that keeps an original name.
COMPLEX, NAME = "part_of_complex", "original_name"
GREEK = {chr(code): unicodedata.name(chr(code)).split()[-1].lower() for code in range(0x3B1, 0x3CA)}
# Attributes of these names would replace those of SciPy's own file object.
_TAKEN = frozenset(
    "dimensions variables fp filename mode use_mmap maskandscale version_byte close flush sync "
    "createDimension createVariable".split()
)
# netCDF-3, written by scipy, has no larger integers.
_LARGEST_INTEGER = 2**31 - 1


def save_netcdf(ds, path):
    """Save a dataset of `load` as netCDF, for any outputs and parameters.

    Complex variables become two, NAME_real and NAME_imag; names in Greek letters are spelled out
    (α is alpha); a parameter called dimensions becomes ``dimensions_``, as SciPy's files have that
    name; integers that netCDF-3 cannot hold become floats, and attributes that it cannot hold
    become text.  `open_netcdf` undoes the first three, Greek letters for variables alone.

    Parameters
    ----------
    ds : Dataset
    path : path-like, must not exist

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The file exists, or cannot be written.
    """
    path = Path(path)
    refuse_existing(path)
    try:
        _plain(ds).to_netcdf(path)
    except (OSError, ValueError, TypeError) as error:
        path.unlink(missing_ok=True)
        raise InputError(f"cannot save {path}: {error}") from error
    return path


def open_netcdf(path):
    """Read a file of `save_netcdf`; complex variables and their names are restored."""
    try:
        with xr.open_dataset(path) as file:
            ds = file.load()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    for name in _TAKEN & {str(key).removesuffix("_") for key in ds.attrs} - ds.attrs.keys():
        ds.attrs[name] = ds.attrs.pop(f"{name}_")
    first = [str(name) for name in ds.data_vars if COMPLEX in ds[name].attrs]
    for name in [one for one in first if one.endswith(PARTS[0])]:
        base = name.removesuffix(PARTS[0])
        real, imag = ds[name], ds[base + PARTS[1]]
        attrs = {key: value for key, value in real.attrs.items() if key != COMPLEX}
        ds = ds.drop_vars([name, base + PARTS[1]])
        ds[base] = (real.dims, real.values + 1j * imag.values, attrs)
    names = [str(name) for name in ds.variables if NAME in ds[name].attrs]
    return ds.rename({name: ds[name].attrs.pop(NAME) for name in names})


def _plain(ds):
    out = xr.Dataset(attrs=_plain_attributes(ds.attrs))
    for name, variable in ds.variables.items():
        plain, attrs = _ascii(str(name)), _plain_attributes(variable.attrs)
        dims = [_ascii(str(dim)) for dim in variable.dims]
        if plain != str(name):
            attrs[NAME] = str(name)
        parts, values = {plain: variable.values}, variable.values
        if np.iscomplexobj(values):
            attrs[COMPLEX] = 1
            parts = {plain + PARTS[0]: values.real, plain + PARTS[1]: values.imag}
        for part, data in parts.items():
            one = xr.Variable(dims, _storable(data), attrs)
            out = out.assign_coords({part: one}) if name in ds.coords else out.assign({part: one})
    return out


def _storable(values):
    if values.dtype.kind in "iu" and values.size and np.abs(values).max() > _LARGEST_INTEGER:
        return values.astype(float)
    return values


def _plain_attributes(attrs):
    plain = {}
    for name, value in attrs.items():
        if isinstance(value, (bool, np.bool_)):
            value = int(value)
        if isinstance(value, (int, np.integer)) and abs(int(value)) > _LARGEST_INTEGER:
            value = float(value)
        if not isinstance(value, (str, int, float, np.ndarray, np.number)):
            value = str(value)
        name = _ascii(str(name))
        plain[f"{name}_" if name in _TAKEN else name] = value
    return plain


def _ascii(name):
    """A name of ASCII letters: Greek letters spelled out, other signs as _."""
    spelled = "".join(GREEK.get(c, GREEK.get(c.lower(), c)) for c in name)
    spelled = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    spelled = re.sub(r"\W", "_", spelled) or "_"
    return spelled if spelled[0].isalpha() or spelled[0] == "_" else f"_{spelled}"
