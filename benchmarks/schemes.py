"""The tables of time steppers: orders, limits, cost, conservation and noise, all measured."""

import json
import sys
import time as clock
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dedalus.public as d3
import numpy as np
from scipy.integrate import solve_ivp

import spinhydro
import spinhydro.language.words  # noqa: F401  (operators in equations)
from benchmarks import machine, noise_orders
from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import SpinhydroError
from spinhydro.steppers import EXPLICIT, SPLITTING, all_steppers
from spinhydro.steppers import ORDERS as ORDERS_OF_SCHEMES
from spinhydro.steppers.control import ErrorControl
from spinhydro.steppers.frequencies import frequencies_of
from spinhydro.steppers.resonance import growth
from spinhydro.steppers.stability import StabilityCheck

PAGE = Path("docs/schemes.md")
#: Measurements, so that an interrupted run goes on.
STORE = Path(__file__).parent / "schemes.json"
#: Packages that the figures may depend on; they do not depend on the machine.
PACKAGES = ("dedalus", "numpy")
_NOTES = Path(__file__).parent / "schemes.txt"
#: Equations of the four problems; "lle" has a vector s, the others a complex field a.
EQUATIONS = {
    "dispersive": "dt(a) - 0.5j*lap(a) = -1j*g*V*a",
    "GPE": "dt(a) - 0.5j*lap(a) = -1j*g*(V + abs2(a))*a",
    "LLE": "dt(s) = cross(s, lap(s)) + 0.5*g*(s@ez)*cross(ez, s)",
    "damped": "dt(a) - (0.5j + 0.05)*lap(a) = -1j*g*(V + abs2(a))*a",
}
#: Columns of the two tables of the page: one table of all would be wider than it.
ORDERS = ["stepper", *EQUATIONS, "imaginary", "real", "stages", "transforms"]
CONDUCT = ["stepper", "when", "drift", "resonance"]
ADAPTIVE = ["adaptive", "steps of", "stages", "further stages", *EQUATIONS]
#: Tolerances of adaptive steppers.
TOLERANCES = (1e-4, 1e-6, 1e-8)


@dataclass(frozen=True, eq=False)
class Setting:
    """Sizes of the problems, and the numbers of steps that are tried."""

    points_of_spins: int
    #: Odd: the bases then hold all that is on the grid.
    points_of_gases: int
    #: Strength g of the potential, the interaction and the anisotropy.
    coupling: float
    times: dict
    steps: tuple
    #: Errors between which orders are fitted, to the shortest four steps.
    largest_error: float
    smallest_error: float


USUAL = Setting(
    16, 17, 1.0, {"dispersive": 2.0, "GPE": 2.0, "LLE": 1.0, "damped": 2.0},
    tuple(round(4 * 2 ** (i / 2)) for i in range(19)), 2e-3, 1e-11,
)  # fmt: skip
#: For orders above 6. Few points: the fast waves of fine grids have errors of h^9 and more at all
#: timesteps with errors above rounding. Strong couplings and long times: the error of the other
#: waves is above rounding at timesteps where it is h^8.
LONG = Setting(
    8, 9, 2.0, {"dispersive": 10.0, "GPE": 4.0, "LLE": 10.0, "damped": 4.0},
    tuple(round(40 * 2 ** (i / 2)) for i in range(13)), 2e-3, 3e-13,
)  # fmt: skip
#: Of DOP853: truncation errors then add up to less than 1e-14.
LONGEST_STEP = 0.01
#: Steps, and growth from their first half to the second, of the search for a limit. The waves that
#: a multistep scheme adds at its start are in both.
LIMIT_STEPS, GROWN = 400, 1.05
#: Limits beyond this are none.
LARGE = 10.0
#: Limits below this are growth at every step, which is slow at short ones.
SMALL = 0.4


class Case:
    """A small problem with one stepper.

    Raises SpinhydroError if the stepper does not take the problem.
    """

    def __init__(self, equation, stepper, setting=USUAL):
        is_spin = "s@ez" in equation
        N = setting.points_of_spins if is_spin else setting.points_of_gases
        coords = d3.CartesianCoordinates("x")
        dist = spinhydro.distributor(coords, dtype=np.float64 if is_spin else np.complex128)
        kind = spinhydro.RealFourierNyquist if is_spin else d3.ComplexFourier
        basis = kind(coords["x"], size=N, bounds=(0, 2 * np.pi))
        x = dist.local_grid(basis)
        V, self.rate = dist.Field(name="V", bases=basis), dist.Field(name="z")
        V["g"] = np.cos(x)
        words = {"abs2": spinhydro.abs2, "lap": d3.lap, "V": V, "z": self.rate}
        words["g"] = setting.coupling
        if is_spin:
            variable = dist.VectorField(spinhydro.spin, name="s", bases=basis)
            polar, azimuth = 0.8 + 0.2 * np.sin(x), 0.3 * np.cos(x)
            self.start = np.array([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth),
                                   np.cos(polar)])  # fmt: skip
            words |= {"s": variable, "ez": spinhydro.spin.unit_vector_fields(dist)[2]}
        else:
            variable = dist.Field(name="a", bases=basis)
            self.start = 1 + 0.3 * np.cos(x + 1) + 0.2j * np.sin(x)
            words["a"] = variable
        problem = d3.IVP([variable], namespace=words)
        problem.add_equation(equation)
        self.variable = variable
        self.put(self.start)
        self.solver = build_solver(problem, stepper)
        if hasattr(stepper, "check_problem"):
            stepper.check_problem(self.solver)
        if hasattr(stepper, "find_spins"):
            self.solver.timestepper.find_spins()
        self.engine, _ = choose_engine(self.solver, "auto", sync_on_request=False)

    def put(self, values):
        self.variable.change_scales(1)
        self.variable["g"] = values

    def advance(self, timestep, steps):
        """The state after some steps, and the CPU seconds of each."""
        before = clock.process_time()
        for _ in range(steps):
            self.solver.step(timestep)
        seconds = (clock.process_time() - before) / max(steps, 1)
        self.variable.change_scales(1)
        return self.variable["g"].copy(), seconds


def final_state(name, stepper, steps, setting=USUAL):
    """The state of a problem at its end; SpinhydroError if the stepper does not take it."""
    case = Case(EQUATIONS[name], stepper, setting)
    return case.advance(setting.times[name] / steps, steps)[0]


def exact_states(setting=USUAL):
    """States at the end of the four problems, by SciPy and NumPy's transforms."""
    return {name: _exact_state(name, setting) for name in EQUATIONS}


def _exact_state(name, setting):
    start = Case(EQUATIONS[name], all_steppers()["RK4"], setting).start
    change = rate(name, setting, start.shape[-1])

    def of_numbers(_, values):
        return change(values.view(start.dtype).reshape(start.shape)).ravel().view(float)

    # With the longest step, errors are rounding alone.
    options = {"method": "DOP853", "rtol": 3e-14, "atol": 1e-15, "max_step": LONGEST_STEP}
    values = start.ravel().view(float)
    found = solve_ivp(of_numbers, (0, setting.times[name]), values, **options)
    return found.y[:, -1].copy().view(start.dtype).reshape(start.shape)


def rate(name, setting, N):
    """Return the right side of a problem by NumPy's transforms, a function of the state."""
    k, V = np.fft.fftfreq(N, 1 / N), np.cos(2 * np.pi * np.arange(N) / N)
    g = setting.coupling

    def change(a):
        lap = np.fft.ifft(-(k**2) * np.fft.fft(a))
        if name == "LLE":
            field = lap.real - 0.5 * g * a[2] * np.eye(3)[2][:, None]
            return np.cross(a, field, axis=0)
        density = 0.0 if name == "dispersive" else np.abs(a) ** 2
        return (0.5j + 0.05 * (name == "damped")) * lap - 1j * g * (V + density) * a

    return change


def order(name, stepper, exact):
    """The order of a stepper on a problem, or None if too few timesteps show one.

    Parameters
    ----------
    exact : dict
        ``{setting: exact_states(setting)}`` for USUAL and LONG.

    Raises SpinhydroError if the stepper does not take the problem.
    """
    setting = LONG if ORDERS_OF_SCHEMES.get(stepper.__name__, 0) > 6 else USUAL
    steps, errors = [], []
    Case(EQUATIONS[name], stepper, setting)
    for number in setting.steps:
        try:
            found = final_state(name, stepper, number, setting)
        except SpinhydroError:
            # An implicit step that does not converge; the equations are taken.
            continue
        error = float(np.abs(found - exact[setting][name]).max())
        if not error < setting.largest_error:
            continue
        if error < setting.smallest_error:
            break
        steps.append(number)
        errors.append(error)
    if len(steps) < 4:
        return None
    last = slice(-4, None)
    return float(-np.polyfit(np.log(steps[last]), np.log(errors[last]), 1)[0])


def limit(stepper, direction):
    """The largest stable |z| of ``dt(a) = z a``, with z on the right side; inf if beyond LARGE.

    Raises SpinhydroError if the stepper does not take the equation.
    """

    def is_stable(size):
        case = Case("dt(a) = z*a", stepper)
        case.rate["g"] = direction * size
        half = LIMIT_STEPS // 2
        with np.errstate(all="ignore"):
            first, second = (
                max(np.abs(case.advance(1.0, 1)[0]).max() for _ in range(half)) for _ in range(2)
            )
        return bool(second <= GROWN * first)

    return _largest(is_stable)


def spin_wave_limit(stepper):
    """The largest stable omega h of weak spin waves on a uniform state."""

    def is_stable(size):
        case = Case("dt(s) = cross(s, lap(s)) + 0*(s@ez)*ez", stepper)
        start = 1e-6 * np.random.default_rng(0).standard_normal(case.start.shape)
        start[2] = 1
        case.put(start)
        try:
            with np.errstate(all="ignore"):
                values, _ = case.advance(size / 64, LIMIT_STEPS // 10)
        except SpinhydroError:
            return False
        return bool(np.linalg.norm(values[:2]) < GROWN * np.linalg.norm(start[:2]))

    return _largest(is_stable)


def _largest(is_stable):
    """The largest size that is stable, by bisection; inf if LARGE is."""
    if is_stable(LARGE):
        return np.inf
    low, high = 0.0, LARGE
    while high - low > 0.002 * high and high > SMALL / 2:
        middle = (low + high) / 2 if low else high / 2
        low, high = (middle, high) if is_stable(middle) else (low, middle)
    return low


def conserved(stepper):
    """Largest drifts after 100 steps of 0.02: {name: relative drift}."""
    found = {}
    try:
        case = Case(EQUATIONS["GPE"], stepper)
        values, _ = case.advance(0.02, 100)
        before, after = (np.sum(np.abs(v) ** 2) for v in (case.start, values))
        found["atoms"] = abs(after / before - 1)
        found["energy"] = abs(_energy(values) / _energy(case.start) - 1)
    except SpinhydroError:
        pass
    try:
        case = Case(EQUATIONS["LLE"], stepper)
        values, _ = case.advance(0.01, 200)
        found["length of spins"] = np.abs(np.sqrt(np.sum(values**2, axis=0)) - 1).max()
    except SpinhydroError:
        pass
    return {name: drift for name, drift in found.items() if np.isfinite(drift) and drift < 1}


def _energy(psi):
    k = np.fft.fftfreq(psi.size, 1 / psi.size)
    x = 2 * np.pi * np.arange(psi.size) / psi.size
    kinetic = 0.5 * np.sum(k**2 * np.abs(np.fft.fft(psi) / psi.size) ** 2)
    n = np.abs(psi) ** 2
    return kinetic + np.mean(np.cos(x) * n + n**2 / 2)


def resonances(name):
    """How fast waves grow at a phase of pi and 2 pi per step, over the coupling; or words."""
    if name in ("IFRK4", "ETDRK4"):
        return "from π − coupling"
    if name not in SPLITTING:
        return ""
    coupling, scheme = 0.01, SPLITTING[name]
    found = []
    for multiple in (1, 2, 3):
        phases = multiple * np.pi + np.linspace(-4, 1, 20001) * coupling
        largest = growth(scheme.drifts, scheme.rotations, phases, coupling).max() / coupling
        found.append(f"{largest:.2g} at {'' if multiple == 1 else multiple}π")
    return ", ".join(found)


def transforms(name, stepper):
    """(evaluations, transforms of a scalar on the fused engine) per step of the GPE, or LLE."""
    try:
        case, scalars = Case(EQUATIONS["GPE"], stepper), 1
    except SpinhydroError:
        case, scalars = Case(EQUATIONS["LLE"], stepper), 3
    stages = case.solver.timestepper.stages
    if case.engine != "fused":
        return stages, ""
    forward, back = case.solver.timestepper.right_side.transforms()
    return stages, stages * (forward + back) // scalars


def errors_of_pair(problem, stepper, exact):
    """Relative errors of an adaptive stepper at the end of a problem, over TOLERANCES.

    Raises SpinhydroError if the stepper does not take the problem.
    """
    found, duration, main = [], USUAL.times[problem], stepper.main.__name__
    for tolerance in TOLERANCES:
        case = Case(EQUATIONS[problem], stepper)
        frequencies = frequencies_of(case.solver, explicit_linear=main in EXPLICIT)
        stable = StabilityCheck(frequencies, main, 0.0).largest_safe
        control = ErrorControl(tolerance, duration, stable, stable)
        case.solver.timestepper.begin(control, duration)
        values, _ = case.advance(duration, 1)
        found.append(np.linalg.norm(values - exact) / np.linalg.norm(exact) / tolerance)
    return found


def row_of_pair(name, stepper, exact):
    """The cells of an adaptive stepper: those of ADAPTIVE."""
    cells = []
    for problem in EQUATIONS:
        try:
            found = errors_of_pair(problem, stepper, exact[problem])
        except SpinhydroError:
            cells.append("refused")
        else:
            cells.append(", ".join(f"{error:.1g}" for error in found))
    main, extra = stepper.main.__name__, stepper.extra_evaluations
    return [name, main, str(stepper.stages), f"{extra} + {stepper.stages // 2}", *cells]


def row(name, stepper, exact, uses):
    """The cells of one stepper: those of ORDERS and of CONDUCT."""
    orders = []
    for problem in EQUATIONS:
        try:
            found = order(problem, stepper, exact)
        except SpinhydroError:
            orders.append("refused")
        else:
            orders.append("" if found is None else f"{found:.2f}")
    axes = [_shown(lambda d=direction: limit(stepper, d)) for direction in (1j, -1.0)]
    if not axes[0]:
        axes[0] = _shown(lambda: spin_wave_limit(stepper))
    try:
        stages, number = transforms(name, stepper)
    except SpinhydroError:
        stages, number = stepper.stages, ""
    kept = ", ".join(f"{what} {drift:.0e}" for what, drift in conserved(stepper).items())
    return (
        [name, *orders, *axes, str(stages), str(number)],
        [name, uses.get(name, "a scheme of Dedalus"), kept, resonances(name)],
    )


def _shown(measure):
    """A limit as text, or "" if the stepper does not take the equation."""
    try:
        found = measure()
    except SpinhydroError:
        return ""
    return "any" if np.isinf(found) else f"{found:.2f}" if found > SMALL else "none"


def uses():
    """``{stepper: when to use it}``, and the text of the page, from the file beside this one."""
    text, _, table = _NOTES.read_text(encoding="utf-8").partition("\n---\n")
    return text, dict(line.split(": ", 1) for line in table.strip().splitlines())


def main(out=PAGE, names=(), store=STORE):
    """Write the page, measuring the steppers that are not in the store, and `names` again.

    The store and the page are written after every stepper: an interrupted run goes on from there.
    Steppers without a measurement are named below the tables.
    """
    known = [*measured_steppers(), *adaptive_steppers()]
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(
            f"there is no stepper {', '.join(sorted(unknown))}; there are {', '.join(known)}"
        )
    found = json.loads(store.read_text(encoding="utf-8")) if store.exists() else {}
    chosen = list(names) or [name for name in known if name not in found]
    exact = {setting: exact_states(setting) for setting in (USUAL, LONG)} if chosen else {}
    text, when = uses()
    write_page(out, found, text)
    for number, name in enumerate(chosen, 1):
        print(f"{name} ({number} of {len(chosen)}) …", file=sys.stderr, flush=True)
        if name in adaptive_steppers():
            cells = {"adaptive": row_of_pair(name, all_steppers()[name], exact[USUAL])}
        else:
            stepper = all_steppers()[name]
            cells = dict(zip(("orders", "conduct"), row(name, stepper, exact, when), strict=True))
            if getattr(stepper, "draws_noise", False):
                cells["noise"] = noise_orders.row(name)
        found[name] = {
            **cells, "date": f"{date.today():%Y-%m-%d}",
            "versions": [f"{package} {machine.version(package)}" for package in PACKAGES],
        }  # fmt: skip
        store.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        write_page(out, found, text)
    return out


def measured_steppers():
    """Return the names of the steppers with a timestep that is given."""
    return [name for name, stepper in all_steppers().items() if not hasattr(stepper, "main")]


def adaptive_steppers():
    """Return the names of the adaptive steppers, which take the steps of others."""
    return [name for name, stepper in all_steppers().items() if hasattr(stepper, "main")]


def write_page(out, found, text):
    """Write the page from the measurements that there are."""
    every = [*measured_steppers(), *adaptive_steppers()]
    known = [name for name in every if name in found]
    tables = [
        [
            _line(head), "|" + "---|" * len(head),
            *(_line(found[name][kind]) for name in known if kind in found[name]), "",
        ]
        for kind, head in (
            ("orders", ORDERS), ("conduct", CONDUCT), ("noise", noise_orders.HEAD),
            ("adaptive", ADAPTIVE),
        )
    ]  # fmt: skip
    measured = {}
    for name in known:
        how = f"{found[name]['date']} with {', '.join(found[name]['versions'])}"
        measured.setdefault(how, []).append(name)
    described = [
        f"Measured on {how}" + f": {', '.join(names)}" * (len(measured) > 1) + "."
        for how, names in measured.items()
    ]
    missing = ", ".join(name for name in every if name not in found)
    notes = [f"Not measured: {missing}.", ""] if missing else []
    lines = [text.strip(), "", *described, "", *sum(tables, []), *notes]
    Path(out).write_text("\n".join(lines), encoding="utf-8")


def _line(cells):
    return f"| {' | '.join(cells)} |"
