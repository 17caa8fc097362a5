"""Kernels and stencils that have a name."""

import inspect
from typing import NamedTuple

from spinhydro.errors import ParameterError, did_you_mean, unknown_name_message
from spinhydro.kernels.parameters import check_parameters


class Kind(NamedTuple):
    """A named kernel or stencil: its constructor, formula, and parameters."""

    make: object
    formula: str
    usage: str


def make(what, kinds, name, parameters):
    """Return the kernel or stencil (`what`) of that name in a table of kinds.

    Raises
    ------
    ParameterError
        For an unknown name or parameter, or a missing one.
    """
    if not isinstance(name, str) or name not in kinds:
        raise ParameterError(unknown_name_message(what, name, kinds))
    kind = kinds[name]
    known = inspect.signature(kind.make).parameters
    for parameter in parameters:
        if parameter not in known:
            raise ParameterError(
                f"the {what} {name} has no parameter '{parameter}'; "
                + did_you_mean(parameter, known, f"it takes {kind.usage}")
            )
    defaults = {
        parameter: entry.default
        for parameter, entry in known.items()
        if entry.default is not entry.empty
    }
    check_parameters(f"the {what} {name}", parameters, defaults)
    try:
        return kind.make(**parameters)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise ParameterError(f"the {what} {name} takes {kind.usage}") from None
