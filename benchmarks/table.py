"""The Markdown page of all figures."""

import math
from pathlib import Path

from benchmarks import machine

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


def page(tables, rows, missing=()):
    """The whole page, or as much of it as there is while units are `missing`."""
    parts = ["# Benchmarks", "", *machine.describe(), ""]
    if missing:
        parts += [f"Not measured: {', '.join(missing)}.", ""]
    parts += [_NOTES.read_text(encoding="utf-8"), *tables]
    if rows:
        parts += ["## Memory, set-up, ensembles and ranks", "", "| | |", "|---|---|"]
        parts += [f"| {what} | {figure} |" for what, figure in rows]
        parts.append("")
    return "\n".join(parts)
