"""Differences between two runs of the same problem."""

from pathlib import Path

import h5py
import numpy as np


def compare_runs(first, second):
    """Return the largest and the rms difference of every output at the last time of two runs.

    Parameters
    ----------
    first, second : Path
        Run folders of the same problem.

    Returns
    -------
    dict
        ``{name: (rms, largest)}``.
    """

    def last(folder):
        files = sorted((folder / "fields").glob("*.h5"), key=lambda p: p.stat().st_mtime)
        with h5py.File(files[-1]) as file:
            return {name: file["tasks"][name][-1] for name in file["tasks"]}

    a, b = last(Path(first)), last(Path(second))
    return {
        name: (
            float(np.sqrt(np.mean(np.abs(a[name] - b[name]) ** 2))),
            float(np.max(np.abs(a[name] - b[name]))),
        )
        for name in a
    }
