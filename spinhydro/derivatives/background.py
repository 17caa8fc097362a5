"""The state about which equations are linearised, and the frame in which it is at rest."""

from dataclasses import dataclass

import numpy as np

from spinhydro.derivatives.frame import Frame, find_symmetries, nearest_frame
from spinhydro.errors import InputError, unknown_name_message

#: Backgrounds that can be asked for.
KINDS = ("initial", "uniform", "stationary")
#: Largest rate of a state at rest, relative to the fastest rates of its perturbations.
AT_REST = 1e-8
#: The same of a state that Newton's method found: a coarse grid leaves this much.
FOUND_AT_REST = 1e-6
#: Largest distance from the average of a state at which a uniform state is its background.
NEARBY = 0.05
#: Rms of the waves on a state, relative to it, up to which it counts as uniform.
UNIFORM = 0.5
#: Largest distance of the mean length of spins from one at which they are unit vectors.
UNIT = 1e-3
#: Rms below which the waves are not part of the background.
TINY = 1e-4
#: Largest difference from the average, relative to the rms, up to which a state counts as uniform.
REVERSED = 1.0
#: A rate that a frame reduces to less than this fraction is that of a state that moves.
MOVES = 0.5
#: Distance of a stationary state from the initial one above which it may be another state.
FAR = 0.3
#: Newton's method stalls if it leaves more than this fraction of the initial rate.
STALLED = 0.5
#: Largest number of unknowns of the dense matrix in Newton's method.
LARGEST_NEWTON = 1000


@dataclass
class Background:
    """A state that is at rest, perhaps in a frame that rotates or moves.

    Attributes
    ----------
    values : array (components, *shape)
        Of the real form.
    frame : Frame
    rest : float
        Largest rate that is left in this frame, relative to the fastest rate of perturbations.
    kind : str
        "uniform", "initial" or "stationary".
    distance : float
        Rms distance from the initial state, relative to its rms.
    """

    values: np.ndarray
    frame: Frame
    rest: float
    kind: str
    distance: float = 0.0

    def text(self, time="", length=""):
        """A line for a table."""
        line = f"background: {self.kind}, rate {self.rest:.0e} of the fastest"
        if self.kind == "stationary":
            line += f", {self.distance:.1g} from the initial state"
        if self.frame.form.model.noises:
            line += ", without the noise of the file"
        frame = self.frame.text(time, length)
        return line + (f", in the frame of {frame}" if frame else "")

    def warnings(self):
        """Lines for a table: a stationary state that may not be the intended one."""
        if self.kind != "stationary" or self.distance <= FAR:
            return []
        return [
            "WARNING: the stationary state differs from the initial one by "
            f"{100 * self.distance:.0f} % of its size (more than {100 * FAR:.0f} %): it may be "
            "another state than the one that is meant. Start closer to it, from the end of a "
            "damped run or with spinhydro.relax in the file, or type --about initial or --about "
            "uniform"
        ]


def find_background(form, kind=None):
    """The background of a given kind, or the first that is at rest.

    Parameters
    ----------
    form : RealForm
    kind : str, optional
        "initial" (the initial state), "uniform" (the uniform state at rest nearest to its average
        over space) or "stationary" (found from it by Newton's method).

    Raises
    ------
    InputError
        If it is not at rest.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(unknown_name_message("background", kind, KINDS))
    start = np.asarray(form.split(form.model.leaves["state"]))
    form.keep_lengths(start)
    scale = fastest_rate(form, start)
    symmetries = find_symmetries(form, start)
    tried, moving = {}, None
    for name in (kind,) if kind else _worth_trying(start):
        if name == "stationary" and moving:
            break
        form.keep_lengths(start)
        values = _values_of(form, name, start, scale, symmetries)
        form.keep_lengths(values)
        found = _at_rest(form, values, name, scale, symmetries)
        if name == "uniform" and found.rest > AT_REST and symmetries:
            # A gas of several components: its average over noise is not quite one that rotates.
            values = _stationary(form, values, scale, symmetries)
            average = values.mean(axis=tuple(range(1, values.ndim)), keepdims=True)
            if np.abs(values - average).max() <= TINY * np.abs(values).max():
                values = np.asarray(form.project(average * np.ones_like(values)))
                form.keep_lengths(values)
                found = _at_rest(form, values, name, scale, symmetries)
        found.distance = float(np.linalg.norm(values - start) / (np.linalg.norm(start) or 1))
        limit = FOUND_AT_REST if name == "stationary" else AT_REST
        if found.rest <= limit and (kind or not found.frame.symmetries):
            return found
        if found.rest <= limit:
            if name == "stationary":
                return found
            # A wave on a uniform state rotates too: a state at rest comes first.
            moving = moving or found
            continue
        tried[name] = found.rest
    if moving:
        form.keep_lengths(moving.values)
        return moving
    raise InputError(
        "the background is not at rest: largest rate over the fastest rate of perturbations: "
        f"{', '.join(f'{name} {rest:.1e}' for name, rest in tried.items())} (at most {AT_REST:g}, "
        f"{FOUND_AT_REST:g} of a stationary state); {_advice(tried)}"
    )


def _advice(rests):
    """Return what to change, from the rates that each kind of background leaves."""
    if rests.get("stationary", 0.0) > STALLED * rests.get("initial", np.inf):
        return (
            "Newton's method does not come closer from this state: let the file relax it with "
            "spinhydro.relax in the field of the equations and with a smaller tolerance, or take "
            "the end of a damped run, --start RUN"
        )
    average = "" if "uniform" in rests else "type --about uniform for waves about its average, "
    return (
        f"change the initial state, {average}or take a finer grid if it does not resolve a "
        "stationary state"
    )


def check_constant(form):
    """Raise InputError if the equations depend on the time."""
    if form.model.lowering.uses_time:
        raise InputError(
            "the equations depend on the time t: give their period, --period '2*pi/omega', for "
            "Floquet exponents, or replace them by ones without t, --equation"
        )


def has_structure(form, kind=None):
    """Return whether the background of a given kind is certainly not uniform."""
    start = np.asarray(form.split(form.model.leaves["state"]))
    return kind == "stationary" or (kind is None and "stationary" in _worth_trying(start))


def _worth_trying(start):
    """Yield the kinds of backgrounds that a state may represent, the likeliest first."""
    mean = start.mean(axis=tuple(range(1, start.ndim)), keepdims=True)
    size = np.sqrt(np.mean(np.sum(start**2, axis=0))) or 1.0
    changes = np.sum((start - mean) ** 2, axis=0)
    waves = np.sqrt(np.mean(changes)) / size
    is_uniform = waves <= UNIFORM and np.sqrt(changes.max()) <= REVERSED * size
    if waves <= TINY:
        yield "uniform"
    yield "initial"
    if waves > TINY:
        yield "uniform" if is_uniform else "stationary"


def _values_of(form, kind, start, scale, symmetries):
    if kind == "uniform":
        return uniform_state(form, start, scale)
    start = np.asarray(form.project(start))
    return _stationary(form, start, scale, symmetries) if kind == "stationary" else start


def uniform_state(form, start, scale):
    """The average of a state over space, moved to a uniform state at rest if one is close."""
    form.lengths = {}
    ones = np.ones((1, *start.shape[1:]))
    mean = _with_spin_lengths(form, start, start.mean(axis=tuple(range(1, start.ndim))))

    def expand(vector):
        return form.project(vector.reshape((-1,) + (1,) * (start.ndim - 1)) * ones)

    def compress(values):
        return values[(slice(None),) + (0,) * (start.ndim - 1)]

    found = _solve(form, expand, compress, mean, scale)
    # The nearest state at rest has shorter spins: they turn back to their length along a chord.
    longer = _with_spin_lengths(form, start, found)
    limit = AT_REST * scale * (np.abs(found).max() or 1)
    if np.abs(form.rate(expand(longer))).max() <= limit:
        found = longer
    near = np.asarray(compress(expand(mean)))
    values = mean if np.abs(found - near).max() > NEARBY * (np.abs(near).max() or 1) else found
    return np.asarray(expand(values))


def _with_spin_lengths(form, start, mean):
    """The average with the length of vectors that are equally long everywhere, such as spins."""
    mean = mean.copy()
    for variable, first in form.model.lowering.first_component.items():
        if form.is_complex or [system.dim for system in variable.tensorsig] != [3]:
            continue
        rows = slice(first, first + 3)
        lengths = np.sqrt(np.sum(start[rows] ** 2, axis=0))
        present = np.linalg.norm(mean[rows])
        if np.ptp(lengths) <= 1e-3 * lengths.max() and present > 0:
            length = lengths.mean()
            # Truncation to the modes of a basis shortens the spins next to a tilted one.
            mean[rows] *= (1.0 if abs(length - 1) < UNIT else length) / present
    return mean


def fastest_rate(form, values):
    """Return a typical largest rate of perturbations of size one, by random tangents."""
    jax, random = form.model.jax, np.random.default_rng(0)
    tangent = np.asarray(form.project(random.standard_normal(values.shape) + values) - values)
    size = np.abs(tangent).max() or 1.0
    return float(np.abs(jax.jvp(form.rate, (values,), (tangent,))[1]).max() / size) or 1.0


def _at_rest(form, values, kind, scale, symmetries):
    """The background of some values in the file's frame, or in the nearest one where that is."""
    rate = np.asarray(form.compiled_rate(values))
    size = np.abs(values).max() * scale or 1.0
    # Translations last: those of a spiral are rotations too.
    resting = [symmetry for symmetry in symmetries if not symmetry.is_translation]
    best = Background(values, Frame(form), float(np.abs(rate).max() / size), kind)
    for allowed in (resting, symmetries):
        if best.rest <= AT_REST:
            break
        frame = nearest_frame(form, allowed, values, rate)
        left = float(np.abs(np.asarray(frame.rate(values))).max() / size)
        if left < MOVES * best.rest:
            best = Background(values, frame, left, kind)
    return best


def _stationary(form, start, scale, symmetries):
    """A stationary state near the initial one, in the frame of the file or in the nearest one."""
    rate = np.asarray(form.compiled_rate(start))
    frame = nearest_frame(form, symmetries, start, rate)
    left = np.linalg.norm(np.asarray(frame.rate(start)))
    attempts = [lambda: _newton(form, start, scale)]
    if frame.symmetries:
        from spinhydro.derivatives.newton import stationary_state

        attempts.append(lambda: stationary_state(form, start, scale, symmetries))
        if left < MOVES * np.linalg.norm(rate):
            attempts.reverse()
    best = None
    for attempt in attempts:
        values = attempt()
        found = _at_rest(form, values, "stationary", scale, symmetries)
        if best is None or found.rest < best.rest:
            best = found
        if best.rest <= FOUND_AT_REST:
            break
    return best.values


def _newton(form, values, scale):
    """A stationary state near some values, by Newton's method."""
    if values.size > LARGEST_NEWTON:
        from spinhydro.derivatives.newton import stationary_state

        return stationary_state(form, values, scale)
    shape = values.shape

    def expand(vector):
        return form.project(vector.reshape(shape))

    found = _solve(form, expand, lambda values: values.ravel(), values.ravel(), scale)
    return np.asarray(expand(found))


def _solve(form, expand, compress, vector, scale):
    """A vector whose state is at rest, by Newton steps of least norm; the nearest if none is.

    Parameters
    ----------
    expand, compress : callable
        From a vector to projected real values, and from such values to a vector.
    """
    jax = form.model.jax

    def residual(vector):
        return compress(form.rate(expand(vector)))

    jacobian, rate = jax.jit(jax.jacfwd(residual)), jax.jit(residual)
    vector = np.asarray(compress(expand(vector)))
    size = (np.abs(vector).max() or 1.0) * scale
    for _ in range(40):
        now = np.asarray(rate(vector))
        if not np.abs(now).max() > 1e-15 * size:
            break
        step = np.linalg.lstsq(np.asarray(jacobian(vector)), -now, rcond=1e-10)[0]
        for factor in (1.0, 0.5, 0.25, 0.1, 0.01):
            trial = np.asarray(compress(expand(vector + factor * step)))
            if np.linalg.norm(np.asarray(rate(trial))) < 0.9 * np.linalg.norm(now):
                break
        else:
            break
        vector = trial
    return vector
