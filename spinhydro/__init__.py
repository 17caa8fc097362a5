"""spinhydro: spectral solvers for spin dynamics, on Dedalus v3.

The public names are imported when first used, so that a mistyped command line is answered without
starting the solver.
"""

import ast
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

# Threads inside every rank slow Dedalus down; set before NumPy is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMEXPR_MAX_THREADS", "1")

__version__ = "0.1.0"

if TYPE_CHECKING:
    # The table of public names: editors read it as imports, `_homes` as text.
    from spinhydro.cli.main import main
    from spinhydro.dedalus_support.domain import RealFourierNyquist, distributor, local_part, spin
    from spinhydro.dedalus_support.ensemble.noise import initial_noise, random_generator
    from spinhydro.dedalus_support.ensemble.values import PerMember, per_member
    from spinhydro.derivatives.gradient import gradient
    from spinhydro.derivatives.minimise import minimise
    from spinhydro.engines.choose import accelerate
    from spinhydro.engines.fused import FusedETDRK4, FusedIFRK4, FusedRK4
    from spinhydro.kernels.named import kernel, projector
    from spinhydro.kernels.stencils import stencil
    from spinhydro.language.complex_values import abs2, im, re
    from spinhydro.language.drives import (
        clip,
        maximum,
        minimum,
        periodic,
        pulse,
        ramp,
        sinc,
        table,
        where,
    )
    from spinhydro.language.pointwise import pointwise
    from spinhydro.language.words import dx
    from spinhydro.physics.bodies import cuboid
    from spinhydro.physics.cells import check_cells
    from spinhydro.physics.checks import every, some
    from spinhydro.physics.edges import box_trap, sponge
    from spinhydro.physics.exact import (
        dark_bright_soliton,
        free_spins,
        heisenberg_ring,
        heisenberg_ring_energy,
        josephson_magnetization,
        langevin,
        magnetic_soliton,
        rabi_rotation,
        spin_spiral,
    )
    from spinhydro.physics.gases import (
        frozen_gas,
        hbar_over_m,
        interaction,
        spin_gradient_squared,
        textured_gas,
        trap_potential,
        trapped_gas,
    )
    from spinhydro.physics.laboratory import experiment, model
    from spinhydro.physics.magnets import exchange, grating, magnet
    from spinhydro.physics.materials import material
    from spinhydro.physics.profiles import profile
    from spinhydro.physics.relaxation import relax
    from spinhydro.physics.sampling import mode_noise, quantum_noise, thermal_noise
    from spinhydro.physics.species import atomic_mass, scattering_lengths
    from spinhydro.physics.states import ground_state, pedestal, thomas_fermi
    from spinhydro.physics.textures import half_vortex, hopfion, skyrmion, vortex, wall
    from spinhydro.physics.torques import cubic_anisotropy, slonczewski, spin_orbit, zhang_li
    from spinhydro.physics.two_components import vortex_phase
    from spinhydro.physics.wave_functions import (
        grey_soliton,
        quantized_vortices,
        vortex_velocities,
    )
    from spinhydro.problem.load import load
    from spinhydro.run.simulation import simulate
    from spinhydro.run.snapshot import start_from
    from spinhydro.run.state_file import load_state, save_state
    from spinhydro.steppers import (
        ETDRK4,
        ETDRK43,
        IFRK4,
        IFRK43,
        RK4,
        RK8,
        RK43,
        RK853,
        RKMK4,
        RKMK43,
        AdaptiveBlanesMoan4,
        BlanesMoan4,
        BlanesMoan6,
        ImplicitMidpoint,
        LowStorageRK4,
        SemiImplicit,
        StochasticHeun,
        Strang,
        WaveRK4,
        WaveRK43,
        stable_timestep,
    )
    from spinhydro.steppers.accuracy import thermal_timestep
    from spinhydro.steppers.noise import thermal_field, white_noise


def _homes():
    """Module of every public name, from the imports above."""
    tree = ast.parse(Path(__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {alias.name: node.module for node in block.body for alias in node.names}


_HOME = _homes()

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'spinhydro' has no attribute '{name}'")
    if name != "main":
        # Strings of equations use these words; a problem file may import nothing else of spinhydro.
        importlib.import_module("spinhydro.language.words")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__():
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
