"""omega(k) as a word of an equation: exchange and magnetostatics as functions of wavenumber.

| file | content |
|---|---|
| named.py | `kernel` and `projector`: kernels by name, or from a function of k |
| formulas.py | names, formulas and parameters, as ``spinhydro words`` prints them |
| kinds.py | how a name and its parameters become a kernel or a stencil |
| kernel.py, operator.py | a kernel, and the operator that it makes of a field |
| lattices.py, continuum.py | the functions omega(k) |
| stencils.py, stencil_operator.py, halo.py | exchange as a sum over neighbours on the grid |
| listing.py | tables of omega(k) of a problem file |
"""
