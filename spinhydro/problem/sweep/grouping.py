"""Group the cases of a sweep into tasks: runs whose members are cases of equal shape."""

import ast

from spinhydro.errors import ConditionError, InputError, ParameterError
from spinhydro.problem.load import load

#: Largest number of cases in one run; more members do not make it more efficient.
MOST_MEMBERS = 64
#: Largest number of values of a parameter that are checked one by one before a sweep.
_TRIED = 20


def check_values(path, design, **options):
    """Load the file with values of every parameter; raise errors that no case can be meant to have.

    A wrong unit or word is refused before anything is computed. Values that a condition of the
    file refuses are cases of the sweep, reported in their rows of the table.
    """
    for name in design.names:
        texts = list(dict.fromkeys(case[name] for case in design.cases))
        others = [text for text in texts[1:] if not _is_number(text)]
        step = max(1, len(others) // _TRIED)
        for text in [texts[0], *others[::step]]:
            try:
                load(path, **options, **{**design.fixed, **design.cases[0], name: text})
            except ConditionError:
                continue


def _is_number(text):
    try:
        return isinstance(ast.literal_eval(text), (int, float))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return False


def member_names(path, design, equations=(), quick=False):
    """Return the varied parameters that may differ between members of one run.

    A parameter qualifies if the file loads with a list of two of its values. Others, such as the
    number of grid points or the name of a kernel, change the shape of the problem: cases that
    differ in them are different runs.
    """
    found = []
    for name in design.names:
        values = list(dict.fromkeys(case[name] for case in design.cases))
        if len(values) < 2 or name == "members":
            continue
        first = design.cases[0]
        trial = {**design.fixed, **first, **as_lists([first, {**first, name: values[1]}], [name])}
        try:
            loaded = load(path, equations=equations, quick=quick, **trial)
        except InputError:
            continue
        if loaded.members == 2:
            found.append(name)
    return found


def as_lists(cases, names):
    """``{name: "[v1, v2, …]"}`` of the cases of one run."""
    return {name: "[" + ", ".join(case[name] for case in cases) + "]" for name in names}


def make_tasks(design, members, most):
    """Return the tasks of a design: lists of case numbers, at most `most` of them each.

    Cases of a task differ in the names of `members` only; the order of cases is kept.
    """
    if most < 1:
        raise ParameterError(f"--members {most}: a run has at least one member")
    groups = {}
    for number, case in enumerate(design.cases):
        shape = tuple(sorted((name, text) for name, text in case.items() if name not in members))
        groups.setdefault(shape, []).append(number)
    tasks = []
    for numbers in groups.values():
        size = most if members else 1
        tasks += [numbers[start : start + size] for start in range(0, len(numbers), size)]
    return tasks


def members_per_task(design, workers):
    """Members of a run such that every worker gets several tasks, for an even load."""
    return max(1, min(MOST_MEMBERS, -(-len(design.cases) // (4 * workers))))


def values_of(design, members, numbers):
    """New values for the run of one task.

    A list of one value would make an ordinary number: a task of one case has no members.
    """
    cases = [design.cases[number] for number in numbers]
    values = {**design.fixed, **cases[0]}
    if len(cases) > 1:
        values |= as_lists(cases, members)
    return values
