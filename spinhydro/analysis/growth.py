r"""Growth of small waves on a uniformly tilted state: modulational instability.

With equal azimuths at t = 0 and a small random m_z = n_bar + n, every Fourier amplitude follows

.. math:: n_k(t) = n_k(0) \cosh(\Gamma_k t), \qquad
          \Gamma_k^2 = \omega(k) [(1 - \bar n^2) \omega_K - \omega(k)]

(paper B, Eqs. 3 and 4, with H_k where it prints M_eff).  Beyond the cut-off the square is negative
and cosh becomes the cosine of an oscillation, so the square passes through zero smoothly and the
cut-off is found by interpolation.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError

from .magnets import magnet, spins
from .spectra import wave_amplitudes

# Beyond this deviation (rms over space) waves interact.
LINEAR = 1e-2
# Relative error of an amplitude from the timestep and rounding.
ROUNDING = 1e-6


def growth_rates(ds, output="m", until=None):
    """Growth rates by inverting cosh² of the ensemble average of |n_k|².

    Γ² is fitted to all outputs after the first: r(t) = ⟨|n_k(t)|²⟩/⟨|n_k(0)|²⟩ = cosh²(Γt), or
    cos² where Γ² < 0; ⟨⟩ is the mean over members.

    Parameters
    ----------
    ds : Dataset with the spins (or m_z itself) along one axis, with or without members
    output : str
    until : float, optional
        Outputs after this time are left out.  Default: all while the rms deviation of m_z from its
        mean stays below 0.01.

    Returns
    -------
    Dataset (k > 0): `growth_squared` in (rad/time)², `growth` = its root (0 where it is negative,
    NaN where unknown), `ratio` r at the last time, `misfit` (rms of √r/|cosh Γt| − 1, for
    oscillations of √r − |cos|).  Wavenumbers that oscillate faster than half a turn per output,
    or that had no power at the start, give NaN.  Attributes n_bar, until, members.

    Raises
    ------
    InputError
        Fewer than three outputs while the waves are small; no noise to grow.
    """
    n = wave_amplitudes(ds, output, "z")
    t = np.asarray(ds.t.values - ds.t.values[0], dtype=float)
    mean = n.sel(k=0, method="nearest").values.real
    n = n.isel(k=np.flatnonzero(n.k.values > 0))
    power = np.mean(np.abs(n.values) ** 2, axis=1)
    deviation = np.sqrt(2 * power.sum(axis=1))
    last = _last_linear(t, deviation, until)
    t, power = t[: last + 1], power[: last + 1]
    start = power[0]
    alive = start > 1e-12 * start.max()
    ratio, squared, misfit = (np.full(shape, np.nan) for shape in (power.shape, *[start.shape] * 2))
    ratio[:, alive] = power[:, alive] / start[alive]
    # Waves interact to second order: estimate of the relative change of each one.
    disturbed = 0.1 * deviation[: last + 1, None] ** 2 / np.sqrt(start[alive])
    squared[alive], misfit[alive] = _fit(ratio[:, alive], t, disturbed)
    return xr.Dataset(
        {
            "growth_squared": ("k", squared),
            "growth": ("k", np.sqrt(np.maximum(squared, 0))),
            "ratio": ("k", ratio[-1]),
            "misfit": ("k", misfit),
        },
        coords={"k": n.k.values},
        attrs={"n_bar": float(mean[0].mean()), "until": float(t[-1]), "members": n.sizes["member"]},
    )


def cut_off(rates, points=6):
    """The wavenumber at which growth ends, by a polynomial in k² through the nearest modes.

    Parameters
    ----------
    rates : Dataset of `growth_rates`
    points : int
        Modes in the polynomial, half on either side of the change of sign where there are so many.

    Raises
    ------
    InputError
        Γ² does not change sign in the range of the run.
    """
    k, squared = _known(rates)
    change = np.flatnonzero((squared[:-1] > 0) & (squared[1:] <= 0))
    if not len(change):
        raise InputError(
            "no cut-off: the growth rate does not end within the wavenumbers of this run "
            f"({k.min():.4g} to {k.max():.4g}); a longer chain resolves smaller ones"
        )
    low, high = k[change[0]] ** 2, k[change[0] + 1] ** 2
    chosen = _nearest(change[0] + 0.5, points, len(k))
    # Divided by k², Γ² is of one degree less and far from zero at k = 0.
    roots = _polynomial(k[chosen] ** 2, squared[chosen] / k[chosen] ** 2).roots()
    inside = [r.real for r in roots if abs(r.imag) < 1e-9 * high and low <= r.real <= high]
    if not inside:
        share = squared[change[0]] / (squared[change[0]] - squared[change[0] + 1])
        inside = [low + share * (high - low)]
    return float(np.sqrt(inside[0]))


def largest_growth(rates, points=5):
    """(k, Γ) of the fastest wave, by a polynomial in k² for Γ² through the modes around it.

    Raises InputError where nothing grows.
    """
    k, squared = _known(rates)
    top = int(np.argmax(squared))
    if squared[top] <= 0:
        raise InputError("nothing grows in this run: no wavenumber has a real growth rate")
    chosen = _nearest(top, points, len(k))
    fit = _polynomial(k[chosen] ** 2, squared[chosen])
    low, high = k[max(top - 1, 0)] ** 2, k[min(top + 1, len(k) - 1)] ** 2
    stationary = [r.real for r in fit.deriv().roots() if abs(r.imag) < 1e-9 * high]
    places = [place for place in stationary if low <= place <= high] or [k[top] ** 2]
    best = max(places, key=fit)
    if fit(best) <= 0:
        # Modes that do not grow lie next to the fastest one.
        return float(k[top]), float(np.sqrt(squared[top]))
    return float(np.sqrt(best)), float(np.sqrt(fit(best)))


def growth_formula(material, k, n_bar, u=0.0):
    """Growth rate about a state of uniform n_bar = m_z and azimuthal wavenumber u, in rad/time.

    Im Ω of Ω = n D ± √{(S - ω(u)) [(1 - n²)(S' - ω_K) + n² (S - ω(u))]}, with
    S = [ω(k-u) + ω(k+u)]/2, S' = ω(k) - ω(u), D the odd part; for u = 0 that is paper B, Eq. 3.

    Parameters
    ----------
    material : spinhydro.analysis.magnets.Magnet
    k : array, rad/length
    n_bar : float, -1 < n_bar < 1
    """
    W = material.exchange
    even = (W(k - u) + W(k + u)) / 2 - W(u)
    product = even * ((1 - n_bar**2) * (W(k) - W(u) - material.omega_K) + n_bar**2 * even)
    return np.sqrt(np.maximum(-product, 0))


def cut_off_formula(material, n_bar):
    """Wavenumber where the growth of the chain ends: arccos[1 - a² h (1 - n²)/(2 λ²)]/a.

    h = H_k/M_s (paper B, Eq. 4); √(h (1 - n²))/λ for the micromagnetic law.
    """
    if material.is_own:
        return _crossing(material, (1 - n_bar**2) * material.omega_K)
    h = material.omega_K / material.omega_M * (1 - n_bar**2)
    if material.exchange(1.0) == material.exchange(1.0, "chain"):
        cosine = 1 - material.a**2 * h / (2 * material.lambda_ex**2)
        return float(np.arccos(np.clip(cosine, -1, 1)) / material.a)
    return float(np.sqrt(h) / material.lambda_ex)


def _crossing(material, level):
    """The smallest k > 0 at which the recorded kernel of the run passes a level."""
    from scipy.optimize import brentq

    k, omega = material.table
    above = np.flatnonzero((k > 0) & (omega > level))
    if not len(above) or above[0] == 0:
        raise InputError("growth ends beyond the wavenumbers of this grid: there is no cut-off")
    low, high = k[above[0] - 1], k[above[0]]
    return float(brentq(lambda q: material.exchange(q) - level, low, high, xtol=1e-14))


def _last_linear(t, deviation, until):
    if deviation[0] == 0:
        raise InputError("growth rates: m_z is uniform at the start, so that nothing can grow")
    if until is None:
        late = np.flatnonzero(deviation > LINEAR)
        last = late[0] - 1 if len(late) else len(t) - 1
        why = f"the deviation of m_z passes {LINEAR:g} at t = {t[late[0]]:.4g}" if len(late) else ""
    else:
        last = int(np.searchsorted(t, until * (1 + 1e-9))) - 1
        why = f"until = {until:g}"
    if last < 2:
        raise InputError(
            "growth rates need three outputs with small waves; the run has "
            f"{last + 1} of {len(t)}{f' ({why})' if why else ''}. "
            "Start from weaker noise, or shorten output_interval"
        )
    return last


def _fit(ratio, t, disturbed):
    """Γ² (k) and misfit from r (t, k): branch by branch from early times, then least squares.

    `disturbed` (t, k) is the expected error of √r; what exceeds it counts less.
    """
    amplitude = np.sqrt(ratio)
    squared = np.full(ratio.shape[1], np.nan)
    for row in range(1, len(t)):
        squared = _branch(amplitude[row], t[row], squared)
    for _ in range(6):
        model, slope = _cosh(squared, t)
        # Relative where waves have grown, absolute where they pass through zero.
        size = np.maximum(np.abs(model), 1.0)
        weight = 1 / (ROUNDING * size + disturbed)
        relative = (amplitude - np.abs(model)) / size
        error = (amplitude - np.abs(model)) * weight
        slope = slope * np.sign(model) * weight
        curvature = np.sum(slope**2, axis=0)
        squared = squared + np.sum(slope * error, axis=0) / np.where(curvature > 0, curvature, 1)
    misfit = np.sqrt(
        np.sum((weight * size * relative)[1:] ** 2, axis=0)
        / np.sum((weight * size)[1:] ** 2, axis=0)
    )
    fast = squared < -((np.pi / 2 / (t[1] - t[0])) ** 2)
    lost = fast | ~(misfit < 0.2)
    squared[lost] = np.nan
    return squared, misfit


def _branch(amplitude, t, guess):
    """Γ² from |cosh Γt| = amplitude, on the branch of the cosine nearest to the guess."""
    near = np.sqrt(np.maximum(-np.nan_to_num(guess), 0)) * t
    # A wave that has passed through zero is at a turning point, where rounding may exceed 1.
    grown = (amplitude >= 1) & (near < np.pi / 2)
    out = np.full_like(guess, np.nan)
    out[grown] = (np.arccosh(amplitude[grown]) / t) ** 2
    angle = np.arccos(np.clip(amplitude, 0, 1))
    turn = np.round(near / np.pi)
    options = np.stack(
        [np.pi * (turn + shift) + s * angle for shift in (-1, 0, 1) for s in (1, -1)]
    )
    options = np.where(options >= 0, options, np.inf)
    best = np.take_along_axis(options, np.argmin(np.abs(options - near), axis=0)[None], axis=0)[0]
    return np.where(grown, out, -((best / t) ** 2))


def _cosh(squared, t):
    """cosh(Γt) and its derivative in Γ², for Γ² of either sign; (t, k)."""
    root = np.sqrt(squared.astype(complex))
    argument = root * t[:, None]
    small = np.abs(argument) < 1e-4
    safe = np.where(small, 1, root)
    slope = np.where(small, t[:, None] ** 2 / 2, t[:, None] * np.sinh(argument) / (2 * safe))
    return np.cosh(argument).real, slope.real


def _known(rates):
    k, squared = rates.k.values, rates.growth_squared.values
    known = np.isfinite(squared)
    if known.sum() < 3:
        raise InputError("fewer than three wavenumbers have a growth rate; use a longer chain")
    return k[known], squared[known]


def _nearest(place, points, size):
    points = min(points, size)
    first = int(np.clip(np.ceil(place - points / 2), 0, size - points))
    return slice(first, first + points)


def _polynomial(x, y):
    return np.polynomial.Polynomial.fit(x, y, len(x) - 1)


def ensembles(ds, output="m"):
    """Split the members of a run into groups of equal n_bar (to 0.001), a dataset for each."""
    m_z = spins(ds, output).isel(spin=2, t=0)
    mean = m_z.mean([dim for dim in m_z.dims if dim != "member"]).values
    groups = np.round(mean, 3)
    out = []
    for value in np.unique(groups):
        chosen = np.flatnonzero(groups == value)
        part = ds.isel(member=chosen) if "member" in ds.dims else ds
        out.append(part.assign_attrs(n_bar_mean=float(mean[chosen].mean())))
    return out


def growth_report(ds, output="m"):
    """Return lines: per n_bar the largest growth and the cut-off, measured and by formula."""
    lines = []
    scale, unit = rate_unit(ds)
    for part in ensembles(ds, output):
        n_bar = part.attrs["n_bar_mean"]
        try:
            rates = growth_rates(part, output)
            top, end = scale * largest_growth(rates)[1], cut_off(rates)
        except InputError as error:
            lines.append(f"n_bar = {round(n_bar, 4) + 0.0:g}: not available ({error})")
            continue
        material = magnet(part)
        exact_end = cut_off_formula(material, n_bar)
        exact = scale * growth_formula(material, np.linspace(0, exact_end, 100001), n_bar).max()
        length = ds.x.attrs.get("units", "unit")
        lines.append(
            f"n_bar = {round(n_bar, 4) + 0.0:g}: "
            f"largest growth {top:.3f} (formula {exact:.3f}) {unit}, "
            f"cut-off {end:.6f} (formula {exact_end:.6f}) rad/{length}"
        )
    return lines


def rate_unit(ds):
    """Return a factor and the unit that rates are shown in: 1/ns for a run in ps."""
    unit = ds.t.attrs.get("units", "")
    return (1e3, "1/ns") if unit == "ps" else (1.0, f"1/{unit}" if unit else "1/time")
