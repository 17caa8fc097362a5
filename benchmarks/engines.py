"""The engines of spinhydro, and Dedalus alone, as competitors."""

import dedalus.public as d3
import numpy as np

from benchmarks.measure import Competitor
from spinhydro.engines.choose import build_solver
from spinhydro.engines.fused import FUSED
from spinhydro.engines.lean import make_lean
from spinhydro.run.loop import FINITE_CADENCE


def engines(make, stepper, timestep, stock="RK443"):
    """Fused (compiled, and NumPy alone), lean, tuned Dedalus with the same scheme, and with RK443.

    Parameters
    ----------
    make : callable()
        A new problem in its initial state.
    stepper : type
    timestep : float
    """
    found = [
        competitor("spinhydro", make, stepper, timestep, compiled=True),
        competitor("spinhydro, NumPy alone", make, stepper, timestep, compiled=False),
        competitor("spinhydro, lean engine", make, stepper, timestep, lean=True),
        competitor(f"Dedalus, tuned, {stepper.__name__}", make, stepper, timestep),
    ]
    if stock:
        scheme = getattr(d3, stock)
        found.append(competitor(f"Dedalus, tuned, {stock}", make, scheme, timestep))
        found[-1].same_scheme = False
    return found


def take_steps(solver, timestep, steps):
    """Steps as the run loop takes them: several in one call where the engine can."""
    while steps:
        ahead = getattr(solver.timestepper, "can_batch", False)
        number = min(steps, FINITE_CADENCE) if ahead else 1
        if number > 1:
            solver.timestepper.step_many(timestep, number)
        else:
            solver.step(timestep)
        steps -= number


def competitor(name, make, stepper, timestep, compiled=None, lean=False):
    """One engine: fused if `compiled` is given, lean, or Dedalus's own."""
    problem = make()
    solver = build_solver(problem, stepper)
    fused = None
    if compiled is not None:
        fused = FUSED[stepper](solver, compiled=compiled)
        fused.sync_on_request = True
        solver.timestepper = fused
        solver.enforce_real_cadence = None
    elif lean:
        make_lean(solver)

    def advance(steps):
        take_steps(solver, timestep, steps)

    def state():
        if fused:
            fused.synchronise()
        values = []
        for variable in solver.state:
            variable.change_scales(1)
            values.append(variable["g"].reshape(-1, *variable["g"].shape[-problem.dist.dim :]))
        return np.concatenate(values)

    initial = [variable["c"].copy() for variable in solver.state]

    def reset():
        for variable, coefficients in zip(solver.state, initial, strict=True):
            variable["c"] = coefficients
        solver.sim_time = 0
        if fused:
            fused.read_again()

    return Competitor(name, advance, state, reset=reset)
