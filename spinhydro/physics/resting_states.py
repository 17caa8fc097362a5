"""Relaxed states of one execution of a problem file, from which other executions continue.

A relaxation stops at a tolerance, and where it stops jumps with the parameters of the file. The
state at rest, to rounding, is a smooth function of them: its derivative is that of the implicit
function theorem. Executions at neighbouring parameters start from it, and stay on its branch.
"""

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import numpy as np

from spinhydro.errors import InputError

#: Relative change of a torque or a spin that is none.
UNCHANGED = 1e-7

_current = ContextVar("resting states", default=None)


@dataclass(frozen=True)
class RestingState:
    """A relaxed state.

    Attributes
    ----------
    spins : array
    is_at_rest : bool
        Whether it is at rest to rounding; otherwise it is where the tolerance has stopped it.
    guess : array
        The state from which it was found.
    gradient : array
        Damping direction that is left.
    torque : float
        Largest |m x H| of the guess.
    longest : float
        Longest step on the way: longer ones would follow rounding along soft modes.
    """

    spins: np.ndarray
    is_at_rest: bool
    guess: np.ndarray
    gradient: np.ndarray
    torque: float
    longest: float

    def check_unchanged(self, guess, gradient):
        """Raise InputError if a state that is not at rest depends on what has changed."""
        change = np.abs(gradient - self.gradient).max(initial=0.0)
        if change > UNCHANGED * self.torque or np.abs(guess - self.guess).max() > UNCHANGED:
            left = np.sqrt((self.gradient**2).sum(axis=1)).max()
            raise InputError(
                "the relaxed state depends on it, and is not at rest to rounding (|m x H| = "
                f"{left / self.torque:.0e} of that of the guess): it jumps where the tolerance "
                "stops it; give relax(problem, tolerance) a smaller tolerance or a finer grid"
            )


class RestingStates:
    """The relaxed states of an execution, in the order of the relaxations.

    Parameters
    ----------
    earlier : sequence of RestingState, optional
        Of an execution at neighbouring parameters.
    """

    def __init__(self, earlier=None):
        self.found = []
        self._earlier = earlier

    def next_start(self):
        """Return the earlier state of the next relaxation, None without one."""
        if self._earlier is None:
            return None
        number = len(self.found)
        if number == len(self._earlier):
            raise InputError("the number of relaxations in the file changes with its parameters")
        return self._earlier[number]


@contextmanager
def relaxed_to_rest(earlier=None):
    """Context whose relaxations go on to rounding, from earlier states if there are any.

    Yields
    ------
    RestingStates
    """
    states = RestingStates(earlier)
    token = _current.set(states)
    try:
        yield states
    finally:
        _current.reset(token)


def resting_states():
    """Return the RestingStates that a relaxation extends; None if the tolerance is enough."""
    return _current.get()
