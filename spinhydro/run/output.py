"""Outputs of a run: Dedalus HDF5 sets that are complete at every moment."""

import shutil
from functools import partial

import numpy as np
from dedalus.core.field import Field

from spinhydro.dedalus_support import parallel
from spinhydro.dedalus_support.memory import free_temporaries
from spinhydro.dedalus_support.solver import evaluated
from spinhydro.errors import NotFiniteError, OutputError
from spinhydro.run.hdf5_file import data_checksum
from spinhydro.run.sets import SetHandler, gathered_values, kept_type, written_times

#: Bytes that must stay free on the disk beyond what a write needs.
SPARE_BYTES = 20_000_000


class LazyTask:
    """Values of a task, computed lazily when the handler writes them, and then dropped.

    Values on the grid stay there: ``solver.evaluate_handlers`` takes every output through
    coefficient space, where a complex Fourier basis drops the Nyquist mode, and that adds a
    grid-scale ripple to outputs with a sharp edge.
    """

    def __init__(self, operand, scales, layout, evaluate=evaluated):
        self.operand, self.scales, self.layout = operand, scales, layout
        self._evaluate = evaluate

    def field(self):
        """Return a field with the values, in the layout and on the grid of the task."""
        found = self.operand
        if not isinstance(found, Field):
            found = self._evaluate(found)
        elif (found.scales, found.layout) != (self.scales, self.layout):
            # The original stays as it is.
            found = found.copy()
        found.change_scales(self.scales)
        found.change_layout(self.layout)
        return found


def first_values(operand, variables, evaluate):
    """Return the values of an output on the grid on rank 0, as a first write holds them."""
    dist = operand.dist
    field = LazyTask(operand, dist.remedy_scales(1), dist.grid_layout, evaluate).field()
    return gathered_values(field, kept_type(operand, variables))


class FieldOutput:
    """One file handler of a run: written on request, verified after each write.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    path : Path
        Folder of the handler; its files are ``<name>_s1.h5``, …
    tasks : dict
        ``{name: operand}``, or ``{name: (operand, {"layout": …, "scales": …})}``.
    units : dict
        ``{name: unit}`` of the tasks.
    attributes : dict
        Texts that every file carries in its root attributes.
    tables : dict
        ``{group: {name: array}}`` that every file carries.
    max_writes : int
        Writes per set, at most.
    values : OperandValues, optional
        Evaluates the tasks; without it Dedalus does.

    Attributes
    ----------
    writes : int
        Number of writes so far.
    last_time : float or None
        Simulation time of the last write.
    known : dict
        ``{name: first_values}`` of tasks of the present state; the next write takes them.
    failed_members : set of int
        Members whose values may be NaN.
    differs : bool
        On rank 0: whether a skipped write differs from the file.
    """

    def __init__(
        self, solver, path, tasks, units, attributes, max_writes=1000, tables=None, values=None
    ):  # fmt: skip
        self.solver, self.values = solver, values
        self.comm = solver.dist.comm
        self.handler = SetHandler(
            path, solver.dist, solver.evaluator.vars, units, attributes, tables or {}, max_writes
        )
        for name, task in tasks.items():
            operand, options = task if isinstance(task, tuple) else (task, {})
            self.handler.add_task(
                operand, solver.state, name=name, **{"scales": 1, "layout": "g", **options}
            )
        self.known, self.failed_members = {}, set()
        self.writes = self.handler.total_write_num
        self.last_time = None
        self._existing, self._compare = {}, False
        self.differs = False

    def write(self, timestep):
        """Write every task once.

        Raises
        ------
        NotFiniteError
            On every rank, if a task is not finite; nothing is written then.
        OutputError
            On every rank, if rank 0 could not write, or not read back what it wrote.
        """
        parallel.on_root(self.comm, self._check_space)
        solver, values = self.solver, []
        known, self.known = self.known, {}
        for task in self.handler.tasks:
            if task["name"] in known:
                values.append(known.pop(task["name"]))
                continue
            evaluate = evaluated
            if self.values is not None:
                evaluate = partial(self.values, name=f"{self.handler.name} {task['name']}")
            lazy = LazyTask(task["operator"], task["scales"], task["layout"], evaluate)
            values.append(self.handler.gathered(lazy.field(), task))
        scales = {
            "sim_time": solver.sim_time,
            "wall_time": solver.wall_time,
            "timestep": timestep,
            "iteration": solver.iteration,
        }
        if parallel.on_root(self.comm, lambda: self._append(scales, values)):
            self.writes += 1
        self.last_time = solver.sim_time
        free_temporaries()

    def skip_existing(self, compare):
        """Skip the writes of times that an earlier, interrupted run has written.

        Parameters
        ----------
        compare : bool
            Whether they should be equal to the last byte; ``differs`` is set if they are not.
        """
        self._compare = compare
        if self.comm.rank == 0:
            self._existing = written_times(self.handler.base_path, self.handler.name)

    def _append(self, scales, values):
        for task, data in zip(self.handler.tasks, values, strict=True):
            self._check_finite(task, data, scales)
        existing = self._existing.get(float(scales["sim_time"]))
        if existing is not None:
            if self._compare and existing != [data_checksum(data) for data in values]:
                self.differs = True
            return False
        self.handler.append(scales, values)
        return True

    def _check_finite(self, task, data, scales):
        # The sum is cheap and not finite if a value is not; it may overflow by itself.
        if np.isfinite(np.sum(data)):
            return
        bad = ~np.isfinite(data)
        axis = self.handler.member_axis(task)
        if axis is not None and self.failed_members:
            bad[(*[slice(None)] * axis, sorted(self.failed_members))] = False
        if bad.any():
            place = self.handler.place_of(task, np.argwhere(bad)[0])
            raise NotFiniteError(
                f"the output '{task['name']}' is not finite at t = {scales['sim_time']:.6g}, "
                f"iteration {scales['iteration']}{place}, while the state is finite: check its "
                "expression (the root or logarithm of a negative number, a division by zero)"
            )

    def _check_space(self):
        folder = self.handler.base_path
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            raise OutputError(f"{folder} cannot be reached any more: {error.strerror}") from None
        needed = 2 * self.handler.write_bytes + SPARE_BYTES
        if free < needed:
            raise OutputError(
                f"the disk of {folder} is full: {free / 1e6:.0f} MB are free, the next write "
                f"needs {needed / 1e6:.0f} MB; everything up to the last output is kept"
            )
