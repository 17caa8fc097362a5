"""Provenance of a result: versions, git state, command, host-independent facts of the run."""

import importlib
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

PACKAGES = ("spinhydro", "dedalus", "numpy", "scipy", "h5py", "mpi4py")


def versions():
    """Return the versions of Python and of the packages that affect the results."""
    # A run has loaded all of them; their metadata would be read from files.
    packages = {name: importlib.import_module(name) for name in PACKAGES}
    return {
        "python": platform.python_version(),
        **{name: getattr(package, "__version__", "unknown") for name, package in packages.items()},
    }


def git_state(folder):
    """Return commit and cleanliness of the checkout around a folder; empty outside of one."""
    command = ["git", "-C", str(folder), "status", "--porcelain=v2", "--branch"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return _read_status(done.stdout)


def git_states(folder):
    """Return the git states of spinhydro and of the problem file in a folder, as a record."""
    theirs, here = git_state(folder), Path(__file__).parent
    # A status of a checkout is that of all its folders.
    ours = theirs if _checkout(here) == _checkout(folder) else git_state(here)
    return {"git": ours, "problem_git": theirs}


def _checkout(folder):
    """Return the nearest folder above that holds ``.git``; None if there is none."""
    folder = Path(folder).absolute()
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def _read_status(text):
    """Return what ``git status --porcelain=v2 --branch`` says about the commit and changes."""
    lines = text.splitlines()
    commits = [line.split()[-1] for line in lines if line.startswith("# branch.oid ")]
    if not commits or commits[0] == "(initial)":
        return {}
    return {"commit": commits[0], "dirty": any(not line.startswith("#") for line in lines)}


def now():
    """Return the present time in UTC, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def command():
    """Return the command line of this process."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) if sys.argv else ""
