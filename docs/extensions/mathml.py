"""Write formulas as MathML when the site is built: browsers draw it without scripts or network."""

from docutils import nodes
from latex2mathml.converter import convert


def _mathml(text, display):
    r"""MathML of a formula; its rows ``\\`` are aligned at their signs &."""
    if r"\\" in text and r"\begin" not in text:
        text = rf"\begin{{align}}{text}\end{{align}}"
    found = convert(text, display=display)
    if ">&<" in found:
        raise ValueError(f"latex2mathml does not know the environment of {text}")
    return found


def inline(translator, node):
    """Write a formula within a line, and do not visit its text."""
    translator.body.append(_mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula on separate lines, and do not visit its text."""
    translator.body.append(f'<div class="math">{_mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def setup(app):
    """Add the renderer that ``html_math_renderer = "mathml"`` selects."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True}
