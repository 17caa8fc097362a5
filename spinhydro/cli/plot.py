"""spinhydro plot RUN [--list]: draw a run; list its figures."""

import gc

from spinhydro.analysis.plot import main


def command(arguments):
    """Draw a figure."""
    # Importing and drawing makes hardly any garbage, but 200 collections of 0.4 ms each.
    gc.set_threshold(20_000)
    return main(arguments)
