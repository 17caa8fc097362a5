"""spinhydro plot RUN [--list]: draw a run; list what it can show."""

from spinhydro.analysis.plot import main as command

__all__ = ["command"]
