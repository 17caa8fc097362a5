"""Load a problem file: override, execute, check -> Problem. Nothing runs and nothing is written."""

import ast
import builtins
import copy
import hashlib
import importlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spinhydro.ensemble.values import (
    PerMember,
    check_members,
    current,
    member_max,
    member_min,
    new_ensemble,
    of_member,
)
from spinhydro.errors import (
    EquationError,
    InputError,
    ParameterError,
    SpinhydroError,
    did_you_mean,
    nearest,
    shorten,
)
from spinhydro.parameters import (
    DECLARATIONS,
    Source,
    check_finite,
    check_override,
    check_units_of_list,
    dimension,
    lists_in,
    offsets,
    override,
)
from spinhydro.units import DIMENSIONS


@dataclass
class Problem:
    """A loaded problem file: stock Dedalus objects plus what the file declares about the run.

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
        What ``advice = {"rule": "what it means"}`` of the file has to say of these values: legal,
        but perhaps not what was meant.
    units : dict
        ``{"length": "um", "time": "ms"}``, empty if the file declares no unit system.
    """

    name: str
    path: Path
    source: str
    namespace: dict
    ivp: object
    equations: list
    parameters: dict
    expressions: dict
    overrides: dict
    members: int = None
    advice: list = field(default_factory=list)
    units: dict = field(default_factory=dict)
    loaded_state: dict = field(default_factory=dict)
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
        """Advance the problem to its stop time, once; see ``spinhydro.simulation.run_problem``."""
        from spinhydro.simulation import run_problem

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

    def member_record(self):
        """What run.json says of the members: how many, and which parameters are theirs."""
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
        return [k for k, v in digests(self.ivp).items() if self.loaded_state.get(k) != v]


def load(path, equations=(), quick=False, **overrides):
    """Execute a problem file with some of its assignments replaced, and check what comes out.

    Parameters
    ----------
    path : str or Path
        The file.
    equations : sequence of str
        Equations that replace the file's equation for the same variable, or are added.
    quick : bool
        Take the file's ``quick = {…}`` values where no override says otherwise.
    **overrides
        New values by name: numbers, or texts such as ``"2*pi*62*Hz"``. A list of numbers gives
        each member of an ensemble its own; ``members=100`` makes an ensemble of any file.

    Returns
    -------
    Problem

    Raises
    ------
    InputError (ParameterError, EquationError)
        Says which file, line, parameter or equation, what is allowed, and what to do.

    Examples
    --------
    >>> problem = load("problems/quantum_torque.py", Nx=512, Omega_R="2*pi*62*Hz")
    >>> problem.run(out="runs")
    """
    path = find_file(path)
    original = read_source(path)
    if quick:
        overrides = with_quick_values(original, overrides)
    source, texts = override(original, overrides)
    # Names are checked above, before the solver's packages are imported.
    from spinhydro.equations import check_complete, checked_equations

    if equations:
        source = _replace_equations(source, equations)
    recorded = []
    with ExitStack() as stack:
        stack.enter_context(
            checked_equations(lambda problem, text, _: recorded.append((problem, text)))
        )
        stack.enter_context(np.errstate(all="ignore"))
        ensemble = stack.enter_context(new_ensemble())
        namespace, expressions = _execute(original, source, texts)
    ivp = _find_ivp(path, namespace)
    with _located(path):
        if ensemble.size is not None and ivp.dist is not ensemble.dist:
            raise InputError(
                "members need a distributor that knows of them: write dist = "
                "spinhydro.distributor(coords, dtype=…)"
            )
        check_complete(ivp)
        advice = list(_broken_rules("advice", namespace.get("advice", {}), namespace, texts))
    parameters = {
        name: _plain(namespace[name])
        for name in dict.fromkeys(a.name for a in source.assignments)
        if name not in DECLARATIONS
        and not name.startswith("_")
        and _is_plain(namespace.get(name, ...))
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
        overrides=texts,
        members=ensemble.size,
        advice=advice,
        units=_unit_names(source),
        loaded_state=digests(ivp),
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
    with np.errstate(all="ignore"):
        namespace, _ = _execute(original, source, texts)
    return namespace


def digests(ivp):
    """A short hash of the values of every named field in a problem."""
    from spinhydro.equations import fields_of

    found = {}
    for known in fields_of(ivp) - {ivp.time}:
        if known.name:
            known.change_scales(1)
            found[known.name] = hashlib.sha1(np.round(known["g"], 12).tobytes()).hexdigest()
    return found


def find_file(path):
    """The path of a problem file, or an InputError that names the nearest one."""
    path = Path(path)
    try:
        return _find_file(path)
    except OSError as error:
        raise InputError(f"{shorten(path)} cannot be reached: {error.strerror}") from None


def _find_file(path):
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a problem file in it, for example "
                         f"{next(iter(sorted(path.glob('*.py'))), path / 'NAME.py')}")  # fmt: skip
    if not path.exists():
        folder = path.parent if path.parent.is_dir() else Path("problems")
        known = [str(p) for p in sorted(folder.glob("*.py"))]
        close = nearest(path.stem, [Path(p).stem for p in known])
        hint = f"did you mean '{folder / close}.py'?" if close else _listing(folder, known)
        raise InputError(f"there is no problem file '{shorten(path)}'; {hint}")
    if not path.is_file():
        raise InputError(f"{path} is not an ordinary file; name a problem file")
    return path


def _listing(folder, known):
    if known:
        return f"in {folder}: {', '.join(Path(p).name for p in known)}"
    return "`spinhydro list` shows the problem files of this folder"


def read_source(path):
    """The text of a problem file as a Source."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not a text file in UTF-8; is it a problem file?") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return Source(path, text)


def with_quick_values(source, values):
    """Overrides with those of ``quick = {…}``, the file's own small version, behind them."""
    changed, _ = override(source, values)
    return {**_quick_values(changed), **values}


def _quick_values(source):
    for assignment in source.assignments:
        if assignment.name == "quick":
            try:
                values = dict(ast.literal_eval(assignment.value))
                if not all(isinstance(name, str) for name in values):
                    raise ValueError
                return values
            except (ValueError, TypeError):
                raise InputError("quick must be a dictionary of numbers and texts: {'Nx': 256}").at(
                    f"{source.path}, line {assignment.line}"
                ) from None
    raise InputError(f"{source.path} declares no quick = {{…}}, so it has no quick version")


class _located:
    """Add the file (and line) to an error of ours that passes through."""

    def __init__(self, path, line=None):
        self.where = f"{path}, line {line}" if line else str(path)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, SpinhydroError):
            error.at(self.where)
        return False


def _execute(original, source, texts):
    """Run the file statement by statement, checking each assignment as it is made."""
    # Imported for their effect: Dedalus is configured and the words are known.
    from spinhydro.kernels import kernel_of
    from spinhydro.words import reserved_names

    path = source.path
    namespace = {
        "__name__": Path(path).stem,
        "__file__": str(path),
        _KERNEL_OF: kernel_of,
        "__builtins__": {**vars(builtins), "min": member_min, "max": member_max},
    }
    lines = source.text.splitlines()
    dimensions, expressions = {}, {}
    before = {}
    for assignment in original.assignments:
        before.setdefault(assignment.name, assignment)
    assigned = {}
    for assignment in source.assignments:
        assigned.setdefault(id(assignment.statement), []).append(assignment)
    for statement in source.tree.body:
        here = assigned.get(id(statement), [])
        with _located(path, statement.lineno):
            defaults = _check_new_values(here, texts, before, namespace, dimensions)
            _execute_statement(statement, namespace, path, lines)
            _note_dimensions(statement, here, dimensions)
            for assignment in here:
                name, value = assignment.name, namespace[assignment.name]
                text = ast.get_source_segment(source.text, assignment.value) or ""
                expressions[name] = text
                _check_word(name, value, reserved_names())
                value = namespace[name] = _with_members(name, value)
                check_finite(name, value, text)
                if name in defaults:
                    default, default_dimension = defaults[name]
                    if isinstance(value, PerMember):
                        check_units_of_list(name, texts[name], assignment.value, dimensions)
                    check_override(
                        name, texts[name], value, default,
                        dimension(assignment.value, dimensions), default_dimension,
                    )  # fmt: skip
                    if type(default) is int and isinstance(value, float):
                        namespace[name] = int(value)
                    if type(default) is int and isinstance(value, PerMember):
                        value.values = value.values.astype(int)
                if name == "conditions":
                    _check_conditions(value, namespace, texts)
    return namespace, expressions


#: What is the same for all members: how one value is made of many.
_COMMON = {"timestep": np.min, "output_interval": np.min, "stop_time": np.max}


def _with_members(name, value):
    """The value of an assignment, after its part in the ensemble has been noted.

    A timestep that follows from values of the members is the smallest, a stop time the largest.
    """
    if name == "members" and _is_plain(value):
        current().declare(check_members(value), name)
    if not isinstance(value, PerMember):
        return value
    if name in _COMMON:
        if value.names in ((), (name,)):
            raise ParameterError(f"{name} is the same for all members: give one value, not a list")
        return _COMMON[name](value.values).item()
    current().declare(value.values.size, name)
    return value if value.names else value.named(name)


def _check_new_values(assignments, texts, before, namespace, dimensions):
    """Default value and dimension of every overridden name, after its new text was checked."""
    defaults = {}
    for assignment in assignments:
        name = assignment.name
        if name not in texts or name not in before:
            continue
        node = before[name].value
        _check_expression(name, texts[name], namespace, before)
        try:
            default = eval(compile(ast.Expression(node), "default", "eval"), namespace)
        except Exception:
            # The default may fail where another override makes it meaningless.
            continue
        if not _is_plain(default) and not isinstance(default, dict):
            raise ParameterError(
                f"'{name}' is {type(default).__name__} in this file, not a parameter"
            )
        defaults[name] = (default, dimension(node, dimensions))
    return defaults


def _check_expression(name, text, namespace, assigned):
    """Evaluate an override on its own first, for an error with a caret."""
    from spinhydro.expressions import Evaluator

    if text.strip("+- ").lower() in ("nan", "inf", "infinity"):
        raise ParameterError(f"{name} = {text}: the value must be finite")
    try:
        ast.literal_eval(text)
        return
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    body = ast.parse(text, mode="eval").body
    if isinstance(body, (ast.List, ast.Tuple, ast.Dict)):
        for item in [*getattr(body, "elts", []), *getattr(body, "values", [])]:
            _check_expression(name, ast.unparse(item), namespace, assigned)
        return
    spans = lists_in(text)
    if spans:
        _check_lists(name, text, spans, namespace, assigned)
        return
    known = {
        **dict.fromkeys(DIMENSIONS, 1.0),
        **{function.__name__: function for function in (abs, float, int, max, min, round)},
        **namespace,
    }
    try:
        Evaluator(known)(text)
    except EquationError as error:
        word = text[error.start : error.end]
        if word in assigned and word not in namespace:
            error.hint = f"{word} is set further down in the file than {name}"
        if word not in namespace and hasattr(np, word) and "np" in namespace:
            error.hint = f"write np.{word}"
        if word.lower() in ("true", "false"):
            error.hint = f"did you mean '{word.title()}'?"
        error.message = f"the value of {name} cannot be used: {error.message}"
        raise


def _check_lists(name, text, spans, namespace, assigned):
    """Check an expression that holds lists: every item of a list, then one in place of it."""
    for start, end in spans:
        node = ast.parse(text[start:end], mode="eval").body
        items = getattr(node, "elts", [])
        for item in items:
            _check_expression(name, ast.unparse(item), namespace, assigned)
        text = text[:start] + "1" + text[end:]
    _check_expression(name, text, namespace, assigned)


class _Kernels(ast.NodeTransformer):
    """Pass the functions that a statement defines through ``kernel_of``, wherever they stand."""

    def visit_Assign(self, node):
        if isinstance(node.value, ast.Lambda) and isinstance(node.targets[0], ast.Name):
            name = ast.Constant(node.targets[0].id)
            node.value = ast.Call(ast.Name(_KERNEL_OF, ast.Load()), [name, node.value], [])
        return node

    def visit_FunctionDef(self, node):
        wrapper = ast.parse(f"lambda f: {_KERNEL_OF}({node.name!r}, f)", mode="eval").body
        node.decorator_list.append(ast.copy_location(wrapper, node))
        return node


#: What `kernel_of` is called in the namespace of a file.
_KERNEL_OF = "__kernel_of__"


def _execute_statement(statement, namespace, path, lines):
    try:
        statement = ast.fix_missing_locations(_Kernels().visit(copy.deepcopy(statement)))
        exec(compile(ast.Module([statement], []), str(path), "exec"), namespace)
    except (SpinhydroError, KeyboardInterrupt):
        raise
    except SystemExit as error:
        raise InputError(
            f"the file ends Python here (exit code {error.code}); a problem file only declares"
        ) from None
    except Exception as error:
        from spinhydro.parallel import IdleRank

        if isinstance(error, IdleRank):
            raise
        raise InputError(_explain(statement, error, namespace, lines)) from error


def _explain(statement, error, namespace, lines):
    """An exception inside the file: what, which line, and the values of the names in it."""
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, NameError) and getattr(error, "name", None):
        message = "; ".join(filter(None, (message, did_you_mean(error.name, namespace))))
    if isinstance(error, (ImportError, SyntaxError)):
        message = str(error)
    if "must have lower dimension than distributor" in str(error):
        message = (
            "Dedalus cannot split one space dimension over several ranks; write "
            "dist = spinhydro.distributor(coords, dtype=…) or use one rank"
        )
    used = {
        node.id: namespace[node.id]
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and _is_plain(namespace.get(node.id, ...))
    }
    values = ", ".join(f"{name} = {value}" for name, value in used.items())
    shown = ["    " + lines[statement.lineno - 1].strip()]
    return "\n".join([message, *shown, *([f"with {values}"] if values else [])])


def _note_dimensions(statement, assignments, dimensions):
    """Remember the dimension of units that are imported and parameters that are assigned."""
    if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(
        "spinhydro.units"
    ):
        for alias in statement.names:
            if alias.name in DIMENSIONS:
                dimensions[alias.asname or alias.name] = DIMENSIONS[alias.name]
    for assignment in assignments:
        dimensions[assignment.name] = dimension(assignment.value, dimensions)


def _check_word(name, value, words):
    """A number or field may not take the name of a word: the word would be lost in equations."""
    if name not in words or _is_function(value):
        return
    better = {"dt": "timestep", "dx": "spacing"}.get(name, f"{name}_value")
    raise ParameterError(
        f"'{name}' is a word of equations (`spinhydro words`) and cannot be the name of a "
        f"{type(value).__name__}; call it '{better}'"
    )


def _is_function(value):
    return isinstance(value, (type, np.ufunc)) or hasattr(value, "__code__") or (
        callable(value) and not hasattr(value, "tensorsig")
    )  # fmt: skip


def _check_conditions(conditions, namespace, texts):
    """Every ``conditions = {"0 < R_x < L_x/2": "why"}`` must hold."""
    for sentence in _broken_rules("condition", conditions, namespace, texts):
        raise ParameterError(sentence)


def _broken_rules(kind, rules, namespace, texts):
    """What is said of every rule of ``{"rule": "what it means"}`` that does not hold."""
    if not isinstance(rules, dict):
        plural = {"condition": "conditions"}.get(kind, kind)
        raise InputError(f'{plural} must be a dictionary {{"{kind}": "what it means"}}')
    for rule, meaning in rules.items():
        try:
            tree = ast.parse(rule, mode="eval")
            code = compile(tree, kind, "eval")
            used = dict.fromkeys(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
            of_members = [n for n in used if isinstance(namespace.get(n), PerMember)]
            members = range(namespace[of_members[0]].values.size) if of_members else [None]
            broken = next((m for m in members if not eval(code, _of(m, namespace))), ...)
        except (Exception, SystemExit) as error:
            raise InputError(f"the {kind} '{rule}' cannot be evaluated: {error}") from None
        if broken is ...:
            continue
        given = {name: text for name, text in texts.items() if name not in of_members}
        known = _of(broken, namespace)
        values = [
            f"{name} = {given.get(name, known[name])}"
            for name in used
            if _is_plain(known.get(name, ...))
        ]
        where = f" in member {broken}" if of_members else ""
        yield f"{', '.join(values)}{where}: {meaning} ({kind}: {rule})"


def _of(member, namespace):
    return namespace if member is None else of_member(namespace, member)


def _replace_equations(source, equations):
    """The source with the equation for the same variable replaced, or a new one added."""
    from spinhydro.equations import advanced_variable

    calls = [
        node
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add_equation"
        and node.args
    ]
    if not calls:
        raise InputError(f"{source.path} has no problem.add_equation('…') to replace or follow")
    text = source.text
    edits, replaced = [], set()
    for equation in equations:
        variable = advanced_variable(equation)
        if variable in replaced:
            raise InputError(f"two equations for '{variable}' are given; give one")
        replaced |= {variable} - {None}
        same = [
            call.args[0]
            for call in calls
            if isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, str)
            and variable is not None
            and advanced_variable(call.args[0].value) == variable
        ]
        if same:
            # A file may state the equation once for each of its variants.
            edits += [(offsets(text, argument), repr(equation)) for argument in same]
        else:
            last = calls[-1]
            end = offsets(text, last)[1]
            edits.append(
                ((end, end), f"; {ast.unparse(last.func.value)}.add_equation({equation!r})")
            )
    for (start, end), new in sorted(edits, key=lambda edit: edit[0], reverse=True):
        text = text[:start] + new + text[end:]
    return Source(source.path, text)


def _find_ivp(path, namespace):
    from dedalus.core.problems import InitialValueProblem

    ivp = namespace.get("problem")
    if isinstance(ivp, InitialValueProblem):
        return ivp
    others = [k for k, v in namespace.items() if isinstance(v, InitialValueProblem)]
    hint = f"; call '{others[0]}' problem" if others else ""
    raise InputError(f"{path} builds no `problem = d3.IVP([…], namespace=locals())`{hint}")


def _is_plain(value):
    """True for what can be written into a record: numbers, words, flat lists of them."""
    if isinstance(value, (bool, int, float, complex, str, type(None), np.generic, PerMember)):
        return True
    return isinstance(value, (list, tuple)) and all(_is_plain(item) for item in value)


def _plain(value):
    if isinstance(value, PerMember):
        return value.values.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _unit_names(source):
    if source.units_module is None:
        return {}
    module = importlib.import_module(source.units_module)
    return {"length": module.LENGTH, "time": module.TIME}
