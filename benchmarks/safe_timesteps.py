"""A sweep over steppers, sizes and timesteps: what the start line calls safe must stay finite."""

from dataclasses import dataclass

import dedalus.public as d3
import numpy as np

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import NotConvergedError, ParameterError, SpinhydroError
from spinhydro.steppers import EXPLICIT, all_steppers
from spinhydro.steppers.frequencies import frequencies_of
from spinhydro.steppers.growth_factors import has_step_matrix
from spinhydro.steppers.stability import StabilityCheck, check_timestep, explicit_limit

#: Equations of a variable u: complex scalars, or spins.
EQUATIONS = {
    "gas": "dt(u) - 0.5j*lap(u) = -1j*(V + G*abs2(u))*u",
    "damped gas": "dt(u) - (0.5j + 0.05)*lap(u) = -1j*(V + G*abs2(u))*u - 0.2*u",
    "spins": "dt(u) = cross(u, lap(u)) + 0.5*(u@ez)*cross(ez, u)",
    "damped spins": "dt(u) = cross(u, lap(u)) - 0.2*cross(u, cross(u, lap(u)))",
}


@dataclass
class Verdict:
    """What the start line says of a timestep, and what became of the run.

    Attributes
    ----------
    line : str
        The line on stability, or the refusal.
    is_safe : bool
        Whether the timestep was accepted without a warning.
    growth : float
        Largest value of the run over the largest of the start; inf if it is not finite.
    """

    stepper: str
    equation: str
    size: int
    timestep: float
    line: str
    is_safe: bool
    growth: float


def make(equation, stepper, size):
    """A solver on its fused engine, if there is one; SpinhydroError if it is refused."""
    is_spin = "spins" in equation
    coords = d3.CartesianCoordinates("x")
    dist = spinhydro.distributor(coords, dtype=np.float64 if is_spin else np.complex128)
    kind = spinhydro.RealFourierNyquist if is_spin else d3.ComplexFourier
    basis = kind(coords["x"], size=size, bounds=(0, 2 * np.pi))
    x, V = dist.local_grid(basis), dist.Field(name="V", bases=basis)
    V["g"] = np.cos(x)
    random = np.random.default_rng(size)
    words = {"abs2": spinhydro.abs2, "lap": d3.lap, "V": V, "G": 2.0}
    if is_spin:
        variable = dist.VectorField(spinhydro.spin, name="u", bases=basis)
        words["ez"] = spinhydro.spin.unit_vector_fields(dist)[2]
        values = np.array([0.4 * np.cos(x), 0.3 * np.sin(x), 1 + 0 * x])
        values += 1e-3 * random.standard_normal(values.shape)
        values /= np.sqrt(np.sum(values**2, axis=0))
    else:
        variable = dist.Field(name="u", bases=basis)
        noise = random.standard_normal((2, size))
        values = 1 + 0.3 * np.cos(x + 1) + 1e-3 * (noise[0] + 1j * noise[1])
    words["u"], variable["g"] = variable, values
    problem = d3.IVP([variable], namespace=words)
    problem.add_equation(EQUATIONS[equation])
    solver = build_solver(problem, stepper)
    if hasattr(stepper, "check_problem"):
        stepper.check_problem(solver)
    if hasattr(stepper, "find_spins"):
        solver.timestepper.find_spins()
    choose_engine(solver, "auto", sync_on_request=False)
    return solver


def verdicts(names, sizes, factors, steps, equations=EQUATIONS):
    """Yield a verdict for each stepper, equation, size and timestep.

    Parameters
    ----------
    factors : sequence of float
        Timesteps, over the largest that is called safe.
    steps : int
        Length of each run.
    """
    for name in names:
        stepper = all_steppers()[name]
        for equation in equations:
            for size in sizes:
                try:
                    solver = make(equation, stepper, size)
                    found = frequencies_of(solver, name in EXPLICIT, has_step_matrix(name))
                except SpinhydroError:
                    continue
                if found is None:
                    continue
                safe = np.inf
                if explicit_limit(name, 1j) is not None:
                    safe = StabilityCheck(found, name, 1.0).largest_safe
                if not np.isfinite(safe):
                    safe = 1 / found.whole
                for factor in factors:
                    yield _verdict(name, equation, size, factor * safe, steps)


def _verdict(name, equation, size, timestep, steps):
    solver = make(equation, all_steppers()[name], size)
    (variable,) = solver.state
    variable.change_scales(1)
    start = np.abs(variable["g"]).max()
    try:
        line = check_timestep(solver, name, timestep, duration=steps * timestep)
    except ParameterError as refusal:
        return Verdict(name, equation, size, timestep, str(refusal), False, np.nan)
    is_safe = "warning" not in line and "no limit is known" not in line
    growth = np.nan
    if is_safe:
        try:
            with np.errstate(all="ignore"):
                for _ in range(steps):
                    solver.step(timestep)
            variable.change_scales(1)
            growth = float(np.nan_to_num(np.abs(variable["g"]), nan=np.inf).max() / start)
        except NotConvergedError:
            # Refused in the middle, with the reason: not a wrong answer.
            is_safe = False
    return Verdict(name, equation, size, timestep, line, is_safe, growth)


def rows(repeats):
    """(what, figure): the number of runs that were called safe, and those that were not."""
    found = list(
        verdicts(all_steppers(), (16, 33, 64, 128), (0.1, 0.5, 0.9, 1, 1.05, 1.5, 3), 1000)
    )
    safe = [v for v in found if v.is_safe]
    broken = [v for v in safe if not v.growth < 10]
    names = ", ".join(f"{v.stepper}, {v.equation}, N = {v.size}, {v.timestep:.3g}" for v in broken)
    yield (
        f"{len(found)} timesteps of {len({v.stepper for v in found})} steppers: {len(safe)} are "
        "called safe; of these not finite, or grown tenfold, after 1000 steps",
        f"{len(broken)}{': ' * bool(names)}{names}",
    )
