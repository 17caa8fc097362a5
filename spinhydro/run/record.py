"""The record of a run, run.json, for readers: any part may be missing or damaged."""

import json
from pathlib import Path

from spinhydro.errors import InputError, nearest


def read_record(folder):
    """Return run.json of a run folder; raise InputError if there is none or it is damaged."""
    folder = Path(folder)
    try:
        return _read_record(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be reached: {error.strerror}") from None


def _read_record(folder):
    path = folder / "run.json"
    if not folder.exists():
        runs = [str(p.parent) for p in folder.parent.glob("*/run.json")]
        close = nearest(str(folder), runs)
        hint = f"did you mean '{close}'?" if close else "`spinhydro list` shows the runs"
        raise InputError(f"there is no run folder '{folder}'; {hint}")
    if not path.is_file():
        raise InputError(f"'{folder}' is not a run folder: it has no run.json; `spinhydro list`")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("it is not a record")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is damaged: {error}") from None
    return record
