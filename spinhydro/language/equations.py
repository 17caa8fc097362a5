"""Equation strings: split and checked term by term before Dedalus evaluates them.

While a problem file is loaded, these checks precede every ``d3.IVP.add_equation``. They change
nothing: Dedalus then evaluates the same string, and the problem is a stock Dedalus IVP.
"""

import ast
from collections import ChainMap
from contextlib import contextmanager
from math import prod

import numpy as np
from dedalus.core import operators, problems
from dedalus.core.basis import RealFourier
from dedalus.core.field import Field, Operand

from spinhydro.errors import EquationError, InputError, SpinhydroError
from spinhydro.language.expressions import (
    ExpressionBuilder,
    check_brackets,
    describe,
    parse,
    real_and_complex,
)
from spinhydro.language.words import reserved_names


class Names(ChainMap):
    """Meaning of the names in the strings of a problem, and its time."""

    def __init__(self, problem):
        super().__init__(problem.namespace, {problem.time.name: problem.time})
        self.time = problem.time


def names_of(problem):
    """Meaning of the names in the strings of a problem."""
    return Names(problem)


def fields_of(problem):
    """The variables of a problem and every field in the right sides of its equations."""
    fields = set(problem.variables)
    for equation in problem.equations:
        fields |= set(equation["F"].atoms(Field))
    return fields


def split_sides(text):
    """Positions of the two sides of an equation: (left, right, start of right).

    Raises EquationError unless there is exactly one '=' outside all brackets.
    """
    check_brackets(text)
    depth, equals = 0, []
    for i, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if character == "=" and depth == 0:
            equals.append(i)
    if not equals:
        raise EquationError(
            text, len(text.rstrip()), len(text), "there is no '=' in this equation",
            "write it as dt(s) = …",
        )  # fmt: skip
    if len(equals) > 1:
        raise EquationError(text, equals[1], equals[1] + 1, "there is a second '='")
    at = equals[0]
    if at and text[at - 1] in "<>!:+-*/@":
        raise EquationError(
            text, at - 1, at + 1, f"'{text[at - 1 : at + 1]}' is not an equals sign"
        )
    return text[:at], text[at + 1 :], at + 1


def advanced_variable(text):
    """Name of the variable whose dt(…) is on the left side, or None."""
    left, _, _ = split_sides(text)
    tree, _, _ = parse(left, text)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "dt"
            and len(node.args) == 1
            and isinstance(node.args[0], ast.Name)
        ):
            return node.args[0].id
    return None


def read_equation(problem, text):
    """Both sides of an equation string as Dedalus operands, after the checks of a single equation.

    Raises
    ------
    EquationError
        With a caret: unknown name, bracket, ``^``, wrong rank, no or a misplaced dt(…), a left
        side that is not linear in the variables, …
    """
    left_text, right_text, right_start = split_sides(text)
    evaluate = ExpressionBuilder(names_of(problem), time_derivatives=True)
    left = evaluate(left_text, text)
    right = evaluate(right_text, text, right_start)
    left_end = right_start - 1
    if not isinstance(left, Operand):
        raise EquationError(
            text, 0, len(left_text.rstrip()), "the left side holds no variable of the problem",
            "write it as dt(s) = …",
        )  # fmt: skip
    zero = isinstance(right, (int, float)) and right == 0
    right_rank = tuple(right.tensorsig) if isinstance(right, Operand) else ()
    if not zero and tuple(left.tensorsig) != right_rank:
        start = right_start + len(right_text) - len(right_text.lstrip())
        raise EquationError(
            text, start, len(text.rstrip()),
            f"the right side is {describe(right)}, the left side {describe(left)}",
        )  # fmt: skip
    if mixed := real_and_complex(left, right):
        start = right_start + len(right_text) - len(right_text.lstrip())
        raise EquationError(text, start, len(text.rstrip()), *mixed)
    if isinstance(right, Operand) and right.has(operators.TimeDerivative):
        start, end = _find_call(right_text, text, right_start, "dt")
        raise EquationError(
            text, start, end, "a time derivative must be on the left side",
            "solve the equation for it: Gilbert's dt(m) = -cross(m, H) + alpha*cross(m, dt(m)) is "
            "dt(m) = -(cross(m, H) + alpha*cross(m, cross(m, H)))/(1 + alpha**2)",
        )  # fmt: skip
    _check_left_side(problem, text, left_text, left, left_end, evaluate)
    if not left.has(operators.TimeDerivative):
        _check_constraint(problem, text, right_text, right, right_start)
    return left, right


def _find_call(side, whole, offset, name):
    tree, offset, source = parse(side, whole, offset)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (name, "TimeDerivative"):
            return offset + node.col_offset, offset + node.end_col_offset
    return offset, offset + len(source)


def _check_left_side(problem, text, left_text, left, left_end, evaluate):
    """Raise EquationError at the first left-side term that is not linear, constant, first order."""
    checks = (
        (
            lambda term: term.require_linearity(*problem.variables, allow_affine=False),
            "this term is not linear in the variables of the problem",
            "move it to the right side: the left side is solved implicitly and must be linear",
        ),
        (
            lambda term: term.require_independent(problem.time),
            "this term depends on time explicitly",
            "move it to the right side: the left side must be constant in time",
        ),
        (
            lambda term: term.require_first_order(operators.TimeDerivative),
            "only first derivatives in time can be solved",
            "introduce a variable for the first derivative: dt(u) = v, dt(v) = …",
        ),
    )
    for check, message, hint in checks:
        if _passes(check, left):
            continue
        for start, end in _terms(left_text, text):
            term = evaluate(text[start:end], text, start)
            if not (isinstance(term, Operand) and _passes(check, term)):
                _check_holds_variable(problem, text, start, end, term)
                raise EquationError(text, start, end, message, hint)
        raise EquationError(text, 0, left_end, message, hint)


def _check_holds_variable(problem, text, start, end, term):
    """Raise EquationError if a term of the left side holds no variable of the problem."""
    if isinstance(term, Operand) and term.has(*problem.variables):
        return
    names = ", ".join(str(variable.name) for variable in problem.variables)
    raise EquationError(
        text, start, end, f"this term holds no variable of the problem ({names})",
        "move it to the right side, or name its variable too: d3.IVP([…], namespace=locals())",
    )  # fmt: skip


def _passes(check, operand):
    try:
        check(operand)
    except Exception:
        return False
    return True


def _terms(side, whole):
    """Spans of the summands of one side."""
    tree, offset, _ = parse(side, whole)
    spans, stack = [], [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            stack += [node.right, node.left]
        else:
            spans.append((offset + node.col_offset, offset + node.end_col_offset))
    return spans


def _check_constraint(problem, text, right_text, right, right_start):
    """Raise EquationError unless an equation without dt(…) is linear, as div(u) = 0 is."""
    if isinstance(right, Operand) and right.has(*problem.variables):
        raise EquationError(
            text, 0, right_start - 1, "there is no dt(…) term on the left side",
            "write it as dt(s) = …; constraints keep every variable on the left side",
        )  # fmt: skip


@contextmanager
def checked_equations(recorder):
    """Context in which ``IVP.add_equation("…")`` checks a string first and then records it.

    Parameters
    ----------
    recorder : callable(problem, text, condition)
        Called after an equation has been accepted.
    """
    stock = problems.InitialValueProblem.add_equation

    def add_equation(self, equation, condition="True"):
        if isinstance(equation, tuple):
            return stock(self, equation, condition)
        if not isinstance(equation, str):
            raise InputError(f"an equation is a string; this is {type(equation).__name__}")
        text = " ".join(equation.splitlines()).replace("\t", " ")
        _check_variables(self)
        read_equation(self, text)
        try:
            added = stock(self, text, condition)
        except SpinhydroError:
            raise
        except Exception as error:
            raise EquationError(
                text, 0, len(text), f"Dedalus cannot take this equation: {error}"
            ) from error
        recorder(self, text, condition)
        return added

    problems.InitialValueProblem.add_equation = add_equation
    try:
        yield
    finally:
        problems.InitialValueProblem.add_equation = stock


def _check_variables(problem):
    kinds = {np.issubdtype(v.dtype, np.complexfloating) for v in problem.variables}
    if len(kinds) > 1:
        names = ", ".join(
            str(v.name) for v in problem.variables if not np.issubdtype(v.dtype, np.complexfloating)
        )
        raise InputError(
            f"a real and a complex variable cannot share a problem: make {names} without dtype=…, "
            "as the distributor has it; real values stay real, and re(…) is their real part"
        )
    members = getattr(problem.dist, "members", None)
    shared = [str(v.name) for v in problem.variables if members and members not in v.domain.bases]
    if shared:
        raise InputError(
            f"{', '.join(shared)} without bases would be the same for all members: make it with "
            "bases=dist.members, which is None for a single run"
        )
    for variable in problem.variables:
        if variable.name in reserved_names():
            raise InputError(
                f"a variable of the problem is called '{variable.name}', which is a word of "
                "equations (`spinhydro words`): give the field another name"
            )


def _check_sizes(problem):
    for field in fields_of(problem):
        for basis in field.domain.bases:
            if type(basis) is RealFourier and basis.size % 2:
                raise InputError(
                    f"{basis.size} points along {basis.coord.name}: d3.RealFourier takes an even "
                    "number of points; spinhydro.RealFourierNyquist takes odd ones too"
                )


def check_complete(problem):
    """Raise InputError unless there is an equation for every variable of a problem.

    Compares the number of components of the equations with that of the variables, looks for
    one dt(…) term, for operators that are silently wrong in Dedalus 3.0.5, and for numbers of grid
    points that its bases cannot have.
    """
    for equation in problem.equations:
        for side in ("LHS", "RHS"):
            _refuse_wrong_indices(equation[side])
    _check_dtypes(problem)
    _check_sizes(problem)
    conditional = any(equation["condition"] != "True" for equation in problem.equations)
    if not problem.equations:
        raise InputError(
            "the problem has no equation: problem.add_equation('dt(s) = …') is missing"
        )
    for variable in problem.variables:
        if not any(equation["LHS"].has(variable) for equation in problem.equations):
            raise InputError(
                f"no equation advances '{variable.name}': add one with dt({variable.name}) on the "
                "left side"
            )
    if not any(e["LHS"].has(operators.TimeDerivative) for e in problem.equations):
        raise InputError("no equation has a dt(…) term: nothing depends on time")

    equations = _components(equation["tensorsig"] for equation in problem.equations)
    variables = _components(variable.tensorsig for variable in problem.variables)
    if not conditional:
        _refuse_advanced_twice(problem)
    if equations != variables and not conditional:
        raise InputError(
            f"{equations} component equations for {variables} component variables "
            f"({', '.join(str(v.name) for v in problem.variables)}): one for each is needed"
        )


def _components(signatures):
    """Number of components of tensors with these index spaces."""
    return sum(prod(system.dim for system in signature) for signature in signatures)


def _refuse_advanced_twice(problem):
    """Raise InputError if a variable has too many dt(…) and another one has none."""
    advanced = [(_advanced(problem, e["LHS"]), e["tensorsig"]) for e in problem.equations]
    idle = [v for v in problem.variables if not any(v in found for found, _ in advanced)]
    for variable in problem.variables:
        alone = [signature for found, signature in advanced if found == {variable}]
        if idle and len(alone) > 1 and _components(alone) > _components([variable.tensorsig]):
            names = ", ".join(f"dt({other.name})" for other in idle)
            raise InputError(
                f"{len(alone)} equations have dt({variable.name}) on the left side, none has "
                f"{names}"
            )


def _advanced(problem, left):
    """The variables under time derivatives of a left side."""
    found, stack = set(), [left]
    while stack:
        node = stack.pop()
        if isinstance(node, operators.TimeDerivative):
            found |= {variable for variable in problem.variables if node.has(variable)}
        else:
            stack += getattr(node, "original_args", ())
    return found


def _check_dtypes(problem):
    """Refuse to mix real and complex fields: Dedalus writes complex values into real arrays."""
    fields = [field for field in fields_of(problem) if field is not problem.time]
    real = sorted(str(f.name) for f in fields if not np.issubdtype(f.dtype, np.complexfloating))
    if real and len(real) < len(fields):
        raise InputError(
            f"{', '.join(real)} {'is' if len(real) == 1 else 'are'} real, other fields of the "
            "problem are complex: make all of them without dtype=…, as the distributor has it; "
            "real values stay real, and re(…) is their real part"
        )


def _refuse_wrong_indices(expression):
    """Refuse components and divergences of a later index, which are wrong in Dedalus 3.0.5."""
    stack = [expression]
    while stack:
        node = stack.pop()
        stack += getattr(node, "original_args", ())
        wrong = isinstance(node, (operators.CartesianComponent, operators.CartesianDivergence))
        if wrong and node.index != 0:
            name = "div" if isinstance(node, operators.CartesianDivergence) else "comp"
            raise InputError(
                f"{name}(…, index={node.index}) in an equation gives wrong numbers in Dedalus "
                "3.0.5: keep the space index first and leave `index` out"
            )
