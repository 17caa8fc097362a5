"""Random numbers for initial states: reproducible, and different for every member."""

import weakref

import numpy as np

from spinhydro.dedalus_support.ensemble.values import PerMember, current
from spinhydro.errors import ParameterError

#: For each distributor (hence for each problem) and seed: the fields that have had noise.
_noisy = weakref.WeakKeyDictionary()


def initial_noise(field, seed):
    r"""Independent normal random numbers at every grid point, one set for each member.

    Mean 0 and :math:`\langle \lvert\xi\rvert^2 \rangle = 1`; in complex problems the real and the
    imaginary part have variance 1/2 each. The numbers of member m come from the generator that is
    seeded with (seed, m): they do not depend on the number of ranks nor on how many members there
    are, and a problem without members has those of member 0. Fields of one problem that share a
    seed have independent noise: the second such field has the generator of (seed, m, 1), and so on.

    Parameters
    ----------
    field : Dedalus field
        The numbers have its components and its grid (scales 1).
    seed : int or per_member
        0, 1, 2, … A member with its own seed has the numbers of member 0 of that seed: equal seeds,
        equal noise.

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
    >>> s["g"] += 1e-3 * spinhydro.initial_noise(s, seed=1)
    """
    own = isinstance(seed, PerMember)
    for one in seed.values.tolist() if own else [seed]:
        _check_seed(one)
    dist = field.dist
    number = _number_of(field, tuple(seed.values.tolist()) if own else seed)
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
        entropy = (seed.values[member], 0) if own else (seed, member)
        random = np.random.default_rng((*entropy, number) if number else entropy)
        numbers = random.standard_normal((*components, *shape))
        if np.iscomplexobj(result):
            numbers = (numbers + 1j * random.standard_normal(numbers.shape)) / np.sqrt(2)
        place = ... if axis is None else (*[slice(None)] * len(components), slice(i, i + 1))
        result[place] = numbers[(..., *mine)]
    return result


def _number_of(field, seed):
    """Number of a field among those of its problem that have had noise of this seed."""
    known = _noisy.setdefault(field.dist, {}).setdefault(seed, [])
    for number, reference in enumerate(known):
        if reference() is field:
            return number
    known.append(weakref.ref(field))
    return len(known) - 1


def random_generator(seed):
    """``np.random.default_rng(seed)``, or one generator for each member of an ensemble.

    Parameters
    ----------
    seed : int or per_member
        0, 1, 2, … Member m has the generator of (seed, m), or of its own seed if it has one;
        member 0 has that of ``default_rng(seed)``.

    Returns
    -------
    np.random.Generator, or an object with its methods
        The methods of the latter return arrays (members of this rank, …).

    Examples
    --------
    >>> phase = 2 * pi * spinhydro.random_generator(seed).random(Nx)
    """
    ensemble = current()
    if ensemble.size is None:
        _check_seed(seed)
        return np.random.default_rng(seed)
    seeds = seed.values.tolist() if isinstance(seed, PerMember) else [seed] * ensemble.size
    for one in seeds:
        _check_seed(one)
    if not isinstance(seed, PerMember):
        seeds = [(seed, member) for member in range(ensemble.size)]
    mine = ensemble.dist.local_members(np.arange(ensemble.size)).ravel()
    return _Generators([np.random.default_rng(seeds[member]) for member in mine])


class _Generators:
    """One generator for each member of this rank."""

    def __init__(self, generators):
        self.generators = generators

    def __getattr__(self, name):
        def draw(*arguments, **options):
            return np.stack([getattr(g, name)(*arguments, **options) for g in self.generators])

        return draw


def _check_seed(seed):
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or seed < 0:
        raise ParameterError(f"seed = {seed}: it must be a whole number, 0 or more")
