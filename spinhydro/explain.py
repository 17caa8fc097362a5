"""What a problem costs: its engine, transforms, kernels and memory, in words and as a drawing."""

from spinhydro.declarations import read_projections
from spinhydro.engines import build_solver, choose_engine
from spinhydro.errors import InputError
from spinhydro.steppers import find_stepper

#: Characters of one operation; longer ones are given a name of their own.
WIDTH = 88
#: Lines of a kernel that are printed.
LINES = 40

_SIGNS = {"add": " + ", "mul": "*"}


def explain(problem):
    """Lines about a loaded problem, and its `Account` if the fused engine takes it.

    Parameters
    ----------
    problem : spinhydro.problem.Problem

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
    account = Account(solver.timestepper.right_side)
    lines += ["", *account.lines()]
    state = solver.timestepper.state
    work = account.work_bytes() + 4 * state.nbytes
    lines += ["", f"memory: the state {megabytes(state.nbytes)}, arrays of a step about "
              f"{megabytes(work)}"]  # fmt: skip
    return lines, account


def megabytes(size):
    """A number of bytes for a reader."""
    return f"{size / 1e6:.3g} MB"


class Account:
    """A fused right-hand side in words.

    Attributes
    ----------
    rounds : list of (list of str, list of str, int)
        For every round of transforms: what is transformed to the grid, what is transformed back
        to k-space, and how many operations stand between.
    rates : list of (str, str)
        Component of the state, and its rate.
    """

    def __init__(self, right_side):
        self.right_side = right_side
        self.program, self.lowering = right_side.program, right_side.lowering
        self.components = [
            name for variable in right_side.variables for name in component_names(variable)
        ]
        self._names, self._uses, self._number = {}, {}, 0
        self.rounds, self._kernels = [], []
        for level in self.program.levels:
            inverse = [self._spectrum(spectrum) for spectrum in level.inverse_spectra]
            kernel = self._kernel(level.ahead_nodes, "f")
            self.rounds.append((inverse, [self._names[n] for n in level.ahead_nodes], kernel[1]))
            self._kernels.append(kernel)
        outputs = self.program.outputs
        if self.program.on_grid:
            last = self._kernel(outputs, "r")
            self._kernels.append(last)
            values = [self._value(value) for value in outputs]
        else:
            values = [self._spectrum(spectrum) for spectrum in outputs]
        self.rates = list(zip(self.components, values, strict=True))

    def lines(self):
        """The account, line by line."""
        forward, back = self.right_side.transforms()
        lines = [f"transforms of one stage: {forward} to k-space, {back} to the grid"]
        if self.program.on_grid:
            lines.append("  the state is kept on the grid; its transforms are counted")
        for number, (inverse, ahead, _) in enumerate(self.rounds):
            lines += [
                "",
                f"round {number + 1}",
                f"  to the grid: {', '.join(inverse) or 'nothing'}",
            ]
            lines += self._kernel_lines(self._kernels[number])
            lines.append(f"  to k-space: {', '.join(ahead) or 'nothing'}")
        if self.program.on_grid:
            lines += ["", "rates on the grid", *self._kernel_lines(self._kernels[-1])]
        lines += ["", "rates"]
        lines += [f"  d({name})/dt = {value}" for name, value in self.rates]
        linear = [
            f"  {name}: {self._spectrum(spectrum)}"
            for name, spectrum in zip(self.components, self.right_side.linear, strict=True)
            if spectrum.terms
        ]
        if linear:
            lines += [
                "",
                "linear terms L, taken apart and treated wavenumber by wavenumber",
                *linear,
            ]
        return lines

    @staticmethod
    def _kernel_lines(kernel):
        texts, operations = kernel
        lines = [f"  kernel of {operations} operations"]
        lines += [f"    {text}" for text in texts[:LINES]]
        if len(texts) > LINES:
            lines.append(f"    … and {len(texts) - LINES} more lines")
        return lines

    def work_bytes(self):
        """Bytes of the buffers of all transforms."""
        buffers = [b for level in self.program.levels for b in (level.inverse, level.ahead) if b]
        return sum(b.grid.nbytes + sum(array.nbytes for array in b.buffers) for b in buffers)

    def _kernel(self, outputs, letter):
        """Lines of a kernel with short operations written into longer ones, and its operations."""
        from spinhydro.fused.graph import Node
        from spinhydro.fused.kernels import order

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
        if node.kind in _SIGNS:
            return _SIGNS[node.kind].join(values).replace(" + -1*", " - ")
        if node.kind == "pow":
            return f"({values[0]})**{values[1]}"
        return f"{node.kind}({values[0]})"

    def _value(self, value):
        if not hasattr(value, "kind"):
            return f"{value:.6g}" if isinstance(value, float) else str(value)
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
        return self._operation(value)

    def _spectrum(self, spectrum):
        """A linear combination: derivatives and kernels of what is known."""
        terms = []
        for base, symbol in spectrum.terms.items():
            name = self.components[base[1]] if base[0] == "state" else self._names[base[1]]
            for powers, coefficient in symbol.items():
                factor = self._operator(powers)
                number = "" if coefficient == 1 else f"{self._value(_plain(coefficient))}*"
                terms.append(f"{number}{factor}({name})" if factor else f"{number}{name}")
        return " + ".join(terms) or "0"

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


def _plain(coefficient):
    """A real number where it is one."""
    coefficient = complex(coefficient)
    return coefficient if coefficient.imag else coefficient.real


def component_names(field):
    """Names of the components of a field: s_sx, s_sy, s_sz."""
    names = [str(field.name)]
    for system in field.tensorsig:
        letters = [c.name for c in system.coords]
        names = [f"{name}_{letter}" for name in names for letter in letters]
    return names


def draw(account, path, title=""):
    """Draw the way from the state to its rates, a column for every kind of work, into a file.

    Raises InputError if the file cannot be written.
    """
    from matplotlib.figure import Figure

    columns = [("state", account.components)]
    for number, (inverse, ahead, operations) in enumerate(account.rounds, 1):
        columns.append((f"{len(inverse)} transforms\nto the grid", inverse))
        columns.append((f"kernel {number}", [f"{operations} operations"]))
        columns.append((f"{len(ahead)} transforms\nto k-space", ahead))
    columns.append(("rates", [f"d({name})/dt" for name, _ in account.rates]))
    columns = [(head, rows) for head, rows in columns if rows]
    tallest = max(len(rows) for _, rows in columns)
    figure = Figure(figsize=(2.1 * len(columns) + 0.4, 0.42 * tallest + 1.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    places = []
    for x, (head, rows) in enumerate(columns):
        heights = [(tallest - len(rows)) / 2 + i for i in range(len(rows))]
        places.append(heights)
        axes.text(x, -1.1, head, ha="center", va="center", fontsize=8, color="0.35")
        color = "#f3d9c0" if head.startswith("kernel") else "#d5e3ef"
        for y, text in zip(heights, rows, strict=True):
            shown = text if len(text) <= 22 else text[:21] + "…"
            axes.text(x, y, shown, ha="center", va="center", fontsize=7, zorder=3,
                      bbox={"boxstyle": "round,pad=0.3", "fc": color, "ec": "0.5", "lw": 0.6})  # fmt: skip
    for x, (left, right) in enumerate(zip(places, places[1:], strict=False)):
        for a in left:
            for b in right:
                axes.plot([x, x + 1], [a, b], color="0.8", lw=0.5, zorder=1)
    axes.set_xlim(-0.6, len(columns) - 0.4)
    axes.set_ylim(tallest - 0.2, -1.7)
    if title:
        axes.set_title(title, fontsize=9)
    try:
        figure.savefig(path, dpi=160)
    except (OSError, ValueError) as error:
        raise InputError(f"the drawing cannot be written to {path}: {error}") from None
