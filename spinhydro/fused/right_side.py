"""The right-hand side of a problem as a short list of transforms and kernels."""

import numpy as np
from dedalus.core import operators

from spinhydro.fused.graph import Node, Spectrum, Unsupported, round_of
from spinhydro.fused.kernels import make_kernel
from spinhydro.fused.lower import Lowering
from spinhydro.fused.transforms import Space


class Program:
    """Values computed from the state: levels of transforms and kernels.

    Parameters
    ----------
    lowering : Lowering
    space : Space
    outputs : list
        Scalars of the graph.
    on_grid : bool
        Whether the outputs are wanted, and the state is given, on the grid too. That needs fewer
        transforms, and is possible where going to coefficients and back changes nothing.
    compiled : bool, optional
        As for ``make_kernel``.
    """

    def __init__(self, lowering, space, outputs, on_grid=False, compiled=None):
        self.lowering, self.space, self.on_grid = lowering, space, on_grid
        graph = lowering.graph
        self.outputs = [graph.to_grid(v) if on_grid else graph.to_spectrum(v) for v in outputs]
        forwards = self._collect()
        wanted = forwards + [v for v in self.outputs if isinstance(v, Node)]
        leaves = [leaf for leaf in self._inverse_leaves(wanted) if not self._is_given(leaf)]
        rounds = {round_of(node) for node in forwards} | {leaf.level for leaf in leaves}
        self.levels = []
        self._place, self._rows = {}, {}
        for number in range(min(rounds, default=0), max(rounds, default=-1) + 1):
            inverse = [leaf for leaf in leaves if leaf.level == number]
            ahead = [node for node in forwards if round_of(node) == number]
            self.levels.append(_Level(len(self.levels), inverse, ahead, self))
        for level in self.levels:
            level.compile(compiled)
        if on_grid:
            self._kernel = make_kernel(self.outputs, self.location, compiled)
        else:
            self._final = self.plan_combinations(self.outputs)

    def _is_given(self, leaf):
        """Whether an inverse transform is that of the state, which is there on the grid."""
        terms = leaf.arguments[0].terms
        if not self.on_grid or len(terms) != 1:
            return False
        ((base, symbol),) = terms.items()
        return base[0] == "state" and symbol == self.lowering.graph.identity()

    def location(self, leaf):
        """Where kernels find a leaf; the state on the grid is array 1, levels come after it."""
        if leaf.kind == "inverse":
            if self._is_given(leaf):
                ((base, _),) = leaf.arguments[0].terms.items()
                return ("array", 1, base[1])
            return self._place[leaf]
        if leaf.kind == "number":
            return ("number", leaf.arguments[0])
        field, component = leaf.arguments
        if leaf.kind == "profile":
            return ("array", 0, profile_offsets(self.lowering)[field] + component)
        return ("constant", constant_offsets(self.lowering)[field] + component)

    def arrays(self, profiles, grid, levels):
        """The arrays that kernels read."""
        found = [level.inverse_grid for level in self.levels[:levels]]
        return (profiles, grid, *found)

    def _collect(self):
        """Every node that is transformed forward, each once, in order."""
        if self.on_grid:
            queue = [leaf.arguments[0] for leaf in self._inverse_leaves(self.outputs)]
        else:
            queue = list(self.outputs)
        found = {}
        while queue:
            spectrum = queue.pop(0)
            for base in spectrum.terms:
                if base[0] == "forward" and base[1] not in found:
                    found[base[1]] = None
                    queue += [leaf.arguments[0] for leaf in self._inverse_leaves([base[1]])]
        return sorted(found, key=lambda node: node.index)

    @staticmethod
    def _inverse_leaves(nodes):
        seen, stack, leaves = set(), list(nodes), []
        while stack:
            node = stack.pop()
            if not isinstance(node, Node) or node in seen:
                continue
            seen.add(node)
            if node.kind == "inverse":
                leaves.append(node)
            else:
                stack += [a for a in node.arguments if isinstance(a, Node)]
        return sorted(leaves, key=lambda node: node.index)

    def combine(self, combinations, state, out):
        """Rows of `out` = sums of symbol * spectrum."""
        for rows, source, symbol, adds in combinations:
            spectra = state if source is None else self.levels[source[0]].ahead.spectra
            chosen = spectra[rows[1]]
            target = out[rows[0]]
            if adds:
                target += symbol * chosen
            elif symbol is None:
                target[...] = 0
            elif np.ndim(symbol) == 0 and symbol == 1:
                np.copyto(target, chosen)
            else:
                np.multiply(symbol, chosen, out=target)

    def plan_combinations(self, spectra):
        """Steps of `combine` for a list of Spectrum, neighbouring rows of one kind together."""
        single = []
        for row, spectrum in enumerate(spectra):
            terms = [(base, self.space.symbol(symbol)) for base, symbol in spectrum.terms.items()]
            if not terms:
                single.append((row, 0, None, None, False))
            for i, (base, symbol) in enumerate(terms):
                source, index = (None, base[1])
                if base[0] == "forward":
                    level, index = self._rows[base[1]]
                    source = (level,)
                single.append((row, index, source, symbol, i > 0))
        # Rows are filled before anything is added to them.
        single.sort(key=lambda step: step[4])
        steps = []
        for row, index, source, symbol, adds in single:
            if steps:
                (rows, indices), last_source, last_symbol, last_adds = steps[-1]
                if (
                    (rows.stop, indices.stop) == (row, index)
                    and (last_source, last_adds) == (source, adds)
                    and last_symbol is symbol
                ):
                    merged = (slice(rows.start, row + 1), slice(indices.start, index + 1))
                    steps[-1] = (merged, source, symbol, adds)
                    continue
            steps.append(((slice(row, row + 1), slice(index, index + 1)), source, symbol, adds))
        return steps

    def __call__(self, spectra, grid, constants, profiles, out):
        """Fill `out`, a row for each output, from the spectra (and grid values) of the state."""
        for level in self.levels:
            level.evaluate(spectra, grid, constants, profiles)
        if self.on_grid:
            self._kernel(self.arrays(profiles, grid, len(self.levels)), constants, out)
        else:
            self.combine(self._final, spectra, out)


class _Level:
    """Inverse transforms, one kernel, forward transforms."""

    def __init__(self, number, inverse, ahead, program):
        self.program, self.number = program, number
        space = program.space
        self.inverse = space.plan(len(inverse)) if inverse else None
        self.inverse_grid = _flat(self.inverse.grid) if inverse else np.zeros((0, space.points))
        self.ahead_nodes = ahead
        self.ahead = space.plan(len(ahead)) if ahead else None
        # Equal operators side by side, so that components are treated together.
        inverse = sorted(inverse, key=_by_operator)
        self.inverse_spectra = [leaf.arguments[0] for leaf in inverse]
        for row, leaf in enumerate(inverse):
            program._place[leaf] = ("array", number + 2, row)
        for row, node in enumerate(ahead):
            program._rows[node] = (number, row)

    def compile(self, compiled):
        program = self.program
        self.combinations = program.plan_combinations(self.inverse_spectra)
        if self.ahead:
            self.kernel = make_kernel(self.ahead_nodes, program.location, compiled)

    def evaluate(self, spectra, grid, constants, profiles):
        if self.inverse:
            self.program.combine(self.combinations, spectra, self.inverse.spectra)
            self.inverse.backward()
        if self.ahead:
            arrays = self.program.arrays(profiles, grid, self.number + 1)
            self.kernel(arrays, constants, _flat(self.ahead.grid))
            self.ahead.forward()


def _flat(array):
    return array.reshape(array.shape[0], -1)


def _by_operator(leaf):
    terms = leaf.arguments[0].terms
    symbols = sorted(str(sorted(symbol.items())) for symbol in terms.values())
    return (len(terms), symbols, leaf.index)


def profile_offsets(lowering):
    return _offsets(lowering.profiles)


def constant_offsets(lowering):
    return _offsets(lowering.constants)


def _offsets(fields):
    sizes = [int(np.prod([cs.dim for cs in f.tensorsig], dtype=int)) for f in fields]
    return [sum(sizes[:i]) for i in range(len(sizes))]


class RightSide:
    r"""f(X, t) = F(X, t) - L X of ``dt(X) + L.X = F`` on spectra.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        All-Fourier, on one rank, with one plain dt(…) in every equation.
    projections : sequence of (field, operand)
        Assignments after a step.
    compiled : bool, optional
        Whether kernels are compiled with numba; by default if it is installed.

    Raises
    ------
    Unsupported
        With what stands in the way.
    """

    def __init__(self, solver, projections=(), compiled=None):
        self.solver, problem = solver, solver.problem
        self.variables = list(solver.state)
        domains = {variable.domain for variable in self.variables}
        if len(domains) > 1:
            raise Unsupported("variables on different bases")
        self.space = Space(self.variables[0].domain, solver.dtype)
        if not self.space.is_real:
            raise Unsupported("complex problems")
        self.lowering = Lowering(
            self.variables, solver.dist, problem.time, lossless=self.space.mask is None
        )
        outputs = [None] * self.lowering.components
        for equation in problem.equations:
            if equation["condition"] != "True":
                raise Unsupported("equations with a condition")
            variable = self._advanced(equation)
            first = self.lowering.first_component[variable]
            rate = self._rate(equation)
            for i, value in enumerate(rate.ravel()):
                outputs[first + i] = value
        if any(value is None for value in outputs):
            raise Unsupported("constraint equations")
        projected = self._projected(projections)
        options = {"on_grid": self.space.mask is None, "compiled": compiled}
        self.on_grid = options["on_grid"]
        self.program = Program(self.lowering, self.space, outputs, **options)
        self.projection = None
        if projections:
            self.projection = Program(self.lowering, self.space, projected, **options)
        components = self.lowering.components
        self._forward = self.space.plan(components) if self.on_grid else None
        self.state_shape = (
            (components, *self.space.shape)
            if self.on_grid
            else (components, *self.space.spectral_shape)
        )
        self.state_dtype = np.float64 if self.on_grid else np.complex128
        self._constants = np.zeros(
            sum(int(np.prod([c.dim for c in f.tensorsig])) for f in self.lowering.constants) or 1
        )
        rows = sum(int(np.prod([c.dim for c in f.tensorsig])) for f in self.lowering.profiles)
        self._profiles = np.zeros((rows, self.space.points))

    def _advanced(self, equation):
        mass = equation["M"]
        if not hasattr(mass, "tensorsig"):
            raise Unsupported("constraint equations")
        value = self.lowering(_without_conversion(mass))
        for variable in self.variables:
            if value.shape == self.lowering(variable).shape and all(
                isinstance(a, Spectrum) and a.key == b.key
                for a, b in zip(value.ravel(), self.lowering(variable).ravel(), strict=True)
            ):
                return variable
        raise Unsupported("a left side other than dt(variable)")

    def _rate(self, equation):
        graph = self.lowering.graph
        shape = tuple(cs.dim for cs in equation["tensorsig"])
        rate = self.lowering(equation["RHS"])
        linear = equation["L"]
        if hasattr(linear, "tensorsig"):
            negative = [graph.multiply(-1, v) for v in self.lowering(linear).ravel()]
            rate = np.broadcast_to(rate, shape).ravel()
            rate = np.array(
                [graph.add(a, b) for a, b in zip(rate, negative, strict=True)], dtype=object
            )
        return np.broadcast_to(np.array(rate, dtype=object).reshape(shape if rate.size > 1 else ()),
                               shape)  # fmt: skip

    def _projected(self, projections):
        graph = self.lowering.graph
        outputs = [
            Spectrum({("state", i): graph.identity()}) for i in range(self.lowering.components)
        ]
        for variable, operand in projections:
            first = self.lowering.first_component[variable]
            for i, value in enumerate(self.lowering(operand).ravel()):
                outputs[first + i] = value
        return outputs

    def refresh(self):
        """Read constants and profiles again; True if a unit vector or zero has changed."""
        for (field, i), value in self.lowering.frozen.items():
            field.change_scales(1)
            if field["g"].reshape(-1)[i] != value:
                return True
        row = 0
        for field in self.lowering.profiles:
            field.change_scales(self.space.scales)
            data = field["g"].reshape(-1, self.space.points)
            rows = slice(row, row + data.shape[0])
            row += data.shape[0]
            if not np.array_equal(self._profiles[rows], data):
                # Only what its bases hold counts.
                field.require_coeff_space()
                self._profiles[rows] = field["g"].reshape(-1, self.space.points)
        return False

    def constants(self, time):
        """Values of the constant fields at a time."""
        i = 0
        for field in self.lowering.constants:
            if field is self.solver.problem.time:
                self._constants[i] = time
                i += 1
                continue
            field.change_scales(1)
            data = field["g"].ravel()
            self._constants[i : i + data.size] = data
            i += data.size
        return self._constants

    def transforms(self):
        """Numbers of scalars transformed (forward, back to the grid) in one evaluation."""
        levels = self.program.levels
        forward = sum(len(level.ahead_nodes) for level in levels)
        if self.on_grid:
            forward += self.lowering.components
        return forward, sum(len(level.inverse_spectra) for level in levels)

    def __call__(self, state, time, out):
        """out = f(state, time) of all components, on the grid or as spectra like the state."""
        self._run(self.program, state, time, out)

    def project(self, state, time, out):
        """out = the projected state."""
        self._run(self.projection, state, time, out)

    def _run(self, program, state, time, out):
        constants = self.constants(time)
        if not self.on_grid:
            program(state, self._profiles[:0], constants, self._profiles, out)
            return
        if program.levels:
            np.copyto(self._forward.grid, state)
            self._forward.forward()
        program(self._forward.spectra, _flat(state), constants, self._profiles, _flat(out))


def _without_conversion(expression):
    while isinstance(expression, (operators.Convert, operators.TimeDerivative)):
        expression = expression.original_args[0]
    return expression
