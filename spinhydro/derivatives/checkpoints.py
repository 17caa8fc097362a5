"""A loop of steps whose derivative keeps few states: nested blocks that are computed again."""

from dataclasses import dataclass
from math import ceil, prod

import numpy as np

from spinhydro.errors import InputError

#: Bytes that are kept faster than they are computed again: about those of the caches.
FAST = 16e6
#: Deepest nesting of blocks: each level computes every step once more.
DEEPEST = 4


@dataclass(frozen=True)
class StepBytes:
    """Bytes of one step.

    Attributes
    ----------
    state : int
        What goes from step to step.
    transforms : int
        What the derivative keeps if it computes all but the transforms again.
    whole : int
        What the derivative keeps if it computes nothing again.
    """

    state: int
    transforms: int
    whole: int


def block_sizes(steps, sizes_of, limit):
    """Lengths of the nested blocks of a loop, the longest first; () without blocks.

    Without blocks the results of all transforms are kept. Blocks end with single steps, which are
    computed again from their states.

    Parameters
    ----------
    steps : int
    sizes_of : StepBytes
    limit : float
        Bytes.

    Raises
    ------
    InputError
        With the least memory that is enough.
    """
    if bytes_kept(steps, (), sizes_of) <= min(FAST, limit):
        return ()
    least = np.inf
    for depth in range(1, DEEPEST + 1):
        blocks = tuple(ceil(steps ** (1 - level / depth)) for level in range(1, depth + 1))
        needed = bytes_kept(steps, blocks, sizes_of)
        if needed <= limit:
            return blocks
        least = min(least, needed)
    raise InputError(
        f"the gradient needs {least / 1e9:.2g} GB and the limit is {limit / 1e9:.2g} GB: type "
        f"--memory {1.1 * least / 1e9:.2g}, or take a shorter time or a smaller grid"
    )


def bytes_kept(steps, blocks, sizes_of):
    """Bytes that the derivative of a loop with such blocks keeps at once."""
    if not blocks:
        return steps * sizes_of.transforms
    counts = [steps, *blocks]
    states = sum(ceil(a / b) for a, b in zip(counts, blocks, strict=False))
    return states * sizes_of.state + sizes_of.whole


def march(jax, body, carry, inputs, steps, blocks, kept=()):
    """The last value of a scan whose reverse sweep computes blocks again.

    Parameters
    ----------
    body : callable(carry, input) -> (carry, None)
    inputs : tree of arrays (steps, …)
    blocks : tuple
        As returned by `block_sizes`.
    kept : sequence of str
        Names of ``jax.ad_checkpoint.checkpoint_name`` that are kept if there are no blocks; none
        for everything.
    """
    if not blocks:
        if kept:
            rule = jax.checkpoint_policies.save_only_these_names(*kept)
            body = jax.checkpoint(body, policy=rule, prevent_cse=False)
        return jax.lax.scan(body, carry, inputs, length=steps)[0]
    size = min(blocks[0], steps)
    whole = steps // size

    @jax.checkpoint
    def block(carry, part):
        return march(jax, body, carry, part, size, blocks[1:]), None

    head = jax.tree.map(lambda a: a[: whole * size].reshape(whole, size, *a.shape[1:]), inputs)
    carry = jax.lax.scan(block, carry, head, length=whole)[0]
    rest = steps - whole * size
    if not rest:
        return carry
    tail = jax.tree.map(lambda a: a[whole * size :], inputs)
    return march(jax, body, carry, tail, rest, blocks[-1:])


def tree_bytes(jax, function, *arguments):
    """Bytes of the result of a function, without evaluating it."""
    shapes = jax.tree.leaves(jax.eval_shape(function, *arguments))
    return sum(prod(s.shape) * s.dtype.itemsize for s in shapes if hasattr(s, "dtype"))
