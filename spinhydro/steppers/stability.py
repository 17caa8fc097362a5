"""The largest timestep: the fastest oscillation of a problem against the limit of its stepper."""

import numpy as np
from dedalus.core.system import CoeffSystem
from mpi4py import MPI
from scipy.sparse.linalg import splu

from spinhydro.dedalus_support.memory import parts
from spinhydro.errors import ParameterError
from spinhydro.steppers import EXPLICIT, LAST_RESORT, STABILITY_LIMITS

#: Dimension of the Krylov space; 24 find the largest frequency of a spin-wave spectrum to 2 %.
KRYLOV = 24
#: Size of a state, in bytes, from which its Krylov space is known by sketches only.
LARGE = 1 << 22
#: Numbers in a sketch.
SKETCH = 1024


def largest_frequency(solver, explicit_linear):
    r"""Largest |lambda| of the linearised explicit part, about the present state.

    The eigenvalues of :math:`J = M^{-1} (\partial F/\partial X - L)` are estimated by the Arnoldi
    method from directional differences of the right-hand side. Complex fields count as pairs
    of real ones: with terms such as |f|² f, J is linear over the real numbers only. Eigenvalues of
    growing modes (positive real part) are left out: growth is physics and limits no timestep.
    A large state is not kept 24 times: of every Krylov vector a random sketch is enough to find the
    same eigenvalues (sketched Rayleigh-Ritz: Nakatsukasa and Tropp, SIAM J. Matrix Anal. Appl. 45,
    1183 (2024)).

    Parameters
    ----------
    solver : d3.InitialValueSolver
    explicit_linear : bool
        Whether the stepper treats L explicitly; otherwise L is left out of J.

    Returns
    -------
    float
        In radians per unit of time; nan if the right-hand side is not finite.
    """
    stepper = solver.timestepper
    kind = _FusedRates if hasattr(stepper, "right_side") else _StockRates
    try:
        rates = kind(solver, explicit_linear)
    except RuntimeError:
        # Constraint equations: M cannot be inverted, and the stepper is implicit there anyway.
        return float("nan")
    comm = solver.dist.comm
    large = comm.allreduce(rates.nbytes, op=MPI.MAX) > LARGE
    try:
        return (_largest_sketched if large else _largest)(rates, comm)
    finally:
        rates.put_back()


def _largest(rates, comm):
    """The frequency, from rates as a function of vectors of real numbers."""

    def dot(a, b):
        return comm.allreduce(np.vdot(a, b))

    def norm(a):
        return np.sqrt(dot(a, a))

    def all_finite(a):
        return comm.allreduce(int(not np.all(np.isfinite(a)))) == 0

    start = rates.start()
    if not all_finite(rates(start)):
        return float("nan")
    vector = rates.noise(np.random.default_rng(0))
    basis = [vector / norm(vector)]
    epsilon = _difference_step(norm(start))
    hessenberg = np.zeros((KRYLOV + 1, KRYLOV))
    size = KRYLOV
    for j in range(KRYLOV):
        vector = rates(start + epsilon * basis[j])
        vector -= rates(start - epsilon * basis[j])
        vector /= 2 * epsilon
        if not all_finite(vector):
            return float("nan")
        for i, known in enumerate(basis):
            hessenberg[i, j] = dot(known, vector)
            vector -= hessenberg[i, j] * known
        hessenberg[j + 1, j] = norm(vector)
        if hessenberg[j + 1, j] <= 1e-12 * np.abs(hessenberg).max():
            size = j + 1
            break
        basis.append(vector / hessenberg[j + 1, j])
    return _fastest_wave(hessenberg[:size, :size])


def _fastest_wave(matrix):
    values = np.linalg.eigvals(matrix)
    waves = values[values.real <= 0.2 * np.abs(values)]
    return float(np.abs(waves).max()) if waves.size else 0.0


def _largest_sketched(rates, comm):
    """The frequency, with one vector in memory at a time."""
    vector = rates.noise(np.random.default_rng(0))
    scale = _norm(vector, comm)
    before, after = [], []
    for _ in range(KRYLOV):
        vector *= 1 / scale
        before.append(_sketch(vector, comm))
        rates.differentiate(vector, comm)
        after.append(_sketch(vector, comm))
        scale = _norm(vector, comm)
        if not np.isfinite(scale):
            return float("nan")
        if scale == 0:
            break
    # Vectors that are nearly multiples of each other say nothing new.
    left, sizes, right = np.linalg.svd(np.array(before).T, full_matrices=False)
    kept = sizes > 1e-6 * sizes[0]
    left, sizes, right = left[:, kept], sizes[kept], right[kept]
    return _fastest_wave(left.T @ np.array(after).T @ right.T / sizes)


def _norm(vector, comm):
    return np.sqrt(comm.allreduce(np.vdot(vector, vector)))


def _sketch(vector, comm):
    """Sums of a vector's entries with random signs, the same for every vector."""
    found, random = np.zeros(SKETCH), np.random.default_rng(comm.rank)
    for (part,) in parts(vector, size=64 * SKETCH):
        signed = np.zeros(64 * SKETCH)
        signs = random.integers(0, 2, part.size, dtype=np.int8)
        np.multiply(part, 2.0 * signs - 1, out=signed[: part.size])
        found += signed.reshape(-1, SKETCH).sum(axis=0)
    return comm.allreduce(found)


def _difference_step(size):
    """How far to go along a vector of length 1 for a derivative at a state of this length."""
    return 1e-5 * max(size, 1e-3)


def _as_reals(data):
    return data.view(data.real.dtype)


class _StockRates:
    """M^-1 (F - L X) as Dedalus computes it.

    Raises RuntimeError if M cannot be inverted.
    """

    def __init__(self, solver, explicit_linear):
        self.solver, self.explicit_linear = solver, explicit_linear
        self.subproblems = [sp for sp in solver.subproblems if sp.size]
        self.present, self.stage, self.rate = (
            CoeffSystem(solver.subproblems, dtype=solver.dtype) for _ in range(3)
        )
        self.mass = {sp: splu(sp.M_min.tocsc()) for sp in self.subproblems}
        solver.evaluator.require_coeff_space(solver.state)
        for sp in self.subproblems:
            sp.gather_inputs(solver.state, out=self.present.get_subdata(sp))

    def start(self):
        return _as_reals(self.present.data)

    @property
    def nbytes(self):
        return self.present.data.nbytes

    def differentiate(self, vector, comm):
        """vector = J vector."""
        start = self.start()
        epsilon = _difference_step(_norm(start, comm))
        rate = self(start + epsilon * vector)
        rate -= self(start - epsilon * vector)
        np.multiply(rate, 1 / (2 * epsilon), out=vector)

    def __call__(self, data):
        solver = self.solver
        np.copyto(self.stage.data, data.view(solver.dtype))
        self._scatter(self.stage)
        solver.evaluator.evaluate_group("F")
        for sp in self.subproblems:
            out = self.rate.get_subdata(sp)
            sp.gather_outputs(solver.F, out=out)
            if self.explicit_linear and sp.L_min.nnz:
                out -= sp.L_min @ self.stage.get_subdata(sp)
            out[:] = self.mass[sp].solve(out)
        return _as_reals(self.rate.data.copy())

    def noise(self, random):
        return random.standard_normal(self.start().size)

    def put_back(self):
        self._scatter(self.present)

    def _scatter(self, system):
        """Write a flat vector of coefficients into the state."""
        for field in self.solver.state:
            field.preset_layout("c")
        for sp in self.subproblems:
            sp.scatter_inputs(system.get_subdata(sp), self.solver.state)


class _FusedRates:
    """The same by the fused engine, which treats L as its stepper does."""

    def __init__(self, solver, explicit_linear):
        self.stepper = solver.timestepper
        self.stepper.rest()

    def start(self):
        return self.stepper.present_state()

    @property
    def nbytes(self):
        return self.stepper.state.nbytes

    def differentiate(self, vector, comm):
        """vector = J vector."""
        self.stepper.differentiate(vector, lambda state: _difference_step(_norm(state, comm)))

    def __call__(self, data):
        return self.stepper.rate_at(data)

    def noise(self, random):
        return self.stepper.noise(random)

    def put_back(self):
        self.stepper.read_again()
        self.stepper.rest()


def check_timestep(solver, stepper_name, timestep, unit="", force=False):
    """Compare a timestep with the stability limit of its stepper.

    Returns
    -------
    str
        One line for the log.

    Raises
    ------
    ParameterError
        If the timestep is beyond the limit and `force` is not set; gives the largest safe value.
    """
    frequency = largest_frequency(solver, explicit_linear=stepper_name in EXPLICIT)
    if not np.isfinite(frequency):
        return "stability: could not be checked at the initial state"
    limit = STABILITY_LIMITS.get(stepper_name, LAST_RESORT.get(stepper_name))
    if limit is None:
        return (
            f"stability: no limit is known for {stepper_name}; frequency * timestep = "
            f"{frequency * timestep:.3g} (fastest oscillation {frequency:.4g} rad/{unit or 'time'})"
        )
    product = frequency * timestep
    line = (
        f"stability: frequency * timestep = {product:.3g} of {limit:g} that {stepper_name} bears "
        f"(fastest oscillation {frequency:.4g} rad/{unit or 'time'})"
    )
    if product > limit and not force:
        raise ParameterError(
            f"timestep = {timestep:g} {unit}".rstrip()
            + f" is unstable: the fastest oscillation of the problem, {frequency:.4g} "
            f"rad/{unit or 'time'}, times the timestep is {product:.3g}, and {stepper_name} bears "
            f"{limit:g}. Largest safe timestep: {0.95 * limit / frequency:.3g}. "
            "Take that, fewer grid points, or --force to run all the same"
        )
    return line
