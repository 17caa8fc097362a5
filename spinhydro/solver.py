"""Dedalus's solver, with matrices that are built when somebody asks for them.

The fused engine reads the linear terms off the equations and needs no matrices. In three dimensions
they take longer to build, and more memory, than everything else of a run.
"""

from contextlib import contextmanager

import numpy as np
from dedalus.core import future, subsystems
from dedalus.core.solvers import InitialValueSolver
from mpi4py import MPI


class DeferredSolver(InitialValueSolver):
    """An initial-value solver whose matrices and time stepper come into being at their first use.

    Parameters
    ----------
    problem : d3.IVP
    timestepper : type
    on_failure : callable(Exception)
        Raises what a failure to build them, at whatever time, is to be told as.
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
        sizes = [v.domain.coeff_shape + tuple(c.dim for c in v.tensorsig) for v in self.state]
        self.total_modes = sum(int(np.prod(shape)) for shape in sizes)

    def build_matrices(self, subproblems=None, matrices=None):
        """Build them, unless the solver itself is only just being made."""
        if not self._beginning:
            super().build_matrices(subproblems, matrices)

    @property
    def is_waiting(self):
        """Whether nobody has asked for the time stepper yet."""
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
        """With their matrices; none while the solver is only just being made."""
        if self._beginning:
            return ()
        self.complete()
        return self._subproblems

    @subproblems.setter
    def subproblems(self, subproblems):
        self._subproblems = subproblems

    @property
    def timestepper(self):
        """The time stepper; that of Dedalus's kind needs the matrices."""
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
    """Let Dedalus make solvers without sorting their modes, which takes time and memory."""
    kept = subsystems.build_subsystems
    subsystems.build_subsystems = lambda solver: ()
    try:
        yield
    finally:
        subsystems.build_subsystems = kept


@contextmanager
def no_stored_outputs(problem):
    """Let go, at the end, of the values that Dedalus keeps of every part of the equations.

    To evaluate them again is faster if they are kept; they take several times the state.
    """
    kept = future.STORE_OUTPUTS
    future.STORE_OUTPUTS = False
    try:
        yield
    finally:
        future.STORE_OUTPUTS = kept
        for equation in problem.eqs:
            for side in ("F", "L"):
                _forget(equation[side])


def _forget(expression):
    if isinstance(expression, future.Future):
        expression.last_id = expression.last_out = None
        for argument in expression.original_args:
            _forget(argument)
