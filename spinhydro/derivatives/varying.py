"""The part of the leaves that a derivative is taken of: a reverse sweep pays for each of them."""

import numpy as np

#: Leaves that are divided into their entries; the others vary as a whole.
DIVIDED = ("numbers", "profiles")


class VaryingLeaves:
    """Which leaves change with any parameter, or are named.

    Parameters
    ----------
    tangents : list of leaves
        Derivatives of the leaves with respect to each parameter.
    whole : set of str
        Leaves that vary as a whole in any case.
    """

    def __init__(self, tangents, whole):
        self.whole = varying_leaves(tangents) | set(whole)
        self._entries = {}
        for name in DIVIDED:
            if name in self.whole and name not in whole:
                self.whole.remove(name)
                self._entries[name] = [
                    i
                    for i in range(len(tangents[0][name]))
                    if any(np.any(tangent[name][i]) for tangent in tangents)
                ]

    def part(self, jax, leaves):
        """The varying part of some leaves; lists of entries become dictionaries."""
        found = {name: jax.tree.map(np.asarray, leaves[name]) for name in self.whole}
        for name, entries in self._entries.items():
            found[name] = {i: np.asarray(leaves[name][i]) for i in entries}
        return found

    def joined(self, leaves, part):
        """Leaves with the varying part in its place."""
        found = {**leaves, **{name: part[name] for name in self.whole}}
        for name, entries in self._entries.items():
            rows = list(leaves[name])
            for i in entries:
                rows[i] = part[name][i]
            found[name] = rows
        return found

    def along(self, jax, slopes, tangent):
        """The derivative along a tangent of the leaves, from that of the part."""
        return sum(
            contracted(jax, slopes[name], part)
            for name, part in self.part(jax, tangent).items()
        )  # fmt: skip


def varying_leaves(tangents):
    """Names of the leaves that change with any parameter."""
    return {
        name
        for tangent in tangents
        for name, part in tangent.items()
        if name != "mask" and any(np.any(a) for a in _arrays(part))
    }


def _arrays(tree):
    if isinstance(tree, dict):
        return [a for part in tree.values() for a in _arrays(part)]
    if isinstance(tree, (list, tuple)):
        return [a for part in tree for a in _arrays(part)]
    return [] if tree is None else [np.asarray(tree)]


def contracted(jax, slopes, tangent):
    """The derivative along a tangent. JAX's slope of complex numbers is used without conjugation:
    d value = Re sum slope * d leaf."""
    parts = jax.tree.map(lambda s, t: np.sum(np.asarray(s) * np.asarray(t)).real, slopes, tangent)
    return float(sum(jax.tree.leaves(parts)))
