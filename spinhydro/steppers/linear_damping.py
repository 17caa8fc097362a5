"""Damping by the linear terms that a stepper treats exactly."""

import math

import numpy as np
from mpi4py import MPI


def largest_damping(stepper, comm):
    """Return the largest rate of decay of linear terms, from their diagonal.

    Parameters
    ----------
    stepper : IFRK43
        On any engine.
    comm : MPI communicator
    """
    if hasattr(stepper, "linear_row"):
        found = [
            np.max(np.real(values))
            for row in range(len(stepper.state))
            for column, values in stepper.linear_row(row)
            if column == row
        ]
    else:
        found = [
            -np.min(np.einsum("bii->bi", rates).real)
            for blocks in stepper.linear_rates.values()
            for rates, _ in blocks
        ]
    return comm.allreduce(float(max(found, default=0.0)), op=MPI.MAX)


def longest_undone(stepper):
    """Return the longest time for which factors that undo the linear terms are bounded, by e."""
    damping = largest_damping(stepper, stepper.solver.dist.comm)
    return 1 / damping if damping > 0 else math.inf
