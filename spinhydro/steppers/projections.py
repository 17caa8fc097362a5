"""Assignments that follow every step, such as ``m <- m/|m|``."""


def project(projections):
    """Assign all projections, each computed from the state before any of them.

    Parameters
    ----------
    projections : sequence of (field, operand)
    """
    values = []
    for variable, operand in projections:
        result = operand.evaluate()
        scales = result.domain.dealias
        result.change_scales(scales)
        values.append((variable, scales, result["g"].copy()))
    for variable, scales, data in values:
        variable.preset_scales(scales)
        variable["g"] = data
        # The state is what its basis holds: outputs must not show more.
        variable.require_coeff_space()
