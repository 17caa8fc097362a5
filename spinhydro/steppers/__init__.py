"""Time steppers that ``problem.build_solver`` accepts, and their stability limits.

| name | order | stable for frequency * timestep up to |
|---|---|---|
| RK4 | 4 | 2.83 (classical, everything explicit) |
| RK8 | 8 | 5.96 (everything explicit, 12 stages; where accuracy limits the timestep) |
| LowStorageRK4 | 4 | 3.34 (everything explicit, 5 stages; fewer arrays than RK4) |
| WaveRK4 | 4 | 6.91 (everything explicit, 8 stages; for undamped waves) |
| IFRK4 | 4 | 2.83 in the right side; the left side is exact, see its docstring |
| ETDRK4 | 4 | 0.97 in the right side, 2.56 if both sides rotate alike; the left is exact |
| Strang | 2 | any; both sides are exact, see ``spinhydro.steppers.splitting`` |
| BlanesMoan4 | 4 | any; both sides are exact |
| BlanesMoan6 | 6 | any; both sides are exact |
| RK443 | 3 | 1.57 in the explicit part, 1.38 if the implicit part rotates against it |
| RKSMR | 3 | 1.73 without an implicit part, else 1.08 to 1.21 |
| RKMK4 | 4 | 2.83 |
| ImplicitMidpoint | 2 | any (3.5: beyond, its iteration may not converge) |
| SemiImplicit, StochasticHeun | 2 | none (1): waves grow by (frequency * timestep)^4/8 per step |
| SBDF3 | 3 | 0.63 in the explicit part, 0.2 for oscillating terms of the implicit part |
| RK43, IFRK43, ETDRK43 | 4 | as RK4, IFRK4, ETDRK4: adaptive timesteps, see `PairSteps` |
| RK853, WaveRK43, RKMK43 | 8, 4, 4 | as RK8, WaveRK4, RKMK4: adaptive timesteps |
| AdaptiveBlanesMoan4 | 4 | as BlanesMoan4: adaptive timesteps |
| RK222, SBDF2, … | 2 | none for undamped waves: usable over short times only |

Limits are those of pure oscillation, d/dt = i omega, measured; those in brackets are refused.
Oscillation that is damped has other limits, and schemes that treat linear terms implicitly or
exactly have limits that depend on them: see ``spinhydro.steppers.growth_factors``.
IFRK4, ETDRK4 and the splitting schemes are also limited by the resonance of fast waves with the
timestep: see ``spinhydro.steppers.stability`` and ``spinhydro.steppers.resonance``.

RKMK4, ImplicitMidpoint and SemiImplicit rotate spins, and keep their length to rounding without a
projection; see ``spinhydro.steppers.spin_steppers``. ImplicitMidpoint also conserves energies that
are quadratic in the spins, and M_z where there is axial symmetry.

RK4, IFRK4, ETDRK4, StochasticHeun and the schemes that rotate spins draw noise
(``spinhydro.white_noise``), the others do not. For spins in a heat bath take RK4 with the
projection ``"m/sqrt(m@m)"`` and the timestep of ``spinhydro.thermal_timestep``; see
``spinhydro.steppers.accuracy``. For a stochastic Gross-Pitaevskii equation take IFRK4, with the
kinetic energy on the left side.
"""

import numpy as np
from dedalus.core import timesteppers

from spinhydro.errors import ParameterError, unknown_name_message
from spinhydro.steppers.constraints import is_constraint
from spinhydro.steppers.etdrk4 import ETDRK4
from spinhydro.steppers.ifrk4 import IFRK4
from spinhydro.steppers.low_storage import LowStorageRK4, WaveRK4
from spinhydro.steppers.noise import check_bases, noises_of
from spinhydro.steppers.pair_steps import PairSteps
from spinhydro.steppers.pairs import (
    ETDRK43,
    IFRK43,
    PAIRS,
    RK43,
    RK853,
    RKMK43,
    AdaptiveBlanesMoan4,
    WaveRK43,
)
from spinhydro.steppers.rk4 import RK4
from spinhydro.steppers.rk8 import RK8
from spinhydro.steppers.spin_steppers import (
    RKMK4,
    ImplicitMidpoint,
    SemiImplicit,
    is_spin_vector,
)
from spinhydro.steppers.splitting import BlanesMoan4, BlanesMoan6, Strang
from spinhydro.steppers.stochastic_heun import StochasticHeun

#: Largest omega * timestep of undamped oscillation in the explicit part.
STABILITY_LIMITS = {
    "RK4": 2.83,
    "RK8": 5.96,
    "LowStorageRK4": 3.34,
    "WaveRK4": 6.91,
    "IFRK4": 2.83,
    "ETDRK4": 0.97,
    "RKMK4": 2.83,
    "Strang": np.inf,
    "BlanesMoan4": np.inf,
    "BlanesMoan6": np.inf,
    "RK443": 1.57,
    "RKSMR": 1.73,
    "SBDF3": 0.63,
}
STABILITY_LIMITS |= {pair.__name__: STABILITY_LIMITS[main] for main, pair in PAIRS.items()}


#: Steppers without such a limit, and the product at which a run is refused: an
#: undamped wave then grows by an eighth in every step, or the implicit iteration may not converge:
#: it fails from 4 on for large waves of many lengths, and from 6.5 on for weak ones.
LAST_RESORT = {"SemiImplicit": 1.0, "StochasticHeun": 1.0, "ImplicitMidpoint": 3.5}

_OWN = {
    stepper.__name__: stepper
    for stepper in (
        RK4, IFRK4, ETDRK4, RKMK4, ImplicitMidpoint, SemiImplicit, StochasticHeun, Strang,
        BlanesMoan4, BlanesMoan6, RK8, LowStorageRK4, WaveRK4, *PAIRS.values(),
    )
}  # fmt: skip

#: Splitting schemes, by name.
SPLITTING = {stepper.__name__: stepper for stepper in (Strang, BlanesMoan4, BlanesMoan6)}

#: Steppers that treat linear terms on the left side exactly, so that their waves can resonate.
RESONANT = {"IFRK4", "ETDRK4", "IFRK43", "ETDRK43", "AdaptiveBlanesMoan4", *SPLITTING}

#: Rotation g n timestep, in radians, at which a splitting scheme has errors of some 1e-8.
ACCURATE_ROTATION = {"BlanesMoan4": 0.6, "BlanesMoan6": 0.6}

#: Factor of the coupling in the limit of resonance.
MARGIN = 1.5

#: Orders without noise; see docs/schemes.md for measured ones. Multistep schemes start with a step
#: of order 1, which leaves order 2. RKSMR has order 3 if nothing is on the left side.
ORDERS = {
    "RK4": 4, "RK8": 8, "LowStorageRK4": 4, "WaveRK4": 4, "IFRK4": 4, "ETDRK4": 4, "RKMK4": 4,
    "ImplicitMidpoint": 2, "SemiImplicit": 2,
    "StochasticHeun": 2, "Strang": 2, "BlanesMoan4": 4, "BlanesMoan6": 6, "RK111": 1, "RK222": 2,
    "RK443": 3, "RKSMR": 2, "SBDF1": 1, "SBDF2": 2, "SBDF3": 2, "SBDF4": 2,
    "CNAB1": 1, "CNAB2": 2, "MCNAB2": 2, "CNLF2": 2,
}  # fmt: skip

#: Steppers that treat the left side of equations explicitly too.
EXPLICIT = set(_OWN) - RESONANT

__all__ = [
    "AdaptiveBlanesMoan4",
    "BlanesMoan4",
    "BlanesMoan6",
    "ETDRK4",
    "ETDRK43",
    "EXPLICIT",
    "IFRK4",
    "IFRK43",
    "LAST_RESORT",
    "MARGIN",
    "ORDERS",
    "PAIRS",
    "RESONANT",
    "RK4",
    "RK43",
    "RK8",
    "RK853",
    "RKMK4",
    "RKMK43",
    "SPLITTING",
    "STABILITY_LIMITS",
    "ImplicitMidpoint",
    "LowStorageRK4",
    "SemiImplicit",
    "StochasticHeun",
    "Strang",
    "WaveRK4",
    "WaveRK43",
    "all_steppers",
    "check_no_noise",
    "check_noise",
    "find_pair",
    "find_stepper",
    "stable_timestep",
]


def stable_timestep(timestepper, frequency, coupling=None, longest=np.inf):
    r"""Return a timestep that is safe for waves of a frequency.

    Explicit schemes: 0.88 of the stability limit. Schemes that treat the left side exactly (IFRK4,
    ETDRK4, Strang): 0.88 of the limit of the coupling, and 0.95 of the resonance,
    :math:`(\omega + 1.5\, C)\, h < \pi`. BlanesMoan4 and BlanesMoan6: accuracy,
    :math:`C h/2 < 0.6`, which gives a gas some 1e-8; the run truncates faster waves than can be
    advanced with that (see ``truncate``), about those beyond three inverse healing lengths.

    Parameters
    ----------
    timestepper : str
        "RK4", "RK443", …; 0.3 / frequency for steppers without a limit in the table above.
    frequency : float
        Largest angular frequency of the linear terms: hbar k_max^2 / 2m for spin waves.
    coupling : float, optional
        Largest rate of the terms on the right side, 2 g n / hbar for a gas. Without it, these
        schemes get 0.75 pi / frequency, which leaves a quarter of the resonance to it.
    longest : float
        Longest timestep, however slow the problem is.
    """
    limit = STABILITY_LIMITS.get(timestepper, 0.34)
    if timestepper not in RESONANT:
        rate = frequency + (0 if coupling is None else coupling)
        return np.minimum(longest, 0.88 * limit / rate)
    if coupling is None:
        return np.minimum(longest, 0.75 * np.pi / frequency)
    if timestepper in ACCURATE_ROTATION:
        half = np.maximum(coupling, 1e-300) / 2
        return np.minimum(longest, ACCURATE_ROTATION[timestepper] / half)
    explicit = 0.88 * limit / np.maximum(coupling, 1e-300)
    resonance = 0.95 * np.pi / (frequency + MARGIN * coupling)
    return np.minimum(longest, np.minimum(resonance, explicit))


def check_noise(ivp, stepper):
    """Check that a stepper draws the noise of a problem, and the bases of spins that it turns.

    Raises
    ------
    ParameterError
        If the problem has noise and the stepper does not draw any.
    InputError
        If noise turns spins on bases that drop modes.
    """
    noises = noises_of(ivp)
    for equation in ivp.equations if noises else ():
        if hasattr(equation["F"], "has") and equation["F"].has(*noises):
            for variable in filter(is_spin_vector, ivp.variables):
                if hasattr(equation["M"], "has") and equation["M"].has(variable):
                    check_bases(variable)
    if noises and any(is_constraint(equation) for equation in ivp.equations):
        raise ParameterError(
            f"the equations hold '{noises[0].name}', and some have no dt(…) term: no stepper takes "
            "both. Leave out the noise and take timestepper = 'RK443', or eliminate the variables "
            "without a time derivative"
        ).within("timestepper")
    if noises and not getattr(stepper, "draws_noise", False):
        raise ParameterError(
            f"{stepper.__name__} draws no noise, and the equations hold "
            f"'{noises[0].name}'; take timestepper = 'StochasticHeun' (or one of "
            f"{', '.join(_noisy(ivp))})"
        ).within("timestepper")


def check_no_noise(ivp):
    """Raise ParameterError if a problem for which adaptive timesteps are asked has noise."""
    noises = noises_of(ivp)
    if noises:
        raise ParameterError(
            "adaptive timesteps: their strong order with noise is not known, and the equations "
            f"hold '{noises[0].name}'; give a timestep, no tolerance, and one of the timesteppers "
            f"{', '.join(_noisy(ivp))}"
        ).within("timestep")


def _noisy(ivp):
    """Return the names of the steppers that draw the noise of a problem, which may lack spins."""
    turns_spins = any(map(is_spin_vector, ivp.variables))
    return [
        name
        for name, known in _OWN.items()
        if known.draws_noise and (turns_spins or not hasattr(known, "find_spins"))
    ]


def find_pair(stepper):
    """Return the adaptive form of a stepper class.

    Raises ParameterError for a stepper that has no embedded pair.
    """
    if issubclass(stepper, PairSteps):
        return stepper
    if stepper.__name__ not in PAIRS or PAIRS[stepper.__name__].main is not stepper:
        raise ParameterError(
            f"{stepper.__name__} has no embedded pair, which a tolerance and timestep = 'auto' "
            f"need; take timestepper = {', '.join(map(repr, PAIRS))}"
        ).within("timestepper")
    return PAIRS[stepper.__name__]


def all_steppers():
    """Return ``{name: class}`` of all steppers: ours first, then Dedalus's."""
    return {**_OWN, **{name: s for name, s in timesteppers.schemes.items() if name not in _OWN}}


def find_stepper(name):
    """Return the stepper class of a name (or the class itself): ours first, then Dedalus's.

    Raises ParameterError for an unknown name.
    """
    if isinstance(name, type) and hasattr(name, "stages"):
        return name
    known = all_steppers()
    if name not in known:
        raise ParameterError(unknown_name_message("timestepper", name, sorted(known))).within(
            "timestepper"
        )
    return known[name]
