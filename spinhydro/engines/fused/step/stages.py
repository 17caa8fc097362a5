"""The classical Runge-Kutta scheme as calls of compiled passes."""

#: Uses of a rate: in one of the four stages of a step, or as the result.
FIRST, SECOND, THIRD, LAST, RATE = range(5)
#: Stages of a step, and after them its projection, each with its own row of constants:
#: they may depend on time.
STAGES, PROJECTION = 4, 4


def times_of_step(time, timestep):
    """Times of the stages and of the projection of a step."""
    half, end = time + timestep / 2, time + timestep
    return [time, half, half, end, end]


def calls_of_step(rates, projection, timestep):
    """Return the calls (see `CompiledPasses.calls`) of a step and its projection, if any."""
    half = timestep / 2
    calls = [
        *rates.calls(0, FIRST, half, timestep / 6),
        *rates.calls(1, SECOND, half, timestep / 3),
        *rates.calls(2, THIRD, timestep, timestep / 3),
        *rates.calls(3, LAST, 0.0, timestep / 6),
    ]
    return calls + projection.calls(PROJECTION, RATE) if projection else calls
