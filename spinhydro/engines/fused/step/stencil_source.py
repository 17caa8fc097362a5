"""Source of the compiled steps of a right-hand side on the grid: one pass through the state.

Planes of the first axis of space are read in turn; when a plane and its neighbours are there, the
first stage is taken on it, and when those of a stage are there, the next one, some planes behind:

    read  ->  stage 1  ->  stage 2  ->  stage 3  ->  stage 4, the projection, and written

so that only a few planes of every stage are alive, in rings that stay in the cache. Planes
next to the edges of the box (or to those of other ranks) are computed twice, from planes that are
copied (or sent) before the step: ranks communicate once a step. Rows, along the last axis, have the
neighbours across the box at both ends.

One-dimensional problems are a single plane of one row; members are advanced one after another.
"""

import numpy as np

from spinhydro.engines.fused.compile import fftw
from spinhydro.engines.fused.program.scalar_writer import (
    NumberTable,
    ScalarWriter,
    indent,
    names_in,
)
from spinhydro.engines.fused.read.graph import Node, order
from spinhydro.engines.fused.step.halo import PlaneExchange

#: Doubles before a row: rows begin on aligned addresses.
ALIGNED = 8


def projected_values(right_side):
    """The projected state as values on the grid; empty without projections."""
    return right_side.projection.outputs if right_side.projection else []


class StencilSource:
    """Lines of the steps of one right-hand side, and the arrays that they read and write.

    Parameters
    ----------
    right_side : RightSide
        One that stays on the grid.
    state : array
    sums : sequence of (dict, array)
        Weights of the rates in sums that a step stores, ``{stage: weight}``, and where.
    constants : array, a row for every stage and one for the projections
    """

    def __init__(self, right_side, state, sums, constants):
        self.right_side, self.program = right_side, right_side.program
        self.state, self._sums, self._constants = state, sums, constants
        self.space = right_side.space
        self.is_complex = not self.space.is_real
        self.parts = 2 if self.is_complex else 1
        self.components = right_side.lowering.components
        self._functions, self._numbers = {}, NumberTable()
        self._measure()

    # Sizes

    def _measure(self):
        space = self.space
        first = space.axes[0]
        self.members = int(np.prod(space.shape[:first]))
        *outer, self.length = space.shape[first:]
        self.planes = outer[0] if outer else 1
        self.rows = outer[1] if len(outer) > 1 else 1
        self.dimensions = len(outer) + 1
        self.member_shape = (self.planes, self.rows, self.length)
        nodes = [value for value in self.program.outputs if isinstance(value, Node)]
        self._leaves = order(nodes)[1]
        offsets = [leaf.arguments[1][first:] for leaf in self._leaves if leaf.kind == "shifted"]
        reach = np.abs(np.reshape(offsets, (-1, self.dimensions))).max(axis=0, initial=0)
        #: Reach along the first and the last axis.
        self.far = int(reach[0]) if self.dimensions > 1 else 0
        self.ends = int(reach[-1])
        self.before = -(-self.ends // ALIGNED) * ALIGNED
        self.width = -(-(self.before + self.length + self.ends) // ALIGNED) * ALIGNED

    def _ring(self, scheme, stage):
        """Number of live planes of a stage; stage 0 is the state."""
        used = [2 if stage + 1 <= len(scheme) else 0]
        used += [
            later - stage
            for later, (weights, *_) in enumerate(scheme, 1)
            if later > stage and weights[stage]
        ]
        return max(used) * self.far + 1

    def _rings(self, scheme):
        """Return ``{name: number of live planes}`` of the states and rates of the stages."""
        rings = {f"y{stage}": self._ring(scheme, stage) for stage in range(len(scheme))}
        last = len(scheme) - 1
        read = [
            (later, stage)
            for later, (_, _, _, *earlier) in enumerate(scheme)
            for stage in (earlier[0] if earlier else ())
        ]
        read += [(last, stage) for weights, _ in self._sums for stage in weights if stage < last]
        for later, stage in read:
            # At the same points, some planes behind.
            rings[f"k{stage}"] = max(rings.get(f"k{stage}", 1), (later - stage) * self.far + 1)
        return rings

    # Source

    def steps(self, name, scheme, target, projects):
        """Return a compiled function of steps of a scheme into `target`, and its addresses."""
        return self._function(
            name, lambda addresses: self._body(scheme, target, projects, addresses)
        )

    def projection(self):
        """Return a compiled function of the projections alone, on the state, and its addresses."""
        return self._function("project", self._projection)

    def _function(self, name, make):
        """Compile a function; return it and its addresses, which `make` fills."""
        if name not in self._functions:
            from spinhydro.engines.fused.compile.cache import compile_steps

            addresses = Addresses()
            lines = make(addresses)
            addresses.add("numbers", self._numbers.values)
            head = [f"{key} = addresses[{i}]" for i, key in enumerate(addresses.names)]
            head += self._numbers.declarations(names_in(lines), "read(numbers, {})".format)
            self._functions[name] = compile_steps(name, [*head, *lines]), addresses
        return self._functions[name]

    def _body(self, scheme, target, projects, addresses):
        stages = len(scheme)
        margin = stages * self.far
        lines = []
        rings = self._rings(scheme)
        rows = self.components * self.parts
        for name, ring in rings.items():
            addresses.add(name, fftw.zeros(rows * ring * self.rows * self.width, float))
        addresses.add("state", self.state)
        addresses.add("target", target)
        for number, (_, values) in enumerate(self._sums if len(scheme) > 1 else ()):
            addresses.add(f"sum{number}", values)
        addresses.add("profiles", self.right_side.profile_values)
        self._edges(margin, addresses)
        lines += self._constants_of(scheme, projects, addresses)
        for i, (_, c, _, *earlier) in enumerate(scheme, 1):
            lines.append(f"a{i} = {c!r} * timestep")
            lines += [f"a{i}q{j} = {w!r} * timestep" for e in earlier for j, w in e.items()]
        inner = [f"for i in range({-margin}, {self.planes + margin}):"]
        inner += indent(self._load(margin, rings["y0"]))
        for stage in range(1, stages + 1):
            around = (stages - stage) * self.far
            row = self._row(stage, scheme, rings, projects and stage == stages, addresses)
            inner += indent(
                [
                    f"j = i - {stage * self.far}",
                    f"if {-around} <= j < {self.planes + around}:",
                    f"    for q in range({self.rows}):",
                    *indent(indent(row)),
                ]
            )
        member = [f"for m in range({self.members}):", *indent(self._copy_edges(margin)),
                  *indent(inner)]  # fmt: skip
        return [*lines, "for step in range(steps):", *indent(member)]

    def _edges(self, margin, addresses):
        """Planes beyond both edges of the state, and of the profiles that need them."""
        size = self.components * 2 * margin * self.rows * self.length
        edges = fftw.zeros(max(1, size), self.right_side.state_dtype)
        addresses.add("edges", edges)
        self.beyond = self.space.slabs is not None
        rows = self._profile_rows()
        self._profile_place = {row: i for i, row in enumerate(rows)}
        self._wide_margin = margin + self.far
        if self.beyond and margin:
            shape = (self.components, 2 * margin, self.rows, self.length)
            addresses.exchange = PlaneExchange(self.space, margin), edges.reshape(shape)
        if rows:
            shape = (len(rows), self.parts, self.members, self.planes + 2 * self._wide_margin,
                     self.rows, self.width)  # fmt: skip
            wide = fftw.zeros(shape, float)
            addresses.add("wide", wide)
            addresses.wide = (rows, wide, self._wide_margin)

    def _profile_rows(self):
        """Profiles that are read at neighbouring points of this rank's state."""
        found = set()
        for leaf in self._leaves:
            shifted = leaf.kind == "shifted"
            inner = leaf.arguments[0] if shifted else leaf
            if inner.kind == "profile" and (shifted or self.beyond):
                found.add(self.program.location(inner)[2])
        return sorted(found)

    def _copy_edges(self, margin):
        """Lines that copy the planes across the box, before they are overwritten."""
        if not margin or self.beyond:
            return []
        size = self.rows * self.length * self.parts
        points = self.space.points * self.parts
        return [
            f"for c in range({self.components}):",
            f"    for e in range({2 * margin}):",
            f"        s = (e - {margin}) % {self.planes}",
            f"        u = c * {points} + (m * {self.planes} + s) * {size}",
            f"        v = (c * {2 * margin} + e) * {size}",
            f"        for x in range({size}):",
            "            write(edges, v + x, read(state, u + x))",
        ]

    def _load(self, margin, ring):
        """Lines that bring plane i into the ring of the state."""
        plane, parts = self.rows * self.length, self.parts
        stride = ring * self.rows * self.width
        lines = [f"w = (i % {ring}) * {self.rows}"]
        copy = [f"for q in range({self.rows}):", f"    v = (w + q) * {self.width} + {self.before}"]
        for component in range(self.components):
            copy += [
                f"    u = (at + {component} * apart + q * {self.length}) * {parts}",
                f"    for x in range({self.length}):",
            ]
            for part in range(parts):
                to = (component * parts + part) * stride
                source = f"u + x * {parts} + {part}" if parts > 1 else "u + x"
                copy.append(f"        write(y0, {to} + v + x, read(source, {source}))")
        copy += indent(self._wrap("y0", stride, "v"))
        inside = [
            "source = state",
            f"at = (m * {self.planes} + i) * {plane}",
            f"apart = {self.space.points}",
        ]
        if not margin:
            return [*lines, *inside, *copy]
        return [
            *lines,
            f"if 0 <= i < {self.planes}:",
            *indent(inside),
            "else:",
            "    source = edges",
            f"    e = i + {margin} if i < 0 else i - {self.planes} + {margin}",
            f"    at = e * {plane}",
            f"    apart = {2 * margin * plane}",
            *copy,
        ]

    def _wrap(self, ring, stride, at):
        """Lines that copy the ends of a row to the halo at its other ends; `at` is its start."""
        if not self.ends:
            return []
        return [
            f"for c in range({self.components * self.parts}):",
            f"    for x in range({self.ends}):",
            f"        o = c * {stride} + {at}",
            f"        write({ring}, o - {self.ends} + x, "
            f"read({ring}, o + {self.length - self.ends} + x))",
            f"        write({ring}, o + {self.length} + x, read({ring}, o + x))",
        ]

    def _row(self, stage, scheme, rings, projects, addresses):
        """Lines that take a stage on row q of plane j."""
        weights, _, _, *earlier = scheme[stage - 1]
        last = stage == len(scheme)
        before = {}

        def place(ring, plane, row):
            """Name of the start of a row of a ring."""
            key = (ring, plane, row)
            if key not in before:
                name = f"b{len(before)}"
                slot = f"(j + {plane}) % {rings[ring]}" if self.far else "0"
                at = f"(q + {row}) % {self.rows}" if row else "q"
                before[key] = (
                    name,
                    f"{name} = (({slot}) * {self.rows} + {at}) * {self.width} + {self.before}",
                )
            return before[key][0]

        def state(component, ring, offset=(0, 0, 0)):
            plane, row, point = offset
            stride = rings[ring] * self.rows * self.width
            base = place(ring, plane, row)
            return writer.pair(
                *(
                    f"read{stage}({ring}, {(component * self.parts + part) * stride + point} "
                    f"+ {base} + x)"
                    for part in range(self.parts)
                )
            )

        def profile(row, offset=(0, 0, 0)):
            if row in self._profile_place:
                plane, up, point = offset
                key = ("wide", plane, up)
                margin = self._wide_margin
                if key not in before:
                    name = f"b{len(before)}"
                    at = f"(q + {up}) % {self.rows}" if up else "q"
                    planes = self.planes + 2 * margin
                    before[key] = (
                        name,
                        f"{name} = ((m * {planes} + j + {plane + margin}) * {self.rows} + {at}) "
                        f"* {self.width} + {self.before}",
                    )
                stride = self.members * (self.planes + 2 * margin) * self.rows * self.width
                first = self._profile_place[row] * self.parts
                return writer.pair(
                    *(
                        f"read{stage}(wide, {(first + part) * stride + point} "
                        f"+ {before[key][0]} + x)"
                        for part in range(self.parts)
                    )
                )
            before["profiles"] = (
                "bp",
                f"bp = ((m * {self.planes} + j % {self.planes}) * {self.rows} + q) * {self.length}",
            )
            at = f"{row * self.space.points} + bp + x"
            if self.parts == 1:
                return writer.pair(f"read{stage}(profiles, {at})")
            return writer.pair(*(f"read{stage}(profiles, 2 * ({at}) + {i})" for i in range(2)))

        def leaf(node):
            offset = (0, 0, 0)
            if node.kind == "shifted":
                node, offset = node.arguments
                offset = self._offset(offset)
            kind, *where = self.program.location(node)
            if kind == "number":
                return writer.number(where[0])
            if kind == "constant":
                return self._constant(stage - 1, where[0])
            if where[0] == 0:
                return profile(where[1], offset)
            return state(where[1], f"y{stage - 1}", offset)

        writer = ScalarWriter(leaf, self.is_complex, self._numbers)
        rates = [writer.value(output) for output in self.program.outputs]
        new = []
        for component, rate in enumerate(rates):
            total = writer.multiply((f"a{stage}", None), rate)
            for ring, weight in enumerate(weights):
                if weight:
                    value = state(component, f"y{ring}")
                    total = writer.add(writer.multiply((repr(weight), None), value), total)
            for number in earlier[0] if earlier else ():
                value = state(component, f"k{number}")
                total = writer.add(writer.multiply((f"a{stage}q{number}", None), value), total)
            new.append(total)
        sums = []
        for weighted, _ in self._sums if last and len(scheme) > 1 else ():
            sums.append([])
            for component, rate in enumerate(rates):
                total = (None, None)
                for number, weight in sorted(weighted.items()):
                    value = rate if number == stage - 1 else state(component, f"k{number}")
                    if weight != 1:
                        value = writer.multiply((repr(weight), None), value)
                    total = writer.add(total, value)
                sums[-1].append(total)
        if projects:
            new = self._projected(writer, new, profile, len(scheme))
        lines = []
        stride = 0 if last else rings[f"y{stage}"] * self.rows * self.width
        to = "bt" if last else place(f"y{stage}", 0, 0)
        kept = f"k{stage - 1}"
        for component, value in enumerate(new):
            for part in range(self.parts):
                text = value[part] or "0.0"
                if last:
                    at = f"{component * self.space.points} + bt + x"
                    at = f"2 * ({at}) + {part}" if self.parts > 1 else at
                    lines.append(f"write{stage}(target, {at}, {text})")
                else:
                    at = f"{(component * self.parts + part) * stride} + {to} + x"
                    lines.append(f"write{stage}(y{stage}, {at}, {text})")
                if kept in rings:
                    at_rate = (component * self.parts + part) * rings[kept] * self.rows * self.width
                    lines.append(
                        f"write{stage}({kept}, {at_rate} + {place(kept, 0, 0)} + x, "
                        f"{rates[component][part] or '0.0'})"
                    )
                for number, values in enumerate(sums):
                    text = values[component][part] or "0.0"
                    lines.append(f"write{stage}(sum{number}, {at}, {text})")
        if last:
            before["target"] = (
                "bt", f"bt = ((m * {self.planes} + j) * {self.rows} + q) * {self.length}"
            )  # fmt: skip
        found = [line for _, line in before.values()]
        found += [f"for x in range({self.length}):", *indent([*writer.lines, *lines])]
        return found if last else found + self._wrap(f"y{stage}", stride, to)

    def _offset(self, offset):
        """(planes, rows, points) of an offset along the axes of space."""
        space = offset[self.space.axes[0] :]
        return {1: (0, 0, space[0]), 2: (space[0], 0, space[-1]), 3: space}[self.dimensions]

    def _projected(self, writer, new, profile, stage):
        """The values after the projections, in the lines of `writer`.

        Of a state `new`, with the constants of a stage.
        """

        def leaf(node):
            kind, *where = self.program.location(node)
            if kind == "number":
                return writer.number(where[0])
            if kind == "constant":
                return self._constant(stage, where[0])
            return profile(where[1]) if where[0] == 0 else new[where[1]]

        after = writer.continued(leaf)
        return [after.value(value) for value in projected_values(self.right_side)]

    def _projection(self, addresses):
        """Make the lines of the projections alone, on the state."""
        addresses.add("state", self.state)
        addresses.add("profiles", self.right_side.profile_values)
        points, parts = self.space.points, self.parts

        def numbers(source, row):
            at = f"{row * points} + p"
            parts_addresses = [f"{parts} * ({at}) + {i}" for i in range(parts)]
            return writer.pair(*(f"read({source}, {place})" for place in parts_addresses))

        writer = ScalarWriter(None, self.is_complex, self._numbers)
        state = [numbers("state", row) for row in range(self.components)]
        new = self._projected(writer, state, lambda row: numbers("profiles", row), 0)
        lines = [
            f"write(state, {parts} * ({row * points} + p) + {part}, {value[part] or '0.0'})"
            for row, value in enumerate(new)
            for part in range(parts)
        ]
        constants = self._constants_of((), True, addresses)
        return [*constants, f"for p in range({points}):", *indent([*writer.lines, *lines])]

    def _constants_of(self, scheme, projects, addresses):
        """Lines that read the constants of every stage, and after them the projections'."""
        addresses.add("constants", self._constants)
        rows = [(stage, self._leaves) for stage in range(len(scheme))]
        if projects:
            rows.append((len(scheme), order(projected_values(self.right_side))[1]))
        found = {
            (stage, self.program.location_of_constant(*leaf.arguments))
            for stage, leaves in rows
            for leaf in leaves
            if leaf.kind == "constant"
        }
        lines = []
        for stage, index in sorted(found):
            for part in range(self.parts):
                at = (stage * self._constants.shape[1] + index) * self.parts + part
                lines.append(f"c{stage}_{index}_{part} = read(constants, {at})")
        return lines

    def _constant(self, stage, index):
        return tuple(f"c{stage}_{index}_{part}" if part < self.parts else None for part in range(2))


class Addresses:
    """The addresses of the arrays of a compiled function, by name."""

    def __init__(self):
        self.arrays = {}
        self.wide = self.seen = self.exchange = None
        self._addresses = None

    def add(self, name, array):
        self.arrays[name] = array

    @property
    def names(self):
        return list(self.arrays)

    @property
    def table(self):
        """Address of the table of addresses."""
        if self._addresses is None:
            self._addresses = np.array([a.ctypes.data for a in self.arrays.values()], np.int64)
        return self._addresses.ctypes.data
