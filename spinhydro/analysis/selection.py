"""One member, one line along x, and the names that the rest of the analysis expects.

`spinhydro.analysis.load` gives a run as it is.  The quantities of paper A are those of one line in
time, so `selected` takes from a run with members one of them (or their mean), from a run in two or
three dimensions a cut along x, and for files of other programs maps their names of outputs and
states the parameters that the file lacks.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError, nearest

from .sampling import unit
from .style import is_tensor


def selected(ds, member=None, cut=None, names=None, parameters=None):
    """A dataset with outputs along t, spin and x only.

    Parameters
    ----------
    ds : Dataset of `load`
    member : int or "mean", optional
        Which entry of the axis `member`, or the mean over it.  Default: the first one.
    cut : {axis: position}, optional
        Where the line along x lies in the other axes: the nearest grid point.  Default: the
        middle of the axis.
    names : {name here: output of the file}, optional
        For example {"Z": "magnetization"}.
    parameters : {name: number}, optional
        Stated in addition to those of the run, or instead of them.

    Returns
    -------
    Dataset.  Its attribute `selection` describes what was chosen ("" if there was nothing to
    choose).  Z, and n from psi_a and psi_b, are added where the run has what they are made of.

    Raises
    ------
    InputError
        No such member, axis or output; or a choice where there is nothing to choose from.
    """
    texts = []
    ds = with_names(ds, names or {})
    if parameters:
        ds = ds.assign_attrs(parameters)
    ds = with_derived(ds)
    if "member" in ds.dims:
        ds, text = _one_member(ds, member)
        texts.append(text)
    elif member is not None:
        raise InputError(f"member {member}: this run has no members; leave the choice out")
    ds, cuts = _line(ds, dict(cut or {}))
    return ds.assign_attrs(selection=", ".join(texts + cuts))


def narrowed(ds, member=None, cut=None):
    """`ds` reduced to a member and to a cut only where one is chosen; see `selected`."""
    text = []
    if member is not None:
        if "member" not in ds.dims:
            raise InputError(f"member {member}: this run has no members; leave the choice out")
        ds, chosen = _one_member(ds, member)
        text.append(chosen)
    if cut:
        ds, chosen = _cut(ds, dict(cut))
        text.extend(chosen)
    return ds.assign_attrs(selection=", ".join(text)) if text else ds


def with_names(ds, names):
    """`ds` with outputs renamed, {name here: name in the file}."""
    for new, old in names.items():
        if old not in ds:
            likely = nearest(old, [str(name) for name in ds.data_vars])
            hint = f"did you mean {likely!r}? " if likely else ""
            raise InputError(
                f"no output {old!r} to be called {new}; {hint}"
                f"This run has {', '.join(map(str, ds.data_vars)) or 'none'}"
            )
        if new != old:
            ds = ds.drop_vars(new, errors="ignore").rename({old: new})
    return ds


def with_derived(ds):
    """`ds` with n, s and v of psi_a, psi_b, and Z of s and n, where they are missing.

    n = |psi_a|² + |psi_b|², s = psi^dagger sigma psi, n v = (hbar/m) Im psi^dagger dx psi (for a
    uniform periodic x as the last axis), Z = s_z/|s|.
    """
    if "psi_a" in ds and "psi_b" in ds:
        ds = _with_hydrodynamics(ds)
    if "Z" not in ds and "s" in ds:
        axis = next((dim for dim in ds.s.dims if is_tensor(dim)), None)
        if axis is not None and ds.sizes[axis] == 3:
            place = ds.s.dims.index(axis)
            directions = unit(np.moveaxis(ds.s.values, place, 1))
            ds["Z"] = (tuple(dim for dim in ds.s.dims if dim != axis), directions[:, 2])
    return ds.assign_attrs({**sound_speeds(ds.attrs), **ds.attrs})


def sound_speeds(parameters):
    """{"c_s", "c"}: speeds of spin and density sound at the peak density, where they are known.

    m c_s² = hbar kappa n0/2 and m c² = (g + g12) n0/2: c = c_s sqrt((g + g12)/(g - g12)).
    """
    found = {
        name: parameters.get(name)
        for name in ("hbar_over_m", "kappa_n0", "g12_over_g")
        if isinstance(parameters.get(name), (int, float)) and np.isfinite(parameters[name])
    }
    product = found.get("hbar_over_m", 0) * found.get("kappa_n0", 0)
    if product <= 0:
        return {}
    speeds = {"c_s": float(np.sqrt(product / 2))}
    share = found.get("g12_over_g", 1.0)
    if 0 <= share < 1:
        speeds["c"] = speeds["c_s"] * float(np.sqrt((1 + share) / (1 - share)))
    return speeds


def _with_hydrodynamics(ds):
    a, b = ds.psi_a, ds.psi_b
    if "n" not in ds:
        ds["n"] = np.abs(a) ** 2 + np.abs(b) ** 2
    if "s" not in ds:
        product = np.conj(a) * b
        parts = [2 * product.real, 2 * product.imag, np.abs(a) ** 2 - np.abs(b) ** 2]
        spins = xr.concat(parts, dim=xr.IndexVariable("spin", ["x", "y", "z"]))
        ds["s"] = spins.transpose("t", "spin", ...)
    if "v" not in ds and a.dims[-1] == "x" and "hbar_over_m" in ds.attrs and ds.sizes["x"] > 2:
        x = ds.x.values
        k = 2j * np.pi * np.fft.fftfreq(len(x), x[1] - x[0])
        flow = sum(
            np.imag(np.conj(psi.values) * np.fft.ifft(k * np.fft.fft(psi.values))) for psi in (a, b)
        )
        density = ds.n.transpose(*a.dims).values
        over_n = density / (density**2 + 1e-12)
        ds["v"] = (a.dims, ds.attrs["hbar_over_m"] * flow * over_n)
    return ds


def _one_member(ds, member):
    size = ds.sizes["member"]
    if member == "mean":
        return ds.mean("member", keep_attrs=True), f"mean of {size} members"
    index = 0 if member is None else member
    if not isinstance(index, int) or not -size <= index < size:
        raise InputError(f"member {member}: the run has {size}; give 0 to {size - 1}, or mean")
    chosen = ds.isel(member=index)
    # A parameter with a value for each member is a coordinate along that axis.
    own = {
        str(name): float(variable)
        for name, variable in chosen.variables.items()
        if ds[name].dims == ("member",) and np.issubdtype(variable.dtype, np.number)
    }
    own.pop("member", None)
    chosen = chosen.drop_vars(["member", *own], errors="ignore")
    chosen = chosen.assign_attrs({**own, "member": index % size})
    return chosen, f"member {index % size} of {size}"


def _line(ds, cut):
    """(dataset along x, texts of the cuts): every other axis is cut, in the middle by default."""
    axes = _cut_axes(ds)
    _check_cut(axes, cut)
    middle = {axis: ds[axis].values[ds.sizes[axis] // 2] for axis in axes}
    ds, texts = _cut(ds, {**middle, **cut})
    return _x_components(ds, bool(axes)), texts


def _cut(ds, cut):
    """(dataset, texts): each axis of `cut` reduced to the grid point nearest to its position."""
    texts = []
    _check_cut(_cut_axes(ds), cut)
    for axis, wanted in cut.items():
        grid = ds[axis].values
        if not grid.min() <= wanted <= grid.max():
            raise InputError(
                f"cut {axis} = {wanted:g} is outside the grid, {grid.min():g} to {grid.max():g}"
            )
        index = int(np.argmin(np.abs(grid - wanted)))
        ds = ds.isel({axis: index}, drop=True)
        texts.append(f"{axis} = {grid[index]:.4g}")
    return ds, texts


def _cut_axes(ds):
    return [
        str(dim)
        for dim in ds.dims
        if dim in ("y", "z") or (str(dim).split("_")[0] in ("y", "z") and dim in ds.coords)
    ]


def _check_cut(axes, cut):
    for axis, position in cut.items():
        if axis not in axes:
            offer = f"it has {', '.join(axes)}" if axes else "it runs along x only"
            raise InputError(f"cut {axis} = {position}: this run has no such axis; {offer}")


def _x_components(ds, was_cut):
    """Keep only the x component of the velocity along a cut."""
    if was_cut and "v" in ds and ds.v.ndim == 3:
        axis = next(dim for dim in ds.v.dims if dim not in ("t", "x"))
        ds["v"] = ds.v.isel({axis: 0}, drop=True)
    return ds
