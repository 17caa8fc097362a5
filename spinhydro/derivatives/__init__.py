"""Derivatives of what the strings of a problem say: spectra, gradients, fits, design.

Everything here needs the optional package JAX.
"""
