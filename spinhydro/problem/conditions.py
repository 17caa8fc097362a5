"""Rules of a problem file for its values: conditions and advice."""

import ast

from spinhydro.dedalus_support.ensemble.values import PerMember, of_member
from spinhydro.errors import ConditionError, InputError
from spinhydro.problem.plain_values import is_plain


def check_conditions(conditions, namespace, texts):
    """Raise ConditionError unless every ``conditions = {"0 < R_x < L_x/2": "why"}`` holds."""
    for sentence in broken_rules("condition", conditions, namespace, texts):
        raise ConditionError(sentence)


def broken_rules(kind, rules, namespace, texts):
    """Return the messages of the rules of ``{"rule": "meaning"}`` that do not hold."""
    if not isinstance(rules, dict):
        plural = {"condition": "conditions"}.get(kind, kind)
        raise InputError(f'{plural} must be a dictionary {{"{kind}": "what it means"}}')
    for rule, meaning in rules.items():
        try:
            tree = ast.parse(rule, mode="eval")
            code = compile(tree, kind, "eval")
            used = dict.fromkeys(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
            of_members = [n for n in used if isinstance(namespace.get(n), PerMember)]
            members = range(namespace[of_members[0]].values.size) if of_members else [None]
            broken = next((m for m in members if not eval(code, _of(m, namespace))), ...)
        except (Exception, SystemExit) as error:
            raise InputError(f"the {kind} '{rule}' cannot be evaluated: {error}") from None
        if broken is ...:
            continue
        given = {name: text for name, text in texts.items() if name not in of_members}
        known = _of(broken, namespace)
        values = [
            f"{name} = {given.get(name, known[name])}"
            for name in used
            if is_plain(known.get(name, ...))
        ]
        where = f" in member {broken}" if of_members else ""
        yield f"{', '.join(values)}{where}: {meaning} ({kind}: {rule})"


def _of(member, namespace):
    return namespace if member is None else of_member(namespace, member)
