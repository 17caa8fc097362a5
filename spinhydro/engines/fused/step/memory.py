"""The arrays and plans of compiled passes, and the names of their addresses."""

import numpy as np

from spinhydro.dedalus_support.memory import advise_free
from spinhydro.engines.fused.compile import fftw
from spinhydro.engines.fused.program.scalar_writer import NumberTable, names_in


class Memory:
    """Arrays and plans by name; lines of compiled code that find them.

    Addresses are never written into the code, but looked up in a table: the code is the same in
    every process, and is found on disk.

    ======================= =========================================================
    state, total            of all members: the state, and its new value or its rate
    last                    rates of the last stage of a step, for embedded pairs
    stage                   the state of a stage; z its spectra, if it lives on the grid
    i0, a0, i1, …           spectra before the inverse and after the forward transforms
                            of a round, which share memory
    g0, h0, g1, …           the same on the grid, of all slabs or of one
    k                       rates of a slab
    kb, sb, eb, tb, ob      rates, next stage, both; one and several others: of a block
    profiles, constants     fields that are given
    scale, held, some       normalisation, and which modes the bases hold
    ======================= =========================================================

    Parameters
    ----------
    layout : Layout
    dataflow : Dataflow
        Of the program that is compiled.
    right_side : RightSide
    constants : array
        A row for each stage.
    ends : array, optional
        The state that the values are put into, which is also what they are computed from.
    """

    def __init__(self, layout, dataflow, right_side, constants, ends=None):
        self.layout, self.program, self.space = layout, dataflow.program, dataflow.program.space
        self.arrays, self.plans = {"constants": constants}, {}
        # Arrays that all ranks of one space share, and their MPI windows.
        self.shared, self._windows = set(), []
        # Bytes of a member in arrays that hold all of them.
        self.member_bytes = {}
        self._addresses, self._names_of_addresses = {}, {}
        #: Arrays that are needed within a step only.
        self.scratch = set()
        # Then the total is the state itself.
        self._keeps_total = ends is not None
        #: Numbers of the strings.
        self.numbers = NumberTable()
        self.arrays["numbers"] = self.numbers.values
        self._allocate(right_side, dataflow, ends)

    def _allocate(self, right_side, dataflow, ends):
        program, layout, on_grid = self.program, self.layout, self.program.on_grid
        number, dtype = program.lowering.components, self.space.dtype
        rounds = program.rounds
        spectra = (layout.rows, layout.plane_modes)
        everywhere = layout.planes * layout.points
        if on_grid:
            shape, whole = (number, everywhere), (number, layout.all_planes * layout.points)
            kind, size = dtype, layout.points
        else:
            shape = (number, layout.rows, layout.modes)
            whole = (number, layout.all_rows, layout.modes)
            kind, size = complex, layout.modes
        for name in ("state", "total"):
            if ends is None:
                self.array(name, whole, kind)
            else:
                self.arrays[name] = ends
            self.holds_all(name, size)
        self.keeps_stage = on_grid or dataflow.state_needed_from(1)
        if self.keeps_stage:
            self.array("stage", shape, kind, scratch=True)
        if on_grid and dataflow.state_needed_from(0):
            self._spectra("z", (number, *spectra))
            self.shared.add("z")
        last = len(rounds) - 1
        for i, round_ in enumerate(rounds):
            inverse, ahead = len(round_.inverse_spectra), len(round_.ahead_nodes)
            # The inverse transforms of a round are read before its forward transforms are stored.
            work = self._spectra(f"w{i}", (max(inverse, ahead, 1), *spectra))
            self.arrays[f"i{i}"], self.arrays[f"a{i}"] = work[:inverse], work[:ahead]
            self.shared |= {f"i{i}", f"a{i}"}
            kept = any(i in dataflow.grids_of(later) for later in range(i + 1, last + 1))
            size = everywhere if kept else layout.padded
            self.array(f"g{i}", (max(inverse, 1), size), dtype, scratch=True)
            self.array(f"h{i}", (max(ahead, 1), layout.padded), dtype, scratch=True)
        self.kept = {i: self.arrays[f"g{i}"].shape[1] == everywhere for i in range(len(rounds))}
        if on_grid:
            self.array("k", (number, layout.padded), dtype, scratch=True)
        block = (layout.rows, layout.width)
        # Rates, and values of the next stage, of a block of columns.
        self.array("eb", (2, number, *block), complex)
        self.arrays["kb"], self.arrays["sb"] = self.arrays["eb"]
        self.array("tb", block, complex)
        most = max((len(round_.inverse_spectra) for round_ in rounds), default=0)
        self.array("ob", (max(1, most), *block), complex)
        self.arrays["profiles"] = right_side.profile_values
        self.holds_all("profiles", layout.points)
        self.table("scale", layout.held_mode / self.space.points_of_member)
        self.table("held", layout.held_row)
        blocks = -(-layout.modes // layout.width)
        some = np.array([layout.held_mode[i * layout.width : (i + 1) * layout.width].any()
                         for i in range(blocks)], float)  # fmt: skip
        self.table("some", some)

    def holds_all(self, name, size):
        """Note that an array has `size` numbers for every member of the rank."""
        if self.layout.has_members:
            self.member_bytes[name] = size * self.arrays[name].itemsize

    def array(self, name, shape, dtype, scratch=False):
        """A new array of zeros; a scratch array is needed within a step only."""
        self.arrays[name] = fftw.zeros(shape, dtype)
        if scratch:
            self.scratch.add(name)
        return self.arrays[name]

    def share(self, name, other):
        """Replace the array of a name, if there is one, by another."""
        if name in self.arrays:
            self.arrays[name] = self.arrays[other]
            self.scratch.discard(name)

    def _spectra(self, name, shape):
        """An array for spectra on their way between slabs and columns: one for all ranks."""
        slabs = self.space.slabs
        if not slabs:
            return self.array(name, shape, complex, scratch=True)
        self.arrays[name], window = slabs.shared(shape, complex)
        self._windows.append(window)
        return self.arrays[name]

    def release(self):
        """Release shared memory: a collective call, after which nothing else may be called."""
        for window in self._windows:
            window.Free()
        self._windows = []

    def free_scratch(self, keep_rate=False):
        """Free the scratch arrays until the next step."""
        names = set(self.scratch)
        if not (keep_rate or self._keeps_total):
            names.add("total")
        advise_free(*(self.arrays[name] for name in names))

    def table(self, name, values):
        """A new array with these values."""
        self.array(name, values.shape, values.dtype)[...] = values

    def plan(self, name, *arguments, **options):
        """Address of a plan, made at its first use."""
        if name not in self.plans:
            self.plans[name] = fftw.Plan(*arguments, **options)
        return self.plans[name].address

    def at(self, address):
        """The name of an address in compiled functions, which are the same in every process."""
        index = self._addresses.setdefault(address, len(self._addresses))
        self._names_of_addresses[f"q{index}_"] = index
        return f"q{index}_"

    def call(self, kind, plan, *ends):
        """Line that executes a plan."""
        function = self.at(fftw.address(kind))
        return f"execute({function}, {self.at(plan)}, {', '.join(ends)})"

    def address(self, name):
        """The name of the address of an array."""
        return self.at(self.arrays[name].ctypes.data)

    def declarations(self, body):
        """Lines that declare the arrays, addresses and numbers that lines of a body use."""
        used, declared = names_in(body), []
        numbers = self.numbers.declarations(used, "numbers_[{}]".format)
        used |= names_in(numbers)
        regions = self._regions()
        for name in sorted(self.arrays):
            if f"{name}_" in used:
                values = self.arrays[name]
                kind = "np.complex128" if values.dtype == complex else "np.float64"
                # Only columns are addressed by name: those of this rank come first.
                mine = self.layout.first_mode() * 16 if name in self.shared else 0
                at = self.at(values.ctypes.data + mine)
                if name in self.member_bytes:
                    at += f" + member * {self.member_bytes[name]}"
                declared.append(f"{name}_ = carray(pointer({at}), {values.shape}, {kind}, "
                                f"{regions[name]})")  # fmt: skip
        used |= names_in(declared)
        addresses = [
            f"{name} = addresses[{i}]"
            for name, i in self._names_of_addresses.items()
            if name in used
        ]
        return [*addresses, *declared, *numbers]

    def _regions(self):
        """Return ``{name of an array: number of the region of memory that holds it}``."""
        end, number, found = 0, -1, {}
        for name, values in sorted(self.arrays.items(), key=lambda item: item[1].ctypes.data):
            if values.ctypes.data >= end:
                number += 1
            found[name] = number
            end = max(end, values.ctypes.data + values.nbytes)
        # Numbered in the order of names: addresses differ from process to process.
        order = list(dict.fromkeys(found[name] for name in sorted(found)))
        return {name: order.index(region) for name, region in found.items()}

    def addresses(self):
        """Table of all addresses that have a name."""
        return np.array(list(self._addresses), np.int64)
