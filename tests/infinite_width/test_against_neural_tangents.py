"""Kernels of many architectures against stored values of neural-tangents; the file says how they were made."""

import json
from pathlib import Path

import numpy as np
import pytest

from theodolite.architectures import from_config
from theodolite.infinite_width import limit, nngp

STORED = json.loads(Path(__file__).with_name("neural_tangents.json").read_text(encoding="utf-8"))
TOLERANCE = 1e-10  # of the largest entry; float64, and their 1e-12 inside the square roots of a layer norm

pytestmark = pytest.mark.oracle


def compared(entry: dict) -> np.ndarray:
    """Which pairs of inputs are compared, as a mask of the shape of the matrices."""
    x = np.array(STORED["inputs"][entry["input"]])
    paired = "other" in entry
    z = np.array(STORED["inputs"][entry["other"]]) if paired else x
    mask = np.ones((len(x), len(z)), dtype=bool)
    if entry["compare"] == "everywhere":
        return mask
    if not paired:
        np.fill_diagonal(mask, False)
    if entry["compare"] == "off parallel inputs":
        for i, j in STORED["parallel"]["vectors and others" if paired else "vectors"]:
            mask[i, j] = False
            if not paired:
                mask[j, i] = False
    return mask


def distance(found: np.ndarray, stored: list, mask: np.ndarray) -> float:
    """Largest difference where compared, in units of the largest stored entry there."""
    wanted = np.array([[np.nan if x is None else x for x in row] for row in stored])
    assert np.isfinite(wanted[mask]).all(), "a compared entry has no stored value"
    return float(np.max(np.abs(np.asarray(found) - wanted)[mask]) / np.max(np.abs(wanted[mask])))


@pytest.mark.parametrize("entry", STORED["kernels"], ids=lambda entry: entry["name"])
def test_agrees_with_neural_tangents(entry):
    net = from_config(entry["net"])
    x = np.array(STORED["inputs"][entry["input"]])
    z = np.array(STORED["inputs"][entry["other"]]) if "other" in entry else None
    mask = compared(entry)
    if "ntk" not in entry:  # activations that jump
        assert distance(nngp(net)(x), entry["nngp"], mask) < TOLERANCE
        return
    found = limit(net)(x) if z is None else limit(net)(x, z)
    assert distance(found.nngp, entry["nngp"], mask) < TOLERANCE
    assert distance(found.ntk, entry["ntk"], mask) < TOLERANCE


def test_parallel_pairs_are_the_ones_named():
    x, z = (np.array(STORED["inputs"][name]) for name in ("vectors", "others"))

    def parallel(left, right):
        cosines = left @ right.T / np.outer(np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1))
        return np.abs(cosines) > 1 - 1e-9

    assert np.argwhere(np.triu(parallel(x, x), 1)).tolist() == STORED["parallel"]["vectors"]
    assert np.argwhere(parallel(x, z)).tolist() == STORED["parallel"]["vectors and others"]


def test_every_stored_number_that_is_compared_exists_and_few_are_left_out():
    left_out = [int((~compared(entry)).sum()) for entry in STORED["kernels"]]
    assert max(left_out) <= 9
    assert sum(count == 0 for count in left_out) > 60
