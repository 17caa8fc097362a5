"""Choice of the compiled step for a right-hand side."""

from spinhydro.engines.fused.step import fourier_step as native
from spinhydro.engines.fused.step import stencil_step
from spinhydro.engines.fused.step.implicit_step import ImplicitRungeKuttaStep, MultistepStep


def is_possible(right_side):
    """Return whether a right-hand side can have a compiled step here."""
    if right_side.lowering.graph.has_neighbours:
        return stencil_step.is_possible(right_side)
    return native.is_possible(right_side.space)


def make(right_side, linear=None, has_stages=True, scheme=stencil_step.RK4, keeps_last=False):
    """Return the compiled step of a right-hand side for which `is_possible`.

    Without `has_stages` it computes rates and projections only; `scheme` is the scheme of steps
    without transforms; with `keeps_last` a step leaves the rates of its last stage in ``last``.
    """
    if right_side.lowering.graph.has_neighbours:
        sums = ({len(scheme) - 1: 1.0},) if keeps_last else ()
        return stencil_step.StencilStep(right_side, scheme if has_stages else None, sums)
    return native.FourierStep(right_side, linear, has_stages, keeps_last)


def make_implicit(right_side, linear, coefficients=None):
    """Return the compiled step of an `ImplicitScheme`; `coefficients` as in `MultistepStep`."""
    if coefficients is None:
        return ImplicitRungeKuttaStep(right_side, linear)
    return MultistepStep(right_side, linear, coefficients)
