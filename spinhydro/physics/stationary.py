"""Ground states of coupled Gross-Pitaevskii equations, from the equations of a problem itself."""

from typing import NamedTuple

import numpy as np
from mpi4py import MPI

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.dedalus_support.solver import evaluated
from spinhydro.errors import InputError
from spinhydro.kernels.named import kernel
from spinhydro.physics.checks import check

#: Iterations after which the preconditioner follows the state.
_REFRESH = 20


class StationaryState(NamedTuple):
    """Result of `stationary_state`; the fields of the problem hold the state itself.

    Attributes
    ----------
    mu : float or per_member, or a tuple
        Chemical potential over hbar: H psi = mu psi; one for each component if each keeps its N.
    N : float or per_member, or a tuple
        Integral of the sum of |psi|^2 of all components, or of each.
    residual : float
        Root mean square of (H - mu) psi over that of psi, relative to the energies in H; the
        largest of all members.
    iterations : int
    """

    mu: object
    N: object
    residual: float
    iterations: int


def stationary_state(problem, N=None, mu=None, tolerance=1e-9, iterations=4000):
    r"""Relax the fields of a problem to their ground state, by its equations.

    .. math:: i \partial_t \psi_j = (H\psi)_j, \qquad H\psi = \mu\psi, \qquad
              \sum_j \int |\psi_j|^2 = N

    Any number of components, with any trap, coupling and interaction in the strings. All
    components are changed from the same state: preconditioned nonlinear conjugate gradients on the
    sphere of fixed N (Antoine, Levitt and Tang, J. Comput. Phys. 343, 92 (2017)). The fields hold
    the first guess: relative signs and textures that no gradient changes are kept.

    Parameters
    ----------
    problem : d3.IVP
        Of complex fields; dt(psi) = -1j*(…), 1j*dt(psi) = … or, in imaginary time, dt(psi) = -(…).
    N : float or per_member, optional
        Number of atoms of every member in the units of the fields; default: that of the guess. A
        tuple (N_a, N_b, …) keeps the number of each component, for mixtures without coupling.
    mu : float or per_member, optional
        Keep the chemical potential instead of N; a tuple: that of each component.
    tolerance : float
        Largest residual, see `StationaryState`.
    iterations : int
        At most.

    Returns
    -------
    StationaryState

    Raises
    ------
    InputError (ParameterError)
        For equations of another kind, a guess that is zero, or if the residual stays larger.

    Examples
    --------
    >>> a["g"], b["g"] = np.exp(-(x**2)), -np.exp(-(x**2))
    >>> found = spinhydro.ground_state(problem, N=10)
    >>> found.mu, found.residual
    >>> spinhydro.ground_state(problem, N=(7, 3)).mu
    """
    check(N is None or mu is None, "fix either N or mu", N=N, mu=mu)
    for one in N if isinstance(N, (tuple, list)) else (N,):
        check(one is None or one > 0, "the number of atoms must be positive", N=one)
    system = _System(problem, N if mu is None else mu)
    psi = system.state()
    atoms = system.norm(psi, psi)
    if not system.all(atoms > 0):
        raise InputError("the guess is zero: fill the fields before ground_state(problem, …)")
    if mu is None:
        psi = psi * np.sqrt((atoms if N is None else system.each(N)) / atoms)
    else:
        mu = system.each(mu)
    system.choose_time(psi)
    direction, old, trial = None, None, 0.1 + 0 * system.dot(psi, psi)
    for iteration in range(iterations + 1):
        H = system.hamiltonian(psi)
        atoms = system.norm(psi, psi)
        found = system.norm(psi, H) / atoms if mu is None else mu
        r = H - found * psi
        if iteration % _REFRESH == 0:
            scale = system.precondition(psi, H)
            direction = None
        residual = np.sqrt(system.dot(r, r) / system.dot(psi, psi)) / scale
        if not system.all(np.isfinite(residual)):
            raise InputError("the ground state did not converge: the equations are not finite")
        moves = residual > tolerance
        if system.all(~moves):
            break
        z = system.preconditioned(r)
        if mu is None:
            z = z - psi * (system.norm(psi, z) / atoms)
        if direction is None:
            direction = -z
        else:
            beta = np.maximum(0.0, system.dot(r - old[0], z) / old[1])
            direction = -z + beta * direction
        if mu is None:
            direction = direction - psi * (system.norm(psi, direction) / atoms)
        slope = system.dot(r, direction)
        direction = np.where(slope >= 0, -z, direction)
        size = system.dot(r, z)
        slope = np.where(slope >= 0, -size, slope)
        old = r, np.where(size == 0, 1.0, size)
        step, trial = system.line(psi, direction, slope, atoms, trial, mu)
        # Members that have converged stay.
        psi = system.moved(psi, direction, atoms, np.where(moves, step, 0.0), mu)
    system.write(psi)
    worst = system.largest(residual)
    if worst > tolerance:
        raise InputError(
            f"the ground state did not converge in {iterations} iterations (residual "
            f"{worst:.1e} of {tolerance:g}): take a better guess, or a larger tolerance"
        )
    return StationaryState(system.of_all(found + 0 * atoms), system.of_all(atoms), worst, iteration)


class _System:
    """The equations of a problem as a function of an array (components, …) of grid values.

    With members, which ranks do not share, numbers such as scalar products are arrays
    (1, members of this rank, 1, …); norms are (components, …) where `constraint`, the N or mu that
    is kept, is a tuple.
    """

    def __init__(self, problem, constraint=None):
        self.variables = [v for v in problem.variables]
        if not all(
            np.issubdtype(v.dtype, np.complexfloating) and not v.tensorsig for v in self.variables
        ):
            raise InputError(
                "ground_state(problem, …) takes complex scalar fields; spins are relaxed by damping"
            )
        self.comm = problem.dist.comm
        self.separate = isinstance(constraint, (tuple, list))
        if self.separate and len(constraint) != len(self.variables):
            raise InputError(
                f"{len(constraint)} values of N or mu for {len(self.variables)} components: give "
                "one for each, or one for all"
            )
        self.members = getattr(problem.dist, "member_axis", None)
        bases = [
            basis
            for axis, basis in enumerate(self.variables[0].domain.bases)
            if axis != self.members
        ]
        sizes = [basis.size for basis in bases]
        lengths = [basis.bounds[1] - basis.bounds[0] for basis in bases]
        self.cell = float(np.prod(np.array(lengths) / np.array(sizes)))
        self.k_max = max(np.pi * n / length for n, length in zip(sizes, lengths, strict=True))
        self.expressions = [None] * len(self.variables)
        for equation in problem.equations:
            places = [i for i, v in enumerate(self.variables) if _holds(equation["M"], v)]
            if len(places) != 1 or self.expressions[places[0]] is not None:
                raise InputError(
                    "ground_state(problem, …) takes one equation dt(psi) = … for each component"
                )
            self.expressions[places[0]] = equation
        self.factors = [None] * len(self.variables)
        self.phase, self.kinetic, self.smooth = 1j, None, None

    def state(self):
        return np.array([_resolved(v) for v in self.variables])

    def write(self, psi):
        for v, values in zip(self.variables, psi, strict=True):
            v.preset_scales(1)
            v["g"] = values

    def dot(self, a, b):
        """Integral of Re a* b over all components, of each member."""
        if self.members is None:
            return np.float64(self.total(a, b))
        axes = tuple(i for i in range(a.ndim) if i != self.members + 1)
        return (a.real * b.real + a.imag * b.imag).sum(axis=axes, keepdims=True) * self.cell

    def norm(self, a, b):
        """Integral of Re a* b over what keeps its number: all components, or each."""
        if not self.separate:
            return self.dot(a, b)
        each = [self.dot(p[None], q[None]) for p, q in zip(a, b, strict=True)]
        if self.members is None:
            return np.reshape(each, (-1, *[1] * (a.ndim - 1)))
        return np.concatenate(each)

    def total(self, a, b):
        """Integral of Re a* b over all components and members."""
        return self.comm.allreduce(float(np.vdot(a, b).real)) * self.cell

    def all(self, truths):
        """True if it is true for every member."""
        return bool(self.comm.allreduce(bool(np.all(truths)), op=MPI.LAND))

    def largest(self, values):
        """The largest of the values of all members."""
        return self.comm.allreduce(float(np.max(values, initial=-np.inf)), op=MPI.MAX)

    def each(self, value):
        """A number, or values of components or members of this rank, to multiply a state."""
        if self.separate and isinstance(value, (tuple, list)):
            rank = 1 + self.variables[0]["g"].ndim
            parts = [np.reshape(self.each(one), (1, -1, *[1] * (rank - 2))) for one in value]
            return np.concatenate(np.broadcast_arrays(*parts))
        return value.local()[None] if isinstance(value, PerMember) else float(value)

    def of_all(self, values):
        """The numbers of all members as one value, a number or per_member; a tuple of such."""
        if self.separate and np.ndim(values) > np.ndim(self.variables[0]["g"]):
            return tuple(self.of_all(one) for one in values)
        if self.members is None:
            return float(np.ravel(values)[0])
        return PerMember(np.concatenate([v.ravel() for v in self.comm.allgather(values)]))

    def rates(self, psi):
        """dpsi/dt at a state."""
        self.write(psi)
        found = np.empty_like(psi)
        for i, equation in enumerate(self.expressions):
            if self.factors[i] is None:
                self.factors[i] = self._factor(i, equation)
            self.write(psi)
            right = self._values(equation["F"])
            self.write(psi)
            found[i] = (right - self._values(equation["L"])) / self.factors[i]
        self.write(psi)
        return found

    def _values(self, expression):
        if isinstance(expression, (int, float, complex)):
            return expression
        return _resolved(evaluated(expression))

    def _factor(self, i, equation):
        """c of the left side c*dt(psi)."""
        before = _resolved(self.variables[i])
        values = self._values(equation["M"])
        overlap = self.comm.allreduce(np.vdot(before, values), op=MPI.SUM)
        return overlap / self.comm.allreduce(np.vdot(before, before), op=MPI.SUM)

    def choose_time(self, psi):
        """Real time, H psi = i dpsi/dt, or imaginary time, H psi = -dpsi/dt."""
        rates = self.rates(psi)
        overlap = self.overlap(psi, rates)
        size = np.sqrt(self.total(psi, psi) * self.total(rates, rates))
        if abs(overlap) <= 1e-3 * size:
            # H - mu may vanish on the guess, but not on a short wave.
            psi = psi + self._short_wave(psi, 0.1)
            overlap = self.overlap(psi, self.rates(psi))
        if abs(overlap.real) <= 1e-6 * abs(overlap.imag):
            self.phase = 1j
        elif abs(overlap.imag) <= 1e-6 * abs(overlap.real):
            self.phase = -1
        else:
            raise InputError(
                "these equations neither keep the number of atoms nor are they in imaginary time: "
                "a ground state is that of dt(psi) = -1j*(…)"
            )

    def overlap(self, a, b):
        """<a|b>, a complex number."""
        return complex(self.total(a, b), self.total(1j * a, b))

    def hamiltonian(self, psi):
        return self.phase * self.rates(psi)

    def precondition(self, psi, H):
        """Adapt the preconditioner to a state; returns the scale of the energies in H."""
        if self.kinetic is None:
            self.kinetic = self._kinetic_coefficient(psi, H)
        atoms = self.dot(psi, psi)
        k2 = kernel(lambda k: k**2, name="k^2")
        free = np.array([self._values(self.kinetic * k2(v)) for v in self._with(psi)])
        rest = H - free
        mean = self.dot(psi, rest) / atoms
        spread = np.sqrt(np.maximum(0.0, self.dot(rest, rest) / atoms - mean**2))
        motion = self.dot(psi, free) / atoms
        shift = motion + spread + 1e-12 * self.kinetic * self.k_max**2
        # One preconditioner serves all members.
        K, s = self.kinetic, self.largest(shift)
        self.smooth = kernel(lambda k: 1 / (s + K * k**2), name="preconditioner")
        return shift

    def _with(self, psi):
        self.write(psi)
        return self.variables

    def _short_wave(self, psi, size):
        """Random waves about half of the largest wavenumber, `size` times the norm of a state."""
        k = self.k_max / 2
        band = kernel(lambda q: np.exp(-((q - k) ** 2) / (2 * (k / 8) ** 2)), name="band")
        random = np.random.default_rng(self.comm.rank)
        wave = random.standard_normal(psi.shape) + 1j * random.standard_normal(psi.shape)
        wave = np.array([self._values(band(v)) for v in self._with(wave)])
        return wave * size * np.sqrt(self.total(psi, psi) / self.total(wave, wave))

    def _kinetic_coefficient(self, psi, H):
        """K of -K lap: how a short wave on the state changes H psi."""
        wave = self._short_wave(psi, 1e-4)
        change = self.hamiltonian(psi + wave) - H
        k2 = kernel(lambda q: q**2, name="k^2")
        curved = np.array([self._values(k2(v)) for v in self._with(wave)])
        return max(self.total(curved, change) / self.total(curved, curved), 1e-12)

    def preconditioned(self, r):
        return np.array([self._values(self.smooth(v)) for v in self._with(r)])

    def moved(self, psi, direction, atoms, step, mu):
        if mu is not None:
            return psi + step * direction
        length = np.sqrt(self.norm(direction, direction) / atoms)
        turn = np.sin(step * length) / np.maximum(length, 1e-300)
        return np.cos(step * length) * psi + turn * direction

    def line(self, psi, direction, slope, atoms, trial, mu):
        """Step to the zero of the slope along a direction, by the secant of one trial."""
        length = np.sqrt(self.norm(direction, direction) / atoms)
        longest = length.max(axis=0, keepdims=True) if self.separate else length
        longest = np.reshape(longest, np.shape(trial))
        trial = np.minimum(trial, 0.5 / np.maximum(longest, 1e-300))
        step = np.full_like(trial, np.nan)
        for _ in range(20):
            there = self.moved(psi, direction, atoms, trial, mu)
            H = self.hamiltonian(there)
            found = self.norm(there, H) / atoms if mu is None else mu
            tangent = direction
            if mu is None:
                angle = trial * length
                tangent = np.cos(angle) * direction - np.sin(angle) * length * psi
            new = self.dot(H - found * there, tangent)
            rises = new > slope
            secant = trial * slope / np.where(rises, slope - new, 1.0)
            step = np.where(np.isnan(step) & rises, np.minimum(secant, 4 * trial), step)
            if self.all(np.isfinite(step)):
                break
            change = np.where(trial * longest < 0.25, 2.0, 0.5)
            trial = np.where(np.isnan(step), trial * change, trial)
        step = np.where(np.isnan(step), trial, step)
        return step, np.clip(step, 1e-8, 1e3)


def _resolved(field):
    """Grid values of a field without what its basis drops, such as the Nyquist mode."""
    field.require_coeff_space()
    field.change_scales(1)
    return field["g"].copy()


def _holds(expression, variable):
    return not isinstance(expression, (int, float, complex)) and expression.has(variable)
