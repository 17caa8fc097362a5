"""Undocumented parts of Dedalus used by the engines; they may change with any release.

The names are looked for when an engine starts. If a release of Dedalus has lost some of them, the
run continues with the next engine, down to Dedalus's own, and the log names what is missing.
"""

import importlib

from dedalus.core.system import CoeffSystem
from dedalus.tools.array import apply_sparse

__all__ = ["MADE_FOR", "NEEDED", "CoeffSystem", "apply_sparse", "missing", "what_changed"]

#: The release of Dedalus that the engines are tested with.
MADE_FOR = "3.0.5"

#: For each engine, "module: names" that must be there.
NEEDED = {
    "solver": (
        "dedalus.core.future: Future STORE_OUTPUTS",
        "dedalus.core.subsystems: build_subsystems build_subproblems",
        "dedalus.core.solvers: InitialValueSolver.build_matrices",
        "dedalus.core.evaluator: Evaluator.evaluate_handlers",
        "dedalus.core.field: Field.change_scales Field.require_grid_space",
    ),
    "lean": (
        "dedalus.core.system: CoeffSystem.get_subdata",
        "dedalus.core.subsystems: Subproblem.gather_inputs Subproblem.gather_outputs "
        "Subproblem.scatter_inputs Subproblem.build_matrices Subsystem.field_slices",
        "dedalus.core.evaluator: Evaluator.evaluate_group Evaluator.evaluate_scheduled "
        "Evaluator.require_coeff_space",
        "dedalus.core.field: Field.preset_layout Field.change_scales",
        "dedalus.core.distributor: Layout.local_shape",
        "dedalus.libraries.matsolvers: SparseSolver",
        "dedalus.tools.array: apply_sparse",
    ),
    "fused": (
        "dedalus.core.system: CoeffSystem.get_subdata",
        "dedalus.core.subsystems: Subproblem.gather_inputs Subproblem.gather_outputs "
        "Subproblem.scatter_inputs",
        "dedalus.core.subsystems: build_subsystems build_subproblems",
        "dedalus.core.future: Future STORE_OUTPUTS",
        "dedalus.core.evaluator: Evaluator.evaluate_handlers Evaluator.require_coeff_space "
        "Handler.check_schedule",
        "dedalus.core.field: Field.preset_scales Field.change_scales",
        "dedalus.core.arithmetic: Add AddFields Product MultiplyNumberField MultiplyFields "
        "DotProduct CrossProduct",
        "dedalus.core.operators: PowerFieldConstant UnaryGridFunction Differentiate "
        "CartesianGradient CartesianComponent CartesianTrace TransposeComponents "
        "CartesianLaplacian CartesianDivergence Convert Copy Average Integrate TimeDerivative",
        "dedalus.core.basis: RealFourier ComplexFourier",
        "dedalus.core.timesteppers: RungeKuttaIMEX MultistepIMEX schemes",
        "dedalus.libraries.fftw.fftw_wrappers: FourierTransform create_array",
    ),
}


def missing(engine):
    """Return the names that an engine, or "solver", needs and this release of Dedalus lacks."""
    lost = []
    for line in NEEDED.get(engine, ()):
        module, names = line.split(": ")
        try:
            home = importlib.import_module(module)
        except ImportError:
            lost.append(module)
            continue
        for name in names.split():
            found = home
            for part in name.split("."):
                found = getattr(found, part, None)
            if found is None:
                lost.append(f"{module}.{name}")
    return lost


def what_changed(engine):
    """Return one sentence on what an engine misses in this release of Dedalus, or ""."""
    lost = missing(engine)
    if not lost:
        return ""
    # Imported here: it takes longer than everything else in this module.
    from importlib.metadata import version

    return (
        f"Dedalus {version('dedalus')} without {', '.join(lost)} (it was made for Dedalus "
        f"{MADE_FOR})"
    )
