"""spinhydro: spin vectors that precess in a field of their own curvature, on Dedalus v3.

The names below are loaded when first used, so that a mistyped command line is answered
without starting the solver.
"""

import importlib
import os

# Threads inside every rank slow Dedalus down; this must stand before NumPy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMEXPR_MAX_THREADS", "1")

__version__ = "0.1.0"

_HOME = {
    "main": "spinhydro.cli",
    "load": "spinhydro.problem",
    "simulate": "spinhydro.simulation",
    "accelerate": "spinhydro.engines",
    "check_cells": "spinhydro.cells",
    "distributor": "spinhydro.domain",
    "local_part": "spinhydro.domain",
    "per_member": "spinhydro.ensemble.values",
    "PerMember": "spinhydro.ensemble.values",
    "initial_noise": "spinhydro.ensemble.noise",
    "random_generator": "spinhydro.ensemble.noise",
    "RealFourierNyquist": "spinhydro.domain",
    "RK4": "spinhydro.steppers",
    "IFRK4": "spinhydro.steppers",
    "ETDRK4": "spinhydro.steppers",
    "RKMK4": "spinhydro.steppers",
    "ImplicitMidpoint": "spinhydro.steppers",
    "SemiImplicit": "spinhydro.steppers",
    "StochasticHeun": "spinhydro.steppers",
    "start_from": "spinhydro.snapshot",
    "white_noise": "spinhydro.random_fields",
    "thermal_field": "spinhydro.random_fields",
    "stable_timestep": "spinhydro.steppers",
    "FusedRK4": "spinhydro.fused",
    "FusedIFRK4": "spinhydro.fused",
    "FusedETDRK4": "spinhydro.fused",
    "ground_state": "spinhydro.states",
    "pedestal": "spinhydro.states",
    "thomas_fermi": "spinhydro.states",
    "atomic_mass": "spinhydro.species",
    "scattering_lengths": "spinhydro.species",
    "experiment": "spinhydro.laboratory",
    "model": "spinhydro.laboratory",
    "pointwise": "spinhydro.functions",
    "kernel": "spinhydro.kernels",
    "stencil": "spinhydro.kernels",
    "material": "spinhydro.materials",
    "dx": "spinhydro.words",
    "abs2": "spinhydro.complex_values",
    "re": "spinhydro.complex_values",
    "im": "spinhydro.complex_values",
    "josephson_magnetization": "spinhydro.exact",
    "magnetic_soliton": "spinhydro.exact",
    "spin_spiral": "spinhydro.exact",
    "dark_bright_soliton": "spinhydro.exact",
    "rabi_rotation": "spinhydro.exact",
    "langevin": "spinhydro.exact",
    "heisenberg_ring": "spinhydro.exact",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'spinhydro' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
