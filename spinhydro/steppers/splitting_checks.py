"""Checks of what splitting schemes need: a rotation of phases, and linear terms without damping."""

import numpy as np
from mpi4py import MPI

from spinhydro.errors import ParameterError
from spinhydro.steppers.phase_rotation import mass_of, put_on_grid, rates_on_grid
from spinhydro.steppers.spin_steppers import is_spin_vector

#: Largest difference to a rotation of the phase, relative to the rate, that counts as rounding.
ROUNDING = 1e-9
#: Largest growth or decay of linear modes, relative to their frequency, that counts as rounding.
DAMPING = 1e-9

_ALTERNATIVES = "take timestepper = 'IFRK4' or 'ETDRK4'"


def check_rotation(solver, name):
    r"""Raise ParameterError unless the right side is :math:`-i V(|\psi|^2, x, t) \psi`, V real.

    Random phases, another at every point and for every component, are applied to a random state:
    the rates must follow them, which excludes derivatives of psi, coupling between components and
    powers of psi without its conjugate, and must have no part along psi.

    Parameters
    ----------
    solver : d3.InitialValueSolver
        Its state is left as it is.
    name : str
        Of the stepper, for the message.
    """
    for equation in solver.problem.equations:
        mass_of(equation, solver.state)
    if not np.issubdtype(solver.dtype, np.complexfloating):
        if any(map(is_spin_vector, solver.state)):
            raise ParameterError(
                f"{name} needs equations of the Gross-Pitaevskii type, and exchange turns spins "
                "along a field that is not local; take timestepper = 'RK4', 'RKMK4' or "
                "'ImplicitMidpoint'"
            ).within("timestepper")
        raise _refused(name, "the fields are real")
    comm, time = solver.dist.comm, solver.sim_time
    kept = [field["c"].copy() for field in solver.state]
    random = np.random.default_rng(comm.rank)
    found = np.zeros(3)
    try:
        start = []
        for field in solver.state:
            field.change_scales(field.domain.dealias)
            values = field["g"].copy()
            largest = comm.allreduce(float(np.abs(values).max(initial=0)), op=MPI.MAX)
            noise = random.standard_normal((2, *values.shape))
            start.append(values + 0.1 * (1 + largest) * (noise[0] + 1j * noise[1]))
        phases = [np.exp(2j * np.pi * random.uniform(size=value.shape)) for value in start]
        for field, value in zip(solver.state, start, strict=True):
            put_on_grid(field, value)
        _, rates = rates_on_grid(solver, time)
        for field, value, phase in zip(solver.state, start, phases, strict=True):
            put_on_grid(field, value * phase)
        _, rotated = rates_on_grid(solver, time)
        for value, rate, other, phase in zip(start, rates, rotated, phases, strict=True):
            along = np.abs((rate * value.conj()).real) / np.abs(value)
            sizes = (np.abs(rate), np.abs(other - phase * rate), along)
            found = np.maximum(found, [size.max(initial=0) for size in sizes])
    finally:
        for field, coefficients in zip(solver.state, kept, strict=True):
            field["c"] = coefficients
        solver.sim_time = time
    scale, difference, along = (
        comm.allreduce(float(np.nan_to_num(value, nan=np.inf)), op=MPI.MAX) for value in found
    )
    if not difference <= ROUNDING * scale:
        raise _refused(
            name,
            f"the right side is not -i V psi with a V of densities, place and time (differs by "
            f"{difference / scale:.1e} after a change of phases). Move derivatives and a constant "
            "coupling of components to the left side (where nothing can depend on time), or",
        )
    if not along <= ROUNDING * scale:
        raise _refused(
            name,
            f"V in the right side -i V psi is not real (imaginary part {along / scale:.1e}): "
            "gain and loss are not a rotation of the phase. Move constant ones to the left side "
            "under 'Strang', or",
        )


def _refused(name, reason):
    link = " " if reason.endswith("or") else "; "
    return ParameterError(
        f"{name} needs equations of the Gross-Pitaevskii type: {reason}{link}{_ALTERNATIVES}"
    ).within("timestepper")


def check_reversible(rates, name, comm):
    """Raise ParameterError if linear modes are damped or grow, for schemes that step backwards.

    Parameters
    ----------
    rates : list of arrays (…, n, n)
        Blocks of A = -M^-1 L.
    """
    largest, damping = 0.0, 0.0
    for matrix in rates:
        size = np.abs(matrix).max(initial=0)
        if np.abs(matrix + matrix.conj().swapaxes(-1, -2)).max(initial=0) <= DAMPING * size:
            largest = max(largest, float(size))
            continue
        values = np.linalg.eigvals(matrix)
        largest = max(largest, float(np.abs(values).max(initial=0)))
        damping = max(damping, float(np.abs(values.real).max(initial=0)))
    largest, damping = (comm.allreduce(value, op=MPI.MAX) for value in (largest, damping))
    if damping > DAMPING * largest:
        raise ParameterError(
            f"{name} takes some of its stages backwards in time, and the linear terms are damped "
            f"at a rate of up to {damping:.3g}: take timestepper = 'Strang' or 'IFRK4'"
        ).within("timestepper")
