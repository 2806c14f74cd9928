"""Panels of a result as the templates show them: a drawing, a table, or why neither is possible."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from theodolite.reporting import words
from theodolite.reporting.captions import Illustration
from theodolite.reporting.figures.panel import draw_panel

if TYPE_CHECKING:
    from theodolite.experiments.panels import Column, Panel

TABLE_ROWS = 60


def shown_panel(key: str, panel: "Panel", arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What the template needs of one panel; ids of its drawing start with `key`."""
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
