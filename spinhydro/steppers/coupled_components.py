"""The explicit part at single points, and linear terms, as matrices between real components.

A gas as two real fields, u and v for psi = u + i v, has J = 2 g n [[0, 0], [-1, 0]] at rest: all of
its eigenvalues are 0. Together with linear terms that turn u into v, a step may still grow.
"""

import numpy as np


def coupled_components(rates, linear, modes, comm):
    """Return J at some points and A of some modes.

    Parameters
    ----------
    rates : FusedRates or StockRates
        Of real fields.
    linear : linear part of `rates`
    modes : int
        Number of modes on a rank, from the slowest to the fastest.
    comm : MPI communicator

    Returns
    -------
    (array (points, r, r), array (modes, r, r)) or None
        J where its norm and where its eigenvalues are largest. None for a single component, and if
        the explicit part at a point depends on the state elsewhere or is not finite.
    """
    local = rates.matrices_at_points(comm)
    if local is None:
        return None
    found = []
    for block in local[1]:
        norms = np.einsum("ijp,ijp->p", block, block)
        squares = np.abs(np.einsum("ijp,jip->p", block, block))
        found += [(sizes.max(), block[:, :, sizes.argmax()]) for sizes in (norms, squares)]
    gathered = comm.allgather(found)
    points = []
    for kind in range(2):
        candidates = [entry for entries in gathered for entry in entries[kind::2]]
        points.append(max(candidates, key=lambda entry: entry[0])[1])
    points = np.array(points)
    if points.shape[-1] == 1 or not np.isfinite(points).all():
        return None
    return points, np.concatenate(comm.allgather(linear.some_blocks(modes)))
