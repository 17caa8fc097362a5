"""Refuse derivatives that do not exist: what a file computes in jumps, or as a root at its zero."""

import numpy as np

from spinhydro.errors import InputError, ParameterError

#: Ratio of two steps whose differences a smooth dependence shares.
WIDER = 16
#: By how much these differences may differ.
ROUGHNESS = 0.05
#: Relative changes at which a dependence without slope is compared: jumps show at the larger one.
LARGE, SMALL = 1e-2, 1e-4


def refuse_jumps(family, tangents):
    """Raise InputError if the leaves change with a parameter, but in jumps.

    Parameters
    ----------
    family : Family
    tangents : list of leaves
        Derivatives of the leaves at the values of the file.
    """
    for i, name in enumerate(family.names):
        if _size(family, tangents[i]) == 0 and _jumps(family, i):
            raise InputError(
                f"the file turns {name} = {family.start[i]:.10g} into a whole number, such as a "
                "number of steps: results change in jumps, and there is no derivative with respect "
                "to it"
            )


def explain_failure(family, tangents):
    """Raise InputError if differences of the leaves depend on their step, after a failed test.

    They do at the zero of a root, and for states that an iteration finds to a tolerance only.
    """
    for i, name in enumerate(family.names):
        try:
            wider = family.tangent(family.start, i, WIDER)
        except ParameterError:
            continue
        size = _size(family, tangents[i])
        change = _size(family, _difference(family, tangents[i], wider))
        if change > ROUGHNESS * size:
            raise InputError(
                f"there is no derivative with respect to {name} at {family.start[i]:.10g}: what "
                f"the file computes from it changes by {change / size:.0%} more or less per unit "
                f"if the change is {WIDER} times larger. This is a root at its zero (a noise at "
                "temperature 0: take a positive value), a whole number that jumps here (a number "
                "of steps), or a state found by iteration (give it a smaller tolerance)"
            )


def _jumps(family, i):
    """Return whether the leaves change for a large change of a parameter and not for a small."""
    size = abs(family.start[i]) or 1.0
    changes = []
    for relative in (LARGE, SMALL):
        moved = family.start.copy()
        moved[i] += relative * size
        try:
            leaves = family.leaves_at(moved)
        except (InputError, ParameterError):
            return False
        changes.append(_size(family, _difference(family, leaves, family.model.leaves)))
    return changes[0] > 0 and changes[1] == 0


def _difference(family, leaves, others):
    def subtract(a, b):
        a, b = np.asarray(a), np.asarray(b)
        return np.zeros(a.shape) if a.dtype == bool else a - b

    return family.model.jax.tree.map(subtract, leaves, others)


def _size(family, leaves):
    """The norm of all leaves."""
    arrays = family.model.jax.tree.leaves(leaves)
    return float(np.sqrt(sum(np.sum(np.abs(a) ** 2) for a in arrays)))
