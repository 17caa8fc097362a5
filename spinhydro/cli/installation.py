"""Errors of a broken installation: packages or libraries that were removed after the set-up."""

import shlex

from spinhydro.problem.examples import examples_folder


def installation_fault(error):
    """Return the message for an error of a broken installation, or None for any other error.

    A broken installation shows as an ImportError of Dedalus, mpi4py or another dependency, also
    when a shared library (FFTW with MPI) is gone, or as mpi4py's "cannot load MPI library".
    """
    if isinstance(error, ImportError):
        if (error.name or "").startswith("spinhydro"):
            return None
    elif not (isinstance(error, RuntimeError) and "load MPI library" in str(error)):
        return None
    reason = str(error).partition("\n")[0]
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ImportError):
        reason += f" ({str(cause).partition(chr(10))[0]})"
    return f"the installation is broken: {reason}\nrepair it with: {_repair()}"


def _repair():
    setup = examples_folder() / "run" / "setup"
    if setup.is_file():
        return shlex.quote(str(setup))
    return "pip install --force-reinstall --no-cache-dir spinhydro (MPI and FFTW must be there)"
