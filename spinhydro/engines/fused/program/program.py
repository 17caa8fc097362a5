"""Values computed from a state: rounds of transforms with pointwise loops between them."""

import numpy as np

from spinhydro.engines.fused.program.pointwise import make_pointwise
from spinhydro.engines.fused.read.graph import CONSTANT, PROFILE, Node
from spinhydro.engines.fused.read.lower import offsets


class Program:
    """Values computed from the state: rounds of transforms with pointwise loops between them.

    Parameters
    ----------
    lowering : Lowering
    space : Space
    outputs : list
        Scalars of the graph.
    on_grid : bool
        Whether the outputs are wanted, and the state is given, on the grid too. That needs fewer
        transforms, and is possible where going to coefficients and back changes nothing.
    compiled : bool
        As for `make_pointwise`.

    Attributes
    ----------
    rounds : list of Round
    inverse_places : dict
        ``{key of a spectrum: ("array", index, row)}`` of everything that is transformed to the
        grid, as `location` gives it.
    forward_rows : dict
        ``{node: (round, row)}`` of everything that is transformed to k-space.
    """

    def __init__(self, lowering, space, outputs, on_grid=False, compiled=False):
        self.lowering, self.space, self.on_grid = lowering, space, on_grid
        graph = lowering.graph
        self.outputs = [graph.to_grid(v) if on_grid else graph.to_spectrum(v) for v in outputs]
        forwards = self._collect()
        wanted = forwards + [v for v in self.outputs if isinstance(v, Node)]
        leaves = [leaf for leaf in self.inverse_leaves(wanted) if not self.is_given(leaf)]
        # Equal values that Dedalus computes at different times are one transform.
        leaves = list({leaf.arguments[0].key: leaf for leaf in leaves}.values())
        earliest = self._earliest()
        rounds = {max(earliest[node], PROFILE) for node in forwards}
        rounds |= {earliest[leaf] for leaf in leaves}
        self.rounds = []
        self.inverse_places, self.forward_rows = {}, {}
        for number in range(min(rounds, default=0), max(rounds, default=-1) + 1):
            inverse = [leaf for leaf in leaves if earliest[leaf] == number]
            ahead = [node for node in forwards if max(earliest[node], PROFILE) == number]
            self.rounds.append(Round(len(self.rounds), inverse, ahead, self))
        for round_ in self.rounds:
            round_.compile(compiled)
        if on_grid:
            self._pointwise = make_pointwise(
                self.outputs, self.location, compiled, space.neighbours
            )
        else:
            self._final = self.plan_combinations(self.outputs)

    def _earliest(self):
        """Return the earliest round in which each node can be computed."""
        found = {}
        for node in self.lowering.graph.nodes.values():
            if node.kind == "inverse":
                bases = node.arguments[0].terms
                rounds = [max(found[base[1]], PROFILE) for base in bases if base[0] == "forward"]
                found[node] = max((number + 1 for number in rounds), default=0)
            elif node.kind == "shifted":
                found[node] = found[node.arguments[0]]
            elif node.is_operation:
                arguments = [found[a] for a in node.arguments if isinstance(a, Node)]
                found[node] = max(arguments, default=CONSTANT)
            else:
                found[node] = node.round
        return found

    def is_given(self, leaf):
        """Return whether an inverse transform is the state itself, kept on the grid."""
        terms = leaf.arguments[0].terms
        if not self.on_grid or len(terms) != 1:
            return False
        ((base, symbol),) = terms.items()
        return base[0] == "state" and symbol == self.lowering.graph.identity()

    def location(self, leaf):
        """Return where pointwise loops find a leaf.

        Array 0 holds the profiles, 1 the state on the grid, the following ones the inverse
        transforms of the rounds.
        """
        if leaf.kind == "inverse":
            if self.is_given(leaf):
                ((base, _),) = leaf.arguments[0].terms.items()
                return ("array", 1, base[1])
            return self.inverse_places[leaf.arguments[0].key]
        if leaf.kind == "number":
            return ("number", leaf.arguments[0])
        field, component = leaf.arguments
        if leaf.kind == "profile":
            return ("array", 0, offsets(self.lowering.profiles)[field] + component)
        return ("constant", self.location_of_constant(field, component))

    def location_of_constant(self, field, component):
        """Index of a component of a constant field among all constants."""
        return offsets(self.lowering.constants)[field] + component

    def arrays(self, profiles, grid, rounds):
        """The arrays that pointwise loops read (see `location`)."""
        found = [round_.inverse_grid for round_ in self.rounds[:rounds]]
        return (profiles, grid, *found)

    def _collect(self):
        """Every node that is transformed forward, each once, in order."""
        if self.on_grid:
            queue = [leaf.arguments[0] for leaf in self.inverse_leaves(self.outputs)]
        else:
            queue = list(self.outputs)
        found = {}
        while queue:
            spectrum = queue.pop(0)
            for base in spectrum.terms:
                if base[0] == "forward" and base[1] not in found:
                    found[base[1]] = None
                    queue += [leaf.arguments[0] for leaf in self.inverse_leaves([base[1]])]
        return sorted(found, key=lambda node: node.index)

    @staticmethod
    def inverse_leaves(nodes):
        seen, stack, leaves = set(), list(nodes), []
        while stack:
            node = stack.pop()
            if not isinstance(node, Node) or node in seen:
                continue
            seen.add(node)
            if node.kind == "inverse":
                leaves.append(node)
            else:
                stack += [a for a in node.arguments if isinstance(a, Node)]
        return sorted(leaves, key=lambda node: node.index)

    def combine(self, combinations, state, out):
        """Rows of `out` = sums of symbol * spectrum."""
        for rows, source, symbol, adds in combinations:
            spectra = state if source is None else self.rounds[source[0]].ahead.spectra
            chosen = spectra[rows[1]]
            target = out[rows[0]]
            if adds:
                target += symbol * chosen
            elif symbol is None:
                target[...] = 0
            elif np.ndim(symbol) == 0 and symbol == 1:
                np.copyto(target, chosen)
            else:
                np.multiply(symbol, chosen, out=target)

    def plan_combinations(self, spectra):
        """Steps of `combine` for a list of Spectrum, neighbouring rows of one kind together."""
        single = []
        for row, spectrum in enumerate(spectra):
            terms = [(base, self.space.symbol(symbol)) for base, symbol in spectrum.terms.items()]
            if not terms:
                single.append((row, 0, None, None, False))
            for i, (base, symbol) in enumerate(terms):
                source, index = (None, base[1])
                if base[0] == "forward":
                    round_, index = self.forward_rows[base[1]]
                    source = (round_,)
                single.append((row, index, source, symbol, i > 0))
        # Rows are filled before anything is added to them.
        single.sort(key=lambda step: step[4])
        steps = []
        for row, index, source, symbol, adds in single:
            if steps:
                (rows, indices), last_source, last_symbol, last_adds = steps[-1]
                if (
                    (rows.stop, indices.stop) == (row, index)
                    and (last_source, last_adds) == (source, adds)
                    and last_symbol is symbol
                ):
                    merged = (slice(rows.start, row + 1), slice(indices.start, index + 1))
                    steps[-1] = (merged, source, symbol, adds)
                    continue
            steps.append(((slice(row, row + 1), slice(index, index + 1)), source, symbol, adds))
        return steps

    def free_scratch(self):
        """Free the buffers until the next evaluation."""
        for round_ in self.rounds:
            for batch in filter(None, (round_.inverse, round_.ahead)):
                batch.free_scratch()

    def __call__(self, spectra, grid, constants, profiles, out):
        """Fill `out`, a row for each output, from the spectra (and grid values) of the state."""
        for round_ in self.rounds:
            round_.evaluate(spectra, grid, constants, profiles)
        if self.on_grid:
            self._pointwise(self.arrays(profiles, grid, len(self.rounds)), constants, out)
        else:
            self.combine(self._final, spectra, out)


class Round:
    """Inverse transforms, a pointwise loop, forward transforms."""

    def __init__(self, number, inverse, ahead, program):
        self.program, self.number = program, number
        space = program.space
        self.inverse = space.plan(len(inverse)) if inverse else None
        self._nothing = np.zeros((0, space.points), space.dtype)
        self.ahead_nodes = ahead
        self.ahead = space.plan(len(ahead)) if ahead else None
        # Equal operators side by side, so that components are treated together.
        inverse = sorted(inverse, key=_by_operator)
        self.inverse_spectra = [leaf.arguments[0] for leaf in inverse]
        for row, leaf in enumerate(inverse):
            program.inverse_places[leaf.arguments[0].key] = ("array", number + 2, row)
        for row, node in enumerate(ahead):
            program.forward_rows[node] = (number, row)

    @property
    def inverse_grid(self):
        """Grid values of the inverse transforms."""
        return flat(self.inverse.grid) if self.inverse else self._nothing

    def compile(self, compiled):
        program = self.program
        self.combinations = program.plan_combinations(self.inverse_spectra)
        if self.ahead:
            near = program.space.neighbours
            self.pointwise = make_pointwise(self.ahead_nodes, program.location, compiled, near)

    def evaluate(self, spectra, grid, constants, profiles):
        if self.inverse:
            self.program.combine(self.combinations, spectra, self.inverse.spectra)
            self.inverse.backward()
        if self.ahead:
            arrays = self.program.arrays(profiles, grid, self.number + 1)
            self.pointwise(arrays, constants, flat(self.ahead.grid))
            self.ahead.forward()


def flat(array):
    return array.reshape(array.shape[0], -1)


def _by_operator(leaf):
    terms = leaf.arguments[0].terms
    symbols = sorted(str(sorted(symbol.items())) for symbol in terms.values())
    return (len(terms), symbols, leaf.index)
