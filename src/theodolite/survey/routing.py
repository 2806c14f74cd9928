"""Which machine a survey fits, by rows and memory, and why: the exact kernel machine, or features of its kernel."""

from dataclasses import dataclass, replace

import numpy as np

from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput
from theodolite.random_features.row_blocks import BLOCK_ROWS

MOST_EXACT_ROWS = 8000  # beyond, n^3 operations take minutes, and 2048 landmarks lose a few per cent at most
FEATURES = 2048
FEWEST_LANDMARKS = 64  # a machine of fewer is not chosen to save memory
FEATURES_A_LANDMARK = 8  # so many random features are worth more than one landmark, whatever the kernel
ROUTES = ("auto", "exact", "nystrom", "features")
_EXACT_COPIES = 3  # (n, n) arrays alive while the exact machine is fitted
_SQUARES = 8  # (P, P) arrays alive at once: the sums, the map of the landmarks, the eigendecomposition
_BLOCKS = 3  # (rows of a block, P)


@dataclass(frozen=True)
class Route:
    """Which machine, and why in words.

    `kind`, "exact", "nystrom" (the kernel seen from landmarks, a sample of the rows) or "features" (random features
    that need no rows to be drawn); `rows` used for fitting; `features` P, landmarks or random features, None for exact;
    `instead`, the route for kernels that have no random features; `rival`, a route to be tried beside this one.
    """

    kind: str
    rows: int
    features: int | None
    why: str
    instead: "Route | None" = None
    rival: "Route | None" = None

    @property
    def words(self) -> str:
        """One line for notes and reports."""
        machine = {
            "exact": "the exact kernel machine",
            "nystrom": f"Nystrom features, {self.features} landmarks",
            "features": f"{self.features} random features of the kernel",
        }
        return f"fitted by {machine[self.kind]} on {self.rows} rows: {self.why}"


def route_for(
    rows: int,
    *,
    asked: str = "auto",
    features: int | None = None,
    max_rows: int | None = None,
    memory_limit: int | str | None = None,
    only_exact: str = "",
) -> Route:
    """The route for a table of so many rows in memory.

    Args: asked, "auto" or a route; features, landmarks or random features (2048); max_rows, at most so many rows are
        used; only_exact, a reason that rules features out (groups, images), or "".
    Raises: BadInput for an unknown route, or one that is ruled out.

    >>> route_for(500).kind, route_for(10**6).kind, route_for(500, asked="nystrom").features
    ('exact', 'nystrom', 500)
    """
    if asked not in ROUTES:
        raise BadInput(f"route must be one of {', '.join(ROUTES)}, got {asked!r}")
    if asked in ("nystrom", "features") and only_exact:
        raise BadInput(f"route={asked!r} does not go with {only_exact}; leave route out")
    used = min(rows, max_rows or rows)
    if asked == "exact":
        return Route("exact", used, None, "asked for")
    if asked in ("nystrom", "features"):
        return _asked_for(asked, used, used, features)
    if only_exact or max_rows is not None:
        few = min(used, max_rows or MOST_EXACT_ROWS)
        why = f"{only_exact} need it" if only_exact else f"max_rows is {max_rows}"
        return Route("exact", few, None, why)
    needed, limit = 8 * _EXACT_COPIES * used**2, memory.limit_bytes(memory_limit)
    if used <= MOST_EXACT_ROWS and needed <= limit:
        return Route("exact", used, None, f"at most {MOST_EXACT_ROWS} rows are fitted exactly")
    if used > MOST_EXACT_ROWS:
        why, landmarks = f"{used} rows are more than {MOST_EXACT_ROWS}", min(features or FEATURES, used)
    else:
        why = f"exact needs {memory.readable(needed)}, more than the limit of {memory.readable(limit)}"
        landmarks = features or min(FEATURES, max(used // 4, 1))
    return _within(limit, Route("nystrom", used, landmarks, why), given=features is not None)


def route_in_blocks(
    rows: int | None,
    sampled: int,
    *,
    asked: str = "auto",
    features: int | None = None,
    memory_limit: int | str | None = None,
) -> Route:
    """The route for a table that is read in blocks, of which a sample is in memory.

    Args: rows of the table, None when they are not known before the pass; sampled, rows that landmarks can be drawn
        from; the rest as `route_for`, asked being "auto", "nystrom" or "features".

    >>> route_in_blocks(10**6, 16384).kind, route_in_blocks(10**6, 160).kind
    ('nystrom', 'features')
    """
    used = rows or sampled
    if asked != "auto":
        return _asked_for(asked, used, sampled, features)
    wanted = features or min(FEATURES, rows or FEATURES)
    landmarks = Route("nystrom", used, min(wanted, sampled), "the table is read in blocks")
    if (rows is None or rows > sampled) and sampled * FEATURES_A_LANDMARK < wanted:
        why = f"the sample of the table has {sampled} rows, too few to choose {wanted} landmarks from"
        return replace(landmarks, kind="features", features=wanted, why=why, instead=landmarks)
    return _within(memory.limit_bytes(memory_limit), landmarks, given=features is not None)


def bytes_of(features: int) -> int:
    """Memory of a pass by landmarks and of the solution after it, about: a few P x P arrays and a block of features."""
    return 8 * (_SQUARES * features**2 + _BLOCKS * BLOCK_ROWS * features)


def _asked_for(kind: str, used: int, pool: int, features: int | None) -> Route:
    """A route by features that the caller named: random features as many as named, landmarks as many as there are."""
    count = min(features or FEATURES, pool) if kind == "nystrom" else features or min(FEATURES, used)
    return Route(kind, used, count, "asked for")


def _within(limit: int, route: Route, *, given: bool) -> Route:
    """A Nystrom route with as many landmarks as memory holds; a number that was given stays, and may be refused.

    As many random features are its rival: they take nearly as much memory, and the kernel decides which are better.
    """
    assert route.features is not None
    needed, fewer = bytes_of(route.features), _most_landmarks(limit)
    if needed <= limit or given or fewer < FEWEST_LANDMARKS:
        return replace(route, rival=replace(route, kind="features"))
    short = (
        f"{route.features} landmarks need {memory.readable(needed)}, more than the limit of {memory.readable(limit)}"
    )
    route = replace(route, features=fewer, why=f"{route.why}; {short}: {fewer} fit")
    return replace(route, rival=replace(route, kind="features"))


def _most_landmarks(limit: int) -> int:
    """The largest number of landmarks whose pass fits into so many bytes."""
    half = _BLOCKS * BLOCK_ROWS / (2 * _SQUARES)
    return int(np.sqrt(half**2 + limit / (8 * _SQUARES)) - half)
