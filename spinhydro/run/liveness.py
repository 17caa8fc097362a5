"""Telling runs whose process is alive from dead ones."""

import os
import platform
from datetime import datetime, timezone
from pathlib import Path

from spinhydro.run import provenance

#: Seconds without a sign of life after which a run on another host counts as dead.
PATIENCE = 600.0


def signature():
    """Return what identifies this process in a record."""
    pid = os.getpid()
    return {
        "pid": pid,
        "host": platform.node(),
        "process_started": _start_of(pid),
        "heartbeat": provenance.now(),
    }


def is_on_this_host(record):
    """Return whether a record names this host."""
    return record.get("host") == platform.node()


def is_running(record):
    """Return whether the status in a record is "running" and its process is alive.

    On this host the process is looked up; elsewhere the heartbeat decides.
    """
    if record.get("status") != "running":
        return False
    pid = record.get("pid")
    if is_on_this_host(record) and isinstance(pid, int):
        return _exists(pid) and record.get("process_started") == _start_of(pid)
    return _seconds_since(record.get("heartbeat")) < PATIENCE


def shown_status(record):
    """Return the status of a run for display: "dead" if recorded as "running" but not alive."""
    status = record.get("status")
    return "dead" if status == "running" and not is_running(record) else status


def _exists(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _start_of(pid):
    """Return the start of a process in ticks since boot, which identifies it."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name of the program, in parentheses, may hold blanks; zombies are dead.
    fields = text.rsplit(")", 1)[1].split()
    return None if fields[0] == "Z" else int(fields[19])


def _seconds_since(heartbeat):
    try:
        then = datetime.fromisoformat(heartbeat)
        return (datetime.now(timezone.utc) - then).total_seconds()
    except (TypeError, ValueError):
        return float("inf")
