"""The result of a fit as arrays or as pictures of data, model and residuals."""

from pathlib import Path

import numpy as np


def save(found, data, path):
    """Write a `Fit` as .npz, or draw the first output against its first axis and time."""
    if Path(path).suffix == ".npz":
        samples = {"samples": found.posterior.samples} if found.posterior else {}
        np.savez(
            path, names=found.names, estimates=found.estimates, errors=found.errors,
            covariance=found.covariance, chi_squared=found.chi_squared, model=found.model,
            data=found.data, residuals=found.residuals, **found.nuisance, **samples,
        )  # fmt: skip
        return
    from matplotlib.figure import Figure

    from spinhydro.analysis.style import house_style

    axis = next(name for name in data.axes if name != "t")
    with house_style():
        figure = Figure(figsize=(8, 2.8), layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        largest = np.nanmax(np.abs(found.data[0]))
        for panel, (title, values, limit) in zip(
            panels,
            (
                ("data", found.data[0], largest),
                ("model", found.model[0], largest),
                ("(data - model)/noise", found.residuals[0], 4),
            ),
            strict=True,
        ):
            # Other axes than the first are shown at their middle.
            shown = values
            while shown.ndim > 2:
                shown = shown[..., shown.shape[-1] // 2]
            image = panel.pcolormesh(
                data.axes[axis], data.axes["t"], shown, vmin=-limit, vmax=limit, cmap="RdBu_r",
                rasterized=True,
            )  # fmt: skip
            panel.set_title(title)
            panel.set_xlabel(axis)
            figure.colorbar(image, ax=panel)
        panels[0].set_ylabel("t")
        figure.savefig(path)
