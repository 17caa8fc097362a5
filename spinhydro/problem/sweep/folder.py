"""The folder of a sweep: its tasks, their results, and the table.

::

    runs/<problem>/sweep_0001/
        sweep.json      the design, the tasks and how they were made; written once
        <problem>.py    the problem file as the sweep found it
        sweep.csv       a row for every case: parameters, status, results, cost
        tasks/0007/     one task: task.json when it has ended, and its run folders
"""

import csv
import fcntl
import io
import json
from dataclasses import dataclass
from pathlib import Path

from spinhydro.errors import InputError, OutputError
from spinhydro.problem.sweep.design import Design
from spinhydro.run.durable import replace_file

#: Increased when the meaning of the files changes.
FORMAT = 1


@dataclass
class Sweep:
    """A sweep on disk.

    Attributes
    ----------
    path : Path
    design : Design
    members : list of str
        Varied parameters that differ between the members of a run.
    tasks : list of list of int
        Numbers of the cases of every task.
    options : dict
        ``problem`` (name), ``equations``, ``quick``, ``engine``, ``force``.
    """

    path: Path
    design: Design
    members: list
    tasks: list
    options: dict

    @property
    def problem(self):
        """The problem file that the sweep keeps."""
        return self.path / "source" / f"{self.options['problem']}.py"

    def task_folder(self, number):
        """Folder of a task."""
        return self.path / "tasks" / f"{number:04d}"

    def result(self, number):
        """Return the record of a task that has ended; None before."""
        return read_json(self.task_folder(number) / "task.json")


def create(out, name, source, design, members, tasks, options):
    """Make the folder of a new sweep; the number is the next that is free.

    Parameters
    ----------
    source : Path
        The problem file; it is copied with the modules beside it that it imports.

    Raises
    ------
    OutputError
    """
    parent = Path(out) / name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        taken = [p.name[6:] for p in parent.glob("sweep_*") if p.name[6:].isdigit()]
        number = max(map(int, taken), default=0) + 1
        while True:
            path = parent / f"sweep_{number:04d}"
            try:
                path.mkdir()
                break
            except FileExistsError:
                number += 1
        (path / "tasks").mkdir()
        (path / "source").mkdir()
        write(path / "source" / f"{name}.py", source.read_text(encoding="utf-8"))
        record = {
            "format": FORMAT,
            "design": vars(design),
            "members": members,
            "tasks": tasks,
            "options": {**options, "problem": name, "folder": str(source.resolve().parent)},
        }
        write(path / "sweep.json", json.dumps(record, ensure_ascii=False) + "\n")
    except OSError as error:
        raise OutputError(f"no sweep could be made in {parent}: {error}") from None
    return read(path)


def read(path):
    """Read the folder of a sweep; raise InputError if it is not one."""
    path = Path(path)
    record = read_json(path / "sweep.json")
    if record is None:
        raise InputError(f"'{path}' is not the folder of a sweep: it has no sweep.json")
    try:
        if record["format"] != FORMAT:
            raise InputError(f"{path} was made by another release of spinhydro")
        return Sweep(
            path=path,
            design=Design(**record["design"]),
            members=list(record["members"]),
            tasks=[list(task) for task in record["tasks"]],
            options=dict(record["options"]),
        )
    except (KeyError, TypeError) as error:
        raise InputError(f"{path / 'sweep.json'} is damaged: {error}") from None


def read_json(path):
    """A dictionary from a file; None if there is none or it is not whole."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write(path, text):
    """Write a file atomically."""
    replace_file(path, text.encode())


class TaskLock:
    """Hold a task while it is solved, so that two launchers never solve it at once.

    The lock belongs to the process and ends with it, however it ends.
    """

    def __init__(self, folder):
        self.path = folder / "lock"

    def __enter__(self):
        self.file = open(self.path, "a")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self.file.close()


def rows(sweep):
    """Return the table: a dictionary for every case, in the order of the cases."""
    table = [{"case": i, **case, "status": "waiting"} for i, case in enumerate(sweep.design.cases)]
    for number, numbers in enumerate(sweep.tasks):
        result = sweep.result(number) or {}
        for case in numbers:
            found = result.get("cases", {}).get(str(case))
            table[case]["task"] = number
            if found:
                table[case].update(found)
    return table


def write_table(sweep):
    """Write ``sweep.csv`` and return its rows."""
    table = rows(sweep)
    names = list(dict.fromkeys(name for row in table for name in row))
    first = ["case", *sweep.design.names, "status", "task", "member", "run"]
    names = [n for n in first if n in names] + [n for n in names if n not in first]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    write(sweep.path / "sweep.csv", text.getvalue())
    return table
