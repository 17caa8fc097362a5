"""Import JAX, which is optional, or report what to install."""

import importlib
import logging
import os

from spinhydro.errors import InputError

#: Extras that hold the optional packages.
EXTRAS = {"emcee": "fit"}


def require_jax(what):
    """Return the module ``jax`` with 64-bit numbers enabled.

    Parameters
    ----------
    what : str
        What needs it, for the message.

    Raises
    ------
    InputError
        If JAX is not installed or cannot be imported.
    """
    # JAX would take most of the memory of an accelerator at its first use.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    # It reports every accelerator that is not there.
    logging.getLogger("jax._src.xla_bridge").setLevel(logging.WARNING)
    jax = require("jax", what)
    jax.config.update("jax_enable_x64", True)
    return jax


def require(name, what):
    """Return an optional module; raises InputError if it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError:
        extra = EXTRAS.get(name, "jax")
        raise InputError(
            f"{what} needs the package {name}: type pip install 'spinhydro[{extra}]'"
        ) from None
