"""A problem file as a function of its parameters: the leaves of its graph, and their derivatives.

The file is executed again with p + h and p - h, so that whatever it derives from p follows: numbers
of the equations, kernels, profiles, initial fields, lengths. The timestep is that of the base run,
and relaxed states are at rest to rounding.
"""

import logging
from contextlib import contextmanager

import numpy as np

from spinhydro.derivatives.model import CHOOSE, make_model
from spinhydro.derivatives.parameters import check_moved, check_numbers, step_of
from spinhydro.errors import InputError, ParameterError
from spinhydro.physics.resting_states import relaxed_to_rest
from spinhydro.problem.load import load

#: Relative change that keeps numbers from being exactly 0, 1 or -1, which graphs leave out.
UNFOLDED = 2.0**-50


class Family:
    """The models of one problem file for values of some of its parameters.

    Parameters
    ----------
    problem : Problem
        Its path, equations and new values are taken; the file is executed again.
    names : sequence of str
        Parameters that vary.
    texts : sequence of str
        Expressions to observe.
    timestep : float
    what : str
        What needs it, for messages.

    Attributes
    ----------
    start : array
        The values of the parameters in the file.
    model : Model
        At the values of the file, where every number that depends on them is a leaf.
    """

    def __init__(self, problem, names, texts, timestep, what):
        check_numbers(problem, names)
        changed = problem.changed_by_hand()
        if changed:
            raise InputError(
                f"{what} executes {problem.path} again, which would lose the values of "
                f"{', '.join(changed)} that were set after loading: set them in the file"
            )
        self.problem, self.names, self.texts = problem, list(names), list(texts)
        self.timestep, self.what = timestep, what
        self.start = np.array([float(problem.parameters[name]) for name in names])
        # Relaxed states of the file at some values.
        self._rest = {}
        # Modes that drop out at other values would be jumps.
        self._kept, self._tangents = CHOOSE, None
        self.model = self._base()
        self._kept = getattr(self.model.scheme, "kept", None)

    def _base(self):
        sides, size = np.ones(len(self.names)), np.where(self.start == 0, 1.0, abs(self.start))
        for _ in range(len(self.names) + 1):
            self.offset = sides * UNFOLDED * size
            try:
                return self.model_at(self.start)
            except ParameterError as error:
                flipped = self._side_of(error, sides)
                if flipped is None:
                    raise
                sides[flipped] = -1
        raise InputError(f"{self.what}: no values beside those of the file fulfil its conditions")

    def _side_of(self, error, sides):
        """The parameter at an edge of a condition, if the message names one."""
        for i, name in enumerate(self.names):
            if sides[i] > 0 and f"{name} =" in str(error):
                return i
        return None

    def model_at(self, values, centre=None):
        """The model with new values of the parameters, slightly shifted from round numbers.

        Parameters
        ----------
        values : array
        centre : array, optional
            Values from whose relaxed states those of the file continue, for differences about
            them; by default they are found from the guess of the file.

        Raises
        ------
        ParameterError
            If a condition of the file does not hold.
        """
        overrides = {
            **self.problem.overrides,
            **{n: repr(float(v)) for n, v in zip(self.names, values + self.offset, strict=True)},
        }
        with (
            _silent(), np.errstate(all="ignore"), relaxed_to_rest(self._at_rest(centre)) as rest
        ):  # fmt: skip
            problem = load(self.problem.path, equations=self.problem.given_equations, **overrides)
        self._rest[tuple(values)] = rest.found
        for name, value in zip(self.names, values, strict=True):
            check_moved(problem, name, value)
        return make_model(problem, self.texts, self.timestep, what=self.what, kept=self._kept)

    def _at_rest(self, centre):
        """Relaxed states at some values; None to find them from the guess of the file."""
        if centre is None or not any(self._rest.values()):
            return None
        if tuple(centre) not in self._rest:
            self.model_at(np.asarray(centre))
        return self._rest[tuple(centre)]

    def leaves_at(self, values, centre=None):
        """The leaves with new values of the parameters, of the structure of `model`."""
        model = self.model_at(values, centre)
        if model.structure != self.model.structure:
            raise InputError(
                f"{self.what}: the equations change their form between {self._shown(self.start)} "
                f"and {self._shown(values)}: there is no derivative there"
            )
        return model.leaves

    def _shown(self, values):
        return ", ".join(f"{n} = {v:.10g}" for n, v in zip(self.names, values, strict=True))

    def tangents(self, values):
        """The derivative of the leaves with respect to each parameter, at some values.

        Central differences; one-sided ones of second order at the edge of a condition.

        Returns
        -------
        list of leaves
        """
        values = np.array(values, float)
        if self._tangents is None or not np.array_equal(self._tangents[0], values):
            found = [self.tangent(values, i) for i in range(len(self.names))]
            self._tangents = values, found
        return self._tangents[1]

    def tangent(self, values, i, wider=1.0):
        """The derivative with respect to one parameter, with a step that is wider by a factor."""
        values = np.asarray(values, float)
        step, moved = wider * step_of(values[i]), {}

        def leaves(number):
            if number not in moved:
                shifted = values.copy()
                shifted[i] += number * step
                moved[number] = self.leaves_at(shifted, centre=values)
            return moved[number]

        stencils = (
            {1: 0.5, -1: -0.5},
            {0: -1.5, 1: 2.0, 2: -0.5},
            {0: 1.5, -1: -2.0, -2: 0.5},
        )
        refused = None
        for stencil in stencils:
            if 0 in stencil:
                moved[0] = self.model.leaves if np.allclose(values, self.start) else leaves(0)
            try:
                parts = [(weight / step, leaves(number)) for number, weight in stencil.items()]
            except ParameterError as error:
                refused = refused or error
                continue
            except InputError as error:
                raise InputError(
                    f"there is no derivative with respect to {self.names[i]}: {error}"
                ) from None
            return _combination(self.model.jax, parts)
        raise refused


def _combination(jax, parts):
    """The sum of leaves with weights that add up to 0; exactly 0 where they do not change."""

    def combine(*arrays):
        if arrays[0] is None or np.asarray(arrays[0]).dtype == bool:
            return None if arrays[0] is None else np.zeros_like(arrays[0])
        first = np.asarray(arrays[0])
        return sum(
            factor * (np.asarray(a) - first)
            for (factor, _), a in zip(parts, arrays, strict=True)
        )  # fmt: skip

    return jax.tree.map(combine, *(leaves for _, leaves in parts))


@contextmanager
def _silent():
    """Context without the warnings of a file that has been loaded before."""
    logger = logging.getLogger("spinhydro")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
