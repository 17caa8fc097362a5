"""Rules for parameters, checked where a function of the library needs them."""

import numpy as np

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.errors import ParameterError


def check(holds, why, **values):
    """Raise ParameterError unless a rule holds, for every member of an ensemble.

    Parameters
    ----------
    holds : bool or PerMember
        The rule, ``(R_x > 0) & (L_x > R_x)``.
    why : str
        What is wrong and what is allowed.
    **values
        The parameters that the rule is about, for the message.

    Examples
    --------
    >>> check(alpha >= 0, "the damping alpha cannot be negative", alpha=alpha)
    """
    where = ""
    if isinstance(holds, PerMember):
        broken = np.flatnonzero(~holds.values.astype(bool))
        if not broken.size:
            return
        where = f" in member {broken[0]}"
        values = {
            name: value.values[broken[0]].item() if isinstance(value, PerMember) else value
            for name, value in values.items()
        }
    elif holds:
        return
    given = ", ".join(f"{name} = {_text(value)}" for name, value in values.items())
    raise ParameterError(f"{given}{where}: {why}")


def check_choice(name, value, allowed):
    """Raise ParameterError unless a text is one of those allowed."""
    *most, last = allowed
    check(value in allowed, f"{name} must be {', '.join(most)} or {last}", **{name: value})


def every(condition):
    """True if a condition holds, for all members of an ensemble."""
    return bool(np.all(getattr(condition, "values", condition)))


def some(condition):
    """True if a condition holds, for at least one member of an ensemble."""
    return bool(np.any(getattr(condition, "values", condition)))


def _text(value):
    return f"{value:.6g}" if isinstance(value, (float, np.floating)) else value
