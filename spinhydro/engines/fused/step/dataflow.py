"""Dataflow of a program: the values that each round reads, and their lifetimes."""

from spinhydro.engines.fused.read.graph import Node


class Dataflow:
    """Spectra and grid values that the rounds of a program read.

    A source is (``"state"``, -1, component) or (``"a"``, round, row): a spectrum of the state, or
    one that a round has made.

    Parameters
    ----------
    program : Program
    """

    def __init__(self, program):
        self.program = program

    def spectra_of(self, round_):
        """Combinations of spectra that a round transforms; after the last round the outputs."""
        rounds = self.program.rounds
        if round_ < len(rounds):
            return rounds[round_].inverse_spectra
        return [] if self.program.on_grid else self.program.outputs

    def sources(self, round_):
        """Spectra that `spectra_of` a round combines, in order."""
        found = {}
        for spectrum in self.spectra_of(round_):
            for base in spectrum.terms:
                if base[0] == "forward":
                    source, row = self.program.forward_rows[base[1]]
                    found["a", source, row] = base
                else:
                    found["state", -1, base[1]] = base
        return sorted(found)

    def needed_after(self, round_, source):
        """Return whether a spectrum is needed again before a later round."""
        later = range(round_ + 1, len(self.program.rounds) + 1)
        return any(source in self.sources(i) for i in later)

    def state_needed_from(self, round_):
        """Return whether spectra of the state are needed before this round or a later one."""
        last = len(self.program.rounds)
        return any(
            source[0] == "state"
            for i in range(min(round_, last), last + 1)
            for source in self.sources(i)
        )

    def grids_of(self, round_):
        """Rounds whose grid values the pointwise loops of a round read."""
        nodes = list(self.program.rounds[round_].ahead_nodes)
        if self.program.on_grid and round_ == len(self.program.rounds) - 1:
            nodes += [value for value in self.program.outputs if isinstance(value, Node)]
        return {
            place[1] - 2
            for leaf in self.program.inverse_leaves(nodes)
            if (place := self.program.location(leaf))[1] >= 2
        }
