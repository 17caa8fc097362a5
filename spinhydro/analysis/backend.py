"""Backend of xarray for runs: ``xr.open_dataset(RUN, engine="spinhydro")``, `open_datatree`.

xarray finds the class below by the entry point ``xarray.backends``.
"""

from pathlib import Path

from xarray.backends import BackendEntrypoint

from .load import ALL, load
from .paths import SET_FILE


class RunBackend(BackendEntrypoint):
    """Open run folders, handler folders and set files; see `spinhydro.analysis.load`."""

    description = "Open runs of spinhydro and files of Dedalus file handlers"
    supports_groups = True

    def open_dataset(self, filename_or_obj, *, drop_variables=None, tasks=None, handler=None):
        """Return the dataset that `load` gives, without `drop_variables`."""
        ds = load(filename_or_obj, tasks=tasks, handler=handler)
        return ds.drop_vars(drop_variables or [], errors="ignore")

    def open_datatree(self, filename_or_obj, *, drop_variables=None, tasks=None):
        """Return a DataTree with one node for each file handler."""
        tree = load(filename_or_obj, tasks=tasks, handler=ALL)
        if not drop_variables:
            return tree
        return tree.map_over_datasets(lambda ds: ds.drop_vars(drop_variables, errors="ignore"))

    def open_groups_as_dict(self, filename_or_obj, *, drop_variables=None, tasks=None):
        """Return {group: dataset}, one group for each file handler."""
        tree = self.open_datatree(filename_or_obj, drop_variables=drop_variables, tasks=tasks)
        return {node.path: node.to_dataset() for node in tree.subtree}

    def guess_can_open(self, filename_or_obj):
        """Return True for a run folder and for a set file."""
        if not isinstance(filename_or_obj, (str, Path)):
            return False
        path = Path(filename_or_obj)
        return (path / "run.json").is_file() or bool(SET_FILE.match(path.name))
