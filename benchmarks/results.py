"""Figures of the units, kept one by one: the page can be interrupted, continued and renewed."""

import json
import os
import subprocess
from datetime import date
from pathlib import Path

from benchmarks import machine, table

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "benchmarks.json"
PAGE = ROOT / "docs" / "benchmarks.md"


def read():
    """Return ``{unit: figures and how they were measured}``."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def is_present(entry):
    """Return whether figures are complete and of the code that is checked out."""
    return entry["code"] == code() and not any("failed: " in row[1] for row in entry["rows"])


def code():
    """Return the last commit that changed the code, with + if there are changes since."""

    def git(*words):
        line = ["git", "-C", str(ROOT), *words, "--", "spinhydro", "problems", "benchmarks"]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()

    return git("log", "-1", "--format=%h") + "+" * bool(git("status", "--porcelain"))


def measured(name, unit):
    """Measure a unit; return its entry.

    Parameters
    ----------
    name : str
    unit : iterable of str or (str, str)
        Tables, and rows of what and figure, measured as they are taken.
    """
    before = os.getloadavg()[0]
    tables, rows = [], []
    try:
        for found in unit:
            (tables if isinstance(found, str) else rows).append(found)
    except Exception as error:
        # A failure of one unit must not cost the figures of the others.
        rows.append((name, f"failed: {type(error).__name__}: {error}".replace("\n", " ")))
    return {
        "code": code(),
        "date": f"{date.today():%d %B %Y}",
        "load": [round(before, 1), round(os.getloadavg()[0], 1)],
        "machine": machine.describe(),
        "tables": tables,
        "rows": rows,
    }


def keep(name, entry, order):
    """Put the entry of a unit into the file, and write the page again, units in an order."""
    entries = {**read(), name: entry}
    entries = {unit: entries[unit] for unit in order if unit in entries}
    text = json.dumps(entries, indent=1, ensure_ascii=False)
    FILE.write_text(text + "\n", encoding="utf-8")
    missing = [unit for unit in order if unit not in entries]
    PAGE.write_text(table.page(entries, missing), encoding="utf-8")
