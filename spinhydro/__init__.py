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
    "main": "spinhydro.cli.main",
    "load": "spinhydro.problem.load",
    "simulate": "spinhydro.run.simulation",
    "accelerate": "spinhydro.engines.choose",
    "check_cells": "spinhydro.physics.cells",
    "distributor": "spinhydro.dedalus_support.domain",
    "local_part": "spinhydro.dedalus_support.domain",
    "per_member": "spinhydro.dedalus_support.ensemble.values",
    "PerMember": "spinhydro.dedalus_support.ensemble.values",
    "initial_noise": "spinhydro.dedalus_support.ensemble.noise",
    "random_generator": "spinhydro.dedalus_support.ensemble.noise",
    "RealFourierNyquist": "spinhydro.dedalus_support.domain",
    "RK4": "spinhydro.steppers",
    "IFRK4": "spinhydro.steppers",
    "ETDRK4": "spinhydro.steppers",
    "RKMK4": "spinhydro.steppers",
    "ImplicitMidpoint": "spinhydro.steppers",
    "SemiImplicit": "spinhydro.steppers",
    "StochasticHeun": "spinhydro.steppers",
    "start_from": "spinhydro.run.snapshot",
    "white_noise": "spinhydro.steppers.noise",
    "thermal_field": "spinhydro.steppers.noise",
    "stable_timestep": "spinhydro.steppers",
    "FusedRK4": "spinhydro.engines.fused",
    "FusedIFRK4": "spinhydro.engines.fused",
    "FusedETDRK4": "spinhydro.engines.fused",
    "ground_state": "spinhydro.physics.states",
    "pedestal": "spinhydro.physics.states",
    "thomas_fermi": "spinhydro.physics.states",
    "atomic_mass": "spinhydro.physics.species",
    "scattering_lengths": "spinhydro.physics.species",
    "experiment": "spinhydro.physics.laboratory",
    "model": "spinhydro.physics.laboratory",
    "pointwise": "spinhydro.language.functions",
    "kernel": "spinhydro.kernels",
    "stencil": "spinhydro.kernels",
    "material": "spinhydro.physics.materials",
    "dx": "spinhydro.language.words",
    "abs2": "spinhydro.language.complex_values",
    "re": "spinhydro.language.complex_values",
    "im": "spinhydro.language.complex_values",
    "josephson_magnetization": "spinhydro.physics.exact",
    "magnetic_soliton": "spinhydro.physics.exact",
    "spin_spiral": "spinhydro.physics.exact",
    "dark_bright_soliton": "spinhydro.physics.exact",
    "rabi_rotation": "spinhydro.physics.exact",
    "langevin": "spinhydro.physics.exact",
    "heisenberg_ring": "spinhydro.physics.exact",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'spinhydro' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
