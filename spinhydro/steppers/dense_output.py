"""States at output times that lie inside the steps of an embedded pair."""

import math

import numpy as np

from spinhydro.steppers.control import MEASURED_EVERY

#: Relative rounding error of times.
SAME = 1e-9
#: Largest estimated error of an interpolant, relative to the tolerance.
PERMITTED = 0.5
#: Intervals between outputs that a step covers at most: checkpoints and requests to stop wait for
#: its end.
MOST_INTERVALS = 30
#: Part of the predicted longest timestep for an interpolant, its growth with every step that does
#: without, and its largest growth from one estimate to the next.
MARGIN, RETRIED, MOST = 0.95, 1.1, 2.0


def evaluations_of_step(stages, extra, has_companion, window=1):
    """Return the mean evaluations of a step whose error is measured after `window` steps.

    The companion takes two steps as one, and every 50th is taken again as two halves.
    """
    each = stages * (1.5 if has_companion else 1) + extra / window
    return each + 2 * stages / MEASURED_EVERY


def evaluations_inside(number, stages, interpolant):
    """Return the evaluations of the states at output times inside a step.

    Parameters
    ----------
    number : int
        Of these times.
    stages : int
        Of the scheme.
    interpolant : type or None
        See `DenseOutput`.
    """
    return min(stages * number, interpolant.evaluations if interpolant else math.inf)


def intervals_in_step(most, each, stages, interpolant, interpolated=math.inf):
    """Return how many intervals between outputs a step is to cover.

    One, as many as it may, or as many as can be interpolated: the number that needs the fewest
    evaluations for each interval.

    Parameters
    ----------
    most : int
        Intervals that the error control allows.
    each : float
        Evaluations of a step without output times inside.
    stages, interpolant
        See `evaluations_inside`.
    interpolated : float
        Intervals over which the interpolant meets the tolerance.
    """
    most = max(1, min(most, MOST_INTERVALS))

    def cost(number):
        usable = interpolant if number <= interpolated else None
        return (each + evaluations_inside(number - 1, stages, usable)) / number

    return min({1, most, max(1, int(min(most, interpolated)))}, key=lambda n: (cost(n), n))


class DenseOutput:
    """Part of `PairSteps` that gives the states at output times inside a step.

    They are interpolated (see ``spinhydro.steppers.interpolants``), or each follows from a step of
    the scheme from the start of the step to the output time: if there is no interpolant, if its
    estimated error is beyond the tolerance, and if that needs fewer evaluations. The solution does
    not depend on them.

    Subclasses have ``_kept_state()`` (the state before the step), ``rate_at(state, time)`` (a new
    array with the terms of the right side that the scheme does not treat exactly),
    ``move_linear(state, duration)`` (the solution of the others) or ``sum_of_phi(duration,
    vectors)`` (see `ExponentialQuartic`), ``_project_at(time)`` (make the projections of an
    interpolated state) and ``_show(time)`` (note that the state is now that of a time).

    Attributes
    ----------
    output_times : list of float
        Times before the end of the next `advance`, in ascending order.
    at_output : callable
        Called at each of them, with its state and time in the solver.
    """

    #: Class of the interpolant, if there is one.
    interpolant = None
    output_times, at_output = (), None

    def move_linear(self, state, duration):
        """Return the solution of the terms that the scheme treats exactly, after a duration."""
        return state

    def longest_interpolated(self):
        """Return the longest timestep for which the interpolant may be used."""
        return math.inf

    def visit_outputs(self, time, timestep, sizes, taken):
        """Visit the output times up to the end of an accepted step.

        Parameters
        ----------
        time, timestep : float
            Of the step, before which the state was kept.
        sizes : array
            Squared norms of the variables before the step.
        taken : int
            Steps since the solver has counted them.
        """
        end_of_step = time + timestep * (1 + SAME)
        times = [output for output in self.output_times if output <= end_of_step]
        self.output_times = self.output_times[len(times) :]
        if not times:
            return
        solver, end = self.solver, self._copy()
        sizes_at_end, iteration = self._sizes_at_end, solver.iteration
        found = self._interpolation(time, timestep, end, sizes, len(times))
        solver.iteration += taken
        for output in times:
            # Rounded, so that exponentials for the same fractions of later steps are the same.
            fraction = round((output - time) / timestep, 11)
            if fraction >= 1:
                self._assign(end)
            elif found is None:
                self._put_back()
                self._take(time, fraction * timestep)
            else:
                self._assign(found(fraction))
                self._project_at(output)
            self._show(output)
            self.at_output()
        self._assign(end)
        self._show(time + timestep)
        self._sizes_at_end, solver.iteration = sizes_at_end, iteration

    def _interpolation(self, time, timestep, end, sizes, number):
        """Return the interpolant of a step for a number of outputs, or None."""
        control = self.control
        if evaluations_inside(number, self.stages, self.interpolant) == self.stages * number:
            return None
        longest = self.longest_interpolated()
        if timestep > min(control.interpolated, longest):
            control.interpolated = min(RETRIED * control.interpolated, longest)
            return None
        found = self.interpolant(self, time, timestep, self._kept_state(), end)
        scales = np.maximum(sizes, self._sizes_at_end)
        squares = [self._sum(self._squares(part)) for part in found.errors]
        error = max(self._relative(square, sizes, scales, timestep) for square in squares)
        change = MOST
        if error > 0:
            part = PERMITTED * control.tolerance / error
            change = min(MARGIN * part ** (1 / self.order), MOST)
        control.interpolated = min(timestep * max(change, 1 / MOST), longest)
        return found if error <= PERMITTED * control.tolerance else None
