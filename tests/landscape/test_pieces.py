"""Pieces of the zero-loss set: distinct, none inside another, and connected from one extra neuron on."""

import itertools
import math

import numpy as np
import pytest

from theodolite.landscape import enumerate_odd_pieces, enumerate_pieces, intersection_graph
from theodolite.numerics import TooLarge

SMALL = [(1, 2), (1, 3), (2, 3), (2, 4), (3, 4)]
pytestmark = pytest.mark.exact


def generic_point(labels: tuple[int, ...], w: np.ndarray, a: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """Incoming vectors and outgoing weights of a point of a piece, drawn at random."""
    places = np.array(labels)
    own = np.concatenate([w, rng.standard_normal((places.max() + 1, w.shape[1]))])
    sums = np.concatenate([a, np.zeros(places.max() + 1)])
    sent = rng.standard_normal(len(places))
    for label in set(labels):
        members = np.flatnonzero(places == label)
        sent[members[-1]] += sums[label] - sent[members].sum()
    return own[places], sent


def lies_in(point: tuple[np.ndarray, np.ndarray], labels: tuple[int, ...], w: np.ndarray, a: np.ndarray) -> bool:
    incoming, sent = point
    for label in set(labels):
        members = [i for i, one in enumerate(labels) if one == label]
        vector = w[label] if label < len(w) else incoming[members[0]]
        total = a[label] if label < len(w) else 0.0
        if np.abs(incoming[members] - vector).max() > 1e-9 or abs(sent[members].sum() - total) > 1e-9:
            return False
    return True


@pytest.mark.parametrize(("r", "m"), [*SMALL, (2, 5), (3, 5)])
def test_a_generic_point_of_a_piece_lies_in_no_other(r: int, m: int) -> None:
    rng = np.random.default_rng(0)
    w, a = rng.standard_normal((r, 2)), rng.standard_normal(r)
    pieces = enumerate_pieces(r, m)
    chosen = pieces if len(pieces) < 100 else [pieces[i] for i in rng.choice(len(pieces), 40, replace=False)]
    for labels in chosen:
        point = generic_point(labels, w, a, rng)
        assert [other for other in pieces if lies_in(point, other, w, a)] == [labels]


@pytest.mark.parametrize(("r", "m"), SMALL)
def test_pieces_meet_just_where_their_equations_have_a_common_solution(r: int, m: int) -> None:
    """Linear algebra on generic numbers, pair by pair, against the rule on graphs."""
    rng = np.random.default_rng(1)
    w, a = rng.standard_normal((r, 1)), rng.standard_normal(r)
    graph = intersection_graph(r, m)
    edges = {tuple(edge) for edge in graph.edges.tolist()}
    for i, j in itertools.combinations(range(len(graph.pieces)), 2):
        together = [equations(graph.pieces[place], w[:, 0], a) for place in (i, j)]
        solvable = all(
            np.allclose(matrix @ np.linalg.lstsq(matrix, right, rcond=None)[0], right, atol=1e-9)
            for matrix, right in (
                tuple(np.concatenate([one[k] for one in together]) for k in (0, 1)),
                tuple(np.concatenate([one[k] for one in together]) for k in (2, 3)),
            )
        )
        assert solvable == ((i, j) in edges)


def equations(labels: tuple[int, ...], w: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, ...]:
    """Matrix and right side for incoming numbers, matrix and right side for outgoing ones."""
    m, r = len(labels), len(w)
    rows, right, sums, totals = [], [], [], []
    for label in set(labels):
        members = [i for i in range(m) if labels[i] == label]
        sums.append(np.isin(np.arange(m), members).astype(float))
        totals.append(a[label] if label < r else 0.0)
        for i in members:
            row = np.zeros(m)
            row[i] = 1.0
            if label >= r:
                row[members[0]] -= 1.0
            rows.append(row)
            right.append(w[label] if label < r else 0.0)
    return np.array(rows), np.array(right), np.array(sums), np.array(totals)


@pytest.mark.parametrize("r", [2, 3])
def test_without_a_spare_neuron_the_minima_are_isolated(r: int) -> None:
    graph = intersection_graph(r, r)
    assert (graph.components, graph.diameter, len(graph.edges)) == (math.factorial(r), 0, 0)


@pytest.mark.parametrize(
    ("r", "m", "diameter"), [(1, 2, 2), (2, 3, 6), (3, 4, 8), (4, 5, 12), (1, 3, 2), (2, 4, 4), (2, 5, 4), (3, 5, 6)]
)
def test_with_one_they_are_connected(r: int, m: int, diameter: int) -> None:
    graph = intersection_graph(r, m)
    assert (graph.components, graph.diameter) == (1, diameter)


def test_labels_are_numbered_in_order_of_appearance() -> None:
    for labels in enumerate_pieces(2, 4):
        silent = [label for label in labels if label >= 2]
        assert list(dict.fromkeys(silent)) == list(range(2, 2 + len(set(silent))))
    signs = [turned for labels, turned in enumerate_odd_pieces(1, 2) if labels == (0, 1)]
    assert sorted(signs) == [(-1, 1), (1, 1)]


def test_a_list_that_does_not_fit_is_not_begun() -> None:
    with pytest.raises(TooLarge, match="count_minima gives"):
        enumerate_pieces(4, 12)
    with pytest.raises(TooLarge, match="count_minima gives"):
        intersection_graph(4, 9, memory_limit="100MB")
