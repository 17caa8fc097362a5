"""Translate the loops of a compiled step into LLVM's language.

The source is a small part of Python, written by `step` and by `program.pointwise`: loops over
ranges, arrays of fixed shapes at given addresses, arithmetic with integers, real and complex
numbers, and the functions of `spinhydro.language.functions`.

    def name(table, timestep):
        addresses = carray(pointer(table), (2,), np.int64)
        a_ = carray(pointer(addresses[0]), (3, 64), np.float64)
        for p in range(64):
            a_[0, p] = timestep * np.tanh(a_[1, p])

A fourth argument of ``carray`` is the number of a region of memory: arrays of different regions
never overlap, and loops over them are vectorised without checks at their start.

Beside arrays there are plain addresses: ``read(address, i)`` and ``write(address, i, value)`` are
the i-th double behind one. ``read1`` … ``read4`` and ``write1`` … ``write4`` belong to one stage of
a scheme, whose reads never see its writes: LLVM vectorises loops over many arrays only with
metadata about that.
``execute(function, plan, input, output)`` and ``call(function, …)`` call functions by address.

Integers have 64 bits, with ``&``, ``|``, ``^``, ``<<`` and ``>>`` (which shifts zeros in);
``low_product`` and ``high_product`` are the halves of the product of two without sign, and
``wrapped_sum`` is their sum modulo 2^64. ``bits(x)``
is the integer with the bits of a number, and ``from_bits`` its inverse. Loops over a
``scalar_range`` are not vectorised.
"""

import ast
import struct

from spinhydro.language.functions import COMPLEX_ERF, FUNCTIONS

_TYPES = {"i": "i64", "f": "double", "b": "i1"}
_DTYPES = {"np.complex128": "c", "np.float64": "f", "np.int64": "i"}
_COMPARE = {
    ast.Lt: ("slt", "olt"), ast.LtE: ("sle", "ole"), ast.Gt: ("sgt", "ogt"),
    ast.GtE: ("sge", "oge"), ast.Eq: ("eq", "oeq"),
}  # fmt: skip
_ARITHMETIC = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_OF_BITS = {ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor", ast.LShift: "shl",
            ast.RShift: "lshr"}  # fmt: skip
#: Real functions of two values.
_BINARY_FUNCTIONS = {"hypot": "hypot", "arctan2": "atan2"}
#: Number of the first piece of metadata about loops.
_FIRST_LOOP = 1000
#: Number of the first piece of metadata about regions of memory.
_FIRST_REGION = 100_000
#: A multiplication and an addition may become one operation, as compilers do in C.
_CONTRACT = "contract"


class Untranslatable(Exception):
    """Something in the source that is not part of the language."""


def translate(source, symbol, kinds, exact=False):
    """Return LLVM's form of the function in `source`, as text.

    Parameters
    ----------
    source : str
    symbol : str
        Name of the function in machine code.
    kinds : str
        "i" for an integer, "f" for a float: the kinds of its arguments.
    exact : bool
        Round every operation by itself, as NumPy does, so that results have the same bits.

    Raises
    ------
    Untranslatable
    """
    (function,) = ast.parse(source).body
    return _Translator(symbol, kinds, exact).translate(function)


def double(value):
    """Return a number as LLVM writes it, to the last bit."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


class _Translator:
    """Values are (kind, operands): "i", "f" and "b" have one operand, "c" has two."""

    def __init__(self, symbol, kinds, exact=False):
        self.symbol, self.kinds = symbol, kinds
        self.flags = "" if exact else _CONTRACT
        self.head, self.lines, self.declared = [], [], {}
        self.known, self.arrays, self.slots, self.regions = {}, {}, set(), {}
        self.count, self.latches, self.scopes, self.scalar_loops = 0, [], [], 0

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
            *self._metadata(),
        ]  # fmt: skip
        return "\n".join(text) + "\n"

    # Names and labels

    def _emit(self, operation):
        self.count += 1
        name = f"%t{self.count}"
        self.lines.append(f"  {name} = {operation}")
        return name

    def _label(self):
        self.count += 1
        return f"l{self.count}"

    def _start(self, label):
        self.lines.append(f"{label}:")

    def _go(self, label):
        self.lines.append(f"  br label %{label}")

    def _branch(self, condition, yes, no):
        self.lines.append(f"  br i1 {condition}, label %{yes}, label %{no}")

    def _slot(self, name, kind, part):
        """The address of a variable; LLVM turns it into a register."""
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
        return self._emit(f"call {self.flags} double @{name}({arguments})")

    def _call_complex(self, name, operands):
        """Call a function of C that returns a complex number, in two registers."""
        pair = "{double, double}"
        arguments = [f"double {operand}" for operand in operands]
        if name == COMPLEX_ERF:
            # Cython adds an argument that functions of a module ignore.
            arguments.append("i32 0")
        self.declared[name] = (pair, [argument.split()[0] for argument in arguments])
        arguments = ", ".join(arguments)
        value = self._emit(f"call {pair} @{name}({arguments})")
        return [self._emit(f"extractvalue {pair} {value}, {part}") for part in range(2)]

    # Statements

    def _body(self, statements):
        for statement in statements:
            self._method(statement, "")(statement)

    def _method(self, node, suffix):
        method = getattr(self, f"_{type(node).__name__.lower()}{suffix}", None)
        if method is None:
            raise Untranslatable(ast.unparse(node))
        return method

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
        kind, places = self._element(target)
        operands = self._as(kind, value)
        size, region = _TYPES["f" if kind == "c" else kind], self._region(target)
        for place, operand in zip(places, operands, strict=True):
            self.lines.append(f"  store {size} {operand}, ptr {place}{region}")

    def _augassign(self, statement):
        present = ast.BinOp(statement.target, statement.op, statement.value)
        self._store(statement.target, self._value(present))

    def _for(self, loop):
        end = ""
        if loop.iter.func.id == "scalar_range":
            self.scalar_loops += 1
            end = f", !llvm.loop !{_FIRST_LOOP + self.scalar_loops}"
        bounds = [self._integer(self._value(argument)) for argument in loop.iter.args]
        start, stop = bounds[:2] if len(bounds) > 1 else ("0", bounds[0])
        step = bounds[2] if len(bounds) > 2 else "1"
        name, again, inside, latch, after = loop.target.id, *(self._label() for _ in range(4))
        self._keep(name, ("i", [start]))
        self._go(again)
        self._start(again)
        slot = self._slot(name, "i", 0)
        index = self._emit(f"load i64, ptr {slot}")
        self._branch(self._emit(f"icmp slt i64 {index}, {stop}"), inside, after)
        self._start(inside)
        self.latches.append(latch)
        self._body(loop.body)
        self.latches.pop()
        self._go(latch)
        self._start(latch)
        index = self._emit(f"load i64, ptr {slot}")
        following = self._emit(f"add nsw i64 {index}, {step}")
        self.lines.append(f"  store i64 {following}, ptr {slot}")
        self.lines.append(f"  br label %{again}{end}")
        self._start(after)

    def _pass(self, _):
        """Translate nothing."""

    def _continue(self, _):
        self._go(self.latches[-1])
        # LLVM needs a label for unreachable code.
        self._start(self._label())

    def _if(self, statement):
        condition = self._condition(statement.test)
        yes, no, after = (self._label() for _ in range(3))
        self._branch(condition, yes, no)
        self._start(yes)
        self._body(statement.body)
        self._go(after)
        self._start(no)
        self._body(statement.orelse)
        self._go(after)
        self._start(after)

    def _expr(self, statement):
        """A call without a value: of a function by address, or ``write``."""
        call = statement.value
        name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
        if name.startswith("write"):
            at, index, value = (self._value(argument) for argument in call.args)
            (operand,) = self._as("f", value)
            scope = self._scope(name[len("write") :], "alias.scope")
            self.lines.append(f"  store double {operand}, ptr {self._behind(at, index)}{scope}")
            return
        if name not in ("execute", "call"):
            raise Untranslatable(ast.unparse(statement))
        (_, (function,)), *arguments = (self._value(argument) for argument in call.args)
        pointer = self._emit(f"inttoptr i64 {function} to ptr")
        listed = ", ".join(f"{_TYPES[kind]} {operand}" for kind, (operand,) in arguments)
        self.lines.append(f"  call void {pointer}({listed})")

    # Expressions

    def _value(self, node):
        return self._method(node, "_value")(node)

    def _condition(self, node):
        kind, operands = self._value(node)
        if kind != "b":
            raise Untranslatable(ast.unparse(node))
        return operands[0]

    def _constant_value(self, node):
        if isinstance(node.value, float):
            return "f", [double(node.value)]
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return "i", [str(node.value)]
        raise Untranslatable(repr(node.value))

    def _name_value(self, node):
        if node.id in ("inf", "nan"):
            return "f", [double(float(node.id))]
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
        return kind, [self._emit(f"fneg {self.flags} double {operand}") for operand in operands]

    def _ifexp_value(self, node):
        condition = self._condition(node.test)
        a, b = self._value(node.body), self._value(node.orelse)
        if a[0] != b[0]:
            raise Untranslatable(ast.unparse(node))
        size = _TYPES["f" if a[0] == "c" else a[0]]
        return a[0], [
            self._emit(f"select i1 {condition}, {size} {x}, {size} {y}")
            for x, y in zip(a[1], b[1], strict=True)
        ]

    def _binop_value(self, node):
        a, b = self._value(node.left), self._value(node.right)
        kind = max(a[0], b[0], key="ifc".index)
        if isinstance(node.op, ast.Pow):
            return self._power(a, self._as("f", b)[0])
        if isinstance(node.op, ast.Mod) and kind == "i":
            return kind, [self._remainder(a[1][0], b[1][0])]
        if type(node.op) in _OF_BITS:
            operands = f"{self._integer(a)}, {self._integer(b)}"
            return "i", [self._emit(f"{_OF_BITS[type(node.op)]} i64 {operands}")]
        name = _ARITHMETIC.get(type(node.op))
        if name is None or (kind == "i" and name == "div"):
            raise Untranslatable(ast.unparse(node))
        if kind == "i":
            return kind, [self._emit(f"{name} nsw i64 {a[1][0]}, {b[1][0]}")]

        def operation(name, a, b):
            return self._emit(f"f{name} {self.flags} double {a}, {b}")

        if kind == "f":
            return kind, [operation(name, self._as("f", a)[0], self._as("f", b)[0])]
        if name in ("add", "sub"):
            return kind, [
                operation(name, x, y)
                for x, y in zip(self._as("c", a), self._as("c", b), strict=True)
            ]
        if name == "mul" and a[0] != b[0]:
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

    def _remainder(self, a, b):
        """a modulo a positive b, as in Python: never negative."""
        rest = self._emit(f"srem i64 {a}, {b}")
        negative = self._emit(f"icmp slt i64 {rest}, 0")
        raised = self._emit(f"add nsw i64 {rest}, {b}")
        return self._emit(f"select i1 {negative}, i64 {raised}, i64 {rest}")

    def _power(self, base, exponent):
        if base[0] != "c":
            return "f", [self._call("llvm.pow.f64", [*self._as("f", base), exponent])]
        return "c", self._call_complex("cpow", [*base[1], exponent, double(0.0)])

    def _boolop_value(self, node):
        name = "or" if isinstance(node.op, ast.Or) else "and"
        return "b", [self._all(name, [self._condition(value) for value in node.values])]

    def _all(self, name, conditions):
        result = conditions[0]
        for condition in conditions[1:]:
            result = self._emit(f"{name} i1 {result}, {condition}")
        return result

    def _compare_value(self, node):
        values = [self._value(value) for value in (node.left, *node.comparators)]
        found = []
        for operator, a, b in zip(node.ops, values[:-1], values[1:], strict=True):
            if type(operator) not in _COMPARE:
                raise Untranslatable(ast.unparse(node))
            integers, floats = _COMPARE[type(operator)]
            if a[0] == b[0] == "i":
                found.append(self._emit(f"icmp {integers} i64 {a[1][0]}, {b[1][0]}"))
            else:
                x, y = self._as("f", a)[0], self._as("f", b)[0]
                found.append(self._emit(f"fcmp {floats} double {x}, {y}"))
        return "b", [self._all("and", found)]

    def _attribute_value(self, node):
        kind, operands = self._value(node.value)
        if node.attr not in ("real", "imag") or kind not in "cf":
            raise Untranslatable(ast.unparse(node))
        if kind == "f":
            return "f", [operands[0] if node.attr == "real" else double(0.0)]
        return "f", [operands[node.attr == "imag"]]

    def _call_value(self, node):
        name = ast.unparse(node.func)
        values = [self._value(argument) for argument in node.args]
        if name == "complex":
            return "c", [self._as("f", value)[0] for value in values]
        if name == "min":
            a, b = (self._integer(value) for value in values)
            less = self._emit(f"icmp slt i64 {a}, {b}")
            return "i", [self._emit(f"select i1 {less}, i64 {a}, i64 {b}")]
        if name in ("low_product", "high_product"):
            return "i", [self._product(*map(self._integer, values), name == "high_product")]
        if name == "wrapped_sum":
            a, b = map(self._integer, values)
            return "i", [self._emit(f"add i64 {a}, {b}")]
        if name == "bits":
            return "i", [self._emit(f"bitcast double {self._as('f', values[0])[0]} to i64")]
        if name == "from_bits":
            return "f", [self._emit(f"bitcast i64 {self._integer(values[0])} to double")]
        if name.startswith("read"):
            scope = self._scope(name[len("read") :], "noalias")
            return "f", [self._emit(f"load double, ptr {self._behind(*values)}{scope}")]
        if not name.startswith("np."):
            raise Untranslatable(name)
        return self._function(name[3:], values)

    def _product(self, a, b, high):
        """The low or the high half of the product of two integers without sign."""
        if not high:
            return self._emit(f"mul i64 {a}, {b}")
        wide = [self._emit(f"zext i64 {factor} to i128") for factor in (a, b)]
        product = self._emit(f"mul i128 {wide[0]}, {wide[1]}")
        return self._emit(f"trunc i128 {self._emit(f'lshr i128 {product}, 64')} to i64")

    def _function(self, name, values):
        if name in _BINARY_FUNCTIONS:
            operands = [self._as("f", value)[0] for value in values]
            return "f", [self._call(_BINARY_FUNCTIONS[name], operands)]
        function = FUNCTIONS.get(name)
        if function is None:
            raise Untranslatable(name)
        (value,) = values
        if value[0] == "c":
            if function.complex is None:
                raise Untranslatable(f"{name} of a complex number")
            inner = self._scaled(function.inner, value[1])
            return "c", self._scaled(function.outer, self._call_complex(function.complex, inner))
        (x,) = self._as("f", value)
        if name == "sign":
            return "f", [self._sign(x)]
        if function.real is None:
            raise Untranslatable(name)
        return "f", [self._call(function.real, [x])]

    def _scaled(self, factor, parts):
        if factor == 1:
            return parts
        return [self._emit(f"fmul double {double(factor)}, {part}") for part in parts]

    def _sign(self, x):
        """-1, 0 or 1; NaN stays NaN."""
        zero = double(0.0)
        flags = [self._emit(f"fcmp {sign} double {x}, {zero}") for sign in ("ogt", "olt")]
        up, down = (self._emit(f"uitofp i1 {flag} to double") for flag in flags)
        sign = self._emit(f"fsub double {up}, {down}")
        wrong = self._emit(f"fcmp uno double {x}, {x}")
        return self._emit(f"select i1 {wrong}, double {x}, double {sign}")

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
            operands = [operands[0], double(0.0)]
        elif have != kind:
            raise Untranslatable(f"a number of kind {have} as {kind}")
        return operands

    # Memory

    def _declare(self, name, call):
        """``name = carray(pointer(address), shape, np.dtype)``, and a region if one is known."""
        place, shape, dtype, *region = call.args
        address = self._integer(self._value(place.args[0]))
        pointer = f"%array.{name}"
        self.lines.append(f"  {pointer} = inttoptr i64 {address} to ptr")
        self.arrays[name] = (pointer, ast.literal_eval(shape), _DTYPES[ast.unparse(dtype)])
        if region:
            self.regions[name] = ast.literal_eval(region[0])

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
        size, region = _TYPES["f" if kind == "c" else kind], self._region(node)
        return kind, [self._emit(f"load {size}, ptr {place}{region}") for place in places]

    def _behind(self, address, index):
        """Pointer to a double behind an address."""
        start = self._emit(f"inttoptr i64 {self._integer(address)} to ptr")
        return self._emit(f"getelementptr inbounds double, ptr {start}, i64 {self._integer(index)}")

    def _region(self, node):
        """Metadata of an access to an array: it overlaps with no access to another region."""
        region = self.regions.get(node.value.id)
        if region is None:
            return ""
        first = _FIRST_REGION + 3 * sorted(set(self.regions.values())).index(region)
        return f", !alias.scope !{first}, !noalias !{first + 1}"

    def _scope(self, stage, kind):
        """Metadata of a read ("noalias") or a write ("alias.scope") of a stage."""
        if not stage:
            return ""
        if stage not in self.scopes:
            self.scopes.append(stage)
        return f", !{kind} !{1 + 2 * self.scopes.index(stage)}"

    def _metadata(self):
        """Loops that stay scalar; the domain, and lists of scopes of regions and of stages."""
        lines = []
        if self.scalar_loops:
            lines.append(f'!{_FIRST_LOOP} = !{{!"llvm.loop.vectorize.enable", i1 false}}')
        for i in range(_FIRST_LOOP + 1, _FIRST_LOOP + 1 + self.scalar_loops):
            lines.append(f"!{i} = distinct !{{!{i}, !{_FIRST_LOOP}}}")
        regions = sorted(set(self.regions.values()))
        if not (self.scopes or regions):
            return lines
        lines.append('!0 = !{!"spinhydro"}')
        for i, region in enumerate(regions):
            first = _FIRST_REGION + 3 * i
            others = ", ".join(
                f"!{_FIRST_REGION + 3 * j + 2}" for j in range(len(regions)) if j != i
            )
            lines += [
                f"!{first} = !{{!{first + 2}}}",
                f"!{first + 1} = !{{{others}}}",
                f'!{first + 2} = distinct !{{!{first + 2}, !0, !"region {region}"}}',
            ]
        for i, stage in enumerate(self.scopes):
            lines += [
                f"!{1 + 2 * i} = !{{!{2 + 2 * i}}}",
                f'!{2 + 2 * i} = !{{!"stage {stage}", !0}}',
            ]
        return lines
