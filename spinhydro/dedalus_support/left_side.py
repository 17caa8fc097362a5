"""Coefficient fields on the left side of equations, held as Dedalus's matrices hold them."""

from dedalus.core.field import Field


class FrozenCoefficients:
    """The values that left-side coefficient fields had when the matrices were built.

    Dedalus builds the matrices of the left side once. A coefficient field that changes afterwards
    has no effect there until ``solver.build_matrices(solver.subproblems, ["M", "L"])`` is called;
    on the right side it acts at once. Engines that read the left side off the equations follow the
    same rule with copies of these fields.

    Attributes
    ----------
    on_change : callable or None
        Called after the matrices have been built again.
    """

    def __init__(self, solver):
        self.on_change = None
        state = set(solver.state)
        self._copies = {
            field: field.copy()
            for equation in solver.problem.equations
            for side in ("M", "L")
            if hasattr(equation[side], "atoms")
            for field in equation[side].atoms(Field)
            if field not in state
        }
        build = solver.build_matrices

        def build_matrices(*arguments, **options):
            build(*arguments, **options)
            for field, copy in self._copies.items():
                _copy(field, copy)
            if self.on_change is not None:
                self.on_change()

        if self._copies:
            solver.build_matrices = build_matrices

    def __call__(self, expression):
        """Return an expression with its coefficient fields replaced by their copies."""
        for field, copy in self._copies.items():
            if expression.has(field):
                expression = expression.replace(field, copy)
        return expression


def frozen_coefficients(solver):
    """Return the FrozenCoefficients of a solver, made at the first call."""
    if not hasattr(solver, "frozen_coefficients"):
        solver.frozen_coefficients = FrozenCoefficients(solver)
    return solver.frozen_coefficients


def _copy(field, copy):
    copy.preset_scales(field.scales)
    copy.preset_layout(field.layout)
    copy.data[...] = field.data
