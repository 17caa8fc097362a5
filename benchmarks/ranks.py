"""Two ranks against one: wall time of a step, which needs two free cores."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from mpi4py import MPI

from benchmarks.units import landau_lifshitz, superfluid
from spinhydro import IFRK4, RK4
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import InputError

#: Title, module of the problem, shape, scheme.
CASES = {
    "lle": ("LLE 256 × 256, RK4", landau_lifshitz, (256, 256), RK4),
    "gpe": ("GPE 64 × 64 × 64, IFRK4", superfluid, (64, 64, 64), IFRK4),
}
#: Long enough for compiling to pay.
STEPS_OF_A_RUN = 10**6
#: Share of a core below which something else ran on it.
FREE = 0.9
#: Wall seconds of one sample, and samples of one process.
SAMPLE_SECONDS, SAMPLES = 0.3, 5


def rows(repeats):
    """(what, figure) of each case: alternating runs on one and on two ranks."""
    for name, (title, *_) in CASES.items():
        what = f"{title}: speed on 2 ranks over 1 rank, wall time"
        yield what, _compare(name, max(5, repeats))


def _compare(name, pairs):
    if not shutil.which("mpiexec"):
        return "mpiexec is not installed"
    load = os.getloadavg()[0]
    found = {1: [], 2: []}
    for _ in range(pairs):
        for ranks in found:
            answer = _run(name, ranks)
            if "refused" in answer:
                return f"on {ranks} ranks: {answer['refused']}"
            found[ranks].append(answer)
    one, two = ([answer["seconds"] for answer in found[ranks]] for ranks in found)
    ratios = sorted(a / b for a, b in zip(one, two, strict=True))
    share = min(median(answer["share"] for answer in answers) for answers in found.values())
    return (
        f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f} in {pairs} pairs; "
        f"{1e3 * median(one):.3g} and {1e3 * median(two):.3g} ms per step; load average {load:.1f} "
        f"before and {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores; a rank had "
        f"{share:.0%} of a core{'' if share >= FREE else ': the cores were not free'})"
    )


def _run(name, ranks):
    """Return the output of a run in separate processes."""
    command = [sys.executable, "-m", "benchmarks.ranks", name]
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    if ranks > 1:
        command = ["mpiexec", "-n", str(ranks), *command]
        # Open MPI 4 and 5 refuse root and too many ranks otherwise, and bind ranks to cores.
        environment |= {
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "OMPI_MCA_rmaps_base_oversubscribe": "1",
            "OMPI_MCA_hwloc_base_binding_policy": "none",
            "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
            "PRTE_MCA_hwloc_default_binding_policy": "none",
        }
    answer = subprocess.run(
        command, cwd=Path(__file__).parents[1], env=environment, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    if answer.returncode:
        raise RuntimeError(f"{' '.join(command)}: {answer.stderr.strip()[-1000:]}")
    return json.loads(answer.stdout.strip().splitlines()[-1])


def report(name):
    """Print wall seconds per step and the share of a core that the slowest rank had."""
    _, module, shape, stepper = CASES[name]
    comm = MPI.COMM_WORLD
    solver = build_solver(module.problem(shape), stepper)
    try:
        choose_engine(solver, "fused", [], STEPS_OF_A_RUN)
    except InputError as reason:
        _say({"refused": str(reason)})
        return
    timestep = module.timestep(shape)
    _advance(solver, timestep, 3)
    seconds = comm.allreduce(_advance(solver, timestep, 3)[0], op=MPI.MAX)
    steps = max(1, round(SAMPLE_SECONDS / seconds))
    samples = [_advance(solver, timestep, steps) for _ in range(SAMPLES)]
    slowest = comm.allreduce(median(wall for wall, _ in samples), op=MPI.MAX)
    share = median(cpu / wall for wall, cpu in samples)
    _say({"seconds": slowest, "share": comm.allreduce(share, op=MPI.MIN)})


def _advance(solver, timestep, steps):
    """Wall and CPU seconds per step, from when all ranks are ready."""
    solver.dist.comm.Barrier()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(steps):
        solver.step(timestep)
    solver.dist.comm.Barrier()
    return (time.perf_counter() - wall) / steps, (time.process_time() - cpu) / steps


def _say(found):
    if MPI.COMM_WORLD.rank == 0:
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    report(sys.argv[1])
