r"""Frequency and wavenumber content of a run, and the dispersion ridge in it.

.. math:: S(k, f) = \Big| \sum_t w(t) \sum_x u(x, t)\, e^{-i k x - 2 \pi i f t} \Big|^2

with u a component of the spins or u = m_x + i m_y.  The spectrum of the latter is signed: spins
that turn from x to y, as they do about a field along +z (dm/dt = -m × ω), have f > 0.
"""

import numpy as np
import xarray as xr

from spinhydro.errors import InputError, did_you_mean

from .magnets import frequency_unit, scalar, space_axes, spacing, spins
from .style import is_tensor

COMPONENTS = ("perpendicular", "x", "y", "z")
WINDOWS = {
    "hann": np.hanning,
    "blackman": np.blackman,
    "none": np.ones,
}
#: Power of waves, relative to that of the background, that is rounding.
ROUNDING = 1e-24
#: Power that a window leaks across f = 0, relative to that of the wave.
LEAKAGE = 1e-2
DETRENDS = ("none", "mean", "linear")


def wave_amplitudes(ds, output="m", component="perpendicular", direction=None):
    """Spatial Fourier amplitudes u_k(t) of a run along one direction.

    Parameters
    ----------
    ds : Dataset
    output : str
        Spin vector (or "MX,MY,MZ"), or a scalar, real or complex.
    component : {"perpendicular", "x", "y", "z"}
        Of a vector; perpendicular is the complex sum of the two components across the axis along
        which the mean spin lies: m_x + i m_y for z, m_y + i m_z for x, m_z + i m_x for y.  A scalar
        is taken as it is.
    direction : axis name, or a whole number for each space axis, optional
        (1, 1) is the diagonal of a plane: the waves j (2π/L_x, 2π/L_y).  Default: the first axis.

    Returns
    -------
    DataArray (t, member, k), complex, divided by the number of points; k ascending in rad/length,
    both signs.  Attribute `signed`: False where u is real, so that f and -f carry the same.

    Raises
    ------
    InputError
        No such output, component or direction, or an axis that is not uniform.
    """
    u = _selected_component(ds, output, component)
    axes = space_axes(u)
    if not axes:
        raise InputError(f"spectrum of {output!r}: it has no axis of space")
    steps = direction_steps(axes, direction)
    values = u.transpose("t", "member", *axes).values
    for axis, step in zip(axes, steps, strict=True):
        # Axes along which a direction has no step are summed over: their wavenumber is zero.
        spacing(ds, axis)
        if not step:
            values = values.mean(axis=2 + axes.index(axis), keepdims=True)
    sizes = [u.sizes[axis] for axis in axes]
    spectrum = np.fft.fftn(values, axes=range(2, values.ndim))
    spectrum = spectrum / np.prod([n for n, step in zip(sizes, steps, strict=True) if step])
    moving = [(n, step) for n, step in zip(sizes, steps, strict=True) if step]
    low = max(-((n // 2) // abs(step)) for n, step in moving)
    if len(moving) == 1 and moving[0][1] == 1:
        # Along an axis all waves are kept, the Nyquist mode of an even grid with k < 0.
        low, high = -(moving[0][0] // 2), (moving[0][0] - 1) // 2
    else:
        low, high = -min((n - 1) // (2 * abs(step)) for n, step in moving), -low
        high = min(high, -low)
    waves = np.arange(low, high + 1)
    places = tuple(
        (waves * step) % (n if step else 1) for n, step in zip(sizes, steps, strict=True)
    )
    unit = np.sqrt(
        sum(
            (step * 2 * np.pi / (n * spacing(ds, axis))) ** 2
            for axis, n, step in zip(axes, sizes, steps, strict=True)
        )
    )
    return xr.DataArray(
        spectrum[(slice(None), slice(None), *places)],
        dims=("t", "member", "k"),
        coords={"t": ds.t, "k": waves * unit},
        attrs={"signed": int(np.iscomplexobj(u.values))},
    )


def direction_steps(axes, direction=None):
    """Whole numbers of box waves per step along a direction, one for each of the `axes`."""
    if direction is None:
        return (1,) + (0,) * (len(axes) - 1)
    if isinstance(direction, str):
        if direction not in axes:
            raise InputError(
                f"direction {direction!r}: this run has {', '.join(axes)}; give one of them, or a "
                f"whole number for each, direction={','.join('1' for _ in axes)}"
            )
        return tuple(int(axis == direction) for axis in axes)
    steps = direction if isinstance(direction, (tuple, list)) else (direction,)
    whole = all(isinstance(step, (int, np.integer)) for step in steps)
    if not whole or len(steps) != len(axes) or not any(steps):
        raise InputError(
            f"direction {direction}: give a whole number for each of {', '.join(axes)}, not all "
            f"zero, as in direction={','.join('1' for _ in axes)}"
        )
    return tuple(int(step) for step in steps)


def iso_frequency(ds, frequency, output="m", component="perpendicular", window="hann"):
    """Power of a plane run at one frequency against both wavenumbers, averaged over members.

    Parameters
    ----------
    frequency : float, in cycles per time unit
    Others as in `spacetime_spectrum`.

    Returns
    -------
    DataArray (second k, first k), dimensions named kx, ky after the axes.

    Raises
    ------
    InputError
        The output does not run along two axes; a frequency that the outputs do not resolve.
    """
    u = _selected_component(ds, output, component)
    axes = space_axes(u)
    if len(axes) != 2:
        raise InputError(
            f"power at one frequency: {output!r} runs along {', '.join(axes)}, not two"
        )
    interval = interval_of(u)
    if abs(frequency) > 0.5 / interval * (1 + 1e-9):
        raise InputError(
            f"frequency {frequency:g}: outputs every {interval:g} resolve only frequencies up to "
            f"{0.5 / interval:.4g}"
        )
    values = u.transpose("t", "member", *axes).values
    size = len(values)
    w = _window(window)(size)
    phase = w * np.exp(-2j * np.pi * frequency * interval * np.arange(size)) / w.sum()
    power = np.abs(np.fft.fft2(np.tensordot(phase, values, (0, 0)))) ** 2
    power = power.mean(axis=0) / np.prod(values.shape[2:]) ** 2
    k = [2 * np.pi * np.fft.fftfreq(u.sizes[axis], spacing(ds, axis)) for axis in axes]
    dims = [f"k{axis}" for axis in axes]
    plane = xr.DataArray(power, dims=dims, coords=dict(zip(dims, k, strict=True)), name="power")
    return plane.sortby(dims).transpose(*dims[::-1])


def _selected_component(ds, output, component):
    if output in ds and not any(is_tensor(dim) for dim in ds[output].dims):
        return scalar(ds, output)
    u = spins(ds, output)
    if component not in COMPONENTS:
        raise InputError(
            f"no component {component!r}; {did_you_mean(component, COMPONENTS, '')} "
            f"There are {', '.join(COMPONENTS)}"
        )
    if component != "perpendicular":
        return u.isel(spin="xyz".index(component), drop=True)
    axis = mean_axis(u)
    first, second = (u.isel(spin=(axis + shift) % 3, drop=True) for shift in (1, 2))
    return first + 1j * second


def mean_axis(m):
    """Number of the axis (x, y, z = 0, 1, 2) along which the mean of the spins `m` lies."""
    mean = np.abs(m.isel(t=0).mean([dim for dim in m.dims if dim not in ("t", "spin")]).values)
    # Spins that cancel, as around a vortex, have no mean axis: use z.
    return int(np.argmax(mean)) if mean.max() > 1e-6 else 2


def spacetime_spectrum(
    ds, output="m", component="perpendicular", window="hann", detrend="none", direction=None
):
    """Power against wavenumber and frequency, averaged over members.

    Parameters
    ----------
    ds : Dataset with at least 4 outputs at equal intervals in time
    output, component, direction : see `wave_amplitudes`
    window : {"hann", "blackman", "none"}
    detrend : {"none", "mean", "linear"}
        What is taken off each u_k(t) before the window.  Leave it at "none" for oscillations
        slower than the record, which would go with the mean.

    Returns
    -------
    DataArray `power` (f, k): |amplitude|² of a wave of that f and k, whatever the window; f in
    cycles per time unit (THz for ps), from -1/2Δt to 1/2Δt for a complex u, from 0 for a real one.

    Raises
    ------
    InputError
        Also if the outputs are too few or not at equal intervals.
    """
    u = wave_amplitudes(ds, output, component, direction)
    interval, w, values = _prepared(u, window, detrend)
    spectrum = np.fft.fft(values * w[:, None, None], axis=0) / w.sum()
    f = np.fft.fftfreq(len(w), interval)
    order = np.argsort(f)
    if not u.attrs["signed"]:
        order = order[f[order] >= 0]
    power = np.mean(np.abs(spectrum[order]) ** 2, axis=1)
    return xr.DataArray(
        power,
        dims=("f", "k"),
        coords={"f": ("f", f[order], {"units": frequency_unit(ds)}), "k": u.k},
        name="power",
    )


def ridge(
    ds,
    output="m",
    component="perpendicular",
    window="hann",
    detrend="none",
    between=None,
    floor=1e-6,
    direction=None,
):
    """The frequency of the strongest wave at each wavenumber, finer than the bins of the FFT.

    Around the highest bin the transform is evaluated on sixteen points per bin, and a parabola
    through the logarithm of the three highest gives the place of the peak.  A lone wave is found
    to 1e-4 of a bin with the Hann window; what limits a real run is other waves within two bins.

    Parameters
    ----------
    ds, output, component, window, detrend, direction : see `spacetime_spectrum`
    between : (low, high), optional
        Only frequencies in this range, for one branch of several.
    floor : float
        Wavenumbers whose peak has less than this share of the largest power of a wave give NaN.

    Returns
    -------
    Dataset (k): `frequency`, cycles per time unit, and `power`.

    Raises
    ------
    InputError
        See `spacetime_spectrum`; also a range without any frequency in it.
    """
    u = wave_amplitudes(ds, output, component, direction)
    interval, w, values = _prepared(u, window, detrend)
    values = values * w[:, None, None]
    size = len(w)
    power = np.mean(np.abs(np.fft.fft(values, axis=0)) ** 2, axis=1)
    f = np.fft.fftfreq(size, interval)
    allowed = np.ones(size, bool) if u.attrs["signed"] else f >= 0
    if between is not None:
        allowed &= (f >= between[0]) & (f <= between[1])
        if not allowed.any():
            raise InputError(
                f"no frequency between {between[0]:g} and {between[1]:g}; this run resolves "
                f"{f.min():.4g} to {f.max():.4g} {frequency_unit(ds)} in steps of "
                f"{1 / (size * interval):.3g}"
            )
    best = np.argmax(np.where(allowed[:, None], power, -1.0), axis=0)
    frequency, height = _refined(values, f[best] * interval)
    height = height / w.sum() ** 2
    heights = xr.DataArray(height, dims="k", coords={"k": u.k})
    seen = height >= floor * float(wave_power(heights).max())
    if not u.attrs["signed"]:
        # A wave that travels the other way has f < 0, and leaks to f > 0.
        other = power[f < 0].max(axis=0) / w.sum() ** 2
        seen &= height >= LEAKAGE * other
    return xr.Dataset(
        {
            "frequency": (
                "k",
                np.where(seen, frequency / interval, np.nan),
                {"units": frequency_unit(ds)},
            ),
            "power": ("k", height),
        },
        coords={"k": u.k},
    )


def wave_power(power):
    """Power (…, k) without k = 0, where a uniform background would hide the waves on it.

    All of it if the rest is rounding.
    """
    waves = power.isel(k=np.flatnonzero(power.k.values))
    return waves if waves.size and waves.max() > ROUNDING * power.max() else power


def strongest_wave(ds, output="m", component="perpendicular"):
    """The wave with the most power, and the part of all waves' power along the first axis.

    Returns
    -------
    (tuple of whole numbers of box waves along each axis, float)
    """
    u = _selected_component(ds, output, component)
    axes = space_axes(u)
    values = u.transpose("t", "member", *axes).values
    spectrum = np.fft.fftn(values, axes=range(2, values.ndim))
    power = np.sum(np.abs(spectrum) ** 2, axis=(0, 1))
    power[(0,) * power.ndim] = 0
    place = np.unravel_index(np.argmax(power), power.shape)
    sizes = zip(place, power.shape, strict=True)
    wave = tuple(int(n - size if n > size // 2 else n) for n, size in sizes)
    along = power[(slice(None), *[0] * (power.ndim - 1))].sum()
    return wave, float(along / power.sum()) if power.any() else 1.0


def ridge_error(found, law, output_interval=None):
    """Ridge minus law, in the frequency unit of the ridge.

    Parameters
    ----------
    found : Dataset of `ridge`
    law : callable
        Angular frequency in rad/time as a function of k in rad/length, for example
        `magnet(ds).magnon`.
    output_interval : float, optional
        If given, frequencies that differ by a multiple of 1/output_interval count as equal: a run
        with output at that interval cannot distinguish them.

    Returns
    -------
    DataArray (k)
    """
    error = found.frequency - law(found.k.values) / (2 * np.pi)
    if output_interval is not None:
        error = error - np.round(error * output_interval) / output_interval
    return error.rename("ridge_error")


def folded(frequency, output_interval):
    """The frequency between ±1/2Δt that outputs at an interval Δt show of a true one."""
    return frequency - np.round(np.asarray(frequency) * output_interval) / output_interval


def interval_of(ds):
    """The time between outputs; InputError if they are fewer than 4 or not at equal intervals."""
    t = np.asarray(ds.t.values, dtype=float)
    if len(t) < 4:
        raise InputError(
            f"a spectrum in time needs at least 4 outputs and the run has {len(t)}; resume it, "
            "or run it with a shorter output_interval"
        )
    steps = np.diff(t)
    if np.ptp(steps) > 1e-3 * steps.mean():
        raise InputError(
            f"a spectrum in time needs outputs at equal intervals; they are {steps.min():.4g} to "
            f"{steps.max():.4g} apart. Run with a timestep that divides output_interval, or "
            "choose a part of the run: ds.isel(t=slice(…))"
        )
    return float((t[-1] - t[0]) / (len(t) - 1))


def _prepared(u, window, detrend):
    interval = interval_of(u)
    shape = _window(window)
    _require_choice(detrend, DETRENDS, "detrend")
    values = u.values
    if detrend != "none":
        degree = {"mean": 0, "linear": 1}[detrend]
        basis = np.vander(np.linspace(-1, 1, len(values)), degree + 1)
        flat = values.reshape(len(values), -1)
        fit = basis @ (np.linalg.pinv(basis) @ flat)
        values = (flat - fit).reshape(values.shape)
    return interval, shape(len(values)), values


def _window(name):
    _require_choice(name, WINDOWS, "window")
    return WINDOWS[name]


def _require_choice(value, choices, what):
    if value not in choices:
        raise InputError(
            f"no {what} {value!r}; {did_you_mean(value, choices, '')} "
            f"There are {', '.join(choices)}"
        )


def _refined(values, start, per_bin=16):
    """Peak frequency (cycles per sample) and power of values (t, member, k) near `start` (k)."""
    size = len(values)
    sample = np.arange(size)
    offsets = np.arange(-per_bin, per_bin + 1) / (per_bin * size)
    fine = np.exp(-2j * np.pi * np.outer(offsets, sample))
    turned = values * np.exp(-2j * np.pi * np.outer(sample, start))[:, None, :]
    power = np.zeros((len(offsets), values.shape[2]))
    for member in range(values.shape[1]):
        power += np.abs(fine @ turned[:, member]) ** 2 / values.shape[1]
    place = np.clip(np.argmax(power, axis=0), 1, len(offsets) - 2)
    column = np.arange(values.shape[2])
    tiny = np.finfo(float).tiny
    low, top, high = (np.log(power[place + step, column] + tiny) for step in (-1, 0, 1))
    curvature = low - 2 * top + high
    shift = np.divide(
        0.5 * (low - high), curvature, out=np.zeros_like(top), where=curvature < -1e-300
    )
    shift = np.clip(shift, -1, 1)
    frequency = start + offsets[place] + shift / (per_bin * size)
    return frequency, np.exp(top - 0.25 * (low - high) * shift)
