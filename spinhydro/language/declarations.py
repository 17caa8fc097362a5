"""The strings that a problem declares besides its equations, as operands ready to evaluate.

Faults are InputErrors with the declaration they come from.
"""

import numpy as np
from dedalus.core.field import Operand

from spinhydro.errors import EquationError, InputError, nearest, unknown_name_message
from spinhydro.language.equations import names_of
from spinhydro.language.expressions import ExpressionBuilder
from spinhydro.language.watch import Limit


def read_outputs(ivp, outputs):
    """``{name: operand}`` of ``outputs = {"Z": "s@ez"}``; of all variables if it is None."""
    if outputs is None:
        # Variables of a script may have any name, "tau u", or none.
        return {str(v.name or f"variable {i}"): v for i, v in enumerate(ivp.variables)}
    if not isinstance(outputs, dict):
        raise InputError('this must be a dictionary of strings: {"Z": "s@ez"}').within("outputs")
    if not outputs:
        raise InputError('outputs is empty: name what is to be kept, {"s": "s"}').within("outputs")
    operands = {}
    for name, text in outputs.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise InputError(f"outputs: {name!r} cannot be the name of an output").within("outputs")
        entry = f"outputs['{name}']"
        if not isinstance(text, str):
            raise InputError("this must be a string such as 's@ez'").within("outputs", entry)
        try:
            operands[name] = as_task(ExpressionBuilder(names_of(ivp))(text), ivp.dist)
        except InputError as error:
            raise error.within("outputs", entry) from None
    return operands


def as_task(value, dist):
    """Return the value of an output string as an operand, which a handler can write."""
    if isinstance(value, Operand):
        return value
    if isinstance(value, complex) and not np.iscomplexobj(dist.dtype()):
        raise InputError(f"{value} is complex, the problem is real")
    constant = dist.Field()
    constant["g"] = value
    return constant


def read_projections(ivp, projections):
    """``[(variable, operand)]`` of ``projections = {"s": "s/sqrt(s@s)"}``."""
    variables = {v.name: v for v in ivp.variables}
    if not isinstance(projections, dict):
        raise InputError(
            'projections must be a dictionary of strings: {"s": "s/sqrt(s@s)"}'
        ).within("projections")
    found = []
    for name, text in projections.items():
        if name not in variables:
            raise InputError(
                f"projections: {unknown_name_message('variable', name, variables)}"
            ).within("projections")
        text = str(text)
        try:
            operand = ExpressionBuilder(names_of(ivp))(text)
            if tuple(getattr(operand, "tensorsig", ())) != tuple(variables[name].tensorsig):
                raise EquationError(
                    text, 0, len(text), f"the projection of {name} must have its components"
                )
        except EquationError as error:
            raise error.within("projections", f"projections['{name}']") from None
        found.append((variables[name], operand))
    return found


def read_limits(ivp, declaration, texts):
    """``{name: Limit}`` of ``watch`` or ``expect``: a dictionary, or a list of strings."""
    if not isinstance(texts, (dict, list, tuple)):
        raise InputError(
            f'{declaration} must be a list of strings: ["abs(s@s - 1) <= 1e-6"]'
        ).within(declaration)
    named = texts if isinstance(texts, dict) else {text: text for text in texts}
    limits = {}
    for name, text in named.items():
        try:
            limits[name] = Limit(text, names_of(ivp), ivp.dist)
        except EquationError as error:
            raise error.within(declaration, declaration) from None
    return limits


def check_output_units(units, outputs):
    """Raise InputError unless ``output_units`` names units of outputs."""
    if not isinstance(units, dict) or not all(isinstance(u, str) for u in units.values()):
        raise InputError('output_units must be a dictionary of strings: {"v": "um/ms"}').within(
            "output_units"
        )
    for name in units:
        # A unit of an output that was taken out does no harm; a misspelt one does.
        if name not in outputs and nearest(name, outputs):
            raise InputError(
                f"output_units: {unknown_name_message('output', name, outputs)}"
            ).within("output_units")
