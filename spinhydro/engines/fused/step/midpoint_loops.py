"""Source of the compiled iteration of the implicit midpoint rule.

The scheme and its iteration are those of ``spinhydro.steppers.spin_schemes.implicit_midpoint``. A
step is one pass PREDICT after the rates at its beginning, and then, after the rates at each iterate
of the mean, COMPARE and COMBINE, until COMBINE notes in the report that the step has converged, or
has failed. Between the two, ranks that share a member add up their sums. Every member iterates by
itself. With n = 3 x points for a spin alone, the arrays of a member are

| array | holds |
|---|---|
| state, rate | an iterate of the mean, or the new state; and its rates |
| start, end | (n): the state at the beginning of the step, and at its end for the last iterate |
| residual | (n): change of the mean in the last iteration, relative to the size of the variable |
| residuals, ends | (MEMORY, n): differences between consecutive iterations, overwritten in turn |
| sizes | largest value of each variable at the beginning |
| change, smallest | largest residual, and the smallest that an iteration of the step had |
| sums | products of the latest difference of residuals with all, and of the residual with these; \
and the sum of the residual, which shows values that are not finite |
| gram | (MEMORY, MEMORY): products of the differences of residuals |
| factors, pivots, weights | of the least-squares problem |
| report | integers: status, number of steps, number of iterations of the last one |
"""

from spinhydro.engines.fused.program.scalar_writer import indent
from spinhydro.engines.fused.step.rotation_loops import Point, cayley
from spinhydro.steppers.spin_schemes import LARGEST_NUMBER_OF_ITERATIONS, MEMORY, TOLERANCE

#: Passes of a step.
PREDICT, COMPARE, COMBINE = range(3)
#: Columns of the report, and values of its status.
STATUS, STEPS, ITERATIONS = range(3)
RUNNING, CONVERGED, FAILED = range(3)
#: Partial sums of a sum: independent additions, in an order that does not depend on the processor.
_LANES = 8
#: Part of a difference that must not be a combination of later ones, squared.
_INDEPENDENT = 1e-14


def shapes(components, members, points, variables, at_once):
    """Return the shapes of the arrays beside state and rate.

    Parameters
    ----------
    at_once : int
        Members whose steps are taken at the same time; others share their arrays.
    """
    n = components * points
    found = dict.fromkeys(("start", "end", "residual"), (at_once, n))
    found |= dict.fromkeys(("residuals", "ends"), (at_once, MEMORY, n))
    found |= {
        "sizes": (members, variables),
        "change": (members,),
        "smallest": (members,),
        "sums": (members, 2 * MEMORY + 1),
        "gram": (members, MEMORY, MEMORY),
        "factors": (MEMORY, MEMORY),
        "pivots": (MEMORY,),
        "weights": (MEMORY,),
        "report": (members, 3),
    }
    return found


def loops(groups, components, points, at_once):
    """Return the lines of the passes.

    Parameters
    ----------
    groups : sequence of (rows, bool)
        The rows of each variable, and whether it is a spin.
    components, points : int
        Of a member.
    at_once : int
        See `shapes`.
    """
    held = "member" if at_once > 1 else "0"
    sizes = components, points, held
    return [
        f"if stage == {PREDICT}:",
        *indent(_predict(groups, *sizes)),
        f"elif report_[member, {STATUS}] == {RUNNING}:",
        f"    iteration = report_[member, {ITERATIONS}]",
        f"    held = iteration if iteration < {MEMORY} else {MEMORY}",
        f"    latest = (iteration + {MEMORY - 1}) % {MEMORY}",
        f"    if stage == {COMPARE}:",
        *indent(indent(_compare(groups, *sizes))),
        "    else:",
        *indent(indent(_combine(*sizes))),
    ]


class _Point(Point):
    """Lines for one point, with arrays in which the rows follow each other."""

    def __init__(self, rows, is_spin, points, held):
        super().__init__(rows, is_spin)
        self._points, self._held = points, held

    def place(self, array, row):
        if array in ("state", "rate"):
            return super().place(array, row)
        at = f"{row * self._points} + p"
        slot = "latest, " if array in ("residuals", "ends") else ""
        return f"{array}_[{self._held}, {slot}{at}]"


def _predict(groups, components, points, held):
    lines = ["timestep = ahead"]
    for number, (rows, is_spin) in enumerate(groups):
        point = _Point(rows, is_spin, points, held)
        k = point.increment()
        start = [f"m{i}" for i in range(len(rows))]
        point.store("start", start)
        new = point.moved(k, start, cayley)
        point.store("state", [f"0.5*({s} + {n})" for s, n in zip(start, new, strict=True)])
        lines += [f"for p in range({points}):", *indent(point.lines)]
        first, last = min(rows) * points, (max(rows) + 1) * points
        lines += _largest(f"sizes_[member, {number}]", f"start_[{held}, {{p}}]", first, last)
    return [
        *lines,
        f"report_[member, {STATUS}] = {RUNNING}",
        "smallest_[member] = inf",
        f"report_[member, {ITERATIONS}] = 0",
    ]


def _compare(groups, components, points, held):
    n, lines = components * points, ["timestep = ahead"]
    for number, (rows, is_spin) in enumerate(groups):
        point = _Point(rows, is_spin, points, held)
        k, start = point.increment(), point.load("s", "start")
        new = point.moved(k, start, cayley)
        before, last = point.load("e", "end"), point.load("d", "residual")
        for i, (s, name) in enumerate(zip(start, new, strict=True)):
            point.lines.append(f"x{i} = (0.5*({s} + {name}) - m{i})*inverse")
        change = [f"x{i}" for i in range(len(rows))]
        point.store("ends", [f"{a} - {b}" for a, b in zip(new, before, strict=True)])
        point.store("residuals", [f"{a} - {b}" for a, b in zip(change, last, strict=True)])
        point.store("end", new)
        point.store("residual", change)
        lines += [
            f"size = sizes_[member, {number}]",
            "inverse = 1.0/(size if size > 0.0 else 1.0)",
            f"for p in range({points}):",
            *indent(point.lines),
        ]
    residual = f"residual_[{held}, {{p}}]"
    lines += _largest("change_[member]", residual, 0, n)
    lines += _summed(f"sums_[member, {2 * MEMORY}]", residual, n)
    other = f"residuals_[{held}, j, {{p}}]"
    inner = _summed("sums_[member, j]", f"residuals_[{held}, latest, {{p}}]*{other}", n)
    inner += _summed(f"sums_[member, {MEMORY} + j]", f"{residual}*{other}", n)
    return [*lines, "for j in range(held):", *indent(inner)]


def _combine(components, points, held):
    def new_state(value):
        line = f"state_[i, member, p] = {value}"
        return [f"for i in range({components}):", f"    for p in range({points}):",
                f"        {line}"]  # fmt: skip

    start, end = (f"{array}_[{held}, i*{points} + p]" for array in ("start", "end"))
    weighed = f"state_[i, member, p] - weight*ends_[{held}, j, i*{points} + p]"
    return [
        "change = change_[member]",
        f"report_[member, {ITERATIONS}] = iteration + 1",
        f"total = sums_[member, {2 * MEMORY}]",
        # Not for NaN or infinity.
        "if total - total == 0.0:",
        "    smallest = smallest_[member]",
        "    smallest_[member] = change if change < smallest else smallest",
        f"    if change <= {TOLERANCE!r}:",
        f"        report_[member, {STATUS}] = {CONVERGED}",
        f"        report_[member, {STEPS}] = report_[member, {STEPS}] + 1",
        *indent(indent(new_state(end))),
        f"    elif iteration + 1 == {LARGEST_NUMBER_OF_ITERATIONS}:",
        f"        report_[member, {STATUS}] = {FAILED}",
        "    else:",
        *indent(indent(_solve())),
        *indent(indent(new_state(f"0.5*({start} + {end})"))),
        "        for j in range(held):",
        "            weight = 0.5*weights_[j]",
        *indent(indent(indent(new_state(weighed)))),
        "else:",
        f"    report_[member, {STATUS}] = {FAILED}",
        f"if report_[member, {STATUS}] == {FAILED}:",
        *indent(new_state(start)),
    ]


def _solve():
    """Lines for the weights of the differences, of which those that depend on later ones get none.

    A Cholesky factorisation without roots, from the latest difference on.
    """
    slot = f"(latest + {MEMORY} - {{}}) % {MEMORY}"
    return [
        "for j in scalar_range(held):",
        "    gram_[member, latest, j] = sums_[member, j]",
        "    gram_[member, j, latest] = sums_[member, j]",
        "for i in scalar_range(held):",
        f"    row = {slot.format('i')}",
        f"    right = sums_[member, {MEMORY} + row]",
        "    for j in scalar_range(i):",
        f"        entry = gram_[member, row, {slot.format('j')}]",
        "        for k in scalar_range(j):",
        "            entry = entry - factors_[i, k]*factors_[j, k]*pivots_[k]",
        "        factors_[i, j] = entry/pivots_[j] if pivots_[j] > 0.0 else 0.0",
        f"        right = right - factors_[i, j]*weights_[{slot.format('j')}]",
        "    pivot = gram_[member, row, row]",
        f"    least = {_INDEPENDENT!r}*pivot",
        "    for k in scalar_range(i):",
        "        pivot = pivot - factors_[i, k]*factors_[i, k]*pivots_[k]",
        "    pivots_[i] = pivot if pivot > least else 0.0",
        "    weights_[row] = right",
        "for back in scalar_range(held):",
        "    i = held - 1 - back",
        f"    row = {slot.format('i')}",
        "    pivot = pivots_[i]",
        "    weight = weights_[row]/pivot if pivot > 0.0 else 0.0",
        "    for k in scalar_range(i + 1, held):",
        f"        weight = weight - factors_[k, i]*weights_[{slot.format('k')}]",
        "    weights_[row] = weight if pivot > 0.0 else 0.0",
    ]


def _summed(target, value, n):
    """Return lines for the sum of values at p = 0 … n - 1."""
    return _reduced(target, value, 0, n, "{a} = {a} + {x}", "{a} + {b}")


def _largest(target, value, first, last):
    """Return lines for the largest absolute value at p = first … last - 1."""
    larger = "({a} if {a} > {b} else {b})"
    value = f"np.absolute({value})"
    return _reduced(target, value, first, last, "{a} = {x} if {x} > {a} else {a}", larger)


def _reduced(target, value, first, last, one, two):
    whole = (last - first) // _LANES
    names = [f"lane{q}" for q in range(_LANES)]
    body = [f"at = {first} + b*{_LANES}"]
    for q, name in enumerate(names):
        body.append(f"term = {value.format(p=f'at + {q}')}")
        body.append(one.format(a=name, x="term"))
    rest = [f"term = {value.format(p='p')}", one.format(a="lane0", x="term")]
    while len(names) > 1:
        half = len(names) // 2
        names = [f"({two.format(a=names[q], b=names[q + half])})" for q in range(half)]
    return [
        *(f"lane{q} = 0.0" for q in range(_LANES)),
        f"for b in range({whole}):",
        *indent(body),
        f"for p in scalar_range({first + whole * _LANES}, {last}):",
        *indent(rest),
        f"{target} = {names[0]}",
    ]
