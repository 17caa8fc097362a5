"""Set-up of Dedalus for spinhydro; imported before Dedalus's public interface."""

import logging

from dedalus.tools.config import config

from spinhydro.dedalus_support.block_diagonal import assemble_blocks_at_once
from spinhydro.dedalus_support.complex_transforms import refuse_real_fields
from spinhydro.dedalus_support.field_sizes import check_sizes_of_fields
from spinhydro.dedalus_support.memory import reuse_large_buffers, share_temporaries
from spinhydro.dedalus_support.valid_modes import find_valid_modes_by_axis

# FFTW's default planning times candidate algorithms, so two runs of the same problem may
# differ in the last bits; a fixed choice makes every run reproduce to the byte.
for _section in ("transforms-fftw", "parallelism-fftw"):
    config[_section]["PLANNING_RIGOR"] = "estimate"

refuse_real_fields()
share_temporaries()
reuse_large_buffers()
check_sizes_of_fields()
assemble_blocks_at_once()
find_valid_modes_by_axis()

#: Dedalus drops small coefficients of the left-hand side by default (1e-6 and 1e-12), which
#: silently removes weak fields and weak diffusion.
SOLVER_OPTIONS = {"ncc_cutoff": 0, "entry_cutoff": 0}


def quiet_dedalus():
    """Keep Dedalus's log off the terminal: standard output holds the run folder only."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.StreamHandler):
            root.removeHandler(handler)
    root.addHandler(logging.NullHandler())
    root.setLevel(logging.WARNING)
