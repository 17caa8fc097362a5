"""The one family of errors: what a user sees, and the exit code that goes with it.

| class | exit code | meaning |
|---|---|---|
| InputError (ParameterError, EquationError) | 2 | refused before anything was built |
| NotFiniteError, WatchError | 3 | the numbers left the finite range or a declared limit |
| UnresolvedError | 3 | the solution has outgrown the grid |
| UnstableError | 3 | the solution has outgrown the stability limit of the timestep |
| NotConvergedError | 3 | an implicit step has no solution that could be found |
| OutputError | 4 | results could not be written and read back |
| Stopped | 75 | stopped from outside (signal); what was computed is on disk |
"""

import re
from difflib import get_close_matches

#: NumPy's scalars as ``repr`` writes them, np.float64(2.5) and np.True_.
_NUMPY_SCALAR = re.compile(
    r"\bnp\.(?:(?:float|u?int|complex)\d+|str_|bool_|longdouble)\(([^()]*)\)|\bnp\.(True|False)_"
)


class SpinhydroError(Exception):
    """Base of every error that is meant for a user's eyes.

    ``where`` is the file and line of the error, set by the innermost code that knows it.
    ``declaration`` names the declaration of a problem file (``outputs``, ``watch``) that it came
    from, if it did.
    """

    exit_code = 1
    where = ""
    declaration = entry = ""

    def at(self, where):
        """Add its position to the error, unless it already has one."""
        self.where = self.where or where
        return self

    def within(self, declaration, entry=""):
        """Name the declaration of the file (and its entry) that the error comes from."""
        self.declaration, self.entry = declaration, entry
        return self

    def body(self):
        """The message without its place, with NumPy's scalars as plain numbers."""
        return _NUMPY_SCALAR.sub(lambda m: m[1] or m[2], super().__str__())

    def __str__(self):
        return ": ".join(part for part in (self.where, self.entry, self.body()) if part)


class InputError(SpinhydroError):
    """A problem file, a parameter, an equation or a path that cannot be used."""

    exit_code = 2


class ParameterError(InputError):
    """A parameter with an unknown name or a value that cannot be."""


class ConditionError(ParameterError):
    """Values that are possible one by one, but not together: a condition of the file is broken."""


class EquationError(InputError):
    """An equation or expression string that cannot be used.

    Parameters
    ----------
    text : str
        The whole string; it is printed with a caret under the fault.
    start, end : int
        The faulty characters, text[start:end].
    message, hint : str
        What is wrong, and what to do about it.
    """

    def __init__(self, text, start, end, message, hint=""):
        self.text, self.start, self.end = text, start, end
        self.message, self.hint = message, hint
        super().__init__(message)

    def __reduce__(self):
        arguments = (self.text, self.start, self.end, self.message, self.hint)
        return type(self), arguments, self.__dict__

    def body(self):
        lines = [self.message, *marked(self.text, self.start, self.end)]
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class Unsupported(Exception):
    """Something that an engine cannot do, named by the message. Never reaches a user."""


class NotFiniteError(SpinhydroError):
    """A field is not finite any more."""

    exit_code = 3


class UnstableError(NotFiniteError):
    """The solution grows beyond the stability limit of its timestep, and will not be finite."""


class WatchError(SpinhydroError):
    """A watched quantity passed its limit."""

    exit_code = 3


class UnresolvedError(WatchError):
    """The solution has waves that the grid cannot hold, and they grow."""


class NotConvergedError(NotFiniteError):
    """An implicit step did not converge."""


class OutputError(SpinhydroError):
    """Results could not be written, or did not read back as written."""

    exit_code = 4


class Stopped(SpinhydroError):
    """The run was asked to stop; everything up to that step is on disk."""

    exit_code = 75


def nearest(name, names):
    """The most similar of `names`, or None: Omega_r -> Omega_R."""
    name, names = str(name)[:60], [str(n) for n in names]
    folded = {}
    for candidate in names:
        folded.setdefault(candidate.lower(), candidate)
    if name.lower() in folded:
        return folded[name.lower()]
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return close[0]
    close = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(name, names, otherwise=""):
    """The question after the nearest of `names`, or `otherwise` if nothing is similar."""
    close = nearest(name, names)
    return f"did you mean '{close}'?" if close else otherwise


def unknown_name_message(kind, name, names):
    """Message about a choice that does not exist: the nearest one, and all of them."""
    listed = f"{kind}s: {', '.join(str(n) for n in names)}"
    question = did_you_mean(name, names)
    return f"no {kind} '{shorten(name)}'; " + " ".join(filter(None, (question, listed)))


#: What a command needs, by the argument that is missing first.
_EXAMPLES = {
    "RUN": "a run folder, for example runs/quantum_torque/0001",
    "problem": "a problem file, for example problems/quantum_torque.py",
    "data": "the data and what to fit, for example frames.nc Omega_R",
}


def option_error(parser, message):
    """Return the InputError for a message of argparse, with the nearest option that exists."""
    options = [text for action in parser._actions for text in action.option_strings]
    wrong = next((word.rstrip(":,") for word in message.split() if word.startswith("-")), None)
    close = nearest(wrong, options) if wrong and wrong not in options else None
    hint = f"; did you mean '{close}'?" if close else ""
    if message.endswith("expected one argument"):
        hint = f"; a value that begins with - is written {wrong}=VALUE"
    invalid = re.match(r"argument (\S+): invalid (int|float) value: '(.*)'$", message)
    if invalid:
        kind = "a whole number" if invalid[2] == "int" else "a number"
        message = f"{invalid[1]} {shorten(invalid[3])}: write {kind}"
    missing = re.match(r"the following arguments are required: (\w+)", message)
    if missing and missing[1] in _EXAMPLES:
        message = f"name {_EXAMPLES[missing[1]]}"
    return InputError(f"{message}{hint} (`{parser.prog} --help` lists the options)")


def refuse_existing(path):
    """Raise InputError if there is something at `path`."""
    if path.exists():
        raise InputError(f"{path} exists; nothing is overwritten, choose another name")


def check_save(path, endings):
    """Raise InputError if a new file of the option --save cannot have this path."""
    if path.suffix not in endings:
        raise InputError(f"--save {path}: the name ends in {', '.join(endings)}")
    if path.exists():
        raise InputError(f"--save {path}: the file exists; choose another name")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--save {path}: there is no folder {path.absolute().parent}")


def shorten(text, width=60):
    """A text that is short enough for a message."""
    text = str(text)
    return text if len(text) <= width else text[: width - 1] + "…"


def shown(value, width=60):
    """Return a short text for a value in a message; NumPy's scalars and arrays as plain numbers."""
    text = repr(_plain(value))
    return (
        f"a value of type {type(value).__name__}" if text.startswith("<") else shorten(text, width)
    )


def _plain(value):
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, (list, set)):
        return type(value)(map(_plain, value))
    if isinstance(value, dict):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


def marked(text, start, end, width=88):
    """Two lines: the part of `text` around [start, end), and carets under that range."""
    text = text.replace("\n", " ").replace("\t", " ")
    start = max(0, min(start, len(text)))
    end = max(start + 1, min(end, max(len(text), start + 1)))
    left = max(0, min(start - width // 2, len(text) - width)) if len(text) > width else 0
    right = min(len(text), left + width)
    before, after = ("…" if left else ""), ("…" if right < len(text) else "")
    indent = "    "
    carets = " " * (start - left + len(before)) + "^" * max(1, min(end, right + 1) - start)
    return [indent + before + text[left:right] + after, indent + carets]
