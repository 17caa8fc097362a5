"""Hints for names and signs that a string cannot hold: how they are written here."""

import re
import unicodedata

from spinhydro.errors import did_you_mean
from spinhydro.language.vocabulary import SYNONYMS

#: Signs of printed equations: ``{sign: how it is written in a string}``.
SIGNS = {
    **dict.fromkeys("\u2212\u2013\u2014", "a minus is written -"),
    "\u00d7": "a product is a*b, of vectors cross(a, b)",
    **dict.fromkeys("\u00b7\u22c5\u2219\u2022", "a product is a*b, of vectors a @ b"),
    **dict.fromkeys("\u00f7\u2215", "a quotient is written a/b"),
    "\u2202": "a derivative is dt(f) in time, dx(f) along x",
    "\u2207": "the gradient is grad(f), the divergence div(f), the Laplacian lap(f)",
    "\u0394": "the Laplacian is lap(f)",
    "\u2206": "the Laplacian is lap(f)",
    "\u221a": "the root is sqrt(f)",
    "\u222b": "the integral is integ(f)",
    "\u00b2": "a square is f**2, of a modulus abs2(f)",
    "\u00b3": "a cube is f**3",
    "\u00bd": "a half is written 1/2",
}
_COMPONENT = re.compile(r"(\w+?)_?([xyz])")
_DERIVATIVE = re.compile(r"d(\w+)|(\w+)_([txyz]{1,2})")
_PRODUCTS = (
    (re.compile(r"[\w)]\s+x\s+[\w(]"), "a product is a*b, of vectors cross(a, b)"),
    (re.compile(r"\d[A-Za-z(]|[\w)]\s+[\w(]"), "a product is written with *, as in 2*pi*t"),
)


def syntax_hint(text, column):
    """Return how to write what Python cannot parse, from the sign at a column or the whole text."""
    if "|" in text:
        return SYNONYMS["norm"]
    if text[column : column + 1] in SIGNS:
        return SIGNS[text[column]]
    return next((hint for pattern, hint in _PRODUCTS if pattern.search(text)), "")


def unknown_name_hint(name, namespace, known):
    """Return how to write what an unknown name stands for.

    Parameters
    ----------
    name : str
        The name that a string holds.
    namespace : mapping
        Meaning of the names that strings may hold.
    known : list of str
        Those of them to choose from.
    """
    if name in SYNONYMS:
        return SYNONYMS[name]
    component = _COMPONENT.fullmatch(name)
    if component and len(getattr(namespace.get(component[1]), "tensorsig", ())) == 1:
        return f"a component is {component[1]} @ e{component[2]}"
    derivative = _DERIVATIVE.fullmatch(name)
    base = derivative and (derivative[1] or derivative[2])
    if base and hasattr(namespace.get(base), "tensorsig"):
        return f"a derivative is dt({base}) in time, dx({base}) along x"
    spelled = _spelled(name)
    if spelled != name and spelled in known:
        return f"did you mean {spelled!r}?"
    return did_you_mean(
        spelled,
        known,
        "assign it above the equation, or take a word (`spinhydro words` lists them)",
    )


def _spelled(name):
    """The name with Greek letters spelled in Latin: Ω_R is Omega_R, ħ is hbar."""
    letters = []
    for letter in name:
        words = unicodedata.name(letter, "").split()
        if words[:1] == ["GREEK"] and "LETTER" in words:
            spelling = words[words.index("LETTER") + 1].lower()
            spelling = {"lamda": "lambda"}.get(spelling, spelling)
            letter = spelling.capitalize() if "CAPITAL" in words else spelling
        letters.append({"\u0127": "hbar", "\u210f": "hbar"}.get(letter, letter))
    return "".join(letters)
