r"""Accuracy of a timestep for spins in a heat bath.

Schemes for multiplicative noise are of first weak order: the temperature of spins is too low by
a part of the variance of the rotation that noise makes in one step,

.. math::
    \frac{\delta T}{T} = - c\, D\, h, \qquad D = \frac{2 p\, \alpha \gamma k_B T}{\mu},

where D h is the variance of the angle about one axis. The factor c of each scheme was measured on
the simple cubic lattice (12^3, alpha = 0.5, k_B T/J = 0.5, 1.0, 1.4, 2.0) against a heat-bath Monte
Carlo program.

Other averages change by their sensitivity d ln(average)/d ln T times as much. On that lattice the
largest for the energy is 1.4, close to the Curie temperature; for the mean spin it is -0.6 at
k_B T/J = 1, -6 at 1.40 and -9 at 1.43, and it diverges at the Curie point of an infinite lattice.
The same error of the temperature is thus ten times as large in a magnetization near the Curie
point: `thermal_timestep` takes an `error` that is smaller by this factor.

RK4 with the projection "m/sqrt(m@m)" is the cheapest: half the error of Heun's scheme at the same
step, for less than twice the cost, and no growth of undamped waves. SemiImplicit needs no
projection.
"""

import numpy as np
from dedalus.core.field import Operand

from spinhydro.dedalus_support.solver import evaluated
from spinhydro.errors import ParameterError
from spinhydro.steppers.noise import noises_of
from spinhydro.steppers.spin_steppers import is_spin_vector

#: The factor c of each scheme.
NOISE_ERROR = {
    "StochasticHeun": 1.4,
    "RK4": 0.7,
    "IFRK4": 0.7,
    "ETDRK4": 0.7,
    "RKMK4": 0.5,
    "SemiImplicit": 0.45,
    "ImplicitMidpoint": 0.45,
}

#: Largest frequency * timestep at which damped waves have their share of energy to 0.5 %.
WAVE_LIMIT = {"StochasticHeun": 0.1, "SemiImplicit": 0.1}
_USUAL_WAVE_LIMIT = 0.2

#: Error of the temperature from which a run warns.
WARNED = 0.01


def thermal_error(timestepper, diffusion, timestep):
    """Return the relative error of the temperature of spins that noise makes: c D h.

    Parameters
    ----------
    timestepper : str
        One of NOISE_ERROR.
    diffusion : float
        D = 2 p alpha gamma k_B T/mu, the variance of a spin's angle about one axis per unit time.
    timestep : float

    Raises
    ------
    ParameterError
        For a stepper that draws no noise.
    """
    if timestepper not in NOISE_ERROR:
        raise ParameterError(
            f"{timestepper} draws no noise; take one of {', '.join(NOISE_ERROR)}"
        ).within("timestepper")
    return NOISE_ERROR[timestepper] * diffusion * timestep


def thermal_timestep(timestepper, diffusion, frequency=0.0, error=0.005):
    """Return a timestep at which spins in a heat bath have their temperature to `error`.

    Parameters
    ----------
    timestepper : str
        "RK4" (with a projection), "StochasticHeun", "SemiImplicit", …
    diffusion : float
        D = 2 p alpha gamma k_B T/mu with p = 1/(1 + alpha^2), in radians^2 per unit of time.
    frequency : float
        Largest angular frequency of the spins.
    error : float
        Relative error of the temperature; that of energies is up to 1.4 times as large, that of
        the magnetization near the Curie temperature about ten times.

    Raises
    ------
    ParameterError
        For a stepper that draws no noise.
    """
    of_noise = thermal_error(timestepper, diffusion, 1.0) / error
    of_waves = frequency / WAVE_LIMIT.get(timestepper, _USUAL_WAVE_LIMIT)
    # inf without noise and waves.
    with np.errstate(divide="ignore"):
        return 1 / (np.asarray(of_noise + of_waves, dtype=float))[()]


def diffusion_of(solver):
    """Measure D at the present state: the largest of all spin variables; 0 without noise.

    The right-hand side is evaluated with the noise as it is drawn, and without.
    """
    noises = noises_of(solver.problem)
    largest = 0.0
    for equation in solver.problem.equations if noises else ():
        variables = [field for field in solver.state if _advances(equation, field)]
        if not variables or not isinstance(equation["F"], Operand):
            continue
        (variable,) = variables
        if not is_spin_vector(variable) or not any(equation["F"].has(noise) for noise in noises):
            continue
        for noise in noises:
            noise.draw(0, 1.0)
        with_noise = _on_grid(equation["F"])
        for noise in noises:
            noise.preset_layout("g")
            noise.data[...] = 0
            noise.mark_as_changed()
        kicks = with_noise - _on_grid(equation["F"])
        variable.change_scales(1)
        comm = solver.dist.comm
        kick = comm.allreduce(float((kicks**2).sum()))
        length = comm.allreduce(float((variable["g"] ** 2).sum()))
        if length > 0:
            # Two axes are perpendicular to a spin.
            largest = max(largest, kick / (2 * length))
    for noise in noises:
        noise.mark_as_changed()
        noise.draw(int(solver.iteration), 1.0)
    return largest


def _advances(equation, field):
    return hasattr(equation["M"], "has") and equation["M"].has(field)


def _on_grid(operand):
    result = evaluated(operand)
    result.change_scales(1)
    return result["g"].copy()


def accuracy_warning(solver, stepper_name, timestep, unit=""):
    """Return one line for the log if a timestep is not accurate for a heat bath, else ""."""
    if stepper_name not in NOISE_ERROR:
        return ""
    diffusion = diffusion_of(solver)
    error = thermal_error(stepper_name, diffusion, timestep)
    if not error > WARNED:
        return ""
    accurate = timestep * WARNED / error
    return (
        f"warning: accuracy: noise turns spins by {np.sqrt(diffusion * timestep):.2g} rad in a "
        f"step, which lowers their temperature by about {100 * error:.2g} % under {stepper_name}: "
        + f"1 % needs timestep <= {accurate:.2g} {unit}".rstrip()
    )
