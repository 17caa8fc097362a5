"""Classical Runge-Kutta on the fused right-hand side, as a time stepper of Dedalus."""

from contextlib import contextmanager

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.left_side import frozen_coefficients
from spinhydro.dedalus_support.memory import give_back, parts, rest_temporaries
from spinhydro.dedalus_support.solver import no_stored_outputs, release_rates, settle
from spinhydro.engines.fused.program.right_side import RightSide
from spinhydro.engines.fused.read.lower import count
from spinhydro.engines.fused.step import choose as compiled_step
from spinhydro.errors import InputError, Unsupported
from spinhydro.steppers.records import copy_into
from spinhydro.steppers.rk4 import RK4

#: Largest relative difference to Dedalus's own right-hand side that is taken for rounding.
TOLERANCE = 1e-11


class FusedRK4:
    r"""The scheme of ``spinhydro.RK4`` with the right-hand side compiled from its strings.

    ``problem.build_solver(FusedRK4)`` gives the numbers of ``problem.build_solver(RK4)`` to
    rounding. The state is kept apart from the fields of the solver between steps; they are
    brought up to date after every step, or, with ``lazy = True``, when `synchronise` is called.
    Fields that a script changes between steps are read again (unless lazy).

    Parameters
    ----------
    solver : d3.InitialValueSolver
    projections : sequence of (field, operand)
        Assignments after every step.
    compiled : bool
        Compile the step; otherwise it consists of NumPy calls. Compiling takes 0.1 to 0.5 s once,
        and the code is then found on disk.

    Raises
    ------
    Unsupported
        If the problem holds something that cannot be fused.
    """

    steps = 1
    stages = 4
    linear_apart = False
    native = None

    def __init__(self, solver, projections=(), compiled=True):
        self.solver = solver
        self._compiled = compiled
        self._options = {"projections": projections, "linear_apart": self.linear_apart}
        self.lazy = False
        self._build()
        frozen_coefficients(solver).on_change = self._build_again

    def _build(self):
        if self.native:
            self.native.release()
        self._make_right_side()
        self._allocate(self._compiled or self._must_compile)
        self._exchange = self.right_side.space.plan(1)
        self.read_again()

    def _build_again(self):
        """Read the left side anew, after its matrices have been built again."""
        if self._shown is not None:
            self.synchronise()
        self._build()

    def _make_right_side(self):
        # The compiled step has its own loops.
        self.right_side = RightSide(self.solver, compiled=False, **self._options)
        if self._compiled and not compiled_step.is_possible(self.right_side):
            # Ranks on several machines, or neighbours beside transforms.
            self.right_side = RightSide(self.solver, compiled=True, **self._options)

    def _make_native(self):
        return compiled_step.make(self.right_side)

    def _allocate(self, compiled):
        """Arrays of the state and of a step, and with `compiled` the compiled step."""
        self.native = None
        if compiled and compiled_step.is_possible(self.right_side):
            self.native = self._make_native()
            self.state, self._rate = self.native.state, self.native.rate
            return
        if compiled:
            self._check_reachable()
        shape, dtype = self.right_side.state_shape, self.right_side.state_dtype
        self.state, self._stage, self._rate, self._total = (
            np.zeros(shape, dtype) for _ in range(4)
        )

    @property
    def _must_compile(self):
        """Whether only compiled steps know of the neighbours on other ranks."""
        right_side = self.right_side
        return right_side.space.slabs is not None and right_side.lowering.graph.has_neighbours

    def _check_reachable(self):
        if self._must_compile:
            raise Unsupported("neighbours on other ranks beside transforms")

    def step(self, timestep, wall_time):
        """Advance the solver's state by one step."""
        solver = self.solver
        time = solver.sim_time
        self._evaluate_handlers(timestep, wall_time)
        self._read_fields()
        self.right_side.draw(int(solver.iteration), timestep)
        if self.native:
            self.native.step(time, timestep)
        else:
            self._advance(time, timestep)
            self.state, self._total = self._total, self.state
            self._project(time + timestep)
        self._current = False
        solver.sim_time = time + timestep
        if not self.lazy:
            self.synchronise()

    @property
    def runs_ahead(self):
        """Whether several steps may be one call of `run_ahead` now."""
        known = self.lazy and self._shown is not None
        return known and self.native is not None and self.native.runs_ahead

    def run_ahead(self, timestep, number):
        """Steps that nobody looks between, in the place of as many of ``solver.step``.

        Only if this `runs_ahead`: handlers are not looked at.
        """
        solver = self.solver
        time = solver.sim_time
        self._read_fields()
        self.native.step(time, timestep, number)
        self._current = False
        solver.iteration += number
        solver.dt, solver.sim_time = timestep, time + number * timestep

    def _project(self, time):
        """Make the assignments after a step."""
        if not self.right_side.projection:
            return
        if self.native:
            self.native.project(time)
            return
        self.right_side.project(self.state, time, self._total)
        self.state, self._total = self._total, self.state

    def _evaluate(self, time):
        """rate = the right-hand side at the state."""
        if self.native:
            self.native.evaluate(time)
        else:
            self.right_side(self.state, time, self._rate)

    def _advance(self, time, timestep):
        """total = the state after one step of the scheme."""
        right_side = self.right_side
        stage, rate, total = self._stage, self._rate, self._total
        np.copyto(stage, self.state)
        np.copyto(total, self.state)
        for node, weight, ahead in ((0, 1, 0.5), (0.5, 2, 0.5), (0.5, 2, 1), (1, 1, None)):
            right_side(stage, time + node * timestep, rate)
            if ahead is not None:
                np.multiply(rate, ahead * timestep, out=stage)
                stage += self.state
            rate *= weight * timestep / 6
            total += rate

    # Derivatives of the right-hand side, for the stability limit.

    def differentiate(self, vector, choose_step):
        """vector = how the rates at the fields' state change along it.

        By one-sided differences: the rates at the fields' state are computed once, and kept until
        `read_again`.

        Parameters
        ----------
        vector : array
        choose_step : callable(vector)
            How far to go along it, from the state.
        """
        time = self.solver.sim_time
        if self._rate_before is None:
            self.read_again()
            self._read_fields()
            self._evaluate(time)
            self._rate_before = self._as_reals(self._rate).copy()
        state, rate = self._as_reals(self.state), self._as_reals(self._rate)
        # One-sided differences are of first order: a shorter step than for those of both sides.
        step = choose_step(state) / 100
        for a, b in parts(state, vector):
            a += step * b
        self._evaluate(time)
        for a, b, c, d in parts(state, vector, rate, self._rate_before):
            a -= step * b
            np.subtract(c, d, out=b)
            b *= 1 / step

    def noise(self, random):
        """A random state: what the bases hold of noise on the grid."""
        found, grid = np.empty_like(self.state), self._exchange.grid
        for row in range(len(found)):
            _fill_with_noise(grid, random)
            if self.right_side.on_grid:
                found[row] = grid[0]
                continue
            self._exchange.forward()
            found[row] = self._exchange.spectra[0]
        self.rest()
        return self._as_reals(found)

    @staticmethod
    def _as_reals(values):
        """A view as a vector of real numbers."""
        return values.reshape(-1).view(values.real.dtype)

    def state_record(self):
        """Return what the next step depends on (see ``spinhydro.steppers.records``)."""
        if self._shown is None:
            # The state is still in the fields alone.
            return {}
        return {"state": self.state.copy(), "compiled": np.array(self._is_compiled)}

    def restore(self, record):
        """Continue from a record of `state_record`."""
        if "state" not in record:
            self.read_again()
            return
        self.read_again()
        self._read_fields()
        if bool(record["compiled"]) and not self._is_compiled:
            self._compiled = True
            self._allocate(True)
        copy_into(self.state, record, "state")
        self._current = False
        self.synchronise()

    @property
    def _is_compiled(self):
        return self.native is not None

    def is_finite(self):
        """Whether the state is finite, without a look at the fields."""
        return bool(np.isfinite(np.sum(self.state)))

    def read_again(self):
        """Take the state from the fields at the next step, also when `lazy`."""
        self._shown, self._current, self._rate_before = None, False, None

    def synchronise(self):
        """Bring the fields of the solver up to date."""
        if self._current:
            return
        space = self.right_side.space
        if self.lazy:
            self.rest()
        for variable, rows in self._rows():
            variable.preset_scales(space.scales)
            target = variable["g"].reshape(-1, *space.shape_of_fields)
            for row, values in zip(range(rows.start, rows.stop), target, strict=True):
                np.copyto(values, space.to_fields(self._row_on_grid(self.state, row))[0])
        self._current = True
        self._note_shown()
        if self.lazy:
            self._exchange.rest()

    def _note_shown(self):
        """Remember what the fields hold; under `lazy` only that they have been looked at."""
        if self.lazy:
            self._shown = []
        else:
            self._shown = [variable.data.copy() for variable in self.solver.state]

    def _read_fields(self):
        """Take over what is in the fields, if anybody has changed them since the last step."""
        if self.lazy and self._shown is not None:
            return
        if self.right_side.refresh() or (self.native and not self.native.is_current()):
            self._build()
            self.right_side.refresh()
        if self._shown is not None and self._untouched():
            return
        for variable in self.solver.state:
            variable.change_scales(self.right_side.space.scales)
            variable.require_grid_space()
        if self.lazy:
            rest_temporaries()
        for row, values in self._rows_of_fields():
            np.copyto(self.state[row], values)
        if self.lazy:
            self._exchange.rest()
        self._note_shown()

    def _rows_of_fields(self):
        """(row, values) of every component of the fields, in the form of the state."""
        exchange = self._exchange
        for variable, rows in self._rows():
            components = self._values(variable)
            for row, values in zip(range(rows.start, rows.stop), components, strict=True):
                if self.right_side.on_grid:
                    yield row, values
                    continue
                np.copyto(exchange.grid[0], values)
                exchange.forward()
                yield row, exchange.spectra[0]

    def _rows(self):
        """Every variable, and its rows among the components of the state."""
        row = 0
        for variable in self.solver.state:
            yield variable, slice(row, row + count(variable))
            row += count(variable)

    def _values(self, field):
        """Grid values of a field, component by component."""
        space = self.right_side.space
        field.change_scales(space.scales)
        return space.from_fields(field["g"])

    def _row_on_grid(self, values, row):
        """Grid values (1, …) of one component of a state or a rate, until the next is asked for."""
        if self.right_side.on_grid:
            return values[row : row + 1]
        np.copyto(self._exchange.spectra[0], values[row])
        self._exchange.backward()
        return self._exchange.grid

    def _untouched(self):
        same = all(
            variable.layout is self.solver.dist.grid_layout
            and variable.data.shape == shown.shape
            and np.array_equal(variable.data, shown)
            for variable, shown in zip(self.solver.state, self._shown, strict=True)
        )
        # What follows is done by all ranks or by none.
        return not self.right_side.space.anywhere(not same)

    def _evaluate_handlers(self, timestep, wall_time):
        """Whatever a script has scheduled; Dedalus's own right-hand side is not evaluated."""
        evaluator = self.solver.evaluator
        schedule = {
            "iteration": self.solver.iteration,
            "wall_time": wall_time,
            "sim_time": self.solver.sim_time,
            "timestep": timestep,
        }
        mine = evaluator.groups["F"]
        due = [h for h in evaluator.handlers if h not in mine and h.check_schedule(**schedule)]
        if due:
            if self._shown is not None:
                self.synchronise()
            evaluator.evaluate_handlers(due, **schedule)

    def check(self):
        """Compare the fused right-hand side with Dedalus's.

        At the present state, and at that state with noise on it (a uniform state would hide an
        error in a derivative).

        Returns
        -------
        float
            Largest difference relative to the largest rate; where that is more than rounding
            explains, relative to how fast the rates change with the state (see `_condition`).

        Raises
        ------
        InputError
            If they differ by more than rounding.
        Unsupported
            If that is how Dedalus treats products with fields on the left side.
        """
        solver, worst, lazy = self.solver, 0.0, self.lazy
        # Nobody else looks at the fields meanwhile.
        self.lazy = True
        try:
            with no_stored_outputs(solver.problem):
                for noise in (0.1, 0.0):
                    worst = max(worst, *self._differences(noise))
        finally:
            self.lazy, self._shown, self._current = lazy, None, False
            self.rest()
        # All ranks decide alike.
        worst = solver.dist.comm.allreduce(worst, op=MPI.MAX)
        if not worst <= TOLERANCE:
            if self.right_side.linear_has_products:
                raise Unsupported(
                    "products with profiles on the left side, where Dedalus has no dealiasing "
                    f"(different by {worst:.0e})"
                )
            raise InputError(
                f"the fused engine and Dedalus disagree on the right side by {worst:.1e}: run with "
                "--engine dedalus, and please report the problem file"
            )
        return worst

    def _differences(self, noise):
        """Differences to Dedalus, each of a different kind, with this much noise on the state.

        In an order that never has more than a few arrays of the size of the state at once.
        """
        with self._disturbed(noise):
            self._settle()
            rates = self._stock_rates()
            self._take_fields()
        # The fields are themselves again, and no copy of them is left.
        rest_temporaries()
        self._exchange.rest()
        self._evaluate(self.solver.sim_time + noise)
        self.rest(keep_rate=True)
        sizes = self._compare(rates)
        if relative(sizes, self.solver.dist.comm) > TOLERANCE:
            sizes[0] = max(sizes[0], self._condition(noise))
        release_rates(self.solver)
        self.rest()
        give_back(self.state)
        yield relative(sizes, self.solver.dist.comm)

    @contextmanager
    def _disturbed(self, noise):
        """Let the fields hold the state with noise on it, at another time, for a while."""
        solver, time = self.solver, self.solver.sim_time
        kept = [variable["c"].copy() for variable in solver.state]
        random = np.random.default_rng(0)
        try:
            if noise:
                for variable in solver.state:
                    variable.change_scales(1)
                    _add_noise(variable["g"], noise, random)
                    # The state is what the bases hold.
                    variable.require_coeff_space()
            solver.sim_time = time + noise
            yield
        finally:
            for variable, coefficients in zip(solver.state, kept, strict=True):
                variable["c"] = coefficients
            solver.sim_time = time

    def _settle(self):
        settle(self.right_side.lowering.profiles)

    def _take_fields(self):
        """Read the state from the fields, whatever it was before."""
        self._shown = None
        self._read_fields()

    def _compare(self, rates):
        """[largest of Dedalus's rates, largest difference of the present rates to them]."""
        sizes, rates = [], [self._values(held) for held in rates]
        rest_temporaries()
        for (_, rows), values in zip(self._rows(), rates, strict=True):
            for row, theirs in zip(range(rows.start, rows.stop), values, strict=True):
                sizes.append(compare(self._row_on_grid(self._rate, row)[0], theirs))
        return np.max(sizes, axis=0)

    def _stock_rates(self):
        """Fields with F - L X (with F, if L is apart) of the state, as Dedalus evaluates them."""
        solver, right_side = self.solver, self.right_side
        if right_side.linear_has_products:
            return self._rates_by_matrices()
        solver.evaluator.require_coeff_space(solver.state)
        solver.evaluator.evaluate_group("F")
        rates, equations = [], solver.problem.eqs
        for variable in solver.state:
            equation = right_side.equations[variable]
            rate = solver.F[equations.index(equation)]
            left = right_side.left_sides[variable]
            if not self.linear_apart and hasattr(left, "tensorsig"):
                linear = self._held(left.evaluate())
                self._held(rate)
                rate.data -= linear.data
            rates.append(rate)
        return rates

    def _held(self, field):
        """A field on the grid, with what the bases hold of it."""
        field.require_coeff_space()
        field.change_scales(self.right_side.space.scales)
        field.require_grid_space()
        return field

    def _rates_by_matrices(self):
        """The same with the matrices of Dedalus, which treats products in L otherwise."""
        solver, stock = self.solver, RK4(self.solver)
        solver.evaluator.require_coeff_space(solver.state)
        start = [variable.data.copy() for variable in solver.state]
        for sp in stock.subproblems:
            sp.gather_inputs(solver.state, out=stock.stage.get_subdata(sp))
        solver.evaluator.evaluate_group("F")
        stock._compute_rate()
        stock._scatter(stock.rate)
        rates = [variable.copy() for variable in solver.state]
        for variable, coefficients in zip(solver.state, start, strict=True):
            variable["c"] = coefficients
        return rates

    def _condition(self, noise):
        """Largest change of Dedalus's rates per relative change of state and profiles, |dF/dX . X|.

        Rounding errors of the rates are as large as those of the terms that they are sums of.
        Near a state of rest, where the terms cancel, that is far above the rates themselves: what
        the terms amount to shows when every value of the state and of the profiles is changed,
        each by another part in 1e8.
        """
        part, random, changes = 1e-8, np.random.default_rng(1), []
        with self._disturbed(noise):
            self._settle()
            fields = [*self.solver.state, *self.right_side.lowering.profiles]
            start = [field["c"].copy() for field in fields]
            self._settle()
            rates = [field.copy() for field in self._stock_rates()]
            for field, coefficients in zip(fields, start, strict=True):
                field["c"] = coefficients
                field.change_scales(1)
                grid = field["g"]
                grid *= 1 + part * random.uniform(-1, 1, grid.shape)
            self._settle()
            for before, changed in zip(rates, self._stock_rates(), strict=True):
                changes.append(compare(self._held(changed).data, self._held(before).data)[1])
            for field, coefficients in zip(fields, start, strict=True):
                field["c"] = coefficients
        largest = float(np.max(changes)) / part
        return largest if np.isfinite(largest) else 0.0

    def rest(self, keep_rate=False):
        """Let the memory go that is only needed while the state is advanced."""
        if self.native:
            self.native.rest(keep_rate)
        else:
            give_back(self._stage, self._total)
            if not keep_rate:
                give_back(self._rate)
        self.right_side.rest()
        self._exchange.rest()
        rest_temporaries()


def _fill_with_noise(grid, random):
    for (part,) in parts(grid):
        part[...] = random.standard_normal(part.shape)
        if np.iscomplexobj(part):
            part += 1j * random.standard_normal(part.shape)


def _add_noise(grid, noise, random):
    size = noise * (1 + max(np.abs(part).max() for (part,) in parts(grid)))
    for (part,) in parts(grid):
        part += size * random.standard_normal(part.shape)
        if np.iscomplexobj(part):
            part += 1j * size * random.standard_normal(part.shape)


def compare(ours, theirs):
    """[largest of their values, largest difference], without large temporaries."""
    sizes = np.zeros(2)
    for a, b in parts(ours, theirs):
        # A NaN stays, whatever comes after it.
        sizes = np.maximum(sizes, [np.abs(b).max(), np.abs(a - b).max()])
    return sizes


def relative(sizes, comm):
    """Largest difference of all ranks relative to the largest value, from [value, difference].

    0 where there is nothing to compare.
    """
    largest, difference = largest_of_ranks(sizes, comm)
    return float(difference / (largest or 1.0)) if np.isfinite(largest) else 0.0


def largest_of_ranks(sizes, comm):
    """The largest of each of some numbers on all ranks; infinite where it is not a number."""
    # MPI's maximum forgets NaN.
    return np.max(comm.allgather(np.where(np.isnan(sizes), np.inf, sizes)), axis=0)
