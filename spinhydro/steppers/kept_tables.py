"""Tables of linear terms for some durations, of a limited size."""

#: Largest number of tables that are kept, and of their bytes.
MOST_KEPT, LARGEST_KEPT = 32, 1 << 25


def most_kept(size):
    """Return how many tables of some bytes are kept."""
    return int(min(max(LARGEST_KEPT // max(size, 1), 4), MOST_KEPT))


def make_room(tables, size):
    """Drop the oldest tables, of some bytes each, so that another one can be kept."""
    while len(tables) >= most_kept(size):
        tables.pop(next(iter(tables)))
