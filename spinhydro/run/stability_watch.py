"""Watches over the stability limit, which a run changes: its state and its drives grow."""

import math

from spinhydro.errors import UnstableError
from spinhydro.run.kept_state import KeptState
from spinhydro.run.magnitudes import Magnitudes, at_time
from spinhydro.steppers import SPLITTING
from spinhydro.steppers.records import restore, state_record
from spinhydro.steppers.stability import REFUSED, compare_timestep

#: Power of a magnitude that frequencies are expected to grow with at most, and bounds of the growth
#: from which they are estimated again. Growth without effect so far may have one later, as a peak
#: that is slower than the shortest waves.
POWER, LEAST, INDIFFERENT, MOST = 4, 1.05, 1.5, 16.0
#: Shares of the limit that differ by less, relative to them, are the same.
SAME = 0.02
#: Steps between two measurements of magnitudes: at most, at most close to the limit, and as part of
#: the steps so far, because what grows from rounding takes a while, the longer the farther the
#: limit is, up to this share of it.
SELDOM, OFTEN, EARLY, FAR = 100, 10, 1 / 20, 1 / 4
#: Relative changes of magnitudes below are none.
STEADY = 1e-4
#: Times in which the fastest explicit term might reach the limit that pass between two: growth at
#: that rate is rare, and is seen before.
UNLIKELY = 30
#: Logarithm of the growth that is expected, at the latest rate, until the next.
CAUTION = 0.1
#: Steps after which frequencies are estimated again in any case: an estimate costs up to 100 steps.
AGAIN = 10_000
#: Part of the largest variable below which growth of another ends no run: its rates are not known
#: well there, because difference quotients take steps in proportion to the whole state.
SMALL = 1e-3
#: Growth of a magnitude beyond the limit that ends a run.
OUT_OF_HAND = 2.0
#: Share of the limit at which a state that has grown ends a run at once.
HOPELESS = 3.0
#: Timesteps that are shorter than that of the run by this factor are of no use.
USELESS = 30
#: Moments at which drives are strongest that are examined before a run.
MOMENTS = 3
#: Ratio of limits of adaptive timesteps that is worth a line, and of neighbouring values.
WORTH_TELLING, GRID = 1.5, 1.02
_ADVICE = 'Try a shorter timestep, or timestep="auto"'
#: Attributes in a checkpoint.
_RECORDED = (
    "passed", "_reference", "_share", "_fastest", "_estimated", "_without_effect", "_before",
    "_next", "_has_warned", "_told", "_most",
    "_is_seldom",
)  # fmt: skip


class StabilityWatch:
    r"""Compare the timestep of a run with its stability limit whenever that may have changed.

    The frequencies of explicit terms depend on state and time: those of :math:`g |\psi|^2 \psi`
    grow as :math:`|\psi|^2`. A verdict therefore holds for magnitudes up to those at which it was
    found. These are measured at most every 100 steps, and more often close to the limit and while
    they grow. Once the limit may have been reached, the frequencies are estimated again, which
    leaves the state as it is.

    Parameters
    ----------
    run : Run
        With its engine, at its initial state.
    check : StabilityCheck
        The verdict on the timestep there.
    ends : bool
        Whether the watch ends a run that grows beyond the limit.

    Attributes
    ----------
    passed : dict or None
        When and why the timestep came to be beyond the limit, and the largest safe one there.
    """

    #: Whether a verdict on a state holds for smaller ones.
    _keeps_largest = True

    def __init__(self, run, check, ends=True):
        self.run, self.solver, self.ends = run, run.solver, ends
        self.unit, self.name = run.time_unit, check.name
        self._magnitudes = Magnitudes(run.solver)
        self._reference, self._at_start = self._magnitudes.measure(), check.share
        self._most = SELDOM
        self.passed, self._has_warned, self._without_effect = None, check.is_beyond, ""
        self._is_seldom = False
        self._accept(0, check)

    def look_ahead(self, duration):
        """Return a line on the moments of a run at which its drives are strongest, or ""."""
        ratios = self._magnitudes.strongest(duration)
        worst, when = None, None
        for time in sorted(ratios, key=ratios.get)[-MOMENTS:]:
            with at_time(self.solver, time):
                check = self._estimate()
            if check and (worst is None or check.share > worst.share):
                worst, when = check, time
        if worst is None or worst.share <= self._share * (1 + SAME):
            return ""
        line = (
            "stability: terms that depend on time take the timestep to "
            f"{100 * worst.share:.3g} % of the limit, at t = {self._in_time(when)}"
        )
        if worst.is_beyond:
            self._has_warned, self._most = True, 1
            return f"warning: {line}; {self._safe(worst)}"
        with at_time(self.solver, when):
            self._reference = self._magnitudes.measure()
        self._at_start = worst.share
        self._accept(0, worst)
        return line

    @property
    def _timestep(self):
        return self.run.timestep

    def is_due(self, step):
        """Return whether `check` is due after a step."""
        return step >= self._next

    def steps_left(self, step):
        """Return the number of steps up to the next `check`."""
        return max(1, self._next - step)

    def check(self, step):
        """Return a line for the log, or ""; a collective call.

        Raises UnstableError if the state gets out of hand beyond the limit.
        """
        if self.passed:
            self._next = step + (1 if self.ends else SELDOM)
            found = self._magnitudes.measure(with_drives=False)
            name, ratio = self._grown(found)
            if ratio >= OUT_OF_HAND and self._is_large(name, found):
                self._check_again(step, name, ratio)
            elif step >= self._estimated + SELDOM and not self._has_warned:
                return self._confirmed(step)
            return ""
        found = self._magnitudes.measure()
        name, ratio = self._grown(found)
        # After a warning, a run is examined seldom: its limit may vary from step to step.
        is_early = self._is_seldom and step < self._estimated + SELDOM
        if is_early or (ratio <= self._allowed(name) and step < self._estimated + AGAIN):
            self._schedule(step, name, ratio, found)
            return ""
        check = self._estimate()
        if check is None:
            self._reference = found
            if self.ends and self._is_large(name, found) and ratio >= OUT_OF_HAND:
                self._pass(_growth(name, ratio), "the right side is not finite", math.inf)
                self._end(_growth(name, ratio))
            self._estimated, self._next = step, step + OFTEN
            return ""
        before = self._share
        self._without_effect = name if abs(check.share - before) <= SAME * before else ""
        self._accept(step, check)
        is_erratic = self._has_warned or not self._keeps_largest
        if not is_erratic and check.share <= before * (1 + SAME):
            # What oscillates would be examined whenever it grows again.
            self._reference |= {
                name: max(value, self._reference.get(name, 0.0)) for name, value in found.items()
            }
            self._share = max(before, check.share)
        else:
            self._reference = found
        # What begins at zero may pass through values where its rate is large, such as a root's.
        has_grown = self._is_large(name, found) and OUT_OF_HAND <= ratio < math.inf
        return self._judge(check, _growth(name, ratio), has_grown)

    def _judge(self, check, why, has_grown):
        """Take another verdict; return a line if the timestep is beyond the limit."""
        if check.is_unstable:
            self._pass(why, self._safe(check), check.share)
            if check.share > HOPELESS and has_grown and _is_wave(check) and self.ends:
                self._end(why)
        if not check.is_beyond or (self._has_warned and not check.is_unstable):
            return ""
        if not check.is_unstable or _is_wave(check):
            return self._warning(check, why)
        # Damping, which may be strong for a moment only: see `_confirmed`.
        return ""

    def _confirmed(self, step):
        """Return a line if the timestep is still beyond the limit."""
        check, why = self._estimate(), self.passed["why"]
        if check is None:
            self._estimated = step
            return ""
        if not check.is_unstable:
            self.passed, self._reference = None, self._magnitudes.measure()
        self._accept(step, check)
        return self._warning(check, why) if check.is_unstable else ""

    def _warning(self, check, why):
        self._has_warned = self._is_seldom = True
        return (
            f"warning: stability: at t = {self._in_time(self.solver.sim_time)} the timestep is at "
            f"{100 * check.share:.3g} % of the {self.name} stability limit, not at "
            f"{100 * self._at_start:.3g} % as found at the start: {why}; {self._safe(check)}"
        )

    def _pass(self, why, safe, share):
        """Note that the timestep is beyond the limit from now on."""
        since = self._in_time(self.solver.sim_time)
        self.passed = {"since": since, "why": why, "safe": safe, "share": share}

    def _check_again(self, step, name, ratio):
        """End the run if its growth takes the timestep farther beyond the limit of waves.

        Growth that does not is that of the equations, such as heating.
        """
        check = self._estimate()
        if check is not None and (
            not check.is_unstable
            or not _is_wave(check)
            or check.share <= self.passed["share"] * (1 + SAME)
        ):
            self.passed = self.passed if check.is_unstable else None
            self._reference = self._magnitudes.measure()
            self._accept(step, check)
            return
        if self.ends:
            self._end(f"{_growth(name, ratio)} since then")
        self._next = step + AGAIN

    def _end(self, why):
        now = self._in_time(self.solver.sim_time)
        safe, cause = "", self.cause()
        if self.passed["since"] == now:
            safe, cause = f" ({self.passed['safe']})", _ADVICE
        self.run.synchronise()
        raise UnstableError(
            f"the timestep is beyond the {self.name} stability limit, and {why}, at t = {now}, "
            f"iteration {self.solver.iteration}{safe}: {self.run.kept()}. {cause}"
        )

    def cause(self):
        """Return the end of a message about a run that failed beyond the limit."""
        found = self.passed
        return (
            f"The timestep came to be beyond the stability limit at t = {found['since']} "
            f"({found['why']}; {found['safe']} then). {_ADVICE}"
        )

    def record(self):
        """Return what a checkpoint holds."""
        return {name: value for name, value in vars(self).items() if name in _RECORDED}

    def restore(self, record):
        """Continue from a `record`; None leaves the present state to be judged."""
        vars(self).update(record or {"_next": 0})

    def _accept(self, step, check):
        """Take a verdict for that on the magnitudes of the reference."""
        self._share, self._estimated = check.share, step
        # Splitting schemes take explicit terms exactly: resonances grow slowly, and to no end.
        self._fastest = 0 if self.name in SPLITTING else check.found.explicit * check.timestep
        self._before, self._next = (step, 1.0, {}), step + 1

    def _allowed(self, name):
        """Return the growth of a magnitude up to which the verdict holds."""
        share = self._present_share()
        growth = (REFUSED / share) ** (1 / POWER) if share > 0 else MOST
        return min(max(growth, INDIFFERENT if name == self._without_effect else LEAST), MOST)

    def _present_share(self):
        return self._share

    def _grown(self, found):
        """Return the magnitude that has grown most since the verdict, and by how much."""
        ratios = {"the state": 1.0}
        for name, value in found.items():
            before = self._reference.get(name, value)
            ratios[name] = value / before if before else math.inf if value else 1.0
        name = max(ratios, key=ratios.get)
        return name, ratios[name]

    @staticmethod
    def _is_large(name, found):
        """Return whether a magnitude is that of a variable, and not of one that is hardly there."""
        if not name.startswith("|"):
            return name.startswith("1/")
        return found[name] >= SMALL * max(v for n, v in found.items() if n.startswith("|"))

    def _estimate(self):
        """Return the `StabilityCheck` of the present state, which is left as it is.

        None if the right side is not finite.
        """
        run, solver = self.run, self.solver
        run.synchronise()
        if run.keeps_state:
            kept = state_record(solver)
        else:
            kept = KeptState(solver)
        check = compare_timestep(solver, self.name, self._timestep, self.unit, run.plan.stop_time)
        if run.keeps_state:
            restore(solver, kept)
            return check
        kept.restore()
        return check

    def _schedule(self, step, name, ratio, found):
        """Choose the step of the next check."""
        ratio = min(ratio, MOST)
        room = max(math.log(self._allowed(name) / ratio), 0.0)
        # Nothing grows faster than the fastest explicit term turns.
        sure = room / self._fastest if self._fastest else math.inf
        before, last, magnitudes = self._before
        is_steady = all(
            math.isclose(value, magnitudes.get(name, 0.0), rel_tol=STEADY)
            for name, value in found.items()
        )
        early = EARLY / max(self._share, FAR) * step
        steps = min(max(sure, early), SELDOM if is_steady else max(OFTEN, UNLIKELY * sure))
        rate = math.log(ratio / last) / max(step - before, 1)
        if rate > 0:
            steps = min(steps, CAUTION / rate)
        self._before = step, ratio, found
        self._next = step + max(1, int(min(steps, self._most)))

    def _safe(self, check):
        if check.largest_safe < self.run.timestep / USELESS:
            return "no timestep of use is safe: the state grows without bound"
        return f"largest safe timestep: {check.largest_safe:.3g} {self.unit}".rstrip()

    def _in_time(self, time):
        return f"{time:.6g} {self.unit}".rstrip()


def rounded_limit(limit):
    """Return the next lower power of GRID.

    Estimated limits differ by some 1e-4 between numbers of ranks, and members must not.
    """
    return GRID ** math.floor(math.log(limit, GRID)) if 0 < limit < math.inf else limit


def _is_wave(check):
    """Return whether the fastest explicit term oscillates, so that it grows without bound.

    Damping beyond the limit may be bounded by the equations: sqrt(theta) is steep at 0 only.
    """
    values = check.found.values
    fastest = max(values, key=abs, default=0)
    return abs(fastest.real) < abs(fastest.imag) / 2


def _growth(name, ratio):
    """Return what has changed a verdict, as text."""
    if ratio <= LEAST:
        return "the state has changed"
    if ratio == math.inf:
        return f"{name} is no longer zero"
    return f"{name} has grown by a factor of {ratio:.3g}"


class LimitOfAdaptiveSteps(StabilityWatch):
    """Adjust the longest adaptive timestep whenever the stability limit may have changed.

    The error control rejects steps that are unstable meanwhile.

    Parameters
    ----------
    run : ControlledRun
    check : StabilityCheck
        Of the longest stable timestep at the start.
    given : float
        Longest timestep that the user allows.
    """

    #: The limit rises where the state falls.
    _keeps_largest = False

    def __init__(self, run, check, given):
        super().__init__(run, check)
        self._given, self._told = given, check.timestep

    @property
    def _timestep(self):
        return self.run.control.stable

    def reconsider(self, why):
        """Estimate the limit again, which something else than the state has changed.

        Return a line if it differs much.
        """
        check = self._estimate()
        if check is None:
            return ""
        self._accept(self.run.step, check)
        return self._judge(check, why, False)

    def _judge(self, check, why, has_grown):
        """Take another limit; return a line if it differs much."""
        control, limit = self.run.control, rounded_limit(check.largest_safe)
        control.limit(limit, min(limit, self._given))
        if 1 / WORTH_TELLING < limit / self._told < WORTH_TELLING:
            return ""
        self._told = limit
        return (
            f"timesteps: at most {control.longest:.4g} {self.unit}".rstrip()
            + f" from t = {self._in_time(self.solver.sim_time)} on ({self.name} stability limit; "
            f"{why})"
        )

    def _present_share(self):
        control = self.run.control
        # The companion of the error control takes twice the timestep.
        return self._share * (1 + control.has_companion) * self.run.timestep / control.stable

    def _schedule(self, step, name, ratio, found):
        self._next = step + SELDOM
