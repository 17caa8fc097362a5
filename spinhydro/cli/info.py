"""spinhydro info RUN: parameters and equations of a run, and how it ended.

For set files of a plain script, which have no record, their outputs.
"""

from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.cli.records import dictionary, git_words, number, rounded, status_line, sweep_cases
from spinhydro.cli.terminal import printable
from spinhydro.errors import InputError
from spinhydro.run.record import read_record
from spinhydro.units import with_unit

#: Cases of a sweep that are printed.
_CASES = 20


def command(arguments):
    """Print the record of a run."""
    parser = Parser("info", "Parameters and equations of a run, and how it ended.")
    parser.add_argument(
        "run", metavar="RUN", help="a run folder, runs/quantum_torque/0001, or any set files"
    )
    run = Path(parser.read(arguments).run)
    if run.is_dir() and (run / "sweep.json").exists():
        for line in _of_sweep(run):
            print(printable(line))
        return 0
    has_record = run.is_dir() and (run / "run.json").exists()
    for line in _lines(read_record(run)) if has_record else _of_files(run):
        print(printable(line))
    return 0


def _of_files(path):
    """Yield lines on the outputs of set files; raise the error of `read_record` without any."""
    from spinhydro.analysis import load
    from spinhydro.analysis.paths import handlers_of

    try:
        handlers = handlers_of(path)
    except InputError:
        read_record(path)
        raise
    for handler in handlers:
        ds = load(path, handler=handler)
        yield f"{'handler':>10}  {handler}"
        times = f", t = {float(ds.t[0]):.6g} to {float(ds.t[-1]):.6g}" if ds.sizes["t"] else ""
        yield f"{'outputs':>10}  {ds.sizes['t']}{times}"
        for name, variable in ds.data_vars.items():
            axes = ", ".join(f"{dim} {variable.sizes[dim]}" for dim in variable.dims[1:])
            yield f"            {name} ({variable.dtype}){': ' if axes else ''}{axes}"


def _of_sweep(path):
    """Yield lines on the cases of a sweep."""
    from spinhydro.analysis.sweeps import read_table

    table = read_table(path)
    names = [name for name in table[0] if name not in ("task", "member", "run", "message")]
    yield f"{'sweep':>10}  {path}"
    yield f"{'cases':>10}  {sweep_cases(path)}; the table is {path / 'sweep.csv'}"
    yield "            " + "  ".join(names)
    for row in table[:_CASES]:
        yield "            " + "  ".join(str(rounded(row[name])) for name in names)
    if len(table) > _CASES:
        yield f"            … {len(table) - _CASES} more"


def _lines(record):
    rows = [
        ("problem", record.get("problem")),
        ("status", status_line(record)),
        ("message", record.get("message")),
        ("reached", f"t = {number(record, 'sim_time')} of {number(record, 'stop_time')}"
                    f"{_time(record)}, {record.get('iteration')} steps{_length(record)}"),
        ("stepper", f"{record.get('timestepper')} on engine {record.get('engine')}, "
                    f"{record.get('ranks')} rank(s)"),
        ("started", record.get("started")),
        ("took", f"{record['wall_seconds']} s of wall time" if "wall_seconds" in record else None),
        ("command", record.get("command")),
        ("git", git_words(dictionary(record, "git"))),
        ("versions", ", ".join(f"{k} {v}" for k, v in dictionary(record, "versions").items())),
    ]  # fmt: skip
    yield from (f"{name:>10}  {value}" for name, value in rows if value)
    overrides = dictionary(record, "overrides")
    declared = ", ".join(map(str, dictionary(record, "units").values()))
    yield f"{'parameters':>10}  " + (f"in {declared}; * = not the default" if declared else "")
    for name in dictionary(record, "parameters"):
        mark = "*" if name in overrides else " "
        yield f"          {mark} {name} = {_value(record, name)}"
    yield " equations"
    equations = record.get("equations")
    for text in equations if isinstance(equations, list) else []:
        yield f"            {text}"
    yield "   outputs"
    for name, text in dictionary(record, "outputs").items():
        yield f"            {name} = {text}"
    for text, value in dictionary(record, "watch").items():
        yield f"     watch  {text}: largest {rounded(value)}"
    for name, found in dictionary(record, "expect").items():
        found = found if isinstance(found, dict) else {}
        verdict = "ok" if found.get("met") else "missed"
        value, limit = rounded(found.get("value")), rounded(found.get("limit"))
        yield f"  expected  {name}: {value} <= {limit}: {verdict}"


def _length(record):
    """Return the length of the steps of a run as text."""
    if record.get("tolerance") is not None:
        return f", adaptive for a tolerance of {number(record, 'tolerance')}"
    if not record.get("timestep"):
        return ", adaptive"
    return f" of {rounded(record['timestep'])}{_time(record)}"


def _time(record):
    """Return the unit of time of a run after a space, or an empty text."""
    unit = dictionary(record, "units").get("time")
    return f" {unit}" if unit else ""


def _value(record, name):
    """Text of a parameter, with its unit where that is known."""
    value = dictionary(record, "parameters")[name]
    powers = dictionary(record, "dimensions").get(name)
    known = isinstance(powers, list) and len(powers) == 5
    if known and all(isinstance(one, (int, float)) for one in (value, *powers)):
        if all(abs(one) < 10 for one in powers):
            units = {name: str(unit) for name, unit in dictionary(record, "units").items()}
            return with_unit(value, tuple(powers), units)
    if isinstance(value, list) and all(isinstance(one, float) for one in value):
        return f"[{', '.join(f'{one:.12g}' for one in value)}]"
    return number(dictionary(record, "parameters"), name)
