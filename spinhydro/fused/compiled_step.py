"""Which compiled step a right-hand side can have."""

from spinhydro.fused import native


def is_possible(right_side):
    """Whether there is one."""
    return native.is_possible(right_side.space) and not right_side.lowering.graph.has_neighbours


def make(right_side, exponential=None, has_stages=True):
    """The compiled step of a right-hand side, for which `is_possible`.

    Without `has_stages` it is for rates and projections only.
    """
    return native.NativeStep(right_side, exponential, has_stages)
