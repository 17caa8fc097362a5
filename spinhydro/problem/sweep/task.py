"""Solve one task of a sweep: ``python -m spinhydro.problem.sweep.task SWEEP NUMBER``.

A task is solved in a process by itself, so that whatever happens to it ends no other. A task that
was stopped continues from its last checkpoint; one that has ended is left as it is.
"""

import json
import resource
import sys
import time

import h5py
import numpy as np

from spinhydro.errors import InputError, SpinhydroError, Stopped
from spinhydro.problem.sweep.folder import TaskLock, read, read_json, write
from spinhydro.problem.sweep.grouping import values_of
from spinhydro.units import in_unit

#: How a case has ended: computed, computed but an expectation was missed, or not computed.
DONE, MISSED, FAILED = "done", "missed", "failed"


def solve(sweep, number):
    """Solve a task unless that is done; return its ``task.json``.

    Raises
    ------
    Stopped
        If a signal or a limit of time ended the run; it continues when the task is solved again.
    """
    folder = sweep.task_folder(number)
    folder.mkdir(parents=True, exist_ok=True)
    with TaskLock(folder):
        result = sweep.result(number)
        if result is None:
            result = {"cases": _solve_cases(sweep, number, sweep.tasks[number])}
            result["units"] = _units(sweep, result["cases"])
            write(folder / "task.json", json.dumps(result, ensure_ascii=False) + "\n")
    return result


def _solve_cases(sweep, number, numbers):
    """Rows of the table for some cases of a task: in one run, or in two halves if it is refused."""
    folder = sweep.task_folder(number) / f"{numbers[0]}-{numbers[-1]}"
    before = _processor_seconds()
    try:
        run = _run(sweep, numbers, folder)
    except Stopped:
        raise
    except SpinhydroError as error:
        if len(numbers) > 1 and isinstance(error, InputError):
            middle = len(numbers) // 2
            return {
                **_solve_cases(sweep, number, numbers[:middle]),
                **_solve_cases(sweep, number, numbers[middle:]),
            }
        row = {"status": FAILED, "message": " ".join(str(error).split())}
        if getattr(error, "folder", None):
            row["run"] = str(error.folder.relative_to(sweep.path))
        return {str(case): row for case in numbers}
    cost = (_processor_seconds() - before) / len(numbers)
    return {
        str(case): {"run": str(run.relative_to(sweep.path)), **row, "cpu_seconds": round(cost, 3)}
        for case, row in zip(numbers, _rows(run, len(numbers), sweep.design.names), strict=True)
    }


def _run(sweep, numbers, folder):
    """Folder of the run of some cases, which resumes a stopped run."""
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    from spinhydro.problem.load import load
    from spinhydro.problem.resume import resume_run

    for record in sorted(folder.glob("*/*/run.json"), reverse=True):
        found = read_json(record) or {}
        if found.get("status") == "done":
            return record.parent
        if found:
            return resume_run(record.parent, quiet=True).folder
    options = sweep.options
    problem = load(
        sweep.problem,
        equations=options["equations"],
        quick=options["quick"],
        **values_of(sweep.design, sweep.members, numbers),
    )
    return problem.run(
        out=folder, engine=options["engine"], force=options["force"], quiet=True
    ).folder


def _rows(run, number, varied):
    """Varied parameters, status, expectations and final scalars of every member of a run."""
    record = read_json(run / "run.json")
    expected = record.get("expect") or {}
    failed = {str(k): v for k, v in (record.get("failed_members") or {}).items()}
    scalars = _last_scalars(run, number)
    rows = []
    for member in range(number):
        values = {name: _of_member(found, member) for name, found in expected.items()}
        met = all(value.get("met") for value in values.values())
        row = {"status": DONE if met else MISSED, **_given(record, varied, member)}
        if number > 1:
            row["member"] = member
        if str(member) in failed:
            row.update(status=FAILED, message=str(failed[str(member)]))
        row |= {f"expect {name}": value.get("value") for name, value in values.items()}
        rows.append(row | {name: _plain(values[member]) for name, values in scalars.items()})
    return rows


def _given(record, varied, member):
    """Numbers of the varied parameters, each in its unit."""
    found = {}
    for name in varied:
        value = (record.get("parameters") or {}).get(name)
        value = value[member] if isinstance(value, list) and member < len(value) else value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            # Twelve digits: conversion leaves -2.9999999999999996 of -3 tesla.
            powers = (record.get("dimensions") or {}).get(name)
            found[name] = float(f"{_in_unit(record, value, powers)[0]:.12g}") if powers else value
    return found


def _in_unit(record, value, powers):
    return in_unit(value, tuple(powers), record.get("units") or {})


def _units(sweep, cases):
    """``{name: unit}`` of the varied parameters, from the first case that has a run."""
    runs = [row["run"] for row in cases.values() if row.get("run")]
    record = (read_json(sweep.path / runs[0] / "run.json") if runs else None) or {}
    powers = record.get("dimensions") or {}
    return {n: _in_unit(record, 1.0, powers[n])[1] for n in sweep.design.names if n in powers}


def _of_member(found, member):
    """Value and verdict of an expectation for one member; that of the run if it has one value."""
    members = found.get("members")
    return members[member] if members else found


def _last_scalars(run, number):
    """``{output: one value per member}`` of the last write, for outputs that are one number."""
    sets = sorted(run.glob("fields/fields_s*.h5"), key=lambda p: int(p.stem.rpartition("_s")[2]))
    with h5py.File(sets[-1], "r", locking=False) as file:
        found = {name: np.asarray(task[-1]) for name, task in file["tasks"].items()}
    return {name: value.ravel() for name, value in found.items() if value.size == number}


def _plain(value):
    value = np.asarray(value).item()
    return value if np.isfinite(value) else str(value)


def _processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(arguments=None):
    """Solve a task in this process; exit code 0 if it has ended, 75 if it was stopped."""
    folder, number = arguments or sys.argv[1:]
    started = time.monotonic()
    try:
        solve(read(folder), int(number))
    except Stopped:
        return Stopped.exit_code
    except SpinhydroError as error:
        print(f"spinhydro: task {number}: {error}", file=sys.stderr)
        return error.exit_code
    print(f"task {number}: {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
