"""Memory and set-up, each measured in a separate process."""

import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.units import superfluid
from spinhydro import IFRK4
from spinhydro.engines.choose import build_solver, choose_engine

SIZES = {"memory": 128, "setup": 64}
RESOURCES = {
    "memory": "GPE 128³: peak memory above the interpreter, in sizes of the state",
    "setup": "GPE 64³: CPU seconds from the equations to the end of the first step",
}


def measure_resource(name):
    """(what, figure) of a resource."""
    code = f"from benchmarks.resources import report; report({name!r})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                            check=False)  # fmt: skip
    if answer.returncode:
        return RESOURCES[name], f"failed: {answer.stderr.strip().splitlines()[-1]}"
    return RESOURCES[name], answer.stdout.strip().splitlines()[-1]


def report(name):
    """Print the figure of this process."""
    size = SIZES[name]
    before, start = peak(), time.process_time()
    problem = superfluid.problem((size,) * 3)
    solver = build_solver(problem, IFRK4)
    kind, text = choose_engine(solver, "auto", [], 10_000)
    solver.step(1e-4)
    seconds = time.process_time() - start
    state = 2 * size**3 * 16
    if name == "memory":
        print(f"{(peak() - before) / state:.1f} ({kind}; {seconds:.1f} s to the first step)")
    else:
        print(f"{seconds:.2f} s ({kind})")


def peak():
    """Largest resident size of this program, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss would begin with the size of the process that started this one.
        (line,) = (text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
