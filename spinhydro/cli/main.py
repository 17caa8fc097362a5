"""The command ``spinhydro``, also called by ``python problems/x.py NAME=VALUE``.

Standard output carries results that scripts read (the run folder as the last line); everything
else goes to standard error.
"""

import gc
import os
import sys
from pathlib import Path

from spinhydro.cli import terminal
from spinhydro.dedalus_support import start
from spinhydro.errors import InputError, OutputError, SpinhydroError, unknown_name_message
from spinhydro.run.signals import ignore_signals

#: Commands in the order of ``spinhydro --help``; each is a file of this folder.
COMMANDS = (
    "run", "resume", "sweep", "spectrum", "gradient", "fit", "plot", "measure", "compare",
    "export", "info", "list", "words", "explain", "examples", "laboratory", "materials",
)  # fmt: skip


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
        is_process = True
    else:
        is_process = arguments is None
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if is_process:
        start.import_on_use()
    terminal.prepare_streams()
    code = 0
    try:
        code = call([terminal.decoded(argument) for argument in arguments])
        terminal.flush()
    except OSError as error:
        if error.filename is not None:
            raise
        terminal.discard(sys.stdout)
        terminal.to_stderr(f"spinhydro: error: cannot write to standard output: {error.strerror}")
        code = code or OutputError.exit_code
    if is_process:
        ignore_signals()
        if start.is_last_call(sys._getframe(1)):
            start.end_process(code)
    sys.exit(code)


def _drop(namespace):
    """Free the fields and arrays of a script that is executed again."""
    for name in [n for n in namespace if not n.startswith("__")]:
        del namespace[name]
    gc.collect()


def _shortest(path):
    path = Path(path)
    try:
        return str(path.resolve().relative_to(Path.cwd().resolve()))
    except (ValueError, OSError):
        return str(path)


def call(arguments):
    """Return the exit code of a command line; print a SpinhydroError without a traceback."""
    # Figures are saved, never shown; the backend of a Jupyter may not be installed here.
    os.environ["MPLBACKEND"] = "agg"
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
        terminal.to_stderr("spinhydro: stopped before the run began")
        return 130
    except BrokenPipeError:
        # The reader of standard output has closed it, as in `spinhydro list | head`.
        terminal.discard(sys.stdout)
        return 0


def _print_error(error):
    if not terminal.is_reporting_rank():
        return
    terminal.to_stderr(f"spinhydro: error: {terminal.printable(str(error), keep=chr(10))}")
    folder = getattr(error, "folder", None)
    if folder is not None:
        terminal.print_folder(folder)


def _dispatch(arguments):
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] == "--version":
        from spinhydro import __version__

        print(f"spinhydro {__version__}")
        return 0
    name, rest = arguments[0], arguments[1:]
    if name in COMMANDS:
        return start.import_uncollected(f"spinhydro.cli.{name}").command(rest)
    # Imported here: it costs as much time as printing the help.
    from importlib.metadata import entry_points

    plugins = entry_points(group="spinhydro.commands")
    for plugin in plugins:
        if plugin.name == name:
            return plugin.load()(rest)
    if name.endswith(".py"):
        raise InputError(f"'{name}' is a problem file; write: spinhydro run {name}")
    raise InputError(
        unknown_name_message("command", name, dict.fromkeys([*COMMANDS, *plugins.names]))
    )


def usage():
    """Text of ``spinhydro --help``: the first line of every command's file."""
    lines = [_summary(name) for name in COMMANDS]
    width = max(len(call) for call, _ in lines)
    return "\n".join(
        [
            "spinhydro: spectral solvers for spin dynamics, on Dedalus",
            "",
            *(f"  {call:<{width}}  {text}" for call, text in lines),
            "",
            "`spinhydro COMMAND --help` shows its options. Example:",
            "  spinhydro run problems/quantum_torque.py Omega_R='2*pi*62*Hz' torque=0",
        ]
    )


def _summary(name):
    # Read, not imported: a command may need the solver.
    with Path(__file__).with_name(f"{name}.py").open(encoding="utf-8") as file:
        call, _, text = file.readline().strip().strip('"').partition(": ")
    return call, text.rstrip(".")
