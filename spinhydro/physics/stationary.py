"""Ground states of coupled Gross-Pitaevskii equations, from the equations of a problem itself."""

from typing import NamedTuple

import numpy as np
from mpi4py import MPI

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
    mu : float
        Chemical potential over hbar: H psi = mu psi.
    N : float
        Integral of the sum of |psi|^2 of all components.
    residual : float
        Root mean square of (H - mu) psi over that of psi, relative to the energies in H.
    iterations : int
    """

    mu: float
    N: float
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
    N : float, optional
        Number of atoms in the units of the fields; default: that of the guess.
    mu : float, optional
        Keep the chemical potential instead of N.
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
    """
    check(N is None or mu is None, "fix either N or mu", N=N, mu=mu)
    check(N is None or N > 0, "the number of atoms must be positive", N=N)
    system = _System(problem)
    psi = system.state()
    atoms = system.dot(psi, psi)
    if not atoms > 0:
        raise InputError("the guess is zero: fill the fields before ground_state(problem, …)")
    wanted = atoms if N is None else float(N)
    if mu is None:
        psi = psi * np.sqrt(wanted / atoms)
    system.choose_time(psi)
    step, direction, old, trial = None, None, None, 0.1
    for iteration in range(iterations + 1):
        H = system.hamiltonian(psi)
        atoms = system.dot(psi, psi)
        found = system.dot(psi, H) / atoms if mu is None else mu
        r = H - found * psi
        if iteration % _REFRESH == 0:
            scale = system.precondition(psi, H, atoms)
            direction = None
        residual = np.sqrt(system.dot(r, r) / atoms) / scale
        if not np.isfinite(residual):
            raise InputError("the ground state did not converge: the equations are not finite")
        if residual <= tolerance:
            break
        z = system.preconditioned(r)
        if mu is None:
            z = z - psi * (system.dot(psi, z) / atoms)
        if direction is None:
            direction = -z
        else:
            beta = max(0.0, system.dot(r - old[0], z) / old[1])
            direction = -z + beta * direction
        if mu is None:
            direction = direction - psi * (system.dot(psi, direction) / atoms)
        slope = system.dot(r, direction)
        if slope >= 0:
            direction, slope = -z, -system.dot(r, z)
        old = r, system.dot(r, z)
        step, trial = system.line(psi, direction, slope, atoms, trial, mu)
        psi = system.moved(psi, direction, atoms, step, mu)
    system.write(psi)
    if residual > tolerance:
        raise InputError(
            f"the ground state did not converge in {iterations} iterations (residual "
            f"{residual:.1e} of {tolerance:g}): take a better guess, or a larger tolerance"
        )
    return StationaryState(float(found), float(atoms), float(residual), iteration)


class _System:
    """The equations of a problem as a function of an array (components, …) of grid values."""

    def __init__(self, problem):
        self.variables = [v for v in problem.variables]
        if not all(
            np.issubdtype(v.dtype, np.complexfloating) and not v.tensorsig for v in self.variables
        ):
            raise InputError(
                "ground_state(problem, …) takes complex scalar fields; spins are relaxed by damping"
            )
        self.dist, self.dtype = problem.dist, self.variables[0].dtype
        self.comm = problem.dist.comm
        domain = self.variables[0].domain
        sizes = [basis.size for basis in domain.bases]
        lengths = [basis.bounds[1] - basis.bounds[0] for basis in domain.bases]
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
        self.phase, self.kinetic, self.shift, self.smooth = 1j, None, None, None

    def state(self):
        for v in self.variables:
            v.change_scales(1)
        return np.array([v["g"].copy() for v in self.variables])

    def write(self, psi):
        for v, values in zip(self.variables, psi, strict=True):
            v.preset_scales(1)
            v["g"] = values

    def dot(self, a, b):
        return self.comm.allreduce(float(np.vdot(a, b).real)) * self.cell

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
        values = evaluated(expression)
        values.change_scales(1)
        return values["g"].copy()

    def _factor(self, i, equation):
        """c of the left side c*dt(psi)."""
        before = self.variables[i]["g"].copy()
        values = self._values(equation["M"])
        overlap = self.comm.allreduce(np.vdot(before, values), op=MPI.SUM)
        return overlap / self.comm.allreduce(np.vdot(before, before), op=MPI.SUM)

    def choose_time(self, psi):
        """Real time, H psi = i dpsi/dt, or imaginary time, H psi = -dpsi/dt."""
        rates = self.rates(psi)
        real, imaginary = self.dot(psi, rates), self.dot(1j * psi, rates)
        if abs(real) <= 1e-6 * abs(imaginary):
            self.phase = 1j
        elif abs(imaginary) <= 1e-6 * abs(real):
            self.phase = -1
        else:
            raise InputError(
                "these equations neither keep the number of atoms nor are they in imaginary time: "
                "a ground state is that of dt(psi) = -1j*(…)"
            )

    def hamiltonian(self, psi):
        return self.phase * self.rates(psi)

    def precondition(self, psi, H, atoms):
        """Adapt the preconditioner to a state; returns the scale of the energies in H."""
        if self.kinetic is None:
            self.kinetic = self._kinetic_coefficient(psi, H, atoms)
        k2 = kernel(lambda k: k**2, name="k^2")
        free = np.array([self._values(self.kinetic * k2(v)) for v in self._with(psi)])
        rest = H - free
        mean = self.dot(psi, rest) / atoms
        spread = np.sqrt(max(0.0, self.dot(rest, rest) / atoms - mean**2))
        motion = self.dot(psi, free) / atoms
        self.shift = motion + spread + 1e-12 * self.kinetic * self.k_max**2
        K, s = self.kinetic, self.shift
        self.smooth = kernel(lambda k: 1 / (s + K * k**2), name="preconditioner")
        return self.shift

    def _with(self, psi):
        self.write(psi)
        return self.variables

    def _kinetic_coefficient(self, psi, H, atoms):
        """K of -K lap: how a short wave on the state changes H psi."""
        k = self.k_max / 2
        half = kernel(lambda q: np.exp(-((q - k) ** 2) / (2 * (k / 8) ** 2)), name="band")
        random = np.random.default_rng(self.comm.rank)
        wave = random.standard_normal(psi.shape) + 1j * random.standard_normal(psi.shape)
        wave = np.array([self._values(half(v)) for v in self._with(wave)])
        wave *= 1e-4 * np.sqrt(atoms / self.dot(wave, wave))
        change = self.hamiltonian(psi + wave) - H
        k2 = kernel(lambda q: q**2, name="k^2")
        curved = np.array([self._values(k2(v)) for v in self._with(wave)])
        return max(self.dot(curved, change) / self.dot(curved, curved), 1e-12)

    def preconditioned(self, r):
        return np.array([self._values(self.smooth(v)) for v in self._with(r)])

    def moved(self, psi, direction, atoms, step, mu):
        if mu is not None:
            return psi + step * direction
        length = np.sqrt(self.dot(direction, direction) / atoms)
        return np.cos(step * length) * psi + np.sin(step * length) / length * direction

    def line(self, psi, direction, slope, atoms, trial, mu):
        """Step to the zero of the slope along a direction, by the secant of one trial."""
        length = np.sqrt(self.dot(direction, direction) / atoms)
        trial = min(trial, 0.5 / length)
        for _ in range(20):
            there = self.moved(psi, direction, atoms, trial, mu)
            H = self.hamiltonian(there)
            found = self.dot(there, H) / atoms if mu is None else mu
            tangent = direction
            if mu is None:
                angle = trial * length
                tangent = np.cos(angle) * direction - np.sin(angle) * length * psi
            new = self.dot(H - found * there, tangent)
            if new > slope:
                step = trial * slope / (slope - new)
                return min(step, 4 * trial), min(max(step, 1e-8), 1e3)
            trial *= 2 if trial * length < 0.25 else 0.5
        return trial, trial


def _holds(expression, variable):
    return not isinstance(expression, (int, float, complex)) and expression.has(variable)
