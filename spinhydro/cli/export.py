"""spinhydro export RUN FILE: write a run for other tools: .ovf, .vti, .csv, .nc, .gif."""

from spinhydro.analysis.export import main as command

__all__ = ["command"]
