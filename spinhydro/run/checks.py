"""Checks of a run: before the first step, and of its state and limits while it goes on."""

from functools import partial

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.solver import is_costly, is_large, no_stored_outputs
from spinhydro.engines.choose import check_scheme, stepper_kind
from spinhydro.errors import InputError, NotFiniteError, SpinhydroError, UnresolvedError, WatchError
from spinhydro.language.equations import fields_of
from spinhydro.language.watch import grid_values
from spinhydro.run.output import first_values
from spinhydro.run.rates import calls_functions


class RunChecks:
    """Checks of a `Run`."""

    #: Whether only the check of the engine evaluates the right side before the first step.
    _has_unchecked_rates = False

    def check_start(self):
        """Check everything that can be known before the first step.

        Raises InputError if a field is not finite, or if a string cannot be evaluated at the
        initial state (outputs: see `check_outputs`; limits of a large state: see `check_limits`).
        """
        for variable in sorted(fields_of(self.ivp), key=lambda f: str(f.name)):
            if not self._is_finite(variable):
                kind = "initial state of" if variable in self.solver.state else "field"
                raise InputError(
                    f"the {kind} '{variable.name}' is not finite before the first step; check how "
                    "the file fills it"
                )
        if not calls_functions(self.ivp):
            self._has_unchecked_rates = self._can_leave_rates_to_engine()
            if not self._has_unchecked_rates:
                self.check_right_side()
        check_scheme(self.solver)
        for variable, operand in self.projections:
            self._try(
                f"projections['{variable.name}']", "projections", lambda o=operand: grid_values(o)
            )
        if not self.has_large_state:
            self.check_limits()

    @property
    def has_large_state(self):
        """Return whether limits are measured first when there is an engine for it."""
        return self._on_all_ranks(any(map(is_large, self.solver.state)))

    def check_limits(self):
        """Measure all limits at the initial state, the reference of drifts.

        Raises InputError if one cannot be evaluated, or if a watch does not hold.
        """
        for limit in self.expect.values():
            self._try(f"expect '{limit.text}'", "expect", limit.start)
        for limit in self.watch:
            value = self._try(f"watch '{limit.text}'", "watch", limit.start)
            if not limit.holds(value):
                at = f" at {limit.place}" if limit.place else ""
                raise InputError(
                    f"the watch '{limit.text}' does not hold at the initial state, where the value "
                    f"is {value:.3g}{at}: check how the file fills its fields, or the limit"
                ).within("watch")

    def stays_zero(self):
        """True if all variables and the right sides of all equations are zero everywhere."""
        if not self._on_all_ranks(not any(np.any(v.data) for v in self.ivp.variables)):
            return False
        sides = [equation["RHS"] for equation in self.ivp.equations]
        return self._on_all_ranks(not any(np.any(grid_values(side)) for side in sides))

    def check_outputs(self):
        """Check that the outputs can be evaluated at the initial state; raise InputError.

        An engine that keeps the state leaves the fields as they are until the first write, which
        then takes the values that are found here.
        """
        if self.values.is_large:
            # The spectra of the first step serve the outputs too.
            self.solver.timestepper.read_fields()
        for name, operand in self.outputs.items():
            evaluate = partial(grid_values, operand)
            if self.keeps_state:
                by = partial(self.values, name=f"fields {name}")
                evaluate = partial(first_values, operand, self.ivp.variables, by)
            values = self._try(f"outputs['{name}']", "outputs", evaluate)
            if self.keeps_state:
                self.known_outputs[name] = values

    def _can_leave_rates_to_engine(self):
        """Return whether the check of a fused engine may be the first evaluation of the right side.

        For states that take long to evaluate.
        """
        kind = stepper_kind(self.solver)
        if hasattr(kind, "find_spins") or hasattr(kind, "check_problem"):
            return False
        return self._on_all_ranks(any(map(is_costly, self.solver.state)))

    def check_right_side(self):
        """Raise InputError if Dedalus cannot evaluate the right side."""
        self._try("the right side of the equations", "", self._evaluate_right_side)

    def _evaluate_right_side(self):
        with no_stored_outputs(self.ivp):
            self.solver.evaluator.evaluate_group("F")

    @staticmethod
    def _try(what, declaration, evaluate):
        try:
            return evaluate()
        except SpinhydroError:
            raise
        except Exception as error:
            raise InputError(
                f"{what} cannot be evaluated at the initial state: {type(error).__name__}: {error}"
            ).within(declaration) from error

    def _is_finite(self, variable):
        return self._on_all_ranks(np.isfinite(np.sum(variable.data)))

    def _on_all_ranks(self, holds):
        return self.ivp.dist.comm.allreduce(int(not holds), op=MPI.SUM) == 0

    def check_finite(self):
        if self.keeps_state and self._on_all_ranks(self.solver.timestepper.is_finite()):
            return
        if self.continues_without_some and self._discard_not_finite():
            return
        self.synchronise()
        for variable in self.solver.state:
            if not self._is_finite(variable):
                raise NotFiniteError(
                    f"{variable.name} is not finite at t = {self._now()}, iteration "
                    f"{self.solver.iteration}: {self.kept()}. "
                    + self._cause(
                        "a timestep that is too long, or an equation that grows without bound"
                    )
                )

    def check_growth(self):
        """End the run if it is not resolved and grows without bound, before it is NaN."""
        if self.resolution.since is None or self.continues_without_some:
            return
        self.synchronise()
        name = self.resolution.outgrown(self.solver.sim_time)
        if name:
            now = f"t = {self._now()}, iteration {self.solver.iteration}"
            raise UnresolvedError(self.resolution.outgrown_message(name, now, self.kept()))

    def check_stability(self):
        """Warn once the timestep is beyond the stability limit; end the run if that shows."""
        watch = self.stability_watch
        if watch is None or not watch.is_due(self.step):
            return
        line = watch.check(self.step)
        if line:
            self.log(line)

    def _cause(self, otherwise):
        """Return the end of a message about a run that failed: its likely cause."""
        if self.stability_watch and self.stability_watch.passed:
            return self.stability_watch.cause()
        return self.resolution.cause(otherwise)

    def check_truncation(self, is_inside=False):
        """Measure the spectrum; warn, stop, or keep more modes where a truncation distorts it.

        Only measure it at an output inside an adaptive step.
        """
        found = self.filled_modes.measure()
        if self.truncation_watch is None or is_inside:
            return
        warning = self.truncation_watch.check(found, self._now())
        if warning:
            self.log(warning)

    @property
    def continues_without_some(self):
        """Return whether the run goes on without the members that fail."""
        return self.failed.size > 1 and self.plan.members_fail == "continue"

    def _discard_not_finite(self):
        """Go on without the members that are not finite; False if that is impossible."""
        members = self.failed.not_finite()
        if members is None or len(members) == self.failed.size:
            return False
        self._discard(members - self.failed.numbers, "not finite")
        return True

    def _discard(self, members, reason):
        if not members:
            return
        self.failed.discard(members, reason)
        self._exclude_failed()
        left = self.failed.size - len(self.failed.reasons)
        for member in sorted(members):
            self.log(
                f"warning: member {member} failed at t = {self._now()}, iteration "
                f"{self.solver.iteration} ({reason}); it is NaN from now on, {left} members go on"
            )

    def _exclude_failed(self):
        for output in [self.output, *(handler.output for handler in self.handlers)]:
            output.failed_members = self.failed.numbers
        for limit in [*self.watch, *self.expect.values()]:
            limit.excluded = self.failed.numbers

    def check_watches(self):
        """Warn of what the grid does not resolve; end the run if a limit is broken."""
        self.synchronise()
        self.check_growth()
        for line in self.resolution.check(self.solver.sim_time):
            self.log(line)
        for limit in self.watch:
            value = limit.measure()
            if not limit.holds(value) and self.continues_without_some:
                members = limit.failing_members()
                if members and len(members | self.failed.numbers) < self.failed.size:
                    self._discard(members, f"{limit.text} is broken")
                    continue
            if not limit.holds(value):
                at = f" at {limit.place}" if limit.place else ""
                raise WatchError(
                    f"the watch '{limit.text}' is broken at t = {self._now()}, iteration "
                    f"{self.solver.iteration}: the value is {value:.3g}{at}; {self.kept()}. "
                    + self._cause("a timestep that is too long, or too few grid points")
                )
