"""Values that can be written into a record: numbers, words, lists of them, and members' values."""

import numpy as np

from spinhydro.dedalus_support.ensemble.values import PerMember


def is_plain(value):
    """True for what can be written into a record: numbers, words, flat lists of them."""
    if isinstance(value, (bool, int, float, complex, str, type(None), np.generic, PerMember)):
        return True
    return isinstance(value, (list, tuple)) and all(is_plain(item) for item in value)


def plain(value):
    if isinstance(value, PerMember):
        return value.values.tolist()
    return value.item() if isinstance(value, np.generic) else value
