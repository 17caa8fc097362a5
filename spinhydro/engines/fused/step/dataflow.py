"""What the levels of a program need, and until when."""

from spinhydro.engines.fused.read.graph import Node


class Needs:
    """Which spectra and grid values the levels of a program start from.

    A source is (``"state"``, -1, component) or (``"a"``, level, row): a spectrum of the state, or
    one that a level has made.

    Parameters
    ----------
    program : Program
    """

    def __init__(self, program):
        self.program = program

    def spectra_of(self, level):
        """Combinations formed before a level; after the last level: the outputs."""
        levels = self.program.levels
        if level < len(levels):
            return levels[level].inverse_spectra
        return [] if self.program.on_grid else self.program.outputs

    def sources(self, level):
        """Known spectra that are needed before a level, in order."""
        found = {}
        for spectrum in self.spectra_of(level):
            for base in spectrum.terms:
                if base[0] == "forward":
                    source, row = self.program._rows[base[1]]
                    found["a", source, row] = base
                else:
                    found["state", -1, base[1]] = base
        return sorted(found)

    def needed_after(self, level, source):
        """Whether a spectrum is needed again before a later level."""
        later = range(level + 1, len(self.program.levels) + 1)
        return any(source in self.sources(i) for i in later)

    def state_needed_from(self, level):
        """Whether spectra of the state are needed before this level or a later one."""
        last = len(self.program.levels)
        return any(
            source[0] == "state"
            for i in range(min(level, last), last + 1)
            for source in self.sources(i)
        )

    def grids_of(self, level):
        """Levels whose grid values the kernels of a level read."""
        nodes = list(self.program.levels[level].ahead_nodes)
        if self.program.on_grid and level == len(self.program.levels) - 1:
            nodes += [value for value in self.program.outputs if isinstance(value, Node)]
        return {
            place[1] - 2
            for leaf in self.program._inverse_leaves(nodes)
            if (place := self.program.location(leaf))[1] >= 2
        }
