"""Random numbers for initial states: reproducible, and different for every member."""

import numpy as np

from spinhydro.errors import ParameterError


def noise(field, seed):
    r"""Independent normal random numbers at every grid point, one set for each member.

    Mean 0 and :math:`\langle |\xi|^2 \rangle = 1`; in complex problems the real and the imaginary
    part have variance 1/2 each. The numbers of member m come from the generator that is seeded with
    (seed, m): they do not depend on the number of ranks nor on how many members there are, and a
    problem without members has those of member 0.

    Parameters
    ----------
    field : Dedalus field
        The numbers have its components and its grid (scales 1).
    seed : int
        0, 1, 2, …

    Returns
    -------
    array
        Of the shape of ``field["g"]`` on this rank.

    Raises
    ------
    ParameterError
        If the seed is not a whole number or negative.

    Examples
    --------
    >>> s["g"] += 1e-3 * spinhydro.noise(s, seed=1)
    """
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or seed < 0:
        raise ParameterError(f"seed = {seed}: it must be a whole number, 0 or more")
    dist = field.dist
    layout, domain = dist.grid_layout, field.domain
    components = tuple(system.dim for system in field.tensorsig)
    shape = [*layout.global_shape(domain, 1)]
    mine = [*layout.slices(domain, 1)]
    axis = getattr(dist, "member_axis", None)
    members = range(1)
    if axis is not None:
        members, shape[axis], mine[axis] = range(shape[axis])[mine[axis]], 1, slice(None)
    result = np.empty((*components, *layout.local_shape(domain, 1)), field.dtype)
    for i, member in enumerate(members):
        random = np.random.default_rng((seed, member))
        numbers = random.standard_normal((*components, *shape))
        if np.iscomplexobj(result):
            numbers = (numbers + 1j * random.standard_normal(numbers.shape)) / np.sqrt(2)
        place = ... if axis is None else (*[slice(None)] * len(components), slice(i, i + 1))
        result[place] = numbers[(..., *mine)]
    return result
