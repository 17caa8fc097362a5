"""Tensor components of fields."""

from math import prod


def count(field):
    """Return the number of tensor components of a field."""
    return prod(system.dim for system in field.tensorsig)


def by_component(field, data):
    """Return a view of data of a field, which may hold no point on this rank, by component."""
    return data.reshape(count(field), *data.shape[len(field.tensorsig) :])
