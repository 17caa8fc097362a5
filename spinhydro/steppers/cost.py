"""What a run will cost, from the time of an evaluation of the right side at its start."""

import math

#: Schemes that iterate: the number of evaluations per step is not known beforehand.
ITERATES = {"ImplicitMidpoint", "SemiImplicit"}


def cost_line(solver, name, timestep, unit, duration, seconds):
    """Return one line on steps, transforms and the predicted CPU time of a run.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        With its engine.
    name : str
        Of the time stepper.
    timestep, duration : float
    unit : str
        Of time.
    seconds : float
        CPU time of an evaluation of the right side on this rank.
    """
    stepper, steps = solver.timestepper, math.ceil(duration / timestep * (1 - 1e-9))
    stages = getattr(stepper, "stages", 1)
    each = f"{stages} evaluation{'s' * (stages != 1)} of the right side"
    if hasattr(stepper, "right_side"):
        number = stages * sum(stepper.right_side.transforms())
        each += f" and {number} transform{'s' * (number != 1)}"
    least = "at least " if name in ITERATES else ""
    total = steps * stages * seconds
    return (
        f"cost: {steps} steps of {timestep:.6g} {unit}".rstrip()
        + f" with {name}, {least}{each} each; about {least}{total:.2g} s of CPU time"
    )
