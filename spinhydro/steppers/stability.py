"""The stability limits of time steppers, and the check of a timestep against them.

Explicit terms limit |lambda| timestep by the stability region of the scheme. Schemes that treat
linear terms exactly (IFRK4, ETDRK4, Strang, BlanesMoan4) have a second limit: modes a and b whose
linear phases obey ``(omega_a + omega_b) timestep = 2 pi`` look alike to the scheme, and whatever
couples them then pumps energy from one to the other. The width of such a resonance is the strength
of the coupling, so that

    (largest linear frequency + 1.5 * norm of the explicit part) * timestep < pi

excludes it. (1 suffices for a uniform gas; a state that changes during the run needs a margin.)
"""

import math
from functools import cache

import numpy as np

from spinhydro.errors import ParameterError
from spinhydro.steppers import EXPLICIT, LAST_RESORT, MARGIN, RESONANT, STABILITY_LIMITS
from spinhydro.steppers.frequencies import frequencies_of

#: Part of a limit from which a timestep is refused: frequencies are known to 2 %, from below.
REFUSED = 0.98
#: Linear phase per step below which modes cannot resonate.
SMALL_PHASE = 0.5


@cache
def _limit_along(angle):
    """Largest |z| in the direction `angle` at which the classical scheme of order 4 is stable."""
    sizes = np.linspace(0.05, 3, 2951)
    z = sizes * np.exp(1j * angle)
    growth = np.abs(1 + z * (1 + z / 2 * (1 + z / 3 * (1 + z / 4))))
    unstable = np.flatnonzero(growth > 1 + 1e-9)
    return float(sizes[unstable[0]]) if unstable.size else 3.0


def explicit_limit(stepper_name, value):
    """Return the largest stable |lambda| timestep for an eigenvalue lambda of the explicit part.

    The limit of undamped oscillation; for schemes with the stability region of the classical one,
    that of the eigenvalue's own direction (2.83 for oscillation, 2.79 for decay).
    """
    limit = STABILITY_LIMITS.get(stepper_name, LAST_RESORT.get(stepper_name))
    if stepper_name not in ("RK4", "RKMK4", "IFRK4") or value == 0:
        return limit
    # Growth is physics: a growing mode limits the timestep like an oscillation.
    angle = math.atan2(abs(value.imag), min(value.real, 0.0))
    return min(_limit_along(min(math.ceil(50 * angle) / 50, math.pi)), limit)


class StabilityCheck:
    """A timestep against the limits of its stepper.

    Parameters
    ----------
    found : Frequencies
    stepper_name : str
    timestep : float
    unit : str
        Of time.

    Attributes
    ----------
    fraction : float
        Explicit part: timestep over the largest stable one.
    phase : float or None
        Linear phase per step plus coupling, for schemes that can resonate.
    largest_safe : float
        Largest timestep that is neither unstable nor resonant, with a margin of 5 %.
    """

    def __init__(self, found, stepper_name, timestep, unit=""):
        self.found, self.name, self.timestep = found, stepper_name, timestep
        self.unit = f"rad/{unit or 'time'}"
        self.limit = explicit_limit(stepper_name, 1j)
        limits = [abs(v) / explicit_limit(stepper_name, v) for v in found.values.tolist()]
        rate = max(limits, default=0.0)
        self.fraction, largest = rate * timestep, [0.95 / rate] if rate else []
        self.phase = None
        if stepper_name in RESONANT and np.isfinite(found.linear):
            together = found.linear + MARGIN * found.coupling
            if found.linear * timestep > SMALL_PHASE or np.isinf(self.limit):
                self.phase = together * timestep
            largest += [max(0.95 * math.pi, SMALL_PHASE) / together] if found.linear else []
        self.largest_safe = min(largest, default=math.inf)

    @property
    def is_unstable(self):
        """Return whether the explicit part is beyond its limit."""
        return self.fraction > REFUSED

    @property
    def may_resonate(self):
        """Return whether linear modes may resonate with the timestep."""
        return self.phase is not None and self.phase >= math.pi * REFUSED

    def line(self):
        """Return one line for the log."""
        found, step = self.found, self.timestep
        product = f"omega dt = {found.explicit * step:.3g}, limit {self.limit:.3g}"
        part, share = "", self.fraction
        if self.phase is not None:
            share = max(share, self.phase / math.pi)
            part = f"linear phase and coupling {self.phase / math.pi:.2g} pi per step, limit pi; "
        if np.isinf(self.limit):
            product = f"right side exact, {found.explicit * step:.3g} rad per step"
        elif part or self.name not in EXPLICIT:
            product = f"explicit part: {product}"
        line = (
            f"stability: timestep at {100 * share:.3g} % of the {self.name} stability limit "
            f"({part}{product}; fastest oscillation {found.whole:.4g} {self.unit})"
        )
        if self.may_resonate:
            line = (
                f"warning: {line}. Fast waves may resonate with the timestep and grow until the "
                f"state is not finite; largest safe timestep: {self.largest_safe:.3g}"
            )
        return line

    def refusal(self, unit):
        """Return the message for a timestep that is refused."""
        return (
            f"timestep = {self.timestep:g} {unit}".rstrip()
            + f" is unstable: it is at {100 * self.fraction:.3g} % of the {self.name} stability "
            f"limit (omega dt = {self.found.explicit * self.timestep:.3g}, limit {self.limit:.3g}; "
            f"fastest oscillation {self.found.whole:.4g} {self.unit}). Largest safe timestep: "
            f"{self.largest_safe:.3g}. Take that, fewer grid points, or --force to run all the same"
        )


def check_timestep(solver, stepper_name, timestep, unit="", force=False):
    """Compare a timestep with the stability limits of its stepper, at the present state.

    Returns
    -------
    str
        One line for the log.

    Raises
    ------
    ParameterError
        If the timestep is beyond the limit of explicit terms and `force` is not set; gives the
        largest safe value.
    """
    found = frequencies_of(solver, explicit_linear=stepper_name in EXPLICIT)
    if found is None:
        return "stability: could not be checked at the initial state"
    if STABILITY_LIMITS.get(stepper_name, LAST_RESORT.get(stepper_name)) is None:
        return (
            f"stability: no limit is known for {stepper_name} (explicit part: omega dt = "
            f"{found.explicit * timestep:.3g}; fastest oscillation {found.whole:.4g} "
            f"rad/{unit or 'time'})"
        )
    check = StabilityCheck(found, stepper_name, timestep, unit)
    if check.is_unstable and not force:
        raise ParameterError(check.refusal(unit))
    return check.line()
