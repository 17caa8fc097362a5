"""Saving and restoring the state of a time stepper between steps."""

import numpy as np
from dedalus.core.timesteppers import MultistepIMEX

from spinhydro.errors import InputError

#: Histories of Dedalus's multistep schemes: deques of systems of coefficients.
_HISTORIES = ("MX", "LX", "F")


def state_record(solver, copy=True):
    """Return everything that the next step depends on beside fields, time and iteration.

    With the fields in coefficient space, ``solver.sim_time``, ``solver.iteration`` and this record
    a run continues with the same bytes (see `restore`):

    * one-step schemes of Dedalus and of spinhydro need nothing;
    * multistep schemes: history and past timesteps;
    * spin schemes: which variables are spins;
    * the fused engine: its own form of the state (spectra or grid values), and whether its step is
      compiled;
    * noise depends on seed, stream, iteration and cell alone, so the iteration restores it.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    copy : bool
        Whether the arrays are independent of the solver. Otherwise large ones are those of the
        solver itself and change at its next step.

    Returns
    -------
    dict of str to array
        Plain numerical arrays of this rank, and "scheme" as a 0-d string array.
    """
    settle_engine(solver)
    stepper = solver.timestepper
    record = {"scheme": np.array(_scheme(stepper))}
    if hasattr(stepper, "state_record"):
        record |= stepper.state_record()
    elif isinstance(stepper, MultistepIMEX):
        record |= {
            f"{name}/{i}": system.data
            for name in _HISTORIES
            for i, system in enumerate(getattr(stepper, name))
        }
        record |= {"timesteps": np.array(stepper.dt), "taken": np.array(stepper._iteration)}
    return {name: np.array(values) for name, values in record.items()} if copy else record


def restore(solver, record):
    """Continue where `state_record` was taken.

    Call it after fields, time and iteration are restored.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        Of the same problem, scheme, engine and number of ranks as the one that was recorded.
    record : dict of str to array

    Raises
    ------
    InputError
        If the record is of another scheme, or of arrays of another shape.
    """
    settle_engine(solver)
    stepper = solver.timestepper
    scheme = _scheme(stepper)
    if str(record["scheme"]) != scheme:
        raise InputError(
            f"the checkpoint is of {record['scheme']} and the solver steps with {scheme}: resume "
            "with the same time stepper and engine"
        )
    if hasattr(stepper, "restore"):
        stepper.restore(record)
    elif isinstance(stepper, MultistepIMEX):
        for name in _HISTORIES:
            for i, system in enumerate(getattr(stepper, name)):
                copy_into(system.data, record, f"{name}/{i}")
        stepper.dt.clear()
        stepper.dt.extend(record["timesteps"].tolist())
        stepper._iteration = int(record["taken"])
        # The matrices of the next step are factored again.
        stepper._LHS_params = None


def settle_engine(solver):
    """Choose the engine now if that was left to the first step (`spinhydro.accelerate`)."""
    if hasattr(solver.timestepper, "choose"):
        solver.timestepper.choose()


def copy_into(target, record, name):
    """Copy an array of a record; raise InputError if the shapes or kinds differ."""
    values = record.get(name)
    if values is None or np.shape(values) != target.shape or values.dtype != target.dtype:
        found = "nothing" if values is None else f"{values.dtype} {np.shape(values)}"
        raise InputError(
            f"the checkpoint holds {found} for '{name}', and {target.dtype} {target.shape} is "
            "needed: resume with the same problem and number of ranks"
        )
    np.copyto(target, values)


def _scheme(stepper):
    return type(stepper).__name__
