r"""Exchange and anisotropy energy of a spin run, mean magnetization, and errors between models.

Lattice and spectral definitions, per site and in units of the exchange constant J:

.. math:: \frac{E_{ex}}{N J} = \frac{1}{2N} \sum_i |m_{i+1} - m_i|^2, \qquad
          \frac{E_{ex}}{N J} = \frac{1}{2} \sum_k \frac{\omega(k)}{\omega_J} |\hat m_k|^2, \quad
          \omega_J = \omega_M (\lambda/a)^2

(m̂_k is the transform divided by the number of points).  They are the same for the chain law on
cells of the lattice constant.  The raw sum (1/N) Σ m_i·m_{i+1} is what paper B compares: its
ground state, one per site, is not subtracted, and relative errors in it look five to ten times
smaller.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .magnets import magnet, scalar, space_axes, spacing, spins
from .sampling import at_times

MEANS = ("mz_mean", "m_z_mean", "mean_mz")


def exchange_energy(ds, output="m", definition="lattice", law=None):
    """Exchange energy per site over J, (t, member).

    Parameters
    ----------
    ds : Dataset with spins on a periodic grid of any dimension
    definition : {"lattice", "spectral"}
        "lattice" counts differences between grid neighbours along every axis, each pair once.
    law : callable, optional
        Of |k| in rad/length for the spectral definition, rad/time; default: the law of the run.

    Raises
    ------
    InputError
        No spins; for "spectral" a grid that is not uniform, or a run that does not state its
        material.
    """
    m = spins(ds, output)
    axes = _axes(m)
    if definition == "lattice":
        total = 0
        for axis in axes:
            step = np.roll(m.values, -1, m.dims.index(axis)) - m.values
            total = total + np.sum(step**2, axis=2)
        energy = total.mean(axis=tuple(range(2, total.ndim))) / 2
    elif definition == "spectral":
        material = magnet(ds)
        law = law or material.exchange
        scale = material.omega_M * (material.lambda_ex / material.a) ** 2
        waves = [2 * np.pi * np.fft.fftfreq(m.sizes[axis], spacing(ds, axis)) for axis in axes]
        k = np.sqrt(sum(one**2 for one in np.meshgrid(*waves, indexing="ij")))
        space = tuple(range(3, m.values.ndim))
        power = np.abs(np.fft.fftn(m.values, axes=space) / k.size) ** 2
        energy = np.sum(power * law(k), axis=(2, *space)) / (2 * scale)
    else:
        raise InputError(f"no definition {definition!r} of the exchange energy; lattice, spectral")
    return xr.DataArray(energy, dims=("t", "member"), coords={"t": ds.t}, name="E_exchange")


def neighbour_sum(ds, output="m"):
    """(1/N) Σ m_i·m_{i+1} over grid neighbours along every axis, (t, member)."""
    m = spins(ds, output)
    total = sum(
        np.sum(m.values * np.roll(m.values, -1, m.dims.index(axis)), axis=2) for axis in _axes(m)
    )
    return xr.DataArray(
        total.mean(axis=tuple(range(2, total.ndim))), dims=("t", "member"), coords={"t": ds.t}
    )


def anisotropy_energy(ds, output="m"):
    """Mean of 1 - m_z² per site, (t, member): the energy above the easy axis over d_z."""
    m_z = spins(ds, output).isel(spin=2)
    return (1 - m_z**2).mean(space_axes(m_z)).drop_vars("spin", errors="ignore")


def mean_magnetization(ds, output="m"):
    """⟨m_z⟩ over space, (t, member): of the spins, or a scalar output mz_mean of the run."""
    if output not in ds and "," not in output:
        for name in MEANS:
            if name in ds:
                return scalar(ds, name)
    m_z = spins(ds, output).isel(spin=2, drop=True)
    return m_z.mean(space_axes(m_z))


def energy_errors(ds, reference, output="m"):
    """Relative differences in energy of a run from a reference run, in percent.

    Parameters
    ----------
    ds, reference : Datasets of the same initial state
        Compared at the outputs of the reference within the record of `ds`; between outputs the
        energy of `ds` comes from a spline.

    Returns
    -------
    Dataset (t, member): `P_ex` = 100 |E - E_ref|/E_ref with E_ex as above, `P_raw` the same with
    the raw sum of m_i·m_{i+1}.

    Raises
    ------
    InputError
        The runs differ in members or at t = 0, or have no time in common.
    """
    out = {}
    for name, energy in (("P_ex", exchange_energy), ("P_raw", neighbour_sum)):
        mine, theirs = energy(ds, output), energy(reference, output)
        if mine.sizes["member"] != theirs.sizes["member"]:
            raise InputError(
                f"the runs have {mine.sizes['member']} and {theirs.sizes['member']} members; "
                "give runs of the same ensemble"
            )
        times = theirs.t.values
        slack = 1e-6 * max(np.ptp(times), 1e-300)
        common = (times >= mine.t.values[0] - slack) & (times <= mine.t.values[-1] + slack)
        times = times[common]
        if len(times) < 2:
            raise InputError("the two runs have fewer than two times in common")
        here = at_times(mine.values, mine.t.values, np.clip(times, *mine.t.values[[0, -1]]))
        there = theirs.values[common]
        if name == "P_ex" and np.any(np.abs(here[0] - there[0]) > 1e-6 * np.abs(there[0]) + 1e-12):
            raise InputError(
                f"the runs do not start alike: E_ex/NJ = {here[0, 0]:.6g} and {there[0, 0]:.6g}. "
                "Run all models with the same seed, pulses and r_max"
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            out[name] = (("t", "member"), 100 * np.abs(here - there) / np.abs(there))
    return xr.Dataset(out, coords={"t": times})


def largest_error(errors, name="P_ex"):
    """(time, percent) of the largest entry of `energy_errors`, each the mean over members."""
    times, percents = largest_errors(errors, name)
    return float(times.mean()), float(percents.mean())


def largest_errors(errors, name="P_ex"):
    """Times and percents of the largest entry of `energy_errors` for every member, two arrays."""
    series = errors[name].values
    places = np.nanargmax(series, axis=0)
    return errors.t.values[places], np.take_along_axis(series, places[None], axis=0)[0]


def error_report(runs, output="m"):
    """Lines: the largest energy errors of every run against the first, with their spread.

    The mean over members and one standard deviation of a single member.
    """
    lines = []
    unit = runs[0].t.attrs.get("units", "")
    for run in runs[1:]:
        errors = energy_errors(run, runs[0], output)
        for name, what in (("P_ex", "E_ex"), ("P_raw", "the raw sum")):
            times, percents = largest_errors(errors, name)
            spread = f" +- {percents.std(ddof=1):.2f}" if len(percents) > 1 else ""
            lines.append(
                f"{run.attrs.get('kernel', 'run')} against {runs[0].attrs.get('kernel', 'run')}: "
                f"largest error of {what} {percents.mean():.4g}{spread} % "
                f"at {times.mean():.3g} {unit} ({len(percents)} "
                f"member{'s' * (len(percents) > 1)})"
            )
    return lines


def _axes(m):
    axes = space_axes(m)
    if not axes:
        raise InputError("the exchange energy needs spins along at least one axis of space")
    return axes
