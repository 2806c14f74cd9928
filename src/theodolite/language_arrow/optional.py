"""The extra `[language]`: asked for only where it is needed, and missed by name."""

import importlib
from typing import Any

from theodolite.numerics.errors import BadInput


def needed(module: str, purpose: str) -> Any:
    """Import a module of the extra. Raises: BadInput naming the extra when it is not installed.

    >>> needed("math", "an example").sqrt(4.0)
    2.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BadInput(
            f"{purpose} needs {module}, which is not installed; install the extra: pip install 'theodolite[language]', "
            "or use model='ngram' with tokenizer='byte' or 'char', which need nothing"
        ) from error
