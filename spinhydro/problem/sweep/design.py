"""The design of a sweep: its cases, from ``NAME=a:b:n``, ``NAME=v1,v2``, tables and samples."""

import ast
import csv
import itertools
from dataclasses import dataclass, field
from pathlib import Path

from spinhydro.errors import ParameterError, shorten, unknown_name_message

#: A sweep with more cases than this is taken for a typing error.
MOST_CASES = 1_000_000
_SCALES = ("linear", "log")
_SAMPLERS = ("random", "sobol", "latin")


@dataclass
class Design:
    """The cases of a sweep.

    Attributes
    ----------
    names : list of str
        Parameters that differ between cases.
    cases : list of dict
        ``{name: text}`` of the varied parameters, in the order of the table.
    fixed : dict
        ``{name: text}`` of parameters that all cases share.
    shape : list of int
        Lengths of the axes of a full grid, in the order of `names`; empty for other designs.
    """

    names: list
    cases: list
    fixed: dict
    shape: list = field(default_factory=list)


def split_top_level(text, separator):
    """Parts of a text between separators outside brackets and quotes."""
    parts, start, depth, quote = [], 0, 0, ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == separator and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [part.strip() for part in [*parts, text[start:]]]


def make_design(pairs, zipped=False, table=None, sample=None, seed=0):
    """Return the cases given by the arguments of a command line.

    Parameters
    ----------
    pairs : dict
        ``{name: text}``. ``a:b:n`` is n values from a to b, ``a:b:n:log`` in equal ratios,
        ``v1,v2,…`` a list; anything else is one value for all cases.
    zipped : bool
        Take lists entry by entry instead of every combination; they must be equally long.
    table : path, optional
        A CSV file with parameter names in its first row: each further row is a case, combined
        with the lists of `pairs`.
    sample : str, optional
        "random:64", "sobol:64" or "latin:64": points in the box spanned by all ``a:b`` of `pairs`.
    seed : int
        Of the sample.

    Raises
    ------
    ParameterError
    """
    if sample:
        return _sampled(pairs, sample, seed, zipped or table)
    values = {name: _values(name, text) for name, text in pairs.items()}
    fixed = {name: found[0] for name, found in values.items() if len(found) == 1}
    varied = {name: found for name, found in values.items() if len(found) > 1}
    rows = _read_table(table) if table else None
    if rows:
        twice = sorted(set(rows[0]) & set(pairs))
        if twice:
            raise ParameterError(f"{twice[0]} is given in {table} and on the command line")
    if zipped:
        lengths = {name: len(found) for name, found in varied.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise ParameterError(f"--zip takes lists of equal length; {told} values")
        combined = [
            dict(zip(varied, row, strict=True)) for row in zip(*varied.values(), strict=True)
        ]
        combined = combined if varied else [{}]
    else:
        _check_number([len(found) for found in varied.values()] + [len(rows or [0])])
        combined = [
            dict(zip(varied, row, strict=True)) for row in itertools.product(*varied.values())
        ]
    cases = [{**row, **case} for row in rows or [{}] for case in combined]
    if len(cases) < 2:
        raise ParameterError(
            "a sweep needs at least two cases; write for example kappa_n0=1:3:11 or"
            " kernel=lattice,micromagnetic, or use `spinhydro run` for one"
        )
    is_grid = not zipped and not rows
    return Design(
        names=list(cases[0]),
        cases=cases,
        fixed=fixed,
        shape=[len(found) for found in varied.values()] if is_grid else [],
    )


def _check_number(lengths):
    number = 1
    for length in lengths:
        number *= length
    if number > MOST_CASES:
        raise ParameterError(f"{number} cases are more than a sweep takes ({MOST_CASES})")


def _values(name, text):
    """Texts of the values given by an argument of the command line."""
    if text.lstrip().startswith("lambda"):
        return [text]
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]") and len(split_top_level(inner, ",")) == 1:
        inner = inner[1:-1]
    parts = [part for part in split_top_level(inner, ",") if part]
    if not parts:
        raise ParameterError(f"{name} has no values")
    found = [value for part in parts for value in _range(name, part)]
    return found


def _range(name, text):
    """The values of ``a:b:n`` or ``a:b:n:log``; the text itself if it is neither."""
    parts = split_top_level(text, ":")
    if len(parts) == 1:
        return parts
    if len(parts) not in (3, 4) or not all(parts):
        raise ParameterError(
            f"{name}={shorten(text)}: a range is written first:last:number, as in 0:1:11, or "
            "first:last:number:log"
        )
    first, last, count = parts[:3]
    scale = parts[3] if len(parts) == 4 else "linear"
    if scale not in _SCALES:
        raise ParameterError(unknown_name_message("scale of a range", scale, _SCALES))
    if not count.isdigit() or int(count) < 2:
        raise ParameterError(
            f"{name}={shorten(text)}: the number of values must be a whole number, at least 2"
        )
    _check_number([int(count)])
    steps = int(count) - 1
    return [_between(first, last, i, steps, scale) for i in range(steps + 1)]


def _number(text):
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _between(first, last, step, steps, scale):
    """Text of the value at a fraction ``step/steps`` of the way; the ends keep their text."""
    if step in (0, steps):
        return first if step == 0 else last
    a, b = _number(first), _number(last)
    if a is None or b is None:
        fraction = repr(step / steps)
        if scale == "log":
            return f"({first})*(({last})/({first}))**{fraction}"
        return f"({first}) + (({last}) - ({first}))*{fraction}"
    if scale == "log":
        if a <= 0 or b <= 0:
            raise ParameterError(f"{first}:{last}: equal ratios need positive ends")
        return repr(a * (b / a) ** (step / steps))
    whole = isinstance(a, int) and isinstance(b, int) and (b - a) * step % steps == 0
    return repr(a + (b - a) * step // steps if whole else a + (b - a) * (step / steps))


def _sampled(pairs, sample, seed, other):
    from scipy.stats import qmc

    if other:
        raise ParameterError("--sample cannot be combined: leave out --zip and --table")
    kind, _, count = sample.partition(":")
    if kind not in _SAMPLERS:
        raise ParameterError(unknown_name_message("sample", kind, _SAMPLERS))
    if not count.isdigit() or int(count) < 2:
        raise ParameterError(f"--sample {shorten(sample)}: write for example --sample {kind}:64")
    _check_number([int(count)])
    ends, fixed = {}, {}
    for name, text in pairs.items():
        parts = split_top_level(text, ":")
        if len(parts) == 1 or text.lstrip().startswith("lambda"):
            fixed[name] = text
        elif len(parts) == 2 and all(parts):
            ends[name] = parts
        else:
            raise ParameterError(f"{name}={shorten(text)}: with --sample a range is first:last")
    if not ends:
        raise ParameterError("--sample needs a range, as in alpha=0.01:0.1")
    import numpy as np

    number = int(count)
    if kind == "random":
        points = np.random.default_rng(seed).random((number, len(ends)))
    elif kind == "sobol":
        points = qmc.Sobol(len(ends), seed=seed).random(number)
    else:
        points = qmc.LatinHypercube(len(ends), seed=seed).random(number)
    cases = [
        {
            name: _between(first, last, float(u), 1, "linear")
            for (name, (first, last)), u in zip(ends.items(), point, strict=True)
        }
        for point in points
    ]
    return Design(names=list(ends), cases=cases, fixed=fixed)


def _read_table(path):
    """Rows of a CSV file as dictionaries of texts."""
    path = Path(path)
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(f"the table {path} cannot be read: {error}") from None
    if len(rows) < 2:
        raise ParameterError(f"the table {path} needs a row of names and at least one case")
    names = [name.strip() for name in rows[0]]
    wrong = [name for name in names if not name.isidentifier()]
    if wrong or len(set(names)) < len(names):
        raise ParameterError(
            f"the first row of {path} must hold the names of parameters, each once: "
            f"{', '.join(names)}"
        )
    found = []
    for number, row in enumerate(rows[1:], start=2):
        cells = [cell.strip() for cell in row]
        if len(cells) != len(names) or not all(cells):
            raise ParameterError(
                f"{path}, row {number}: {len([c for c in cells if c])} values for "
                f"{len(names)} names"
            )
        found.append(dict(zip(names, cells, strict=True)))
    return found
