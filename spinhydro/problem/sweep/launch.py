"""Start the tasks of a sweep: processes on this machine, SLURM arrays, or ranks of an allocation.

Nothing here schedules: a pool is capped by the number of workers, SLURM has submitit, an
allocation has mpi4py.futures. Every task is solved in a process by itself
(`spinhydro.problem.sweep.task`) wherever it is started.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from spinhydro.errors import InputError, Stopped, unknown_name_message

BACKENDS = ("pool", "slurm", "mpi")
#: Variables of a launcher by which a process believes that it is one of its ranks.
_LAUNCHER = ("OMPI_", "PMIX_", "PMI_", "MPIEXEC_", "HYDRA_", "PRTE_", "SLURM_")
#: Settings of Open MPI, which a task may need too.
_KEPT = ("OMPI_MCA_", "OMPI_ALLOW_", "PRTE_MCA_")


def task_environment():
    """The environment of a task: that of this process, without its place in a launcher."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_LAUNCHER) or name.startswith(_KEPT)
    }
    environment.update(OMP_NUM_THREADS="1", NUMEXPR_MAX_THREADS="1")
    return environment


def start_task(folder, number):
    """Start a task in a process; its messages go to ``log.txt`` in the folder of the task."""
    place = os.path.join(folder, "tasks", f"{number:04d}")
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "log.txt"), "a", encoding="utf-8") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "spinhydro.problem.sweep.task", str(folder), str(number)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            env=task_environment(),
        )  # fmt: skip


def solve_in_process(folder, number):
    """Solve a task in a new process and return its exit code; for workers of mpi4py.futures."""
    return start_task(folder, number).wait()


class Pool:
    """At most `workers` processes at a time on this machine."""

    def __init__(self, sweep, workers):
        self.sweep, self.workers = sweep, workers
        self._running, self._lock, self.stopped = set(), threading.Lock(), False

    def solve(self, numbers, report):
        """Solve tasks; `report()` is called after each. Raises Stopped after a signal."""
        previous = {
            number: signal.signal(number, self._stop)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            with ThreadPoolExecutor(self.workers) as threads:
                waiting = {threads.submit(self._one, number) for number in numbers}
                while waiting:
                    done, waiting = wait(waiting, timeout=1, return_when=FIRST_COMPLETED)
                    if self.stopped:
                        for future in waiting:
                            future.cancel()
                    for future in done:
                        if not future.cancelled():
                            future.result()
                    if done:
                        report()
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        if self.stopped:
            raise Stopped("the sweep was stopped by a signal")

    def _one(self, number):
        with self._lock:
            if self.stopped:
                return
            process = start_task(self.sweep.path, number)
            self._running.add(process)
        process.wait()
        with self._lock:
            self._running.discard(process)

    def _stop(self, *_):
        # Runs write a checkpoint and end with exit code 75.
        self.stopped = True
        for process in list(self._running):
            process.send_signal(signal.SIGTERM)


class SlurmTask:
    """A task as submitit sends it to SLURM; after a signal before the limit it is sent again."""

    def __init__(self, folder, number):
        self.folder, self.number = str(folder), number

    def __call__(self):
        self.process = start_task(self.folder, self.number)
        return self.process.wait()

    def checkpoint(self):
        """Stop the run in order, and ask submitit to queue the task again."""
        from submitit.helpers import DelayedSubmission

        if getattr(self, "process", None) is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()
        return DelayedSubmission(SlurmTask(self.folder, self.number))


def solve_on_slurm(sweep, numbers, report, workers, minutes, options, wait_for_end=True):
    """Submit tasks as one SLURM array, and wait until each has ended.

    Parameters
    ----------
    workers : int
        Most tasks that run at once.
    minutes : int
        Time limit of a task; a run that needs longer continues in another job.
    options : dict
        More parameters of submitit's executor, such as ``slurm_partition``.
    """
    try:
        import submitit
    except ImportError:
        raise InputError("sweeps on SLURM need submitit: pip install 'spinhydro[slurm]'") from None
    executor = submitit.AutoExecutor(folder=sweep.path / "slurm", cluster="slurm")
    executor.update_parameters(
        name=f"sweep-{sweep.options['problem']}", timeout_min=minutes, cpus_per_task=1,
        tasks_per_node=1, slurm_array_parallelism=workers, **options,
    )  # fmt: skip
    with executor.batch():
        jobs = [executor.submit(SlurmTask(sweep.path, number)) for number in numbers]
    left = {number: job.job_id for number, job in zip(numbers, jobs, strict=True)}
    absent = set()
    while wait_for_end and left:
        time.sleep(2)
        queued = _queued()
        # A job that has just ended leaves the queue before its result can be seen.
        gone = {number for number, job in left.items() if queued is not None and job not in queued}
        ended = {n for n in left if sweep.result(n) is not None} | (absent & gone)
        absent = gone
        for number in ended:
            del left[number]
        if ended:
            report()


def _queued():
    """Numbers of this user's jobs that SLURM has not finished with; None if it does not answer.

    The queue is asked, not the accounting, which many clusters and all test machines lack.
    """
    try:
        done = subprocess.run(
            ["squeue", "--me", "--noheader", "--array", "--format=%i"],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return set(done.stdout.split())


def solve_on_ranks(sweep, numbers, report):
    """Solve tasks on the ranks of ``mpiexec -n N python -m mpi4py.futures -m spinhydro sweep …``.

    Rank 0 hands tasks out, every other rank solves one at a time.
    """
    from concurrent.futures import as_completed

    from mpi4py.futures import MPIPoolExecutor

    with MPIPoolExecutor() as ranks:
        futures = [ranks.submit(solve_in_process, str(sweep.path), number) for number in numbers]
        for future in as_completed(futures):
            future.result()
            report()


def choose(name):
    """The backend for a name, or for "auto" the one that fits where this is called."""
    if name == "auto":
        if "mpi4py.futures.__main__" in sys.modules or _is_futures():
            return "mpi"
        return "pool"
    if name not in BACKENDS:
        raise InputError(unknown_name_message("backend", name, ("auto", *BACKENDS)))
    return name


def _is_futures():
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return bool(spec and (spec.parent or "").startswith("mpi4py.futures"))
