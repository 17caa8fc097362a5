"""The state about which equations are linearised, and the frame in which it is at rest."""

from dataclasses import dataclass

import numpy as np

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
#: Largest number of unknowns of the dense matrix in Newton's method.
LARGEST_NEWTON = 400


@dataclass
class Background:
    """A state that is at rest, perhaps in a rotating frame.

    Attributes
    ----------
    values : array (components, *shape)
        Of the real form.
    generator : array (components, components)
        The state changes as dU/dt = G U; zero for a stationary state.
    rest : float
        Largest rate that is left, relative to the fastest rate of perturbations.
    kind : str
        "uniform", "initial" or "stationary".
    turning : str
        What turns the frame, for the table; "" for a stationary state.
    """

    values: np.ndarray
    generator: np.ndarray
    rest: float
    kind: str
    turning: str


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
    scale = fastest_rate(form, start)
    tried, turning = [], None
    for name in (kind,) if kind else _worth_trying(start):
        if name == "stationary" and turning:
            break
        values = _values_of(form, name, start, scale)
        found = _at_rest(form, values, name, scale)
        limit = FOUND_AT_REST if name == "stationary" else AT_REST
        if found.rest <= limit and (kind or not found.turning):
            return found
        if found.rest <= limit:
            # A wave on a uniform state rotates too: a state at rest comes first.
            turning = turning or found
            continue
        tried.append(f"{name} {found.rest:.1e}")
    if turning:
        return turning
    raise InputError(
        "the background is not at rest: largest rate over the fastest rate of perturbations: "
        f"{', '.join(tried)} (at most {AT_REST:g}, {FOUND_AT_REST:g} of a stationary state); "
        "change the initial state, take a finer grid if it does not resolve a stationary state, or "
        "a period with --period if the equations repeat themselves in time"
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


def _values_of(form, kind, start, scale):
    if kind == "uniform":
        return uniform_state(form, start, scale)
    start = np.asarray(form.project(start))
    return _newton(form, start, scale) if kind == "stationary" else start


def uniform_state(form, start, scale):
    """The average of a state over space, moved to a uniform state at rest if one is close."""
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


def _at_rest(form, values, kind, scale):
    rate = np.asarray(form.rate(values))
    generator, turning = np.zeros((form.components, form.components)), ""
    size = np.abs(values).max() * scale or 1.0
    if np.abs(rate).max() > AT_REST * size:
        rate, turning = _without_drift(form, values, rate)
    if np.abs(rate).max() > AT_REST * size:
        generator, turning = _generator(form, values, rate)
        rate = rate - np.tensordot(generator, values, 1)
    return Background(values, generator, float(np.abs(rate).max() / size), kind, turning)


def _without_drift(form, values, rate):
    """The rate without the mean of components that enter the equations through derivatives only.

    A phase that grows at a constant rate is at rest in this sense.
    """
    original, rate, drifts = rate, rate.copy(), []
    for i in range(form.components):
        moved = values.copy()
        moved[i] += 1 + np.abs(values[i]).max()
        if np.abs(np.asarray(form.rate(moved)) - original).max() <= 1e-9 * np.abs(rate).max():
            mean = rate[i].mean()
            rate[i] -= mean
            drifts.append(f"drift of component {i} {mean:.10g}")
    return rate, ", ".join(drifts)


def _generator(form, values, rate):
    """The combination of symmetries of the equations that comes nearest to the rate."""
    symmetries = [
        (name, matrix) for name, matrix in _candidates(form) if _is_symmetry(form, values, matrix)
    ]
    if not symmetries:
        return np.zeros((form.components, form.components)), ""
    columns = np.stack([np.tensordot(m, values, 1).ravel() for _, m in symmetries], axis=1)
    factors = np.linalg.lstsq(columns, rate.ravel(), rcond=1e-10)[0]
    total = sum(factor * matrix for factor, (_, matrix) in zip(factors, symmetries, strict=True))
    text = ", ".join(
        f"{name} {factor:.10g}"
        for factor, (name, _) in zip(factors, symmetries, strict=True)
        if abs(factor) > 1e-12 * np.abs(factors).max()
    )
    return total, text


def _candidates(form):
    """Phases of complex components and rotations of vectors of three components, by name."""
    model, size = form.model, form.components
    if form.is_complex:
        half = size // 2
        turns = []
        for i in range(half):
            matrix = np.zeros((size, size))
            matrix[i, half + i], matrix[half + i, i] = 1, -1
            turns.append(matrix)
        yield from ((f"phase of component {i}", matrix) for i, matrix in enumerate(turns))
        yield "phase", sum(turns)
        return
    rotations = []
    for variable, first in model.lowering.first_component.items():
        if [system.dim for system in variable.tensorsig] == [3]:
            rotations.append((variable.name, [_rotation(size, first, a) for a in range(3)]))
    for axis in range(3):
        for name, matrices in rotations:
            yield f"rotation of {name} about {'xyz'[axis]}", matrices[axis]
        if len(rotations) > 1:
            yield f"rotation about {'xyz'[axis]}", sum(m[axis] for _, m in rotations)


def _rotation(size, first, axis):
    """The matrix of e x U for the three components from `first` on."""
    matrix = np.zeros((size, size))
    j, k = first + (axis + 1) % 3, first + (axis + 2) % 3
    matrix[k, j], matrix[j, k] = 1, -1
    return matrix


def _is_symmetry(form, values, generator):
    """Return whether the rate rotates with the state, at a state without symmetries."""
    from scipy.linalg import expm

    random = np.random.default_rng(1)
    values = values + 0.1 * np.abs(values).max() * random.standard_normal(values.shape)
    values = np.asarray(form.project(values))
    turn = expm(0.7 * generator)
    rate = np.asarray(form.rate(values))
    turned = np.asarray(form.rate(np.tensordot(turn, values, 1)))
    difference = np.abs(turned - np.tensordot(turn, rate, 1)).max()
    return difference <= 1e-9 * (np.abs(rate).max() or 1.0)


def _newton(form, values, scale):
    """A stationary state near the initial one, by Newton's method."""
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
