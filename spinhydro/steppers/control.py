"""Control of the timestep of an embedded pair by the error that accumulates over a run."""

import math

from spinhydro.errors import ParameterError

#: Tolerance of pairs where none is stated.
USUAL_TOLERANCE = 1e-6
#: Tolerances below are not met: rounding errors add up to more over a run.
SMALLEST_TOLERANCE = 1e-12
#: Relative error of a step that is rounding.
ROUNDING = 4e-15
#: Error per unit time that the controller aims at, relative to the permitted one, and that from
#: which a step is rejected: it is the sum of all errors that counts.
AIM, REJECTED = 0.8, 1.5
#: Largest permitted error of one step, relative to the tolerance.
MOST_OF_A_STEP = 0.1
#: Exponents of the proportional-integral controller, times the order of the scheme.
PROPORTIONAL, INTEGRAL = 0.4, 0.7
#: Largest decrease and increase of the timestep from one step to the next.
LEAST, MOST = 0.2, 4.0
#: Accepted steps after which the error of a step is measured again, and change of the timestep,
#: during the first of them, that requires another measurement.
MEASURED_EVERY, CHANGED = 50, 1.6
#: Part of the duration at whose end the growth of errors is known, and the growth until then.
EARLY, EARLY_GROWTH = 0.02, 1.0
#: Bounds of the growth exponent of errors, and of their amplification.
EXPONENTS, AMPLIFICATIONS = (-1.0, 1.0), (1 / 30, 1e3)
#: Steps beyond half of the stability limit need a predicted error below the tolerance by this
#: factor, after a division by that of twice the timestep.
RELEASED = 2
#: Steps between two measurements of the error of a step where it is steady, in schemes of order 4
#: and 8 (whose steps are longer and whose estimates need no evaluation), and where it is below FAR
#: of what is permitted without a companion, because stability limits the timestep.
WINDOW, FAR_WINDOW, FAR = {4: 8, 8: 2}, 32, 1e-3
#: Relative change of the error of a step, at equal timesteps, that is steady.
STEADY = 1.5
#: A suggestion within these factors of the present timestep leaves it unchanged, in schemes of
#: order 4; in others so that the change of the error is the same.
KEPT_FROM, KEPT_TO = 0.93, 1.2
#: Shortest timestep, relative to the duration.
SHORTEST = 1e-9


class StepTooShort(ArithmeticError):
    """No timestep meets the tolerance: the solution is singular or not finite."""


class ErrorControl:
    r"""Choose timesteps so that a run ends with an error of about its tolerance.

    The pair gives a relative difference d of its solutions of order :math:`h^q`, where q is the
    order of the solution that is kept (4 or 8). Its error e in one step is of order
    :math:`h^{q+1}`. The relation

    .. math:: e = c\, d^{(q+1)/q}

    does not depend on h. c is measured in the first steps, and in every 50th, by taking a step once
    more as two halves, whose result differs by :math:`(1 - 2^{-q}) e`.

    The error at the end is more than the sum of all e where errors grow (a wrong density turns the
    phase of a gas further and further), and less where they cancel or are damped. It is measured
    by a second solution with twice the timestep, the companion: the error of the kept one is
    :math:`G = \|X' - X\|/(2^q - 1)`. With the amplification :math:`A = G/\sum e`, which grows as
    :math:`t^p`, steps keep the error per unit time

    .. math::
        \frac{e}{h} \le \frac{\kappa \cdot \text{tolerance}}{T}, \qquad
        \kappa = \frac1A \left(\frac tT\right)^p

    over the duration T, and e below a tenth of the tolerance: errors that are expected to decay may
    not. The next timestep follows from a proportional-integral controller (Gustafsson, ACM Trans.
    Math. Softw. 17, 533 (1991)) that aims at 0.8 of this error. Steps with more than 1.5 times this
    error are rejected and taken again.

    Where the error of a step is steady, up to 8 steps (of schemes of order 8: 2) are taken between
    two measurements; where stability limits the timestep, and errors are far below the tolerance,
    up to 32. If a measurement exceeds the permitted error, all of these steps are taken again.

    The companion limits timesteps to half of the stability limit. It is dropped where longer ones
    would still end far below the tolerance.

    Parameters
    ----------
    tolerance : float
        Relative error at the end (L2 norm over all space, of every variable), 1e-12 to 1.
    duration : float
        Time over which the errors add up.
    longest : float
        Longest timestep.
    stable : float
        Stability limit of the timestep.

    Attributes
    ----------
    order : int
        The order q of the scheme, which the stepper sets.
    suggestion : float or None
        The next timestep; None before `start`.
    accepted, rejected : int
        Numbers of steps.
    error : float
        Estimated relative error of the present state.
    scales : list of float or None
        Rates of change of the variables without cancellation of terms; see `PairSteps`.
    has_companion : bool
        Whether there is a companion.
    behind : list of float
        Timesteps that the companion has not taken yet: at most one between steps.
    window : int
        Steps that may be taken up to the next measurement of the error.
    interpolated : float
        Longest timestep whose interpolant is expected to meet the tolerance.

    Raises
    ------
    ParameterError
        For a tolerance out of range.
    """

    def __init__(self, tolerance=USUAL_TOLERANCE, duration=1.0, longest=math.inf, stable=math.inf):
        self.tolerance = checked_tolerance(tolerance)
        self.duration, self.order = float(duration), 4
        self.longest, self.stable = float(longest), float(stable)
        self.suggestion = self.scales = None
        self.accepted = self.rejected = 0
        self.error = 0.0
        self.has_companion, self.behind = True, []
        self._elapsed = self._sum = self._sum_of_companion = 0.0
        self._growth = []
        self._factor = self._measured_at = self._previous = None
        self._since, self._just_rejected = 0, False
        self.window, self._coefficient = 1, None
        self.interpolated = math.inf

    def start(self, timestep, scales):
        """Set the first timestep to be tried, and the scales of the variables."""
        self.scales = scales
        self.suggestion = min(float(timestep), self.longest_allowed())

    def longest_allowed(self):
        """Return the longest timestep at present."""
        return min(self.longest, self.stable / 2 if self.has_companion else self.stable)

    def limit(self, stable, longest):
        """Take another stability limit, and another longest timestep, from the next step on."""
        self.stable, self.longest = float(stable), float(longest)
        self.suggestion = min(self.suggestion, self.longest_allowed())

    def forget_growth(self):
        """Measure the error from the present state on, which a script has changed."""
        self._growth, self.behind, self._sum_of_companion = [], [], 0.0
        self.window = 1

    def recover(self):
        """Go on after `StepTooShort`, without the members that were the reason."""
        self.suggestion = min(
            self._previous[0] if self._previous else math.inf, self.longest_allowed()
        )
        if not math.isfinite(self.suggestion):
            self.suggestion = self.duration / 1000
        self._factor, self._just_rejected = None, False
        self.forget_growth()

    def must_measure(self, timestep):
        """Return whether the error of a step is to be measured by two halves."""
        if self._factor is None or self._since >= MEASURED_EVERY:
            return True
        is_first = self.accepted < MEASURED_EVERY
        return is_first and not 1 / CHANGED < timestep / self._measured_at < CHANGED

    def batch(self, timestep, number):
        """Return how many of the next `number` equal steps are taken up to the next measurement."""
        if self.must_measure(timestep) or (self.has_companion and self.behind):
            return 1
        steps = min(self.window, number)
        if self.has_companion:
            # It takes two of them as one.
            steps -= steps % 2
        return max(steps, 1)

    def judge(self, timestep, difference, measured=None, steps=1):
        """Return whether steps are accepted, and choose the next timestep.

        Parameters
        ----------
        timestep : float
        difference : float
            Relative difference of the two solutions of the pair.
        measured : float, optional
            Relative error of the step, from two halves.
        steps : int
            Steps since the last measurement, all of this length; the differences are of the last.

        Raises
        ------
        StepTooShort
            If a step of rounding length would be next.
        """
        if not math.isfinite(difference):
            error = math.inf
        elif measured is None:
            error = self._factor * difference ** (1 + 1 / self.order)
        else:
            error = measured
            self._note(timestep, difference, measured)
        part = min(timestep / self.duration * self._share(), MOST_OF_A_STEP)
        permitted = self.tolerance * part
        excess = max(error - ROUNDING, 0.0) / permitted
        if not excess <= REJECTED:
            self._reject(timestep, excess / AIM)
            return False
        self.accepted += steps
        self._since += steps
        self._elapsed += steps * timestep
        self._sum += steps * error
        self.behind += [timestep] * steps
        self._choose_window(timestep, excess)
        if self._growth:
            self.error = self._sum * self._growth[-1][1]
        else:
            self.error = self._sum
        # Where rounding is all that remains of the error, it does not allow longer steps.
        self._grow(timestep, max(excess, min(error / permitted, AIM)) / AIM)
        return True

    def _choose_window(self, timestep, excess):
        """Double the window while the error of a step is steady, else begin again with one."""
        before, self._coefficient = self._coefficient, excess / timestep**self.order
        is_far = excess < FAR and not self.has_companion
        is_steady = excess < FAR or (before and 1 / STEADY < self._coefficient / before < STEADY)
        if is_far or is_steady:
            self.window = min(2 * self.window, FAR_WINDOW if is_far else WINDOW[self.order])
        else:
            self.window = 1

    def compare(self, difference):
        """Note the relative difference of the companion, after it has caught up."""
        self.behind = []
        error, total = difference / (2**self.order - 1), self._sum - self._sum_of_companion
        if not math.isfinite(error):
            self.has_companion = False
        elif error > ROUNDING and total > 0:
            self.error = error
            self._note_growth(min(max(error / total, AMPLIFICATIONS[0]), AMPLIFICATIONS[1]))

    def _note_growth(self, amplification):
        """Keep amplifications at times that double, and the latest."""
        now = (self._elapsed, amplification)
        if len(self._growth) < 2 or self._growth[-1][0] >= 2 * self._growth[-2][0]:
            self._growth.append(now)
        else:
            self._growth[-1] = now

    def _exponent(self):
        """Return p: the amplification grows as t^p."""
        if len(self._growth) < 3:
            return EARLY_GROWTH
        (before, first), (now, last) = self._growth[-3], self._growth[-1]
        found = math.log(last / first) / math.log(now / before)
        return min(max(found, EXPONENTS[0]), EXPONENTS[1])

    def _share(self):
        """Return kappa, the permitted part of the error per unit time."""
        amplification = self._growth[-1][1] if self._growth else 1.0
        passed = min(max(self._elapsed / self.duration, EARLY), 1.0)
        return passed ** self._exponent() / amplification

    def _note(self, timestep, difference, measured):
        """Note the relation between the two errors, if they are more than rounding."""
        if not math.isfinite(measured):
            return
        if measured > 4 * ROUNDING and difference > 0:
            self._factor = measured / difference ** (1 + 1 / self.order)
        elif self._factor is None:
            self._factor = 0.0
        self._measured_at, self._since = timestep, 0

    def _reject(self, timestep, ratio):
        self.rejected += 1
        self.window, self._coefficient = 1, None
        factor = ratio ** (-1 / self.order) if math.isfinite(ratio) else LEAST
        self.suggestion = timestep * min(max(factor, LEAST), 0.9)
        self._just_rejected = True
        if not self.suggestion > SHORTEST * self.duration:
            raise StepTooShort(f"no timestep meets the tolerance {self.tolerance:g}")

    def _grow(self, timestep, ratio):
        factor = MOST
        if ratio > 1e-9:
            factor = ratio ** (-1 / self.order)
            # A step that an output has shortened says nothing about the trend.
            is_chosen = timestep > KEPT_FROM * self.suggestion
            if is_chosen and self._previous and abs(timestep / self._previous[0] - 1) < 0.2:
                before = self._previous[1]
                factor = (ratio**-INTEGRAL * before**PROPORTIONAL) ** (1 / self.order)
        if self._just_rejected:
            factor = min(factor, 1.0)
        unlimited = min(max(factor, LEAST), MOST) * timestep
        if factor > MOST or self._just_rejected:
            # A step that was shortened to end at an output is no measure of longer ones.
            unlimited = max(unlimited, min(self.suggestion, MOST * timestep))
        self._previous, self._just_rejected = (timestep, max(ratio, 1e-9)), False
        if self.has_companion and unlimited > self.stable / 2:
            self.has_companion = not self._is_far_below()
        self.suggestion = min(unlimited, self.longest_allowed())

    def _is_far_below(self):
        """Return whether twice the timestep would still end far below the tolerance."""
        passed = self._elapsed / self.duration
        if passed < 5 * EARLY:
            return False
        predicted = self.error / passed ** (1 + self._exponent())
        return RELEASED * 2**self.order * predicted < self.tolerance

    def record(self):
        """Return the entries of a checkpoint, as JSON can hold them."""
        return dict(vars(self))

    def restore(self, record, keep_limits=False):
        """Continue from a `record`.

        Parameters
        ----------
        record : dict
            See ``record``.
        keep_limits : bool
            Keep the tolerance, the duration and the longest timesteps of this controller: they
            were given new values.
        """
        limits = ("tolerance", "duration", "longest", "stable") if keep_limits else ()
        vars(self).update({name: value for name, value in record.items() if name not in limits})
        if keep_limits:
            self.suggestion = min(self.suggestion, self.longest_allowed())


def checked_tolerance(tolerance):
    """Return a tolerance as a float.

    Raises
    ------
    ParameterError
        If it is not a number from 1e-12 to 1.
    """
    is_number = isinstance(tolerance, (int, float)) and not isinstance(tolerance, bool)
    if not is_number or not SMALLEST_TOLERANCE <= tolerance < 1:
        why = "rounding errors are larger" if is_number and 0 < tolerance < 1 else "it is relative"
        raise ParameterError(
            f"tolerance = {tolerance}: it must be a number from {SMALLEST_TOLERANCE:g} to below 1 "
            f"({why}); write for example tolerance = 1e-6"
        ).within("tolerance")
    return float(tolerance)


def intervals_within(interval, suggestion, timestep, order, longest):
    """Return how many intervals between outputs a step may cover, at least 1.

    The present number is kept while the suggestion stays close to it, as in `even_steps`.

    Parameters
    ----------
    interval : float
        Time between two outputs.
    suggestion, timestep, order, longest
        See `even_steps`.
    """
    before = round(timestep / interval) if timestep else 0
    if before and math.isclose(before * interval, timestep) and timestep <= longest * (1 + 1e-9):
        least, most = (timestep * factor ** (4 / order) for factor in (KEPT_FROM, KEPT_TO))
        if least <= suggestion < most:
            return before
    return max(1, math.floor(min(longest, suggestion / KEPT_FROM ** (4 / order)) / interval))


def even_steps(left, suggestion, timestep=None, number=0, order=4, longest=math.inf):
    """Return (timestep, number) of equal steps that end exactly after the time `left`.

    They may be a little longer than suggested, if fewer are needed then: the controller aims below
    the permitted error. The present timestep is kept while the suggestion stays close to it:
    schemes with exponentials compute these for every new timestep.

    Parameters
    ----------
    left, suggestion : float
    timestep, number : float, int
        The present timestep, and how many of them would follow; 0 if that is not planned.
    order : int
        Of the scheme.
    longest : float
        Longest timestep.
    """
    if timestep and not number:
        whole = round(left / timestep)
        number = whole if abs(whole * timestep - left) <= 1e-15 * left else 0
    if number and timestep * KEPT_FROM ** (4 / order) <= suggestion:
        if number == 1 or suggestion < timestep * KEPT_TO ** (4 / order):
            return timestep, number
    most = max(1 / longest, KEPT_FROM ** (4 / order) / suggestion)
    number = max(1, math.ceil(left * most * (1 - 1e-9)))
    if timestep and abs(timestep * number - left) <= 1e-15 * left:
        return timestep, number
    return left / number, number
