"""Choice of the adaptive stepper that is predicted to need the least work for a tolerance."""

import math

import numpy as np

from spinhydro.engines.choose import make_stepper, take_stepper
from spinhydro.errors import SpinhydroError
from spinhydro.run.kept_state import KeptState
from spinhydro.run.rates import calls_functions
from spinhydro.run.truncation import truncate_adaptive
from spinhydro.steppers import (
    ETDRK43,
    EXPLICIT,
    IFRK43,
    RK43,
    RK853,
    RKMK43,
    SPLITTING,
    AdaptiveBlanesMoan4,
)
from spinhydro.steppers.linear_damping import largest_damping
from spinhydro.steppers.stability import frequencies_for
from spinhydro.steppers.trial import LARGEST_STATE, is_worth_a_trial, is_worthwhile, predict

#: Values of a state from which trial steps are compiled.
COMPILED_FROM = 100_000
#: Work of IFRK4 relative to the predicted one where modes are damped within a timestep.
STIFF = 2
#: Steps to the state of the trials.
AHEAD = 8


def candidates_of(ivp, pair):
    """Return the pairs that may replace that of a problem file whose timestepper is not typed.

    Explicit ones of order 4 and 8; with linear terms on the left side also those that treat these
    exactly, and a splitting scheme for complex fields. None in place of rotations, which are there
    to keep the length of spins, and none for right sides that call a function of the script, which
    must be called in steps only.
    """
    if pair is RKMK43 or calls_functions(ivp):
        return ()
    has_linear = any(hasattr(equation["L"], "tensorsig") for equation in ivp.equations)
    known = (RK43, RK853, IFRK43, ETDRK43) if has_linear else (RK43, RK853)
    if has_linear and all(np.issubdtype(v.dtype, np.complexfloating) for v in ivp.variables):
        known += (AdaptiveBlanesMoan4,)
    return tuple(other for other in known if other is not pair)


class StepperChoice:
    """Trial steps of the pairs that a run may take, at its initial state.

    Parameters
    ----------
    run : spinhydro.run.controlled.ControlledRun
        With its engine, before the first step.
    """

    def __init__(self, run):
        self.run, self.solver = run, run.solver
        self.pair = run.plan.timestepper
        self.interval = min(run.plan.output_interval, run.plan.stop_time)
        self._found = {}

    def frequencies(self, pair):
        """Return the Frequencies of the present state for a pair, which is the solver's stepper."""
        name = pair.main.__name__
        key = name in EXPLICIT, getattr(self.solver.timestepper, "truncation", None)
        if key not in self._found:
            self._found[key] = frequencies_for(self.solver, name)
        return self._found[key]

    def truncate(self, pair):
        """Truncate the spectrum of the solver's stepper, if it is a splitting scheme.

        Return the fraction of modes that are kept, and a note on it.
        """
        if pair.main.__name__ not in SPLITTING:
            return 1.0, ""
        return truncate_adaptive(self.run, self.solver.timestepper, pair, self.interval)

    def carry_out(self):
        """Replace the stepper of the run if another needs less work; return a line for the log."""
        if not self.run.plan.candidates or not math.isfinite(self.run.plan.stop_time):
            return ""
        kept = KeptState(self.solver)
        try:
            self._go_ahead()
            works = self._try()
        finally:
            kept.restore()
            # Limits are those of the initial state.
            self._found.clear()
        best = min(works, key=lambda pair: works[pair].work)
        is_better = is_worthwhile(works[self.pair], works[best], self.run.number_of_values())
        if not is_better or not self._take(best):
            best = self.pair
        self.run.filled = None
        return self._line(best, works)

    def _go_ahead(self):
        """Leave the state in which a run begins, which is often at rest, or zero."""
        present = self.solver.timestepper
        timestep = min(present.control.longest, present.control.stable / 2, self.interval)
        kept = KeptState(self.solver)
        present.go_ahead(timestep, AHEAD)
        sizes = [self.run.largest(field["c"]) for field in self.solver.state]
        if not np.isfinite(sizes).all():
            kept.restore()

    def _try(self):
        """Return the `Prediction` of each pair that is tried."""
        plan, present = self.run.plan, self.solver.timestepper
        first = predict(present, self.pair, present.control, self.interval, self._passes)
        first = self._weighed(self.pair, present, first)
        works = {self.pair: first}
        values = self.run.number_of_values()
        is_small = values * self.solver.dtype.itemsize <= LARGEST_STATE
        for other in plan.candidates if is_small else ():
            if is_worth_a_trial(first, other.main.stages, values):
                found = self._predict(other)
                if found is not None:
                    works[other] = found
        return works

    @property
    def _passes(self):
        return not self.run.passed.reason_against()

    def _weighed(self, pair, stepper, prediction):
        """Return a prediction, with more work for IFRK43 where modes are damped in a timestep.

        They follow the others as soon as these are large enough, which the beginning of a run need
        not show. The scheme then needs shorter steps, and ETDRK43 does not.
        """
        if pair is IFRK43:
            damping = largest_damping(stepper, self.solver.dist.comm)
            if damping * prediction.timestep > 1:
                prediction.work *= STIFF
        return prediction

    def _predict(self, pair):
        """Return the `Prediction` of another pair; None if the engine cannot take its steps."""
        run, solver, present = self.run, self.solver, self.solver.timestepper
        is_compiled = run.number_of_values() >= COMPILED_FROM
        try:
            if hasattr(pair, "check_problem"):
                pair.check_problem(solver)
            stepper = make_stepper(solver, run.engine, pair, run.projections, is_compiled)
        except SpinhydroError:
            return None
        # Frequencies are those of the terms that the stepper evaluates.
        solver.timestepper = stepper
        try:
            self.truncate(pair)
            stepper.begin(run.control_of(pair, self.frequencies(pair))[0], self.interval)
            prediction = predict(stepper, pair, stepper.control, self.interval, self._passes)
            return self._weighed(pair, stepper, prediction)
        finally:
            take_stepper(solver, present)
            # Steppers begin with the controller of the one before, and set its order.
            present.control = present.control

    def _take(self, pair):
        """Make another pair the stepper of the run; return whether the engine can.

        It begins with the fields as the file has filled them: with the bytes of a run that states
        this stepper.
        """
        run, solver = self.run, self.solver
        present = KeptState(solver)
        run.filled.restore()
        try:
            stepper = make_stepper(solver, run.engine, pair, run.projections)
            if hasattr(stepper, "check"):
                stepper.check()
        except SpinhydroError:
            present.restore()
            return False
        take_stepper(solver, stepper)
        run.plan.timestepper, run.stepper_name = pair, pair.__name__
        return True

    def _line(self, pair, works):
        """Return the line for the log, with the predicted work of all pairs that were tried."""
        name = pair.main.__name__
        others = ", ".join(
            f"{other.main.__name__} {found.work:.2g}"
            for other, found in works.items()
            if other not in (pair, self.pair)
        )
        work = f"{works[pair].work:.2g} evaluations of the right side"
        if len(works) == 1:
            return f"stepper: {name}, about {work}: trials of others would not pay"
        if pair is self.pair:
            return f"stepper: {name}, predicted {work} ({others})"
        first = self.pair.main.__name__
        return (
            f"stepper: {name} in place of {first}: predicted {work}, not "
            f"{works[self.pair].work:.2g}"
            + (f" ({others})" if others else "")
            + f"; timestepper={first} keeps it"
        )
