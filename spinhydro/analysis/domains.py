r"""Domains and structure factor of a scalar field on a periodic grid.

A domain is a connected region of one sign of the field (of |value| > h with a threshold h).

.. math:: S(k) = \langle |Z_k|^2 \rangle N, \qquad Z_k = \frac{1}{N} \sum_x Z(x)\, e^{-ikx}

with N points; the mean of S over all modes is the mean of Z² (Parseval).
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .complex_outputs import as_real
from .magnets import has_spins, scalar, space_axes, spacing, spins


def domains(ds, output=None, threshold=0.0, index=-1, member=0):
    """Return the domains of a field at one output: Dataset (domain) `sign` and `size`.

    Parameters
    ----------
    ds : Dataset
    output : str, optional
        A real scalar along one to three axes; default: Z, or m_z of spins.
    threshold : float
        Only points with |value| > threshold belong to a domain.
    index, member : int

    Returns
    -------
    Dataset, largest domain first; size in length, area or volume of the grid.  Neighbours are
    points that differ by one step along one axis, around the ends of the periodic box too.

    Raises
    ------
    InputError
        No such output, or a complex one.
    """
    field, axes = _field(ds, output)
    values = field.isel(t=index, member=member).transpose(*axes).values
    cell = float(np.prod([spacing(ds, axis) for axis in axes]))
    signs, sizes = [], []
    for sign in (1, -1):
        count = _periodic_sizes(sign * values > threshold)
        sizes += list(count * cell)
        signs += [sign] * len(count)
    order = np.argsort(sizes)[::-1]
    return xr.Dataset(
        {
            "sign": ("domain", np.array(signs, dtype=int)[order]),
            "size": ("domain", np.array(sizes, dtype=float)[order]),
        }
    )


def domain_number(ds, output=None, threshold=0.0):
    """Return the number of domains of both signs against time, (t, member)."""
    field, axes = _field(ds, output)
    values = field.transpose("t", "member", *axes).values
    number = np.zeros(values.shape[:2], dtype=int)
    for place in np.ndindex(number.shape):
        number[place] = sum(len(_periodic_sizes(s * values[place] > threshold)) for s in (1, -1))
    return xr.DataArray(number, dims=("t", "member"), coords={"t": ds.t}, name="domain_number")


def structure_factor(ds, output=None, index=-1, bins=None):
    """Return S(|k|) of a field at one output, averaged over directions and members.

    Parameters
    ----------
    ds, output, index : see `domains`
    bins : int, optional
        Number of shells of |k|; default: one for each wave of the shortest axis.

    Returns
    -------
    Dataset (k): `S`, `modes` (number in the shell); attribute `length` = 2π Σ S / Σ k S without
    k = 0, the typical wavelength.
    """
    field, axes = _field(ds, output)
    values = field.isel(t=index).transpose("member", *axes).values
    points = int(np.prod(values.shape[1:]))
    power = np.abs(np.fft.fftn(values, axes=range(1, values.ndim))) ** 2 / points
    power = power.mean(axis=0)
    k = [2 * np.pi * np.fft.fftfreq(ds.sizes[axis], spacing(ds, axis)) for axis in axes]
    size = np.sqrt(sum(np.square(one) for one in np.meshgrid(*k, indexing="ij")))
    step = max(2 * np.pi / (ds.sizes[axis] * spacing(ds, axis)) for axis in axes)
    count = bins or min(ds.sizes[axis] for axis in axes) // 2
    shell = np.rint(size / step).astype(int).ravel()
    inside = shell <= count
    modes = np.bincount(shell[inside], minlength=count + 1)
    total = np.bincount(shell[inside], weights=power.ravel()[inside], minlength=count + 1)
    S = np.divide(total, modes, out=np.full(count + 1, np.nan), where=modes > 0)
    shells = step * np.arange(count + 1)
    length = 2 * np.pi * np.nansum(S[1:] * modes[1:]) / np.nansum(shells[1:] * S[1:] * modes[1:])
    return xr.Dataset(
        {"S": ("k", S), "modes": ("k", modes)},
        coords={"k": shells},
        attrs={"length": float(length)},
    )


def domains_at_onset(ds, output=None, share=0.1):
    """Return the domains of every member when the mean square of the field first reaches a share.

    Growth out of noise ends and domains exist about then, whatever the noise was: members of
    different quench times are compared at this time.

    Parameters
    ----------
    ds, output : see `domains`
    share : float
        Of the mean square of the field, above that of the initial noise.

    Returns
    -------
    Dataset (member)
        `time`, `number` of domains of both signs, and `length`, the typical wavelength of the
        structure factor; NaN for members that do not get there.

    Raises
    ------
    InputError
        No member reaches the share.
    """
    field, axes = _field(ds, output)
    reached = (field**2).mean(axes).transpose("t", "member").values >= share
    members = reached.shape[1]
    found = {name: np.full(members, np.nan) for name in ("time", "number", "length")}
    for member in np.flatnonzero(reached.any(axis=0)):
        index, one = int(np.argmax(reached[:, member])), ds.isel(member=[member])
        values = field.isel(t=index, member=member).transpose(*axes).values
        found["time"][member] = ds.t.values[index]
        found["number"][member] = sum(len(_periodic_sizes(s * values > 0)) for s in (1, -1))
        found["length"][member] = structure_factor(one, output, index).attrs["length"]
    if not reached.any():
        raise InputError(
            f"domains: the mean square of {output or field.name} stays below {share:g}; run longer"
        )
    return xr.Dataset({name: ("member", values) for name, values in found.items()})


def _field(ds, output):
    if output is None and "Z" not in ds and has_spins(ds):
        field = spins(ds).isel(spin=2, drop=True)
    else:
        field = as_real(scalar(ds, output or "Z"))
    axes = space_axes(field)
    if not axes or np.iscomplexobj(field.values):
        raise InputError(
            f"domains: {output or field.name} must be real and run along one axis of space or more"
        )
    return field, axes


def _periodic_sizes(mask):
    """Numbers of points of the connected regions of a mask on a periodic grid."""
    from scipy.ndimage import label

    regions, count = label(mask)
    parent = np.arange(count + 1)

    def root(one):
        while parent[one] != one:
            one = parent[one]
        return one

    for axis in range(mask.ndim):
        first, last = np.take(regions, 0, axis), np.take(regions, -1, axis)
        for one, other in {*zip(first.ravel().tolist(), last.ravel().tolist(), strict=True)}:
            if one and other:
                parent[root(one)] = root(other)
    roots = np.array([root(one) for one in range(count + 1)])
    sizes = np.bincount(roots[regions].ravel(), minlength=count + 1)
    return sizes[1:][sizes[1:] > 0]
