"""Parameters of a problem file as variables: which can be, and how far they are moved."""

import numpy as np

from spinhydro.errors import InputError, ParameterError, shown, unknown_name_message
from spinhydro.problem.source_file import read_source

#: Parameters that set the course of the calculation, not the model.
FROZEN = ("timestep", "stop_time", "output_interval", "seed", "members")
#: Relative change of a parameter for differences of leaves and spectra.
RELATIVE_STEP = 1e-5


def free_numbers(problem):
    """Names of the parameters of a file with respect to which there may be a derivative."""
    return [
        name
        for name, value in problem.parameters.items()
        if _is_number(value) and not _is_whole(problem, name) and name not in FROZEN
    ]


def check_numbers(problem, names):
    """Raise ParameterError unless every name is a parameter that can take any number."""
    free = free_numbers(problem)
    for name in names:
        if name not in problem.parameters:
            raise ParameterError(unknown_name_message("parameter", name, free))
        value = problem.parameters[name]
        if name in FROZEN:
            reason = f"{name} belongs to the calculation, which is kept as it is"
        elif not _is_number(value):
            reason = f"{name} is {shown(value)}, not a number"
        elif _is_whole(problem, name):
            reason = (
                f"{name} = {value} is a whole number (if it may be any number, write "
                f"{name} = {float(value)} in the file)"
            )
        else:
            continue
        raise ParameterError(
            f"{reason}: there is no derivative with respect to it; numbers: {', '.join(free)}"
        )


def check_moved(problem, name, value):
    """Raise ParameterError if a parameter did not take a new value that is not whole."""
    found = problem.namespace[name]
    if not abs(float(found) - value) <= 1e-3 * step_of(value):
        raise ParameterError(
            f"{name} is a whole number or follows from others in the file ({name} = {found} in "
            f"place of {value:.10g}): there is no derivative with respect to it"
        )


def fixed_timestep(problem):
    """Return the timestep of a problem file.

    Raises InputError if the file sets none, or one that changes during a run.
    """
    timestep = problem.declared("timestep")
    if timestep is None:
        raise InputError(f"{problem.path} sets no timestep: type timestep=NUMBER")
    if not _is_number(timestep):
        raise InputError(
            f"timestep = {timestep!r}: derivatives are those of a run with a fixed timestep; type "
            "timestep=NUMBER"
        )
    return float(timestep)


def initial_time(problem):
    """Return the time at the start of a run, which a file may set with ``t["g"]``."""
    return float(problem.ivp.time.allreduce_data_max(layout="g"))


def _is_number(value):
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def _is_whole(problem, name):
    """True if a parameter is a whole number in the file; Omega_R=4 may be one by chance."""
    if not isinstance(problem.parameters[name], (int, np.integer)):
        return False
    if name not in problem.overrides:
        return True
    defaults = [a.value for a in read_source(problem.path).assignments if a.name == name]
    return any(isinstance(getattr(value, "value", None), int) for value in defaults)


def step_of(value):
    """The change of a parameter for differences."""
    return RELATIVE_STEP * (abs(value) or 1.0)
