"""The graph of a problem as JAX functions: an engine, and the ground for derivatives.

JAX is optional: only `require` imports it, on demand.
"""
