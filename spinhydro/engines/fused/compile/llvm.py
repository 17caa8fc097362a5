"""Machine code from the loops of a compiled step, by LLVM alone.

The lines that `step.fourier_step` writes are a small part of Python: loops over ranges, arrays
of fixed shapes at given addresses, arithmetic with real and complex numbers. They are translated
here straight to LLVM's language, which takes a tenth of the time and half of the memory that numba
needs for them; numba brings the library (llvmlite) that does the rest.
"""

import ast
import ctypes
import struct
from functools import cache

import llvmlite
import llvmlite.binding as llvm

#: Names of NumPy's functions of real numbers in the mathematical library of C.
_LIBRARY = {
    "exp": "exp", "exp2": "exp2", "log": "log", "log2": "log2", "log10": "log10", "sin": "sin",
    "cos": "cos", "tan": "tan", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "hypot": "hypot", "arctan2": "atan2",
}  # fmt: skip
_INTRINSIC = {"sqrt": "llvm.sqrt.f64", "absolute": "llvm.fabs.f64"}
_TYPES = {"i": "i64", "f": "double", "b": "i1"}
_COMPARE = {ast.Lt: ("slt", "olt"), ast.Eq: ("eq", "oeq")}
_C_TYPES = {"i": ctypes.c_int64, "f": ctypes.c_double}
#: One multiplication and one addition may become one operation, as compilers do in C.
_FLAGS = "contract"
#: To be raised with every change of what is written here.
_LANGUAGE = "1"


class Untranslatable(Exception):
    """Something in the source that is not known here."""


def translate(source, symbol, kinds):
    """LLVM's form of the Python function in `source`, as text.

    Parameters
    ----------
    source : str
        ``def name(address, …):`` with the address of an array of addresses first.
    symbol : str
        What the function is called there.
    kinds : str
        "i" for an integer, "f" for a float: the kinds of its arguments.

    Raises
    ------
    Untranslatable
    """
    (function,) = ast.parse(source).body
    return _Translator(symbol, kinds).translate(function)


class _Translator:
    """Values are (kind, operands): "i", "f" and "b" have one operand, "c" has two."""

    def __init__(self, symbol, kinds):
        self.symbol, self.kinds = symbol, kinds
        self.head, self.lines, self.declared = [], [], {}
        self.known, self.arrays, self.slots = {}, {}, set()
        self.number, self.latches = 0, []

    def translate(self, function):
        names = [argument.arg for argument in function.args.args]
        for name, kind in zip(names, self.kinds, strict=True):
            self._keep(name, (kind, [f"%arg.{name}"]))
        self._body(function.body)
        arguments = ", ".join(
            f"{_TYPES[kind]} %arg.{name}" for name, kind in zip(names, self.kinds, strict=True)
        )
        text = [
            f"define void @{self.symbol}({arguments}) nounwind {{", "entry:", *self.head,
            *self.lines, "  ret void", "}",
            *(f"declare {kind} @{name}({', '.join(arguments)})"
              for name, (kind, arguments) in sorted(self.declared.items())),
        ]  # fmt: skip
        return "\n".join(text) + "\n"

    # Small things

    def _new(self):
        self.number += 1
        return f"%t{self.number}"

    def _emit(self, operation):
        name = self._new()
        self.lines.append(f"  {name} = {operation}")
        return name

    def _label(self):
        self.number += 1
        return f"l{self.number}"

    def _start(self, label):
        self.lines.append(f"{label}:")

    def _go(self, label):
        self.lines.append(f"  br label %{label}")

    def _slot(self, name, kind, part):
        """The place in memory of a variable; LLVM makes registers of them."""
        slot = f"%{name}.{kind}{part}"
        if slot not in self.slots:
            self.slots.add(slot)
            self.head.append(f"  {slot} = alloca {_TYPES['f' if kind == 'c' else kind]}")
        return slot

    def _keep(self, name, value):
        kind, operands = value
        self.known[name] = kind
        for part, operand in enumerate(operands):
            size = _TYPES["f" if kind == "c" else kind]
            self.lines.append(f"  store {size} {operand}, ptr {self._slot(name, kind, part)}")

    def _call(self, name, operands):
        self.declared[name] = ("double", ["double"] * len(operands))
        arguments = ", ".join(f"double {operand}" for operand in operands)
        return self._emit(f"call {_FLAGS} double @{name}({arguments})")

    # Statements

    def _body(self, statements):
        for statement in statements:
            method = getattr(self, f"_{type(statement).__name__.lower()}", None)
            if method is None:
                raise Untranslatable(ast.unparse(statement))
            method(statement)

    def _assign(self, statement):
        (target,) = statement.targets
        value = statement.value
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "carray":
            self._declare(target.id, value)
        else:
            self._store(target, self._value(value))

    def _store(self, target, value):
        if isinstance(target, ast.Name):
            self._keep(target.id, value)
            return
        kind, first = self._element(target)
        operands = self._as(kind, value)
        for place, operand in zip(first, operands, strict=True):
            self.lines.append(f"  store double {operand}, ptr {place}")

    def _augassign(self, statement):
        present = ast.BinOp(statement.target, statement.op, statement.value)
        self._store(statement.target, self._value(present))

    def _for(self, loop):
        bounds = [self._integer(self._value(argument)) for argument in loop.iter.args]
        start, stop = bounds[:2] if len(bounds) > 1 else ("0", bounds[0])
        step = bounds[2] if len(bounds) > 2 else "1"
        name, again, inside, latch, after = loop.target.id, *(self._label() for _ in range(4))
        self._keep(name, ("i", [start]))
        self._go(again)
        self._start(again)
        slot = self._slot(name, "i", 0)
        index = self._emit(f"load i64, ptr {slot}")
        more = self._emit(f"icmp slt i64 {index}, {stop}")
        self.lines.append(f"  br i1 {more}, label %{inside}, label %{after}")
        self._start(inside)
        self.latches.append(latch)
        self._body(loop.body)
        self.latches.pop()
        self._go(latch)
        self._start(latch)
        index = self._emit(f"load i64, ptr {slot}")
        following = self._emit(f"add nsw i64 {index}, {step}")
        self.lines.append(f"  store i64 {following}, ptr {slot}")
        self._go(again)
        self._start(after)

    def _pass(self, _):
        pass

    def _continue(self, _):
        self._go(self.latches[-1])
        # Whatever follows is never reached.
        self._start(self._label())

    def _if(self, statement):
        kind, (condition,) = self._value(statement.test)
        if kind != "b":
            raise Untranslatable(ast.unparse(statement.test))
        yes, no, after = (self._label() for _ in range(3))
        self.lines.append(f"  br i1 {condition}, label %{yes}, label %{no}")
        self._start(yes)
        self._body(statement.body)
        self._go(after)
        self._start(no)
        self._body(statement.orelse)
        self._go(after)
        self._start(after)

    def _expr(self, statement):
        """``execute(plan's function, …)`` or ``call(pass, …)``: call what is at an address."""
        call = statement.value
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) in ("execute", "call")):
            raise Untranslatable(ast.unparse(statement))
        (_, (function,)), *arguments = (self._value(argument) for argument in call.args)
        pointer = self._emit(f"inttoptr i64 {function} to ptr")
        listed = ", ".join(f"{_TYPES[kind]} {operand}" for kind, (operand,) in arguments)
        self.lines.append(f"  call void {pointer}({listed})")

    # Expressions

    def _value(self, node):
        method = getattr(self, f"_{type(node).__name__.lower()}_value", None)
        if method is None:
            raise Untranslatable(ast.unparse(node))
        return method(node)

    def _constant_value(self, node):
        if isinstance(node.value, float):
            return "f", [_double(node.value)]
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return "i", [str(node.value)]
        raise Untranslatable(repr(node.value))

    def _name_value(self, node):
        if node.id in ("inf", "nan"):
            return "f", [_double(float(node.id))]
        kind = self.known.get(node.id)
        if kind is None:
            raise Untranslatable(node.id)
        size = _TYPES["f" if kind == "c" else kind]
        slots = [self._slot(node.id, kind, part) for part in range(2 if kind == "c" else 1)]
        return kind, [self._emit(f"load {size}, ptr {slot}") for slot in slots]

    def _unaryop_value(self, node):
        kind, operands = self._value(node.operand)
        if not isinstance(node.op, ast.USub):
            raise Untranslatable(ast.unparse(node))
        if kind == "i":
            return kind, [self._emit(f"sub nsw i64 0, {operands[0]}")]
        return kind, [self._emit(f"fneg {_FLAGS} double {operand}") for operand in operands]

    def _binop_value(self, node):
        a, b = self._value(node.left), self._value(node.right)
        kind = max(a[0], b[0], key="ifc".index)
        if isinstance(node.op, ast.Pow):
            return self._power(a, self._as("f", b)[0])
        name = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}.get(type(node.op))
        if name is None or (kind == "i" and name == "div"):
            raise Untranslatable(ast.unparse(node))
        if kind == "i":
            return kind, [self._emit(f"{name} nsw i64 {a[1][0]}, {b[1][0]}")]

        def operation(name, a, b):
            return self._emit(f"f{name} {_FLAGS} double {a}, {b}")

        if kind == "f":
            return kind, [operation(name, self._as("f", a)[0], self._as("f", b)[0])]
        if name in ("add", "sub"):
            return kind, [
                operation(name, x, y)
                for x, y in zip(self._as("c", a), self._as("c", b), strict=True)
            ]
        if name == "mul" and "c" in (a[0], b[0]) and a[0] != b[0]:
            number, pair = (a, b) if b[0] == "c" else (b, a)
            (factor,) = self._as("f", number)
            return kind, [operation("mul", factor, part) for part in pair[1]]
        if name == "mul":
            (ar, ai), (br, bi) = a[1], b[1]
            real = operation("sub", operation("mul", ar, br), operation("mul", ai, bi))
            return kind, [real, operation("add", operation("mul", ar, bi),
                                          operation("mul", ai, br))]  # fmt: skip
        if b[0] != "c":
            (divisor,) = self._as("f", b)
            return kind, [operation("div", part, divisor) for part in a[1]]
        raise Untranslatable(ast.unparse(node))

    def _power(self, base, exponent):
        if base[0] != "c":
            return "f", [self._call("llvm.pow.f64", [*self._as("f", base), exponent])]
        modulus, angle = self._call("hypot", base[1]), self._call("atan2", base[1][::-1])
        modulus = self._call("llvm.pow.f64", [modulus, exponent])
        return self._turned(modulus, self._emit(f"fmul {_FLAGS} double {exponent}, {angle}"))

    def _turned(self, modulus, angle):
        return "c", [
            self._emit(f"fmul {_FLAGS} double {modulus}, {self._call(name, [angle])}")
            for name in ("cos", "sin")
        ]

    def _boolop_value(self, node):
        name = "or" if isinstance(node.op, ast.Or) else "and"
        values = [self._value(value)[1][0] for value in node.values]
        result = values[0]
        for value in values[1:]:
            result = self._emit(f"{name} i1 {result}, {value}")
        return "b", [result]

    def _compare_value(self, node):
        if len(node.ops) != 1 or type(node.ops[0]) not in _COMPARE:
            raise Untranslatable(ast.unparse(node))
        integers, floats = _COMPARE[type(node.ops[0])]
        a, b = self._value(node.left), self._value(node.comparators[0])
        if a[0] == b[0] == "i":
            return "b", [self._emit(f"icmp {integers} i64 {a[1][0]}, {b[1][0]}")]
        x, y = self._as("f", a)[0], self._as("f", b)[0]
        return "b", [self._emit(f"fcmp {floats} double {x}, {y}")]

    def _attribute_value(self, node):
        kind, operands = self._value(node.value)
        if node.attr not in ("real", "imag") or kind not in "cf":
            raise Untranslatable(ast.unparse(node))
        if kind == "f":
            return "f", [operands[0] if node.attr == "real" else _double(0.0)]
        return "f", [operands[node.attr == "imag"]]

    def _call_value(self, node):
        name = ast.unparse(node.func)
        if name == "complex":
            return "c", [self._as("f", self._value(argument))[0] for argument in node.args]
        if name == "min":
            a, b = (self._integer(self._value(argument)) for argument in node.args)
            less = self._emit(f"icmp slt i64 {a}, {b}")
            return "i", [self._emit(f"select i1 {less}, i64 {a}, i64 {b}")]
        if not name.startswith("np."):
            raise Untranslatable(name)
        return self._function(name[3:], [self._value(argument) for argument in node.args])

    def _function(self, name, values):
        if name == "square":
            return self._squared(values[0])
        if values[0][0] == "c":
            return self._complex_function(name, values[0][1])
        operands = [self._as("f", value)[0] for value in values]
        if name == "sign":
            # NaN stays NaN.
            (x,) = operands
            flags = [
                self._emit(f"fcmp {sign} double {x}, {_double(0.0)}") for sign in ("ogt", "olt")
            ]
            up, down = (self._emit(f"uitofp i1 {flag} to double") for flag in flags)
            sign = self._emit(f"fsub double {up}, {down}")
            wrong = self._emit(f"fcmp uno double {x}, {x}")
            return "f", [self._emit(f"select i1 {wrong}, double {x}, double {sign}")]
        known = _INTRINSIC.get(name) or _LIBRARY.get(name)
        if known is None:
            raise Untranslatable(name)
        return "f", [self._call(known, operands)]

    def _squared(self, value):
        if value[0] == "c":
            raise Untranslatable("the square of a complex number")
        (x,) = self._as("f", value)
        return "f", [self._emit(f"fmul {_FLAGS} double {x}, {x}")]

    def _complex_function(self, name, parts):
        real, imaginary = parts
        if name == "exp":
            return self._turned(self._call("exp", [real]), imaginary)
        if name == "log":
            return "c", [self._call("log", [self._call("hypot", parts)]),
                         self._call("atan2", parts[::-1])]  # fmt: skip
        raise Untranslatable(f"{name} of a complex number")

    def _integer(self, value):
        if value[0] != "i":
            raise Untranslatable("a number that is not an integer")
        return value[1][0]

    def _as(self, kind, value):
        """Operands of a value as another kind that holds it."""
        have, operands = value
        if have == kind:
            return operands
        if have == "i" and kind in "fc":
            have, operands = "f", [self._emit(f"sitofp i64 {operands[0]} to double")]
        if have == "f" and kind == "c":
            operands = [operands[0], _double(0.0)]
        elif have != kind:
            raise Untranslatable(f"a number of kind {have} as {kind}")
        return operands

    # Arrays

    def _declare(self, name, call):
        """``name = carray(pointer(address), shape, np.dtype)``."""
        place, shape, dtype = call.args
        address = self._integer(self._value(place.args[0]))
        pointer = f"%array.{name}"
        self.lines.append(f"  {pointer} = inttoptr i64 {address} to ptr")
        kind = {"np.complex128": "c", "np.float64": "f", "np.int64": "i"}[ast.unparse(dtype)]
        self.arrays[name] = (pointer, ast.literal_eval(shape), kind)

    def _element(self, node):
        """Kind of an element of an array, and pointers to its parts."""
        pointer, shape, kind = self.arrays[node.value.id]
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(index) != len(shape):
            raise Untranslatable(ast.unparse(node))
        at = self._integer(self._value(index[0]))
        for size, entry in zip(shape[1:], index[1:], strict=True):
            at = self._emit(f"mul nsw i64 {at}, {size}")
            at = self._emit(f"add nsw i64 {at}, {self._integer(self._value(entry))}")
        if kind != "c":
            return kind, [
                self._emit(f"getelementptr inbounds {_TYPES[kind]}, ptr {pointer}, i64 {at}")
            ]
        place = self._emit(f"getelementptr inbounds {{double, double}}, ptr {pointer}, i64 {at}")
        other = self._emit(f"getelementptr inbounds double, ptr {place}, i64 1")
        return kind, [place, other]

    def _subscript_value(self, node):
        kind, places = self._element(node)
        size = _TYPES["f" if kind == "c" else kind]
        return kind, [self._emit(f"load {size}, ptr {place}") for place in places]


def _double(value):
    """A number as LLVM writes it, to the last bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


@cache
def _machine():
    """LLVM's description of this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features(), opt=3, codemodel="jitdefault", jit=True,
        reloc="static" if target.name.startswith("x86") else "default",
    )  # fmt: skip


@cache
def features():
    """What this processor can do beyond others of its kind."""
    try:
        return llvm.get_host_cpu_features().flatten()
    except RuntimeError:
        return ""


def versions():
    """Everything beside its source that has a say in what a function becomes."""
    return [llvmlite.__version__, llvm.get_host_cpu_name(), features(), _LANGUAGE]


def compile_object(text):
    """Bytes of the object file of a module in LLVM's language, at the highest optimisation."""
    machine = _machine()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    # Loops over a few components are not worth the code that unrolling them makes.
    options.loop_vectorization, options.loop_unrolling = True, False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine.emit_object(module)


@cache
def _engine():
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine())
    # What the code may call, wherever this process has it.
    for name in {*_LIBRARY.values(), "pow"}:
        function = getattr(ctypes.CDLL(None), name, None)
        if function is not None:
            llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
    return engine


def load(code, symbol, kinds):
    """The function `symbol` of an object file, to be called from Python; with its ``address``.

    Raises RuntimeError if it is not there.
    """
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    if not address:
        raise RuntimeError(f"no function {symbol}")
    function = ctypes.PYFUNCTYPE(None, *(_C_TYPES[kind] for kind in kinds))(address)
    function.address = address
    return function
