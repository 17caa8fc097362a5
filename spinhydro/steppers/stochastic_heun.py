"""Heun's scheme, for equations with noise."""

from spinhydro.steppers.rk4 import RK4


class StochasticHeun(RK4):
    r"""Heun's scheme for equations with white noise, read in the sense of Stratonovich.

    .. math:: \hat X = X + h f(X, t, \xi), \qquad
              X(t + h) = X + \tfrac{h}{2} \left[ f(X, t, \xi) + f(\hat X, t + h, \xi) \right]

    with the same noise in both stages (Garcia-Palacios and Lazaro, Phys. Rev. B 58, 14937 (1998)):
    it is drawn once per step by every stepper of spinhydro, see ``spinhydro.white_noise``. Without
    noise of order 2, and unstable for undamped oscillation: growth (omega h)^4/8 per step.

    Spins need the projection ``"m/sqrt(m@m)"``. RKMK4, SemiImplicit and ImplicitMidpoint, with the
    noise held over the step, converge to the same Stratonovich solution and need none.
    """

    stages = 2
    _nodes = (0.0, 1.0)
    _weights = (1 / 2, 1 / 2)
