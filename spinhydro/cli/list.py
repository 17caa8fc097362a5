"""spinhydro list: problem files and runs in this folder."""

import ast
from pathlib import Path

from spinhydro.cli.parser import Parser
from spinhydro.cli.records import dictionary, number
from spinhydro.cli.terminal import printable
from spinhydro.errors import InputError
from spinhydro.run.liveness import shown_status
from spinhydro.run.record import read_record


def command(arguments):
    """Print a line for every problem file and every run."""
    parser = Parser("list", "Problem files and runs in this folder.")
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder of all runs [runs]")
    out = Path(parser.read(arguments).out)
    print("problems")
    paths = sorted(Path("problems").glob("*.py"))
    for path in paths:
        print(printable(f"  {path}  {_first_sentence(path)}"))
    if not paths:
        print("  none in this folder; `spinhydro examples` copies those that come with spinhydro")
    print("runs")
    for path in sorted(out.glob("*/*/run.json")):
        print(printable(f"  {path.parent}  {_state(path.parent)}"))
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
    changed = " ".join(f"{k}={v}" for k, v in dictionary(record, "overrides").items())
    return f"{shown_status(record)}  t = {number(record, 'sim_time')}  {changed}"
