"""Derivatives of the strings of a problem: spectra, gradients, fits, design.

Everything here needs the optional package JAX.
"""
