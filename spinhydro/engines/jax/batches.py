"""Transforms of a graph that can be computed together, for JAX."""

from collections import defaultdict

from spinhydro.engines.fused.read.graph import Node, Spectrum
from spinhydro.engines.jax.leaves import kernel_name


class TransformBatches:
    """Groups of transforms whose inputs are known at the same time.

    A transform of several rows in one call takes about half the time of as many calls. Values that
    do not depend on the state form groups of their own, which a compiler can move out of a loop.

    Parameters
    ----------
    outputs : list
        Scalars of the graph.
    is_state : callable(Node) -> bool
        Whether an inverse transform is a component of the state, which is known on the grid.
    dimensions : int
        Of the graph.

    Attributes
    ----------
    of_base : dict
        ``{base of a Spectrum: the bases that are transformed forward with it}``.
    of_node : dict
        ``{inverse transform: those that are computed with it}``.
    symbols : dict
        ``{key of a symbol: symbol}`` of all spectra.
    """

    def __init__(self, outputs, is_state, dimensions):
        self._is_state, self._levels = is_state, {}
        bases, nodes = defaultdict(list), defaultdict(list)
        reached, spectra = _reachable(outputs)
        # The arguments of a node are older than the node.
        for node in sorted(reached, key=lambda node: node.index):
            self._levels[node] = level = self._level(node)
            if node.kind == "inverse" and not is_state(node):
                nodes[level].append(node)
        for base in dict.fromkeys(base for spectrum in spectra for base in spectrum.terms):
            bases[self._level_of_base(base)].append(base)
        self.of_base = {base: group for group in bases.values() for base in group}
        self.of_node = {node: group for group in nodes.values() for node in group}
        self.symbols = {
            symbol_key(symbol, dimensions): symbol
            for spectrum in spectra
            for symbol in spectrum.terms.values()
        }

    def _level(self, node):
        """(whether a node depends on the state, number of transforms before it)."""
        if node.kind == "inverse":
            if self._is_state(node):
                return True, 0
            return _after([self._level_of_base(base) for base in node.arguments[0].terms], 1)
        return _after([self._levels[a] for a in node.arguments if isinstance(a, Node)], 0)

    def _level_of_base(self, base):
        return (True, 0) if base[0] == "state" else self._levels[base[1]]


def symbol_key(symbol, dimensions):
    """A text that equal symbols share."""
    return " + ".join(
        sorted(
            f"{coefficient} {powers[:dimensions]} {[*map(kernel_name, powers[dimensions:])]}"
            for powers, coefficient in symbol.items()
        )
    )


def _after(levels, number):
    """The level that is `number` transforms after some others."""
    depends = any(level[0] for level in levels)
    return depends, max((level[1] for level in levels), default=0) + number


def _reachable(outputs):
    """(nodes, spectra) on which some outputs depend."""
    nodes, spectra, stack = set(), {}, list(outputs)
    while stack:
        value = stack.pop()
        if isinstance(value, Spectrum):
            if id(value) not in spectra:
                spectra[id(value)] = value
                stack += [base[1] for base in value.terms if base[0] == "forward"]
        elif isinstance(value, Node) and value not in nodes:
            nodes.add(value)
            stack += [a for a in value.arguments if isinstance(a, (Node, Spectrum))]
    return nodes, list(spectra.values())
