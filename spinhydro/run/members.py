"""Members of an ensemble that fail while the others go on."""

import numpy as np

#: What to do when a member fails.
CHOICES = ("continue", "stop")


class FailedMembers:
    """The members of a run that have failed, and that are NaN from then on.

    Parameters
    ----------
    solver : d3.InitialValueSolver

    Attributes
    ----------
    reasons : dict
        ``{member: {"reason": …, "sim_time": …, "iteration": …}}``, the same on all ranks.
    """

    def __init__(self, solver):
        self.solver, self.dist = solver, solver.dist
        self.axis = getattr(self.dist, "member_axis", None)
        self.reasons = {}
        self.size, mine = 0, slice(0, 0)
        if self.axis is not None:
            domain = self.dist.members.domain(self.dist)
            self.size = self.dist.members.size
            mine = self.dist.grid_layout.slices(domain, scales=1)[self.axis]
        self._mine = np.arange(self.size)[mine]

    @property
    def numbers(self):
        """The failed members, a set."""
        return set(self.reasons)

    def local(self, members):
        """Return the positions on this rank of those members that it holds."""
        return [i for i, member in enumerate(self._mine) if member in members]

    def not_finite(self):
        """Return the members whose state is not finite, a set; a collective operation.

        None if the state is not finite and no member explains it.
        """
        stepper = self.solver.timestepper
        others = True
        if hasattr(stepper, "finite_members"):
            finite = stepper.finite_members()
        else:
            finite = np.ones(len(self._mine), bool)
            for variable in self.solver.state:
                axis = self.axis_of(variable)
                if axis is None:
                    others = others and bool(np.isfinite(np.sum(variable.data)))
                    continue
                axes = tuple(a for a in range(variable.data.ndim) if a != axis)
                finite &= np.isfinite(np.sum(variable.data, axis=axes))
        found = self.dist.comm.allgather((others, self._mine[~finite].tolist()))
        if not all(fine for fine, _ in found):
            return None
        return {member for _, members in found for member in members}

    def axis_of(self, operand):
        """Return the member axis in the data of a field or operand, or None."""
        if self.axis is None or operand.domain.full_bases[self.axis] is None:
            return None
        return len(operand.tensorsig) + self.axis

    def discard(self, members, reason):
        """Note that members have failed, and fill their state with NaN.

        Parameters
        ----------
        members : set of int
        reason : str
        """
        solver = self.solver
        for member in sorted(members):
            self.reasons[int(member)] = {
                "reason": reason, "sim_time": float(solver.sim_time),
                "iteration": int(solver.iteration),
            }  # fmt: skip
        self.fill(members)

    def fill(self, members):
        """Fill the state of members with NaN."""
        solver, here = self.solver, self.local(members)
        if not here:
            return
        if hasattr(solver.timestepper, "discard_members"):
            solver.timestepper.discard_members(here)
            return
        for variable in solver.state:
            axis = self.axis_of(variable)
            if axis is not None:
                # In the layout in which the data are: the other members stay as they are.
                variable.data[(*[slice(None)] * axis, here)] = np.nan

    def summary(self):
        """Return one line that names the members that failed."""
        named = "; ".join(
            f"member {m}: {r['reason']} at t = {r['sim_time']:.6g}" for m, r in self.reasons.items()
        )
        return f"{len(self.reasons)} of {self.size} members failed ({named})"
