"""Equations without a time derivative: constraints and gauge conditions."""


def is_constraint(equation):
    """Return whether an equation of a problem has no ``dt(…)`` term."""
    return not hasattr(equation["M"], "atoms")
