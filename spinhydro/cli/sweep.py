"""spinhydro sweep PROBLEM NAME=a:b:n …: solve many cases, resumable at any kill."""

import argparse
import os
import time
from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.cli.terminal import to_stderr
from spinhydro.errors import InputError

DESCRIPTION = """Solve many cases of a problem file. Cases of equal shape become members of one
run; runs are tasks that are solved side by side. Prints the folder of the sweep as
its last line; sweep.csv in it is the table of results."""

EPILOG = """examples:
  spinhydro sweep problems/quantum_torque.py Omega_R='2*pi*50*Hz:2*pi*150*Hz:101'
  spinhydro sweep problems/transient_grating.py kernel=lattice,micromagnetic seed=0:19:20
  spinhydro sweep problems/pslle_dispersion.py alpha=1e-3:1e-1:9:log --dry-run
  spinhydro sweep --resume runs/quantum_torque/sweep_0001

A range is first:last:number, or first:last:number:log in equal ratios; a list is v1,v2,…

Exit codes: 0 all cases computed, 1 some failed (see sweep.csv), 2 bad input,
75 stopped by a signal: continue with --resume."""


def _parser():
    parser = Parser(
        "sweep", DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problem", nargs="?", help="a problem file, problems/quantum_torque.py")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUES", help="ranges, lists, values")
    parser.add_argument("--resume", metavar="SWEEP", help="go on with a sweep that was stopped")
    parser.add_argument("--zip", action="store_true", help="lists entry by entry, not all pairs")
    parser.add_argument("--table", metavar="FILE", help="cases from a CSV file")
    parser.add_argument(
        "--sample", metavar="KIND:N", help="N points of ranges first:last: random, sobol, latin"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of --sample [0]")
    parser.add_argument(
        "--members",
        type=int,
        metavar="N",
        help="most cases that share a run [1 to 64, by their number]",
    )
    parser.add_argument(
        "--on", default="auto", metavar="WHERE", dest="where",
        help="pool (this machine), slurm (arrays by submitit), mpi (mpi4py.futures) [auto: mpi "
        "under mpiexec -m mpi4py.futures, else pool]",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=int, metavar="N", help="most tasks at a time [the cores of the machine]"
    )
    parser.add_argument(
        "--minutes", type=int, default=60, metavar="N", help="time limit of a SLURM job [60]"
    )
    parser.add_argument(
        "--slurm", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter of submitit, partition=short",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print what it would cost, and end")
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder of all runs [runs]")
    parser.add_engine()
    parser.add_equations()
    parser.add_quick()
    parser.add_argument("--force", action="store_true", help="run even if the timestep is unstable")
    parser.add_quiet("sweep")
    return parser


def command(arguments):
    """Make a sweep or go on with one; return the exit code."""
    options = _parser().read(arguments)
    from spinhydro.problem.sweep import folder, launch

    where = launch.choose(options.where)
    workers = len(os.sched_getaffinity(0)) if options.workers is None else options.workers
    if workers < 1:
        raise InputError(f"--workers {workers}: at least one")
    if options.resume:
        if options.problem or options.values:
            raise InputError(
                "a sweep that is resumed keeps its cases: leave out the problem and the values"
            )
        found = folder.read(options.resume)
    else:
        found = _new_sweep(options, workers)
        if found is None:
            return 0
    return _solve(found, options, where, workers)


def _new_sweep(options, workers):
    """The folder of a new sweep; None after ``--dry-run``."""
    if not options.problem:
        raise InputError(
            "name a problem file and values: spinhydro sweep problems/quantum_torque.py "
            "kappa_n0=1:3:5"
        )
    from spinhydro.problem.parameters import override
    from spinhydro.problem.source_file import find_file, read_source
    from spinhydro.problem.sweep.design import make_design

    path = find_file(options.problem)
    source = read_source(path)
    design = make_design(options.values, options.zip, options.table, options.sample, options.seed)
    for name in design.names:
        for text in dict.fromkeys(case[name] for case in design.cases):
            override(source, {**design.fixed, name: text})

    from spinhydro.dedalus_support.backend import quiet_dedalus
    from spinhydro.problem.sweep import folder
    from spinhydro.problem.sweep.grouping import (
        check_values,
        make_tasks,
        member_names,
        members_per_task,
    )

    quiet_dedalus()
    given = {"equations": options.equation, "quick": options.quick}
    check_values(path, design, **given)
    members = member_names(path, design, **given)
    most = members_per_task(design, workers) if options.members is None else options.members
    tasks = make_tasks(design, members, most)
    how = {**given, "engine": options.engine, "force": options.force}
    if options.dry_run:
        _print_estimate(path, design, members, tasks, how)
        return None
    return folder.create(options.out, path.stem, path, design, members, tasks, how)


def _print_estimate(path, design, members, tasks, how):
    from spinhydro.problem.sweep.estimate import estimate

    found = estimate(path, design, members, tasks, how)
    shared = ", ".join(members) or "none: every case is a run"
    print(f"cases      {len(design.cases)}")
    print(f"tasks      {found.tasks}, up to {found.members} members in each")
    print(f"in members {shared}")
    print(f"CPU time   {found.cpu_hours:.3g} hours")
    print(f"disk       {found.bytes / 1e6:.3g} MB")


def _solve(found, options, where, workers):
    from spinhydro.errors import Stopped
    from spinhydro.problem.sweep import folder, launch

    progress = Progress(found, enabled=not options.quiet)
    numbers = [n for n in range(len(found.tasks)) if found.result(n) is None]
    code = 0
    folder.write_table(found)
    try:
        if where == "slurm":
            extra = dict(_pair(text) for text in options.slurm)
            launch.solve_on_slurm(found, numbers, progress.report, workers, options.minutes, extra)
        elif where == "mpi":
            launch.solve_on_ranks(found, numbers, progress.report)
        else:
            launch.Pool(found, workers).solve(numbers, progress.report)
    except Stopped as stopped:
        to_stderr(f"spinhydro: {stopped}; go on with: spinhydro sweep --resume {found.path}")
        code = stopped.exit_code
    table = folder.write_table(found)
    missing = [row for row in table if row["status"] in ("failed", "waiting")]
    if missing and not code:
        code = 1
        first = missing[0]
        reason = first.get("message") or "its process ended early; see log.txt of its task"
        to_stderr(
            f"spinhydro: {len(missing)} of {len(table)} cases were not computed; the first is "
            f"case {first['case']}: {reason}"
        )
    print(found.path, flush=True)
    return code


def _pair(text):
    name, equals, value = text.partition("=")
    if not (equals and name.isidentifier()):
        raise InputError(f"--slurm {text}: write NAME=VALUE, as in --slurm partition=short")
    return f"slurm_{name}", int(value) if value.isdigit() else value


class Progress:
    """Report how many tasks have ended and how long the others will take.

    The table is brought up to date at most every two seconds.
    """

    INTERVAL = 2.0

    def __init__(self, sweep, enabled):
        self.sweep, self.enabled = sweep, enabled
        self.total = len(sweep.tasks)
        self.before = self._ended()
        self.begin = self.last = time.monotonic()

    def _ended(self):
        return sum(Path(self.sweep.task_folder(n), "task.json").exists() for n in range(self.total))

    def report(self):
        """Write the table and a line of progress, if it is time to."""
        from spinhydro.problem.sweep.folder import write_table
        from spinhydro.run.progress import duration

        now = time.monotonic()
        if now - self.last < self.INTERVAL:
            return
        self.last = now
        write_table(self.sweep)
        ended = self._ended()
        new = ended - self.before
        left = (now - self.begin) * (self.total - ended) / new if new else float("nan")
        if self.enabled:
            to_stderr(f"spinhydro: {ended} of {self.total} tasks, {duration(left)} left")
