"""Continue a run of a problem file: load the problem of its folder, and run on."""

from pathlib import Path

from spinhydro.errors import InputError
from spinhydro.problem.load import load
from spinhydro.problem.parameters import override
from spinhydro.problem.source_file import read_source, replace_equations
from spinhydro.run.record import read_record
from spinhydro.run.simulation import run_problem


def resume_run(
    path, stop_time=None, checkpoint=None, edited=False, engine=None, quiet=False, values=None,
    **options,
):  # fmt: skip
    """Continue a run of a problem file to its stop time, or to a later one.

    The result has the bytes of the uninterrupted run on the same machine and number of ranks.

    Parameters
    ----------
    path : str or Path
        The run folder.
    stop_time : str or float, optional
        New stop time, as on the command line.
    checkpoint : int, str or Path, optional
        A number in the name of a checkpoint file, a negative number that counts from the last
        (-1), or a path. By default the last one; without any, the run begins again.
    edited : bool
        Take the problem file as it is now. By default the run continues with the problem as it was
        when it began, which is kept in the run folder.
    engine : str, optional
        By default that of the run.
    quiet : bool
    values : dict
        New values of other parameters; this changes the problem, and is recorded.
    **options
        See ``run_problem``.

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        If the run is alive, complete, or cannot be resumed.
    """
    path = Path(path)
    record = read_record(path)
    values = dict(values or {})
    if stop_time is not None:
        values["stop_time"] = stop_time
    problem, is_other = _load_problem(path, record, values, edited)
    kept = record.get("options") or {}
    engine = engine or kept.get("engine") or record.get("engine") or "auto"
    merged = {name: value for name, value in kept.items() if name != "engine"} | options
    return run_problem(
        problem, engine=engine, quiet=quiet, resume=path, checkpoint=checkpoint,
        edited=is_other, **merged,
    )  # fmt: skip


def _load_problem(path, record, values, edited):
    """Return (problem, whether it is another one than before)."""
    name = record.get("problem")
    kept = path / f"{name}.py"
    original = Path(str(record.get("problem_path") or ""))
    if not kept.is_file() and not edited:
        raise InputError(
            f"{path} holds no problem file {name}.py: a run of a script is resumed by the script, "
            f'spinhydro.simulate(…, resume="{path}")'
        )
    overrides = record.get("overrides") or {}
    equations = record.get("given_equations") or []
    other = set(values) - {"stop_time"}
    if edited:
        return load(original, equations=equations, **{**overrides, **values}), True
    if _is_unedited(original, overrides, equations, kept):
        # Data and modules beside the problem file are found only from there.
        return load(original, equations=equations, **{**overrides, **values}), bool(other)
    return load(kept, **values), bool(other)


def _is_unedited(original, overrides, equations, kept):
    if not original.is_file():
        return False
    try:
        source, _ = override(read_source(original), overrides)
        if equations:
            source = replace_equations(source, equations)
    except InputError:
        return False
    return source.text == kept.read_text(encoding="utf-8")
