"""The plan of a run, and the steps and output times that follow."""

import math
import shutil
from dataclasses import dataclass, field

import numpy as np

from spinhydro.dedalus_support.field_sizes import check_capacity
from spinhydro.errors import InputError, ParameterError, unknown_name_message
from spinhydro.run.members import CHOICES


@dataclass
class Plan:
    """The plan of a run, as declared by a problem file or by a plain script.

    Attributes
    ----------
    name : str
        Name of the folder under `out`.
    timestep, stop_time, output_interval : float
        In the units of the problem. The timestep is shortened to divide the output interval;
        "auto", or the longest one, where it is adaptive.
    tolerance : float
        Relative error at the stop time, by which steppers with an embedded pair choose the
        timestep; see ``spinhydro.steppers.control``. Outputs that are closer than the timestep are
        interpolated; see ``spinhydro.steppers.dense_output``.
    given_up : str
        The file's own stepper, where it has no embedded pair and gave way to one that has.
    timestepper : str or class
    chooses_stepper : bool
        Whether adaptive runs may take another stepper: `timestepper` is a default.
    candidates : tuple of classes
        Steppers with an embedded pair that the run takes instead of `timestepper` if they are
        predicted to be cheaper.
    outputs : dict
        ``{name: expression string}``; written as HDF5 tasks of these names.
    output_units : dict
    projections : dict
        ``{variable: expression string}``, assigned after every step.
    watch : list of str
        Limits; the run stops when one is passed.
    expect : dict
        ``{name: limit string}``, measured at the end and reported.
    advice : list of str
        Warnings that the run begins with.
    kernels : dict
        ``{name: array (2, n)}``, k and omega(k) of kernels, kept with the outputs.
    waves : dict
        Frequencies of small waves on the initial state, kept with the outputs (see
        ``linear_waves.waves_of``).
    handlers : dict
        ``{name: {"tasks": …, "sim_dt": … or "iter": …, "max_writes", "layout", "scales"}}``:
        further outputs, in separate folders (see ``ScheduledOutput``).
    each_step : callable(solver)
        Called before every step; may change fields.
    max_writes : int
        Writes per set file of `outputs`, at most.
    stop_iteration : int
        Largest number of steps; None for no limit.
    members_fail : str
        "continue": a member that fails is NaN from then on, and the others go on; "stop": the run
        ends.
    truncate : float, optional
        Splitting schemes keep the modes up to this fraction of the largest wavenumber along each
        axis. None: all, or those that cannot resonate with the timestep if the state does not need
        the others.
    checkpoint_interval : float
        Seconds of wall time between checkpoints.
    checkpoints_kept : int
    wall_limit : float
        Seconds of wall time after which the run must have ended; None for no limit.
    grace : float
        Seconds before the wall limit at which it stops.
    """

    name: str
    timestep: float
    stop_time: float
    output_interval: float = None
    timestepper: object = "RK4"
    tolerance: float = None
    given_up: str = ""
    chooses_stepper: bool = False
    candidates: tuple = ()
    outputs: dict = None
    output_units: dict = field(default_factory=dict)
    projections: dict = field(default_factory=dict)
    watch: list = field(default_factory=list)
    expect: dict = field(default_factory=dict)
    advice: list = field(default_factory=list)
    units: dict = field(default_factory=dict)
    record: dict = field(default_factory=dict)
    kernels: dict = field(default_factory=dict)
    waves: dict = field(default_factory=dict)
    source: str = ""
    modules: dict = field(default_factory=dict)
    handlers: dict = field(default_factory=dict)
    each_step: object = None
    max_writes: int = 1000
    stop_iteration: int = None
    members_fail: str = "continue"
    truncate: float = None
    checkpoint_interval: float = 600.0
    checkpoints_kept: int = 2
    wall_limit: float = None
    grace: float = 0.0


#: More outputs than this suggest a wrong unit.
MOST_OUTPUTS = 10**6


def schedule(plan):
    """Return (timestep, steps per output, whole steps, last shorter step) of a plan.

    The timestep is shortened to divide the output interval, so that outputs fall on their times
    exactly; a last, shorter step ends the run at the stop time exactly.
    """
    if callable(plan.timestep) or hasattr(plan.timestep, "compute_timestep"):
        return _adaptive_schedule(plan)
    if plan.stop_time is None and plan.stop_iteration and _positive(plan.timestep):
        plan.stop_time = plan.stop_iteration * plan.timestep
    numbers = {"timestep": plan.timestep, "stop_time": plan.stop_time}
    interval = plan.output_interval
    if interval is not None:
        numbers["output_interval"] = interval
    for name, value in numbers.items():
        if not _positive(value):
            raise ParameterError(f"{name} = {value}: it must be a positive, finite number").within(
                name
            )
    if interval is None:
        interval = max(plan.stop_time / 100, min(plan.timestep, plan.stop_time))
    per_output = max(1, math.ceil(interval / plan.timestep * (1 - 1e-9)))
    timestep = interval / per_output
    ratio = plan.stop_time / timestep
    if ratio > 1e12:
        name = "output_interval" if interval < plan.timestep else "timestep"
        raise ParameterError(
            f"{name} = {numbers[name]:g} would take {ratio:.1e} steps to stop_time = "
            f"{plan.stop_time:g}: is one of them in the wrong unit?"
        ).within(name)
    steps = math.floor(ratio + 1e-9)
    remainder = plan.stop_time - steps * timestep
    if remainder < 1e-9 * timestep:
        remainder = 0.0
    if plan.stop_iteration is not None and plan.stop_iteration <= steps:
        steps, remainder = int(plan.stop_iteration), 0.0
    return timestep, per_output, steps, remainder


def check_limits(plan):
    """Raise InputError for limits of a run that no run can keep."""
    if plan.members_fail not in CHOICES:
        raise InputError(
            f"members_fail: {unknown_name_message('choice', plan.members_fail, CHOICES)}"
        )
    kept = plan.checkpoints_kept
    if not isinstance(kept, int) or kept < 1:
        raise InputError(
            f"checkpoints_kept = {kept}: it must be a whole number, 1 or more (2 are usual: one is "
            "left while the next is written)"
        )
    if plan.wall_limit is not None and not plan.wall_limit > plan.grace:
        raise InputError(
            f"wall_limit = {plan.wall_limit:g} s is over before the run begins, with grace = "
            f"{plan.grace:g} s: the run stops that long before the limit; give a longer limit, or "
            "a shorter grace"
        )


def check_number_of_outputs(plan, steps, per_output, force):
    """Raise ParameterError for an implausible number of outputs, unless `force` is set."""
    outputs = steps // per_output
    if outputs > MOST_OUTPUTS and not force:
        raise ParameterError(
            f"output_interval = {plan.output_interval:g} gives {outputs:.2g} outputs up to "
            f"stop_time = {plan.stop_time:g}: is one of them in the wrong unit? --force runs it"
        ).within("output_interval")


def check_memory(ivp):
    """Raise ParameterError if a machine cannot hold the state of a run; see `check_capacity`."""
    shapes = {}
    for variable in ivp.variables:
        points = ivp.dist.grid_layout.global_shape(variable.domain, 1)
        components = math.prod(system.dim for system in variable.tensorsig)
        shapes[points] = shapes.get(points, 0) + components
    for points, components in shapes.items():
        check_capacity("the state", points, components, ivp.variables[0].dtype, ivp.dist.comm)


def check_free_space(outputs, operands, out):
    """Raise ParameterError if the outputs of a run need more bytes than the disk has free.

    Parameters
    ----------
    outputs : int
        Number of outputs.
    operands : list
        What each output holds, on the grid.
    out : Path
        Folder of all runs, or where it will be made.
    """
    needed, place = outputs * sum(map(_bytes_on_grid, operands)), out.absolute()
    existing = next(path for path in (place, *place.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise ParameterError(
            f"{outputs} outputs need {needed / 1e9:.3g} GB, and the disk of {existing} has "
            f"{free / 1e9:.3g} GB free: take a longer output_interval, fewer outputs, or another "
            "disk with --out DIR; --force runs it all the same"
        ).within("output_interval")


def _bytes_on_grid(operand):
    points = math.prod(operand.dist.grid_layout.global_shape(operand.domain, 1))
    components = math.prod(system.dim for system in operand.tensorsig)
    return points * components * np.dtype(operand.dtype).itemsize


def shortening(plan, timestep):
    """Return a line on a timestep that was shortened to divide the output interval, or ""."""
    if not timestep < plan.timestep * (1 - 1e-3):
        return ""
    if plan.output_interval is not None and plan.output_interval < plan.timestep:
        return f"timestep: {timestep:.6g}, the output interval, instead of {plan.timestep:.6g}"
    return f"timestep: {timestep:.6g} instead of {plan.timestep:.6g}, to divide the output interval"


def controlled_schedule(plan):
    """Return the schedule for timesteps that follow from a tolerance; see `schedule`."""
    names = ["stop_time", *(["output_interval"] if plan.output_interval is not None else [])]
    names += [] if isinstance(plan.timestep, str) else ["timestep"]
    for name in names:
        if not _positive(getattr(plan, name)):
            raise ParameterError(
                f"{name} = {getattr(plan, name)}: it must be a positive, finite number"
            ).within(name)
    return _adaptive_schedule(plan)


def _adaptive_schedule(plan):
    """Return the schedule for a timestep chosen at every step; steps is an upper limit."""
    if plan.stop_time is None:
        plan.stop_time = math.inf
    if plan.stop_time == math.inf and plan.stop_iteration is None and plan.wall_limit is None:
        raise ParameterError("give a stop_time, a stop_iteration or a wall_limit")
    if not plan.stop_time > 0:
        raise ParameterError(f"stop_time = {plan.stop_time}: it must be positive")
    if plan.output_interval is None:
        plan.output_interval = plan.stop_time / 100
    if not plan.output_interval > 0:
        raise ParameterError(f"output_interval = {plan.output_interval}: it must be positive")
    steps = math.inf if plan.stop_iteration is None else int(plan.stop_iteration)
    return None, 0, steps, 0.0


def _positive(value):
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0
