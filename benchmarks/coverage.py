"""How often the 68 % intervals of a fit hold the truth: python -m benchmarks.coverage [lle|gpe]

Synthetic Z(x, t) of the strings: 20 frames up to 10 ms, blurred by 1.5 um, with noise of 5 %; the
parameters Omega_R, kappa_n0 and R_x. Each seed is estimated by Gauss-Newton steps with complete
runs and the sensitivities at the truth; --check compares so many of them with whole fits.
"""

import argparse
import time

import numpy as np

from spinhydro import load
from spinhydro.dedalus_support.backend import quiet_dedalus
from spinhydro.derivatives.data import Data
from spinhydro.derivatives.family import Family
from spinhydro.derivatives.fit import fit
from spinhydro.derivatives.fit_search import Search
from spinhydro.derivatives.measurement import common_steps
from spinhydro.derivatives.nearby import NearbyLeaves
from spinhydro.derivatives.parameters import fixed_timestep

NAMES = ["Omega_R", "kappa_n0", "R_x"]
FILES = {
    "lle": ("problems/quantum_torque.py", {"Nx": 512}),
    "gpe": ("problems/coupled_gpe.py", {"Nx": 1024}),
}
BLUR, NOISE, FRAMES, LAST = 1.5, 0.05, 20, 10.0
#: Standard errors over which leaves are expanded, and Gauss-Newton steps.
WIDTH, ITERATIONS = 4.0, 2


class Study:
    """One problem, its synthetic measurement and the sensitivities at the truth."""

    def __init__(self, kind):
        path, values = FILES[kind]
        self.problem = load(path, **values)
        self.axes = {
            "t": LAST / FRAMES * np.arange(1, FRAMES + 1),
            "x": np.linspace(-180, 180, 320),
        }
        timestep, steps = common_steps(self.axes["t"], fixed_timestep(self.problem))
        text = self.problem.declared("outputs")["Z"]
        family = Family(self.problem, NAMES, [text], timestep, "the benchmark")
        placeholder = Data(self.axes, {"Z": np.zeros((FRAMES, len(self.axes["x"])))})
        self.search = Search(family, placeholder, steps, BLUR, NOISE, False, False, {})
        self.truth = family.start
        self.clean = np.asarray(self.search.predict(family.leaves_at(self.truth)))
        self.matrix = self.search.jacobian(self.truth)
        self.covariance = np.linalg.inv(self.matrix.T @ self.matrix)
        self.errors = np.sqrt(np.diag(self.covariance))

    def data(self, seed):
        """Z with the noise of a seed."""
        random = np.random.default_rng(seed)
        return self.clean[0] + NOISE * random.standard_normal(self.clean[0].shape)

    def estimates(self, seeds):
        """Estimates (seeds, parameters) by Gauss-Newton steps from the truth."""
        near = NearbyLeaves(self.search.family, self.truth, WIDTH * self.errors)
        predict = self.search.jax.jit(lambda p: self.search.predict_from(near(p)))
        found = []
        for seed in range(seeds):
            values, data = self.truth.copy(), self.data(seed)
            for _ in range(ITERATIONS):
                rest = (np.asarray(predict(values))[0] - data).ravel() / NOISE
                values = values - self.covariance @ (self.matrix.T @ rest)
            found.append(values)
        return np.array(found)

    def whole_fit(self, seed):
        """The estimates of `spinhydro fit`, from values 2 % away."""
        path, values = FILES["gpe" if "coupled" in str(self.problem.path) else "lle"]
        moved = dict(zip(NAMES, self.truth * [1.02, 0.98, 1.02], strict=True))
        start = load(path, **values, **{n: repr(float(v)) for n, v in moved.items()})
        data = Data(self.axes, {"Z": self.data(seed)})
        return fit(start, data, NAMES, blur=BLUR, noise=NOISE)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("kind", nargs="?", choices=tuple(FILES), default="lle")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--check", type=int, default=1, help="seeds that are also fitted whole")
    options = parser.parse_args()
    quiet_dedalus()
    start = time.process_time()
    study = Study(options.kind)
    found = study.estimates(options.seeds)
    deviations = (found - study.truth) / study.errors
    print(f"{options.kind}: {options.seeds} seeds in {time.process_time() - start:.0f} CPU s")
    for name, truth, error, column in zip(
        NAMES, study.truth, study.errors, deviations.T, strict=True
    ):
        inside = np.mean(np.abs(column) <= 1)
        print(
            f"{name} = {truth:.6g}, error {100 * error / truth:.3f} %: {inside:.0%} within it, "
            f"mean deviation {column.mean():+.2f}, spread {column.std():.2f}"
        )
    for seed in range(options.check):
        start = time.process_time()
        whole = study.whole_fit(seed)
        difference = np.abs(whole.estimates - found[seed]) / study.errors
        print(
            f"seed {seed}: the whole fit differs by {difference.max():.2g} errors, "
            f"{whole.evaluations} runs, {time.process_time() - start:.0f} CPU s"
        )


if __name__ == "__main__":
    main()
