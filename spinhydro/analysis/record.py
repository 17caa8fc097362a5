"""The record of a run: run.json, or the copy of it in the data files."""

import json
import math

from spinhydro.errors import shorten

#: Entries of the record that become attributes of a dataset, as text or numbers.
ENTRIES = (
    "problem",
    "status",
    "reason",
    "message",
    "started",
    "finished",
    "command",
    "engine",
    "timestepper",
    "ranks",
    "seed",
    "wall_seconds",
    "changed_by_hand",
    "given_equations",
)
#: run.json larger than this (bytes) is not read.
LARGEST = 50_000_000


def read_run_json(file):
    """(record, warning): run.json is replaced as a whole, so a damaged one stays damaged."""
    try:
        if file.stat().st_size > LARGEST:
            raise ValueError("it is too large")
        record = _parsed(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return None, f"{file} is damaged: {shorten(error, 120)}"
    return record, None


def run_record(folder, sets):
    """(record, warning): run.json of `folder`, or its contents as far as the set files hold them.

    Entries of the wrong type are dropped, so that the rest can rely on them.
    """
    record = warning = None
    if folder is not None:
        record, warning = read_run_json(folder / "run.json")
    if record is None and "run" in sets[-1].attrs:
        try:
            record = _parsed(sets[-1].attrs["run"])
        except (ValueError, RecursionError) as error:
            text = f"the run record in the data is damaged: {shorten(error, 120)}"
            warning = f"{warning or ''} {text}".strip()
        else:
            if warning:
                warning += "; parameters are those that the data file states"
                record["status"] = "unknown"
    return _clean(record or {}), warning


def provenance(record, folder, files, attrs, units):
    """Attributes of a dataset: scalars and text only, so that it can be saved as netCDF."""
    found = {"units": units}
    for name in ENTRIES:
        value = record.get(name)
        joint = " " if name == "command" else ", "
        found[name] = joint.join(map(str, value)) if isinstance(value, list) else value
    found["run"] = str(folder if folder is not None else files[0].parent)
    found["handler"] = attrs.get("handler_name")
    few = files if len(files) <= 20 else [*files[:3], *files[-1:]]
    found["files"] = ", ".join(file.name for file in few)
    if len(few) < len(files):
        found["files"] += f" ({len(files)} files)"
    versions = record["versions"]
    found["versions"] = ", ".join(f"{name} {number}" for name, number in versions.items())
    git = record["git"]
    if git.get("commit"):
        found["git_commit"] = f"{git['commit']}{' (dirty)' if git.get('dirty') else ''}"
    found["source"] = attrs.get("problem_source")
    # The order is the one in which they are printed.
    order = ("problem", "run", "status", "reason", "message", "units", "versions", "git_commit")
    found = {name: found.get(name) for name in (*order, *found)}
    found = {name: value for name, value in found.items() if value not in (None, "")}
    for name, value in record["parameters"].items():
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, (int, float, str)) and value != found.get(name):
            found[name if name not in found else f"parameter_{name}"] = value
    return found


def _parsed(text):
    record = json.loads(text)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


def _clean(record):
    """`record` with dictionaries where dictionaries belong and plain values elsewhere."""
    clean = {}
    for name in ("parameters", "units", "versions", "git"):
        entry = record.get(name)
        clean[name] = {str(k): v for k, v in entry.items()} if isinstance(entry, dict) else {}
    clean["units"] = {k: v for k, v in clean["units"].items() if isinstance(v, str)}
    per_member = record.get("per_member")
    clean["per_member"] = (
        [name for name in per_member if isinstance(name, str)]
        if isinstance(per_member, list)
        else []
    )
    for name in ENTRIES:
        value = record.get(name)
        if isinstance(value, list):
            value = [str(one) for one in value]
        if isinstance(value, (str, list)) or _is_number(value):
            clean[name] = value
    return clean


def _is_number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return (
        isinstance(value, int)
        and abs(value) < 2**63
        or (isinstance(value, float) and math.isfinite(value))
    )
