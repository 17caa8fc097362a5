"""The fused engine: the strings of a problem at the speed of a program written for them.

The right-hand side of an all-Fourier problem is read off Dedalus's own expression trees and turned
into as few transforms as its mathematics needs, with one pointwise kernel between them.
"""

from spinhydro.fused.graph import Unsupported
from spinhydro.fused.integrating_factor import FusedIFRK4
from spinhydro.fused.stepper import FusedRK4

__all__ = ["FusedIFRK4", "FusedRK4", "Unsupported"]
