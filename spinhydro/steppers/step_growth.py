"""Growth of waves in a step of a scheme that treats linear terms otherwise than the others."""

import math

import numpy as np

from spinhydro.steppers import RESONANT
from spinhydro.steppers.growth_factors import growth

#: Linear phase per step below which modes cannot resonate.
SMALL_PHASE = 0.5
#: First and last timestep at which growth is examined for its limit, in units of the inverse
#: largest rate, the logarithm of the ratio of two of them, and bisections that follow.
_FIRST, _LAST, _RATIO, _BISECTIONS = 0.02, 12.0, 0.26, 8
#: Part of the largest rate below which modes are at rest.
_SLOWEST = 1e-6


class StepGrowth:
    """Growth of the fastest waves of the explicit part, each with linear terms of any frequency.

    Parameters
    ----------
    found : Frequencies
        With `modes`, `senses` and `pair`, if they are known.
    name : str
        Of a scheme whose step ``spinhydro.steppers.growth_factors`` knows.
    """

    def __init__(self, found, name):
        self.found, self.name, self._components = found, name, []
        # Exact linear terms of complex fields are known from their `pair`.
        self._has_pair = bool(found.pair[1]) and (found.components is None or name in RESONANT)
        if found.components is not None and not self._has_pair:
            self._components = [found.components]
        self.cases = list(self._find_cases())
        # Growth that the equations have by themselves is physics.
        self._examined = [
            (
                explicit,
                linear,
                np.maximum(np.linalg.eigvals(explicit + linear).real.max(axis=-1), 0),
            )
            for explicit, linear in (*self.cases, *self._components)
        ]

    @property
    def couples_components(self):
        """Return whether components are examined together, with linear terms."""
        return bool(self._components)

    def rate(self, allowed):
        """Return the inverse of the largest timestep with little growth; 0 without a limit.

        Parameters
        ----------
        allowed : float
            Logarithm of the growth of a step.
        """
        scale = max((float(np.abs(explicit).max()) for explicit, _ in self.cases), default=0.0)
        linear = self.found.linear / 10
        if self.name in RESONANT or not math.isfinite(linear):
            linear = 0.0
        rates = [r for r in (scale or linear, *self._rates_of_components()) if r]
        if not rates:
            return 0.0
        low, first, last = 0.0, _FIRST / max(*rates, linear), _LAST / min(rates)
        for high in np.geomspace(first, last, math.ceil(math.log(last / first) / _RATIO)):
            if self.per_step(high) > allowed:
                break
            low = high
        else:
            return 1 / low
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.per_step(middle) <= allowed else (low, middle)
        return 2 / (low + high)

    def _rates_of_components(self):
        """Yield the rates of the slowest and of the fastest mode of components with linear terms.

        Entries of J are not a measure: they depend on the units of the components. Damping by
        linear terms, which is infinite for constraints, is not a rate that limits timesteps.
        """
        for explicit, linear in self._components:
            of_both = np.abs(np.linalg.eigvals(explicit + linear).imag).max(axis=-1)
            sizes = np.maximum(of_both, np.abs(np.linalg.eigvals(explicit)).max(axis=-1))
            sizes = sizes[sizes > _SLOWEST * sizes.max()]
            if sizes.size:
                yield from (float(sizes.min()), float(sizes.max()))

    def _find_cases(self):
        """Yield (J, A) of single modes and of a pair, as arrays (…, n, n)."""
        found = self.found
        modes = np.zeros(1) if found.modes is None else np.append(found.modes, 0)
        # Where components are known, so is by how much J is far from normal.
        extent = 0.0 if self._components else found.extent
        all_values = np.append(found.values, 1j * extent)
        senses = np.zeros(all_values.shape)
        if found.senses is not None:
            senses = np.append(found.senses, found.extent_sense)
        for sense in (-1, 0, 1):
            values = all_values[senses == sense]
            if not values.size:
                continue
            # The fastest, the most damped, and the fastest of those that are hardly damped.
            chosen = {
                values[np.argmax(np.abs(values))],
                values[np.argmin(values.real)],
                values[np.argmax(np.abs(values.imag))],
            }
            for value in chosen:
                explicit = min(value.real, 0.0) + 1j * abs(value.imag)
                for sign in {sense or 1, sense or -1}:
                    turning = modes.real + 1j * sign * np.abs(modes.imag)
                    yield np.full((1, 1), explicit), turning[:, None, None]
        a, b = found.pair
        if self._has_pair:
            pairs = modes.real[:, None, None] * np.eye(2) + 0j
            pairs += modes.imag[:, None, None] * np.diag([1j, -1j])
            yield np.array([[-1j * a, -1j * b], [1j * b, 1j * a]]), pairs

    def per_step(self, timestep):
        """Return the largest logarithm of the growth of a mode in a step, beyond its own."""
        largest = 0.0
        for explicit, linear, own in self._examined:
            is_coupled = explicit.shape[-1] > 1
            if is_coupled and self.name in RESONANT and self.found.linear * timestep > SMALL_PHASE:
                # The resonance with the timestep is the limit then.
                continue
            factors = growth(self.name, timestep * explicit, timestep * linear)
            with np.errstate(divide="ignore"):
                excess = np.log(factors) - own * timestep
            largest = max(largest, float(np.max(excess, initial=0.0)))
        return largest
