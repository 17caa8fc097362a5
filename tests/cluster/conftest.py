"""A real SLURM with one node, started for these tests where it is installed."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from ..conftest import ROOT

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol")
SEARCHED = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

CONFIGURATION = """
ClusterName=test
SlurmctldHost={node}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={port}
SlurmdPort={other_port}
AuthType=auth/munge
AuthInfo=socket={home}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={home}/controller
SlurmdSpoolDir={home}/node
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
KillWait=30
CompleteWait=0
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={node} NodeAddr=127.0.0.1 CPUs=4 RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes={node} Default=YES DefaultTime=10 State=UP PriorityTier=1 GraceTime=10
PartitionName=urgent Nodes={node} DefaultTime=10 State=UP PriorityTier=10 PreemptMode=OFF
"""


class Slurm:
    """The daemons, and the commands that tests use."""

    def __init__(self, home):
        self.home, self.pids = home, []
        self.environment = {
            **os.environ,
            "PATH": SEARCHED,
            "SLURM_CONF": str(home / "slurm.conf"),
            "SPINHYDRO_ROOT": str(ROOT),
        }

    def start(self):
        """Start munged, the controller and the node, and wait until it takes jobs."""
        ports = [_free_port(), _free_port()]
        node = os.uname().nodename.split(".")[0]
        text = CONFIGURATION.format(home=self.home, node=node, port=ports[0], other_port=ports[1])
        (self.home / "slurm.conf").write_text(text)
        # Without it slurmd looks for cgroups even if nothing uses them.
        (self.home / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n")
        key = self.home / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        for folder in ("controller", "node"):
            (self.home / folder).mkdir()
        home = self.home
        self._daemon(
            "munged", "--force", f"--socket={home}/munge.socket", f"--key-file={key}",
            f"--pid-file={home}/munged.pid", f"--seed-file={home}/seed",
            f"--log-file={home}/munged.log",
        )  # fmt: skip
        self._daemon("slurmctld", "-f", str(home / "slurm.conf"))
        self._daemon("slurmd", "-f", str(home / "slurm.conf"), "-N", node)
        self.until(lambda: self.call("sinfo", "-h", "-o", "%T").strip() in ("idle", "mixed"), 30)

    def _daemon(self, *line):
        done = subprocess.run(
            line, env=self.environment, start_new_session=True, capture_output=True, text=True,
            timeout=30,
        )  # fmt: skip
        assert done.returncode == 0, f"{line[0]}: {done.stderr}"
        file = self.home / f"{line[0]}.pid"
        self.until(lambda: file.is_file() and file.read_text().strip(), 10)
        self.pids.append(int(file.read_text()))

    def stop(self):
        """Cancel all jobs and end the daemons."""
        subprocess.run(["scancel", "-u", "root"], env=self.environment, timeout=30)
        time.sleep(0.5)
        for pid in reversed(self.pids):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
            self.until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), 15)

    def call(self, *line, cwd=None):
        """Standard output of a command of SLURM."""
        return subprocess.run(
            line, env=self.environment, cwd=cwd, capture_output=True, text=True, timeout=60
        ).stdout

    def submit(self, *arguments, cwd):
        """Number of a new job."""
        done = subprocess.run(
            ["sbatch", "--parsable", *map(str, arguments)], env=self.environment, cwd=cwd,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def field(self, job, name):
        """An entry of ``scontrol show job``."""
        words = self.call("scontrol", "-o", "show", "job", job).split()
        return dict(word.partition("=")[::2] for word in words).get(name)

    def await_state(self, job, *states, seconds=300):
        """Wait until a job is in one of these states."""
        self.until(lambda: self.field(job, "JobState") in states, seconds)

    @staticmethod
    def until(condition, seconds):
        """Wait until a condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s"
            time.sleep(0.2)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def slurm():
    """A SLURM that takes jobs."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=SEARCHED) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge")
    if os.geteuid() != 0:
        pytest.skip("the daemons of SLURM are started by root here")
    # Sockets have short names.
    with tempfile.TemporaryDirectory(prefix="sl") as folder:
        home = Path(folder)
        home.chmod(0o755)
        found = Slurm(home)
        try:
            found.start()
            yield found
        finally:
            found.stop()
