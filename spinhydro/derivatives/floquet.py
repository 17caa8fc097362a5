"""The map over one period of equations that repeat themselves in time."""

import numpy as np

from spinhydro.derivatives.background import Background, find_background
from spinhydro.derivatives.frame import Frame
from spinhydro.errors import InputError

#: Largest angle of the fastest wave in one step: the error of RK4 is below 1e-9 in a period.
LARGEST_ANGLE = 0.05
#: Times of a period at which the fastest wave is looked for.
TIMES = 8


def period_map(form, period, background):
    """The state after one period, as a function of the state: RK4 with short steps.

    Parameters
    ----------
    form : RealForm
    period : float
    background : Background
    """
    jax = form.model.jax
    steps = max(
        64, int(np.ceil(period * _fastest(form, background.values, period) / LARGEST_ANGLE))
    )
    timestep = period / steps

    def advance(values):
        def step(i, values):
            time = i * timestep
            first = form.rate(values, time)
            second = form.rate(values + timestep / 2 * first, time + timestep / 2)
            third = form.rate(values + timestep / 2 * second, time + timestep / 2)
            fourth = form.rate(values + timestep * third, time + timestep)
            return values + timestep / 6 * (first + 2 * (second + third) + fourth)

        # Modes that the bases do not hold stay out.
        return jax.lax.fori_loop(0, steps, step, form.split(form.join(values)))

    return advance


def periodic_background(form, about, period):
    """A background that comes back after a period.

    Raises
    ------
    InputError
        If the period is not positive, or the state does not come back.
    """
    if not (np.isfinite(period) and period > 0):
        raise InputError(f"--period {period}: a period is a positive number")
    start = np.asarray(form.split(form.model.leaves["state"]))
    if about in (None, "uniform"):
        mean = start.mean(axis=tuple(range(1, start.ndim)), keepdims=True)
        start = np.broadcast_to(mean, start.shape).copy()
    elif about == "stationary":
        start = find_background(form, about).values
    form.keep_lengths(start)
    start = np.asarray(form.project(start))
    background = Background(start, Frame(form), 0.0, about or "uniform")
    moved = np.asarray(form.model.jax.jit(period_map(form, period, background))(start))
    background.rest = float(np.abs(moved - start).max() / (np.abs(start).max() or 1.0))
    if not background.rest <= 1e-7:
        raise InputError(
            f"the state does not come back after the period {period:g}: it is off by "
            f"{background.rest:.1e}"
        )
    return background


def _fastest(form, values, period):
    """The largest rate of perturbations in a period, by power iterations at several times."""
    jax, random = form.model.jax, np.random.default_rng(0)

    def push(vector, time):
        return jax.jvp(lambda v: form.rate(v, time), (values,), (vector,))[1]

    push, largest = jax.jit(push), 0.0
    for time in period * np.arange(TIMES) / TIMES:
        vector, size = random.standard_normal(values.shape), 1.0
        for _ in range(30):
            vector = np.asarray(push(vector / size, time))
            size = np.linalg.norm(vector)
            if not size > 0:
                break
        largest = max(largest, float(size))
    return largest or 1.0
