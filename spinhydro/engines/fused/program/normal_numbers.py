"""The normal numbers of `spinhydro.steppers.normal_numbers`, compiled, with the same bits."""

import math
from functools import cache

import numpy as np

from spinhydro.engines.fused.compile.cache import compile_function
from spinhydro.engines.fused.program.scalar_writer import indent
from spinhydro.steppers import normal_numbers as reference

#: Multipliers of Philox4x64, and the steps of its key from round to round.
_MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
_ROUNDS = 10
#: Words that are made at once.
_CHUNK = 1024


def _signed(integer):
    """A 64-bit integer without sign as one with the same bits."""
    return integer - (1 << 64) * (integer >> 63)


def _series(coefficients, z):
    """Text of a polynomial by Horner's rule, with the order of operations of the reference."""
    text = f"({coefficients[-1]!r} * {z} + {coefficients[-2]!r})"
    for coefficient in coefficients[-3::-1]:
        text = f"({text} * {z} + {coefficient!r})"
    return text


def _double(text):
    """Text of an integer below 2^52 as a double."""
    return f"(from_bits(({text}) | {reference.BITS_OF_TWO_52}) - {reference.TWO_52!r})"


def _key(start, part, number):
    """Text of a part of the key of a round."""
    return f"wrapped_sum({start}, {_signed(number * _KEY_STEPS[part] % 2**64)})"


def _philox():
    """Lines that make the four words of a block."""
    lines = ["c0 = first_block + block + 1", "c1 = stream", "c2 = component", "c3 = kind"]
    m0, m1 = map(_signed, _MULTIPLIERS)
    for i in range(_ROUNDS):
        lines += [
            f"h0 = high_product({m0}, c0)", f"l0 = low_product({m0}, c0)",
            f"h1 = high_product({m1}, c2)", f"l1 = low_product({m1}, c2)",
            f"c0 = h1 ^ c1 ^ {_key('seed', 0, i)}", "c1 = l1",
            f"c2 = h0 ^ c3 ^ {_key('iteration', 1, i)}", "c3 = l0",
        ]  # fmt: skip
    return [*lines, *(f"words_[4 * block + {i}] = c{i}" for i in range(4))]


def _box_muller():
    """Lines that make two normal numbers, a and b, of word x."""
    ref = reference
    return [
        "w = words_[over + x]",
        f"odd = 2.0 * {_double(f'w & {ref.LOW_HALF}')} + 1.0",
        f"k = bits(odd) - {ref.BITS_OF_ROOT}",
        f"m = from_bits((k & {ref.MANTISSA}) + {ref.BITS_OF_ROOT})",
        "s = (m - 1.0) / (m + 1.0)",
        "z = s * s",
        f"powers = 33.0 - {_double(f'k >> {ref.MANTISSA_BITS}')}",
        f"log = powers * {ref.LOG_2!r} - 2.0 * s * {_series(ref.LOGARITHM, 'z')}",
        "radius = np.sqrt(2.0 * log)",
        f"turned = (w >> {ref.HALF_BITS}) + {ref.EIGHTH}",
        f"y = (2.0 * {_double(f'turned & {ref.QUARTER - 1}')} + {1.0 - ref.QUARTER!r})"
        f" * {ref.TO_ANGLE!r}",
        "z = y * y",
        f"sine = y * {_series(ref.SINE, 'z')}",
        f"cosine = {_series(ref.COSINE, 'z')}",
        "quarter = turned >> 30",
        "along = sine if quarter & 1 == 1 else cosine",
        "across = cosine if quarter & 1 == 1 else sine",
        "a = scale * (radius * from_bits(bits(along) ^ (((quarter + 1) & 2) << 62)))",
        "b = scale * (radius * from_bits(bits(across) ^ ((quarter & 2) << 62)))",
    ]


#: Entries of the table of a filling.
_TABLE = ("words", "pairs", "seed", "stream", "kind", "first", "cells", "components", "out", "row")


@cache
def _compiled():
    """``function(table, iteration, scale)`` that fills an array with normal numbers.

    Pairs of components share words; a component without a partner has both numbers of its words,
    and begins with the second one if its first cell is odd.
    """
    head = [
        f"table_ = carray(pointer(table), ({len(_TABLE)},), np.int64)",
        *(f"{name} = table_[{i}]" for i, name in enumerate(_TABLE)),
        f"words_ = carray(pointer(words), ({_CHUNK + 8},), np.int64)",
    ]
    words = [
        f"n = min({_CHUNK}, number - start)",
        "over = (begin + start) & 3",
        "first_block = (begin + start) >> 2",
        "for block in scalar_range((over + n + 3) >> 2):",
        *indent(_philox()),
    ]
    two = [
        "begin = first",
        "number = cells",
        f"for start in range(0, number, {_CHUNK}):",
        *indent(words),
        "    for x in range(n):",
        *indent(indent([*_box_muller(), "write1(one, start + x, a)",
                        "write1(other, start + x, b)"])),
    ]  # fmt: skip
    single = [
        "skipped = first & 1",
        "begin = first >> 1",
        "number = ((first + cells + 1) >> 1) - begin",
        f"for start in range(0, number, {_CHUNK}):",
        *indent(words),
        "    for x in range(n):",
        *indent(indent([*_box_muller(), "write1(pairs, 2 * x, a)", "write1(pairs, 2 * x + 1, b)"])),
        "    done = 2 * start - skipped",
        "    for x in range(skipped if start == 0 else 0, min(2 * n, cells - done)):",
        "        write(one, done + x, read(pairs, x))",
    ]
    lines = [
        *head,
        "for component in range(0, components, 2):",
        "    one = out + component * row",
        "    if component + 1 < components:",
        "        other = one + row",
        *indent(indent(two)),
        "    else:",
        *indent(indent(single)),
    ]
    source = "\n".join(["def normal_numbers(table, iteration, scale):", *indent(lines), ""])
    return compile_function("normal_numbers", "iif", source, exact=True)


class CompiledNormalNumbers:
    """The same numbers as those of ``NormalNumbers``, some twenty times faster.

    Parameters
    ----------
    seed, stream, kind : int
        See ``NormalNumbers``.
    """

    def __init__(self, seed, stream=0, kind=0):
        self.seed, self.stream, self.kind = seed, stream, kind

    def fill(self, iteration, first, out, scale=1.0):
        """out = scale times normal numbers of the cells `first`, `first` + 1, …; as the reference.

        Raises
        ------
        ValueError
            If `out` does not hold doubles that lie side by side along the cells.
        """
        Filling(self, first, out)(iteration, scale)


class Filling:
    """A call that fills one array with normal numbers.

    Parameters
    ----------
    numbers : CompiledNormalNumbers
    first : int
        Number of the first cell in the whole grid.
    out : array (components, cells)

    Attributes
    ----------
    function : compiled function
    table : int
        Its first argument; valid while this object exists.
    """

    def __init__(self, numbers, first, out):
        components, cells = out.shape
        if out.dtype != np.float64 or (cells > 1 and out.strides[1] != out.itemsize):
            raise ValueError("out must hold doubles that lie side by side")
        self.function = _compiled()
        words, pairs = np.empty(_CHUNK + 8, np.int64), np.empty(2 * _CHUNK)
        table = np.array(
            [words.ctypes.data, pairs.ctypes.data, numbers.seed, numbers.stream, numbers.kind,
             first, cells, components, out.ctypes.data, out.strides[0]], np.int64
        )  # fmt: skip
        self._arrays = words, pairs, out, table
        self.table = table.ctypes.data

    def __call__(self, iteration, scale):
        self.function(self.table, iteration, scale)


@cache
def _compiled_steps():
    """``function(tables, fill, count, step, table, iteration, timestep, scale, n)``.

    Each step calls the function at the address `fill` with `count` tables, and then that at the
    address `step`.
    """
    source = """def noisy_steps(tables, fill, count, step, table, iteration, timestep, scale, n):
    tables_ = carray(pointer(tables), (65536,), np.int64)
    for i in range(n):
        for j in range(count):
            call(fill, tables_[j], iteration + i, scale)
        call(step, table, timestep, 1)
"""
    return compile_function("noisy_steps", "iiiiiiffi", source)


class NoisySteps:
    """Several steps in one call, with noise that is drawn before each.

    Parameters
    ----------
    fillings : list of Filling
    """

    def __init__(self, fillings):
        self._fillings = fillings
        self._tables = np.array([filling.table for filling in fillings], np.int64)

    def __call__(self, step, table, iteration, timestep, steps):
        """Call the compiled function `step` with its `table` and `timestep` after every draw."""
        fill = self._fillings[0].function.address
        _compiled_steps()(
            self._tables.ctypes.data, fill, len(self._tables), step.address, table, iteration,
            timestep, 1 / math.sqrt(timestep), steps,
        )  # fmt: skip


def fillings_in_place(noise, right_side, rows):
    """Return the fillings that draw a noise into rows of the profiles.

    None if the profiles are not the grid of the field: with modes that are dropped, on a finer
    grid, on ranks, or in complex problems; or if the noise follows that of another run.

    Parameters
    ----------
    noise : WhiteNoise
    right_side : RightSide
    rows : slice
    """
    space, values = right_side.space, right_side.profile_values
    if np.iscomplexobj(values) or space.mask is not None or space.slabs is not None:
        return None
    layout = noise.dist.grid_layout
    is_own = not noise.refinements and noise.coarse is None
    if not is_own or tuple(layout.local_shape(noise.domain, 1)) != tuple(space.shape):
        return None
    return [
        Filling(CompiledNormalNumbers(seed, noise.stream, noise.kind), first, values[rows, cells])
        for seed, first, cells in noise.cells()
    ]
