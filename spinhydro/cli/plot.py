"""spinhydro plot RUN [--list]: draw a run; list its figures."""

from spinhydro.analysis.plot import main as command

__all__ = ["command"]
