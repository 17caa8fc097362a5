"""What spinhydro uses of Dedalus that Dedalus does not document."""

from dedalus.core.system import CoeffSystem
from dedalus.libraries.matsolvers import SparseSolver
from dedalus.tools.array import apply_sparse

__all__ = ["CoeffSystem", "SparseSolver", "apply_sparse"]
