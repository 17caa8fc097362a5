"""The inner front of the fluctuating region: its position and inward speed.

Farolfi et al., Nature Physics 17, 1359 (2021), text below Fig. 3: the edge of the region where the
standard deviation of Z in windows of 5 µm has jumped from a low to a finite value.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .interface import magnetization_map, require

WIDTH = 5.0
THRESHOLDS = (0.15, 0.2, 0.25)
RANGE = (30.0, 110.0)
# Fewer outputs than this within the range of the fit give no speed.
FEWEST = 8


def local_deviation(Z, x, width=WIDTH):
    """Standard deviation of Z about its mean in a moving window.

    sqrt(<Z²> - <Z>²) over the largest odd number of grid points that fit into `width`, at every
    grid point; the array is taken to be periodic.

    Parameters
    ----------
    Z : array, shape (…, N)
    x : array, shape (N,), uniform
    width : float, in the unit of x; at least three grid points.

    Returns
    -------
    array, shape of Z.

    Raises
    ------
    InputError
        The grid is too coarse for the window, or the window is wider than the grid.
    """
    spacing = float(np.mean(np.diff(x)))
    points = int(width / spacing * (1 + 1e-9))
    points -= 1 - points % 2
    if points < 3 or points > len(x):
        raise InputError(
            f"a window of {width:g} holds {max(points, 0)} points of this grid (spacing "
            f"{spacing:.3g}, {len(x)} points); choose one of {3 * spacing:.3g} to "
            f"{len(x) * spacing:.3g}"
        )
    Z = np.asarray(Z, dtype=float)
    return np.sqrt(np.maximum(_moving_mean(Z**2, points) - _moving_mean(Z, points) ** 2, 0))


def _moving_mean(values, points):
    """Mean over an odd number of neighbouring points along the last axis, which is periodic."""
    half = points // 2
    wrapped = np.concatenate([values[..., -half:], values, values[..., :half]], axis=-1)
    # SciPy's filter gives the same, but takes longer to import than most runs to average.
    return np.apply_along_axis(np.convolve, -1, wrapped, np.full(points, 1 / points), "valid")


@dataclass(frozen=True)
class Front:
    """Straight line fitted to the front, x_f = ``intercept`` - ``speed`` t, mean over its fits.

    speed, uncertainty : length per time; mean and standard deviation over sides and thresholds
    sound_speed : c_s = sqrt(hbar kappa n0/2m) of the run; None where it is unknown
    recipe : str, how the front was found
    unit : str, unit of the speeds
    """

    speed: float
    uncertainty: float
    intercept: float
    sound_speed: float | None
    recipe: str
    unit: str = ""

    @property
    def text(self):
        """Speed with its uncertainty, in units of c_s if known."""
        if self.sound_speed is None:
            return f"{self.speed:.3g} ± {self.uncertainty:.1g} {self.unit}".rstrip()
        c_s = self.sound_speed
        return f"{self.speed / c_s:.2f} ± {self.uncertainty / c_s:.2f} c_s"

    def time_at(self, distance):
        """Time at which the line is at `distance` from the middle of the cloud."""
        return (self.intercept - distance) / self.speed


def inward(ds, thresholds=THRESHOLDS, fit_range=RANGE, width=WIDTH):
    """Return the `Front` of a run; arguments and errors as in `inward_front`."""
    found = inward_front(ds, thresholds, width, fit_range)
    units = [ds[axis].attrs.get("units", "") for axis in "xt"]
    return Front(
        speed=found.attrs["speed"],
        uncertainty=found.attrs["uncertainty"],
        intercept=float(np.nanmean(found.intercept)),
        sound_speed=found.attrs.get("sound_speed"),
        recipe=found.attrs["recipe"],
        unit="/".join(units) if all(units) else "",
    )


def inward_front(ds, thresholds=THRESHOLDS, width=WIDTH, fit_range=RANGE, until=None):
    """Position and speed of the front that moves inwards from the interface.

    Recipe: standard deviation of Z in a moving window of `width` (`local_deviation`); on each side
    of the cloud and for each threshold x_f(t) is the innermost |x| at which it exceeds the
    threshold, then its running minimum in time; the speed is minus the slope of a straight line
    through the outputs with x_f inside `fit_range`.  The front accelerates inwards: other
    thresholds and ranges give other speeds, so state them with the result.

    Parameters
    ----------
    ds : Dataset with Z (t, x)
    thresholds : sequence of float, each in (0, 1)
    width : float
        Of the window (µm).
    fit_range : (low, high), in the unit of x (µm)
    until : float, optional
        Outputs after this time are left out.

    Returns
    -------
    Dataset: `position` (side, threshold, t), infinite before there is a front; `speed` and
    `intercept` (side, threshold) of the lines x_f = intercept - speed t, NaN where fewer than
    eight outputs lie in the range.  Attributes: `speed`, the mean over sides and thresholds, and
    `uncertainty`, their (population) standard deviation; with the parameters hbar_over_m and
    kappa_n0 also `sound_speed` c_s = sqrt(hbar kappa n0/2m), and `mach` and `mach_uncertainty`,
    both divided by it.

    Raises
    ------
    InputError
        No Z (t, x); an invalid threshold or range; no front inside the range so far.
    """
    require(ds, ["Z"], [], "front")
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=float))
    low, high = fit_range
    if not np.all((thresholds > 0) & (thresholds < 1)):
        raise InputError(f"front: thresholds {thresholds.tolist()} must lie between 0 and 1")
    if not 0 <= low < high:
        raise InputError(f"front: the range {low:g} to {high:g} must be two ascending distances")
    if until is not None:
        ds = ds.isel(t=ds.t.values <= until * (1 + 1e-9))
    t, x = ds.t.values, ds.x.values
    deviation = local_deviation(magnetization_map(ds), x, width)
    position = np.stack(
        [
            np.stack(
                [_innermost(deviation[:, side], np.abs(x[side]), level) for level in thresholds]
            )
            for side in (x < 0, x >= 0)
        ]
    )
    lines = np.full((2, len(thresholds), 2), np.nan)
    for place in np.ndindex(position.shape[:2]):
        inside = (position[place] > low) & (position[place] < high)
        if inside.sum() >= FEWEST:
            lines[place] = np.polyfit(t[inside], position[place][inside], 1)
    if np.all(np.isnan(lines)):
        raise InputError(
            f"front: fewer than {FEWEST} outputs have the front between {low:g} and {high:g}; "
            f"the run ends at t = {t[-1]:.4g}. Resume it, or choose another range"
        )
    dims = ("side", "threshold")
    out = xr.Dataset(
        {
            "position": ((*dims, "t"), position, ds.x.attrs),
            "speed": (dims, -lines[..., 0]),
            "intercept": (dims, lines[..., 1]),
        },
        coords={"side": ["left", "right"], "threshold": thresholds, "t": ds.t},
    )
    speed, spread = np.nanmean(-lines[..., 0]), np.nanstd(-lines[..., 0])
    out.attrs.update(
        speed=float(speed), uncertainty=float(spread), recipe=_recipe(out, width, low, high)
    )
    if {"hbar_over_m", "kappa_n0"} <= ds.attrs.keys():
        sound = float(np.sqrt(ds.attrs["hbar_over_m"] * ds.attrs["kappa_n0"] / 2))
        out.attrs.update(
            sound_speed=sound, mach=float(speed / sound), mach_uncertainty=float(spread / sound)
        )
    return out


def _recipe(out, width, low, high):
    levels = ", ".join(f"{level:g}" for level in out.threshold.values)
    return (
        f"standard deviation of Z over {width:g} above {levels}, innermost on both sides, running "
        f"minimum in time, straight lines over {low:g} < x_f < {high:g}"
    )


def _innermost(deviation, distance, level):
    """Running minimum in time of the smallest distance at which the deviation exceeds level."""
    reached = np.where(deviation > level, distance, np.inf).min(axis=1)
    return np.minimum.accumulate(reached)
