"""Report the cost of a problem, as text and as a drawing: engine, transforms, loops, memory."""

from spinhydro.engines.choose import build_solver, choose_engine
from spinhydro.errors import InputError
from spinhydro.language.declarations import read_projections
from spinhydro.steppers import find_stepper

#: Characters of one operation; longer ones are named.
WIDTH = 88
#: Lines of a pointwise loop that are printed.
LINES = 40


def explain(problem):
    """Return lines on a loaded problem, and its `RightSideReport` if the fused engine can run it.

    Parameters
    ----------
    problem : spinhydro.problem.load.Problem

    Raises
    ------
    InputError
        If Dedalus cannot build the problem.
    """
    ivp = problem.ivp
    stepper = find_stepper(problem.declared("timestepper", "RK4"))
    solver = build_solver(ivp, stepper)
    projections = read_projections(ivp, problem.declared("projections") or {})
    engine, why = choose_engine(solver, "auto", projections, steps=0)
    lines = [f"problem {problem.name}", "", "equations"]
    lines += [f"  {text}" for text in problem.equations]
    lines += ["", f"time stepper {stepper.__name__}", f"engine {engine}{why}"]
    if engine != "fused":
        lines += ["", "Dedalus evaluates the right side operator by operator."]
        return lines, None
    account = RightSideReport(solver.timestepper.right_side)
    lines += ["", *account.lines()]
    state = solver.timestepper.state
    work = account.work_bytes() + 4 * state.nbytes
    lines += ["", f"memory: the state {megabytes(state.nbytes)}, arrays of a step about "
              f"{megabytes(work)}"]  # fmt: skip
    return lines, account


def megabytes(size):
    """Format a number of bytes."""
    return f"{size / 1e6:.3g} MB"


class RightSideReport:
    """Description of a fused right-hand side.

    Attributes
    ----------
    rounds : list of (list of str, list of str, int)
        For every round of transforms: the transforms to the grid, those back to k-space, and the
        number of operations between them.
    rates : list of (str, str)
        What is advanced, such as ``dt(u_x)``, and its rate. Where M is not the identity, it is M X,
        or 0 in constraints.
    """

    def __init__(self, right_side):
        self.right_side = right_side
        self.program, self.lowering = right_side.program, right_side.lowering
        self.components = [
            name for variable in right_side.variables for name in component_names(variable)
        ]
        self._names, self._uses, self._number = {}, {}, 0
        self.rounds, self._loops = [], []
        for round_ in self.program.rounds:
            inverse = [self._spectrum(spectrum) for spectrum in round_.inverse_spectra]
            loop = self._loop(round_.ahead_nodes, "f")
            self.rounds.append((inverse, [self._names[n] for n in round_.ahead_nodes], loop[1]))
            self._loops.append(loop)
        outputs = self.program.outputs
        if self.program.on_grid:
            self._loops.append(self._loop(outputs, "r"))
            values = [self._value(value) for value in outputs]
        else:
            values = [self._spectrum(spectrum) for spectrum in outputs]
        self.rates = list(zip(self._left_sides(), values, strict=True))

    def lines(self):
        """Return the lines of the report."""
        forward, back = self.right_side.transforms()
        lines = [f"transforms of one stage: {forward} to k-space, {back} to the grid"]
        if self.program.on_grid and self.rounds:
            lines.append("  the state is kept on the grid; its transforms are counted")
        for number, (inverse, ahead, _) in enumerate(self.rounds):
            lines += [
                "",
                f"round {number + 1}",
                f"  to the grid: {', '.join(inverse) or 'nothing'}",
            ]
            if ahead:
                lines += self._loop_lines(self._loops[number])
                lines.append(f"  to k-space: {', '.join(ahead)}")
        if self.program.on_grid:
            lines += ["", "rates on the grid", *self._loop_lines(self._loops[-1])]
        lines += ["", "rates"]
        lines += [f"  {name} = {value}" for name, value in self.rates]
        names = self.components if self.right_side.mass is None else self._left_sides()
        linear = [
            f"  {name}: {self._spectrum(spectrum)}"
            for name, spectrum in zip(names, self.right_side.linear, strict=True)
            if spectrum.terms
        ]
        if linear:
            lines += [
                "",
                "linear terms L, treated separately, wavenumber by wavenumber",
                *linear,
            ]
        return lines

    def _left_sides(self):
        """Return the names of what the rates advance."""
        mass = self.right_side.mass
        if mass is None:
            return [f"dt({name})" for name in self.components]
        texts = [self._spectrum(spectrum) for spectrum in mass]
        return ["constraint" if text == "0" else f"dt({text})" for text in texts]

    @staticmethod
    def _loop_lines(loop):
        texts, operations = loop
        lines = [f"  pointwise loop of {operations} operations"]
        lines += [f"    {text}" for text in texts[:LINES]]
        if len(texts) > LINES:
            lines.append(f"    … and {len(texts) - LINES} more lines")
        return lines

    @property
    def operations(self):
        """Number of operations at every grid point in one evaluation."""
        return sum(operations for _, operations in self._loops)

    def work_bytes(self):
        """Bytes of the buffers of all transforms."""
        buffers = [b for round_ in self.program.rounds for b in (round_.inverse, round_.ahead) if b]
        return sum(b.nbytes for b in buffers)

    def _loop(self, outputs, letter):
        """Return the lines of a pointwise loop, with short operations inlined, and their number."""
        from spinhydro.engines.fused.read.graph import Node, order

        operations, _ = order(outputs)
        for node in [*operations, *outputs]:
            for argument in getattr(node, "arguments", ()):
                if isinstance(argument, Node):
                    self._uses[argument] = self._uses.get(argument, 0) + 1
        texts = []
        for node in operations:
            if node in self._names:
                continue
            text = self._operation(node)
            wanted = any(node is output for output in outputs)
            if wanted or self._uses.get(node, 0) > 1 or len(text) > WIDTH:
                self._number += 1
                self._names[node] = f"{letter if wanted else 't'}{self._number}"
                texts.append(f"{self._names[node]} = {text}")
            else:
                self._names[node] = f"({text})" if node.kind == "add" else text
        for output in outputs:
            if isinstance(output, Node) and output not in self._names:
                self._names[output] = self._value(output)
        return texts, len(operations)

    def _operation(self, node):
        values = [self._value(argument) for argument in node.arguments]
        if node.kind == "add":
            return f"{values[0]} + {values[1]}".replace("+ -", "- ")
        if node.kind == "mul":
            if "-1" in values:
                values.remove("-1")
                return values[0][1:] if values[0].startswith("-") else f"-{values[0]}"
            numbers = [v for v, a in zip(values, node.arguments, strict=True) if _is_number(a)]
            return "*".join(numbers + [v for v in values if v not in numbers])
        if node.kind == "pow":
            return f"({values[0]})**{values[1]}"
        return f"{node.kind}({values[0]})"

    def _value(self, value):
        if _is_number(value):
            return _number(value)
        if value in self._names:
            return self._names[value]
        if value.kind == "inverse":
            return self._spectrum(value.arguments[0])
        if value.kind in ("profile", "constant"):
            field, component = value.arguments
            fields = self.lowering.profiles if value.kind == "profile" else self.lowering.constants
            return component_names(fields[field])[component]
        if value.kind == "number":
            return self._value(value.arguments[0])
        if value.kind == "shifted":
            leaf, offset = value.arguments
            return f"{self._value(leaf)}[{', '.join(f'{n:+d}' if n else '0' for n in offset)}]"
        return self._operation(value)

    def _spectrum(self, spectrum):
        """Format a linear combination of derivatives and kernels of known values."""
        terms = []
        for base, symbol in spectrum.terms.items():
            name = self.components[base[1]] if base[0] == "state" else self._names[base[1]]
            for powers, coefficient in symbol.items():
                factor = self._operator(powers)
                number = "" if coefficient == 1 else f"{_number(coefficient)}*"
                terms.append(f"{number}{factor}({name})" if factor else f"{number}{name}")
        return " + ".join(terms).replace("+ -", "- ") or "0"

    def _operator(self, powers):
        names = [c.name for c in self.lowering.dist.coords]
        text = "".join(
            f"d{name}{power if power > 1 else ''}"
            for name, power in zip(names, powers, strict=False)
            if power
        )
        for entry in powers[len(names) :]:
            place = f"{entry.row}{entry.column}" if entry.kernel.components else ""
            text += f" {getattr(entry.kernel, 'name', 'ave')}{place}"
        return text.strip()


def _is_number(value):
    return not hasattr(value, "kind")


def _number(value):
    """Format a number without a part that is zero."""
    value = complex(value)
    if not value.imag:
        return f"{value.real:.6g}"
    return f"{value.imag:.6g}j" if not value.real else f"({value:.6g})"


def component_names(field):
    """Names of the components of a field: s_sx, s_sy, s_sz."""
    names = [str(field.name)]
    for system in field.tensorsig:
        letters = [c.name for c in system.coords]
        names = [f"{name}_{letter}" for name in names for letter in letters]
    return names


def _columns(account):
    """Return columns of the drawing, (heading, [(key, text)]), and the pairs of keys to join."""
    program, edges = account.program, []

    def sources(spectrum):
        for base in spectrum.terms:
            if base[0] == "state":
                yield ("state", base[1])
            else:
                yield ("ahead", *program.forward_rows[base[1]])

    def read_by(outputs, loop):
        for leaf in program.inverse_leaves(outputs):
            kind, array, row = program.location(leaf)
            # Array 1 is the state on the grid; the arrays of the rounds follow.
            edges.append((("state", row) if array == 1 else ("inverse", array - 2, row), loop))

    columns = [("state", [(("state", i), n) for i, n in enumerate(account.components)])]
    for number, (inverse, ahead, operations) in enumerate(account.rounds):
        round_ = program.rounds[number]
        keys = [("inverse", number, row) for row in range(len(inverse))]
        columns.append((f"{len(inverse)} to the grid", list(zip(keys, inverse, strict=True))))
        for key, spectrum in zip(keys, round_.inverse_spectra, strict=True):
            edges += [(source, key) for source in sources(spectrum)]
        if not ahead:
            continue
        loop, keys = ("loop", number), [("ahead", number, row) for row in range(len(ahead))]
        columns.append(
            ("pointwise", [(loop, f"{operations} operations" if operations else "as it is")])
        )
        columns.append((f"{len(ahead)} to k-space", list(zip(keys, ahead, strict=True))))
        read_by(round_.ahead_nodes, loop)
        edges += [(loop, key) for key in keys]
    rates = [(("rate", i), name) for i, (name, _) in enumerate(account.rates)]
    if program.on_grid:
        loop = ("loop", "last")
        columns.append(("pointwise", [(loop, f"{account.operations} operations")]))
        read_by(program.outputs, loop)
        edges += [(loop, key) for key, _ in rates]
    else:
        for (key, _), spectrum in zip(rates, program.outputs, strict=True):
            edges += [(source, key) for source in sources(spectrum)]
    return [column for column in [*columns, ("rates", rates)] if column[1]], edges


def draw(account, path, title=""):
    """Draw the steps from the state to its rates into a file, one column per kind of work.

    Raises InputError if the file cannot be written.
    """
    from matplotlib.figure import Figure

    columns, edges = _columns(account)
    tallest = max(len(rows) for _, rows in columns)
    figure = Figure(figsize=(2.1 * len(columns) + 0.4, 0.42 * tallest + 1.2), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    places = {}
    for x, (head, rows) in enumerate(columns):
        axes.text(x, -1.1, head, ha="center", va="center", fontsize=8, color="0.35")
        box = {"boxstyle": "round,pad=0.3", "ec": "0.5", "lw": 0.6}
        box["fc"] = "#f3d9c0" if head == "pointwise" else "#d5e3ef"
        for i, (key, text) in enumerate(rows):
            y = (tallest - len(rows)) / 2 + i
            places[key] = (x, y)
            shown = text if len(text) <= 22 else text[:21] + "…"
            axes.text(x, y, shown, ha="center", va="center", fontsize=7, zorder=3, bbox=box)
    for start, end in edges:
        axes.plot(*zip(places[start], places[end], strict=True), color="0.7", lw=0.6, zorder=1)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(tallest - 0.2, -1.7)
    if title:
        axes.set_title(title, fontsize=9)
    try:
        figure.savefig(path, dpi=160)
    except (OSError, ValueError) as error:
        raise InputError(f"the drawing cannot be written to {path}: {error}") from None
