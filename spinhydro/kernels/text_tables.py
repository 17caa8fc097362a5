"""Text files of columns: tables of omega(k), of drives in time, and of profiles."""

from pathlib import Path

import numpy as np


def read_columns(path):
    """Return the columns (columns, rows) of numbers separated by commas or blanks.

    Empty lines, lines that begin with # and a heading are left out.

    Raises
    ------
    OSError, ValueError
        For a file that cannot be read, or that holds no numbers.
    """
    text = Path(path).read_text(encoding="utf-8").splitlines()
    lines = [line for line in text if line.strip() and not line.lstrip().startswith("#")]
    separator = "," if any("," in line for line in lines) else None
    if lines and not _is_number(lines[0].split(separator)[0]):
        lines = lines[1:]
    if not lines:
        raise ValueError("there are no rows of numbers in it")
    return np.loadtxt(lines, delimiter=separator, ndmin=2, unpack=True)


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
