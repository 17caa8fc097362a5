"""Dedalus's solver, with matrices that are built lazily.

The fused engine reads the linear terms off the equations and needs no matrices. In three dimensions
they take longer to build, and more memory, than everything else of a run.
"""

import weakref
from contextlib import contextmanager

import numpy as np
from dedalus.core import arithmetic, future, operators, subsystems
from dedalus.core.field import Field
from dedalus.core.solvers import InitialValueSolver
from mpi4py import MPI

from spinhydro.dedalus_support.memory import WORTH_FREEING, WORTH_REUSING, drop_data


class DeferredSolver(InitialValueSolver):
    """An initial-value solver whose matrices and time stepper are built at their first use.

    Parameters
    ----------
    problem : d3.IVP
    timestepper : type
    on_failure : callable(Exception)
        Called with the exception when building fails; must raise the error to report.
    **options
        Those of ``d3.InitialValueSolver``.

    Attributes
    ----------
    stepper_kind : type
        The time stepper, which may not have been made yet.
    is_complete : bool
        Whether the matrices are there.
    """

    def __init__(self, problem, timestepper, on_failure, **options):
        self.stepper_kind, self._on_failure = timestepper, on_failure
        self.is_complete, self._beginning = False, True
        self._timestepper = None
        with no_subsystems():
            super().__init__(problem, lambda solver: None, **options)
        self._beginning = False
        self._keep_settled()
        sizes = [v.domain.coeff_shape + tuple(c.dim for c in v.tensorsig) for v in self.state]
        self.total_modes = sum(int(np.prod(shape)) for shape in sizes)

    def _keep_settled(self):
        """Start every evaluation with the fields that are not advanced on the same grid."""
        profiles, evaluate = settled_fields(self.problem), self.evaluator.evaluate_handlers

        def evaluate_handlers(handlers, *arguments, **options):
            to_dealias_grid(profiles)
            evaluate(handlers, *arguments, **options)

        self.evaluator.evaluate_handlers = evaluate_handlers

    def build_matrices(self, subproblems=None, matrices=None):
        """Build the matrices, unless the solver itself is being constructed."""
        if not self._beginning:
            super().build_matrices(subproblems, matrices)

    @property
    def is_waiting(self):
        """Return whether the time stepper has not been made yet."""
        return self._timestepper is None

    def complete(self):
        """Build the matrices now."""
        if self.is_complete or self._beginning:
            return
        self.is_complete = True
        try:
            self.subsystems = subsystems.build_subsystems(self)
            self._subproblems = subsystems.build_subproblems(self, self.subsystems)
            self.build_matrices(self._subproblems, ["M", "L"])
        except Exception as error:
            self.is_complete = False
            self._on_failure(error)
            raise
        self.subproblems_by_group = {sp.group: sp for sp in self._subproblems}
        local = sum(int(np.prod(sp.shape)) for sp in self._subproblems)
        self.total_modes = self.dist.comm.allreduce(local, op=MPI.SUM)

    @property
    def subproblems(self):
        """Subproblems with their matrices; none while the solver is being constructed."""
        if self._beginning:
            return ()
        self.complete()
        return self._subproblems

    @subproblems.setter
    def subproblems(self, subproblems):
        self._subproblems = subproblems

    @property
    def timestepper(self):
        """The time stepper; a stock one needs the matrices."""
        if self._timestepper is None and not self._beginning:
            try:
                self._timestepper = self.stepper_kind(self)
            except Exception as error:
                self._on_failure(error)
                raise
        return self._timestepper

    @timestepper.setter
    def timestepper(self, stepper):
        self._timestepper = stepper


@contextmanager
def no_subsystems():
    """Make solvers without sorting their modes, which takes time and memory."""
    kept = subsystems.build_subsystems
    subsystems.build_subsystems = lambda solver: ()
    try:
        yield
    finally:
        subsystems.build_subsystems = kept


@contextmanager
def no_stored_outputs(problem):
    """Drop the values that Dedalus keeps of every part of the equations as soon as possible.

    Keeping them speeds up the next evaluation; they take several times the state. An expression
    that occurs more than once is kept until the end: its next use finds it truncated to the modes
    of the bases, if it has been transformed in the meantime.
    """
    with nothing_stored([equation["F"] for equation in problem.eqs]):
        try:
            yield
        finally:
            for equation in problem.eqs:
                _forget(equation["L"])


@contextmanager
def nothing_stored(expressions):
    """Drop the values of a list of operands as soon as possible."""
    kept = getattr(future, "STORE_OUTPUTS", True)
    future.STORE_OUTPUTS = False
    single = _used_once(expressions)
    for expression in single:
        expression.store_last = False
    try:
        yield
    finally:
        future.STORE_OUTPUTS = kept
        for expression in single:
            del expression.store_last
        for expression in expressions:
            _forget(expression)


def evaluated(operand, reuse=False):
    """Return the field that an operand evaluates to, without keeping values of a large one.

    Parameters
    ----------
    operand : operand or number
    reuse : bool
        Evaluate parts that occur several times only once, as in a step: a part that is also
        differentiated is then truncated everywhere.
    """
    if not hasattr(operand, "evaluate"):
        return operand
    # Dedalus keeps values for the evaluation that an identity names.
    options = {"id": object()} if reuse and isinstance(operand, future.Future) else {}
    if _largest_bytes(operand) < WORTH_REUSING:
        return operand.evaluate(**options)
    with nothing_stored([operand]):
        return operand.evaluate(**options)


def is_large(operand):
    """Return whether the values of an operand, or of its arguments, fill much memory."""
    return _largest_bytes(operand) > WORTH_FREEING


def is_costly(operand):
    """Return whether Dedalus takes much longer to evaluate an operand than compiled code does."""
    return _largest_bytes(operand) > WORTH_REUSING


def _largest_bytes(operand):
    """Return the largest size of an operand and of the fields in it, as of real numbers."""
    found = _known_sizes.get(operand)
    if found is None:
        found = max(_dealias_bytes(field) for field in {operand, *operand.atoms(Field)})
        _known_sizes[operand] = found
    return found


#: Results of `_largest_bytes`, which do not change.
_known_sizes = weakref.WeakKeyDictionary()


def _dealias_bytes(field):
    """Return the number of bytes of a field of real numbers on the dealiasing grid of this rank."""
    shape = field.dist.grid_layout.local_shape(field.domain, field.domain.dealias)
    return np.prod([*shape, *(system.dim for system in field.tensorsig)], dtype=float) * 8


def _used_once(expressions):
    """Return operations that occur only once."""
    uses, stack = {}, list(expressions)
    while stack:
        expression = stack.pop()
        if isinstance(expression, future.Future):
            uses[expression] = uses.get(expression, 0) + 1
            if uses[expression] == 1:
                stack += expression.original_args
    return [expression for expression, number in uses.items() if number == 1]


def _forget(expression):
    if isinstance(expression, future.Future):
        expression.last_id = expression.last_out = None
        for argument in expression.original_args:
            _forget(argument)


def drop_rates(solver):
    """Drop the values of the right side; the next evaluation recomputes them.

    Only where Dedalus has no matrices yet, which keep views of them.
    """
    if isinstance(solver, DeferredSolver) and not solver.is_complete:
        for field in solver.F:
            drop_data(field)


def to_dealias_grid(fields):
    """Transform fields that no equation advances to the dealiasing grid.

    Dedalus truncates expressions of them alone, such as 1/n, to the modes of the bases if they are
    in coefficient space, and does not otherwise. So its first evaluation would differ from later
    ones, and so would the first one after an output that has read them.
    """
    for field in fields:
        field.change_scales(field.domain.dealias)
        field.require_grid_space()


def is_pointwise(problem):
    """Return whether Dedalus may evaluate the right sides from fields that are all on the grid.

    That saves the transforms of the fields that are not advanced. It gives the same values if no
    right side has operators, such as derivatives, or functions of these fields alone, which Dedalus
    truncates to the modes of the bases.
    """
    pointwise = (
        arithmetic.Add, arithmetic.Product,
        operators.PowerFieldConstant, operators.UnaryGridFunction,
    )  # fmt: skip
    known, stack = set(problem.variables), [equation["F"] for equation in problem.eqs]
    while stack:
        part = stack.pop()
        if not isinstance(part, future.Future):
            continue
        over_space = [a for a in part.args if hasattr(a, "domain") and any(a.domain.bases)]
        is_sum = isinstance(part, arithmetic.Add) or (
            isinstance(part, arithmetic.Product) and len(over_space) < 2
        )
        if not isinstance(part, pointwise):
            return False
        if over_space and not is_sum and known.isdisjoint(part.atoms(Field)):
            return False
        stack += part.args
    return True


def settled_fields(problem):
    """Return the fields of the right side that have bases and are not part of the state."""
    known = set(problem.variables)
    found = dict.fromkeys(
        field
        for equation in problem.eqs
        if hasattr(equation["F"], "atoms")
        for field in equation["F"].atoms(Field)
    )
    return [f for f in found if f not in known and any(f.domain.bases)]
