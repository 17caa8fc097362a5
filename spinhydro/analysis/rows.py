"""Rows of a table of numbers: value, origin, and reference."""

from dataclasses import asdict, dataclass

import numpy as np

from spinhydro.errors import InputError

RUN, FORMULA = "run", "formula"
HEADER = ("quantity", "value", "unit", "from", "reference", "agrees", "paper")


@dataclass(frozen=True)
class Row:
    """One number of a run.

    value : None where the run cannot give it; `note` is then the reason
    reference, tolerance : the number it is set against, None if there is none; or `band`
    paper : what the paper prints, as text
    origin : RUN for a number that the run computed, FORMULA for one of its parameters alone
    """

    quantity: str
    value: float | None
    unit: str = ""
    reference: float | None = None
    tolerance: float | None = None
    band: tuple[float, float] | None = None
    paper: str = ""
    note: str = ""
    origin: str = RUN

    @property
    def agrees(self):
        """True or False against the reference; None without a reference.

        False for a number of the run that should be there and is not finite.
        """
        if self.band is None and self.tolerance is None:
            return None
        if self.value is None:
            return None
        if not np.isfinite(self.value):
            return False
        if self.band is not None:
            return self.band[0] <= self.value <= self.band[1]
        return abs(self.value - self.reference) <= self.tolerance


def attempt(function, *names, **row):
    """Return rows of the values of `function`, or rows with the reason why there are none."""
    try:
        values = np.atleast_1d(function())
    except InputError as error:
        return [Row(name, None, note=str(error), **row) for name in names]
    return [
        Row(name, float(value) if np.isfinite(value) else None, **row)
        for name, value in zip(names, values, strict=True)
    ]


def against(rows, references, tolerance, paper=()):
    """Return the rows with references; `tolerance` is absolute, or relative as text, "1 %"."""
    out = []
    for place, (row, reference) in enumerate(zip(rows, references, strict=True)):
        if isinstance(tolerance, str):
            allowed = abs(reference) * float(tolerance.rstrip(" %")) / 100
        else:
            allowed = tolerance
        text = paper[place] if place < len(paper) else row.paper
        fields = {**asdict(row), "reference": reference, "tolerance": allowed, "paper": text}
        out.append(Row(**fields))
    return out


def cells(row):
    """Return the texts of a row, in the order of HEADER."""
    value = "-" if row.value is None else f"{row.value:.5g}"
    if row.band is not None:
        reference = f"{row.band[0]:g} … {row.band[1]:g}"
    elif row.reference is not None:
        reference = f"{row.reference:g} ± {row.tolerance:.2g}"
    else:
        reference = ""
    agrees = {True: "yes", False: "NO", None: ""}[row.agrees]
    return row.quantity, value, row.unit, row.origin, reference, agrees, row.paper


def table(rows):
    """Return lines of plain text in columns."""
    columns = list(zip(HEADER, *(cells(row) for row in rows), strict=True))
    # Columns such as `paper` are left out where no row has an entry.
    texts = list(zip(*(column for column in columns if any(column[1:])), strict=True))
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(one, widths, strict=True)).rstrip()
        for one in texts
    ]
    reasons = {}
    for row in rows:
        if row.value is None and row.note:
            reasons.setdefault(row.note, []).append(row.quantity)
    for note, quantities in reasons.items():
        more = f" and {len(quantities) - 1} more" if len(quantities) > 1 else ""
        lines.append(f"-: {quantities[0]}{more}: {note}")
    return lines
