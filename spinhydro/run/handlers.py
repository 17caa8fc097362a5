"""Further outputs of a run, each with separate tasks and cadence, with Dedalus's names."""

import math

from spinhydro.errors import InputError, unknown_name_message
from spinhydro.language.declarations import as_task, read_outputs
from spinhydro.run.output import FieldOutput

_OPTIONS = ("tasks", "sim_dt", "iter", "max_writes", "layout", "scales")


class ScheduledOutput:
    """A handler that is written every ``sim_dt`` of simulation time or every ``iter`` steps.

    Parameters
    ----------
    name : str
        Name of its folder in the run folder, and of its files.
    options : dict
        ``tasks`` (``{name: string or operand}``, or ``{name: {"task": …, "layout": …, "scales":
        …}}``), ``sim_dt`` or ``iter``, ``max_writes``, and ``layout`` and ``scales`` of all tasks.
    ivp : d3.IVP

    Raises
    ------
    InputError
        For an unknown option, or a cadence that is missing or not positive.
    """

    def __init__(self, name, options, ivp):
        if not (isinstance(name, str) and name.isidentifier()) or name in ("fields", "checkpoints"):
            raise InputError(f"handlers: {name!r} cannot be the name of a handler")
        if not isinstance(options, dict):
            raise InputError(f"handlers['{name}'] must be a dictionary: {{'tasks': …, 'iter': 10}}")
        for option in options:
            if option not in _OPTIONS:
                raise InputError(
                    f"handlers['{name}'] has {unknown_name_message('option', option, _OPTIONS)}"
                )
        self.name, self.options = name, options
        self.sim_dt, self.iter = options.get("sim_dt"), options.get("iter")
        cadences = [c for c in (self.sim_dt, self.iter) if c is not None]
        if not cadences or not all(c > 0 for c in cadences):
            raise InputError(f"handlers['{name}'] needs a positive sim_dt or iter")
        self.tasks = _tasks(name, options, ivp)
        self.output, self._last = None, None

    def open(self, solver, folder, units, attributes, values):
        """Create the file handler; `values` is the OperandValues of the run."""
        self.output = FieldOutput(
            solver, folder / self.name, self.tasks, units, attributes,
            max_writes=int(self.options.get("max_writes", 1000)), values=values,
        )  # fmt: skip

    def is_due(self, step, elapsed):
        """Return whether a write is due at a step, `elapsed` after the start."""
        count = (
            math.floor(elapsed / self.sim_dt + 1e-9) if self.sim_dt else -1,
            step // self.iter if self.iter else -1,
        )
        due = self._last is None or any(a > b for a, b in zip(count, self._last, strict=True))
        self._last = count
        return due

    def skip(self, step, elapsed, compare, same_problem):
        """Continue after the writes of an earlier run."""
        if step:
            self.is_due(step, elapsed)
        if same_problem:
            self.output.skip_existing(compare)


def _tasks(name, options, ivp):
    tasks = options.get("tasks")
    if not isinstance(tasks, dict) or not tasks:
        raise InputError(f"handlers['{name}'] needs tasks, a dictionary {{'Z': 's@ez'}}")
    common = {key: options[key] for key in ("layout", "scales") if key in options}
    found = {}
    for task, value in tasks.items():
        own = dict(value) if isinstance(value, dict) else {"task": value}
        operand = own.pop("task", None)
        if isinstance(operand, str):
            operand = read_outputs(ivp, {task: operand})[task]
        found[task] = (as_task(operand, ivp.dist), {**common, **own})
    return found
