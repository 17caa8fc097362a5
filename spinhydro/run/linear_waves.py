r"""Linear theory of small waves on the uniform initial state of a problem, kept with its run.

Perturbations :math:`\delta X = B y` of a uniform state, in the frame in which it is at rest, obey
:math:`\dot y(k) = A(k)\,y(k)`, with A the Fourier transform of the rates that a perturbation of one
grid point causes, by the equations as they are written. Outputs respond with
:math:`\delta u(k) = C(k)\,y(k)`. The eigenvalues of A are the branches of waves, and C times an
eigenvector says how strongly a branch shows in an output.
"""

import itertools

import numpy as np

from spinhydro.run.rates import NoLawError, Rates
from spinhydro.run.uniform_state import AT_REST, mean_state, to_rest

#: Points of the largest grid: the equations are evaluated a dozen times.
POINTS = 2**17
#: Numbers of a table of all wavevectors; beyond it only axes and diagonals are kept.
NUMBERS = 500_000
#: Outputs whose response is kept.
OUTPUTS = 8
#: Amplitude of perturbations. A central difference has a relative error of its square.
AMPLITUDE = 1e-4
#: Largest relative error of the rates of a random wave by the table: the equations are not
#: invariant under translations beyond it.
INVARIANT = 1e-6
#: Largest part of the change of the rates by the initial waves that is not linear.
NONLINEAR = 0.3
#: Relative difference of the matrices of two members that are the same: noise moves their means.
SAME = 1e-6
#: Residual of a frequency by which the frame turns an output.
TURNS = 1e-6


def waves_of(ivp, outputs):
    """Matrices A(k) and C(k) of small waves on the uniform state near the initial one.

    Parameters
    ----------
    ivp : d3.IVP
        Its variables hold the initial state, which it keeps.
    outputs : dict
        Operands of the outputs by name.

    Returns
    -------
    dict
        ``{"note": why there are no such waves}``, or

        - ``k`` : integers (waves, axes), one of each pair k, -k: multiples of ``step`` (axes,), in
          rad per length. All wavevectors of the grid below its Nyquist modes, or those along axes
          and diagonals.
        - ``rates`` : (members, waves, r, r, 2), real and imaginary part of A in 1 per time; a
          single member if all are the same. A(-k) is the complex conjugate of A(k).
        - ``output_NAME`` : (members, waves, rows, r, 2), C of the components of an output, and of
          their imaginary parts if it is complex.
        - ``turn_NAME`` : (members, combinations), the angular frequency by which the frame turns a
          scalar; or x, y, z, y + iz, z + ix, x + iy of a vector; nan where it is not a turn.
    """
    try:
        return _table(ivp, outputs)
    except NoLawError as reason:
        return {"note": str(reason)}


def _table(ivp, outputs):
    rates = Rates(ivp)
    if rates.members * np.prod(rates.shape) > POINTS:
        raise NoLawError(f"the grid has more than {POINTS} points")
    with rates:
        start = rates.initial()
        if not np.isfinite(start).all():
            raise NoLawError("the initial state is not finite")
        state = mean_state(rates, start)
        operands = dict(itertools.islice(rates.observable(outputs).items(), OUTPUTS))
        matrix, responses = _linear(rates, state, operands)
        scale = np.abs(matrix).max()
        if not (np.isfinite(scale) and scale > 0):
            raise NoLawError("the rates of small waves vanish or are not finite")
        uniform = np.real(matrix[(..., *[0] * len(rates.shape))])
        if to_rest(rates, state, _along(state, uniform), scale):
            matrix, responses = _linear(rates, state, operands)
        _check_invariant(rates, state, matrix)
        _check_small(rates, state, matrix, start)
        turns = _turns(rates, state, operands)
    return _arranged(rates, state, matrix, responses, turns)


def _linear(rates, state, operands):
    """Fourier transforms of responses to a unit perturbation of one point, in each direction.

    Returns
    -------
    array (members, components, r, *space), and ``{name: array (members, rows, r, *space)}``
    """
    background = state.on_grid(rates.shape)
    found, responses = [], {name: [] for name in operands}
    for direction in range(state.directions.shape[2]):
        change = np.zeros_like(background)
        vectors = state.directions[:, :, direction].T
        amplitude = AMPLITUDE * np.abs(state.sizes[:, None] * vectors).max()
        change[(slice(None), slice(None), *[0] * len(rates.shape))] = amplitude * vectors
        upper, lower = rates(background + change), rates(background - change)
        found.append((upper - lower) / (2 * amplitude))
        if operands:
            upper = rates.outputs(operands, background + change)
            lower = rates.outputs(operands, background - change)
            for name in operands:
                values = (upper[name] - lower[name]) / (2 * amplitude)
                if np.iscomplexobj(values):
                    values = np.concatenate([values.real, values.imag])
                responses[name].append(values)

    def transformed(parts):
        # (r, rows, members, *space) -> (members, rows, r, *space)
        values = np.moveaxis(np.stack(parts), (2, 1, 0), (0, 1, 2))
        return np.fft.fftn(values, axes=range(3, values.ndim))

    return transformed(found), {name: transformed(parts) for name, parts in responses.items()}


def _along(state, matrix):
    """The part along the directions: (members, components, r, …) -> (members, r, r, …)."""
    return np.einsum("mir,mij...->mrj...", state.directions, matrix)


def _applied(state, matrix, change):
    """Rates (components, members, *space) by the matrix of a change of the values."""
    space = tuple(range(2, change.ndim))
    parts = np.einsum("mir,im...->mr...", state.directions, np.fft.fftn(change, axes=space))
    return np.fft.ifftn(np.einsum("mir...,mr...->im...", matrix, parts), axes=space).real


def _check_invariant(rates, state, matrix):
    random = np.random.default_rng(0)
    parts = random.standard_normal((state.directions.shape[2], rates.members, *rates.shape))
    change = np.einsum("mir,rm...->im...", state.directions, parts)
    change *= AMPLITUDE * state.sizes.reshape(-1, *[1] * (change.ndim - 1))
    background = state.on_grid(rates.shape)
    expected = _applied(state, matrix, change)
    found = (rates(background + change) - rates(background - change)) / 2
    if not np.abs(found - expected).max() <= INVARIANT * np.abs(expected).max():
        raise NoLawError("the equation depends on place")


def _check_small(rates, state, matrix, start):
    background = state.on_grid(rates.shape)
    change = start - background
    expected = _applied(state, matrix, change)
    left = rates(start) - rates(background) - expected
    rounding = AT_REST * np.abs(matrix).max() * np.abs(background).max()
    if not np.abs(left).max() <= max(NONLINEAR * np.abs(expected).max(), rounding):
        raise NoLawError("the initial state is not a uniform state with small waves")


def _turns(rates, state, operands):
    """Angular frequencies by which the frame turns outputs and complex sums of components."""
    fastest = np.abs(state.generator).max()
    if not fastest and not state.drift.any():
        return {}
    random = np.random.default_rng(2)
    values = state.on_grid(rates.shape)
    values = values + 0.1 * state.sizes.reshape(
        -1, *[1] * (values.ndim - 1)
    ) * random.standard_normal(values.shape)
    time = 0.1 / (fastest or 1.0)
    before = rates.outputs(operands, values)
    after = rates.outputs(operands, state.moved(values, time))
    found = {}
    for name in operands:
        pairs = zip(_combinations(before[name]), _combinations(after[name]), strict=True)
        found[name] = np.array([_frequencies(one, other, time) for one, other in pairs]).T
    return found


def _combinations(values):
    """A scalar; or the components of a vector, and the complex sums of two."""
    if len(values) == 1:
        return [values[0]]
    x, y, z = values
    return [x, y, z, y + 1j * z, z + 1j * x, x + 1j * y]


def _frequencies(before, after, time):
    """The frequency nu of each member with after = before exp(i nu time), or nan."""
    found = []
    for one, other in zip(before, after, strict=True):
        # A component may drift as a whole.
        one, other = one - one.mean(), other - other.mean()
        factor = np.vdot(one, other) / np.vdot(one, one)
        left = np.abs(other - factor * one).max()
        is_turn = left <= TURNS * np.abs(one).max() and abs(abs(factor) - 1) <= TURNS
        found.append(np.angle(factor) / time if is_turn else np.nan)
    return found


def _arranged(rates, state, matrix, responses, turns):
    turning = np.einsum("mij,mjr->mir", state.generator, state.directions)
    matrix = matrix - turning.reshape(*turning.shape, *[1] * len(rates.shape))
    tables = {"rates": _along(state, matrix)}
    tables |= {f"output_{name}": found for name, found in responses.items()}
    numbers = sum(2 * np.prod(found.shape[:3]) for found in tables.values())
    waves = _waves(rates.shape, NUMBERS / numbers)
    places = tuple((waves % rates.shape).T)
    tables = {name: found[(..., *places)] for name, found in tables.items()}
    if all(np.abs(one - one[:1]).max() <= SAME * np.abs(one).max() for one in tables.values()):
        if all(_alike_turns(found) for found in turns.values()):
            tables = {name: found[:1] for name, found in tables.items()}
            turns = {name: found[:1] for name, found in turns.items()}
    result = {"k": waves, "step": 2 * np.pi / rates.lengths}
    for name, found in tables.items():
        found = np.moveaxis(found, -1, 1)
        result[name] = np.stack([found.real, found.imag], axis=-1)
    return result | {f"turn_{name}": found for name, found in turns.items()}


def _alike_turns(turns):
    """Return whether the frames of all members turn an output alike."""
    missing = np.isnan(turns)
    largest = np.nanmax(np.abs(turns), initial=0)
    differ = np.nanmax(np.abs(turns - turns[:1]), initial=0) > SAME * largest
    return not differ and bool(np.all(missing == missing[:1]))


def _waves(shape, most):
    """One of each pair of wavevectors k, -k: all, or those along axes and diagonals."""
    halves = [(size - 1) // 2 for size in shape]
    if np.prod([2.0 * half + 1 for half in halves]) / 2 <= most:
        grid = itertools.product(*(range(-half, half + 1) for half in halves))
        return np.array([wave for wave in grid if wave >= (0,) * len(shape)])
    lines = {(0,) * len(shape)}
    for step in itertools.product((-1, 0, 1), repeat=len(shape)):
        if step > (0,) * len(shape):
            last = min(half for half, one in zip(halves, step, strict=True) if one)
            lines |= {tuple(n * one for one in step) for n in range(1, last + 1)}
    return np.array(sorted(lines))
