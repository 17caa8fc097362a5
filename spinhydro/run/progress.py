"""Progress of a run: a bar on a terminal, plain lines in a log, rank 0 only."""

import sys
import time

from spinhydro.run.messages import to_stream

#: Steps before the time left is estimated: the first ones compile and plan.
WARM_UP = 3


class Progress:
    """Show progress of a run to `stop` in simulation time.

    Parameters
    ----------
    stop : float
        Simulation time at the end.
    unit : str
        Unit of time, for display.
    enabled : bool
        False on quiet runs and on ranks other than 0.
    interval : float
        Seconds between two lines where the stream is not a terminal.
    """

    WIDTH = 30

    def __init__(self, stop, unit="", enabled=True, interval=10.0):
        self.stop, self.unit = stop, unit
        self.enabled = enabled and sys.stderr is not None
        self.terminal = self.enabled and not sys.stderr.closed and sys.stderr.isatty()
        self.interval = 0.2 if self.terminal else interval
        self.last = time.monotonic()
        self.drawn = False
        self._updates, self._reference = 0, None

    def update(self, sim_time, iteration):
        """Draw if it is time to."""
        now = time.monotonic()
        if self._updates < WARM_UP:
            # Steps before this one are not typical: compiling, planning of transforms.
            self._updates += 1
            self._reference = (now, sim_time)
        if not self.enabled or now - self.last < self.interval:
            return
        self.last = now
        self._draw(sim_time, iteration, now)

    def seconds_left(self, sim_time, now):
        """Return the estimated wall time to the stop time; NaN if it is not known yet."""
        began, first = self._reference or (now, sim_time)
        if self._updates < WARM_UP or sim_time <= first:
            return float("nan")
        return (now - began) * (self.stop - sim_time) / (sim_time - first)

    def _draw(self, sim_time, iteration, now):
        done = min(1.0, sim_time / self.stop) if self.stop else 1.0
        left = self.seconds_left(sim_time, now)
        text = f"t = {sim_time:.4g} of {self.stop:.4g} {self.unit}".rstrip()
        text += f"  step {iteration}" + (f"  {duration(left)} left" if left == left else "")
        if self.terminal:
            filled = int(done * self.WIDTH)
            bar = "#" * filled + "." * (self.WIDTH - filled)
            to_stream("stderr", f"\r[{bar}] {done:4.0%}  {text}\x1b[K", end="")
            self.drawn = True
        else:
            to_stream("stderr", f"{done:4.0%}  {text}")

    def finish(self):
        """Leave the line of the bar."""
        if self.drawn:
            to_stream("stderr", "")
            self.drawn = False


def elapsed(seconds):
    """Return the duration of a run as text: 0.3 -> "0.3 s", 75 -> "1 min 15 s"."""
    return f"{seconds:.1f} s" if seconds < 9.95 else duration(seconds)


def duration(seconds):
    """Return seconds as a clock shows them: 75 -> "1 min 15 s"."""
    if seconds != seconds or seconds == float("inf"):
        return "?"
    seconds = int(round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
