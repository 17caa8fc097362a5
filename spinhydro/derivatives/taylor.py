"""Taylor test of a derivative: how the remainder shrinks with the step."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from spinhydro.errors import InputError, ParameterError

#: Relative changes of the parameters that are tried.
CHANGES = (1e-2, 1e-3, 1e-4, 1e-5)
#: Further ones, if the value is not yet linear there: chaos shrinks the range.
SMALLER = (1e-6, 1e-7, 1e-8)
#: Change whose remainder is rounding alone.
ROUNDING = 1e-9
#: Derivatives by differences of the file are right to this part of the value.
DIFFERENCES = 1e-10
#: How far from 2 a slope may be.
TOLERANCE = 0.1


@dataclass
class TaylorTest:
    """The remainder |J(p + e d) - J(p) - e J'(p) d| against e.

    Attributes
    ----------
    changes, remainders : array
    slope : float
        Of the remainder where it is nearest to 2; nan if rounding hides it everywhere.
    low, high : float
        The changes between which the slope is 2.
    relative : float
        Smallest remainder, beyond rounding, over the first-order change.
    """

    changes: np.ndarray
    remainders: np.ndarray
    slope: float
    low: float
    high: float
    relative: float

    @property
    def passed(self):
        """Return whether the derivative is that of the value."""
        return abs(self.slope - 2) <= TOLERANCE or self.relative < 1e-6

    def line(self):
        """One line for a terminal."""
        if np.isnan(self.slope) and self.relative == 0:
            return "Taylor test: the value is linear to rounding, passed"
        if np.isnan(self.slope):
            return (
                f"Taylor test: the value is linear to {self.relative:.0e} of its change, "
                f"{'passed' if self.passed else 'FAILED'}"
            )
        return (
            f"Taylor test: slope {self.slope:.3f} for relative changes of {self.low:.0e} to "
            f"{self.high:.0e}, {'passed' if self.passed else 'FAILED'}"
        )


def taylor_test(family, objective, value, found, chosen, slopes):
    """Compare the value of changed parameters and arrays with the prediction of the derivative.

    The file is executed again with each change, so that the whole chain is tested.

    Parameters
    ----------
    family : Family
    objective : Objective
    value : float
    found : dict
        Derivatives by name.
    chosen : dict
        ``{name: (leaf, part of it)}`` of fields and kernels.
    slopes : dict
        Derivatives with respect to leaves.

    Returns
    -------
    TaylorTest
    """
    random = np.random.default_rng(0)
    size = np.where(family.start == 0, 1.0, np.abs(family.start))
    direction = size * random.choice([-1.0, 1.0], len(size)) * random.uniform(0.5, 1, len(size))
    arrays, linear_arrays = _array_direction(family.model, chosen, slopes, random)

    def remainder(change):
        """(|remainder|, |first-order change|), or None if the file allows no such change."""
        leaves, used = _moved(family, change, direction)
        if leaves is None:
            return None
        linear = sum(
            change * step * found[name] for name, step in zip(family.names, used, strict=True)
        )
        leaves = {
            **leaves,
            **{n: _plus(family.model.jax, leaves[n], change, d) for n, d in arrays.items()},
        }
        linear += change * linear_arrays
        return abs(float(objective.value(leaves)) - value - linear), abs(linear)

    return examine(remainder, value)


def examine(remainder, value):
    """Judge a derivative by remainders at ever smaller changes.

    Parameters
    ----------
    remainder : callable(change) -> (remainder, first-order change), or None
    value : float

    Returns
    -------
    TaylorTest

    Raises
    ------
    InputError
        If fewer than two changes are possible.
    """
    least = remainder(ROUNDING)
    floor = max(least[0] if least else 0.0, np.finfo(float).eps * abs(value), 1e-300)
    changes, remainders, firsts = [], [], []
    for change in (*CHANGES, *SMALLER):
        if change in SMALLER and not _goes_on(changes, remainders, floor):
            break
        found = remainder(change)
        if found is not None:
            changes.append(change)
            remainders.append(found[0])
            firsts.append(found[1])
    if len(changes) < 2:
        raise InputError("no change of the parameters is allowed by the conditions of the file")
    return judge(*map(np.array, (changes, remainders, firsts)), floor, value)


def _goes_on(changes, remainders, floor):
    """Return whether smaller changes may show a slope of 2 that larger ones do not."""
    if len(changes) < 2:
        return True
    ratio = np.log10(max(remainders[-2], 1e-300) / max(remainders[-1], 1e-300))
    is_quadratic = abs(ratio / np.log10(changes[-2] / changes[-1]) - 2) <= TOLERANCE
    return not is_quadratic and remainders[-1] > 1e3 * floor


def _moved(family, change, direction):
    """Leaves after a change of the parameters, on the allowed side; (None, _) if there is none."""
    if not family.names:
        return family.model.leaves, direction
    for signs in _sides(len(direction)):
        try:
            leaves = family.leaves_at(
                family.start + change * signs * direction, centre=family.start
            )
        except (ParameterError, InputError):
            continue
        # Keep to this side for the smaller changes too.
        return leaves, signs * direction
    return None, direction


def _sides(number):
    yield np.ones(number)
    yield -np.ones(number)
    for i in range(number):
        signs = np.ones(number)
        signs[i] = -1
        yield signs


def _array_direction(model, chosen, slopes, random):
    """A change of each leaf that holds fields or kernels, and the first-order change of the value.

    A tenth of the largest value, smooth.
    """
    directions, linear = {}, 0.0
    for leaf in dict.fromkeys(leaf for leaf, _ in chosen.values()):
        directions[leaf] = model.jax.tree.map(
            partial(_like, model, random, leaf), model.leaves[leaf]
        )
        pairs = model.jax.tree.map(
            lambda s, d: np.sum(np.asarray(s) * d).real, slopes[leaf], directions[leaf]
        )
        linear += float(sum(model.jax.tree.leaves(pairs)))
    return directions, linear


def _like(model, random, leaf, array):
    array = np.asarray(array)
    scale = 0.1 * (np.abs(array).max() or 1.0)
    if leaf == "kernels" or array.ndim < 2:
        return 0.1 * random.uniform(-1, 1) * array
    if leaf == "state" and not model.on_grid:
        grid = np.zeros((model.components, *model.space.shape), model.space.dtype)
        grid = _waves(grid, scale, random)
        return np.asarray(model.from_grid_values(grid, model.leaves))
    return _waves(np.zeros_like(array), scale, random)


def _waves(array, scale, random):
    """Smooth waves of a few wavelengths along the last axis."""
    phase = 2 * np.pi * np.arange(array.shape[-1]) / array.shape[-1]
    for row in array.reshape(-1, array.shape[-1])[: array.size // array.shape[-1]]:
        row += scale * sum(
            random.standard_normal() / 4 * np.cos(k * phase + random.uniform(0, 6))
            for k in range(1, 5)
        )
    return array


def _plus(jax, leaves, change, direction):
    return jax.tree.map(lambda a, d: np.asarray(a) + change * d, leaves, direction)


def judge(changes, remainders, firsts, floor, value):
    """The verdict on remainders.

    Parameters
    ----------
    changes, remainders, firsts : array
        Changes in descending order, and the first-order changes of the value.
    floor : float
        Remainder that rounding makes.
    value : float

    Returns
    -------
    TaylorTest
    """
    differences = DIFFERENCES * changes * abs(value)
    excess = np.maximum(remainders - floor - differences, 0)
    ratios = excess / np.maximum(firsts, 1e-300)
    # A remainder below the floor says nothing where the first-order change is not far above it.
    tells = firsts > 30 * floor
    relative = float(np.min(ratios[tells] if tells.any() else ratios))
    slopes = np.diff(np.log(np.maximum(remainders, 1e-300))) / np.diff(np.log(changes))
    above = remainders[1:] > 30 * floor + differences[1:]
    usable = (np.abs(slopes - 2) <= TOLERANCE) & above
    if not usable.any():
        slope = float("nan")
        if np.any(above):
            slope = float(slopes[above][np.argmin(np.abs(slopes[above] - 2))])
        return TaylorTest(changes, remainders, slope, changes[-1], changes[0], relative)
    rows = np.nonzero(usable)[0]
    # The longest run of changes with slope 2.
    run = max(np.split(rows, np.nonzero(np.diff(rows) > 1)[0] + 1), key=len)
    slope = float(slopes[run][np.argmin(np.abs(slopes[run] - 2))])
    return TaylorTest(
        changes, remainders, slope, float(changes[run[-1] + 1]), float(changes[run[0]]), relative
    )
