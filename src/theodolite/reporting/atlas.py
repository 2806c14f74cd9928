"""The atlas: one page for a run of experiments, each claim with verdict, numbers, figures and origin."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.reporting import pages, words
from theodolite.reporting.captions import Illustration
from theodolite.reporting.figures.panel import draw_panel

if TYPE_CHECKING:
    from theodolite.experiments.check import Check
    from theodolite.experiments.panels import Column, Panel
    from theodolite.experiments.result import Result

# verdict: (one claim does, several claims do)
DOES = {
    "holds": ("holds", "hold"),
    "fails": ("fails", "fail"),
    "inconclusive": ("is inconclusive", "are inconclusive"),
    "undecided": ("is undecided", "are undecided"),
    "error": ("broke", "broke"),
}
TABLE_ROWS = 60


def atlas_page(results: "Iterable[Result]") -> str:
    """The page of a run of experiments as a string of HTML.

    Args: results, in the order they should be shown.
    Returns: one self-contained document, as `survey_page` makes it; the same results give the same bytes.
    Cost: about half a second for each panel.
    """
    shown = [_entry(position, result) for position, result in enumerate(results, start=1)]
    return pages.render(
        "atlas.html.j2",
        results=shown,
        headline=_headline([entry["verdict"] for entry in shown]),
        smoke=any(entry["mode"] == "smoke" for entry in shown),
        seconds=words.duration(math.fsum(entry["duration"] for entry in shown)),
    )


def write_atlas_page(results: "Iterable[Result]", path: str | Path) -> Path:
    """Write `atlas_page(results)` to `path`, whole or not at all."""
    return pages.write(path, atlas_page(results))


def _headline(verdicts: list[str]) -> str:
    """What became of all claims, in one line."""
    if not verdicts:
        return "No experiment was run"
    if len(verdicts) > 1 and len(set(verdicts)) == 1:
        return f"All {len(verdicts)} claims {DOES[verdicts[0]][1]}"
    counts = [(word, verdicts.count(word)) for word in DOES if word in verdicts]
    said = [f"{many} {DOES[word][many != 1]}" for word, many in counts]
    joined = ", ".join(said[:-1]) + (" and " if said[1:] else "") + said[-1]
    return f"Of {len(verdicts)} claims {joined}" if len(verdicts) > 1 else f"The claim {DOES[verdicts[0]][0]}"


def _entry(position: int, result: "Result") -> dict[str, Any]:
    anchor = f"case-{position}"
    return {
        "anchor": anchor,
        "case": words.plain(result.case),
        "paper": words.plain(result.paper),
        "claim": words.plain(result.claim),
        "source": words.plain(result.source),
        "verdict": result.verdict,
        "mode": result.mode,
        "error": words.plain_lines(result.error),
        "checks": [_check(check) for check in result.checks],
        "figures": [
            _figure(f"{anchor}-{number}", panel, result.arrays) for number, panel in enumerate(result.panels, start=1)
        ],
        "data": words.plain(result.data),
        "config": [(key.replace("_", " "), words.value(entry)) for key, entry in result.config.items()],
        "scalars": [(key.replace("_", " "), words.number(entry, 4)) for key, entry in result.scalars.items()],
        "facts": _facts(result),
        "command": f"theodolite reproduce {words.plain(result.case)} --{result.mode}"
        + (f" --seed {result.seed}" if result.seed else ""),
        "duration": result.duration,
        "seconds": words.duration(result.duration),
    }


def _check(check: "Check") -> dict[str, Any]:
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


def _figure(key: str, panel: "Panel", arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """A panel as the template shows it: a drawing, a table, or the reason why neither is possible."""
    shown: dict[str, Any] = {
        "title": words.plain(panel.title), "key": key, "problem": "", "drawing": None, "table": None
    }  # fmt: skip
    problems = panel.problems(arrays)
    if problems:
        shown["problem"] = "; ".join(problems)
    elif panel.kind == "table":
        shown["table"] = _table(panel.columns, arrays)
        shown["caption"] = words.plain(panel.caption)
    else:
        shown["drawing"] = Illustration(
            key=key,
            title=words.plain(panel.title),
            caption=_caption(panel),
            description=words.plain(panel.caption),
            draw=lambda narrow: draw_panel(panel, arrays, narrow=narrow),
        )
    return shown


def _caption(panel: "Panel") -> str:
    bars = dict.fromkeys(words.plain(series.error_means) for series in panel.series if series.error is not None)
    sentence = f" Error bars: {'; '.join(bars)}." if bars else ""
    return words.plain(panel.caption) + sentence


def _table(columns: "Sequence[Column]", arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    listed = [_cells(np.asarray(arrays[column.array]).ravel(), column.digits) for column in columns]
    rows = list(zip(*listed, strict=True))
    return {
        "headings": [
            {
                "text": words.plain(f"{column.heading} ({column.unit})" if column.unit else column.heading),
                "number": np.asarray(arrays[column.array]).dtype.kind in "fiu",
            }
            for column in columns
        ],
        "rows": rows[:TABLE_ROWS],
        "left_out": max(len(rows) - TABLE_ROWS, 0),
    }


def _cells(entries: np.ndarray, digits: int) -> list[str]:
    """A column in words: measured numbers to `digits` digits; settings such as 0.01 as they were written."""
    if entries.dtype.kind == "b":
        return ["yes" if entry else "no" for entry in entries]
    if entries.dtype.kind in "iu":
        return [f"{entry:,}" for entry in entries]
    if entries.dtype.kind == "f":
        short = all(float(f"{entry:.2g}") == entry for entry in entries if np.isfinite(entry))
        return [
            f"{entry:.2g}" if short and np.isfinite(entry) else words.number(float(entry), digits) for entry in entries
        ]
    return [words.plain(entry) for entry in entries]


def _facts(result: "Result") -> list[tuple[str, str]]:
    facts = [
        ("mode", result.mode),
        ("seed", words.value(result.seed)),
        ("started", words.plain(result.started)),
        ("duration", words.duration(result.duration)),
    ]
    if result.resumed_parts:
        facts.append(("parts taken over from an earlier run", words.count(result.resumed_parts)))
    facts += [(key.replace("_", " "), words.value(entry)) for key, entry in result.machine.items()]
    facts += [(key, words.value(entry)) for key, entry in result.versions.items()]
    facts += [(f"SHA-256 of {name}", words.plain(digest)[:16]) for name, digest in result.files.items()]
    return [*facts, ("address", words.plain(result.address)[:16])]
