"""Uncertainty of fields found by a fit: bands, and the part that the data determine."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

#: Directions whose information is below this are those of the prior.
LEAST_INFORMATION = 0.1
#: Most directions that are looked for without all columns of the Jacobian.
MOST_DIRECTIONS = 60
#: Part of the prior's standard deviation below which the data determine a value.
DETERMINED = 0.5
#: Part of the band below which differences from the average are better known than values.
LEVEL = 0.8


@dataclass
class FieldEstimate:
    """A field, its band, and how much of it the data determine.

    Attributes
    ----------
    name : str
    axes : dict
        ``{"x": points}``, or ``{"k": moduli}`` of a kernel.
    values : array (components, *points)
    errors : array
        Standard deviation of the posterior: the 68 % band is values ± errors. That of a complex
        value is the root of the sum of the variances of its parts.
    errors_about_average : array
        That of the differences from the average over all points.
    prior_mean : array
    prior_width, correlation : float
    weights, determined : int
        Number of weights of the smooth functions, and of their combinations about which the data
        say more than the prior; at least so many if `is_complete` is False.
    is_complete : bool
        Whether all combinations were found about which the data say something; the band is an
        upper bound otherwise.
    unit : str
        Of the axes.
    """

    name: str
    axes: dict
    values: np.ndarray
    errors: np.ndarray
    errors_about_average: np.ndarray
    prior_mean: np.ndarray
    prior_width: float
    correlation: float
    weights: int
    determined: int
    is_complete: bool
    unit: str = ""

    @property
    def is_determined(self):
        """True where the data halve the standard deviation of the prior, (components, *points)."""
        return self._is_small(self.errors)

    def _is_small(self, errors):
        full = self.prior_width * (np.sqrt(2) if np.iscomplexobj(self.values) else 1.0)
        return errors <= DETERMINED * full

    @property
    def level_is_unclear(self):
        """True if differences from the average are known better than values."""
        return self.errors_about_average.max() < LEVEL * self.errors.max()

    def lines(self):
        """Lines for a terminal."""
        found = [
            f"{self.name}: array {self.values.shape}, 68 % band {_span(self.errors)}"
            + ("" if self.is_complete else " (an upper bound: some directions were left out)"),
            f"{self.name}: the data determine {'' if self.is_complete else 'at least '}"
            f"{self.determined} of {self.weights} combinations of smooth functions, the prior "
            f"+-{self.prior_width:.3g} (correlation length {self.correlation:.3g}) the others",
        ]
        if self.level_is_unclear:
            found.append(
                f"{self.name}: differences from its average "
                f"{_span(self.errors_about_average)}; the average is known less well"
            )
        about = self._is_small(self.errors_about_average)
        for component, row in enumerate(self.is_determined):
            of = f"{self.name}[{component}]" if len(self.values) > 1 else self.name
            line = f"{of} is determined to half of the prior {self._places(row)}"
            if (about[component] != row).any():
                line += f", its differences from the average {self._places(about[component])}"
            found.append(line)
        return found

    def _places(self, row):
        if row.all():
            return "everywhere"
        if not row.any():
            return "nowhere"
        share = f"in {100 * row.mean():.2g} % of the box"
        if row.ndim > 1:
            return share
        ((axis, points),) = self.axes.items()
        inside = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        spans = [f"{points[a]:.4g} to {points[b - 1]:.4g}" for a, b in inside.reshape(-1, 2)]
        if len(spans) > 4:
            return share
        return f"for {axis} from {', '.join(spans)} {self.unit}".rstrip()


def _span(errors):
    return f"+-{errors.min():.2g} to +-{errors.max():.2g}"


@dataclass
class Information:
    r"""The posterior covariance of the weights, :math:`I - V \frac{\lambda}{1 + \lambda} V^T`.

    Attributes
    ----------
    values : array (n,)
        lambda, the eigenvalues of the information of the data about the weights, with all other
        unknowns free (Bui-Thanh et al., SIAM J. Sci. Comput. 35, A2494 (2013)).
    directions : array (weights, n)
        V.
    is_complete : bool
    """

    values: np.ndarray
    directions: np.ndarray
    is_complete: bool

    @property
    def shares(self):
        """By which the variance of each direction falls, 0 to 1."""
        return self.values / (1 + self.values)

    def covariance(self, matrix):
        """The posterior covariance, multiplied with a matrix from the right."""
        inner = self.directions * self.shares
        return matrix - inner @ (self.directions.T @ matrix)


def information(others, inner):
    """The information of data about the weights of fields.

    Parameters
    ----------
    others : array (rows, unknowns)
        Derivatives with respect to all other unknowns; rows of data, then of priors.
    inner : array or LinearOperator (data, weights)

    Returns
    -------
    Information
    """
    measured, size = inner.shape
    basis = np.linalg.qr(others)[0] if others.shape[1] else others
    basis = basis[:measured]
    if isinstance(inner, np.ndarray):
        rest = basis.T @ inner
        values, directions = np.linalg.eigh(inner.T @ inner - rest.T @ rest)
        chosen = values > LEAST_INFORMATION
        return Information(values[chosen], directions[:, chosen], True)

    def product(weights):
        values = inner.matvec(np.ravel(weights))
        return inner.rmatvec(values - basis @ (basis.T @ values))

    operator = LinearOperator((size, size), matvec=product, dtype=float)
    number = min(MOST_DIRECTIONS, size - 2)
    start = np.random.default_rng(0).standard_normal(size)
    values, directions = eigsh(operator, number, tol=1e-3, v0=start)
    chosen = values > LEAST_INFORMATION
    return Information(values[chosen], directions[:, chosen], not chosen.all())


def covariance_of_others(others, inner, found):
    """The covariance of all other unknowns, with the weights of fields free.

    Parameters
    ----------
    others, inner
        As for `information`.
    found : Information
    """
    # Columns of length one: units such as J/m^3 make numbers of very different size.
    lengths = np.linalg.norm(others, axis=0)
    lengths[lengths == 0] = 1.0
    inverse = np.linalg.pinv(others / lengths, rcond=1e-15) / lengths[:, np.newaxis]
    part = inverse[:, : inner.shape[0]]
    if isinstance(inner, np.ndarray):
        mixed = inner.T @ part.T
    else:
        mixed = np.array([inner.rmatvec(row) for row in part]).reshape(-1, inner.shape[1]).T
    return inverse @ inverse.T + mixed.T @ found.covariance(mixed)


def field_estimates(fields, weights, found, units):
    """A `FieldEstimate` of each field.

    Parameters
    ----------
    fields : sequence of UnknownField
    weights : array
        Of all of them.
    found : Information
    units : dict
        ``{"length": "um"}`` of the problem.

    Returns
    -------
    dict
    """
    estimates, first = {}, 0
    for field in fields:
        rows = slice(first, first + field.size)
        first += field.size
        directions = found.directions[rows]
        length = units.get("length", "")
        # Directions of all fields together, each counted where most of it is.
        own = np.sum(directions**2, axis=0) > 0.5
        estimates[field.name] = FieldEstimate(
            name=field.name, axes=field.axes, values=field.values(weights[rows]),
            errors=np.sqrt(field.variance(found.shares, directions)),
            errors_about_average=np.sqrt(
                field.variance(found.shares, directions, about_average=True)
            ),
            prior_mean=field.mean,
            prior_width=field.width, correlation=field.correlation, weights=field.size,
            determined=int(np.sum(own & (found.values > 1))), is_complete=found.is_complete,
            unit=(f"1/{length}" if "k" in field.axes else length) if length else "",
        )  # fmt: skip
    return estimates
