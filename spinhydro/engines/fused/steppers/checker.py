"""Comparison of a fused right-hand side with Dedalus's, at the start of every run."""

from contextlib import contextmanager

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.components import count
from spinhydro.dedalus_support.memory import advise_free, free_temporaries, parts
from spinhydro.dedalus_support.solver import (
    drop_rates,
    is_costly,
    is_pointwise,
    no_stored_outputs,
    to_dealias_grid,
)
from spinhydro.errors import InputError, Unsupported
from spinhydro.steppers.rk4 import RK4

#: Largest relative difference to Dedalus's own right-hand side that counts as rounding.
TOLERANCE = 1e-11


class Checker:
    """Compare the rates of a fused stepper with Dedalus's.

    Parameters
    ----------
    stepper : FusedRK4
    """

    def __init__(self, stepper):
        self.stepper, self.solver = stepper, stepper.solver
        #: Whether finite rates have been compared.
        self._has_compared = False
        self._is_pointwise = is_pointwise(self.solver.problem)

    @property
    def right_side(self):
        """Return the stepper's right-hand side, which may be built anew."""
        return self.stepper.right_side

    @property
    def fields(self):
        """Return the stepper's synchroniser of fields."""
        return self.stepper.fields

    def check(self):
        """Return the largest relative difference; see `FusedRK4.check`."""
        stepper, worst = self.stepper, 0.0
        with no_stored_outputs(self.solver.problem):
            for noise in (0.1, 0.0):
                if self._has_compared and self._is_costly:
                    break
                worst = max(worst, *stepper.differences(self, noise))
        # All ranks decide alike.
        worst = self.solver.dist.comm.allreduce(worst, op=MPI.MAX)
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

    @property
    def _is_costly(self):
        """Return whether the state with noise on it is enough; the same on all ranks."""
        return self.right_side.space.anywhere(any(map(is_costly, self.solver.state)))

    def rates(self, noise):
        """Yield differences to Dedalus of different kinds, with this much noise on the state.

        The order keeps only a few arrays of the size of the state in memory at once.
        """
        with self.disturbed(noise):
            self.take_fields()
            if noise:
                yield from self.stepper.differences_of_fields(self)
            rates = self._stock_rates()
        # The fields hold the state again, and no copy of them is left.
        free_temporaries()
        self.fields.exchange.free_scratch()
        self.stepper.evaluate_rate(self.solver.sim_time + noise)
        self.stepper.free_scratch(keep_rate=True)
        sizes = self._compare(rates)
        if relative(sizes, self.solver.dist.comm) > TOLERANCE:
            sizes[0] = max(sizes[0], self._condition(noise))
        drop_rates(self.solver)
        self.stepper.free_scratch()
        advise_free(self.stepper.state)
        difference = relative(sizes, self.solver.dist.comm)
        self._has_compared = 0 < largest_of_ranks(sizes, self.solver.dist.comm)[0] < np.inf
        yield difference

    @contextmanager
    def disturbed(self, noise):
        """Context in which the fields hold the state plus noise, at a later time."""
        solver, time = self.solver, self.solver.sim_time
        kept = [variable["c"].copy() for variable in solver.state]
        random = np.random.default_rng(0)
        try:
            if noise:
                for variable in solver.state:
                    self._add_noise(variable, noise, random)
            solver.sim_time = time + noise
            yield
        finally:
            for variable, coefficients in zip(solver.state, kept, strict=True):
                variable["c"] = coefficients
            solver.sim_time = time

    def _add_noise(self, variable, noise, random):
        """Add white noise to a variable, truncated to the modes of its bases."""
        space = self.right_side.space
        if not self.fields.has_coefficients(variable):
            variable.change_scales(1)
            _add_noise_on_grid(variable["g"], noise, random)
            variable.require_coeff_space()
            return
        # Without a transform: the spectrum of white noise is white.
        spectrum = self.fields.exchange.spectra[0]
        number = count(variable) * space.points // space.points_of_member
        size = noise * (1 + np.linalg.norm(variable.data) / np.sqrt(number))
        # A field that depends on no axis of space has a single mode.
        bases = [variable.domain.full_bases[axis] for axis in space.axes]
        modes = space.points_of_member if any(bases) else 1
        for component in range(count(variable)):
            values = spectrum.view(float)
            random.random(out=values)
            values -= 0.5
            values *= size * np.sqrt(12 / modes)
            self.fields.add_spectrum(spectrum, variable, component)

    def take_fields(self):
        """Read the state from the fields, whatever it was before."""
        self.stepper.read_again()
        self.stepper.read_fields()

    def _compare(self, rates):
        """Return [largest of Dedalus's rates, largest difference of the present rates to them].

        Root mean squares of each component.
        """
        sizes = []
        for stated, held in zip(self.right_side.stated, rates, strict=True):
            ours = self.stepper.rate[stated.rows]
            if self.right_side.on_grid:
                pairs = zip(ours, self.fields.values(held), strict=True)
                sizes += [compare(*pair) for pair in pairs]
                continue
            for row, theirs in zip(ours, self.fields.spectra(held), strict=True):
                sizes.append(self._compare_spectra(row, theirs))
        return np.max(sizes, axis=0)

    def _compare_spectra(self, ours, theirs):
        """Return [norm of theirs, norm of the difference]; `theirs` is overwritten."""
        norm = self.right_side.space.norm
        size = norm(theirs)
        theirs -= ours
        return np.array([size, norm(theirs)])

    def _stock_rates(self):
        """Return fields with Dedalus's F - L X of the state (F if L is treated separately).

        One for each equation, in the order of `right_side.stated`.
        """
        solver, right_side = self.solver, self.right_side
        to_dealias_grid(right_side.lowering.profiles)
        if right_side.linear_has_products:
            return self._rates_by_matrices()
        solver.evaluator.require_coeff_space(solver.state)
        if self._is_pointwise:
            to_dealias_grid(solver.state)
        solver.evaluator.evaluate_group("F")
        rates = []
        for stated in right_side.stated:
            rate = solver.F[stated.place]
            if stated.factor != 1:
                rate.data *= 1 / stated.factor
            if not self.stepper.linear_apart and hasattr(stated.linear, "tensorsig"):
                self._subtract(rate, stated.linear.evaluate())
            rates.append(rate)
        return rates

    def _subtract(self, rate, linear):
        if linear.domain is rate.domain:
            for field in (rate, linear):
                field.require_coeff_space()
        else:
            self.held(rate), self.held(linear)
        rate.data -= linear.data

    def held(self, field):
        """Return a field on the grid, truncated to the modes of its bases."""
        field.require_coeff_space()
        field.change_scales(self.right_side.space.scales)
        field.require_grid_space()
        return field

    def _rates_by_matrices(self):
        """Rates from Dedalus's matrices, which do not dealias products in L."""
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
        """Return the condition of Dedalus's rates, |dF/dX . X|.

        It is the largest change of the rates per relative change of the state, the profiles and the
        time. Rounding errors of the rates are as large as those of the terms that they are sums of.
        Near a state of rest, where the terms cancel, these are far larger than the rates. Changing
        every value of the state and of the profiles by a different part in 1e8 measures the terms;
        at the time 0, where drives may cancel, the time changes by 1e-8.
        """
        part, random, changes = 1e-8, np.random.default_rng(1), []
        with self.disturbed(noise):
            fields = [*self.solver.state, *self.right_side.lowering.profiles]
            start = [field["c"].copy() for field in fields]
            rates = [field.copy() for field in self._stock_rates()]
            for field, coefficients in zip(fields, start, strict=True):
                field["c"] = coefficients
                field.change_scales(1)
                grid = field["g"]
                grid *= 1 + part * random.uniform(-1, 1, grid.shape)
            self.solver.sim_time += part * max(1.0, abs(self.solver.sim_time))
            for before, changed in zip(rates, self._stock_rates(), strict=True):
                changes.append(compare(self.held(changed).data, self.held(before).data)[1])
            for field, coefficients in zip(fields, start, strict=True):
                field["c"] = coefficients
        largest = float(np.max(changes)) / part
        return largest if np.isfinite(largest) else 0.0


def _add_noise_on_grid(grid, noise, random):
    size = noise * (1 + max((np.abs(part).max(initial=0) for (part,) in parts(grid)), default=0))
    for (part,) in parts(grid):
        part += size * random.standard_normal(part.shape)
        if np.iscomplexobj(part):
            part += 1j * size * random.standard_normal(part.shape)


def compare(ours, theirs):
    """Return root mean squares [of theirs, of the difference], without large temporaries."""
    sizes = np.zeros(2)
    for a, b in parts(ours, theirs):
        # A NaN stays.
        sizes += [np.vdot(values, values).real for values in (b, a - b)]
    return np.sqrt(sizes / max(1, ours.size))


def relative(sizes, comm):
    """Return the largest difference of all ranks over the largest value, from [value, difference].

    0 where there is nothing to compare.
    """
    largest, difference = largest_of_ranks(sizes, comm)
    return float(difference / (largest or 1.0)) if np.isfinite(largest) else 0.0


def largest_of_ranks(sizes, comm):
    """Return the elementwise maximum over all ranks; infinite in place of NaN."""
    # MPI's maximum ignores NaN.
    return np.max(comm.allgather(np.where(np.isnan(sizes), np.inf, sizes)), axis=0)
