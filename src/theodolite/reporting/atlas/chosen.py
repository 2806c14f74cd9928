"""Which of many stored results an atlas shows."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from theodolite.papers import PAPERS

if TYPE_CHECKING:
    from theodolite.experiments.result import Result

Sort = tuple[bool, bool, str]


def chosen(results: "Iterable[Result]") -> "dict[str, list[Result]]":
    """By paper, one result for each case, set of data files and seed: full before smoke, finished before broken, the
    latest. Papers in the order of `theodolite.papers`, others after them by name; cases by name.
    """
    best: dict[tuple[object, ...], Result] = {}
    for result in results:
        key = (result.case, tuple(sorted(result.files)), result.seed)
        if key not in best or _rank(result) >= _rank(best[key]):
            best[key] = result
    order = {one.key: position for position, one in enumerate(PAPERS)}
    found: dict[str, list[Result]] = {}
    for result in sorted(
        best.values(), key=lambda r: (order.get(r.paper, len(order)), r.paper, r.case, r.seed, sorted(r.files))
    ):
        found.setdefault(result.paper, []).append(result)
    return found


def _rank(result: "Result") -> Sort:
    return result.mode == "full", not result.error, result.started
