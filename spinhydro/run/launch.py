"""Start ``mpiexec`` with the settings that runs need, and pass signals and exit codes on."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from spinhydro.errors import InputError, Stopped
from spinhydro.run.messages import to_stderr
from spinhydro.run.signals import NOTED

#: The variables that tell a process its rank.
RANK_VARIABLES = (b"OMPI_COMM_WORLD_RANK=", b"PMI_RANK=", b"PMIX_RANK=")
#: The variables of batch jobs, which may have cores on other machines too.
BATCH_VARIABLES = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID")
#: Ranks for each core that are started outside of a batch job, and ranks that always are.
RANKS_PER_CORE, FEW_RANKS = 4, 32
_PR_SET_PDEATHSIG = 1


def cores():
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def most_ranks():
    """Return the largest number of ranks that -n starts; in a batch job it is not limited."""
    if any(name in os.environ for name in BATCH_VARIABLES):
        return sys.maxsize
    return max(FEW_RANKS, RANKS_PER_CORE * cores())


def is_rank():
    """Return whether this process was started by mpiexec or srun as one of several."""
    sizes = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE")
    return any(os.environ.get(name, "1") not in ("", "1") for name in sizes)


def mpiexec_line(ranks, available=None):
    """Return the command that starts ranks, up to the program.

    Ranks that wait for each other poll; where there are not more cores than ranks they yield, which
    is twice as fast on a busy machine.

    Raises
    ------
    InputError
        If there is no mpiexec.
    """
    mpiexec = shutil.which("mpiexec") or shutil.which("mpirun")
    if mpiexec is None:
        raise InputError("-n needs mpiexec, which is not installed or not in PATH")
    line = [mpiexec]
    if _is_open_mpi(mpiexec):
        line += ["--quiet", "--oversubscribe", "--bind-to", "none"]
        # Hosts that cannot be reached any more are noticed after half a minute.
        for name, value in (("time", 10), ("intvl", 5), ("probes", 4)):
            line += ["--mca", f"oob_tcp_keepalive_{name}", str(value)]
        if ranks >= (available or cores()):
            line += ["--mca", "mpi_yield_when_idle", "1"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            line += ["--allow-run-as-root"]
    return [*line, "-n", str(ranks)]


def _is_open_mpi(mpiexec):
    try:
        found = subprocess.run([mpiexec, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "Open MPI" in found.stdout or "OpenRTE" in found.stdout


def launch(ranks, arguments):
    """Run ``spinhydro ARGUMENTS`` on several ranks.

    Signals go to the ranks, not to mpiexec, which would kill them a second later (a longer
    ``odls_base_sigkill_timeout`` delays every non-zero exit by as much). If this process is killed,
    mpiexec gets SIGUSR1, which it passes on, and the ranks stop in order.

    Parameters
    ----------
    ranks : int
    arguments : list of str

    Returns
    -------
    int
        The exit code of the ranks.

    Raises
    ------
    InputError
        If there is no mpiexec.
    """
    line = [*mpiexec_line(ranks), *_program(), *arguments]
    kept = {n: signal.getsignal(n) for n in NOTED if signal.getsignal(n) is not signal.SIG_IGN}
    process = subprocess.Popen(
        line, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent
    )
    passed = []

    def note(number, _):
        passed.append(number)
        to_stderr(f"spinhydro: {signal.Signals(number).name} is passed on to the ranks")
        pass_on(number, process.pid)

    try:
        for number in kept:
            signal.signal(number, note)
        code = process.wait()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    code = code if code >= 0 else 128 - code
    # mpiexec, or ranks that were not listening yet, died of the signal: there is no run to lose.
    died = code - 128 in {*passed, signal.SIGUSR1}
    return Stopped.exit_code if passed and died else code


def _program():
    script = Path(sys.argv[0])
    if script.name == "spinhydro" and script.is_file():
        return [sys.executable, str(script)]
    return [sys.executable, "-m", "spinhydro"]


def _die_with_parent():
    """Make the kernel send SIGUSR1 to this process when its parent dies (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGUSR1)


def pass_on(number, mpiexec):
    """Send a signal to the ranks of an mpiexec on this machine.

    Parameters
    ----------
    number : int
    mpiexec : int
        Its process id.
    """
    ranks = [pid for pid in descendants(mpiexec) if _is_rank(pid)]
    for pid in ranks:
        _send(pid, number)
    if not ranks:
        # Other machines, or another system: mpiexec forwards this signal unchanged.
        _send(mpiexec, signal.SIGUSR1)


def _send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def descendants(pid):
    """Return the process ids below a process, as far as /proc lists them."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in file.read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def _is_rank(pid):
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(entry.startswith(RANK_VARIABLES) for entry in environment)
