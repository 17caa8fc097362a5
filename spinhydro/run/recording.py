"""Record of a run: run.json, log.txt, and the verdict on its expectations."""

import json
import time

from spinhydro import __version__
from spinhydro.errors import NotFiniteError, OutputError, SpinhydroError
from spinhydro.run import liveness, provenance
from spinhydro.run.checkpoint import Checkpoints
from spinhydro.run.folder import RunFolder
from spinhydro.run.messages import to_stderr
from spinhydro.run.output import FieldOutput
from spinhydro.run.progress import Progress, elapsed
from spinhydro.run.record import read_record


class RunRecording:
    """Record and log of a `Run`."""

    def open(self, resumed=None):
        """Record the beginning in the run folder and create the output handler.

        Parameters
        ----------
        resumed : dict, optional
            Entry of the record about this continuation of an earlier run.
        """
        folder, plan = self.folder, self.plan
        state = {
            "status": "running",
            "reason": "",
            "exit_code": None,
            "message": "",
            "sim_time": self.solver.sim_time,
            "iteration": int(self.solver.iteration),
            "stop_time": plan.stop_time,
            "timestep": self.timestep,
            "tolerance": plan.tolerance,
            "ranks": self.ivp.dist.comm.size,
            **liveness.signature(),
        }
        record = {
            "problem": plan.name,
            **state,
            "command": provenance.command(),
            "units": plan.units,
            "outputs": plan.outputs or {name: name for name in self.outputs},
            "engine": self.engine,
            "timestepper": self.stepper_name,
            "truncate": self.truncation or 1.0,
            "versions": provenance.versions(),
            "started": provenance.now(),
            **plan.record,
        }
        if resumed is not None:
            earlier = folder.record.get("resumed") or []
            self.earlier_seconds = folder.record.get("wall_seconds") or 0.0
            kept = record if resumed.get("changed") else state
            record = {**folder.record, **kept, "resumed": [*earlier, resumed], "finished": None}
        if self.root:
            folder.update(**record)
        attributes = {
            "spinhydro_version": __version__,
            "problem_source": plan.source,
            "run": json.dumps(record, ensure_ascii=False, default=str),
        }
        self.output = FieldOutput(
            self.solver, folder.place / "fields", self.outputs, plan.output_units, attributes,
            tables={"kernels": plan.kernels, "waves": plan.waves}, max_writes=plan.max_writes,
            values=self.values,
        )  # fmt: skip
        self.output.known, self.known_outputs = self.known_outputs, {}
        for handler in self.handlers:
            handler.open(self.solver, folder.place, plan.output_units, attributes, self.values)
        self.checkpoints = Checkpoints(self.solver, folder.place, plan.checkpoints_kept)
        self.progress = Progress(
            plan.stop_time, self.time_unit, enabled=self.root and not self.quiet
        )

    def log(self, line):
        """Write one line to the log of the run, and to the terminal unless quiet."""
        if self.root:
            self.folder.log(line)
            if not self.quiet:
                self.progress.finish()
                to_stderr(line)

    def note_progress(self, interval):
        """Update the record, unless that was done recently: it waits for the disk."""
        now = time.monotonic()
        if self.root and now - self._noted >= interval:
            self._noted = now
            self.folder.update(
                sim_time=self.solver.sim_time,
                iteration=int(self.solver.iteration),
                heartbeat=provenance.now(),
                wall_seconds=round(self.earlier_seconds + now - self._began, 3),
                watch={limit.text: limit.extreme for limit in self.watch},
            )

    def measure_expectations(self):
        """Return value, limit and verdict of every expectation, at the present state."""
        found = {}
        for name, limit in self.expect.items():
            value = limit.measure()
            met = bool(limit.holds(value))
            found[name] = {"text": limit.text, "value": value, "limit": limit.limit, "met": met}
            members = limit.values_of_members()
            if members is not None:
                found[name]["members"] = [
                    {"value": float(v), "met": limit.holds(v)} for v in members
                ]
            self.log(
                f"expected {name}: {value:.3g} {'>=' if limit.is_lower else '<='} {limit.limit:g}  "
                + ("ok" if met else f"MISSED{self._why_missed(limit)}")
                + (f" ({limit.place})" if limit.place and "member" in limit.place else "")
            )
        return found

    def _why_missed(self, limit):
        """Return why an expectation of the file is meaningless for this run, or ""."""
        if self.plan.record.get("given_equations"):
            return " (an expectation of the file, whose equations were replaced)"
        time = self.ivp.time
        depends = any(
            hasattr(equation["F"], "has") and time is not None and equation["F"].has(time)
            for equation in self.ivp.equations
        )
        if limit.is_drift and depends:
            return " (an equation depends on time: what drift() follows need not be conserved)"
        return ""

    def close(self, status, error, seconds, expect=None):
        """Record how the run ended."""
        if self.progress:
            self.progress.finish()
        if not self.root:
            return
        message = str(error) if error is not None else ""
        entries = {
            "status": status,
            "reason": type(error).__name__ if error is not None else "stop time reached",
            "message": message,
            "exit_code": getattr(error, "exit_code", 1) if error is not None else 0,
            "failed_members": self.failed.reasons,
            "sim_time": self.solver.sim_time,
            "iteration": int(self.solver.iteration),
            "wall_seconds": round(self.earlier_seconds + seconds, 3),
            "finished": provenance.now(),
            "watch": {limit.text: limit.extreme for limit in self.watch},
            "expect": expect or {},
        }
        if error is None and self.failed.reasons:
            entries |= {"message": self.failed.summary(), "exit_code": NotFiniteError.exit_code}
        try:
            self.folder.update(**entries)
            self.folder.log(message or f"done in {elapsed(seconds)}")
            self.folder.release_reserve()
        except OutputError:
            if error is None:
                raise
            # This error is a consequence of the first, which is reported.
        if status == "done":
            self.report(seconds)

    def record_failure(self, error):
        """Record the error of a rank that will end all ranks; rank 0 may be waiting for it."""
        rank = self.ivp.dist.comm.rank
        try:
            folder = RunFolder(self.folder.path, read_record(self.folder.place))
            folder.update(
                status="failed",
                reason=type(error).__name__,
                message=f"rank {rank}: {error}",
                exit_code=getattr(error, "exit_code", 1),
                finished=provenance.now(),
            )
        except (SpinhydroError, OSError):
            # The error itself is printed.
            return

    def report(self, seconds):
        """Report the duration of the run and the worst values of the watches."""
        if self.output.differs:
            self.log(
                "warning: outputs that were computed again differ from those that were written "
                "before the run was interrupted; those are kept"
            )
        self.log(self.end_line(seconds))
        for limit in self.watch:
            self.log(limit.summary())
        advice = self.filled_modes.advice(self.truncation or 1.0)
        if advice:
            self.log(advice)
