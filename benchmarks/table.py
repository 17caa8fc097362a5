"""The Markdown page of all figures."""

import math
from pathlib import Path

_NOTES = Path(__file__).parent / "notes.md"


def of_unit(unit, results):
    """The table of one unit."""
    base = next((r.milliseconds for r in results if r.competitor.name == unit.baseline), math.nan)
    ratio = f"/ {unit.baseline}"
    lines = [f"## {unit.title}", ""]
    columns = ["", "ms per step", ratio, "error"] + (["ns per step and site"] if unit.sites else [])
    lines += ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for result in results:
        competitor = result.competitor
        if competitor.missing:
            cells = [competitor.name, competitor.missing] + [""] * (len(columns) - 2)
        else:
            cells = [competitor.name, f"{result.milliseconds:.3g}",
                     f"{result.milliseconds / base:.2f}",
                     "" if math.isnan(result.error) else f"{result.error:.1e}"]  # fmt: skip
            if unit.sites:
                cells.append(f"{1e6 * result.milliseconds / unit.sites:.0f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def page(entries, missing=()):
    """Return the page of all units: tables in their order, then the rows of the others.

    Parameters
    ----------
    entries : dict of str to dict
        See `benchmarks.results.measured`.
    missing : sequence of str
        Units without figures.
    """
    parts = ["# Benchmarks", "", _NOTES.read_text(encoding="utf-8").strip(), ""]
    if missing:
        parts += [f"Not measured: {', '.join(missing)}.", ""]
    for entry in entries.values():
        for text in entry["tables"]:
            parts += [text.strip(), "", f"*{_circumstances(entry)}*", ""]
    rows = [(entry, row) for entry in entries.values() for row in entry["rows"]]
    if rows:
        parts += ["## Memory, set-up, ensembles and ranks", ""]
        parts += ["| | | code | load |", "|---|---|---|---|"]
        parts += [
            f"| {what} | {figure} | {entry['code']} | {_load(entry)} |"
            for entry, (what, figure) in rows
        ]
        parts.append("")
    parts += ["## Machines", ""]
    for lines in dict.fromkeys(tuple(entry["machine"]) for entry in entries.values()):
        units = [name for name, entry in entries.items() if tuple(entry["machine"]) == lines]
        parts += [f"- {' '.join(lines)} ({', '.join(units)})"]
    return "\n".join([*parts, ""])


def _circumstances(entry):
    return f"Code {entry['code']}, {entry['date']}, load average {_load(entry)}."


def _load(entry):
    before, after = entry["load"]
    return f"{before:g}" if before == after else f"{before:g} to {after:g}"
