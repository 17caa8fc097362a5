r"""The uniform state about which a problem begins, and the frame in which it is at rest.

A uniform state :math:`X_0` is at rest if :math:`F(X_0) = G X_0 + d`, where G is a sum of
symmetries of the equations (phases of complex components, rotations of vectors), and d changes
only components that the equations contain through derivatives alone, such as a phase.
"""

from dataclasses import dataclass

import numpy as np

from spinhydro.dedalus_support.blocks import exponentials
from spinhydro.run.rates import NoLawError

#: Smallest part of the mean square that the square of the mean has in a uniform state.
UNIFORM = 0.9
#: Largest distance of the rms length of spins from one at which they are unit vectors.
UNIT = 1e-3
#: Largest rate at rest, relative to the fastest rates of the waves.
AT_REST = 1e-10
#: Largest distance of the state at rest from the mean, relative to it.
NEARBY = 0.1
#: Relative error of a quantity that is conserved, or of a symmetry.
EXACT = 1e-9
#: Newton steps to the state at rest.
STEPS = 8


@dataclass
class UniformState:
    """A uniform state of each member.

    Attributes
    ----------
    values : array (components, members)
    directions : array (members, components, r)
        Orthonormal directions in which it can be perturbed: spins of fixed length only turn.
    conserved : list of slice
        The components of each vector of spins whose length the equations conserve.
    sizes : array (components,)
        A typical size of each component.
    generator : array (members, components, components)
        G.
    drift : array (components, members)
        d.
    """

    values: np.ndarray
    directions: np.ndarray
    conserved: list
    sizes: np.ndarray
    generator: np.ndarray
    drift: np.ndarray

    def on_grid(self, shape):
        """The state at every point: (components, members, *shape)."""
        return expanded(self.values, shape)

    def moved(self, values, time):
        """Values (components, members, *space) after a time of the motion of the frame."""
        turned = np.empty_like(values)
        for member, generator in enumerate(self.generator):
            turned[:, member] = np.tensordot(exponentials(time * generator), values[:, member], 1)
        return turned + time * expanded(self.drift, values.shape[2:])


def expanded(values, shape):
    """Uniform values (components, members) at every point: (components, members, *shape)."""
    ones = np.ones((1, 1, *shape))
    return values.reshape(*values.shape, *[1] * len(shape)) * ones


def mean_state(rates, start):
    """The mean of the initial values over space, with the mean density and the length of spins.

    Parameters
    ----------
    rates : Rates
    start : array (components, members, *space)

    Raises
    ------
    NoLawError
        If spins or wave functions are not uniform.
    """
    space = tuple(range(2, start.ndim))
    mean, square = start.mean(axis=space), (start**2).mean(axis=space)
    values = mean.copy()
    if rates.is_complex:
        half = len(mean) // 2
        coherent = mean[:half] ** 2 + mean[half:] ** 2
        density = square[:half] + square[half:]
        _require_uniform(coherent.sum(axis=0), density.sum(axis=0))
        # A component that holds noise alone is empty.
        held = coherent >= 0.5 * density
        factor = np.sqrt(np.where(held, density / np.where(held, coherent, 1), 0))
        values *= np.concatenate([factor, factor])
    for rows in rates.spins:
        _require_uniform((mean[rows] ** 2).sum(axis=0), square[rows].sum(axis=0))
        # Truncation to the modes of a basis shortens the spins next to a tilted one.
        length = np.sqrt(square[rows].sum(axis=0))
        length = np.where(np.abs(length - 1) < UNIT, 1.0, length)
        values[rows] *= length / np.linalg.norm(mean[rows], axis=0)
    deviation = np.sqrt(np.maximum(square - mean**2, 0)).max(axis=1)
    sizes = np.zeros(len(values))
    for _, rows in rates.rows:
        parts = np.r_[rows] if not rates.is_complex else np.r_[rows, _shifted(rows, len(mean) // 2)]
        size = np.sqrt((values[parts] ** 2).sum(axis=0)).max()
        noise = deviation[parts].max()
        sizes[parts] = size if size > noise else max(noise, 1.0)
    conserved = _conserved_spins(rates, values, start)
    return UniformState(
        values=values,
        directions=directions_at(values, conserved),
        conserved=conserved,
        sizes=sizes,
        generator=np.zeros((values.shape[1], len(values), len(values))),
        drift=np.zeros_like(values),
    )


def _require_uniform(coherent, square):
    if not np.all(coherent >= UNIFORM * square) or not np.all(square > 0):
        raise NoLawError("the initial state is not uniform")


def _shifted(rows, half):
    return slice(rows.start + half, rows.stop + half)


def directions_at(values, conserved):
    """Directions of perturbations (members, components, r): across spins of conserved length."""
    found = []
    for member in range(values.shape[1]):
        columns, spin = [], {i for rows in conserved for i in range(rows.start, rows.stop)}
        for i in range(len(values)):
            if i not in spin:
                columns.append(np.eye(len(values))[i])
        for rows in conserved:
            vector = values[rows, member]
            _, _, axes = np.linalg.svd(vector[None])
            for axis in axes[1:]:
                columns.append(np.zeros(len(values)))
                columns[-1][rows] = axis
        found.append(np.stack(columns, axis=1))
    return np.array(found)


def _conserved_spins(rates, values, start):
    """The spins with a rate across themselves, at a state without symmetries."""
    if not rates.spins:
        return []
    random = np.random.default_rng(0)
    state = expanded(values, rates.shape)
    state = state + 0.1 * np.abs(state).max() * random.standard_normal(start.shape)
    found = rates(state)
    return [
        rows
        for rows in rates.spins
        if np.abs((state[rows] * found[rows]).sum(axis=0)).max()
        <= EXACT * np.abs(state[rows]).max() * np.abs(found[rows]).max()
    ]


def to_rest(rates, state, jacobian, scale):
    """Move a state to the nearest one at rest; or else to the nearest in a moving frame.

    Parameters
    ----------
    state : UniformState
        Changed in place.
    jacobian : array (members, r, r)
        Rates of uniform perturbations along `directions`.
    scale : float
        The fastest rates of perturbations of size one.

    Returns
    -------
    bool
        Whether the state has moved.

    Raises
    ------
    NoLawError
        If there is none nearby.
    """
    limit = AT_REST * scale * np.abs(state.values).max(initial=1e-300)
    rate = _uniform_rate(rates, state.values)
    if np.abs(rate).max() <= limit:
        return False
    if _newton(rates, state, jacobian, limit, rate, []):
        return True
    before, frames = state.values.copy(), _frames(rates, state.values)
    if frames and _newton(rates, state, jacobian, limit, rate, frames):
        return bool(np.any(state.values != before))
    raise NoLawError("the uniform state is not at rest")


def _newton(rates, state, jacobian, limit, rate, frames):
    """Return whether Newton's steps of least norm lead to a state at rest in one of the frames."""
    values, size = state.values.copy(), np.abs(state.values).max()
    for _ in range(STEPS):
        factors, left = _in_frame(frames, values, rate)
        if np.abs(left).max() <= limit:
            state.values[:] = values
            state.directions = directions_at(values, state.conserved)
            _set_frame(state, frames, factors)
            return True
        for member, directions in enumerate(state.directions):
            columns = [directions.T @ (m @ values[:, member] + d) for m, d in frames]
            turning = sum(
                (f * m for f, (m, _) in zip(factors[:, member], frames, strict=True)),
                np.zeros((len(left), len(left))),
            )
            matrix = jacobian[member] - directions.T @ turning @ directions
            matrix = np.column_stack([matrix, *(-column for column in columns)])
            step = np.linalg.lstsq(matrix, -directions.T @ left[:, member], rcond=1e-8)[0]
            values[:, member] += directions @ step[: directions.shape[1]]
        for rows in rates.spins:
            length = np.linalg.norm(state.values[rows], axis=0)
            values[rows] *= length / np.linalg.norm(values[rows], axis=0)
        if np.abs(values - state.values).max() > NEARBY * size:
            break
        rate = _uniform_rate(rates, values)
    return False


def _uniform_rate(rates, values):
    rate = rates(expanded(values, rates.shape))
    return rate[(slice(None), slice(None), *[0] * len(rates.shape))]


def _in_frame(frames, values, rate):
    """Factors (frames, members) of the motion nearest to a rate, and what is left of it."""
    factors, left = np.zeros((len(frames), values.shape[1])), rate.copy()
    for member in range(values.shape[1]) if frames else ():
        columns = np.stack([m @ values[:, member] + d for m, d in frames], axis=1)
        factors[:, member] = np.linalg.lstsq(columns, rate[:, member], rcond=1e-10)[0]
        left[:, member] -= columns @ factors[:, member]
    return factors, left


def _set_frame(state, frames, factors):
    for factor, (matrix, vector) in zip(factors, frames, strict=True):
        state.generator += factor[:, None, None] * matrix
        state.drift += vector[:, None] * factor


def _frames(rates, values):
    """Symmetries [(matrix, vector)] of the equations: dX/dt = matrix X + vector."""
    size, found = len(values), []
    random = np.random.default_rng(1)
    state = expanded(values, rates.shape)
    state = state + 0.1 * np.abs(values).max() * random.standard_normal(state.shape)
    rate = rates(state)
    for matrix in _turns(rates, size):
        turn = exponentials(0.7 * matrix)
        if _alike(rates(np.tensordot(turn, state, 1)), np.tensordot(turn, rate, 1)):
            found.append((matrix, np.zeros(size)))
    # A wave function has no component that enters through derivatives alone.
    for i in range(0 if rates.is_complex else size):
        shifted = state.copy()
        shifted[i] += 0.7 * (np.abs(values[i]).max() or 1.0)
        if _alike(rates(shifted), rate):
            found.append((np.zeros((size, size)), np.eye(size)[i]))
    return found


def _alike(one, other):
    return np.abs(one - other).max() <= EXACT * np.abs(other).max()


def _turns(rates, size):
    """Yield generators of phases of complex components and rotations of real vectors."""
    if rates.is_complex:
        phases = []
        for i in range(size // 2):
            matrix = np.zeros((size, size))
            matrix[i, size // 2 + i], matrix[size // 2 + i, i] = -1, 1
            phases.append(matrix)
        yield from phases
        if len(phases) > 1:
            yield sum(phases)
        return
    for axis in range(3):
        rotations = []
        for rows in rates.spins:
            matrix = np.zeros((size, size))
            j, k = rows.start + (axis + 1) % 3, rows.start + (axis + 2) % 3
            matrix[k, j], matrix[j, k] = 1, -1
            rotations.append(matrix)
        yield from rotations
        if len(rotations) > 1:
            yield sum(rotations)
