"""Set files of a path: run folders, handler folders, files, lists and patterns."""

import glob
import re
from pathlib import Path

from spinhydro.errors import InputError, nearest

from .record import read_run_json

SET_FILE = re.compile(r"(?P<handler>.+)_s(?P<number>\d+)\.h5$")
PROCESS_FILE = re.compile(r"(?P<joint>.+_s\d+)_p\d+\.h5$")
#: Handlers of a run folder that are not outputs of the problem.
PREFERRED = "fields"


def handlers_of(path):
    """{handler: (set files, run folder or None)} of everything that `path` means.

    Parameters
    ----------
    path : path-like or list of path-like
        A run folder, the folder of a file handler, one set file, a pattern with * or ?, or a list
        of set files.

    Raises
    ------
    InputError
        Nothing at `path`, or no output in it; it names the nearest path that exists.
    """
    if isinstance(path, (list, tuple)):
        if not path:
            raise InputError("the list of set files is empty; give at least one .h5 file")
        return _of_files([Path(one) for one in path])
    path = Path(path)
    try:
        exists = path.exists()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if not exists and glob.has_magic(str(path)):
        return _of_pattern(path)
    if not exists:
        raise InputError(_missing(path))
    if not path.is_dir():
        return _of_files([path])
    try:
        return _in_folder(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _of_pattern(path):
    found = [Path(one) for one in sorted(glob.glob(str(path)))]
    files = [one for one in found if SET_FILE.match(one.name) and one.is_file()]
    if files:
        return _of_files(files)
    folders = [one for one in found if one.is_dir()]
    if len(folders) == 1:
        return _in_folder(folders[0])
    if folders:
        shown = ", ".join(map(str, folders[:6])) + (" …" if len(folders) > 6 else "")
        raise InputError(f"{path} matches {len(folders)} folders; give one of {shown}")
    raise InputError(f"no file and no folder matches {path}")


def _of_files(files):
    for file in files:
        _require_set_file(file)
    files = sorted(files, key=_set_number)
    match = SET_FILE.match(files[0].name)
    name = match["handler"] if match else files[0].stem
    return {name: (files, _run_folder(files[0]))}


def _in_folder(folder):
    is_run = (folder / "run.json").exists()
    found = _sets(folder)
    if not found:
        below = [_sets(child) for child in sorted(folder.iterdir()) if child.is_dir()]
        found = {name: files for handlers in below for name, files in handlers.items()}
    if not found:
        if is_run:
            record, _ = read_run_json(folder / "run.json")
            raise InputError(no_writes(folder, record or {}))
        raise InputError(_not_a_run(folder))
    return {
        name: (sorted(files, key=_set_number), folder if is_run else _run_folder(files[0]))
        for name, files in sorted(found.items())
    }


def _sets(folder):
    """{handler name: set files} of one folder."""
    found = {}
    for file in folder.glob("*_s*.h5"):
        match = SET_FILE.match(file.name)
        if match and not file.is_dir():
            found.setdefault(match["handler"], []).append(file)
    return found


def set_number(file):
    """Number of a set file, or None for a file of another name."""
    match = SET_FILE.match(file.name)
    return int(match["number"]) if match else None


def _set_number(file):
    return (set_number(file) or 0, file.name)


def _run_folder(file):
    """The folder with run.json that a set file belongs to, or None for a plain Dedalus script."""
    for folder in (file.parent.parent, file.parent):
        if (folder / "run.json").exists():
            return folder
    return None


def _require_set_file(file):
    if not file.exists():
        raise InputError(_missing(file))
    if not file.is_file():
        raise InputError(f"{file} is not a regular file")
    part = PROCESS_FILE.match(file.name)
    if part:
        joint = file.parent.parent / f"{part['joint']}.h5"
        raise InputError(
            f"{file} holds the part of one process only; "
            + (f"load the joint file {joint}" if joint.exists() else _merge(file.parent.parent))
        )


def _merge(folder):
    command = f"python3 -m dedalus merge_procs {folder}"
    return f"merge the process files of Dedalus v2 first: {command}"


def _missing(path):
    """Message for a path that does not exist, with the nearest one that does."""
    parent = path.parent
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    try:
        inside = sorted(child.name for child in parent.iterdir())
    except OSError:
        inside = []
    first, *rest = path.relative_to(parent).parts if parent != path else (path.name,)
    message = f"there is no {path}"
    likely = nearest(first, inside)
    if likely is None and first.isdigit():
        # Numbered runs: the highest number is the latest run.
        likely = max((name for name in inside if name.isdigit()), default=None)
    if likely is not None:
        guess = parent / likely
        if guess.joinpath(*rest).exists():
            guess = guess.joinpath(*rest)
        return f"{message}; did you mean {guess}?"
    shown = ", ".join(inside[:8]) + (" …" if len(inside) > 8 else "")
    return f"{message}; {parent} holds {shown or 'nothing'}. Give a run folder or a .h5 file"


def _not_a_run(folder):
    runs = sorted(file.parent for file in folder.glob("*/run.json"))
    runs = runs or sorted(file.parent for file in folder.glob("*/*/run.json"))
    if runs:
        return f"{folder} is not one run but holds {len(runs)}; the last is {runs[-1]}"
    parts = sorted(folder.glob("*_s*/*_s*_p*.h5")) or sorted(folder.glob("*_s*_p*.h5"))
    if parts:
        return f"{folder} holds the files of single processes ({parts[0].name} …); " + _merge(
            folder
        )
    inside = sorted(child.name for child in folder.iterdir())
    shown = ", ".join(inside[:6]) + (" …" if len(inside) > 6 else "")
    return (
        f"{folder} is neither a run folder nor the folder of a Dedalus file handler: "
        f"no run.json and no set file <name>_s1.h5 in it (it holds {shown or 'nothing'})"
    )


def no_writes(where, record):
    status = record.get("status")
    if status == "running":
        return f"{where} has no output yet; try again later if `spinhydro list` shows it running"
    state = f" (status: {status}; {record.get('message') or 'no message'})" if status else ""
    return f"{where} has no output: nothing has been written{state}"
