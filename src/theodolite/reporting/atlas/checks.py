"""A check as the templates show it: words, and a small picture of value, error bar and limit."""

import math
from typing import TYPE_CHECKING, Any

from theodolite.reporting import words

if TYPE_CHECKING:
    from theodolite.experiments.check import Check


def shown_check(check: "Check") -> dict[str, Any]:
    """Name, note, value with error bar, limit, verdict, picture."""
    unit = f" {words.plain(check.unit)}" if check.unit else ""
    return {
        "name": words.plain(check.name),
        "note": words.plain(check.note),
        "value": words.with_error(check.value, check.error) + unit,
        "error_means": words.plain(check.error_means) if check.error else "",
        "limit": f"{check.direction} {words.value(check.limit)}{unit}",
        "verdict": check.verdict,
        "track": _track(check),
    }


def _track(check: "Check") -> dict[str, float] | None:
    """Places in per cent on a line from below to above everything the check speaks of; the allowed side is shaded."""
    if not (math.isfinite(check.value) and math.isfinite(check.error)):
        return None
    ends = [check.value - check.error, check.value + check.error, check.limit]
    low, high = min(ends), max(ends)
    low = 0.0 if low >= 0 and low < 0.7 * high else low - 0.15 * (high - low or abs(high) or 1.0)
    high += 0.15 * (high - low or 1.0)
    place = lambda number: round(100 * (number - low) / (high - low), 2)  # noqa: E731
    limit = place(check.limit)
    below = check.direction == "at most"
    return {
        "from": 0.0 if below else limit,
        "width": limit if below else round(100 - limit, 2),
        "limit": limit,
        "value": place(check.value),
        "bar_from": place(check.value - check.error),
        "bar_width": round(place(check.value + check.error) - place(check.value - check.error), 2),
    }
