"""Time steppers that ``problem.build_solver`` accepts, and how far each is stable.

| name | order | stable for frequency * timestep up to |
|---|---|---|
| RK4 | 4 | 2.83 (classical, everything explicit) |
| IFRK4 | 4 | 2.83 in the right side; the left side is exact, see its docstring |
| RK443 | 3 | 1.57 in the explicit part, any in the implicit part |
| RKSMR | 3 | 1.73 |
| SBDF3 | 3 | 0.63 |
| RK222, SBDF2, … | 2 | none for undamped waves: usable over short times only |

Limits are those of pure oscillation, d/dt = i omega, measured.
"""

from dedalus.core import timesteppers

from spinhydro.errors import ParameterError, no_such
from spinhydro.steppers.ifrk4 import IFRK4
from spinhydro.steppers.rk4 import RK4

#: Largest omega * timestep of undamped oscillation in the explicit part.
STABILITY_LIMITS = {"RK4": 2.83, "IFRK4": 2.83, "RK443": 1.57, "RKSMR": 1.73, "SBDF3": 0.63}

_OWN = {"RK4": RK4, "IFRK4": IFRK4}

__all__ = ["IFRK4", "RK4", "STABILITY_LIMITS", "find_stepper", "stable_timestep"]


def stable_timestep(timestepper, frequency):
    """A timestep that is safe for explicit terms: 0.88 of the limit of the stepper.

    Parameters
    ----------
    timestepper : str
        "RK4", "RK443", …; 0.3 / frequency for steppers that have no limit in the table above.
    frequency : float
        The largest angular frequency of the problem: hbar k_max^2 / 2m for spin waves.
    """
    return 0.88 * STABILITY_LIMITS.get(timestepper, 0.34) / frequency


def find_stepper(name):
    """The class for a name, or for a class itself: ours first, then Dedalus's.

    Raises ParameterError for an unknown name.
    """
    if isinstance(name, type) and hasattr(name, "stages"):
        return name
    known = {**timesteppers.schemes, **_OWN}
    if name not in known:
        raise ParameterError(no_such("timestepper", name, sorted(known))).within("timestepper")
    return known[name]
