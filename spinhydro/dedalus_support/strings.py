"""The strings of Dedalus problems: words beside those of Dedalus, and ``t`` for the time.

Dedalus evaluates ``problem.add_equation("…")`` with the names of `parseables`, of the ``namespace``
and of the variables. Both additions hold for every ``d3.IVP``, in plain scripts as in problem
files, so that a string means the same wherever it is executed.
"""

from contextlib import contextmanager

from dedalus.core import problems

_evaluating = [0]


@contextmanager
def evaluating_string():
    """Context in which expressions of strings are evaluated, see `in_string`."""
    _evaluating[0] += 1
    try:
        yield
    finally:
        _evaluating[0] -= 1


def in_string():
    """True while a string is evaluated: a number is then an expression that is constant in space.

    Terms such as ``g*abs2(psi)`` are the number 0 for g = 0.
    """
    return _evaluating[0] > 0


def add_words(words):
    """Make ``{name: function}`` known to all strings; no word of Dedalus is replaced."""
    for name, function in words.items():
        problems.parseables.setdefault(name, function)


_stock_initialise = problems.InitialValueProblem.__init__


def _initialise(self, variables, time="t", **options):
    _stock_initialise(self, variables, time=time, **options)
    if isinstance(time, str):
        # Dedalus makes a real field, which cannot be added to the fields of a complex problem.
        self.time = self.dist.Field(name=time)
        if time not in self.namespace:
            self.local_namespace[time] = self.time


def name_the_time():
    """Add the time of every ``d3.IVP`` to the names of its strings, ``t`` by default."""
    problems.InitialValueProblem.__init__ = _initialise


_stock_add_equation = problems.ProblemBase.add_equation


def _add_equation(self, equation, condition="True"):
    with evaluating_string():
        return _stock_add_equation(self, equation, condition)


def mark_strings():
    """Let `in_string` be true while any problem evaluates an equation."""
    problems.ProblemBase.add_equation = _add_equation
