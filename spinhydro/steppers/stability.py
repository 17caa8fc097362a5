"""The stability limits of time steppers, and the check of a timestep against them.

Explicit terms limit |lambda| timestep by the stability region of the scheme. Schemes that treat
linear terms exactly (IFRK4, ETDRK4, Strang, BlanesMoan4) have a second limit: modes a and b whose
linear phases obey ``(omega_a + omega_b) timestep = 2 pi`` look alike to the scheme, and whatever
couples them then pumps energy from one to the other. The width of such a resonance is the strength
of the coupling, so that

    (largest linear frequency + 1.5 * norm of the explicit part) * timestep < pi

excludes it. (1 suffices for a uniform gas; a state that changes during the run needs a margin.)
Modes that are damped faster than the coupling could feed them do not count.
Schemes that treat the linear terms otherwise than the others are examined with both at once: for
each of the fastest waves of the explicit part, with linear terms of all frequencies of the problem,
the growth of a step must be small (``spinhydro.steppers.growth_factors``). The resonances of
splitting schemes are known exactly: see ``spinhydro.steppers.resonance``. There, a spectral
truncation lowers the largest linear frequency.
"""

import math
from functools import cached_property

import numpy as np

from spinhydro.errors import ParameterError
from spinhydro.steppers import (
    EXPLICIT,
    LAST_RESORT,
    MARGIN,
    RESONANT,
    SPLITTING,
    STABILITY_LIMITS,
)
from spinhydro.steppers.cost import cost_line
from spinhydro.steppers.frequencies import Frequencies, frequencies_of
from spinhydro.steppers.growth_factors import POLYNOMIALS, has_step_matrix, limits_along
from spinhydro.steppers.resonance import largest_phase, safe_timestep
from spinhydro.steppers.step_growth import SMALL_PHASE, StepGrowth

#: Part of a limit from which a timestep is refused: frequencies are known to 2 %, from below.
REFUSED = 0.98
#: Part of the limit of resonance at which a truncation aims, and trials to find it.
AIM, _MOST_TRIALS = 0.97, 4
#: Ratio of the frequencies of neighbours among the modes that represent all.
_BETWEEN_MODES = 1.3
#: No scheme has a limit of explicit terms below: linear terms decide.
_NO_LIMIT = 0.03
#: Growth of amplitudes up to the limit of which a line tells.
_ROOM = 1.5


#: Growth of waves over a run that is reported: by a factor of 10.
_MOST_GROWTH = math.log(10)
#: Growth of one step, as a logarithm, at which the limit of a scheme is: of one that is stable
#: without linear terms, and of another, which may run for a short time.
WEAK, STRONG = 5e-3, math.log(9 / 8)


def explicit_limit(stepper_name, value):
    """Return the largest stable |lambda| timestep for an eigenvalue lambda of the explicit part.

    That of the eigenvalue's own direction, without linear terms that are treated otherwise (for RK4
    2.83 for oscillation, 2.79 for decay); None if it is not known.
    """
    values = np.array([complex(value)])
    if stepper_name in LAST_RESORT:
        return LAST_RESORT[stepper_name]
    if stepper_name in POLYNOMIALS:
        return float(limits_along(values, stepper_name)[0])
    if has_step_matrix(stepper_name) and value:
        found = Frequencies(values, 0.0, 0.0, 0.0)
        return abs(value) / StabilityCheck(found, stepper_name, 1.0).fraction
    return STABILITY_LIMITS.get(stepper_name)


def is_known(stepper_name):
    """Return whether the limits of a stepper are known."""
    return stepper_name in {**STABILITY_LIMITS, **LAST_RESORT} or has_step_matrix(stepper_name)


def resonating_frequency(found):
    """Return the frequency of the fastest linear mode that can resonate with a timestep.

    A resonance feeds its modes at the rate of the coupling, at most: those that are damped faster
    do not grow.

    Parameters
    ----------
    found : Frequencies
        With some eigenvalues of the linear terms as `modes`, else all modes count.
    """
    if found.modes is None:
        return found.linear
    weak = found.modes[-found.modes.real < MARGIN * found.coupling]
    return min(found.linear, _BETWEEN_MODES * float(np.abs(weak.imag).max(initial=0)))


class StabilityCheck:
    """A timestep against the limits of its stepper.

    Parameters
    ----------
    found : Frequencies
    stepper_name : str
    timestep : float
    unit : str
        Of time.
    duration : float
        Length of the run, which decides how much a weak resonance may grow.

    Attributes
    ----------
    fraction : float
        Explicit part: timestep over the largest stable one.
    phase : float or None
        Linear phase per step, for schemes that can resonate; for IFRK4 and ETDRK4 plus coupling.
    largest_phase : float
        Where resonances begin.
    growth : float
        Logarithm of the factor by which waves grow over the run because of the scheme.
    in_motion : float
        As `fraction`, for waves of finite size in a complex field. About a gas at rest the terms of
        density and phase nearly cancel, so that small waves are slower than those that follow.
    """

    def __init__(self, found, stepper_name, timestep, unit="", duration=math.inf):
        self.found, self.name, self.timestep = found, stepper_name, timestep
        self.unit = f"rad/{unit or 'time'}"
        self._steps = StepGrowth(found, stepper_name) if has_step_matrix(stepper_name) else None
        self._deciding = found.explicit
        rate = self._rate()
        self.fraction = rate * timestep
        self._duration, self._largest = duration, [0.95 / rate] if rate else []
        self.growth = self._growth_with(timestep)
        self.in_motion = 0.0
        if stepper_name in POLYNOMIALS and stepper_name not in LAST_RESORT and found.extent:
            in_motion = found.extent / STABILITY_LIMITS[stepper_name]
            self.in_motion = in_motion * timestep
            self._largest.append(0.95 / in_motion)
        self.phase, self.largest_phase = None, math.pi
        if stepper_name in SPLITTING and np.isfinite(found.linear):
            scheme = SPLITTING[stepper_name].drifts, SPLITTING[stepper_name].rotations
            # J of a uniform gas has the norm 2 g n.
            coupling, self.phase = MARGIN * found.coupling / 2, found.linear * timestep
            steps = max(duration / timestep, 1.0) if timestep else math.inf
            self.largest_phase = largest_phase(*scheme, coupling * timestep, steps)
        elif stepper_name in RESONANT and np.isfinite(found.linear):
            resonating = resonating_frequency(found)
            together = resonating + MARGIN * found.coupling
            # Where all linear phases are small, the schemes are those of the whole equation.
            whole = found.whole / STABILITY_LIMITS["IFRK4"]
            if resonating * timestep > SMALL_PHASE:
                self.phase = together * timestep
            elif found.linear * timestep <= SMALL_PHASE and whole * timestep > self.fraction:
                self.fraction, self._deciding = whole * timestep, found.whole
            if resonating:
                # All modes may grow, and none of them oscillate.
                slow = min(SMALL_PHASE / resonating, 0.95 / whole if whole else math.inf)
                self._largest.append(max(0.95 * math.pi / together, slow))

    def _rate(self):
        """Return the inverse of the largest stable timestep of the explicit part, or 0."""
        found, name = self.found, self.name
        if name in SPLITTING or not found.values.size:
            return 0.0
        if name in POLYNOMIALS or name in LAST_RESORT:
            sizes = np.abs(found.values)
            limits = LAST_RESORT.get(name) or limits_along(found.values, name)
            self._deciding = float(sizes[np.argmax(sizes / limits)])
            return float(np.max(sizes / limits))
        limit = STABILITY_LIMITS.get(name)
        if self._steps is None:
            return found.explicit / limit if limit else 0.0
        self._deciding = max(found.explicit, found.extent)
        if self._steps.couples_components:
            self._deciding = found.whole
        return self._steps.rate(STRONG if limit is None else WEAK)

    def _growth_with(self, timestep):
        """Return the logarithm of the growth of waves over the run, for schemes that have one."""
        if not timestep:
            return 0.0
        if self._steps is not None:
            rate = self._steps.per_step(timestep)
        elif self.name in ("SemiImplicit", "StochasticHeun"):
            factors = np.polyval(POLYNOMIALS[self.name][::-1], self.found.values * timestep)
            # Growth that the equations have by themselves is physics.
            own = np.maximum(self.found.values.real, 0) * timestep
            with np.errstate(divide="ignore"):
                rate = float(np.max(np.log(np.abs(factors)) - own, initial=0.0))
        else:
            return 0.0
        return rate * max(self._duration / timestep, 1.0) if rate > 0 else 0.0

    @cached_property
    def largest_of_small_growth(self):
        """Return the largest timestep with which waves grow by no more than a factor of 10."""
        low, high = 0.0, self.timestep
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (
                (middle, high) if self._growth_with(middle) < _MOST_GROWTH else (low, middle)
            )
        return low

    @cached_property
    def largest_safe(self):
        """Return the largest timestep that is neither unstable nor resonant, less 5 %."""
        largest, found = list(self._largest), self.found
        if self.name in SPLITTING and np.isfinite(found.linear) and found.linear:
            scheme = SPLITTING[self.name].drifts, SPLITTING[self.name].rotations
            coupling = MARGIN * found.coupling / 2
            safe = safe_timestep(*scheme, found.linear, coupling, self._duration)
            largest.append(0.95 * safe)
        return min(largest, default=math.inf)

    @property
    def share(self):
        """Return the timestep over the limit that is closest, of all kinds of limits."""
        phase = 0.0 if self.phase is None else self.phase / self.largest_phase
        return max(self.fraction, phase, self.in_motion)

    @property
    def is_unstable(self):
        """Return whether the explicit part is beyond its limit."""
        return self.fraction > REFUSED

    @property
    def is_beyond(self):
        """Return whether the timestep is beyond a limit of any kind."""
        return self.is_unstable or self.may_resonate or self.in_motion > 1

    @property
    def is_meaningless(self):
        """Return whether a splitting scheme resonates, and turns phases by more than a full turn.

        Its commutators of the linear part with the rotations are then far from small.
        """
        turns = self.found.explicit * self.timestep > 2 * math.pi
        return self.name in SPLITTING and turns and self.may_resonate

    @property
    def may_resonate(self):
        """Return whether linear modes may resonate with the timestep."""
        return self.phase is not None and self.phase >= self.largest_phase * REFUSED

    @property
    def grows(self):
        """Return whether the scheme makes waves grow by more than a factor of 10 over the run."""
        return self.growth > _MOST_GROWTH and math.isfinite(self._duration)

    def line(self, proviso=""):
        """Return one line for the log; `proviso` says while what it holds."""
        found, step = self.found, self.timestep
        product = self._product()
        part, share = "", self.fraction
        if self.phase is not None:
            share = max(share, self.phase / self.largest_phase)
            what = "linear phase" if self.name in SPLITTING else "linear phase and coupling"
            limit = self.largest_phase / math.pi
            limit = "pi" if limit == 1 else f"{limit:.3g} pi"
            part = f"{what} {self.phase / math.pi:.2g} pi per step, limit {limit}; "
        if self.name in SPLITTING:
            product = f"right side exact, {found.explicit * step:.3g} rad per step"
        elif part or self.name not in EXPLICIT:
            is_coupled = self._steps is not None and self._steps.couples_components
            terms = "all terms" if is_coupled else "explicit part"
            product = product if product.startswith("linear") else f"{terms}: {product}"
        line = (
            f"stability: timestep at {100 * share:.3g} % of the {self.name} stability limit "
            f"({part}{product}; fastest oscillation {found.whole:.4g} {self.unit})"
        )
        if self.may_resonate:
            return (
                f"warning: {line}. Fast waves may resonate with the timestep and grow until the "
                f"state is not finite; largest safe timestep: {self.largest_safe:.3g}"
            )
        if self.in_motion > 1:
            return (
                f"warning: {line}. That is the limit of small waves about this state: waves of "
                f"finite size have frequencies of up to {found.extent:.4g} {self.unit}, and are at "
                f"{100 * self.in_motion:.3g} % of it; largest safe timestep: "
                f"{self.largest_safe:.3g}"
            )
        if self.grows:
            other = {"SemiImplicit": "RKMK4", "StochasticHeun": "RK4", "IFRK4": "ETDRK4"}
            return (
                f"warning: {line}. Undamped waves grow by a factor of "
                f"{_power(self.growth * self.timestep / self._duration, 4)} per step with "
                f"{self.name}, over this run by {_power(self.growth)}; largest timestep for a "
                f"factor of 10: {self.largest_of_small_growth:.3g}. Take that, or timestepper = "
                f"'{other.get(self.name, 'IFRK4')}'"
            )
        return line + self._room() + proviso

    def _room(self):
        """Return by how much amplitudes may grow before a gas passes the limit, if it is little.

        The term g |u|^2 u gives frequencies of 2 g n, and b = g n.
        """
        nonlinear = 2 * self.found.pair[1]
        if not nonlinear or not self.fraction:
            return ""
        others = max(self.found.explicit, self.found.extent)
        room = math.sqrt(1 + (1 / self.fraction - 1) * others / nonlinear)
        if room > _ROOM:
            return ""
        return f", for amplitudes below {room:.3g} times those of the start"

    def _product(self):
        """Return the product that decides, of the wave closest to its limit, and the limit."""
        product, text = self._deciding * self.timestep, "omega dt"
        limit = LAST_RESORT.get(self.name, STABILITY_LIMITS.get(self.name, math.inf))
        if self.fraction and product:
            limit = product / self.fraction
        if self.fraction and limit < _NO_LIMIT and self.found.linear > 0:
            product, text = self.found.linear * self.timestep, "linear terms: omega dt"
            limit = product / self.fraction
        return f"{text} = {product:.3g}" + (f", limit {limit:.3g}" if limit < math.inf else "")

    def refusal(self, unit, has_left_side=False):
        """Return the message for a timestep that is refused."""
        is_explicit = has_left_side and self.name in EXPLICIT
        exact = "a stepper that takes the left side exactly (timestepper=ETDRK4 or IFRK4), "
        ways = exact if is_explicit else ""
        if self.is_meaningless:
            return (
                f"timestep = {self.timestep:g} {unit}".rstrip()
                + f" is too long for {self.name}: the right side turns phases by "
                f"{self.found.explicit * self.timestep:.3g} rad per step, and linear waves by "
                f"{self.phase:.3g} rad, where they resonate from {self.largest_phase:.3g} rad on. "
                f"Largest safe timestep: {self.largest_safe:.3g}. Take that, or --force to run all "
                "the same"
            )
        return (
            f"timestep = {self.timestep:g} {unit}".rstrip()
            + f" is unstable: it is at {100 * self.fraction:.3g} % of the {self.name} stability "
            f"limit ({self._product()}; fastest oscillation {self.found.whole:.4g} {self.unit}). "
            f"Largest safe timestep: {self.largest_safe:.3g}. Take that, fewer grid points, "
            f"{ways}or --force to run all the same"
        )


def _power(logarithm, digits=2):
    """Return exp(logarithm) as text, which may be too large for a number."""
    if logarithm < 700:
        return f"{math.exp(logarithm):.{digits}g}"
    return f"1e{logarithm / math.log(10):.0f}"


def check_timestep(
    solver, stepper_name, timestep, unit="", force=False, duration=math.inf, proviso=""
):
    """Compare a timestep with the stability limits of its stepper, at the present state.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    stepper_name : str
    timestep : float
    unit : str
        Of time.
    force : bool
    duration : float
        Length of the run.
    proviso : str
        Appended to the line: while what the limits hold.

    Returns
    -------
    str
        One line for the log; a second one on the cost, if the duration is finite.

    Raises
    ------
    ParameterError
        If the timestep is beyond the limit of explicit terms and `force` is not set; gives the
        largest safe value.
    """
    return examine_timestep(solver, stepper_name, timestep, unit, force, duration, proviso)[0]


def examine_timestep(
    solver, stepper_name, timestep, unit="", force=False, duration=math.inf, proviso=""
):
    """Compare a timestep with the stability limits, as `check_timestep` does.

    Returns
    -------
    (str, StabilityCheck or None)
        The lines of `check_timestep`, and the comparison; None if no limit is known.
    """
    found = frequencies_for(solver, stepper_name)
    if found is None:
        return "stability: could not be checked at the initial state", None
    check = None
    if is_known(stepper_name):
        check = StabilityCheck(found, stepper_name, timestep, unit, duration)
        if (check.is_unstable or check.is_meaningless) and not force:
            left = any(hasattr(one["L"], "tensorsig") for one in solver.problem.equations)
            raise ParameterError(check.refusal(unit, left))
        line = check.line(proviso)
    else:
        line = (
            f"stability: no limit is known for {stepper_name} (explicit part: omega dt = "
            f"{found.explicit * timestep:.3g}; fastest oscillation {found.whole:.4g} "
            f"rad/{unit or 'time'})"
        )
    if math.isfinite(duration):
        cost = cost_line(solver, stepper_name, timestep, unit, duration, found.seconds)
        line = f"{line}\n{cost}"
    return line, check


def compare_timestep(solver, stepper_name, timestep, unit="", duration=math.inf):
    """Return the `StabilityCheck` of a timestep at the present state; None if nothing is known."""
    found = frequencies_for(solver, stepper_name)
    return found and StabilityCheck(found, stepper_name, timestep, unit, duration)


def frequencies_for(solver, stepper_name):
    """Return the `Frequencies` of the present state that limit a time stepper, or None.

    The solver's stepper must treat the left side as that one does.
    """
    # Pairs of waves limit the schemes that treat linear terms exactly.
    return frequencies_of(
        solver, stepper_name in EXPLICIT, with_modes=has_step_matrix(stepper_name),
        with_components=stepper_name not in RESONANT,
    )  # fmt: skip


def fraction_without_resonance(solver, stepper_name, timestep, duration=math.inf):
    """Return the fraction of wavenumbers below which no wave resonates with a timestep.

    Truncates the solver's time stepper to it; 1 if all modes may be kept, or if nothing is known.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        With a splitting scheme.
    """
    fraction = 1.0
    for _ in range(_MOST_TRIALS):
        found = frequencies_of(solver, explicit_linear=False)
        if found is None:
            return fraction
        check = StabilityCheck(found, stepper_name, timestep, duration=duration)
        if not check.may_resonate:
            return fraction
        # Frequencies of short waves grow with the square of the wavenumber.
        ratio = math.sqrt(AIM * check.largest_phase / check.phase)
        fraction = max(math.floor(fraction * ratio * 1000) / 1000, 0.001)
        solver.timestepper.truncate(fraction)
    return fraction
