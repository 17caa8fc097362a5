"""spinhydro compare RUN RUN [RUN …]: differences between runs."""

from spinhydro.analysis.compare import main as command

__all__ = ["command"]
