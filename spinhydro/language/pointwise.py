"""Functions of the grid values of fields, for exact solutions and profiles in strings."""

import dedalus.public as d3
import numpy as np
from dedalus.core.arithmetic import GhostBroadcaster


def pointwise(function, *arguments, like):
    """``function(a, b, …)`` of the grid values of fields, as an operand for strings.

    Parameters
    ----------
    function : callable
        Takes arrays, one for each argument, that broadcast against each other (a constant field
        such as time has length 1 along every axis); returns an array of the shape of `like`, spin
        components first.
    *arguments : fields or operands
    like : field
        The result has its bases and components.

    Examples
    --------
    >>> Z_exact = pointwise(lambda kappa_n, t: -np.cos(Omega_R * t) + 0 * kappa_n, kappa_n, t,
    ...                     like=kappa_n)
    """

    dist = like.dist
    casts = [
        GhostBroadcaster(argument.domain, dist.grid_layout, np.array(like.domain.nonconstant))
        for argument in arguments
    ]

    def evaluate(*fields):
        # A constant field is stored on one rank only.
        return function(*(cast.cast(f) for cast, f in zip(casts, fields, strict=True)))

    evaluate.__name__ = getattr(function, "__name__", "pointwise")
    return d3.GeneralFunction(
        dist, like.domain, like.tensorsig, like.dtype, "g", evaluate, args=list(arguments)
    )
