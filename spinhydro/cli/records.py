"""Entries of run.json as commands print them: any part may be missing or damaged."""

import csv
from collections import Counter

from spinhydro.run.liveness import shown_status


def status_line(record):
    """Return the status of a run, with the remedy if its process has died."""
    status = shown_status(record)
    if status == "dead":
        return (
            f"dead: process {record.get('pid')} on {record.get('host')} is gone, last sign of life "
            f"{record.get('heartbeat')}; `spinhydro resume` continues the run"
        )
    return f"{status} ({record.get('reason') or 'still running'})"


def dictionary(record, name):
    """An entry of a record that should be a dictionary; empty if it is anything else."""
    entry = record.get(name)
    return entry if isinstance(entry, dict) else {}


def sweep_cases(folder):
    """Return how many cases of a sweep have which status, "5 done, 1 failed"."""
    try:
        with open(folder / "sweep.csv", newline="", encoding="utf-8") as file:
            found = Counter(row.get("status") for row in csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return "damaged sweep.csv"
    return ", ".join(f"{count} {status}" for status, count in found.items())


def rounded(value):
    """Return a number with six digits, and anything else unchanged."""
    return f"{value:.6g}" if isinstance(value, float) else value


def number(record, name):
    """An entry as text; a number without the rounding of its last digits."""
    value = record.get(name)
    return f"{value:.12g}" if isinstance(value, float) else value


def git_words(state):
    """Commit of a checkout in short, or None."""
    commit = state.get("commit")
    if not isinstance(commit, str) or not commit:
        return None
    return commit[:12] + (" with uncommitted changes" if state.get("dirty") else "")
