"""Words of time and space: bounds, steps, ramps, pulses and tables, of fields and of numbers.

All of them are sums and products of ``abs`` and other functions of one value, which every engine
supports. Arguments have real values.
"""

import dedalus.public as d3
import numpy as np
from dedalus.core.field import Field, Operand

from spinhydro.errors import InputError, ParameterError
from spinhydro.kernels.text_tables import read_columns
from spinhydro.language.complex_values import re

#: Points of a table of another operand than the time, which is a sum over its kinks.
LARGEST_TABLE = 256


class TimeTable(d3.GeneralFunction):
    """A table of a field without bases, such as the time: joined by straight lines.

    Engines look it up once for each stage, whatever its length; see `table`.
    """

    def __init__(self, t, times, values):
        self.times, self.values = times, values
        super().__init__(t.dist, t.domain, (), t.dtype, "g", self._of_field, args=[t])
        self.name = "table"

    def at(self, t):
        """Return the value at a number."""
        return np.interp(t, self.times, self.values)

    def _of_field(self, t):
        return self.at(t.data.real)


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
        The time: a table of any length. Of other operands at most LARGEST_TABLE times.
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
    if not isinstance(t, Operand):
        return np.interp(t, times, values)
    if isinstance(t, Field) and not t.tensorsig and not any(t.domain.bases):
        return TimeTable(t, times, values)
    return sum_over_kinks(t, times, values)


def sum_over_kinks(t, times, values):
    """Return a table as a sum of changes of slope times the time since them, 0 before."""
    if times.size > LARGEST_TABLE:
        raise InputError(
            f"a table as a sum over its kinks has at most {LARGEST_TABLE} values, this one "
            f"{times.size}: take fewer, or a table of the time itself on the engines fused, lean "
            "and dedalus"
        )
    slopes = np.diff(values) / np.diff(times)
    kinks = np.diff(slopes, prepend=0, append=0)
    # Python numbers: NumPy would make a real field of a sum with a complex one.
    terms = [float(values[0])]
    for time, kink in zip(times.tolist(), kinks.tolist(), strict=True):
        if kink:
            terms.append(kink / 2 * (t - time + np.absolute(t - time)))
    while len(terms) > 1:
        # In pairs: a sum of one term after another is nested as deeply as it is long.
        terms = [sum(terms[i + 1 : i + 2], terms[i]) for i in range(0, len(terms), 2)]
    return terms[0]
