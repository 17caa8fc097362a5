"""Handlers that a script or a run has scheduled, evaluated between fused steps."""


def evaluate_due_handlers(solver, timestep, wall_time, synchronise):
    """Evaluate the handlers that are due; Dedalus's own right-hand side is not evaluated.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    timestep, wall_time : float
        As passed to ``stepper.step``.
    synchronise : callable
        Brings the fields up to date; called only if a handler is due.
    """
    evaluator = solver.evaluator
    schedule = {
        "iteration": solver.iteration,
        "wall_time": wall_time,
        "sim_time": solver.sim_time,
        "timestep": timestep,
    }
    of_right_side = evaluator.groups["F"]
    due = [
        handler
        for handler in evaluator.handlers
        if handler not in of_right_side and handler.check_schedule(**schedule)
    ]
    if due:
        synchronise()
        evaluator.evaluate_handlers(due, **schedule)
