"""The fused engine: the strings of a problem at the speed of a program written for them.

The right-hand side of an all-Fourier problem is read off Dedalus's own expression trees and turned
into as few transforms as its mathematics needs, with one pointwise loop between them.
"""

from spinhydro.engines.fused.read.graph import Unsupported
from spinhydro.engines.fused.steppers.etdrk4 import FusedETDRK4
from spinhydro.engines.fused.steppers.implicit import FUSED_SCHEMES
from spinhydro.engines.fused.steppers.integrating_factor import FusedIFRK4
from spinhydro.engines.fused.steppers.low_storage import FusedLowStorageRK4, FusedWaveRK4
from spinhydro.engines.fused.steppers.pairs import (
    FusedAdaptiveBlanesMoan4,
    FusedETDRK43,
    FusedIFRK43,
    FusedRK43,
    FusedRK853,
    FusedRKMK43,
    FusedWaveRK43,
)
from spinhydro.engines.fused.steppers.rk4 import FusedRK4
from spinhydro.engines.fused.steppers.rk8 import FusedRK8
from spinhydro.engines.fused.steppers.spin_steppers import (
    FusedImplicitMidpoint,
    FusedRKMK4,
    FusedSemiImplicit,
    FusedStochasticHeun,
)
from spinhydro.engines.fused.steppers.splitting import (
    FusedBlanesMoan4,
    FusedBlanesMoan6,
    FusedStrang,
)
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
)

#: The fused form of every time stepper that has one.
FUSED = {
    RK4: FusedRK4,
    IFRK4: FusedIFRK4,
    ETDRK4: FusedETDRK4,
    RK8: FusedRK8,
    LowStorageRK4: FusedLowStorageRK4,
    WaveRK4: FusedWaveRK4,
    RK43: FusedRK43,
    IFRK43: FusedIFRK43,
    ETDRK43: FusedETDRK43,
    RK853: FusedRK853,
    RKMK43: FusedRKMK43,
    WaveRK43: FusedWaveRK43,
    AdaptiveBlanesMoan4: FusedAdaptiveBlanesMoan4,
    RKMK4: FusedRKMK4,
    ImplicitMidpoint: FusedImplicitMidpoint,
    SemiImplicit: FusedSemiImplicit,
    StochasticHeun: FusedStochasticHeun,
    Strang: FusedStrang,
    BlanesMoan4: FusedBlanesMoan4,
    BlanesMoan6: FusedBlanesMoan6,
    **FUSED_SCHEMES,
}

__all__ = ["FUSED", "FusedETDRK4", "FusedIFRK4", "FusedRK4", "Unsupported"]
