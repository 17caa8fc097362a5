"""spinhydro measure RUN [RUN …]: numbers of a paper's figures beside their references."""

from spinhydro.analysis.measure import main as command

__all__ = ["command"]
