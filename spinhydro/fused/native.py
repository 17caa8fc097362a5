"""A program and a Runge-Kutta step around it as compiled loops that stay in the cache.

Between two pointwise kernels a spectrum goes through memory twice, not once for every transform
and operation:

- *slabs*: the transforms along all axes but the first, the pointwise kernel between them, and what
  the scheme does with values on the grid, for a few planes at a time;
- *columns*: the transforms along the first axis, the operators in k-space between them, and what
  the scheme does with spectra, for a few columns at a time.

One-dimensional problems have a single slab, and columns without a transform. Members do not know of
each other: one goes through a whole step, its projection too, before the next one begins, and all
use the same memory for what lies between the state before and the state after, so that an ensemble
of any size stays in the cache. (Groups of several members are no faster, also where a member has
32 points only.)

All arrays and plans are made once. Shapes are constants of the compiled code, addresses an
argument: a problem of the same shape finds its code on disk (`spinhydro.fused.compiled`). A step is
a table of calls of the compiled passes, which a compiled loop works off.

Where space is split over ranks of one machine, the spectra between slabs and columns lie in memory
that all of them see: every rank does its planes, all wait for each other, and every rank does its
columns. Nothing is sent.
"""

import re

import numpy as np

from spinhydro.fused import fftw
from spinhydro.fused.arithmetic import Writer
from spinhydro.fused.exponential import CompiledExponential
from spinhydro.fused.graph import Node
from spinhydro.fused.kernels import HAS_NUMBA

#: Grid points that are treated together in slabs, and modes of one block of columns.
SLAB_POINTS, BLOCK_MODES = 2048, 1024
#: What a stage does with its rate: the stages of the scheme in turn, or the rate itself.
FIRST, SECOND, THIRD, LAST, RATE = range(5)
#: Stages of a step, and its projection: a row of the constants, which may depend on time, for each.
STAGES, PROJECTION = 4, 4


def is_possible(space):
    """Whether problems on this domain can be compiled into one."""
    return HAS_NUMBA and fftw.AVAILABLE and (not space.slabs or space.slabs.share_memory)


class NativeStep:
    """Rates and Runge-Kutta steps of one right-hand side, and the projections after them.

    Parameters
    ----------
    right_side : RightSide
    exponential : Exponential, optional
        Of the linear terms, for the integrating-factor scheme.
    has_stages : bool
        Whether steps are asked for, not rates only.

    Attributes
    ----------
    state : array
        The state that a step starts from and ends with.
    rate : array
        Where `evaluate` puts the right-hand side.
    """

    def __init__(self, right_side, exponential=None, has_stages=True):
        from spinhydro.fused.compiled import work_off

        self.right_side, self.space = right_side, right_side.space
        right_side.refresh()
        self.members = self.space.shape[0] if self.space.axes[0] > 0 else 1
        constants = fftw.zeros((STAGES + 1, right_side.constants(0.0).size), self.space.dtype)
        self.constants = constants
        self.rates = Passes(right_side, right_side.program, constants, exponential, has_stages)
        state = self.rates.arrays["state"]
        self.projection = None
        if right_side.projection:
            self.projection = Passes(right_side, right_side.projection, constants, ends=state)
        self.exponential = self.rates.exponential
        shape = right_side.state_shape
        self.state, self.rate = state.reshape(shape), self.rates.arrays["total"].reshape(shape)
        self._timestep = None
        self._work_off = work_off()
        self._evaluation = _table(self.rates.calls(0, RATE))
        if self.projection:
            self._projection = _table(self.projection.calls(PROJECTION, RATE))

    def release(self):
        """Give shared memory back; all ranks together, and nothing is to be called after it."""
        for passes in filter(None, (self.rates, self.projection)):
            passes.release()

    def is_current(self):
        """Whether the profiles that were taken for real are so still."""
        return all(passes.is_current() for passes in (self.rates, self.projection) if passes)

    def evaluate(self, time):
        """rate = f(state, time)."""
        self._set_constants([time])
        self._do(*self._evaluation)

    def project(self, time):
        """Make the assignments after a step."""
        self.constants[PROJECTION] = self.right_side.constants(time)
        self._do(*self._projection)

    def step(self, time, timestep):
        """Advance the state by one step of the classical scheme, with its integrating factor.

        The projections follow.
        """
        if timestep != self._timestep:
            self._prepare(timestep)
        half = timestep / 2
        end = time + timestep
        self._set_constants([time, time + half, time + half, end, end])
        self._do(*self._step)

    def _prepare(self, timestep):
        """The calls that make a step of this length."""
        if self.exponential:
            self.exponential.set(timestep)
        half = timestep / 2
        calls = [
            *self.rates.calls(0, FIRST, half, timestep / 6),
            *self.rates.calls(1, SECOND, half, timestep / 3),
            *self.rates.calls(2, THIRD, timestep, timestep / 3),
            *self.rates.calls(3, LAST, 0.0, timestep / 6),
        ]
        if self.projection:
            calls += self.projection.calls(PROJECTION, RATE)
        self._step, self._timestep = _table(calls), timestep

    def _set_constants(self, times):
        for stage, time in enumerate(times):
            self.constants[stage] = self.right_side.constants(time)

    def _do(self, calls, numbers):
        if not self.space.slabs:
            self._work_off(calls, numbers, self.members)
            return
        for i in range(len(calls)):
            self._work_off(calls[i : i + 1], numbers[i : i + 1], 1)
            # Wait until all ranks have done their part of the spectra.
            self.space.slabs.meet()


def _table(calls):
    """Calls as arrays: (function, places, stage, kind), and (ahead, weight)."""
    return np.array([c[:4] for c in calls], np.int64), np.array([c[4:] for c in calls], float)


class Passes:
    """The compiled passes that make values from a state.

    Parameters
    ----------
    right_side : RightSide
    program : Program
        What is computed: rates, or the state after its projection.
    constants : array
        A row for each stage.
    exponential : Exponential, optional
    has_stages : bool
        Whether it is to do the stages of a step, not only to compute values.
    ends : array, optional
        The state that the values are put into, which is also what they are computed from.
    """

    def __init__(self, right_side, program, constants, exponential=None, has_stages=False,
                 ends=None):  # fmt: skip
        self.right_side, self.program = right_side, program
        self.space, self.on_grid = right_side.space, right_side.on_grid
        self.has_stages, self.exponential = has_stages, exponential
        self.is_complex = not self.space.is_real
        self.components = right_side.lowering.components
        self._real_at_start = self._real_profiles() if self.is_complex else set()
        self._measure()
        self._allocate(constants, ends)
        self._compile()

    # Sizes and arrays

    def _measure(self):
        space = self.space
        flat = len(space.shape) == 1
        self.has_members = space.axes[0] > 0
        # Planes on the grid, and modes of a whole plane; rows and modes of the columns.
        self.planes, self.rows = (1, 1) if flat else (space.shape[0], space.spectral_shape[0])
        # The same for arrays that hold all members.
        self.all_planes, self.all_rows = self.planes, self.rows
        if self.has_members:
            self.planes = self.rows = 1
        first = 0 if flat else 1
        self.inner, self.inner_spectral = space.shape[first:], space.slab_spectral_shape[first:]
        self.points, self.plane_modes, self.modes = (
            int(np.prod(s)) for s in (self.inner, self.inner_spectral, space.spectral_shape[first:])
        )
        largest = max(1, SLAB_POINTS // self.points)
        self.group = max(g for g in range(1, largest + 1) if self.planes % g == 0)
        self.slab = self.group * self.points
        # Rows of real numbers begin on aligned addresses.
        self.padded = -(-self.slab // 8) * 8
        self.width = min(self.modes, max(8, BLOCK_MODES // self.rows))
        self.held_row, self.held_mode = np.ones(self.all_rows), np.ones(self.modes)
        if space.mask is not None:
            mask = space.mask.reshape(self.all_rows, self.modes)
            self.held_row, self.held_mode = mask.max(axis=1), mask.max(axis=0)
        self.held_last = self.inner_spectral[-1]
        if space.is_real and not (space.slabs and len(self.inner) == 1):
            last = self.held_mode.reshape(-1, self.held_last).max(axis=0)
            held = np.flatnonzero(last)
            self.held_last = space.largest(int(held[-1]) + 1 if held.size else 0)

    def _allocate(self, constants, ends):
        program, number = self.program, self.components
        dtype = self.space.dtype
        levels = program.levels
        spectra = (self.rows, self.plane_modes)
        everywhere = self.planes * self.points
        self.arrays, self.plans = {}, {}
        self.shared, self._windows = set(), []
        # Bytes of a member in arrays that hold all members, not those of a group.
        self._member_bytes = {}
        if self.on_grid:
            shape, whole = (number, everywhere), (number, self.all_planes * self.points)
            kind, size = dtype, self.points
        else:
            shape, whole = (number, self.rows, self.modes), (number, self.all_rows, self.modes)
            kind, size = complex, self.modes
        for name in ("state", "total"):
            if ends is None:
                self._array(name, whole, kind)
            else:
                self.arrays[name] = ends
            self._holds_all(name, size)
        # Where the values of a stage are needed after its first transforms.
        self.keeps_stage = self.on_grid or self._state_needed_from(1)
        if self.keeps_stage:
            self._array("stage", shape, kind)
        if self.on_grid and self._state_needed_from(0):
            self._spectra("z", (number, *spectra))
            self.shared.add("z")
        last = len(levels) - 1
        for i, level in enumerate(levels):
            inverse, ahead = len(level.inverse_spectra), len(level.ahead_nodes)
            # Transforms of a level are done with before those that follow from it are stored.
            work = self._spectra(f"w{i}", (max(inverse, ahead, 1), *spectra))
            self.arrays[f"i{i}"], self.arrays[f"a{i}"] = work[:inverse], work[:ahead]
            self.shared |= {f"i{i}", f"a{i}"}
            kept = any(i in self._grids_of(later) for later in range(i + 1, last + 1))
            size = everywhere if kept else self.padded
            self._array(f"g{i}", (max(inverse, 1), size), dtype)
            self._array(f"h{i}", (max(ahead, 1), self.padded), dtype)
        self.kept = {i: self.arrays[f"g{i}"].shape[1] == everywhere for i in range(len(levels))}
        if self.on_grid:
            self._array("k", (number, self.padded), dtype)
        block = (self.rows, self.width)
        # Rates, and values of the next stage, of a block of columns.
        self._array("eb", (2, number, *block), complex)
        self.arrays["kb"], self.arrays["sb"] = self.arrays["eb"]
        self._array("tb", block, complex)
        most = max((len(level.inverse_spectra) for level in levels), default=0)
        self._array("ob", (max(1, most), *block), complex)
        self.arrays["profiles"] = self.right_side._profiles
        self._holds_all("profiles", self.points)
        self.arrays["constants"] = constants
        scale = self.held_mode / self.space.points_of_member
        self._table("scale", scale)
        self._table("held", self.held_row)
        blocks = -(-self.modes // self.width)
        some = np.array([self.held_mode[i * self.width : (i + 1) * self.width].any()
                         for i in range(blocks)], float)  # fmt: skip
        self._table("some", some)
        if self.exponential:
            self.exponential = CompiledExponential(self.exponential, self.all_rows, self.modes)
            for name, table in self.exponential.tables.items():
                self.arrays[name] = table
                if self.exponential.has_rows(name):
                    self._holds_all(name, table[0].size)

    def _holds_all(self, name, size):
        """An array has a plane or row of `size` numbers for every member of the rank."""
        if self.has_members:
            self._member_bytes[name] = size * self.arrays[name].itemsize

    def _array(self, name, shape, dtype):
        self.arrays[name] = fftw.zeros(shape, dtype)
        return self.arrays[name]

    def _spectra(self, name, shape):
        """An array for spectra on their way between slabs and columns: one for all ranks."""
        slabs = self.space.slabs
        if not slabs:
            return self._array(name, shape, complex)
        self.arrays[name], window = slabs.shared(shape, complex)
        self._windows.append(window)
        return self.arrays[name]

    def release(self):
        """Give shared memory back; all ranks together, and nothing is to be called after it."""
        for window in self._windows:
            window.Free()
        self._windows = []

    def _table(self, name, values):
        table = self._array(name, values.shape, values.dtype)
        table[...] = values
        return name

    def _spectra_of(self, level):
        """Combinations formed before a level; after the last level: the outputs."""
        levels = self.program.levels
        if level < len(levels):
            return levels[level].inverse_spectra
        return [] if self.on_grid else self.program.outputs

    def _sources(self, level):
        """Known spectra that are needed before a level, in order."""
        found = {}
        for spectrum in self._spectra_of(level):
            for base in spectrum.terms:
                if base[0] == "forward":
                    source, row = self.program._rows[base[1]]
                    found["a", source, row] = base
                else:
                    found["state", -1, base[1]] = base
        return sorted(found)

    def _state_needed_from(self, level):
        last = len(self.program.levels)
        return any(
            source[0] == "state"
            for i in range(min(level, last), last + 1)
            for source in self._sources(i)
        )

    def _grids_of(self, level):
        """Levels whose grid values the kernels of a level read."""
        nodes = list(self.program.levels[level].ahead_nodes)
        if self.on_grid and level == len(self.program.levels) - 1:
            nodes += [value for value in self.program.outputs if isinstance(value, Node)]
        return {
            place[1] - 2
            for leaf in self.program._inverse_leaves(nodes)
            if (place := self.program.location(leaf))[1] >= 2
        }

    # Plans

    def _plan(self, name, *arguments, **options):
        if name not in self.plans:
            self.plans[name] = fftw.Plan(*arguments, **options)
        return self.plans[name].address

    def _slab_plans(self, backward):
        """(kind, plan, whether in place) of the transforms of a slab, in order."""
        space, inner, spectral = self.space, self.inner, self.inner_spectral
        mode = fftw.zeros(self.group * self.plane_modes, complex)
        grid = fftw.zeros(self.padded, space.dtype)
        sign = "back" if backward else "ahead"
        size, held = spectral[-1], inner[-1]
        lines = self.slab // held
        if space.is_real:
            kind = "dft_c2r" if backward else "dft_r2c"
            # Slabs of an odd number of points follow each other.
            options = {"aligned": self.slab % 2 == 0}
        else:
            kind, options = "dft", {"backward": backward}
        if backward:
            ends = (mode, grid)
            repeat = [(lines, size, held)]
        else:
            ends = (grid, mode)
            repeat = [(lines, held, size)]
        plans = [(kind, self._plan(f"last {sign}", kind, (held, 1, 1), repeat, *ends, **options))]
        for axis in range(len(inner) - 1):
            step = int(np.prod(spectral[axis + 1 :]))
            outer = self.group * int(np.prod(spectral[:axis], dtype=int))
            between = [(n, int(np.prod(spectral[j + 1 :])), int(np.prod(spectral[j + 1 :])))
                       for j, n in enumerate(spectral) if axis < j < len(inner) - 1]  # fmt: skip
            repeats = [(outer, step * inner[axis], step * inner[axis]), *between,
                       (self.held_last, 1, 1)]  # fmt: skip
            plan = self._plan(f"{axis} {sign}", "dft", (inner[axis], step, step), repeats,
                              mode, mode, backward=backward)  # fmt: skip
            plans.append(("in place", plan))
        return plans[::-1] if backward else plans

    def _column_plan(self, backward):
        one, two = (fftw.zeros((self.rows, self.width), complex) for _ in range(2))
        name = "columns back" if backward else "columns ahead"
        return self._plan(name, "dft", (self.rows, self.width, self.width),
                          [(self.width, 1, 1)], one, two, backward=backward)  # fmt: skip

    # Source

    def _compile(self):
        levels = self.program.levels
        self._addresses, self._symbols = {}, {}
        self._finished = set()
        self._begin = [self._make("begin", self._beginning())]
        self._sequence = []
        for i, level in enumerate(levels):
            between = level.inverse_spectra and (i > 0 or self.on_grid)
            if between:
                self._sequence.append(self._make(f"columns{i}", self._columns(i, "stage")))
            self._sequence.append(self._make(f"slabs{i}", self._slabs(i)))
        if self.on_grid and not levels:
            self._sequence.append(self._make("slabs", self._slabs(None)))
        if not self.on_grid:
            self._sequence.append(self._make("update", self._final_columns()))
        self._places = np.array(list(self._addresses), np.int64)

    def calls(self, stage, kind, ahead=0.0, weight=0.0):
        """Calls that compute values of a stage: (function, places, stage, kind, ahead, weight)."""
        functions = (self._begin if kind in (FIRST, RATE) else []) + self._sequence
        rest = (self._places.ctypes.data, stage, kind, ahead, weight)
        return [(function.address, *rest) for function in functions]

    def _make(self, name, lines):
        """Compile a pass from the lines of its body."""
        from spinhydro.fused.compiled import compile_pass

        body = "\n".join(f"    {line}" for line in lines or ["pass"])
        declared = []
        for array in sorted(self.arrays):
            if f"{array}_[" in body:
                values = self.arrays[array]
                kind = "np.complex128" if values.dtype == complex else "np.float64"
                # Only columns are looked at by name: those of this rank come first.
                mine = self._first_mode() * 16 if array in self.shared else 0
                at = self._at(values.ctypes.data + mine)
                if array in self._member_bytes:
                    at += f" + member * {self._member_bytes[array]}"
                declared.append(f"    {array}_ = carray(pointer({at}), {values.shape}, {kind})")
        used = sorted({int(i) for i in re.findall(r"\bq(\d+)_\b", "\n".join([*declared, body]))})
        places = [f"    q{i}_ = places[{i}]" for i in used]
        return compile_pass(name, "\n".join([*places, *declared, body, ""]))

    def _at(self, address):
        """The name of an address in compiled functions, which are the same in every process."""
        return f"q{self._addresses.setdefault(address, len(self._addresses))}_"

    def _call(self, kind, plan, *ends):
        """Line that executes a plan."""
        function = self._at(fftw.address(kind))
        return f"execute({function}, {self._at(plan)}, {', '.join(ends)})"

    def _first_mode(self):
        """The first of the columns of this rank."""
        slabs = self.space.slabs
        if not slabs:
            return 0
        return slabs.span(self.inner_spectral[0]).start * int(np.prod(self.inner_spectral[1:]))

    def _first_plane(self):
        slabs = self.space.slabs
        return slabs.span(self.space.whole[0]).start if slabs else 0

    def _address(self, name):
        return self._at(self.arrays[name].ctypes.data)

    def _transform_slabs(self, number, grid, spectra, backward):
        """Lines that transform `number` scalars of the slab that begins at plane `a`."""
        size = 8 if self.space.is_real else 16
        place = f"{self._address(grid)} + r * {self.arrays[grid].strides[0]}"
        if grid == "stage" or (grid[0] == "g" and self.kept[int(grid[1:])]):
            place += f" + a * {self.points * size}"
        modes = self.arrays[spectra]
        plane = self.plane_modes * 16
        start = self._at(modes.ctypes.data + self._first_plane() * plane)
        lines = [f"at = {start} + r * {modes.strides[0]} + a * {plane}"]
        for kind, plan in self._slab_plans(backward):
            if kind == "in place":
                lines.append(self._call("dft", plan, "at", "at"))
            else:
                ends = ("at", place) if backward else (place, "at")
                lines.append(self._call(kind, plan, *ends))
        return [f"for r in range({number}):", *indent(lines)]

    def _beginning(self):
        """Lines that make the state that of the first stage, and take it through its first pass."""
        if self.on_grid:
            lines = [f"for i in range({self.components}):",
                     f"    for p in range(o, o + {self.slab}):",
                     "        stage_[i, p] = state_[i, p]"]  # fmt: skip
            if "z" in self.arrays:
                lines += self._transform_slabs(self.components, "stage", "z", False)
            return self._over_slabs(lines)
        levels = self.program.levels
        lines = []
        if self.keeps_stage:
            lines += self._over_blocks(
                [f"for i in range({self.components}):",
                 *indent(self._over_modes(["stage_[i, x, c0 + j] = state_[i, x, c0 + j]"]))]
            )  # fmt: skip
        if levels and levels[0].inverse_spectra:
            lines += self._columns(0, "state")
        return lines

    def _over_slabs(self, inner):
        """Loop over slabs, which begin at plane a and point o."""
        return [f"for a in range(0, {self.planes}, {self.group}):",
                f"    o = a * {self.points}", *indent(inner)]  # fmt: skip

    def _slabs(self, number):
        """Inverse transforms, kernels, forward transforms; and the update of a state on grids."""
        level = None if number is None else self.program.levels[number]
        inner = []
        if level:
            inverse, ahead = len(level.inverse_spectra), len(level.ahead_nodes)
            if inverse:
                inner += self._transform_slabs(inverse, f"g{number}", f"i{number}", True)
            if ahead:
                inner += self._kernel(level.ahead_nodes, f"h{number}")
                inner += self._transform_slabs(ahead, f"h{number}", f"a{number}", False)
        if self.on_grid and number in (None, len(self.program.levels) - 1):
            inner += self._kernel(self.program.outputs, "k")
            inner += self._update_on_grid()
            if self.has_stages and "z" in self.arrays:
                inner.append(f"if kind < {LAST}:")
                inner += indent(self._transform_slabs(self.components, "stage", "z", False))
        return self._over_slabs(inner)

    def _kernel(self, outputs, target):
        """Loop over the points of a slab that fills the rows of `target`."""
        before = []

        def leaf(node):
            place = self.program.location(node)
            if place[0] == "number":
                value = complex(place[1])
                return (repr(value.real), repr(value.imag) if value.imag else None)
            if place[0] == "constant":
                name = f"c{place[1]}"
                before.append(f"{name} = constants_[stage, {place[1]}]")
                return (f"{name}.real", f"{name}.imag") if self.is_complex else (name, None)
            if place[1] == 0:
                return self._load(writer, f"profiles_[{place[2]}, o + p]",
                                  real=place[2] in self._real_at_start)  # fmt: skip
            if place[1] == 1:
                return self._load(writer, f"stage_[{place[2]}, o + p]")
            i = place[1] - 2
            at = "o + p" if self.kept[i] else "p"
            return self._load(writer, f"g{i}_[{place[2]}, {at}]")

        writer = Writer(leaf)
        values = [writer.value(output) for output in outputs]
        for row, value in enumerate(values):
            writer.store(f"{target}_[{row}, p]", value, self.is_complex)
        return [*dict.fromkeys(before), f"for p in range({self.slab}):", *indent(writer.lines)]

    def _load(self, writer, expression, real=False):
        if not self.is_complex:
            return writer.pair(expression)
        value = writer.name(expression)
        return writer.pair(f"{value}.real", None if real else f"{value}.imag")

    def _real_profiles(self):
        """Rows of the profiles that have no imaginary part."""
        profiles = self.right_side._profiles
        return {i for i, row in enumerate(profiles) if not np.any(row.imag)}

    def is_current(self):
        """Whether the profiles that were taken for real are so still."""
        changed = self.is_complex and not self._real_at_start <= self._real_profiles()
        return not self.space.anywhere(changed)

    def _update_on_grid(self):
        def loop(*lines):
            return [f"for i in range({self.components}):",
                    f"    for p in range({self.slab}):",
                    *(f"        {line}" for line in lines)]  # fmt: skip

        rate = loop("total_[i, o + p] = k_[i, p]")
        if not self.has_stages:
            return rate
        first = loop("total_[i, o + p] = state_[i, o + p] + weight * k_[i, p]",
                     "stage_[i, o + p] = state_[i, o + p] + ahead * k_[i, p]")  # fmt: skip
        middle = loop("total_[i, o + p] += weight * k_[i, p]",
                      "stage_[i, o + p] = state_[i, o + p] + ahead * k_[i, p]")  # fmt: skip
        last = loop("state_[i, o + p] = total_[i, o + p] + weight * k_[i, p]")
        return [
            f"if kind == {FIRST}:", *indent(first),
            f"elif kind == {LAST}:", *indent(last),
            f"elif kind == {RATE}:", *indent(rate),
            "else:", *indent(middle),
        ]  # fmt: skip

    # Columns

    @property
    def _has_columns(self):
        return self.rows > 1 and not self.has_members

    def _over_blocks(self, inner, untouched=()):
        """Loop over blocks of columns; what is not held is zero in `untouched` arrays."""
        lines = [f"for b in range({-(-self.modes // self.width)}):",
                 f"    c0 = b * {self.width}",
                 f"    cw = min({self.width}, {self.modes} - c0)"]  # fmt: skip
        if not np.all(self.held_mode):
            lines.append("    if some_[b] == 0.0:")
            for name, number in untouched:
                zero = self._over_modes([f"{name}_[i, x, c0 + j] = 0.0"])
                lines += [f"        for i in range({number}):", *indent(indent(indent(zero)))]
            lines.append("        continue")
        return lines + indent(inner)

    def _over_modes(self, inner):
        return [f"for x in range({self.rows}):", "    for j in range(cw):",
                *(f"        {line}" for line in inner)]  # fmt: skip

    def _gather(self, level):
        """Lines that bring the sources of a level into k-space, and where each then is."""
        lines, places, fetched = [], {}, {}
        for source in self._sources(level):
            kind, number, row = source
            if kind == "state" and not self.on_grid:
                continue
            name = "z" if kind == "state" else f"a{number}"
            places[source] = f"{name}_[{row}, x, c0 + j]"
            if self._has_columns and source not in self._finished:
                fetched.setdefault((name, self._needed_after(level, source)), []).append(source)
        plan = self._has_columns and self._column_plan(False)
        for (name, needed), sources in fetched.items():
            rows = [row for _, _, row in sources]
            for first, stop in runs(rows):
                buffer = f"f{level}{name}{first}"
                values = self._array(buffer, (stop - first, self.rows, self.width), complex)
                to = f"{self._address(buffer)} + (r - {first}) * {values.strides[0]}"
                inner = self._over_modes([f"tb_[x, j] = {name}_[r, x, c0 + j]"])
                inner.append(self._call("dft", plan, self._address("tb"), to))
                if needed:
                    inner += self._over_modes(
                        [f"{name}_[r, x, c0 + j] = {buffer}_[r - {first}, x, j]"]
                    )
                    self._finished.update(s for s in sources if first <= s[2] < stop)
                lines += [f"for r in range({first}, {stop}):", *indent(inner)]
                for source in sources:
                    if first <= source[2] < stop:
                        places[source] = f"{buffer}_[{source[2] - first}, x, j]"
        return lines, places

    def _needed_after(self, level, source):
        later = range(level + 1, len(self.program.levels) + 1)
        return any(source in self._sources(i) for i in later)

    def _combine(self, spectra, places, state):
        """Writer with the values of linear combinations of known spectra."""
        writer = Writer()
        loaded = {}
        values = []
        for spectrum in spectra:
            total = (None, None)
            for base, symbol in spectrum.terms.items():
                if base not in loaded:
                    if base[0] == "state" and not self.on_grid:
                        source, known = state.format(row=base[1]), True
                    else:
                        key = (
                            ("state", -1, base[1])
                            if base[0] == "state"
                            else ("a", *self.program._rows[base[1]])
                        )
                        source, known = places[key], False
                    value = writer.name(source)
                    pair = writer.pair(f"{value}.real", f"{value}.imag")
                    if not known:
                        pair = writer.multiply(self._scale(writer), pair)
                    loaded[base] = pair
                factor = self._symbol(writer, symbol)
                total = writer.add(total, writer.multiply(factor, loaded[base]))
            values.append(total)
        return writer, values

    def _scale(self, writer):
        """Normalisation of forward transforms, zero for modes that the bases do not hold."""
        if self.space.mask is None:
            return (repr(1 / self.space.points_of_member), None)
        return writer.pair("held_[x] * scale_[c0 + j]")

    def _symbol(self, writer, symbol):
        """The value of a symbol at mode (x, c0 + j)."""
        values = self.space.symbol(symbol)
        if np.ndim(values) == 0:
            value = complex(values)
            return tuple(repr(part) if part else None for part in (value.real, value.imag))
        name = self._symbols.setdefault(id(values), f"y{len(self._symbols)}")
        values = values.reshape(self.all_rows, self.modes)
        of_members = self.has_members and not np.all(values == values[0])
        if self.has_members and not of_members:
            values = values[:1]
        parts = []
        for part, data in (("r", values.real), ("i", values.imag)):
            if not np.any(data):
                parts.append(None)
                continue
            if name + part not in self.arrays:
                self._table(name + part, np.ascontiguousarray(data))
                if of_members:
                    self._holds_all(name + part, self.modes)
            parts.append(writer.name(f"{name}{part}_[x, c0 + j]"))
        return tuple(parts)

    def _into(self, level, state, places):
        """Lines that fill the inverse transforms of a level along the columns."""
        spectra = self._spectra_of(level)
        writer, values = self._combine(spectra, places, state)
        for row, value in enumerate(values):
            target = f"i{level}_[{row}, x, c0 + j]"
            if self._has_columns:
                target = f"ob_[{row}, x, j]"
            writer.store(target, value, True)
        lines = self._over_modes(writer.lines)
        if self._has_columns:
            plan, outward = self._column_plan(True), self.arrays["ob"]
            at = f"{self._address('ob')} + r * {outward.strides[0]}"
            lines += [
                f"for r in range({len(spectra)}):",
                f"    {self._call('dft', plan, at, self._address('tb'))}",
                *indent(self._over_modes([f"i{level}_[r, x, c0 + j] = tb_[x, j]"])),
            ]
        return lines

    def _columns(self, level, state):
        lines, places = self._gather(level)
        lines += self._into(level, f"{state}_[{{row}}, x, c0 + j]", places)
        return self._over_blocks(lines, [(f"i{level}", len(self._spectra_of(level)))])

    def _final_columns(self):
        """Rates, the update of a state of spectra, and the first transforms of the next stage."""
        levels = self.program.levels
        lines, places = self._gather(len(levels))
        state = "stage_[{row}, x, c0 + j]"
        writer, values = self._combine(self.program.outputs, places, state)
        for row, value in enumerate(values):
            writer.store(f"kb_[{row}, x, j]", value, True)
        lines += self._over_modes(writer.lines)
        lines += self._update_of_spectra()
        if not self.has_stages:
            return self._over_blocks(lines)
        following = []
        if self.keeps_stage:
            following += self._over_components(["stage_[i, x, c0 + j] = {s}"])
        untouched = []
        if levels and levels[0].inverse_spectra:
            following += self._into(0, "sb_[{row}, x, j]", {})
            untouched = [("i0", len(levels[0].inverse_spectra))]
        if following:
            lines += [f"if kind < {LAST}:", *indent(following)]
        return self._over_blocks(lines, untouched)

    def _over_components(self, templates):
        """Loops over components and modes; {t}, {u}, {k}, {s}: total, state, rate, next stage."""
        lines = [
            template.format(t="total_[i, x, c0 + j]", u="state_[i, x, c0 + j]",
                            k="kb_[i, x, j]", s="sb_[i, x, j]")
            for template in templates
        ]  # fmt: skip
        return [f"for i in range({self.components}):", *indent(self._over_modes(lines))]

    def _update_of_spectra(self):
        rows = self._over_components
        if not self.has_stages:
            return rows(["{t} = {k}"])
        last = [
            f"elif kind == {LAST}:", *indent(rows(["{u} = {t} + weight * {k}"])),
            f"elif kind == {RATE}:", *indent(rows(["{t} = {k}"])),
        ]  # fmt: skip
        middle = indent(rows(["{t} += weight * {k}", "{s} = {u} + ahead * {k}"]))
        if not self.exponential:
            first = indent(rows(["{t} = {u} + weight * {k}", "{s} = {u} + ahead * {k}"]))
            return [f"if kind == {FIRST}:", *first, *last, "else:", *middle]
        return [
            f"if kind == {FIRST}:",
            *indent(rows(["{s} = {u}"])),
            f"elif kind == {THIRD}:",
            *indent(rows(["{s} = {u} + ahead * {k}", "{k} = {t} + weight * {k}"])),
            f"if kind == {FIRST} or kind == {THIRD}:",
            *indent(self._moved()),
            f"if kind == {FIRST}:",
            *indent(rows(["{u} = {s}", "{t} = {s} + weight * {k}", "{s} = {s} + ahead * {k}"])),
            f"elif kind == {SECOND}:",
            *middle,
            f"elif kind == {THIRD}:",
            *indent(rows(["{t} = {k}"])),
            *last,
        ]

    def _moved(self):
        """Lines that multiply rates and next stages of a block by the exponential."""
        writer = Writer()
        vector = {}
        for i in range(self.components):
            value = writer.name(f"eb_[v, {i}, x, j]")
            vector[i] = writer.pair(f"{value}.real", f"{value}.imag")
        for i, value in enumerate(self.exponential.write(writer, vector)):
            writer.store(f"eb_[v, {i}, x, j]", value, True)
        return ["for v in range(2):", *indent(self._over_modes(writer.lines))]


def runs(numbers):
    """(first, one past the last) of every run of neighbouring numbers."""
    found = []
    for number in sorted(numbers):
        if found and found[-1][1] == number:
            found[-1][1] = number + 1
        else:
            found.append([number, number + 1])
    return found


def indent(lines):
    return [f"    {line}" for line in lines]
