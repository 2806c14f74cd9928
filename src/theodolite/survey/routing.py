"""Which machine a survey fits: the exact kernel machine, or Nystrom features, by rows and memory; and why."""

from dataclasses import dataclass

from theodolite.numerics import memory
from theodolite.numerics.errors import BadInput

MOST_EXACT_ROWS = 8000  # beyond, n^3 operations take minutes, and 2048 landmarks lose a few per cent at most
FEATURES = 2048
ROUTES = ("auto", "exact", "nystrom")
_EXACT_COPIES = 3  # (n, n) arrays alive while the exact machine is fitted


@dataclass(frozen=True)
class Route:
    """`kind`, "exact" or "nystrom"; `rows` used for fitting; `features`, landmarks, None for exact; `why`, in words."""

    kind: str
    rows: int
    features: int | None
    why: str

    @property
    def words(self) -> str:
        """One line for notes and reports."""
        machine = "the exact kernel machine" if self.kind == "exact" else f"Nystrom features, {self.features} landmarks"
        return f"fitted by {machine} on {self.rows} rows: {self.why}"


def route_for(
    rows: int,
    *,
    asked: str = "auto",
    features: int | None = None,
    max_rows: int | None = None,
    memory_limit: int | str | None = None,
    only_exact: str = "",
) -> Route:
    """The route for a table of so many rows.

    Args: asked, "auto", "exact" or "nystrom"; features, of the latter (2048); max_rows, at most so many rows are used;
        only_exact, a reason that rules features out (groups, images), or "".
    Raises: BadInput for an unknown route, or one that is ruled out.

    >>> route_for(500).kind, route_for(10**6).kind, route_for(500, asked="nystrom").features
    ('exact', 'nystrom', 500)
    """
    if asked not in ROUTES:
        raise BadInput(f"route must be one of {', '.join(ROUTES)}, got {asked!r}")
    if asked == "nystrom" and only_exact:
        raise BadInput(f"route='nystrom' does not go with {only_exact}; leave route out")
    used = min(rows, max_rows or rows)
    landmarks = min(features or FEATURES, used)
    if asked == "exact":
        return Route("exact", used, None, "asked for")
    if asked == "nystrom":
        return Route("nystrom", used, landmarks, "asked for")
    if only_exact or max_rows is not None:
        few = min(used, max_rows or MOST_EXACT_ROWS)
        why = f"{only_exact} need it" if only_exact else f"max_rows is {max_rows}"
        return Route("exact", few, None, why)
    needed, limit = 8 * _EXACT_COPIES * used**2, memory.limit_bytes(memory_limit)
    if used <= MOST_EXACT_ROWS and needed <= limit:
        return Route("exact", used, None, f"at most {MOST_EXACT_ROWS} rows are fitted exactly")
    if used <= MOST_EXACT_ROWS:
        why = f"exact needs {memory.readable(needed)}, more than the limit of {memory.readable(limit)}"
        return Route("nystrom", used, min(landmarks, max(used // 4, 1)), why)
    return Route("nystrom", used, landmarks, f"{used} rows are more than {MOST_EXACT_ROWS}")
