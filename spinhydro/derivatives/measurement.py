"""From the fields of a run to what an instrument shows: sampling, blur, offset and scale."""

from math import gcd

import numpy as np

from spinhydro.derivatives.model import observed
from spinhydro.errors import InputError

#: Times are multiples of a common interval to this part of it.
TIME_TOLERANCE = 1e-6


def is_scalar(problem, output):
    """Return whether an output has one component, also if it is an average over space."""
    operand = observed(problem, output)
    return hasattr(operand, "tensorsig") and not operand.tensorsig


def is_field(problem, output):
    """Return whether an output has values at each point of space."""
    bases = observed(problem, output).domain.full_bases
    return any(basis is not None for basis in bases)


def check_kind(problem, outputs, data):
    """Raise InputError for averages with axes of space, or fields without them."""
    is_series = list(data.axes) == ["t"]
    for name in data.values:
        if is_series and is_field(problem, outputs[name]):
            raise InputError(
                f"the data have no axis of space, and the output {name} = {outputs[name]} is a "
                f"field: give it the axes t, x, …, or declare an average, such as ave({name})"
            )
        if not (is_series or is_field(problem, outputs[name])):
            raise InputError(
                f"the output {name} = {outputs[name]} is an average over space: its data have the "
                "axis t alone"
            )


def sampling_matrix(left, right, points, places, blur):
    """Values at some places of a periodic function that an instrument blurs.

    The function is given at equidistant points; its Fourier series is multiplied with
    exp(-k^2 blur^2/2), a Gaussian of this standard deviation, and summed at the places.

    Parameters
    ----------
    left, right : float
        Ends of the axis.
    points : int
    places : array
    blur : float
        >= 0.

    Returns
    -------
    array (places, points)
    """
    length = right - left
    k = 2 * np.pi / length * np.fft.fftfreq(points, 1 / points)
    weights = np.exp(-((k * blur) ** 2) / 2)
    if points % 2 == 0:
        # The mode of no definite sign is a cosine.
        phases = np.exp(1j * np.outer(places - left, k))
        phases[:, points // 2] = phases[:, points // 2].real
    else:
        phases = np.exp(1j * np.outer(places - left, k))
    grid = left + length / points * np.arange(points)
    back = np.exp(-1j * np.outer(k, grid - left)) / points
    return ((phases * weights) @ back).real


def common_steps(times, timestep):
    """(timestep, steps to each time): every time after whole steps, none longer than `timestep`.

    Raises
    ------
    InputError
        If the times have no common interval.
    """
    times = np.asarray(times, float)
    if times[0] < 0:
        raise InputError(f"the data begin at t = {times[0]:g}, before the run: t = 0")
    unit = TIME_TOLERANCE * max(np.diff(times).min(initial=np.inf), times[-1] / 1e6)
    if not np.isfinite(unit):
        unit = TIME_TOLERANCE * (times[-1] or 1.0)
    # In units of a millionth of the interval, rounded so that noise of the clock is ignored.
    scaled = [round(t / unit / 100) * 100 for t in times if t > 0]
    if not scaled:
        raise InputError("the data have the initial time only: nothing has happened")
    interval = 0
    for number in scaled:
        interval = gcd(interval, number)
    interval *= unit
    if interval < timestep / 100:
        raise InputError(
            f"the times of the data have no common interval above {timestep / 100:.2g}: round "
            "them, or choose frames with --window t=…"
        )
    per_interval = max(1, int(np.ceil(interval / timestep * (1 - 1e-9))))
    steps = np.rint(times / interval).astype(int) * per_interval
    return interval / per_interval, steps


class Measurement:
    """The data of a fit, as a function of the states at their times.

    Parameters
    ----------
    model : Model
        With the measured outputs as its observed values.
    data : Data
        Fields at some places, or averages over space, with the axis t alone.
    blur : float

    Raises
    ------
    InputError
        If the axes of the data are not those of the problem.
    """

    def __init__(self, model, data, blur):
        space, self.model, self.is_series = model.space, model, list(data.axes) == ["t"]
        names = [name for name in data.axes if name != "t"]
        bases = [space.bases[axis] for axis in space.axes]
        if space.axes.start:
            raise InputError("a fit is one of a single run: members=1")
        if self.is_series and blur:
            raise InputError("--blur: the data are averages over space, which have no blur")
        if len(names) != len(bases) and not self.is_series:
            raise InputError(
                f"the data have the axes {', '.join(data.axes)}, the problem has {len(bases)} of "
                "space"
            )
        self.matrices = []
        for name, axis, basis in zip(names, space.axes, bases, strict=not self.is_series):
            left, right = basis.bounds
            places = data.axes[name]
            if places[0] < left - 1e-9 * (right - left) or places[-1] > right + 1e-9 * (
                right - left
            ):
                raise InputError(
                    f"the data reach from {name} = {places[0]:g} to {places[-1]:g}, the box from "
                    f"{left:g} to {right:g}: choose a part with --window, or a larger box"
                )
            self.matrices.append(sampling_matrix(left, right, space.shape[axis], places, blur))

    def __call__(self, state, time, leaves):
        """Measured values (outputs, *places) of a state."""
        np_ = self.model.jax.numpy
        values = np_.real(self.model.observe(state, time, leaves))
        if self.is_series:
            # Averages are the same at every point.
            return values.reshape(len(values), -1)[:, 0]
        for axis, matrix in enumerate(self.matrices, start=1):
            values = np_.moveaxis(np_.tensordot(matrix, values, (1, axis)), 0, axis)
        return values
