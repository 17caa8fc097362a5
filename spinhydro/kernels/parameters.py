"""Allowed values of the parameters of named kernels and stencils."""

import numpy as np

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.errors import ParameterError, shown


def check_parameters(kind, parameters, defaults):
    """Raise ParameterError for a value that is not of the form that its parameter needs.

    Parameters
    ----------
    kind : str
        "the kernel chain", for messages.
    parameters : dict
        Values by name; those that equal their default are taken as they are.
    defaults : dict
        Values that may be left out.
    """
    for name, value in parameters.items():
        if name in defaults and value is defaults[name]:
            continue
        wanted = FORMS.get(name)
        if wanted is not None and not wanted[1](value):
            raise ParameterError(f"{kind} needs {wanted[0].format(name)}, not {shown(value)}")


def _is_number(value):
    if isinstance(value, PerMember):
        value = value.values
    elif np.ndim(value):
        return False
    return _are_real(value)


def _are_real(value):
    try:
        return bool(np.all(np.isfinite(np.asarray(value, dtype=float))))
    except (TypeError, ValueError):
        return False


def is_positive(value):
    """True for a finite number above 0, or one for each member."""
    return _is_number(value) and bool(np.all(np.asarray(getattr(value, "values", value)) > 0))


def _are_positive(value):
    return is_positive(value) or (np.ndim(value) == 1 and np.size(value) > 0
                                  and all(map(is_positive, value)))  # fmt: skip


def _is_direction(value):
    return np.shape(value) == (3,) and _are_real(value) and bool(np.any(value))


def _are_vectors(value):
    try:
        shape = np.shape(value)
    except ValueError:
        return False
    return len(shape) == 2 and shape[0] == shape[1] <= 3 and _are_real(value)


def _are_bonds(value):
    if not isinstance(value, dict) or not value:
        return False
    offsets = [np.atleast_1d(np.array(d, dtype=object)) for d in value]
    alike = {d.shape for d in offsets}
    if len(alike) > 1 or not 1 <= offsets[0].size <= 3 or not all(map(_are_real, offsets)):
        return False
    return all(_is_number(rate) or (np.shape(rate) == (3,) and _are_real(rate))
               for rate in value.values())  # fmt: skip


def _is_text(value):
    return isinstance(value, str)


_NUMBER = ("a finite {}", _is_number)

#: ``{parameter: (what it is, test of a value)}``; None of the kinds takes another form.
FORMS = {
    **dict.fromkeys(("omega_J", "stiffness", "omega_E", "omega_M", "omega_D", "g_dd"), _NUMBER),
    **dict.fromkeys(("cutoff", "k_max"), ("{} > 0", is_positive)),
    **dict.fromkeys(("lattice", "beyond", "axes"), ("a word for {}", _is_text)),
    "a": ("{} > 0", _are_positive),
    "cells": ("{} = (a_x, …), all > 0", _are_positive),
    "axis": ("a direction {} = (x, y, z)", _is_direction),
    "vectors": ("{} = [[…], …], as many rows as components", _are_vectors),
    "bonds": (
        "{} = {{offset: value, …}}: offsets of 1, 2 or 3 numbers, all alike, and for each a "
        "finite number or three", _are_bonds,
    ),
}  # fmt: skip
