"""Arguments of all commands."""

import argparse

from spinhydro.errors import option_error


class Parser(argparse.ArgumentParser):
    """argparse that raises InputError, with the nearest option, instead of exiting."""

    def __init__(self, name, description, **options):
        super().__init__(
            prog=f"spinhydro {name}", description=description, allow_abbrev=False, **options
        )

    def error(self, message):
        raise option_error(self, message)

    def add_problem(self, **options):
        """Add the arguments PROBLEM and NAME=VALUE …"""
        self.add_argument("problem", help="a problem file, problems/quantum_torque.py", **options)
        self.add_values()

    def add_values(self):
        """Add the arguments NAME=VALUE …"""
        self.add_argument(
            "values",
            nargs="*",
            metavar="NAME=VALUE",
            help="new values, Nx=512 Omega_R='2*pi*62*Hz'",
        )

    def add_equations(self):
        """Add the option --equation EQUATION, which may be repeated."""
        self.add_argument(
            "--equation", action="append", default=[], metavar="EQUATION",
            help="replaces the equation for the same variable, or is added",
        )  # fmt: skip

    def add_quick(self):
        """Add the option --quick."""
        self.add_argument(
            "--quick", action="store_true", help="with the reduced settings declared in `quick`"
        )

    def add_engine(self, default="auto", word="auto"):
        """Add the option --engine ENGINE; `word` describes the default."""
        self.add_argument(
            "--engine", default=default, metavar="ENGINE",
            help=f"auto, fused, lean, dedalus or jax [{word}]",
        )  # fmt: skip

    def add_quiet(self, what="run"):
        """Add the option --quiet: print a folder only."""
        self.add_argument(
            "--quiet", action="store_true", help=f"print the folder of the {what} only"
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
