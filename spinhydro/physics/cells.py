"""Lengths that must be a whole number of cells: one rule for every lattice."""

import math

from spinhydro.dedalus_support.ensemble.values import PerMember
from spinhydro.errors import ParameterError

#: Sizes of the smallest grid, and of the rounding of a length that is a product of others.
SMALLEST, ROUNDING = 2, 1e-6


def check_cells(length, number, cell, unit=""):
    """Refuse a box that is not `number` cells long.

    Parameters
    ----------
    length : float
        L_x, > 0.
    number : int
        N, cells along it.
    cell : float
        Size of a cell, > 0.
    unit : str
        Of both lengths, for the message.

    Raises
    ------
    ParameterError
        With the nearest whole numbers of cells and the lengths that they make.

    Examples
    --------
    >>> L_x = N * cell
    >>> spinhydro.check_cells(L_x, N, cell, "nm")
    """
    if any(isinstance(value, PerMember) for value in (length, number, cell)):
        # One grid serves all members; the basis raises the error.
        return
    if not (math.isfinite(length) and length > 0):
        raise ParameterError(f"L_x = {length:g}: the length of the box must be positive")
    if not (math.isfinite(cell) and cell > 0):
        raise ParameterError(f"cell = {cell:g}: the size of a cell must be positive")
    cells = length / cell
    if abs(cells - number) <= ROUNDING * max(1, number):
        return
    unit = f" {unit}" if unit else ""
    nearest = {max(SMALLEST, math.floor(cells + ROUNDING)), max(SMALLEST, math.ceil(cells))}
    if abs(cells - round(cells)) <= ROUNDING * cells:
        nearest = {max(SMALLEST, round(cells))}
    choices = " or ".join(f"N={n} (L_x = {n * cell:.6g}{unit})" for n in sorted(nearest))
    raise ParameterError(
        f"L_x = {length:g}{unit} is {cells:.6g} cells of {cell:.6g}{unit}, and N = {number}: take "
        f"{choices}, at least {SMALLEST}, and leave L_x out"
    )
