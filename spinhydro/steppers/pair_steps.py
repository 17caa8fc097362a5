"""Steps of a scheme with an embedded pair, of lengths that meet a tolerance."""

import math

import numpy as np
from mpi4py import MPI

from spinhydro.steppers.control import ErrorControl, StepTooShort, even_steps
from spinhydro.steppers.dense_output import DenseOutput

#: Relative change of the state that measures the size of the terms of the right side.
CHANGE = 1e-8
#: Part of (rate without cancellation) * timestep to which a variable near zero is known.
FLOOR = 0.01


class PairSteps(DenseOutput):
    r"""Base of schemes with an embedded pair: steps that `ErrorControl` accepts.

    ``step(timestep)`` covers exactly the given time, in as many steps of the scheme as the
    tolerance needs, and adds their number to ``solver.iteration``. The relative difference of the
    two solutions is

    .. math::
        d = \max_v \frac{\|d_v\|}{\max(\|X_v(t)\|, \|X_v(t + h)\|, 0.01\, h\, C_v)}

    over the variables v (and the members of an ensemble), with L2 norms over all space and all
    components. C_v, measured once, is the norm that the rate of X_v would have if its terms did not
    cancel: without it a variable that stays zero to rounding would stop the run.

    Subclasses have ``_keep()`` (copy the state), ``_put_back()`` (return to the copy), ``_copy()``
    and ``_assign(copy)``, ``_take(time, timestep)`` (one step of the scheme, with its projections),
    ``_take_many(time, timestep, number)`` if it `takes_many`, unless it `measures_halves`
    ``_difference(time, timestep)`` (a tuple of squared norms after it, which ``_combined`` turns
    into those of d_v), ``_sizes()`` (those of the state), ``_distance(copy)``,
    ``_squares(values)`` and ``_rate_sizes(time)``.

    Output times inside are those of `DenseOutput`.

    Attributes
    ----------
    control : ErrorControl
    """

    #: The main scheme, for stability limits.
    main = None
    #: Order of the solution that is kept.
    order = 4
    #: Evaluations of the right side that measure the difference of the two solutions.
    extra_evaluations = 1
    #: Whether errors are measured by two halves of a step, for schemes without a second solution.
    measures_halves = False
    #: Time of a step per evaluation, relative to that of RK43.
    cost_of_evaluation = 1.0
    #: The second solution, with twice the timestep.
    _companion = None
    #: Squared norms of the state at the end of the last step.
    _sizes_at_end = None
    #: The timestep and number of steps of the next `advance`, if the caller has chosen them.
    planned = None
    #: Whether several steps can be covered at once, and need not be measured one by one.
    takes_many = False
    #: Whether members have been filled with NaN; reset by the run.
    gave_up = False
    #: The strong order of adaptive steps with noise is not known.
    draws_noise = False

    @property
    def control(self):
        """Return the controller of the timesteps."""
        return self._control

    @control.setter
    def control(self, control):
        control.order = self.order
        self._control = control

    def advance(self, time, timestep):
        """Take accepted steps from `time` to `time + timestep`; return their number.

        Raises
        ------
        StepTooShort
            If no step meets the tolerance.
        """
        control = self.control
        if control.suggestion is None:
            self.choose_first(time, timestep)
        end, taken = time + timestep, 0
        planned, self.planned = self.planned or (timestep, 1), None
        length, number = self._even_steps(timestep, *planned)
        self._keep()
        if self._sizes_at_end is not None and self._is_untouched():
            sizes = self._sizes_at_end
        else:
            sizes = self._sizes()
            if self._has_changed(sizes):
                control.forget_growth()
                self._companion = None
        if control.has_companion and self._companion is None:
            self._start_companion()
        while True:
            is_batch = self.takes_many and not self.output_times
            steps = control.batch(length, number) if is_batch else 1
            if self._try(time, length, sizes, steps):
                if self.output_times:
                    self.visit_outputs(time, length, sizes, taken)
                taken, number = taken + steps, number - steps
                time = end - number * length if number else end
                if not control.has_companion:
                    self._companion = None
                elif len(control.behind) >= 2:
                    self._catch_up(time, sizes)
                sizes = self._sizes_at_end
                if not number:
                    return taken
                self._keep()
            else:
                self._put_back()
                if self._sizes_at_end is None:
                    # Some members have been given up.
                    self._keep()
                    sizes = self._sizes()
            left = end - time
            length, number = self._even_steps(left, length, number)

    def _even_steps(self, left, timestep, number):
        control = self.control
        return even_steps(
            left, control.suggestion, timestep, number, self.order, control.longest_allowed()
        )

    def _start_companion(self):
        self._companion = self._copy()

    def _catch_up(self, time, sizes):
        """Take each two of the last steps as one with the companion, and compare the solutions."""
        behind = self.control.behind
        passed, timestep, number = sum(behind), sum(behind[:2]), len(behind) // 2
        distance = self._sum(self._distance_of_companion(time - passed, timestep, number))
        scales = np.maximum(sizes, self._sizes_at_end)
        self.control.compare(self._relative(distance, sizes, scales, passed))

    def _distance_of_companion(self, time, timestep, number):
        """Return squared norms of the difference to the companion, after its next steps."""
        present = self._copy()
        self._assign(self._companion)
        self._take_many(time, timestep, number)
        distance = self._distance(present)
        self._companion = self._copy()
        self._assign(present)
        return distance

    def _is_untouched(self):
        """Return whether only this stepper can have changed the state since its last step."""
        return False

    def _has_changed(self, sizes):
        """Return whether a script has changed the state since the last step."""
        before = self._sizes_at_end
        same = before is None or np.allclose(before, sizes, rtol=1e-8, atol=0, equal_nan=True)
        return self._any_rank(not same)

    def _any_rank(self, flag):
        comm = self.solver.dist.comm
        return bool(comm.allreduce(int(flag), op=MPI.MAX)) if comm.size > 1 else flag

    def _take_many(self, time, timestep, number):
        """Take several steps of the scheme, in one call if it `takes_many`."""
        for i in range(number):
            self._take(time + i * timestep, timestep)

    def _try(self, time, timestep, sizes, steps):
        """Take steps from the kept state and measure the last; return whether they are accepted."""
        start = None
        if steps > 1:
            self._take_many(time, timestep, steps - 1)
            time += (steps - 1) * timestep
            start = self._copy() if self.measures_halves else None
        self._take(time, timestep)
        self._sizes_at_end = self._sizes()
        scales = np.maximum(sizes, self._sizes_at_end)
        if self.measures_halves:
            difference = measured = self._measure(time, timestep, sizes, scales, start)
        else:
            squares = self._combined(timestep, *map(self._sum, self._difference(time, timestep)))
            difference, measured = self._relative(squares, sizes, scales, timestep), None
            if math.isfinite(difference) and self.control.must_measure(timestep):
                measured = self._measure(time, timestep, sizes, scales)
        try:
            return self.control.judge(timestep, difference, measured, steps)
        except StepTooShort:
            self._put_back()
            self._sizes_at_end = None
            self._give_up_members()
            return False

    def _give_up_members(self):
        """Fill the members that no timestep suits with NaN, so that the others can go on.

        Raises StepTooShort if these are all, or if there are no members.
        """
        errors, comm = self._errors, self.solver.dist.comm
        failing = ~(errors < 0.1 * np.max(errors))
        if np.all(failing | ~(errors > 0)):
            raise StepTooShort(f"no timestep meets the tolerance {self.control.tolerance:g}")
        mine = self._sizes().shape[1]
        first = sum(comm.allgather(mine)[: comm.rank])
        self.discard_members(np.flatnonzero(failing[first : first + mine]).tolist())
        self._keep()
        self.gave_up = True
        self.control.recover()

    def _measure(self, time, timestep, sizes, scales, start=None):
        """Return the relative error of the step that was taken, from two halves of it.

        From the kept state, or from another one.
        """
        distance = self._sum(self._distance_of_halves(time, timestep, start))
        relative = self._relative(distance, sizes, scales, timestep)
        return relative / (1 - 2.0**-self.order)

    def _distance_of_halves(self, time, timestep, start):
        """Return squared norms of the difference of a step that was taken to its halves."""
        whole, half = self._copy(), timestep / 2
        if start is None:
            self._put_back()
        else:
            self._assign(start)
        self._take(time, half)
        self._take(time + half, half)
        distance = self._distance(whole)
        self._assign(whole)
        return distance

    def _combined(self, timestep, squares):
        """Return squared norms of the difference of the two solutions."""
        return squares

    def begin(self, control, longest):
        """Set the controller, with a first timestep for the present state."""
        self.control = control
        self.choose_first(self.solver.sim_time, longest)

    def trial_error(self, time, timestep):
        """Return the relative error of one step from the present state, measured by two halves.

        The state and the time of the solver are kept.
        """
        self._keep()
        sizes = self._sizes()
        self._take(time, timestep)
        error = self._measure(time, timestep, sizes, np.maximum(sizes, self._sizes()))
        self._put_back()
        self.solver.sim_time = time
        return error

    def go_ahead(self, timestep, number):
        """Take steps that are not measured, and leave the state after them in the fields."""
        time = self.solver.sim_time
        self._take_many(time, timestep, number)
        self.solver.sim_time = time + number * timestep

    def choose_first(self, time, longest):
        """Choose the first timestep to be tried, at the present state."""
        sizes = np.sqrt(self._sum(self._sizes()))
        rates, changed = (np.sqrt(self._sum(s)) for s in self._rate_sizes(time))
        scales = np.max(np.where(np.isfinite(changed), changed, 0), axis=1, initial=0)
        # Failed members, and variables that are zero, limit nothing.
        with np.errstate(all="ignore"):
            times = (sizes / rates)[(sizes > 0) & np.isfinite(rates) & (rates > 0)]
        part = 0.1 * self.control.tolerance ** (1 / (self.order + 1))
        first = part * times.min(initial=math.inf)
        self.control.start(min(first, longest, self.control.longest), scales.tolist())

    def companion_record(self):
        """Return the companion, as an entry of a checkpoint."""
        return {} if self._companion is None else {"companion": self._companion}

    def restore_companion(self, record):
        """Continue from a `companion_record`."""
        self._companion, self._sizes_at_end = record.get("companion"), None

    def _relative(self, squares, sizes, scales, timestep):
        """Return the largest relative norm of all variables, members and ranks.

        Parameters
        ----------
        squares, sizes, scales : arrays (variables, members)
            Squared norms: of the differences, on all ranks; of the state before them, and the
            largest ones, on this rank.
        timestep : float
        """
        sizes, scales = self._sum(sizes), self._sum(scales)
        floor = FLOOR * timestep * np.asarray(self.control.scales)[:, None]
        with np.errstate(all="ignore"):
            relative = np.sqrt(squares) / np.maximum(np.sqrt(scales), floor)
        relative[np.isnan(relative)] = math.inf
        # Members that failed before are NaN already; a variable that stays zero has no error.
        relative[~np.isfinite(sizes) | (squares == 0)] = 0
        self._errors = relative.max(axis=0, initial=0)
        return float(self._errors.max(initial=0))

    def _sum(self, squares):
        """Return the squared norms (variables, members) of all ranks, the same on each."""
        comm = self.solver.dist.comm
        if comm.size == 1:
            return squares
        parts = comm.allgather(squares)
        if getattr(self.solver.dist, "member_axis", None) is not None:
            return np.concatenate(parts, axis=1)
        # In the order of the ranks, not in that of a reduction.
        return np.sum(parts, axis=0)


def alternating(shape):
    """Return signs along the last axis that no wave has, the same for all other indices."""
    # Multiples of the golden ratio are spread evenly.
    return np.where(np.arange(shape[-1]) * 0.6180339887498949 % 1 < 0.5, -1.0, 1.0)


def control_of(solver):
    """Return the controller that a solver's present stepper has, or a new one."""
    # Asking a solver that is not complete for its stepper would make it build its matrices.
    present = vars(solver).get("timestepper") or vars(solver).get("_timestepper")
    return getattr(present, "control", None) or ErrorControl()
