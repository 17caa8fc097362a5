"""Reading and writing numbers at an address, in a way that lets compilers vectorise a loop.

An index of a NumPy array may be negative, and two arrays may overlap: numba looks after both, and
LLVM then gives up on loops over many rows of neighbours. Here an index is a distance from an
address, and what is read in a stage of a scheme is known not to be what is written in it: arrays
that are read and arrays that are written are different ones.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

#: Stages that can be told apart; an instruction of one says nothing about those of another.
STAGES = 5


def _place(builder, address, index):
    number = ir.DoubleType().as_pointer()
    return builder.gep(builder.inttoptr(address, number), [index])


def _mark(builder, instruction, kind, stage):
    """Metadata of LLVM: what is read ("noalias") or written ("alias.scope") in a stage."""
    module = builder.module
    domain = module.add_metadata(["spinhydro"])
    scope = module.add_metadata([f"spinhydro {stage}", domain])
    instruction.set_metadata(kind, module.add_metadata([scope]))


def _reader(stage):
    @intrinsic
    def read(context, address, index):
        """The number `index` doubles behind an address."""

        def make(context, builder, signature, arguments):
            value = builder.load(_place(builder, *arguments))
            if stage is not None:
                _mark(builder, value, "noalias", stage)
            return value

        return types.float64(types.int64, types.int64), make

    return read


def _writer(stage):
    @intrinsic
    def write(context, address, index, value):
        """Put a number `index` doubles behind an address."""

        def make(context, builder, signature, arguments):
            done = builder.store(arguments[2], _place(builder, *arguments[:2]))
            if stage is not None:
                _mark(builder, done, "alias.scope", stage)
            return context.get_dummy_value()

        return types.none(types.int64, types.int64, types.float64), make

    return write


read, write = _reader(None), _writer(None)
read1, read2, read3, read4 = (_reader(stage) for stage in range(1, STAGES))
write1, write2, write3, write4 = (_writer(stage) for stage in range(1, STAGES))
