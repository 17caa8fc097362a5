"""Rotations of the phases of complex fields: the nonlinear part of a Gross-Pitaevskii equation."""

import numpy as np
from dedalus.core import operators
from dedalus.core.arithmetic import MultiplyNumberField

from spinhydro.dedalus_support.solver import settled_fields, to_dealias_grid
from spinhydro.errors import ParameterError


def rotate_phases(solver, time, duration):
    r"""Replace every variable by :math:`e^{-i V \tau} \psi` on the grid.

    V follows from the rate :math:`\dot\psi = -i V \psi` at the present densities, as
    :math:`-\mathrm{Im}(\dot\psi \psi^*)/|\psi|^2`. Where psi vanishes it stays zero, and errors of
    V where it is small are multiplied by it.

    Parameters
    ----------
    solver : d3.InitialValueSolver
    time : float
        At which V is evaluated.
    duration : float
        The time tau.
    """
    values, rates = rates_on_grid(solver, time)
    for field, value, rate in zip(solver.state, values, rates, strict=True):
        density = value.real**2 + value.imag**2
        angle = -duration * (rate * value.conj()).imag
        np.divide(angle, density, out=angle, where=density > 0)
        put_on_grid(field, value * np.exp(-1j * angle))


def rates_on_grid(solver, time):
    """Values of the variables on the dealiased grid, and their rates M^-1 F there."""
    solver.sim_time = time
    state = solver.state
    to_dealias_grid(settled_fields(solver.problem))
    for field in state:
        field.change_scales(field.domain.dealias)
        field.require_grid_space()
    values = [field.data.copy() for field in state]
    rates = [np.zeros_like(value) for value in values]
    factors = [mass_of(equation, state) for equation in solver.problem.equations]
    for equation, (variable, factor) in zip(solver.problem.equations, factors, strict=True):
        if not hasattr(equation["F"], "evaluate"):
            continue
        rate = equation["F"].evaluate()
        rate.change_scales(variable.domain.dealias)
        rate.require_grid_space()
        rates[state.index(variable)][...] = rate.data / factor
        # The next equation finds the state on the grid, as it was.
        for field, value in zip(state, values, strict=True):
            put_on_grid(field, value)
    return values, rates


def put_on_grid(field, value):
    field.preset_scales(field.domain.dealias)
    field.preset_layout("g")
    np.copyto(field.data, value)


def mass_of(equation, variables):
    """Return the variable and the number c of ``c*dt(variable)`` on the left side.

    Raises ParameterError for any other term.
    """
    mass, factor = equation["M"], 1
    while isinstance(mass, (operators.Convert, operators.TimeDerivative, MultiplyNumberField)):
        if isinstance(mass, MultiplyNumberField):
            number, mass = mass.args
            factor = factor * number
        else:
            mass = mass.args[0]
    if mass not in variables or factor == 0:
        raise ParameterError(
            "splitting schemes need c*dt(variable), with a number c, in every equation; take "
            "timestepper = 'RK443'"
        ).within("timestepper")
    return mass, factor
