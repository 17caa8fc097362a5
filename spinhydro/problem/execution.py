"""Execute a problem file, statement by statement; report errors with file, line and values."""

import ast
from pathlib import Path

import numpy as np

from spinhydro.dedalus_support.ensemble.values import (
    PerMember,
    check_members,
    current,
)
from spinhydro.errors import InputError, ParameterError, SpinhydroError
from spinhydro.problem.conditions import check_conditions
from spinhydro.problem.dimensions import (
    TIMES,
    check_finite,
    check_override,
    check_units_of_list,
    dimension,
)
from spinhydro.problem.explanation import explain
from spinhydro.problem.new_values import check_kernel, check_new_values, check_word
from spinhydro.problem.plain_values import is_plain
from spinhydro.problem.surroundings import package_of
from spinhydro.problem.typed_values import offsets
from spinhydro.units import DIMENSIONS


class located:
    """Add the file (and line) to a SpinhydroError that passes through."""

    def __init__(self, path, line=None):
        self.where = f"{path}, line {line}" if line else str(path)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, SpinhydroError):
            error.at(self.where)
        return False


def execute(original, source, texts):
    """Execute the file as Python does, statement by statement; check each assignment."""
    # Imported for their effect: they configure Dedalus and define the words.
    from spinhydro.kernels.kernel import Kernel
    from spinhydro.language.words import reserved_names

    path = source.path
    namespace = {
        "__name__": Path(path).stem,
        "__file__": str(path),
        "__package__": package_of(path)[1],
    }
    lines = source.text.splitlines()
    dimensions, expressions = {}, {}
    before = {}
    for assignment in original.assignments:
        before.setdefault(assignment.name, assignment)
    assigned = {}
    for assignment in source.assignments:
        assigned.setdefault(id(assignment.statement), []).append(assignment)
    for statement in source.tree.body:
        here = assigned.get(id(statement), [])
        with located(path, statement.lineno):
            defaults = check_new_values(here, texts, before, namespace, dimensions)
            _execute_statement(statement, namespace, path, lines)
            _note_dimensions(statement, here, dimensions, namespace)
            for assignment in here:
                name, value = assignment.name, namespace[assignment.name]
                text = source.text[slice(*offsets(source.text, assignment.value))]
                expressions[name] = text
                check_word(name, value, reserved_names())
                value = namespace[name] = _with_members(name, value)
                check_finite(name, value, text)
                if isinstance(defaults.get(name, [None])[0], Kernel):
                    check_kernel(name, value, texts[name])
                elif name in defaults:
                    default, default_dimension = defaults[name]
                    if isinstance(value, PerMember):
                        check_units_of_list(name, texts[name], assignment.value, dimensions)
                    check_override(
                        name, texts[name], value, default,
                        dimension(assignment.value, dimensions), default_dimension,
                    )  # fmt: skip
                    if type(default) is int and isinstance(value, float) and name not in TIMES:
                        namespace[name] = int(value)
                    if type(default) is int and isinstance(value, PerMember):
                        value.values = value.values.astype(int)
                if name == "conditions":
                    check_conditions(value, namespace, texts)
    return namespace, expressions, dimensions


#: Declarations that are equal for all members, and the reduction of several values to one.
_COMMON = {
    "timestep": np.min, "output_interval": np.min, "stop_time": np.max, "tolerance": np.min,
}  # fmt: skip


def _with_members(name, value):
    """Declare the members of an assigned value, and name it after its parameter.

    A timestep or output interval computed from values of the members is the smallest of them, a
    stop time the largest.
    """
    if name == "members" and is_plain(value):
        current().declare(check_members(value), name)
    if not isinstance(value, PerMember):
        return value
    if name in _COMMON:
        if value.names in ((), (name,)):
            raise ParameterError(f"{name} is the same for all members: give one value, not a list")
        return _COMMON[name](value.values).item()
    current().declare(value.values.size, name)
    return value if value.names else value.named(name)


def _check_calls(statement, namespace):
    """Refuse a plain function of k that is applied to a field: D*k**2 would be its square."""
    from dedalus.core.field import Operand

    from spinhydro.kernels.kernel import is_function_of_k, not_a_kernel

    for call in ast.walk(statement):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        if is_function_of_k(namespace.get(call.func.id)) and any(
            isinstance(namespace.get(node.id), Operand)
            for argument in call.args
            for node in ast.walk(argument)
            if isinstance(node, ast.Name)
        ):
            raise InputError(not_a_kernel(call.func.id))


def _execute_statement(statement, namespace, path, lines):
    try:
        _check_calls(statement, namespace)
        exec(compile(ast.Module([statement], []), str(path), "exec"), namespace)
    except (SpinhydroError, KeyboardInterrupt):
        raise
    except SystemExit as error:
        raise InputError(
            f"the file ends Python here (exit code {error.code}); a problem file only declares"
        ) from None
    except Exception as error:
        from spinhydro.dedalus_support.parallel import IdleRank

        if isinstance(error, IdleRank):
            raise
        raise InputError(explain(statement, error, namespace, lines)) from error


def _note_dimensions(statement, assignments, dimensions, namespace):
    """Record the dimension of units that are imported and parameters that are assigned."""
    if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(
        "spinhydro.units"
    ):
        for alias in statement.names:
            if alias.name in DIMENSIONS:
                dimensions[alias.asname or alias.name] = DIMENSIONS[alias.name]
    for assignment in assignments:
        attributes = getattr(namespace[assignment.name], "dimensions", None)
        dimensions[assignment.name] = (
            attributes if isinstance(attributes, dict) else dimension(assignment.value, dimensions)
        )
