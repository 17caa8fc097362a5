"""Choice of the engine that takes the steps."""

import logging

import numpy as np
from dedalus.core.basis import ComplexFourier, RealFourier
from dedalus.core.field import Field
from dedalus.core.solvers import InitialValueSolver
from mpi4py import MPI

from spinhydro.dedalus_support.backend import SOLVER_OPTIONS
from spinhydro.dedalus_support.domain import slow_sizes
from spinhydro.dedalus_support.ensemble.basis import Members
from spinhydro.dedalus_support.left_side import frozen_coefficients
from spinhydro.dedalus_support.memory import separate_large_blocks
from spinhydro.dedalus_support.parallel import abort_all_on_error, agree
from spinhydro.dedalus_support.private import missing, what_changed
from spinhydro.dedalus_support.solver import DeferredSolver, is_large
from spinhydro.errors import (
    InputError,
    ParameterError,
    SpinhydroError,
    Unsupported,
    unknown_name_message,
)
from spinhydro.steppers.noise import noises_of

logger = logging.getLogger("spinhydro")

#: Largest rounding error of a mode, relative to the field.
ROUNDING = 1e-14

ENGINES = ("auto", "fused", "lean", "dedalus", "jax")
#: Precisions of the engine "jax"; the others have double precision only.
PRECISIONS = ("double", "single")


def check_engine(engine, precision="double"):
    """Raise ParameterError unless there is an engine of that name and precision."""
    if engine not in ENGINES:
        raise ParameterError(unknown_name_message("engine", engine, ENGINES))
    if precision not in PRECISIONS:
        raise ParameterError(unknown_name_message("precision", precision, PRECISIONS))
    if precision != "double" and engine != "jax":
        raise ParameterError(f"precision = {precision} needs the engine jax: type --engine jax")


def build_solver(ivp, stepper):
    """Return the stock solver of a problem with the options that all-Fourier problems need.

    Its matrices, and its own time stepper, are built lazily.

    Raises InputError if Dedalus cannot build it.
    """
    options = dict(SOLVER_OPTIONS)
    if _is_diagonal(ivp):
        # One matrix for all modes: one for each wavenumber takes minutes to build.
        coupling = np.logical_or(ivp.matrix_coupling, ivp.dist.coeff_layout.local)
        options["matrix_coupling"] = tuple(bool(c) for c in coupling)
    options["ncc_cutoff"] = _coefficient_cutoff(ivp)

    def fail(error):
        if isinstance(error, SpinhydroError):
            raise error
        raise InputError(f"Dedalus cannot build this problem: {error}") from error

    try:
        if missing("solver"):
            return ivp.build_solver(stepper, **options)
        return DeferredSolver(ivp, stepper, fail, **options)
    except Exception as error:
        fail(error)


def _is_diagonal(ivp):
    """Return whether the left sides couple no two wavenumbers of a problem.

    That is so for Fourier bases and constant coefficients. For all others one matrix for all modes
    takes ten times the time and memory of Dedalus's own choice.
    """
    fields = {f for eq in ivp.eqs for side in ("M", "L") for f in _fields_of(eq[side])}
    bases = {basis for field in {*ivp.variables, *fields} for basis in field.domain.bases}
    coefficients = [f for f in fields - set(ivp.variables) if _space_bases(f)]
    return (
        all(isinstance(basis, (RealFourier, ComplexFourier, Members)) for basis in bases)
        and all(equation["condition"] == "True" for equation in ivp.equations)
        and not coefficients
    )


def _coefficient_cutoff(ivp):
    """Return the amplitude below which modes of coefficients on the left side are rounding errors.

    Dedalus multiplies out every mode that is above the cutoff. The cutoff is relative to the
    smallest coefficient of all, so that no small constant is dropped; 0 if all are constant.
    """
    fields = {f for eq in ivp.eqs for side in ("M", "L") for f in _fields_of(eq[side])}
    coefficients = sorted(fields - set(ivp.variables), key=str)
    if not any(map(_space_bases, coefficients)):
        return 0
    sizes = [
        field.dist.comm.allreduce(float(np.abs(field["c"]).max(initial=0)), op=MPI.MAX)
        for field in coefficients
    ]
    return ROUNDING * min((size for size in sizes if size > 0), default=0)


def _fields_of(expression):
    return expression.atoms(Field) if hasattr(expression, "atoms") else ()


def _space_bases(field):
    return [basis for basis in field.domain.bases if not isinstance(basis, Members)]


def stepper_kind(solver):
    """Return the class of a solver's time stepper, without making the stepper."""
    if isinstance(solver, DeferredSolver) and solver.is_waiting:
        return solver.stepper_kind
    return type(solver.timestepper)


def check_scheme(solver):
    """Check that the scheme of a solver can treat its problem, on any engine.

    Raises InputError or ParameterError if spins or phases that it rotates are not there.
    """
    kind = stepper_kind(solver)
    if hasattr(kind, "find_spins"):
        solver.timestepper.find_spins()
    if hasattr(kind, "check_problem"):
        kind.check_problem(solver)


def choose_engine(
    solver, engine, projections=(), steps=None, sync_on_request=True, precision="double"
):
    """Replace a solver's stepping by the fastest possible engine, or by a given one.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        With a stock stepper, before its first step; the engine replaces parts of it.
    engine : str
        One of ENGINES.
    projections : list of (field, operand)
    steps : int, optional
        Length of the run; 0 if the solver is only to be described, which compiles nothing.
    sync_on_request : bool
        Whether the fields of the solver need the state at outputs only, and not after every step.
    precision : str
        One of PRECISIONS.

    Returns
    -------
    (str, str)
        "fused", "lean", "dedalus" or "jax", and details for the log.

    Raises
    ------
    InputError
        If the given engine is not possible, or if an engine does not agree with Dedalus.
    """
    reasons = []
    separate_large_blocks(any(map(is_large, solver.state)))
    for name, start in (("jax", _start_jax), ("fused", _start_fused), ("lean", _start_lean)):
        if engine != name and (engine != "auto" or name == "jax"):
            continue
        if name == "lean":
            _make_stepper(solver)
        try:
            changed = what_changed(name) or what_changed("solver")
            if changed:
                raise Unsupported(changed)
            options = (precision,) if name == "jax" else ()
            text = _on_all_ranks(
                solver.dist.comm, start, solver, projections, steps, sync_on_request, *options
            )
        except Unsupported as reason:
            reasons.append(f"the {name} engine cannot do {reason}")
        except InputError as reason:
            if engine == name:
                raise
            reasons.append(str(reason))
        except _Failure as error:
            # Dedalus's own evaluation has just worked: the run continues with it.
            failed = f"the {name} engine failed with {error}"
            if engine == name:
                raise InputError(f"{failed}; use --engine auto, and please report it") from error
            reasons.append(failed)
        else:
            if name == "lean":
                separate_large_blocks(False)
            _compile_noise(solver)
            return name, f" ({'; '.join([text, *reasons])})"
        if engine == name:
            raise InputError(f'{reasons[0]}: use --engine auto, in a script engine="auto"')
    separate_large_blocks(False)
    _make_stepper(solver)
    reasons += slow_sizes(solver.state[0].domain.bases)
    return "dedalus", f" ({'; '.join(reasons)})" if reasons else ""


class _Failure(SpinhydroError):
    """Any other error inside an engine."""


def _on_all_ranks(comm, start, *arguments):
    """Call `start` on all ranks; an error on one rank is raised on all."""
    text = error = None
    try:
        text = start(*arguments)
    except (Unsupported, InputError) as found:
        error = found
    except Exception as found:
        error = _Failure(f"{type(found).__name__}: {found}")
        error.__cause__ = found
    agree(error, comm=comm)
    return text


def _compile_noise(solver):
    """Draw the noise of a problem by compiled code, with the same numbers as before."""
    noises = noises_of(solver.problem)
    if noises:
        from spinhydro.engines.fused.program.normal_numbers import CompiledNormalNumbers

        for noise in noises:
            noise.numbers = CompiledNormalNumbers


def _make_stepper(solver):
    """Return a solver's own time stepper; what cannot be built is reported here, not later."""
    return solver.timestepper


def _start_fused(solver, projections, steps, sync_on_request):
    # Imported here: another release of Dedalus may lack parts that these modules use.
    from spinhydro.engines.fused import FUSED

    kind = stepper_kind(solver)
    if kind not in FUSED:
        raise Unsupported(f"the time stepper {kind.__name__}")
    # A choice by the length of a run would change the last digits of a continued run.
    stepper = FUSED[kind](solver, projections, compiled=steps != 0)
    agreement = stepper.check()
    stepper.sync_on_request = sync_on_request
    solver.timestepper = stepper
    solver.enforce_real_cadence = None
    forward, back = stepper.right_side.transforms()
    text = f"agrees with Dedalus to {agreement:.0e}; {forward} + {back} transforms per stage"
    slow = slow_sizes(solver.state[0].domain.bases) if forward + back else []
    return "; ".join([text, *slow])


def _start_jax(solver, projections, steps, sync_on_request, precision):
    from spinhydro.engines.jax.engine import make_jax

    text = make_jax(solver, stepper_kind(solver), projections, precision)
    solver.timestepper.sync_on_request = sync_on_request
    return text


def _start_lean(solver, projections, steps, sync_on_request):
    from spinhydro.engines.lean import make_lean

    text = f"agrees with Dedalus to {make_lean(solver):.0e}"
    return "; ".join([text, *slow_sizes(solver.state[0].domain.bases)])


def make_stepper(solver, engine, kind, projections=(), compiled=True):
    """Return another adaptive stepper for a solver before its first step, on its engine.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    engine : str
        From `choose_engine`.
    kind : type
    projections : list of (field, operand)
    compiled : bool
        Whether the fused engine compiles its steps.

    Raises
    ------
    Unsupported, InputError
        If the engine cannot treat the terms of the left side as the stepper does.
    """

    def make():
        if engine != "fused":
            stepper = kind(solver)
            stepper.projections = projections
            return stepper
        from spinhydro.engines.fused import FUSED

        stepper = FUSED[kind](solver, projections, compiled=compiled)
        stepper.sync_on_request = solver.timestepper.sync_on_request
        return stepper

    return _on_all_ranks(solver.dist.comm, make)


def take_stepper(solver, stepper):
    """Make a stepper of `make_stepper` the one of its solver, and free the present one's code."""
    present, solver.timestepper = solver.timestepper, stepper
    if getattr(present, "native", None):
        present.native.release()
    if hasattr(stepper, "rebuild"):
        frozen_coefficients(solver).on_change = stepper.rebuild


def accelerate(solver, engine="auto"):
    """Accelerate the solver of a plain Dedalus script.

    One changed line of a script::

        solver = spinhydro.accelerate(problem.build_solver(d3.RK443))

    and everything else stays: ``solver.step``, ``proceed``, handlers, CFL, ``load_state``,
    ``log_stats``. The fields hold the state after every step, and what is changed in them between
    steps (state, profiles, parameters) takes effect. Numbers agree with Dedalus's to rounding.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        With any time stepper of Dedalus or of spinhydro; multistep schemes only before their
        first step. A second call changes nothing once the engine has been chosen.
    engine : str
        "fused", "lean", "dedalus", "jax", or "auto": the first of these that is possible ("jax",
        which needs an optional package, only if it is named). The choice is made at the first
        step, when the state is known and the engine can be checked; one line of the log reports
        it, and why faster ones are not possible.

    Returns
    -------
    d3.InitialValueSolver
        The same solver.

    Raises
    ------
    InputError
        If `solver` is not such a solver, or a multistep scheme has taken steps; at the first step,
        if the given engine is not possible.
    """
    check_engine(engine)
    if not isinstance(solver, InitialValueSolver):
        raise InputError(
            f"accelerate() takes what problem.build_solver(…) of a d3.IVP gives, not "
            f"{type(solver).__name__}"
        )
    if getattr(solver, "accelerated", False):
        return solver
    if isinstance(solver.timestepper, _ChoosesAtFirstStep):
        solver.timestepper.engine = engine
        return solver
    taken = getattr(solver.timestepper, "_iteration", 0)
    if taken:
        raise InputError(
            f"accelerate() would lose the history of {type(solver.timestepper).__name__}, which "
            f"has taken {taken} step{'s' if taken > 1 else ''}: call it before the first step"
        )
    abort_all_on_error()
    frozen_coefficients(solver)
    solver.timestepper = _ChoosesAtFirstStep(solver, engine)
    return solver


class _ChoosesAtFirstStep:
    """Placeholder for the time stepper of a solver until the state is known."""

    def __init__(self, solver, engine):
        self.solver, self.engine, self.stepper = solver, engine, solver.timestepper
        self.steps, self.stages = self.stepper.steps, self.stepper.stages

    def step(self, timestep, wall_time):
        """Choose the engine, and take the first step with it."""
        self.choose()
        self.solver.timestepper.step(timestep, wall_time)

    def choose(self):
        """Replace this time stepper by that of the chosen engine, checked on the present state."""
        solver = self.solver
        solver.timestepper = self.stepper
        check_scheme(solver)
        name, why = choose_engine(solver, self.engine, sync_on_request=False)
        solver.accelerated = True
        if solver.dist.comm.rank == 0:
            logger.info(f"engine: {name}{why}")
