"""The values that a graph reads besides the state: numbers, kernels, profiles, constants."""

from dataclasses import dataclass

import numpy as np

from spinhydro.engines.fused.read.graph import Node, Spectrum
from spinhydro.engines.fused.read.lower import offsets
from spinhydro.language.drives import TimeTable


@dataclass(frozen=True)
class LeafNumber:
    """A number of an equation string that stays a variable of the graph.

    Sums, products and powers of leaves are leaves too: small expressions that are evaluated with
    the numbers of the moment. The graph treats them as it treats Python's numbers.

    Attributes
    ----------
    operation : str
        "leaf" (arguments: its place among the numbers), "add", "mul" or "pow".
    arguments : tuple
        Leaves and Python numbers.
    """

    operation: str
    arguments: tuple

    def __add__(self, other):
        return self if _is_number(other) and other == 0 else LeafNumber("add", (self, other))

    __radd__ = __add__

    def __mul__(self, other):
        return self if _is_number(other) and other == 1 else LeafNumber("mul", (self, other))

    __rmul__ = __mul__

    def __pow__(self, exponent):
        return LeafNumber("pow", (self, exponent))

    def value(self, numbers):
        """The number, from an array of the numbers at each place."""
        if self.operation == "leaf":
            return numbers[self.arguments[0]]
        a, b = (x.value(numbers) if isinstance(x, LeafNumber) else x for x in self.arguments)
        if self.operation == "add":
            return a + b
        return a * b if self.operation == "mul" else a**b


def _is_number(value):
    return isinstance(value, (int, float, complex))


def kernel_name(entry):
    """The key of one component of a kernel among the leaves."""
    return f"{entry.number}:{entry.row}:{entry.column}"


def kernel_entries(outputs, dimensions):
    """Every KernelEntry that some outputs of a graph depend on, by name."""
    entries, seen, stack = {}, set(), list(outputs)
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Node):
            stack += [a for a in value.arguments if isinstance(a, (Node, Spectrum))]
        elif isinstance(value, Spectrum):
            for base, symbol in value.terms.items():
                if base[0] == "forward":
                    stack.append(base[1])
                for powers in symbol:
                    entries.update((kernel_name(e), e) for e in powers[dimensions:])
    return entries


def structure_leaves(space, entries):
    """Wavenumbers, kernels and the mask of the modes, as arrays.

    Parameters
    ----------
    space : Space
    entries : dict
        As returned by `kernel_entries`.
    """
    kernels = {}
    for name, entry in entries.items():
        values = np.asarray(space.factor(entry))
        if np.iscomplexobj(values) and not values.imag.any():
            values = values.real
        kernels[name] = values
    return {
        "wavenumbers": [k for k in space.wavenumbers if k is not None],
        "even wavenumbers": [k for k in space.even_wavenumbers if k is not None],
        "kernels": kernels,
        "mask": space.mask,
    }


def table_leaves(lowering):
    """[times, values] of each table of the time among the constants."""
    return [
        [constant.times, constant.values]
        for constant in lowering.constants
        if isinstance(constant, TimeTable)
    ]


def profile_rows(lowering):
    """First row of each profile field among all profiles."""
    return offsets(lowering.profiles)


def constant_rows(lowering):
    """First place of each constant field among all constants."""
    return offsets(lowering.constants)
