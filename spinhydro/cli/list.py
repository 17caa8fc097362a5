"""spinhydro list: problem files, runs and sweeps in this folder."""

import ast
from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.cli.records import dictionary, number, sweep_cases
from spinhydro.cli.terminal import printable
from spinhydro.errors import InputError
from spinhydro.run.liveness import shown_status
from spinhydro.run.record import read_record


def command(arguments):
    """Print a line for every problem file, run and sweep."""
    parser = Parser("list", "Problem files, runs and sweeps in this folder.")
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder of all runs [runs]")
    out = Path(parser.read(arguments).out)
    print("problems")
    paths = sorted(Path("problems").glob("*.py"))
    for path in paths:
        print(printable(f"  {path}  {_first_sentence(path)}"))
    if not paths:
        print("  none in this folder; `spinhydro examples` copies those that come with spinhydro")
    print("runs")
    for path in sorted([*out.glob("*/*/run.json"), *out.glob("*/*/sweep.json")]):
        state = _state(path.parent) if path.name == "run.json" else sweep_cases(path.parent)
        print(printable(f"  {path.parent}  {state}"))
    return 0


def _first_sentence(path):
    try:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):
        return "(not readable as a problem file)"
    return " ".join(text.split("\n\n")[0].split())


def _state(folder):
    try:
        record = read_record(folder)
    except InputError:
        return "damaged run.json"
    unit = dictionary(record, "units").get("time") or ""
    changed = [f"{k}={v}" for k, v in dictionary(record, "overrides").items()]
    given = record.get("given_equations")
    changed += [f"--equation '{text}'" for text in (given if isinstance(given, list) else [])]
    time = f"t = {number(record, 'sim_time')} {unit}".rstrip()
    return "  ".join([shown_status(record), time, " ".join(changed)]).rstrip()
