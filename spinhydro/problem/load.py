"""Load a problem file: override, execute, check -> Problem. Nothing runs and nothing is written."""

import importlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import spinhydro
from spinhydro.dedalus_support.ensemble.values import PerMember, new_ensemble
from spinhydro.dedalus_support.memory import parts
from spinhydro.errors import InputError, did_you_mean
from spinhydro.problem.conditions import broken_rules
from spinhydro.problem.execution import execute, located
from spinhydro.problem.parameters import DECLARATIONS, Source, override
from spinhydro.problem.plain_values import is_plain, plain
from spinhydro.problem.source_file import (
    find_file,
    read_source,
    replace_equations,
    with_members_of_lists,
    with_quick_values,
)
from spinhydro.problem.surroundings import surroundings


@dataclass
class Problem:
    """A loaded problem file: stock Dedalus objects and the declarations of the file.

    ``problem["s"]`` is whatever the file calls ``s`` (a field, a parameter, an array), so that a
    script can look at or change it before ``problem.run()``.

    Attributes
    ----------
    name : str
        The file's name without ``.py``.
    source : str
        The text that was executed, after overrides.
    namespace : dict
        Every top-level name of the file.
    ivp : d3.IVP
        The Dedalus problem.
    equations : list of str
    parameters : dict
        Every top-level number, word or list, with its value.
    overrides : dict
        ``{name: text}`` of what was not left at its default.
    members : int or None
        Number of realisations that are advanced together; None for an ordinary problem.
    advice : list of str
        Warnings from ``advice = {"rule": "meaning"}`` of the file: the values are legal, but may
        not be intended.
    units : dict
        ``{"length": "um", "time": "ms"}``, empty if the file declares no unit system.
    modules : dict
        ``{path: text}`` of modules beside the file that it imported; kept with the results.
    """

    name: str
    path: Path
    source: str
    namespace: dict
    ivp: object
    equations: list
    parameters: dict
    expressions: dict
    dimensions: dict
    overrides: dict
    members: int = None
    advice: list = field(default_factory=list)
    units: dict = field(default_factory=dict)
    loaded_state: dict = field(default_factory=dict)
    given_equations: list = field(default_factory=list)
    modules: dict = field(default_factory=dict)
    has_run: bool = False

    def __getitem__(self, name):
        if name not in self.namespace:
            raise KeyError(f"{self.path} defines no '{name}'; {did_you_mean(name, self.namespace)}")
        return self.namespace[name]

    def place_of(self, name):
        """File and line of a top-level assignment: for messages."""
        lines = [a.line for a in Source(self.path, self.source).assignments if a.name == name]
        return f"{self.path}, line {lines[-1]}" if lines else str(self.path)

    def declared(self, name, default=None):
        """A declaration of the file (``outputs``, ``stop_time``, …), or `default`."""
        return self.namespace.get(name, default)

    def run(self, **options):
        """Advance the problem to its stop time, once; see ``run.simulation.run_problem``."""
        from spinhydro.run.simulation import run_problem

        if self.has_run:
            raise InputError(
                f"{self.path} has been run and its fields hold the last state: load it again"
            )
        refused = None
        try:
            return run_problem(self, **options)
        except InputError as error:
            refused = error
            raise
        finally:
            self.has_run = refused is None

    def gradient(self, of, wrt, **options):
        """Return the derivative of a number at the end of a run; see ``spinhydro.gradient``.

        >>> problem.gradient(of="ave((Z - 0.2)**2)", wrt=["Omega_R", "R_x"])
        """
        return spinhydro.gradient(self, of, wrt, **options)

    def minimise(self, of, over, **options):
        """Find parameters and fields that minimise a number of a run; see ``spinhydro.minimise``.

        >>> problem.minimise(of="ave((Z - 0.2)**2)", over=["Omega_R"])
        """
        return spinhydro.minimise(self, of, over, **options)

    def member_record(self):
        """Entry of run.json on the members: their number, and the parameters that differ."""
        if self.members is None:
            return {}
        theirs = [
            name
            for name in self.parameters
            if isinstance(self.namespace[name], PerMember) and self.namespace[name].names == (name,)
        ]
        return {"members": self.members, "per_member": theirs}

    def changed_by_hand(self):
        """Names of the fields whose values a script has changed since the file was loaded."""
        now = fingerprints(self.ivp)
        return [name for name, value in now.items() if _differ(self.loaded_state.get(name), value)]


def load(path, /, equations=(), quick=False, **overrides):
    """Execute a problem file with some of its assignments replaced, and check the result.

    Parameters
    ----------
    path : str or Path
        The file.
    equations : sequence of str
        Equations that replace the file's equation for the same variable, or are added.
    quick : bool
        Take the file's ``quick = {…}`` values, unless overridden.
    **overrides
        New values by name: numbers, or texts such as ``"2*pi*62*Hz"``. A list of numbers gives
        each member of an ensemble its own; ``members=100`` makes an ensemble of any file.

    Returns
    -------
    Problem

    Raises
    ------
    InputError (ParameterError, EquationError)
        With the file, line, parameter or equation, what is allowed, and what to do.

    Examples
    --------
    >>> problem = load("problems/quantum_torque.py", Nx=512, Omega_R="2*pi*62*Hz")
    >>> problem.run(out="runs")
    """
    path = find_file(path)
    original = read_source(path)
    if quick:
        overrides = with_quick_values(original, overrides)
    overrides = with_members_of_lists(original, overrides)
    source, texts = override(original, overrides)
    # Names are checked above, before the solver's packages are imported.
    from spinhydro.language.equations import check_complete, checked_equations

    if equations:
        source = replace_equations(source, equations)
    recorded = []
    with ExitStack() as stack:
        stack.enter_context(
            checked_equations(lambda problem, text, _: recorded.append((problem, text)))
        )
        stack.enter_context(np.errstate(all="ignore"))
        ensemble = stack.enter_context(new_ensemble())
        modules = stack.enter_context(surroundings(path))
        namespace, expressions, dimensions = execute(original, source, texts)
    ivp = _find_ivp(path, namespace)
    with located(path):
        if ensemble.size is not None and ivp.dist is not ensemble.dist:
            raise InputError(
                "members need a distributor with a member axis: write dist = "
                "spinhydro.distributor(coords, dtype=…)"
            )
        check_complete(ivp)
        advice = list(broken_rules("advice", namespace.get("advice", {}), namespace, texts))
    parameters = {
        name: plain(namespace[name])
        for name in dict.fromkeys(a.name for a in source.assignments)
        if name not in DECLARATIONS
        and not name.startswith("_")
        and is_plain(namespace.get(name, ...))
        # An object of the library, such as a magnet: the numbers in it are parameters of the file.
        and not hasattr(namespace[name], "dimensions")
    }
    return Problem(
        name=path.stem,
        path=path,
        source=source.text,
        namespace=namespace,
        ivp=ivp,
        equations=[text for problem, text in recorded if problem is ivp],
        parameters=parameters,
        expressions={name: expressions[name] for name in parameters if name in expressions},
        dimensions={
            name: list(dimensions[name])
            for name in parameters
            if isinstance(dimensions.get(name), tuple) and any(dimensions[name])
        },
        overrides=texts,
        given_equations=list(equations),
        modules=modules,
        members=ensemble.size,
        advice=advice,
        units=_unit_names(source),
        loaded_state=fingerprints(ivp),
    )


def evaluate(path, **overrides):
    """Names that a file assigns, without a problem in it: parameters with units and conditions.

    The file is read, overridden, executed and checked as `load` does it.

    Raises
    ------
    InputError (ParameterError, EquationError)
    """
    path = find_file(path)
    original = read_source(path)
    source, texts = override(original, overrides)
    with np.errstate(all="ignore"), surroundings(path):
        namespace, *_ = execute(original, source, texts)
    return namespace


#: Largest change of a fingerprint, relative to the norm of the values, that counts as rounding.
_ROUNDING = 1e-12


def fingerprints(ivp):
    """Return ``{name: (product with fixed random numbers, norm)}`` of the values of named fields.

    On this rank's grid. A hash would depend on the rounding errors of transforms.
    """
    from spinhydro.language.equations import fields_of

    found = {}
    for known in fields_of(ivp) - {ivp.time}:
        if known.name:
            known.change_scales(1)
            product = squares = 0.0
            random = np.random.default_rng(0)
            # Values that are not finite are reported with the field, before the first step.
            with np.errstate(all="ignore"):
                for (part,) in parts(np.ascontiguousarray(known["g"]).view(float)):
                    product += (random.random(part.size) - 0.5) @ part
                    squares += part @ part
            found[known.name] = product, np.sqrt(squares)
    return found


def _differ(one, other):
    return one is None or not abs(one[0] - other[0]) <= _ROUNDING * max(one[1], other[1])


def _find_ivp(path, namespace):
    from dedalus.core.problems import InitialValueProblem

    ivp = namespace.get("problem")
    if isinstance(ivp, InitialValueProblem):
        return ivp
    others = [k for k, v in namespace.items() if isinstance(v, InitialValueProblem)]
    hint = f"; call '{others[0]}' problem" if others else ""
    raise InputError(f"{path} builds no `problem = d3.IVP([…], namespace=locals())`{hint}")


def _unit_names(source):
    if source.units_module is None:
        return {}
    module = importlib.import_module(source.units_module)
    return {"length": module.LENGTH, "time": module.TIME}
