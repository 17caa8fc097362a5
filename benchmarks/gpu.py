"""python -m benchmarks.gpu [--small] [--seconds 400]: the engine jax on the device that JAX finds.

For every case: milliseconds per step, those of the transforms alone, those of the fused engine on
one core of the same machine, bytes in use, and the difference from the fused engine after the same
few steps. The table names the device. Cases that do not fit into the time or the memory are left
out, and marked in the table.
"""

import argparse
import time

import numpy as np

from benchmarks.units import landau_lifshitz, superfluid
from spinhydro import IFRK4, RK4
from spinhydro.dedalus_support.backend import quiet_dedalus
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.engines.fused import FUSED
from spinhydro.engines.jax.engine import JaxStepper
from spinhydro.engines.jax.require import require_jax

#: Steps after which the numbers are compared.
COMPARED = 4

#: Largest number of points at which the engines are compared with Dedalus, which takes most of a
#: start there; above, the two are compared with one another alone.
LARGEST_CHECKED = 128**3

#: (name, module of the problem, time stepper, shape), by memory: JAX tells the largest use so far.
FULL = [
    ("GPE", superfluid, IFRK4, (64,) * 3),
    ("LLE", landau_lifshitz, RK4, (1024,) * 2),
    ("GPE", superfluid, IFRK4, (128,) * 3),
    ("LLE", landau_lifshitz, RK4, (2048,) * 2),
    ("GPE", superfluid, IFRK4, (256,) * 3),
]
SMALL = [
    ("GPE", superfluid, IFRK4, (16,) * 3),
    ("LLE", landau_lifshitz, RK4, (128,) * 2),
    ("GPE", superfluid, IFRK4, (32,) * 3),
]


def started(module, kind, shape, engine, precision="double"):
    """A solver with its engine, compared with Dedalus unless it is large."""
    solver = build_solver(module.problem(shape), kind)
    if np.prod(shape) <= LARGEST_CHECKED and precision == "double":
        choose_engine(solver, engine)
        return solver
    solver.timestepper = (
        JaxStepper(solver, kind, (), precision) if engine == "jax" else FUSED[kind](solver)
    )
    solver.timestepper.sync_on_request, solver.enforce_real_cadence = True, None
    return solver


def advanced(solver, timestep):
    """Grid values of the state after the compared steps, and seconds per step after the first."""
    solver.step(timestep)
    begin = time.perf_counter()
    for _ in range(COMPARED - 1):
        solver.step(timestep)
    solver.timestepper.synchronise()
    seconds = (time.perf_counter() - begin) / (COMPARED - 1)
    for variable in solver.state:
        variable.change_scales(1)
    values = [v["g"].reshape(-1, *v["g"].shape[-len(v.domain.bases) :]) for v in solver.state]
    return np.concatenate(values), seconds


def seconds_per_step(advance, wait, limit=2.0):
    """Median of three, each long enough for the clock, after one call to compile."""
    advance(1)
    wait()
    number, samples = 1, []
    while len(samples) < 3:
        begin = time.perf_counter()
        advance(number)
        wait()
        passed = time.perf_counter() - begin
        if passed < limit / 20:
            number *= 4
            continue
        samples.append(passed / number)
    return float(np.median(samples))


def transform_floor(jax, stepper, dtype):
    """Seconds of the transforms of one step alone."""
    right_side = stepper.right_side
    forward, back = right_side.transforms()
    shape, axes = right_side.space.shape, tuple(range(-len(right_side.space.shape), 0))
    fft = jax.numpy.fft.rfftn if right_side.space.is_real else jax.numpy.fft.fftn
    values = jax.device_put(np.ones((max(forward, 1), *shape), dtype))
    transform = jax.jit(lambda v: fft(v, axes=axes))
    found = [transform(values)]

    def advance(number):
        for _ in range(number):
            found[0] = transform(values)

    each = seconds_per_step(advance, lambda: found[0].block_until_ready()) / max(forward, 1)
    return stepper.stages * (forward + back) * each


def rows(jax, name, module, kind, shape):
    """The lines of one case: double and single precision."""
    timestep, size = module.timestep(shape), " x ".join(map(str, shape))
    wanted, fused = advanced(started(module, kind, shape, "fused"), timestep)
    for precision in ("double", "single"):
        solver = started(module, kind, shape, "jax", precision)
        values, _ = advanced(solver, timestep)
        difference = np.abs(values - wanted).max() / np.abs(wanted).max()
        stepper = solver.timestepper
        seconds = seconds_per_step(
            lambda number, stepper=stepper: stepper.step_many(timestep, number), stepper.is_finite
        )
        narrow = {"float64": np.float32, "complex128": np.complex64}
        dtype = values.dtype if precision == "double" else narrow[str(values.dtype)]
        floor = transform_floor(jax, stepper, dtype)
        used = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
        memory = f"{used / 1e9:.2f}" if used else "–"
        yield (
            f"| {name} {size} | {precision} | {1e3 * seconds:.3g} | {1e3 * floor:.3g} | "
            f"{1e3 * fused:.3g} | {memory} | {difference:.0e} |"
        )


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--small", action="store_true", help="sizes for a CPU")
    parser.add_argument("--seconds", type=float, default=400, help="begin no case after this [400]")
    options = parser.parse_args()
    quiet_dedalus()
    jax = require_jax("the benchmark")
    device = jax.devices()[0]
    small = options.small or device.platform == "cpu"
    print(f"{device.device_kind} ({device.platform}), JAX {jax.__version__}\n")
    print(
        "| case | precision | ms per step | transforms alone | fused, one core | GB | difference |"
    )
    print("|---|---|---|---|---|---|---|")
    begin = time.monotonic()
    for case in SMALL if small else FULL:
        label = f"{case[0]} {' x '.join(map(str, case[3]))}"
        if time.monotonic() - begin > options.seconds:
            print(f"| {label} | left out: {options.seconds:g} s have passed | | | | | |")
            continue
        try:
            for line in rows(jax, *case):
                print(line, flush=True)
        except jax.errors.JaxRuntimeError as error:
            print(f"| {label} | {str(error).splitlines()[0][:60]} | | | | | |", flush=True)
    print(f"\n{time.monotonic() - begin:.0f} s in all")


if __name__ == "__main__":
    main()
