"""Runs whose timestep changes: a script chooses it (``d3.CFL``, or any function)."""

import math

from mpi4py import MPI

from spinhydro.errors import InputError
from spinhydro.run.loop import HEARTBEAT, NOTE_INTERVAL, WATCH_CADENCE, Run

#: Relative rounding error of times.
SAME_TIME = 1e-10


class TimestepFunction:
    """The next timestep, the same on all ranks.

    Parameters
    ----------
    function : callable or d3.CFL
        Return the next timestep from the present state.
    comm : MPI communicator
    """

    def __init__(self, function, comm):
        self._function = getattr(function, "compute_timestep", function)
        # The controller of d3.CFL remembers the last timestep.
        owner = getattr(self._function, "__self__", None)
        self._controller = owner if hasattr(owner, "stored_dt") else None
        self._comm = comm
        self.next = None

    def choose(self):
        """Return the next timestep.

        Raises
        ------
        InputError
            If it is not a positive number.
        """
        value = self._comm.allreduce(float(self._function()), op=MPI.MIN)
        if not value > 0:
            raise InputError(f"the function for the timestep returned {value}: it must be positive")
        self.next = value

    def record(self):
        """Return the entries of a checkpoint."""
        stored = None if self._controller is None else float(self._controller.stored_dt)
        return {"next": self.next, "stored": stored}

    def restore(self, record):
        """Continue from a `record`."""
        self.next = record["next"]
        if self._controller is not None and record["stored"] is not None:
            self._controller.stored_dt = record["stored"]


class AdaptiveRun(Run):
    """A run with a timestep that changes; outputs and the stop time are met exactly.

    A step is shortened to end at the next output, or halved before it.
    """

    def __init__(self, ivp, plan, timestep, solver=None):
        super().__init__(ivp, plan, 0.0, solver)
        self.function = TimestepFunction(plan.timestep, ivp.dist.comm)
        self.outputs_made = 0

    def progress_record(self):
        """Return what a checkpoint holds beside the state."""
        found = {"outputs_made": self.outputs_made, "function": self.function.record()}
        return {**super().progress_record(), **found}

    def restore(self, checkpoint, same_problem=True):
        """Continue from a checkpoint; see ``Run.restore``."""
        exact = super().restore(checkpoint, same_problem)
        if checkpoint is not None:
            self.outputs_made = checkpoint.progress["outputs_made"]
            self.function.restore(checkpoint.progress["function"])
            self.timestep = checkpoint.timestep
        return exact

    def loop(self, steps_per_output, steps, remainder, request):
        """Step to the stop time or the last iteration; see ``Run.loop``."""
        solver, plan = self.solver, self.plan
        stop = self.initial_time + plan.stop_time
        if self.step == 0:
            self.output.write(0.0)
            self.resolution.start()
            self.write_handlers(0.0)
            self.outputs_made = 1
        self.prepare_timestep()
        while self.step < steps and not _reached(solver.sim_time, stop):
            output = self.next_output()
            target = min(output, stop)
            self.timestep, arrives = self.next_timestep(target)
            self.advance(self.timestep)
            self.step += 1
            if arrives:
                solver.sim_time = target
            self.choose_timestep()
            if arrives:
                self.outputs_made += int(_reached(target, output))
                self.check_and_write(self.timestep)
                self.note_progress(NOTE_INTERVAL)
            else:
                self.check_step()
                if self.step % WATCH_CADENCE == 0:
                    self.check_watches()
                self.check_growth()
                self.check_stability()
                self.note_progress(HEARTBEAT)
            self.write_handlers(self.timestep)
            self.progress.update(solver.sim_time, self.step)
            self.attend(request)
        if self.output.last_time != solver.sim_time:
            self.check_and_write(self.timestep)
        self.save_checkpoint()

    def next_output(self):
        """Return the time of the output at which a step ends next."""
        return self.initial_time + self.outputs_made * self.plan.output_interval

    def prepare_timestep(self):
        """Choose the first timestep, unless a checkpoint holds it."""
        if self.function.next is None:
            self.function.choose()

    def next_timestep(self, target):
        """Return the timestep of the next step, and whether it ends at the time `target`."""
        return _shortened(self.function.next, target - self.solver.sim_time)

    def choose_timestep(self):
        """Choose the timestep after a step."""
        self.function.choose()

    def check_step(self):
        """Check the state after a step that ends before an output."""
        self.check_finite()


def _reached(time, target):
    return time >= target - SAME_TIME * max(abs(target), math.ulp(1))


def _shortened(timestep, left):
    """Return a timestep that ends at a time or well before it, and whether it ends there."""
    if timestep >= left * (1 - SAME_TIME):
        return left, True
    # Not a tiny step at the end.
    return (left / 2, False) if timestep > left / 2 else (timestep, False)
