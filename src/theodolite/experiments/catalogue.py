"""All cases the package knows: one module in `cases` each."""

import difflib
import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Any

from theodolite.experiments import cases
from theodolite.experiments.case import Case
from theodolite.numerics.errors import BadInput


@cache
def all_cases() -> tuple[Case[Any], ...]:
    """Every case, ordered by name: the `CASE` of each module in `theodolite.experiments.cases`."""
    names = sorted(module.name for module in pkgutil.iter_modules(cases.__path__) if not module.name.startswith("_"))
    found = (importlib.import_module(f"{cases.__name__}.{name}").CASE for name in names)
    return tuple(sorted(found, key=lambda case: case.name))


def select(names: Sequence[str] = ()) -> tuple[Case[Any], ...]:
    """The cases with the given names, or of the papers with the given keys, each once; all when nothing is named.

    Raises: `BadInput` on a name nobody has, with the closest ones.

    >>> [case.paper for case in select(["kare"])][0]
    'kare'
    """
    cases_known = all_cases()
    if not names:
        return cases_known
    chosen: dict[str, Case[Any]] = {}
    for name in names:
        matching = [case for case in cases_known if name in (case.name, case.paper)]
        if not matching:
            raise BadInput(_unknown(name, cases_known))
        chosen.update({case.name: case for case in matching})
    return tuple(chosen.values())


def _unknown(name: str, cases_known: tuple[Case[Any], ...]) -> str:
    known = list(dict.fromkeys([*(case.paper for case in cases_known), *(case.name for case in cases_known)]))
    close = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    close = close or [candidate for candidate in known if name.lower() in candidate][:3]
    if close:
        return f"no paper or case is called {name!r}; did you mean {' or '.join(close)}?"
    return f"no paper or case is called {name!r}; known: {', '.join(known)}"
