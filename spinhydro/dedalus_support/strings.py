"""The strings of Dedalus problems: words beside those of Dedalus, and ``t`` for the time.

Dedalus evaluates ``problem.add_equation("…")`` with the names of `parseables`, of the ``namespace``
and of the variables. Both additions hold for every ``d3.IVP``, in plain scripts as in problem
files, so that a string means the same wherever it is executed.
"""

from dedalus.core import problems


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
