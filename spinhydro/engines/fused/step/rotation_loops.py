"""Source of compiled loops over points that rotate spins, between two evaluations of rates.

In each stage of a scheme of ``spinhydro.steppers.spin_schemes`` the rates are evaluated, and one
loop turns the spins of every point (and moves the values of other variables) to the state of the
next stage. The arrays are

| array | holds |
|---|---|
| state | the state of a stage, and the new state |
| rate | its rates |
| start | the state at the beginning of the step |
| first, total | the first rotation vector, and the sum of the first three, of the point |
| third, fourth, whole | rotation vectors that the embedded solution needs |
| difference | that of the embedded solution |
"""

from math import factorial, pi

from spinhydro.engines.fused.program.scalar_writer import indent
from spinhydro.steppers.spin_schemes import EMBEDDED

#: x + _ROUNDER - _ROUNDER is x, rounded to an integer, for |x| < 2^51.
_ROUNDER = 1.5 * 2.0**52
#: pi as a sum; multiples of the first part by integers up to 2^20 are exact.
_PI = pi - pi % 2.0**-31
_PI_REST = 1.2246467991473532e-16 + (pi - _PI)
#: Terms of the series of sine and cosine up to pi/2.
_TERMS = 12

#: Stage that computes the difference of the embedded solution.
DIFFERENCE = 4


def cross(a, b):
    """Return the three components of a product of vectors, given as expressions."""
    return [f"({a[j]}*{b[k]} - {a[k]}*{b[j]})" for j, k in ((1, 2), (2, 0), (0, 1))]


def dot(a, b):
    """Return the scalar product of vectors, given as expressions."""
    return "(" + " + ".join(f"{x}*{y}" for x, y in zip(a, b, strict=True)) + ")"


def assigned(name, values):
    """Return lines that give names to the components of a vector, and these names."""
    names = [f"{name}{i}" for i in range(len(values))]
    return [f"{n} = {value}" for n, value in zip(names, values, strict=True)], names


def rotated(angle, vector):
    r"""Return lines that turn a vector by a rotation vector, and the result.

    With the unit quaternion :math:`(c, \mathbf q)`, :math:`c = \cos(\theta/2)`,
    :math:`\mathbf q = \boldsymbol\theta \sin(\theta/2)/\theta`,

    .. math::
        \mathbf n = \mathbf m + \frac2{c^2 + q^2} \left[c\, \mathbf q \times \mathbf m
        + \mathbf q \times (\mathbf q \times \mathbf m)\right],

    which keeps :math:`|\mathbf m|` to rounding for whatever error of c and q. Sine and cosine are
    sums of their series: loops over calls of them are not vectorised.
    """
    sine, cosine = ((-1) ** _TERMS / factorial(2 * _TERMS + odd) for odd in (1, 0))
    lines = [
        # Not zero, so that the quotient below is 1.
        f"half = 0.5*np.sqrt({dot(angle, angle)} + 1e-300)",
        f"turns = half*{1 / pi!r} + {_ROUNDER!r}",
        f"turns = turns - {_ROUNDER!r}",
        # Both signs of a quaternion are the same rotation.
        f"part = (half - turns*{_PI!r}) - turns*{_PI_REST!r}",
        "square = part*part",
        f"sine = {sine!r}",
        f"cosine = {cosine!r}",
    ]
    for n in range(_TERMS - 1, -1, -1):
        lines += [
            f"sine = square*sine + {(-1) ** n / factorial(2 * n + 1)!r}",
            f"cosine = square*cosine + {(-1) ** n / factorial(2 * n)!r}",
        ]
    lines.append("sine = 0.5*sine*part/half")
    more, q = assigned("q", [f"sine*{a}" for a in angle])
    lines += more
    more, turned = assigned("t", cross(q, vector))
    lines += [*more, f"norm = 2.0/(cosine*cosine + {dot(q, q)})"]
    more, new = assigned(
        "n",
        [
            f"{m} + norm*(cosine*{t} + {s})"
            for m, t, s in zip(vector, turned, cross(q, turned), strict=True)
        ],
    )
    return lines + more, new


def cayley(angle, vector):
    """Return lines that turn a vector as `rotations.cayley` does, and the result."""
    lines, half = assigned("q", [f"0.5*{a}" for a in angle])
    more, turned = assigned("t", cross(half, vector))
    lines += [*more, f"norm = 2.0/(1.0 + {dot(half, half)})"]
    more, new = assigned(
        "n",
        [
            f"{m} + norm*({t} + {s})"
            for m, t, s in zip(vector, turned, cross(half, turned), strict=True)
        ],
    )
    return lines + more, new


def rotation_vector():
    """Return lines for h omega of a point, from its state m and rate r, and the vector."""
    lines = [
        "length = " + dot("m0 m1 m2".split(), "m0 m1 m2".split()),
        "scale = timestep/(length if length > 0.0 else 1.0)",
    ]
    more, vector = assigned(
        "k", [f"scale*{value}" for value in cross("m0 m1 m2".split(), "r0 r1 r2".split())]
    )
    return lines + more, vector


class Point:
    """Lines for one point: of a spin, or of a value of another variable.

    Parameters
    ----------
    rows : sequence of int
        Of all components.
    is_spin : bool
    """

    def __init__(self, rows, is_spin):
        self.rows, self.is_spin, self.lines = list(rows), is_spin, []

    def place(self, array, row):
        """Return the place of the point in a row of an array."""
        shared = array in ("first", "total", "start")
        return f"{array}_[{row}, {'p' if shared else 'member, p'}]"

    def load(self, name, array):
        """Name the components of an element of an array; return the names."""
        lines, names = assigned(name, [self.place(array, row) for row in self.rows])
        self.lines += lines
        return names

    def store(self, array, values):
        """Store the components of a vector."""
        self.lines += [
            f"{self.place(array, row)} = {value}"
            for row, value in zip(self.rows, values, strict=True)
        ]

    def increment(self):
        """Name the rotation vector, or the increment, of this stage; return the names."""
        self.load("m", "state")
        rate = self.load("r", "rate")
        lines, vector = (
            rotation_vector() if self.is_spin else assigned("k", [f"timestep*{r}" for r in rate])
        )
        self.lines += lines
        return vector

    def moved(self, increment, start, turn=rotated):
        """Return the names of the start, moved by an increment."""
        if not self.is_spin:
            return [f"{s} + {k}" for s, k in zip(start, increment, strict=True)]
        lines, angle = assigned("a", increment)
        more, new = turn(angle, start)
        self.lines += lines + more
        return new

    def product(self, a, b):
        """Return the product of rotation vectors; zero for other variables."""
        return cross(a, b) if self.is_spin else ["0.0"] * len(self.rows)


def rkmk4(point, stage, is_pair):
    """Lines of a stage of ``spinhydro.RKMK4`` for one point, with those of its pair."""
    if stage == DIFFERENCE:
        third, fourth = point.load("u", "third"), point.load("v", "fourth")
        whole, fifth = point.load("w", "whole"), point.increment()
        before, after = point.product(third, fourth), point.product(whole, fifth)
        turn = [
            f"{EMBEDDED!r}*(({b} - 0.5*{x}) - ({d} - 0.5*{y}))"
            for b, x, d, y in zip(fourth, before, fifth, after, strict=True)
        ]
        lines, turn = assigned("a", turn)
        point.lines += lines
        found = cross(turn, "m0 m1 m2".split()) if point.is_spin else turn
        point.store("difference", found)
        return
    k = point.increment()
    if stage == 0:
        start = [f"m{i}" for i in range(len(k))]
        point.store("start", start)
        for array in ("first", "total"):
            point.store(array, k)
        angle = [f"0.5*{x}" for x in k]
    else:
        start, total = point.load("s", "start"), point.load("g", "total")
        first = point.load("f", "first") if stage != 2 else k
        if stage < 3:
            point.store("total", [f"{g} + 2.0*{x}" for g, x in zip(total, k, strict=True)])
    if stage == 1:
        pairs = zip(k, point.product(first, k), strict=True)
        angle = [f"0.5*{x} - 0.125*{c}" for x, c in pairs]
    elif stage == 2:
        angle = k
        if is_pair:
            point.store("third", k)
    elif stage == 3:
        both = zip(total, k, point.product(first, k), strict=True)
        angle = [f"({g} + {x})/6.0 - {c}/12.0" for g, x, c in both]
        if is_pair:
            point.store("fourth", k)
            lines, angle = assigned("z", angle)
            point.lines += lines
            point.store("whole", angle)
    point.store("state", point.moved(angle, start))


def semi_implicit(point, stage, is_pair):
    """Lines of a stage of ``spinhydro.SemiImplicit`` for one point."""
    k = point.increment()
    if stage == 0:
        start = [f"m{i}" for i in range(len(k))]
        point.store("start", start)
        new = point.moved(k, start, cayley)
        point.store("state", [f"0.5*({s} + {n})" for s, n in zip(start, new, strict=True)])
    else:
        point.store("state", point.moved(k, point.load("s", "start"), cayley))


def loops(scheme, stages, groups, points, is_pair):
    """Return the lines of a pass: those of the stage that is given by its number.

    Parameters
    ----------
    scheme : callable(point, stage, is_pair)
        rkmk4 or semi_implicit.
    stages : sequence of int
    groups : sequence of (rows, bool)
        The rows of each variable, and whether it is a spin.
    points : int
        Of a member.
    is_pair : bool
    """
    lines = ["timestep = ahead"]
    for stage in stages:
        lines.append(f"if stage == {stage}:")
        for rows, is_spin in groups:
            point = Point(rows, is_spin)
            scheme(point, stage, is_pair)
            lines += indent([f"for p in range({points}):", *indent(point.lines)])
    return lines
