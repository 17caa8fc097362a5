"""Machine code for this processor, by LLVM through llvmlite."""

import ctypes
from functools import cache

import llvmlite
import llvmlite.binding as llvm

from spinhydro.engines.fused.compile.translate import translate
from spinhydro.language.functions import COMPLEX_ERF, FUNCTIONS

__all__ = ["compile_object", "load", "translate", "versions"]

_C_TYPES = {"i": ctypes.c_int64, "f": ctypes.c_double}
#: Version of the translation: increased with every change of `translate` or of the options below.
_TRANSLATION = "4"


@cache
def _target():
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
    """Instruction sets of this processor beyond those of its family."""
    try:
        return llvm.get_host_cpu_features().flatten()
    except RuntimeError:
        return ""


def processor():
    """Name and instruction sets of this kind of processor."""
    return [llvm.get_host_cpu_name(), features()]


def versions():
    """Return everything except its source that affects the code of a function."""
    return [llvmlite.__version__, *processor(), _TRANSLATION]


def compile_object(text):
    """Return the object file of a module in LLVM's language, at the highest optimisation."""
    machine = _target()
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
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    process = ctypes.CDLL(None)
    symbols = {name for f in FUNCTIONS.values() for name in (f.real, f.complex)}
    for name in {*symbols, "hypot", "atan2", "pow", "cpow"} - {None, COMPLEX_ERF}:
        function = getattr(process, name, None)
        if function is not None:
            llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)
    return engine


@cache
def _add_complex_erf():
    """Make SciPy's erf of complex numbers known to machine code."""
    from scipy.special import cython_special

    capsule = cython_special.__pyx_capi__["__pyx_fuse_0erf"]
    python = ctypes.pythonapi
    python.PyCapsule_GetName.restype = ctypes.c_char_p
    python.PyCapsule_GetName.argtypes = [ctypes.py_object]
    python.PyCapsule_GetPointer.restype = ctypes.c_void_p
    python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = python.PyCapsule_GetPointer(capsule, python.PyCapsule_GetName(capsule))
    llvm.add_symbol(COMPLEX_ERF, address)


def load(code, symbol, kinds):
    """Return the function `symbol` of an object file, to be called from Python.

    It has its ``address`` as an attribute. Raises RuntimeError if the file does not hold it.
    """
    engine = _engine()
    if COMPLEX_ERF.encode() in code:
        _add_complex_erf()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address = engine.get_function_address(symbol)
    if not address:
        raise RuntimeError(f"no function {symbol}")
    function = ctypes.PYFUNCTYPE(None, *(_C_TYPES[kind] for kind in kinds))(address)
    function.address = address
    return function
