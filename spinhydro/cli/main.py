"""The command ``spinhydro``; also what ``python problems/x.py NAME=VALUE`` calls.

Standard output carries results that scripts read (the run folder as the last line); everything
else goes to standard error.
"""

import argparse
import gc
import importlib.metadata
import json
import os
import sys
from pathlib import Path

from spinhydro.errors import InputError, SpinhydroError, nearest, no_such

USAGE = """spinhydro: spin hydrodynamics and Landau-Lifshitz dynamics on Dedalus

  spinhydro run PROBLEM [NAME=VALUE …]    solve a problem file, with some parameters changed
  spinhydro plot RUN [--list]             draw a run; list what it can show
  spinhydro measure RUN [RUN …]           numbers of paper A's figures beside their references
  spinhydro compare RUN RUN [RUN …]       how far runs are apart
  spinhydro info RUN                      what a run was and how it ended
  spinhydro list                          problem files and runs in this folder
  spinhydro examples [DIR]                copy the problem and analysis files into a folder
  spinhydro laboratory [NAME=VALUE …]     from atom number and trap to the model parameters
  spinhydro materials [NAME]              magnetic materials and their parameters
  spinhydro explain PROBLEM               its engine, transforms, kernels and memory
  spinhydro words [PROBLEM]               what equations may say; the kernels of a problem file

`spinhydro COMMAND --help` says more. Example:
  spinhydro run problems/quantum_torque.py Omega_R='2*pi*62*Hz' torque=0
"""


def main(arguments=None):
    """Run the command line and exit with its code.

    Parameters
    ----------
    arguments : list of str, or the path of a problem file
        A path, ``spinhydro.main(__file__)`` at the end of a problem file, runs that file with the
        arguments of the present command line. ``python x.py NAME=VALUE`` executes the file twice:
        Python with the values as written, then this function with the new ones. What the first
        execution has left in the calling module is dropped.
    """
    if isinstance(arguments, (str, Path)):
        _drop(sys._getframe(1).f_globals)
        arguments = ["run", _shortest(arguments), *sys.argv[1:]]
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    sys.exit(call(arguments))


def _drop(namespace):
    """Free the fields and arrays of a script that is executed again."""
    for name in [n for n in namespace if not n.startswith("__")]:
        del namespace[name]
    gc.collect()


def _shortest(path):
    path = Path(path)
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except ValueError:
        return str(path)


def call(arguments):
    """Exit code of a command line; errors of ours are printed, without a traceback."""
    try:
        return _dispatch(arguments)
    except SpinhydroError as error:
        _print_error(error)
        return error.exit_code
    except (ImportError, RuntimeError) as error:
        from spinhydro.cli.installation import installation_fault

        message = installation_fault(error)
        if message is None:
            raise
        _print_error(InputError(message))
        return InputError.exit_code
    except KeyboardInterrupt:
        print("spinhydro: stopped before the run began", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0


def _print_error(error):
    if not _speaks():
        return
    print(f"spinhydro: error: {error}", file=sys.stderr, flush=True)
    folder = getattr(error, "folder", None)
    if folder is not None:
        print(folder, flush=True)


def _speaks():
    """False on the ranks that leave talking to rank 0."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.Is_initialized():
        return mpi.COMM_WORLD.rank == 0
    # Before MPI is started, the launcher's own variables tell the rank.
    ranks = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")
    return all(os.environ.get(name, "0") == "0" for name in ranks)


def _dispatch(arguments):
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0
    if arguments[0] == "--version":
        from spinhydro import __version__

        print(f"spinhydro {__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name in _COMMANDS:
        return _COMMANDS[name](rest)
    plugins = importlib.metadata.entry_points(group="spinhydro.commands")
    for plugin in plugins:
        if plugin.name == name:
            return plugin.load()(rest)
    known = [*_COMMANDS, *plugins.names]
    if name.endswith(".py"):
        raise InputError(f"'{name}' is a problem file; write: spinhydro run {name}")
    raise InputError(no_such("command", name, known))


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        options = [o for action in self._actions for o in action.option_strings]
        wrong = [word for word in message.split() if word.startswith("-")]
        close = nearest(wrong[0], options) if wrong and wrong[0] not in options else None
        hint = f"; did you mean '{close}'?" if close else ""
        if message.startswith("the following arguments are required: problem"):
            message = "name a problem file, for example problems/quantum_torque.py"
        raise InputError(f"{message}{hint} (`{self.prog} --help` lists the options)")


def _run_parser():
    parser = _Parser(
        prog="spinhydro run",
        description="Solve a problem file. Prints the run folder as its last line.",
        epilog="Exit codes: 0 done, 2 bad input, 3 not finite or a watch limit, 4 output failed, "
        "75 stopped by a signal.",
        allow_abbrev=False,
    )
    parser.add_argument("problem", help="a problem file, problems/quantum_torque.py")
    parser.add_argument(
        "values", nargs="*", metavar="NAME=VALUE", help="new values, Nx=512 Omega_R='2*pi*62*Hz'"
    )
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder of all runs [runs]")
    parser.add_argument(
        "--engine",
        default="auto",
        metavar="ENGINE",
        help="auto, fused, lean, dedalus or jax [auto]",
    )
    parser.add_argument(
        "--precision", default="double", metavar="WORD", help="double, or single with jax [double]"
    )
    parser.add_argument(
        "--equation", action="append", default=[], metavar="EQUATION",
        help="replaces the equation for the same variable, or is added",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="the file's own small version")
    parser.add_argument(
        "--check", action="store_true", help="run again at half the timestep and compare"
    )
    parser.add_argument("--force", action="store_true", help="run even if the timestep is unstable")
    parser.add_argument("--quiet", action="store_true", help="print the run folder only")
    return parser


def _run(arguments):
    options = _run_parser().parse_intermixed_args(arguments)
    from spinhydro.problem.parameters import override, parse_pairs
    from spinhydro.problem.source_file import find_file, read_source, with_quick_values

    # All that can be said without starting the solver is said first.
    values = parse_pairs(options.values)
    path = find_file(options.problem)
    source = read_source(path)
    if options.quick:
        values = with_quick_values(source, values)
    override(source, values)

    from spinhydro.dedalus_support import parallel

    parallel.abort_all_on_error()
    code = 1
    try:
        code = _solve(options, values)
    except parallel.IdleRank:
        return parallel.wait_for_root()
    except SpinhydroError as error:
        code = error.exit_code
        raise
    finally:
        parallel.release_idle_ranks(code)
    return code


def _solve(options, values):
    from spinhydro.dedalus_support.backend import quiet_dedalus

    quiet_dedalus()
    if not options.quiet:
        _log_to_standard_error()
    problem = _load(options, values)
    result = _carry_out(problem, options, options.quiet)
    if options.check:
        _check(options, values, result)
    if _speaks():
        print(result.folder, flush=True)
    return 0


def _carry_out(problem, options, quiet):
    """Run a loaded problem, on all ranks or on none."""
    from spinhydro.dedalus_support import parallel

    error = result = None
    try:
        result = problem.run(
            out=options.out,
            engine=options.engine,
            force=options.force,
            quiet=quiet,
            precision=options.precision,
        )
    except SpinhydroError as found:
        error = found
    parallel.agree(error)
    return result


def _load(options, values):
    """The problem, on all ranks or on none."""
    from spinhydro.dedalus_support import parallel
    from spinhydro.problem.load import load
    from spinhydro.run.folder import check_writable

    error = problem = None
    try:
        if _speaks():
            check_writable(options.out, Path(options.problem).stem)
        problem = load(options.problem, equations=options.equation, **values)
    except SpinhydroError as found:
        error = found
    parallel.agree(error)
    return problem


def _check(options, values, result):
    """Half the timestep, and how far every output moved."""
    from spinhydro.run.comparison import compare_runs

    again = _load(options, {**values, "timestep": result.timestep / 2})
    second = _carry_out(again, options, quiet=True)
    if _speaks():
        print(f"check: timestep {second.timestep:g} instead of {result.timestep:g}: "
              f"{second.folder}", file=sys.stderr)  # fmt: skip
        for name, (rms, largest) in compare_runs(result.folder, second.folder).items():
            print(f"  {name}: rms difference {rms:.2e}, largest {largest:.2e}", file=sys.stderr)


def _log_to_standard_error():
    import logging

    class ToStandardError(logging.Handler):
        def emit(self, record):
            if _speaks():
                print(f"spinhydro: {record.getMessage()}", file=sys.stderr, flush=True)

    logger = logging.getLogger("spinhydro")
    logger.handlers = [ToStandardError()]
    logger.propagate = False
    logger.setLevel(logging.INFO)


def _info(arguments):
    parser = _Parser(prog="spinhydro info", description="What a run was and how it ended.")
    parser.add_argument("run", help="a run folder, runs/quantum_torque/0001")
    folder = Path(parser.parse_args(arguments).run)
    record = read_record(folder)
    rows = [
        ("problem", record.get("problem")),
        ("status", f"{record.get('status')} ({record.get('reason') or 'still going on'})"),
        ("message", record.get("message")),
        ("reached", f"t = {_number(record, 'sim_time')} of {_number(record, 'stop_time')}, "
                    f"{record.get('iteration')} steps of {_number(record, 'timestep')}"),
        ("stepper", f"{record.get('timestepper')} on engine {record.get('engine')}, "
                    f"{record.get('ranks')} rank(s)"),
        ("started", record.get("started")),
        ("took", f"{record['wall_seconds']} s" if "wall_seconds" in record else None),
        ("command", record.get("command")),
        ("git", _git_words(_dictionary(record, "git"))),
        ("versions", ", ".join(f"{k} {v}" for k, v in _dictionary(record, "versions").items())),
    ]  # fmt: skip
    for name, value in rows:
        if value:
            print(f"{name:>10}  {value}")
    overrides = _dictionary(record, "overrides")
    declared = ", ".join(map(str, _dictionary(record, "units").values()))
    print(f"{'parameters':>10}  " + (f"in {declared}; * = not the default" if declared else ""))
    for name, value in _dictionary(record, "parameters").items():
        mark = "*" if name in overrides else " "
        print(f"          {mark} {name} = {value}")
    print(" equations")
    for text in record.get("equations") or []:
        print(f"            {text}")
    print("   outputs")
    for name, text in _dictionary(record, "outputs").items():
        print(f"            {name} = {text}")
    for text, value in _dictionary(record, "watch").items():
        print(f"     watch  {text}: largest {value}")
    for name, found in _dictionary(record, "expect").items():
        found = found if isinstance(found, dict) else {}
        verdict = "ok" if found.get("met") else "missed"
        print(f"  expected  {name}: {found.get('value')} <= {found.get('limit')}: {verdict}")
    return 0


def _dictionary(record, name):
    """An entry of run.json that should be a dictionary; empty if it is anything else."""
    entry = record.get(name)
    return entry if isinstance(entry, dict) else {}


def _number(record, name):
    """A number of a record without the rounding of its last digits."""
    value = record.get(name)
    return f"{value:.12g}" if isinstance(value, (int, float)) else value


def _git_words(state):
    if not state.get("commit"):
        return None
    return state["commit"][:12] + (" with uncommitted changes" if state.get("dirty") else "")


def read_record(folder):
    """run.json of a run folder; raises InputError if there is none or it is damaged."""
    folder = Path(folder)
    try:
        return _read_record(folder)
    except OSError as error:
        raise InputError(f"{folder} cannot be reached: {error.strerror}") from None


def _read_record(folder):
    path = folder / "run.json"
    if not folder.exists():
        runs = [str(p.parent) for p in folder.parent.glob("*/run.json")]
        close = nearest(str(folder), runs)
        hint = f"did you mean '{close}'?" if close else "`spinhydro list` shows the runs"
        raise InputError(f"there is no run folder '{folder}'; {hint}")
    if not path.is_file():
        raise InputError(f"'{folder}' is not a run folder: it has no run.json; `spinhydro list`")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("it is not a record")
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from None
    return record


def _list(arguments):
    parser = _Parser(prog="spinhydro list", description="Problem files and runs in this folder.")
    parser.add_argument("--out", default="runs", metavar="DIR", help="folder of all runs [runs]")
    out = Path(parser.parse_args(arguments).out)
    print("problems")
    paths = sorted(Path("problems").glob("*.py"))
    for path in paths:
        print(f"  {path}  {_first_sentence(path)}")
    if not paths:
        print("  none in this folder; `spinhydro examples` copies those that come with spinhydro")
    print("runs")
    for path in sorted(out.glob("*/*/run.json")):
        try:
            record = read_record(path.parent)
        except InputError:
            print(f"  {path.parent}  damaged run.json")
            continue
        changed = " ".join(f"{k}={v}" for k, v in _dictionary(record, "overrides").items())
        time = _number(record, "sim_time")
        print(f"  {path.parent}  {record.get('status')}  t = {time}  {changed}")
    return 0


def _first_sentence(path):
    import ast

    try:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):
        return "(not readable as a problem file)"
    return " ".join(text.split("\n\n")[0].split())


def _explain(arguments):
    parser = _Parser(
        prog="spinhydro explain",
        description="Which engine takes a problem and why, and what one evaluation costs.",
        allow_abbrev=False,
    )
    parser.add_argument("problem", help="a problem file, problems/quantum_torque.py")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help="new values")
    parser.add_argument("--save", metavar="FILE", help="draw the graph into a PNG, SVG or PDF file")
    options = parser.parse_intermixed_args(arguments)
    from spinhydro.dedalus_support.backend import quiet_dedalus
    from spinhydro.problem.parameters import parse_pairs

    values = parse_pairs(options.values)
    quiet_dedalus()
    from spinhydro.engines.explain import draw, explain
    from spinhydro.problem.load import load

    problem = load(options.problem, **values)
    lines, account = explain(problem)
    print("\n".join(lines))
    if options.save:
        if account is None:
            raise InputError(
                "there is no graph to draw: the fused engine does not take the problem"
            )
        draw(account, options.save, problem.name)
    return 0


def _examples(arguments):
    from spinhydro.cli.examples import add_arguments, examples

    parser = _Parser(
        prog="spinhydro examples",
        description="Copy the problem and analysis files that come with spinhydro into a folder. "
        "Existing files are never overwritten.",
    )
    add_arguments(parser)
    return examples(parser.parse_args(arguments))


def _words(arguments):
    parser = _Parser(prog="spinhydro words", description="What equations may say.")
    parser.add_argument("problem", nargs="?", help="a problem file: its own kernels, with values")
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help="new values for it")
    chosen = parser.parse_intermixed_args(arguments)
    if not chosen.problem:
        from spinhydro.language.words import help_text

        print(help_text())
        return 0
    from spinhydro.kernels.listing import kernels_of
    from spinhydro.problem.load import load
    from spinhydro.problem.parameters import parse_pairs

    print("\n".join(kernels_of(load(chosen.problem, **parse_pairs(chosen.values)))))
    return 0


def _laboratory(arguments):
    from spinhydro.physics.laboratory import command

    return command(arguments)


def _materials(arguments):
    parser = _Parser(
        prog="spinhydro materials",
        description="Magnetic materials in micromagnetic, kernel and atomistic parameters.",
    )
    parser.add_argument("name", nargs="?", help="one of the materials")
    name = parser.parse_args(arguments).name
    from spinhydro.physics.materials import overview, table

    print("\n".join(table(name) if name else overview()))
    return 0


_COMMANDS = {
    "run": _run,
    "examples": _examples,
    "explain": _explain,
    "info": _info,
    "list": _list,
    "laboratory": _laboratory,
    "materials": _materials,
    "words": _words,
}
