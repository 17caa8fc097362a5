"""A loop of steps whose derivative keeps few states: nested blocks that are computed again."""

from math import ceil, prod, sqrt

from spinhydro.errors import InputError

#: Bytes that are kept faster than they are computed again: about those of the caches.
FAST = 32e6
#: Bytes of a block of steps that stays in the cache of a core between its two sweeps.
CACHED = 4e6


def block_sizes(steps, state_bytes, step_bytes, limit):
    """Lengths of the nested blocks of a loop, the longest first; () to keep all of it.

    The fastest lengths, or those with the least memory, if the fastest exceed the limit.

    Parameters
    ----------
    steps : int
    state_bytes : int
        Of what goes from step to step.
    step_bytes : int
        Kept for the derivative of one step.
    limit : float
        Bytes.

    Raises
    ------
    InputError
        With the least memory that is enough.
    """
    needed = bytes_kept(steps, (), state_bytes, step_bytes)
    if needed <= min(FAST, limit):
        return ()
    # Writing all of a long loop to memory and reading it takes longer than computing it again.
    short = (max(1, min(steps, int(CACHED / step_bytes))),)
    if bytes_kept(steps, short, state_bytes, step_bytes) <= limit:
        return short
    least = needed
    for depth in range(1, 4):
        sizes = _sizes(steps, depth, step_bytes / max(state_bytes, 1))
        needed = bytes_kept(steps, sizes, state_bytes, step_bytes)
        if needed <= limit:
            return sizes
        least = min(least, needed)
    raise InputError(
        f"the gradient needs {least / 1e9:.2g} GB and the limit is {limit / 1e9:.2g} GB: type "
        f"--memory {1.1 * least / 1e9:.2g}, or take a shorter time or a smaller grid"
    )


def bytes_kept(steps, sizes, state_bytes, step_bytes):
    """Bytes that the derivative of a loop with such blocks keeps at once."""
    counts = [steps, *sizes]
    outer = sum(ceil(a / b) for a, b in zip(counts, sizes, strict=False))
    return outer * state_bytes + counts[-1] * step_bytes


def _sizes(steps, depth, ratio):
    """Blocks for which all levels keep about equally many states."""
    if depth == 0:
        return ()
    inner = max(1, round((steps / max(ratio, 1) ** depth) ** (1 / (depth + 1))))
    if depth == 1:
        return (max(1, round(sqrt(steps / max(ratio, 1)))),)
    factor = (steps / inner) ** (1 / depth)
    sizes = [max(1, round(inner * factor**level)) for level in range(depth - 1, -1, -1)]
    return tuple(sizes)


def march(jax, body, carry, inputs, steps, sizes):
    """The last value of a scan whose blocks are computed again in the reverse sweep.

    Parameters
    ----------
    body : callable(carry, input) -> (carry, None)
    inputs : tree of arrays (steps, …)
    sizes : tuple
        As returned by `block_sizes`.
    """
    if not sizes:
        return jax.lax.scan(body, carry, inputs, length=steps)[0]
    size = min(sizes[0], steps)
    whole = steps // size

    @jax.checkpoint
    def block(carry, part):
        return march(jax, body, carry, part, size, sizes[1:]), None

    head = jax.tree.map(lambda a: a[: whole * size].reshape(whole, size, *a.shape[1:]), inputs)
    carry = jax.lax.scan(block, carry, head, length=whole)[0]
    rest = steps - whole * size
    if not rest:
        return carry
    tail = jax.tree.map(lambda a: a[whole * size :], inputs)

    @jax.checkpoint
    def end(carry, part):
        return march(jax, body, carry, part, rest, ())

    return end(carry, tail)


def tree_bytes(jax, function, *arguments):
    """Bytes of the result of a function, without evaluating it."""
    shapes = jax.tree.leaves(jax.eval_shape(function, *arguments))
    return sum(prod(s.shape) * s.dtype.itemsize for s in shapes if hasattr(s, "dtype"))
