"""The stability limits of time steppers, and the check of a timestep against them.

Explicit terms limit |lambda| timestep by the stability region of the scheme. Schemes that treat
linear terms exactly (IFRK4, ETDRK4, Strang, BlanesMoan4) have a second limit: modes a and b whose
linear phases obey ``(omega_a + omega_b) timestep = 2 pi`` look alike to the scheme, and whatever
couples them then pumps energy from one to the other. The width of such a resonance is the strength
of the coupling, so that

    (largest linear frequency + 1.5 * norm of the explicit part) * timestep < pi

excludes it. (1 suffices for a uniform gas; a state that changes during the run needs a margin.)
The resonances of splitting schemes are known exactly: see ``spinhydro.steppers.resonance``. There,
a spectral truncation lowers the largest linear frequency.
"""

import math
from functools import cache, cached_property

import numpy as np

from spinhydro.errors import ParameterError
from spinhydro.steppers import (
    EXPLICIT,
    IMPLICIT_LIMITS,
    LAST_RESORT,
    MARGIN,
    RESONANT,
    SPLITTING,
    STABILITY_LIMITS,
    rk8,
)
from spinhydro.steppers.cost import cost_line
from spinhydro.steppers.frequencies import frequencies_of
from spinhydro.steppers.resonance import largest_phase, safe_timestep

#: Part of a limit from which a timestep is refused: frequencies are known to 2 %, from below.
REFUSED = 0.98
#: Part of the limit of resonance at which a truncation aims, and trials to find it.
AIM, _MOST_TRIALS = 0.97, 4
#: Linear phase per step below which modes cannot resonate.
SMALL_PHASE = 0.5


#: The exponential series to order 4.
_FOURTH_ORDER = tuple(1 / math.factorial(n) for n in range(5))
#: Coefficients of 1, z, z^2, … in the growth factors of schemes.
_GROWTH_FACTORS = {
    "RK4": _FOURTH_ORDER,
    "RKMK4": _FOURTH_ORDER,
    "IFRK4": _FOURTH_ORDER,
    "LowStorageRK4": (*_FOURTH_ORDER, 1 / 200),
    "RK8": rk8.growth_factor(),
}
#: The same for schemes under which undamped waves grow, if slowly at short timesteps.
_GROWING = {"SemiImplicit": (1, 1, 1 / 2), "StochasticHeun": (1, 1, 1 / 2)}
#: Growth of waves over a run that is reported: by a factor of 10.
_MOST_GROWTH = math.log(10)
#: Largest |z| at which growth factors are examined.
_FARTHEST = 8.0


@cache
def _limit_along(angle, stepper_name):
    """Largest |z| in the direction `angle` at which a scheme is stable."""
    sizes = np.linspace(0.05, _FARTHEST, 7951)
    growth = np.abs(
        np.polynomial.Polynomial(_GROWTH_FACTORS[stepper_name])(sizes * np.exp(1j * angle))
    )
    unstable = np.flatnonzero(growth > 1 + 1e-9)
    return float(sizes[unstable[0]]) if unstable.size else _FARTHEST


def explicit_limit(stepper_name, value):
    """Return the largest stable |lambda| timestep for an eigenvalue lambda of the explicit part.

    The limit of undamped oscillation; for explicit Runge-Kutta schemes of known growth factor that
    of the eigenvalue's own direction (for RK4 2.83 for oscillation, 2.79 for decay).
    """
    limit = STABILITY_LIMITS.get(stepper_name, LAST_RESORT.get(stepper_name))
    if stepper_name not in _GROWTH_FACTORS or value == 0:
        return limit
    # Growth is physics: a growing mode limits the timestep like an oscillation.
    angle = math.atan2(abs(value.imag), min(value.real, 0.0))
    along = _limit_along(min(math.ceil(50 * angle) / 50, math.pi), stepper_name)
    return min(along, limit)


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
    """

    def __init__(self, found, stepper_name, timestep, unit="", duration=math.inf):
        self.found, self.name, self.timestep = found, stepper_name, timestep
        self.unit = f"rad/{unit or 'time'}"
        self.limit = explicit_limit(stepper_name, 1j)
        limits = [abs(v) / explicit_limit(stepper_name, v) for v in found.values.tolist()]
        rate = max(limits, default=0.0)
        if stepper_name in IMPLICIT_LIMITS and np.isfinite(found.linear):
            rate = max(rate, found.linear / IMPLICIT_LIMITS[stepper_name])
        self.fraction = rate * timestep
        self._duration, self._largest = duration, [0.95 / rate] if rate else []
        self.growth = self._growth_with(timestep)
        self.phase, self.largest_phase = None, math.pi
        if stepper_name in SPLITTING and np.isfinite(found.linear):
            scheme = SPLITTING[stepper_name].drifts, SPLITTING[stepper_name].rotations
            # J of a uniform gas has the norm 2 g n.
            coupling, self.phase = MARGIN * found.coupling / 2, found.linear * timestep
            steps = max(duration / timestep, 1.0)
            self.largest_phase = largest_phase(*scheme, coupling * timestep, steps)
        elif stepper_name in RESONANT and np.isfinite(found.linear):
            together = found.linear + MARGIN * found.coupling
            if found.linear * timestep > SMALL_PHASE:
                self.phase = together * timestep
            if found.linear:
                self._largest.append(max(0.95 * math.pi, SMALL_PHASE) / together)

    def _growth_with(self, timestep):
        """Return the logarithm of the growth of waves over the run, for schemes that have one."""
        if self.name not in _GROWING or not timestep:
            return 0.0
        factors = np.polynomial.Polynomial(_GROWING[self.name])(self.found.values * timestep)
        # Growth that the equations have by themselves is physics.
        own = np.maximum(self.found.values.real, 0) * timestep
        with np.errstate(divide="ignore"):
            rate = float(np.max(np.log(np.abs(factors)) - own, initial=0.0))
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
    def is_unstable(self):
        """Return whether the explicit part is beyond its limit."""
        return self.fraction > REFUSED

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
        product = f"omega dt = {found.explicit * step:.3g}, limit {self.limit:.3g}"
        part, share = "", self.fraction
        if self.phase is not None:
            share = max(share, self.phase / self.largest_phase)
            what = "linear phase" if self.name in SPLITTING else "linear phase and coupling"
            limit = self.largest_phase / math.pi
            limit = "pi" if limit == 1 else f"{limit:.3g} pi"
            part = f"{what} {self.phase / math.pi:.2g} pi per step, limit {limit}; "
        if np.isinf(self.limit):
            product = f"right side exact, {found.explicit * step:.3g} rad per step"
        elif part or self.name not in EXPLICIT:
            product = f"explicit part: {product}{self._implicit_part()}"
        line = (
            f"stability: timestep at {100 * share:.3g} % of the {self.name} stability limit "
            f"({part}{product}; fastest oscillation {found.whole:.4g} {self.unit})"
        )
        if self.may_resonate:
            return (
                f"warning: {line}. Fast waves may resonate with the timestep and grow until the "
                f"state is not finite; largest safe timestep: {self.largest_safe:.3g}"
            )
        if self.grows:
            other = "RKMK4" if self.name == "SemiImplicit" else "RK4"
            return (
                f"warning: {line}. Undamped waves grow by (omega dt)^4/8 per step with "
                f"{self.name}, over this run by a factor of {_power(self.growth)}; largest step "
                f"for a factor of 10: {self.largest_of_small_growth:.3g}. Take that, or "
                f"timestepper = '{other}'"
            )
        return line + proviso

    def _implicit_part(self):
        """Return the limit of oscillating terms that are treated implicitly, if there is one."""
        if self.name not in IMPLICIT_LIMITS or not self.found.linear > 0:
            return ""
        product, limit = self.found.linear * self.timestep, IMPLICIT_LIMITS[self.name]
        return f"; implicit oscillations: {product:.3g}, limit {limit:g}"

    def refusal(self, unit):
        """Return the message for a timestep that is refused."""
        return (
            f"timestep = {self.timestep:g} {unit}".rstrip()
            + f" is unstable: it is at {100 * self.fraction:.3g} % of the {self.name} stability "
            f"limit (omega dt = {self.found.explicit * self.timestep:.3g}, limit {self.limit:.3g}"
            f"{self._implicit_part()}; fastest oscillation {self.found.whole:.4g} {self.unit}). "
            f"Largest safe timestep: {self.largest_safe:.3g}. Take that, fewer grid points, or "
            "--force to run all the same"
        )


def _power(logarithm):
    """Return exp(logarithm) as text, which may be too large for a number."""
    return f"{math.exp(logarithm):.2g}" if logarithm < 700 else f"1e{logarithm / math.log(10):.0f}"


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
    found = frequencies_of(solver, explicit_linear=stepper_name in EXPLICIT)
    if found is None:
        return "stability: could not be checked at the initial state"
    cost = ""
    if math.isfinite(duration):
        cost = "\n" + cost_line(solver, stepper_name, timestep, unit, duration, found.seconds)
    if STABILITY_LIMITS.get(stepper_name, LAST_RESORT.get(stepper_name)) is None:
        return (
            f"stability: no limit is known for {stepper_name} (explicit part: omega dt = "
            f"{found.explicit * timestep:.3g}; fastest oscillation {found.whole:.4g} "
            f"rad/{unit or 'time'}){cost}"
        )
    check = StabilityCheck(found, stepper_name, timestep, unit, duration)
    if check.is_unstable and not force:
        raise ParameterError(check.refusal(unit))
    return check.line(proviso) + cost


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
