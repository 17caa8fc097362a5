"""Work units of spinhydro against Dedalus as it is, plain NumPy code, pyfftw and XMDS2.

``python -m benchmarks`` measures all of them and writes docs/benchmarks.md.
"""
