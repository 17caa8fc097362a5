"""Whole processes: ``spinhydro run`` as a user types it against scripts written by hand.

CPU seconds from the first import to the last output, in alternation, with the error beside.
Machine code, byte code and FFTW plans are on disk, as after a first run.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.transforms import PYFFTW
from benchmarks.xmds_programs import GPE, LLE, Program, is_installed
from spinhydro.analysis import load as load_run
from spinhydro.problem.load import load

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(__file__).parent / "scripts"
PROBLEMS = ROOT / "problems"
#: Omega_R t = 4 pi in the gases.
TWO_PERIODS = "16.949*ms"
#: Of the gas in XMDS2, in ms: that of IFRK4, which is its scheme, in the problem file.
XMDS_GPE_TIMESTEP = 2.5e-3
#: Of the spins in XMDS2, in ms: that of RK4, which is its scheme, at 87 % of its stability limit.
XMDS_LLE_TIMESTEP = 2.5e-3


@dataclass
class WholeRun:
    """One unit.

    Attributes
    ----------
    title, problem : str
        Title, and path of the problem file.
    values : dict
        Of its parameters, as typed.
    output : str
        Output whose last value is compared.
    script : str
        File of ``benchmarks/scripts``, or "" for none.
    steps : int
        Steps of the script; 0 for those of the run.
    start : callable(Problem), optional
        Arrays that the script starts from.
    observe : callable(array, dict), optional
        The output, from the final state of the script and its start.
    exact : dict
        Values, in place of `values`, of a run that is taken as exact; it may have fewer points.
    inside : callable(positions), optional
        Where the outputs are compared.
    xmds : callable(Problem, Path), optional
        The same as a program of XMDS2 in a folder, and the output from its last values.
    """

    title: str
    problem: Path
    values: dict
    output: str
    script: str = ""
    steps: int = 0
    start: object = None
    observe: object = None
    exact: dict = field(default_factory=dict)
    inside: object = None
    xmds: object = None


def _gas(problem):
    names = problem.namespace
    for field_ in (names["psi_a"], names["psi_b"], names["V"]):
        field_.change_scales(1)
    return {
        "psi": np.array([names["psi_a"]["g"], names["psi_b"]["g"]]), "V": names["V"]["g"].real,
        "D": names["hbar_over_m"] / 2, "Omega": names["Omega_R"], "g": names["g_aa"],
        "g_ab": names["g_ab"], "L": names["L_x"], "T": problem.declared("stop_time"),
    }  # fmt: skip


def _magnetization(psi, start):
    return _imbalance(*(psi.real**2 + psi.imag**2))


def _imbalance(n_a, n_b):
    n = n_a + n_b
    return (n_a - n_b) * n / (n**2 + 1e-12)


def _outputs(problem):
    """Return the number of outputs after the first."""
    return round(problem.declared("stop_time") / float(problem.declared("output_interval")))


def _positions(length, size):
    return length * (np.arange(size) / size - 0.5)


def _gas_in_xmds(problem, folder):
    start = _gas(problem)
    constants = {name: start[name] for name in ("D", "Omega", "g", "g_ab")}
    arrays = {"a": start["psi"][0], "b": start["psi"][1], "V": start["V"]}
    program = Program(
        folder, GPE, constants, arrays, _positions(start["L"], len(start["V"])), start["T"],
        round(start["T"] / XMDS_GPE_TIMESTEP), _outputs(problem),
    )  # fmt: skip
    return program, lambda last: _imbalance(last["na"], last["nb"])


def _spins_in_xmds(problem, folder):
    names = problem.namespace
    for field_ in (names["s"], names["n"], names["q"]):
        field_.change_scales(1)
    constants = {
        "D": names["hbar_over_m"] / 2, "Omega": names["Omega_R"], "kappa": names["kappa_n0"],
    }  # fmt: skip
    arrays = dict(zip(("sx", "sy", "sz"), names["s"]["g"].astype(complex), strict=True))
    arrays |= {"n": names["n"]["g"], "q": names["q"]["g"]}
    T = problem.declared("stop_time")
    steps = round(T / XMDS_LLE_TIMESTEP)
    x = _positions(names["L_x"], names["Nx"])
    program = Program(folder, LLE, constants, arrays, x, T, steps, _outputs(problem))
    return program, lambda last: last["mz"]


def _chain(problem):
    names = problem.namespace
    names["m"].change_scales(1)
    N = names["N"]
    k = 2 * np.pi * np.fft.rfftfreq(N, names["cell"])
    return {
        "m": names["m"]["g"], "W": names["W"](k), "p": names["p"], "alpha": names["alpha"],
        "omega_K": names["omega_K"], "T": problem.declared("stop_time"),
    }  # fmt: skip


def _texture(problem):
    names = problem.namespace
    names["m"].change_scales(1)
    N, k1 = names["N"], 2 * np.pi / names["L"]
    k2 = (k1 * np.fft.fftfreq(N, 1 / N)[:, None]) ** 2 + (k1 * np.fft.rfftfreq(N, 1 / N)) ** 2
    return {
        "m": names["m"]["g"], "W": names["stiffness"] * k2, "p": names["p"],
        "alpha": names["alpha"], "omega_K": names["omega_K"], "T": problem.declared("stop_time"),
    }  # fmt: skip


def _gpe(N, steps):
    values = {"Nx": str(N), "stop_time": TWO_PERIODS}
    return WholeRun(
        f"W1, GPE {N} to 16.949 ms", PROBLEMS / "coupled_gpe.py", values, "Z", "split_step.py",
        steps, _gas, _magnetization, {"Nx": "2048", "timestep": "0.005*ms"},
        lambda x: np.abs(x) < 150, _gas_in_xmds if N == 4096 else None,
    )  # fmt: skip


UNITS = {
    "w1": _gpe(4096, 900),
    "w1_large": _gpe(16384, 1300),
    "w2": WholeRun(
        "W2, LLE 4096 to 16.949 ms", PROBLEMS / "quantum_torque.py",
        {"Nx": "4096", "stop_time": TWO_PERIODS}, "Z", exact={"timestep": "half"},
        xmds=_spins_in_xmds,
    ),
    "w3": WholeRun(
        "W3, chain of 1152 sites to 5 ps", PROBLEMS / "transient_grating.py",
        {"N": "1152", "keep_nyquist": "1", "timestep": "1*fs", "stop_time": "5*ps"}, "m",
        "spins.py", 0, _chain, lambda m, start: m, {"timestep": "half"},
    ),
    "w4": WholeRun(
        "W4, texture of 64 x 64 spins to 20 ps", SCRIPTS / "texture.py", {}, "m", "spins.py", 0,
        _texture, lambda m, start: m, {"timestep": "half"},
    ),
}  # fmt: skip


def rows(name, repeats):
    """(what, figure) of each competitor of a unit."""
    yield from _measured(UNITS[name], repeats)


def _measured(unit, repeats):
    problem = load(unit.problem, **unit.values)
    timestep = float(problem.declared("timestep"))
    with tempfile.TemporaryDirectory() as folder:
        finer = {**unit.values, **unit.exact}
        if finer.get("timestep") == "half":
            finer["timestep"] = repr(timestep / 2)
        exact = load_run(_run(unit.problem, finer, folder)[1])[unit.output].isel(t=-1)
        _run(unit.problem, unit.values, folder)
        commands = [("spinhydro run", lambda: _run(unit.problem, unit.values, folder))]
        missing = ""
        if unit.script == "split_step.py" and importlib.util.find_spec("pyfftw") is None:
            missing = PYFFTW
        elif unit.script:
            start = unit.start(problem)
            steps = unit.steps or round(start["T"] / timestep)
            np.savez(Path(folder) / "start.npz", **start)
            commands.append((f"{unit.script}, {steps} steps",
                             lambda: _script(unit, folder, steps, start)))  # fmt: skip
        if unit.xmds and is_installed():
            program, observe = unit.xmds(problem, Path(folder) / "xmds")
            built = _timed(program.build, program.folder)[0]
            yield f"{unit.title}, XMDS2 builds its program", f"{built:.2f} s"
            commands.append((f"XMDS2, {program.steps} steps",
                             lambda: (_timed(program.run, program.folder)[0],
                                      observe(program.last()))))  # fmt: skip
        seconds, last = {}, {}
        for _ in range(repeats):
            for name, command in commands:
                taken, found = command()
                seconds.setdefault(name, []).append(taken)
                last[name] = found
        ours = median(seconds["spinhydro run"])
        for name, _ in commands:
            values = last[name]
            if name == "spinhydro run":
                values = load_run(values)[unit.output].isel(t=-1).values
            theirs = median(seconds[name])
            ratio = "" if name == "spinhydro run" else f", ratio {ours / theirs:.2f}"
            error = _difference(unit, values, exact)
            yield f"{unit.title}, {name}", f"{theirs:.2f} s, error {error:.1e}{ratio}"
        if missing:
            yield f"{unit.title}, {unit.script}", missing


def _difference(unit, values, exact):
    """Largest difference at common points, relative to the largest value."""
    if unit.inside:
        stride = values.shape[0] // exact.shape[0]
        chosen = unit.inside(exact["x"].values)
        return np.abs(values[::stride] - exact.values)[chosen].max() / np.abs(exact.values).max()
    return np.abs(values - exact.values).max() / np.abs(exact.values).max()


def _script(unit, folder, steps, start):
    """CPU seconds of a script, and the output it gives."""
    out = Path(folder) / "out.npy"
    line = [sys.executable, str(SCRIPTS / unit.script), str(Path(folder) / "start.npz"),
            str(steps), str(out)]  # fmt: skip
    seconds, _ = _timed(line)
    return seconds, unit.observe(np.load(out), start)


def _run(problem, values, folder):
    """CPU seconds of a run, and its folder."""
    line = [sys.executable, "-m", "spinhydro", "run", str(problem), "--quiet", "--out", folder,
            *(f"{name}={value}" for name, value in values.items())]  # fmt: skip
    seconds, text = _timed(line)
    return seconds, text.splitlines()[-1]


def _timed(line, folder=None):
    """CPU seconds of a process in a folder, and what it prints."""
    # Byte code is on disk after a first run, unless this variable is set.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            line, stdout=output, stderr=subprocess.DEVNULL, cwd=folder, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{' '.join(line)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, text
