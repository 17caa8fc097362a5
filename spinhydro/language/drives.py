"""Words of time and space: bounds, steps, ramps, pulses and tables, of fields and of numbers.

All of them are sums and products of ``abs`` and other functions of one value, which every engine
supports. Arguments have real values.
"""

import numpy as np
from dedalus.core.field import Operand

from spinhydro.errors import InputError, ParameterError
from spinhydro.kernels.text_tables import read_columns
from spinhydro.language.complex_values import re

#: Points of a table up to which it is a sum over its kinks, which every engine evaluates.
LARGEST_TABLE = 256


def maximum(a, b):
    """Return the larger of two values at every point, (a + b + |a - b|)/2."""
    return (a + b + np.absolute(a - b)) / 2


def minimum(a, b):
    """Return the smaller of two values at every point, (a + b - |a - b|)/2."""
    return (a + b - np.absolute(a - b)) / 2


def clip(f, lowest, highest):
    """Return `f` within bounds: (lowest + highest + |f - lowest| - |f - highest|)/2."""
    return (lowest + highest + np.absolute(f - lowest) - np.absolute(f - highest)) / 2


def where(f, a, b):
    """Return `a` where f > 0 and `b` elsewhere; both must be finite everywhere."""
    if isinstance(f, Operand) and np.issubdtype(f.dtype, np.complexfloating):
        # Rounding leaves imaginary parts, which would count where f is zero.
        f = re(f)
    sign = np.sign(f)
    step = (sign + np.absolute(sign)) / 2
    return b + (a - b) * step


def sinc(f):
    """Return sin(pi f)/(pi f), and 1 at f = 0, as NumPy does."""
    angle = np.pi * f
    is_zero = 1 - np.absolute(np.sign(angle))
    return np.sin(angle) / (angle + is_zero) + is_zero


def ramp(t, start, stop, begin, end):
    """Return `start` before the time `begin`, `stop` after `end`, and a straight line between.

    >>> problem.add_equation("dt(s) = cross(ramp(t, 0, Omega_R, 0, 5*ms)*ex, s)")
    """
    if not isinstance(end - begin, Operand) and not np.all(np.asarray(end - begin, float) > 0):
        raise ParameterError(f"ramp(t, start, stop, {begin}, {end}): the end must be later")
    return start + (stop - start) * clip((t - begin) / (end - begin), 0, 1)


def pulse(t, centre, width):
    """Return a Gaussian of height 1, exp(-(t - centre)^2/(2 width^2))."""
    return np.exp(-(((t - centre) / width) ** 2) / 2)


def periodic(t, period):
    """Return the time since the present period began, from 0 up to `period`.

    A function of it repeats: ``pulse(periodic(t, T), T/2, width)`` is a train of pulses.
    """
    return period * (0.5 + np.arctan(np.tan(np.pi * (t / period - 0.5))) / np.pi)


def table(t, times=None, values=None, file=None):
    """Return values from a table in time, joined by straight lines and constant outside.

    Parameters
    ----------
    t : field or number
    times, values : arrays
        At least two increasing times.
    file : str or Path
        A text file of two columns instead, separated by blanks or commas, in the units of the
        problem; a heading is left out.

    Raises
    ------
    InputError
        For a table that cannot be read, or whose times do not increase.

    Examples
    --------
    >>> B = spinhydro.table(t, file="field.txt") * tesla
    """
    if file is not None:
        try:
            times, values = read_columns(file)[:2]
        except (OSError, ValueError, IndexError) as error:
            raise InputError(
                f"table cannot read {file}: {error}; it needs two columns, t and the value"
            ) from None
    if times is None or values is None:
        raise InputError("table takes times=[…] and values=[…], or file='…'")
    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    if times.ndim != 1 or times.shape != values.shape or times.size < 2:
        raise InputError("table takes as many values as times, two or more")
    if not (np.all(np.diff(times) > 0) and np.all(np.isfinite(times))):
        raise InputError("the times of a table must increase")
    if not np.all(np.isfinite(values)):
        raise InputError("the values of a table must be finite")
    if times.size > LARGEST_TABLE:
        raise InputError(
            f"a table has at most {LARGEST_TABLE} times, this one {times.size}: take fewer, or a "
            "function, spinhydro.pointwise(lambda t: np.interp(t, times, values), t, like=…)"
        )
    slopes = np.diff(values) / np.diff(times)
    # Kinks: half of the change of slope multiplies |t - t_i|.
    kinks = np.diff(slopes, prepend=0, append=0) / 2
    # A Python number: NumPy would make a real field of a sum with a complex one.
    result = float(values[0] + values[-1]) / 2
    for time, kink in zip(times.tolist(), kinks.tolist(), strict=True):
        if kink:
            result = result + kink * np.absolute(t - time)
    return result
