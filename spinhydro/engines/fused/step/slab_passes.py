"""Compiled loops over slabs: a few planes of the grid at a time."""

import numpy as np

from spinhydro.engines.fused.compile import fftw
from spinhydro.engines.fused.program.scalar_writer import ScalarWriter, indent
from spinhydro.engines.fused.step.stages import FIRST, LAST, RATE


class SlabPasses:
    """Writer of loops over grid values of a slab, which stays in the cache.

    In them, a is the first plane of the slab and o its first point, p a point of the slab, i a
    component and r a scalar to be transformed.

    Parameters
    ----------
    program : Program
    layout : Layout
    memory : Memory
    has_stages : bool
        Whether rates are used for the stages of a step.
    real_profiles : set
        Rows of complex profiles that have no imaginary part.
    update : RatesOnly
        How the rates are used, if it has ``lines_on_grid``; otherwise as in the classical scheme.
    """

    def __init__(self, program, layout, memory, has_stages, real_profiles, update):
        self.program, self.space = program, program.space
        self.layout, self.memory = layout, memory
        self.has_stages, self._real_profiles, self._update = has_stages, real_profiles, update
        self.is_complex = not self.space.is_real
        self.components = program.lowering.components

    def start(self):
        """Lines that copy the state on the grid to the first stage."""
        lines = [f"for i in range({self.components}):",
                 f"    for p in range(o, o + {self.layout.slab}):",
                 "        stage_[i, p] = state_[i, p]"]  # fmt: skip
        if "z" in self.memory.arrays:
            lines += self.transform(self.components, "stage", "z", False)
        return self.over(lines)

    def _plans(self, backward):
        """(kind, plan, whether in place) of the transforms of a slab, in order."""
        space, inner, spectral = self.space, self.layout.inner, self.layout.inner_spectral
        mode = fftw.zeros(self.layout.group * self.layout.plane_modes, complex)
        grid = fftw.zeros(self.layout.padded, space.dtype)
        sign = "back" if backward else "ahead"
        size, held = spectral[-1], inner[-1]
        lines = self.layout.slab // held
        if space.is_real:
            kind = "dft_c2r" if backward else "dft_r2c"
            # Slabs of an odd number of points follow each other.
            options = {"aligned": self.layout.slab % 2 == 0}
        else:
            kind, options = "dft", {"backward": backward}
        if backward:
            ends = (mode, grid)
            repeat = [(lines, size, held)]
        else:
            ends = (grid, mode)
            repeat = [(lines, held, size)]
        plans = [
            (kind, self.memory.plan(f"last {sign}", kind, (held, 1, 1), repeat, *ends, **options))
        ]
        for axis in range(len(inner) - 1):
            step = int(np.prod(spectral[axis + 1 :]))
            outer = self.layout.group * int(np.prod(spectral[:axis], dtype=int))
            between = [(n, int(np.prod(spectral[j + 1 :])), int(np.prod(spectral[j + 1 :])))
                       for j, n in enumerate(spectral) if axis < j < len(inner) - 1]  # fmt: skip
            repeats = [(outer, step * inner[axis], step * inner[axis]), *between,
                       (self.layout.held_last, 1, 1)]  # fmt: skip
            plan = self.memory.plan(f"{axis} {sign}", "dft", (inner[axis], step, step), repeats,
                              mode, mode, backward=backward)  # fmt: skip
            plans.append(("in place", plan))
        return plans[::-1] if backward else plans

    def transform(self, number, grid, spectra, backward):
        """Lines that transform `number` scalars of the slab that begins at plane `a`."""
        size = 8 if self.space.is_real else 16
        place = f"{self.memory.address(grid)} + r * {self.memory.arrays[grid].strides[0]}"
        if grid == "stage" or (grid[0] == "g" and self.memory.kept[int(grid[1:])]):
            place += f" + a * {self.layout.points * size}"
        modes = self.memory.arrays[spectra]
        plane = self.layout.plane_modes * 16
        start = self.memory.at(modes.ctypes.data + self.layout.first_plane() * plane)
        lines = [f"at = {start} + r * {modes.strides[0]} + a * {plane}"]
        for kind, plan in self._plans(backward):
            if kind == "in place":
                lines.append(self.memory.call("dft", plan, "at", "at"))
            else:
                ends = ("at", place) if backward else (place, "at")
                lines.append(self.memory.call(kind, plan, *ends))
        return [f"for r in range({number}):", *indent(lines)]

    def over(self, inner):
        """Loop over slabs, which begin at plane a and point o."""
        return [f"for a in range(0, {self.layout.planes}, {self.layout.group}):",
                f"    o = a * {self.layout.points}", *indent(inner)]  # fmt: skip

    def values(self, number):
        """Lines of a round: transforms, pointwise loops, and the update of a state on the grid."""
        round_ = None if number is None else self.program.rounds[number]
        inner = []
        if round_:
            inverse, ahead = len(round_.inverse_spectra), len(round_.ahead_nodes)
            if inverse:
                inner += self.transform(inverse, f"g{number}", f"i{number}", True)
            if ahead:
                inner += self._pointwise(round_.ahead_nodes, f"h{number}")
                inner += self.transform(ahead, f"h{number}", f"a{number}", False)
        if self.program.on_grid and number in (None, len(self.program.rounds) - 1):
            inner += self._pointwise(self.program.outputs, "k")
            inner += self._update_on_grid()
            if self.has_stages and "z" in self.memory.arrays:
                inner.append(f"if kind < {LAST}:")
                inner += indent(self.transform(self.components, "stage", "z", False))
        return self.over(inner)

    def _pointwise(self, outputs, target):
        """Loop over the points of a slab that fills the rows of `target`."""
        before = []

        def leaf(node):
            place = self.program.location(node)
            if place[0] == "number":
                return writer.number(place[1])
            if place[0] == "constant":
                name = f"c{place[1]}"
                before.append(f"{name} = constants_[stage, {place[1]}]")
                return (f"{name}.real", f"{name}.imag") if self.is_complex else (name, None)
            if place[1] == 0:
                expression = f"profiles_[{place[2]}, o + p]"
                if not np.iscomplexobj(self.memory.arrays["profiles"]):
                    return writer.pair(expression)
                return self._load(writer, expression, real=place[2] in self._real_profiles)
            if place[1] == 1:
                return self._load(writer, f"stage_[{place[2]}, o + p]")
            i = place[1] - 2
            at = "o + p" if self.memory.kept[i] else "p"
            return self._load(writer, f"g{i}_[{place[2]}, {at}]")

        writer = ScalarWriter(leaf, self.is_complex, self.memory.numbers)
        values = [writer.value(output) for output in outputs]
        for row, value in enumerate(values):
            writer.store(f"{target}_[{row}, p]", value, self.is_complex)
        return [
            *dict.fromkeys(before),
            f"for p in range({self.layout.slab}):",
            *indent(writer.lines),
        ]

    def _load(self, writer, expression, real=False):
        if not self.is_complex:
            return writer.pair(expression)
        value = writer.name(expression)
        return writer.pair(f"{value}.real", None if real else f"{value}.imag")

    def _update_on_grid(self):
        def loop(*lines):
            return [f"for i in range({self.components}):",
                    f"    for p in range({self.layout.slab}):",
                    *(f"        {line}" for line in lines)]  # fmt: skip

        rate = loop("total_[i, o + p] = k_[i, p]")
        if not self.has_stages:
            return rate
        if hasattr(self._update, "lines_on_grid"):
            return self._update.lines_on_grid(loop)
        first = loop("total_[i, o + p] = state_[i, o + p] + weight * k_[i, p]",
                     "stage_[i, o + p] = state_[i, o + p] + ahead * k_[i, p]")  # fmt: skip
        middle = loop("total_[i, o + p] += weight * k_[i, p]",
                      "stage_[i, o + p] = state_[i, o + p] + ahead * k_[i, p]")  # fmt: skip
        kept = ["last_[i, o + p] = k_[i, p]"] if "last" in self.memory.arrays else []
        last = loop("state_[i, o + p] = total_[i, o + p] + weight * k_[i, p]", *kept)
        return [
            f"if kind == {FIRST}:", *indent(first),
            f"elif kind == {LAST}:", *indent(last),
            f"elif kind == {RATE}:", *indent(rate),
            "else:", *indent(middle),
        ]  # fmt: skip
