"""One data set of openml.org, fetched only when it is asked for by name."""

from typing import Any

import pandas as pd

from theodolite.datasets.column_names import unique_names
from theodolite.datasets.raw_table import Reading
from theodolite.numerics.errors import BadInput


def fetch(name: str) -> Reading:
    """Fetch `name` through scikit-learn, which keeps a copy in its own cache folder.

    Raises: BadInput when there is no network, no such set, or no single target.
    """
    import sklearn.datasets

    if not name.strip():
        raise BadInput("openml: needs a name, for example openml:abalone")
    try:
        bunch: Any = sklearn.datasets.fetch_openml(name=name, parser="auto", as_frame=True)
    except Exception as error:  # the client lets through whatever its transport raises
        words = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise BadInput(
            f"openml:{name} could not be fetched ({words}); check the name and the network connection, or save the "
            "table as CSV and give its path"
        ) from error
    frame, target = pd.DataFrame(bunch.frame), bunch.target
    if not isinstance(target, pd.Series):
        raise BadInput(f"openml:{name} has no single target column; save it as CSV and name one with target=NAME")
    frame.columns = unique_names(frame.columns, f"openml:{name}")
    return Reading(frame.reset_index(drop=True), (), str(target.name), None, f"openml.org, data set {name}")
