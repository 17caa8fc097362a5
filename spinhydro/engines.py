"""Which engine evaluates the right side of the equations, and the solver it works in."""

import numpy as np

from spinhydro.backend import SOLVER_OPTIONS
from spinhydro.errors import InputError, ParameterError, SpinhydroError, no_such
from spinhydro.fused import FUSED, Unsupported
from spinhydro.fused.stepper import WORTH_COMPILING
from spinhydro.lean import make_lean
from spinhydro.noise import noises_of
from spinhydro.steppers import RK4, StochasticHeun

ENGINES = ("auto", "fused", "lean", "dedalus")


def check_engine(engine):
    """Raise ParameterError unless there is an engine of that name."""
    if engine not in ENGINES:
        raise ParameterError(no_such("engine", engine, ENGINES))


def build_solver(ivp, stepper):
    """The stock solver of a problem with the options that all-Fourier problems need.

    Raises InputError if Dedalus cannot build it.
    """
    options = dict(SOLVER_OPTIONS)
    if all(equation["condition"] == "True" for equation in ivp.equations):
        # One matrix for all modes: one for each wavenumber takes minutes to build.
        coupling = np.logical_or(ivp.matrix_coupling, ivp.dist.coeff_layout.local)
        options["matrix_coupling"] = tuple(bool(c) for c in coupling)
    try:
        return ivp.build_solver(stepper, **options)
    except SpinhydroError:
        raise
    except Exception as error:
        if stepper in (RK4, StochasticHeun) and "singular" in str(error).lower():
            raise InputError(
                f"{stepper.__name__} needs a dt(…) term in every equation; take timestepper = "
                "'RK443' for problems with constraints"
            ) from error
        raise InputError(f"Dedalus cannot build this problem: {error}") from error


def choose_engine(solver, engine, projections, steps):
    """Let the fastest engine that is possible step a solver, or the one that is asked for.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        With a stepper of the stock kind, before its first step; what the engine needs is replaced.
    engine : str
        One of ENGINES.
    projections : list of (field, operand)
    steps : int
        Length of the run: compiling takes its time too.

    Returns
    -------
    (str, str)
        "fused", "lean" or "dedalus", and what the log says about it.

    Raises
    ------
    InputError
        If "fused" or "lean" was asked for and is not possible, or does not agree with Dedalus.
    """
    reasons = []
    for name, start in (("fused", _start_fused), ("lean", _start_lean)):
        if engine not in ("auto", name):
            continue
        try:
            said = start(solver, projections, steps)
        except Unsupported as reason:
            reasons.append(f"the {name} engine cannot do {reason}")
        except InputError as reason:
            if engine == name:
                raise
            reasons.append(str(reason))
        except Exception as error:
            # Dedalus's own evaluation has just worked: nobody's run should end here.
            failed = f"the {name} engine failed with {type(error).__name__}: {error}"
            if engine == name:
                raise InputError(f"{failed}; use --engine auto, and please report it") from error
            reasons.append(failed)
        else:
            return name, f" ({'; '.join([said, *reasons])})"
        if engine == name:
            raise InputError(f"{reasons[0]}: use --engine auto")
    return "dedalus", f" ({'; '.join(reasons)})" if reasons else ""


def _start_fused(solver, projections, steps):
    domain = solver.state[0].domain
    points = np.prod(solver.dist.grid_layout.global_shape(domain, domain.dealias))
    kind = type(solver.timestepper)
    if kind not in FUSED:
        raise Unsupported(f"the time stepper {kind.__name__}")
    if noises_of(solver.problem):
        raise Unsupported("noise")
    stepper = FUSED[kind](solver, projections, compiled=steps * points > WORTH_COMPILING)
    agreement = stepper.check()
    stepper.lazy = True
    solver.timestepper = stepper
    solver.enforce_real_cadence = None
    forward, back = stepper.right_side.transforms()
    return f"agrees with Dedalus to {agreement:.0e}; {forward} + {back} transforms per stage"


def _start_lean(solver, projections, steps):
    return f"agrees with Dedalus to {make_lean(solver):.0e}"
