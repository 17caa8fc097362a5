"""Update of spectra in a compiled step: the use of the rates of a stage.

An update has ``tables`` for the compiled code, which ``set(timestep)`` fills, names of further
arrays of the shape of the state, ``scratch`` within a step and ``kept`` from step to step, and
writes the ``lines`` of a stage. In these lines u is the state, t the total, k the rates, s the next
stage and l the last rates of a step of a block of modes.
"""

import numpy as np

from spinhydro.engines.fused.program.scalar_writer import ScalarWriter, indent
from spinhydro.engines.fused.step.stages import FIRST, LAST, RATE, SECOND, THIRD

_NAMES = {
    "t": "total_[i, x, c0 + j]", "u": "state_[i, x, c0 + j]",
    "k": "kb_[i, x, j]", "s": "sb_[i, x, j]", "l": "last_[i, x, c0 + j]",
}  # fmt: skip


class RatesOnly:
    """Update without a step: rates are the result."""

    tables, scratch, kept = {}, (), ()
    #: Where the last pass of a step leaves the first stage of the next one (with ahead = 1), if it
    #: can begin it.
    next_stage = ""
    #: Whether the first pass of a step uses no rates.
    begins_alone = False
    keeps_last = False

    def __init__(self, components):
        self.components = components

    def set(self, timestep):
        """Nothing depends on the timestep."""

    def lines(self, over_modes):
        """Lines that use the rates of a block; `over_modes` puts lines into loops over modes."""
        return self._rows(over_modes, ["{t} = {k}"])

    def _rows(self, over_modes, templates):
        """Loops over components and modes."""
        lines = [template.format(**_NAMES) for template in templates]
        return [f"for i in range({self.components}):", *indent(over_modes(lines))]

    def _last(self, over_modes):
        kept = ["{l} = {k}"] if self.keeps_last else []
        return [
            f"elif kind == {LAST}:",
            *indent(self._rows(over_modes, ["{u} = {t} + weight * {k}", *kept])),
            f"elif kind == {RATE}:",
            *indent(self._rows(over_modes, ["{t} = {k}"])),
        ]


class Classical(RatesOnly):
    """The classical Runge-Kutta scheme.

    Parameters
    ----------
    components : int
    keeps_last : bool
        Whether the rates of the last stage are kept, for an embedded pair.
    """

    def __init__(self, components, keeps_last=False):
        super().__init__(components)
        self.keeps_last = keeps_last

    def lines(self, over_modes):
        first = self._rows(
            over_modes, ["{t} = {u} + weight * {k}", "{s} = {u} + ahead * {k}"]
        )  # fmt: skip
        middle = self._rows(over_modes, ["{t} += weight * {k}", "{s} = {u} + ahead * {k}"])
        return [f"if kind == {FIRST}:", *indent(first), *self._last(over_modes),
                "else:", *indent(middle)]  # fmt: skip


class LowStorage(RatesOnly):
    """The scheme of ``spinhydro.LowStorageRK4``: `ahead` is A, `weight` is B times the timestep.

    Parameters
    ----------
    components : int
        0 for the scheme alone, which is then given to `with_components`.
    weights : sequence of float
        Of the rates of all stages in the sum that a step leaves in the array ``sum0q``; empty if
        there is none.
    """

    def __init__(self, components=0, weights=()):
        super().__init__(components)
        self._weights = tuple(weights)
        self.sums = ["sum0q"] if self._weights else []
        self.tables = {"of_rates": np.array(self._weights)} if self._weights else {}

    def with_components(self, components):
        """Return the scheme for so many components."""
        return LowStorage(components, self._weights)

    @staticmethod
    def has_rows(name):
        """Return False: no table has a row for every plane or member."""
        return False

    def lines(self, over_modes):
        kept = ["{t} = ahead * {t} + {k}", "{u} += weight * {t}", "{s} = {u}"]
        begun, more = self._sums("[i, x, c0 + j]", "{k}")
        return [
            f"if kind == {RATE}:",
            *indent(self._rows(over_modes, ["{t} = {k}"])),
            f"elif kind == {FIRST}:",
            *indent(self._rows(over_modes, [*begun, "{t} = {k}", *kept[1:]])),
            "else:",
            *indent(self._rows(over_modes, [*more, *kept])),
        ]

    def lines_on_grid(self, loop):
        """Lines for a slab of the grid; `loop` puts lines into loops over its points."""
        rate, sum_ = "total_[i, o + p] = k_[i, p]", "total_[i, o + p] = ahead * total_[i, o + p]"
        # The state of a stage is the state itself, or follows it.
        moved = ["state_[i, o + p] += weight * total_[i, o + p]",
                 "stage_[i, o + p] = state_[i, o + p]"]  # fmt: skip
        begun, more = self._sums("[i, o + p]", "k_[i, p]")
        return [
            f"if kind == {RATE}:", *indent(loop(rate)),
            f"elif kind == {FIRST}:", *indent(loop(*begun, rate, *moved)),
            "else:", *indent(loop(*more, f"{sum_} + k_[i, p]", *moved)),
        ]  # fmt: skip

    def _sums(self, at, rate):
        """Return lines that begin the sum, and that add to it."""
        if not self._weights:
            return [], []
        return [[f"sum0q_{at} {sign} of_rates_[stage] * {rate}"] for sign in ("=", "+=")]


class Tableau(RatesOnly):
    """An explicit Runge-Kutta scheme that keeps the rates of all stages.

    Parameters
    ----------
    weights : sequence of dict
        ``{stage of a rate: weight}`` for the state of the second stage, of the third, … and the
        new state.
    components : int
        0 for the scheme alone, which is then given to `with_components`.
    sums : sequence of dict
        Weights of the rates in sums that the last stage stores, in the arrays `sums`.
    """

    def __init__(self, weights, components=0, sums=()):
        super().__init__(components)
        self.weights, self.stages = tuple(weights), len(weights)
        self._sums = tuple(sums)
        self.sums = [f"sum{number}q" for number in range(len(self._sums))]
        self._timestep = None
        self.tables = {"tableau": np.zeros((self.stages, self.stages))}
        used = {stage for i, row in enumerate(weights) for stage in row if stage < i}
        #: Arrays of the shape of the state, on the grid or not, within a step.
        self.rates = [f"rate{stage}q" for stage in sorted(used)]

    def with_components(self, components):
        """Return the scheme for so many components."""
        return Tableau(self.weights, components, self._sums)

    @staticmethod
    def has_rows(name):
        """Return False: no table has a row for every plane or member."""
        return False

    def set(self, timestep):
        """Fill the tables for a timestep."""
        for i, row in enumerate(self.weights):
            for stage, weight in row.items():
                self.tables["tableau"][i, stage] = timestep * weight

    def lines(self, over_modes):
        """Lines that use the rates of a block; `over_modes` puts lines into loops over modes."""
        return self._lines(
            lambda *lines: self._rows(over_modes, lines),
            {"at": "[i, x, c0 + j]", "k": "kb_[i, x, j]", "s": "sb_[i, x, j]"},
        )

    def lines_on_grid(self, loop):
        """Lines for a slab of the grid; `loop` puts lines into loops over its points."""
        places = {"at": "[i, o + p]", "k": "k_[i, p]", "s": "stage_[i, o + p]"}
        return self._lines(loop, places)

    def _lines(self, loop, places):
        at, k = places["at"], places["k"]
        lines = [f"if kind == {RATE}:", *indent(loop(f"total_{at} = {k}"))]
        for i, row in enumerate(self.weights):
            terms = [
                f"tableau_[{i}, {stage}] * {k if stage == i else f'rate{stage}q_{at}'}"
                for stage in sorted(row)
            ]
            target = f"state_{at}" if i + 1 == self.stages else places["s"]
            body = [f"{target} = state_{at} + ({' + '.join(terms)})"]
            if i + 1 == self.stages:
                for name, weights in zip(self.sums, self._sums, strict=True):
                    terms = [
                        f"{weight!r} * {k if stage == i else f'rate{stage}q_{at}'}"
                        for stage, weight in sorted(weights.items())
                    ]
                    body.append(f"{name}_{at} = {' + '.join(terms)}")
            if f"rate{i}q" in self.rates:
                body.append(f"rate{i}q_{at} = {k}")
            lines += [f"elif stage == {i}:", *indent(loop(*body))]
        return lines


class IntegratingFactor(Classical):
    """Update with the exponential of the linear terms, E = exp(-L timestep/2).

    Parameters
    ----------
    components : int
    exponential : CompiledExponential
    keeps_last : bool
        See `Classical`.
    """

    def __init__(self, components, exponential, keeps_last=False):
        super().__init__(components, keeps_last)
        self.exponential, self.tables = exponential, exponential.tables
        self.set = exponential.set

    def has_rows(self, name):
        """Return whether a table has a row for every plane or member."""
        return self.exponential.has_rows(name)

    def lines(self, over_modes):
        def rows(*templates):
            return indent(self._rows(over_modes, templates))

        return [
            f"if kind == {FIRST}:",
            *rows("{s} = {u}"),
            f"elif kind == {THIRD}:",
            *rows("{s} = {u} + ahead * {k}", "{k} = {t} + weight * {k}"),
            f"if kind == {FIRST} or kind == {THIRD}:",
            *indent(self._moved(over_modes)),
            f"if kind == {FIRST}:",
            *rows("{u} = {s}", "{t} = {s} + weight * {k}", "{s} = {s} + ahead * {k}"),
            f"elif kind == {SECOND}:",
            *rows("{t} += weight * {k}", "{s} = {u} + ahead * {k}"),
            f"elif kind == {THIRD}:",
            *rows("{t} = {k}"),
            *self._last(over_modes),
        ]

    def _moved(self, over_modes):
        """Lines that multiply rates and next stages of a block by the exponential."""
        writer = ScalarWriter()
        vector = {i: writer.load(f"eb_[v, {i}, x, j]") for i in range(self.components)}
        for i, value in enumerate(self.exponential.write(writer, vector)):
            writer.store(f"eb_[v, {i}, x, j]", value, True)
        return ["for v in range(2):", *indent(over_modes(writer.lines))]


class Splitting(RatesOnly):
    """Splitting schemes: the result of a pass is the state after a rotation of phases.

    The first stage begins with the linear terms alone. `weight` is the number of the exponential
    of a stage between the first and the last. The last pass of a step can begin the next one: it
    then applies the exponential of the first stage too, and does not store the state.

    Parameters
    ----------
    drifts : Drifts
    compiled : list of CompiledExponential
        With tables of different names.
    """

    next_stage, begins_alone = "sb_[{row}, x, j]", True

    def __init__(self, components, drifts, compiled):
        super().__init__(components)
        self._drifts, self._compiled = drifts, compiled
        self.tables = {name: table for one in compiled for name, table in one.tables.items()}

    def set(self, timestep):
        """Fill the tables for a timestep."""
        for fraction, exponential in zip(self._drifts.distinct, self._compiled, strict=True):
            exponential.set(2 * fraction * timestep)

    def has_rows(self, name):
        """Return whether a table has a row for every plane or member."""
        return any(name in one.tables and one.has_rows(name) for one in self._compiled)

    def lines(self, over_modes):
        stages = len(self._drifts.fractions)
        first, last = self._drifts.number(0), self._drifts.number(stages - 1)
        between = dict.fromkeys(self._drifts.number(stage) for stage in range(1, stages - 1))
        lines = [
            f"if kind == {RATE}:",
            *indent(self._rows(over_modes, ["{t} = {k}"])),
            f"elif kind == {FIRST}:",
            *indent(self._drift(over_modes, [first], "u", "s")),
            f"elif kind == {LAST}:",
            "    if ahead == 1.0:",
            *indent(indent(self._drift(over_modes, [last, first], "k", "s"))),
            "    else:",
            *indent(indent(self._drift(over_modes, [last], "k", "u"))),
        ]
        for number in between:
            lines += [f"elif weight == {number}.0:",
                      *indent(self._drift(over_modes, [number], "k", "s"))]  # fmt: skip
        return lines

    def _drift(self, over_modes, numbers, source, target):
        """Lines that multiply components of a block by exponentials, one after the other."""
        source, target = (_NAMES[name].replace("[i,", "[{i},") for name in (source, target))
        writer = ScalarWriter()
        vector = {i: writer.load(source.format(i=i)) for i in range(self.components)}
        for number in numbers:
            vector = dict(enumerate(self._compiled[number].write(writer, vector)))
        for i, value in vector.items():
            writer.store(target.format(i=i), value, True)
        return over_modes(writer.lines)


class ExponentialDifferences(RatesOnly):
    """The scheme of ``spinhydro.ETDRK4``.

    Parameters
    ----------
    linear : array (components, components, *spectral shape)
        L of ``dt(X) + L.X = F``.
    weights : callable(timestep)
        Returns ``{name: array}`` of the shape of `linear`, names as in
        ``spinhydro.steppers.etdrk4.WEIGHTS``.
    names : sequence of str
    layout : Layout
    keeps_last : bool
        See `Classical`.
    """

    scratch = ("first",)

    def __init__(self, linear, weights, names, layout, keeps_last=False):
        super().__init__(len(linear))
        self.keeps_last = keeps_last
        self._weights, self._timestep = weights, None
        linear = linear.reshape(*linear.shape[:2], layout.all_rows, layout.modes)
        reached = np.array([[linear[i, j].any() for j in range(self.components)]
                            for i in range(self.components)])  # fmt: skip
        self._entries = np.argwhere(_reach(reached))
        self._parts = "r" if not np.iscomplexobj(linear) or not linear.imag.any() else "ri"
        # Members with the same linear terms share their tables.
        self._varies = layout.has_members and not np.all(linear == linear[:, :, :1])
        rows = 1 if layout.has_members and not self._varies else layout.all_rows
        self._shape = layout.all_rows, layout.modes
        self.tables = {
            self._name(name, i, j, part): np.zeros((rows, layout.modes))
            for name in names
            for i, j in self._entries
            for part in self._parts
        }
        self._has_rows = rows == layout.all_rows

    @staticmethod
    def _name(name, i, j, part):
        return f"w{name}{i}q{j}{part}"

    def has_rows(self, name):
        """Return whether a table has a row for every plane or member."""
        return self._has_rows

    def set(self, timestep):
        """Fill the tables for a timestep."""
        if timestep == self._timestep:
            return
        self._timestep = timestep
        for name, matrix in self._weights(timestep).items():
            for i, j in self._entries:
                values = np.broadcast_to(matrix[i, j], matrix.shape[2:]).reshape(self._shape)
                for part in self._parts:
                    table = self.tables[self._name(name, i, j, part)]
                    table[...] = (values.real if part == "r" else values.imag)[: len(table)]

    def lines(self, over_modes):
        blocks = {
            FIRST: [("total", [("whole", "state"), ("w1", "rate")]),
                    ("first", [(None, "rate")]),
                    ("next", [("half", "state"), ("a1", "rate")])],
            SECOND: [("total", [(None, "total"), ("w2", "rate")]),
                     ("next", [("half", "state"), ("b1", "first"), ("b2", "rate")])],
            THIRD: [("total", [(None, "total"), ("w2", "rate")]),
                    ("next", [("whole", "state"), ("c1", "first"), ("c3", "rate")])],
            LAST: [("state", [(None, "total"), ("w4", "rate")]),
                   *([("last", [(None, "rate")])] if self.keeps_last else [])],
            RATE: [("total", [(None, "rate")])],
        }  # fmt: skip
        lines = []
        for kind, sums in blocks.items():
            lines += [f"if kind == {kind}:", *indent(over_modes(self._block(sums)))]
        return lines

    def _block(self, sums):
        """Lines for one mode that assign sums of products (name of a matrix, vector)."""
        places = {"state": "state_[{i}, x, c0 + j]", "total": "total_[{i}, x, c0 + j]",
                  "first": "first_[{i}, x, c0 + j]", "rate": "kb_[{i}, x, j]",
                  "last": "last_[{i}, x, c0 + j]", "next": "sb_[{i}, x, j]"}  # fmt: skip
        writer = ScalarWriter()
        vectors, stored = {}, []
        for _, terms in sums:
            for _, vector in terms:
                if vector not in vectors:
                    vectors[vector] = [
                        writer.load(places[vector].format(i=i)) for i in range(self.components)
                    ]
        for target, terms in sums:
            total = [(None, None)] * self.components
            for matrix, vector in terms:
                values = self._product(writer, matrix, vectors[vector])
                total = [writer.add(a, b) for a, b in zip(total, values, strict=True)]
            stored.append((places[target], total))
        for place, total in stored:
            for i, value in enumerate(total):
                writer.store(place.format(i=i), value, True)
        return writer.lines

    def _product(self, writer, matrix, vector):
        if matrix is None:
            return vector
        found = [(None, None)] * self.components
        for i, j in self._entries:
            entry = tuple(
                writer.name(f"{self._name(matrix, i, j, part)}_[x, c0 + j]")
                if part in self._parts
                else None
                for part in "ri"
            )
            found[i] = writer.add(found[i], writer.multiply(entry, vector[j]))
        return found


def _reach(coupled):
    """Pattern of possibly nonzero entries of a function of a matrix of this pattern."""
    reached = coupled | np.eye(len(coupled), dtype=bool)
    for _ in coupled:
        reached = (reached.astype(int) @ reached.astype(int)) > 0
    return reached
