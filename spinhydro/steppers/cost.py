"""What a run will cost, from the time of a step, or of an evaluation of the right side."""

import math

from mpi4py import MPI

from spinhydro.errors import NotConvergedError

#: Schemes that iterate: the number of evaluations per step is not known beforehand.
ITERATES = {"ImplicitMidpoint"}

#: CPU seconds for a measurement of compiled steps, the longest step that is measured, and the
#: largest number of steps.
MEASURED, LONGEST, MOST = 0.005, 0.05, 50
#: CPU seconds that a run spends around a step that it takes by itself, and around ten in one call.
AROUND, AROUND_TEN = 4e-5, 6e-5


def seconds_per_step(solver, timestep, seconds):
    """Return the CPU time of a step on this rank.

    Short steps are measured, since the calls around the loops of an evaluation cost more than
    these; so are steps of which only the rates are compiled. Other long steps cost what their
    evaluations cost.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        Before its first step.
    timestep : float
    seconds : float
        CPU time of an evaluation of the right side on this rank.
    """
    stepper, comm = solver.timestepper, solver.dist.comm
    of_evaluations = getattr(stepper, "stages", 1) * seconds
    if not hasattr(stepper, "time_steps") or solver.iteration != solver.initial_iteration:
        return of_evaluations
    # All ranks take the same steps.
    if stepper.compiles_steps and comm.allreduce(of_evaluations, op=MPI.MAX) > LONGEST:
        return of_evaluations
    try:
        first = comm.allreduce(stepper.time_steps(timestep, 1), op=MPI.MAX)
        number = min(max(1, int(MEASURED / max(first, 1e-6))), MOST)
        return min(stepper.time_steps(timestep, number), first)
    except NotConvergedError:
        return of_evaluations


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
    native = getattr(stepper, "native", None)
    around = AROUND_TEN / 10 if native and native.can_batch else AROUND
    total = steps * (seconds_per_step(solver, timestep, seconds) + around)
    return (
        f"cost: {steps} step{'s' * (steps != 1)} of {timestep:.6g} {unit}".rstrip()
        + f" with {name}, {least}{each} each; about {total:.2g} s of CPU time"
    )
