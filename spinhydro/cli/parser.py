"""Arguments of all commands."""

import argparse

from spinhydro.errors import InputError, nearest


class Parser(argparse.ArgumentParser):
    """argparse that raises InputError, with the nearest option, instead of exiting."""

    def __init__(self, name, description, **options):
        super().__init__(
            prog=f"spinhydro {name}", description=description, allow_abbrev=False, **options
        )

    def error(self, message):
        options = [o for action in self._actions for o in action.option_strings]
        wrong = [word for word in message.split() if word.startswith("-")]
        close = nearest(wrong[0], options) if wrong and wrong[0] not in options else None
        hint = f"; did you mean '{close}'?" if close else ""
        if message.startswith("the following arguments are required: problem"):
            message = "name a problem file, for example problems/quantum_torque.py"
        if message.startswith("the following arguments are required: RUN"):
            message = "name a run folder, for example runs/quantum_torque/0001"
        raise InputError(f"{message}{hint} (`{self.prog} --help` lists the options)")

    def add_problem(self, **options):
        """Add the arguments PROBLEM and NAME=VALUE …"""
        self.add_argument("problem", help="a problem file, problems/quantum_torque.py", **options)
        self.add_argument(
            "values",
            nargs="*",
            metavar="NAME=VALUE",
            help="new values, Nx=512 Omega_R='2*pi*62*Hz'",
        )

    def read(self, arguments):
        """Options from a list of arguments, with `values` as a dictionary of texts."""
        if "--" in arguments:
            # argparse drops the mark and then takes -dash.py for an option.
            at = arguments.index("--")
            names = [f"./{a}" if a.startswith("-") else a for a in arguments[at + 1 :]]
            arguments = [*arguments[:at], *names]
        options = self.parse_intermixed_args(arguments)
        if hasattr(options, "values"):
            options.values = _read_values(options.values)
        return options


def _read_values(texts):
    """Return ``{NAME: text}`` of arguments NAME=VALUE."""
    if not texts:
        return {}
    from spinhydro.problem.parameters import parse_pairs

    return parse_pairs(texts)
