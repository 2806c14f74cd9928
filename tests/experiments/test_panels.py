"""Figures as data: refused when they show nothing, and honest about the arrays they need."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from theodolite.experiments import Axis, Column, Field, Panel, Series
from theodolite.numerics.errors import BadInput

LINES = Panel(
    "lines",
    "Lines",
    "lines",
    "A claim.",
    Axis("ridge", log=True),
    Axis("risk", "squared unit"),
    (Series("measured", "x", "y", error="e", low="l", high="h"), Series("theory", "x", "y", role="theory")),
)
HEATMAP = Panel("map", "Map", "heatmap", "A claim.", field=Field("x", "z", "m", Axis("risk")))
TABLE = Panel("table", "Table", "table", "A claim.", columns=(Column("name", "s"), Column("value", "y", "m", 3)))
ARRAYS = {
    **{name: np.arange(3.0) for name in "xyelh"},
    "z": np.arange(2.0),
    "m": np.zeros((2, 3)),
    "s": np.array(["a", "b", "c"]),
}


@pytest.mark.parametrize("panel", [LINES, HEATMAP, TABLE], ids=lambda panel: panel.kind)
def test_a_panel_survives_json_and_finds_its_arrays(panel: Panel) -> None:
    assert Panel.from_json(json.loads(json.dumps(panel.to_json()))) == panel
    assert panel.problems(ARRAYS) == []
    for name in panel.arrays():
        without = {key: array for key, array in ARRAYS.items() if key != name}
        assert panel.problems(without) == [f"panel {panel.key!r} needs array {name!r}, which the result does not hold"]


@pytest.mark.parametrize(
    ("panel", "name", "array"),
    [
        (LINES, "e", np.zeros(2)),
        (LINES, "y", np.zeros((3, 1))),
        (HEATMAP, "m", np.zeros((3, 2))),
        (TABLE, "s", np.array(["a"])),
    ],
)
def test_arrays_that_do_not_fit_together_are_named(panel: Panel, name: str, array: np.ndarray) -> None:
    (problem, *_) = panel.problems({**ARRAYS, name: array})
    assert repr(panel.key) in problem


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"kind": "pie"}, "'pie' is unknown"), ({"caption": " "}, "no caption"), ({"series": ()}, "shows nothing")],
)
def test_a_panel_that_shows_or_claims_nothing_is_refused(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        dataclasses.replace(LINES, **change)
