"""Arguments shared by the commands of this folder: runs, choices and NAME=VALUE."""

import argparse
import ast
import re
import sys
import warnings
from pathlib import Path

from spinhydro.errors import InputError, option_error

from .load import load
from .selection import narrowed, selected, with_names

_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)\Z", re.DOTALL)


class Parser(argparse.ArgumentParser):
    """argparse that raises InputError instead of exiting."""

    def error(self, message):
        raise option_error(self, message)


def add_choices(parser):
    """Add the options that choose a part of a run."""
    parser.add_argument(
        "--member",
        metavar="M",
        help="of a run with members: number of the member to take, from 0, or mean [0]",
    )
    parser.add_argument(
        "--cut",
        action="append",
        default=[],
        metavar="AXIS=POSITION",
        help="of a run in 2-D or 3-D: position of the line along x, y=0 [the middle]",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="NAME=OUTPUT",
        help="call an output of the file by the name used here: --name Z=magnetization",
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="state a parameter that the file lacks: --parameter Omega_R=0.7414",
    )


def split(words):
    """(runs, {option: value}): words NAME=VALUE that are not an existing path are options."""
    runs, options = [], {}
    for word in words:
        match = _ASSIGNMENT.match(word)
        if match and not Path(word).exists():
            options[match["name"]] = value(match["value"])
        else:
            runs.append(word)
    return runs, options


def value(text):
    """A number, a tuple of numbers from "1,2", or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def read(path):
    """Read a run; print faults of its record on standard error as one line."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = load(path)
    if "warning" in ds.attrs:
        print(f"spinhydro: warning: {printable(ds.attrs['warning'])}", file=sys.stderr)
    return ds


def printable(text):
    """`text` as one line without control characters, as those of a foreign file may be."""
    return "".join(c if c.isprintable() else " " for c in " ".join(str(text).splitlines()))


def printable_columns(text):
    """`printable` for a line of a table: spaces between columns are kept."""
    return "".join(c if c.isprintable() else " " for c in text)


def chosen(ds, arguments):
    """`ds` reduced by the options of `add_choices`."""
    return selected(
        ds,
        member_of(arguments),
        _numbers(arguments.cut, "--cut", "y=0"),
        _pairs(arguments.name, "--name", "Z=magnetization"),
        _numbers(arguments.parameter, "--parameter", "Omega_R=0.7414"),
    )


def named(ds, arguments):
    """`ds` with the names and parameters that the options state; whole unless they also choose."""
    ds = with_names(ds, _pairs(arguments.name, "--name", "Z=magnetization"))
    ds = ds.assign_attrs(_numbers(arguments.parameter, "--parameter", "Omega_R=0.7414"))
    return narrowed(ds, member_of(arguments), _numbers(arguments.cut, "--cut", "y=0"))


def member_of(arguments):
    """The value of --member: a number, "mean" or None."""
    member = arguments.member
    return member if member in (None, "mean") else value(member)


def _pairs(words, option, example):
    pairs = {}
    for word in words:
        match = _ASSIGNMENT.match(word)
        if not match or not match["value"]:
            raise InputError(f"{option} {word}: write NAME=VALUE, as in {option} {example}")
        pairs[match["name"]] = match["value"]
    return pairs


def _numbers(words, option, example):
    numbers = {}
    for name, text in _pairs(words, option, example).items():
        number = value(text)
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise InputError(
                f"{option} {name}={text}: {text!r} is not a number ({option} {example})"
            )
        numbers[name] = number
    return numbers
