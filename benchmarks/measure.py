"""Time competitors alternately, in CPU seconds, and take the median."""

import time
from dataclasses import dataclass, field
from statistics import median

import numpy as np

#: CPU seconds of one sample.
SAMPLE_SECONDS = 0.15


@dataclass
class Competitor:
    """One way to solve a unit.

    Attributes
    ----------
    name : str
    advance : callable(steps)
        Take that many steps; None if the peer is not installed.
    state : callable()
        The present state as an array, or None if it cannot be compared.
    missing : str
        Why it is not measured, and how to install it.
    same_scheme : bool
        Whether its numbers are those of the unit's scheme to rounding.
    reset : callable(), optional
        Go back to the initial state.
    seconds_per_step : callable(), optional
        For programs that time themselves.
    """

    name: str
    advance: object = None
    state: object = None
    missing: str = ""
    same_scheme: bool = True
    reset: object = None
    seconds_per_step: object = None


@dataclass
class Unit:
    """One piece of work.

    Attributes
    ----------
    title, baseline : str
        Title of the table, and name of the competitor that others are compared with.
    competitors : list of Competitor
        Ours is the first.
    reference : callable(steps), optional
        The converged state after that many steps of the unit's timestep.
    transforms : callable(), optional
        Does only the transforms of one step: a lower bound.
    sites : int, optional
        Quote the time per site too.
    longest : int
        Steps for which the problem is known to stay finite.
    """

    title: str
    baseline: str
    competitors: list
    reference: object = None
    transforms: object = None
    sites: int = 0
    compared_steps: int = 10
    longest: int = 10_000


@dataclass
class Measurement:
    """CPU milliseconds per step (median, and all samples), and error after `compared_steps`."""

    competitor: Competitor
    milliseconds: float = float("nan")
    error: float = float("nan")
    samples: list = field(default_factory=list)


def measure(unit, repeats):
    """Time all competitors of a unit in alternation."""
    results = [Measurement(c) for c in unit.competitors]
    running = [r for r in results if r.competitor.advance]
    reference = unit.reference(unit.compared_steps) if unit.reference else None
    steps = {}
    for result in running:
        # The first step may compile and plan, which is not part of the price of a step.
        result.competitor.advance(unit.compared_steps)
        if reference is not None and result.competitor.state:
            difference = np.abs(result.competitor.state() - reference).max()
            result.error = float(difference / np.abs(reference).max())
        seconds = _seconds(result.competitor.advance, 1)
        steps[result.competitor.name] = max(1, round(SAMPLE_SECONDS / max(seconds, 1e-6)))
    if unit.transforms:
        floor = Competitor("transforms alone (FFTW, estimate)", unit.transforms)
        results.append(Measurement(floor))
        running.append(results[-1])
        seconds = _seconds(floor.advance, 5) / 5
        steps[floor.name] = max(1, round(SAMPLE_SECONDS / max(seconds, 1e-6)))
    for _ in range(repeats):
        for result in running:
            number = min(unit.longest, steps[result.competitor.name])
            if result.competitor.reset:
                result.competitor.reset()
            seconds = _seconds(result.competitor.advance, number)
            _check_finite(unit, result.competitor)
            result.samples.append(1e3 * seconds / number)
        for result in results:
            if result.competitor.seconds_per_step:
                result.samples.append(1e3 * result.competitor.seconds_per_step())
    for result in results:
        if result.samples:
            result.milliseconds = median(result.samples)
    return results


def _check_finite(unit, competitor):
    """Raise RuntimeError if a competitor has lost its state: its times would mean nothing."""
    if competitor.state and not np.all(np.isfinite(competitor.state())):
        raise RuntimeError(f"{unit.title}: {competitor.name} is no longer finite")


def _seconds(advance, steps):
    start = time.process_time()
    advance(steps)
    return time.process_time() - start
