"""Parameters of a problem file as variables: which can be, and how far they are moved."""

import numpy as np

from spinhydro.errors import InputError, ParameterError, unknown_name_message

#: Relative change of a parameter for differences of leaves and spectra.
RELATIVE_STEP = 1e-5


def check_numbers(problem, names):
    """Raise ParameterError unless every name is a parameter of the file with a number."""
    numbers = [n for n, v in problem.parameters.items() if _is_number(v)]
    for name in names:
        if name not in problem.parameters:
            raise ParameterError(unknown_name_message("parameter", name, numbers))
        if not _is_number(problem.parameters[name]):
            raise ParameterError(
                f"{name} is {problem.parameters[name]!r}, not a number: there is no derivative "
                f"with respect to it; numbers: {', '.join(numbers)}"
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


def _is_number(value):
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_))


def step_of(value):
    """The change of a parameter for differences."""
    return RELATIVE_STEP * (abs(value) or 1.0)
