"""Pictures and tables of reductions and connections say what they show."""

import io

import numpy as np
import pytest
from rich.console import Console

from theodolite.landscape import connect, mlp, random_expansion, reduce
from theodolite.reporting.connection_picture import write_connection_picture
from theodolite.reporting.figures.connection import connection_caption, connection_figure
from theodolite.reporting.terminal_landscape import connection_picture, connection_table, reduction_table

RNG = np.random.default_rng(0)
NET = mlp([RNG.standard_normal((5, 2)), RNG.standard_normal((1, 5))], activation="tanh")
X = RNG.standard_normal((30, 2))


@pytest.fixture(scope="module")
def same():
    return connect(NET, NET.permuted([[1, 2, 0, 4, 3]]), X)


@pytest.fixture(scope="module")
def different():
    return connect(NET, mlp([RNG.standard_normal((5, 2)), RNG.standard_normal((1, 5))], activation="tanh"), X)


def printed(table) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_figure_shows_both_ways_with_axes_and_a_caption(same, different, tmp_path) -> None:
    one, other = (random_expansion(NET, 7, np.random.default_rng(seed)) for seed in (1, 2))
    wide = connect(one, other, X)
    cases = ((same, "differ by the order of neurons"), (different, "vertical line"), (wide, "one network, of 5 hidden"))
    for found, words in cases:
        assert words in connection_caption(found)
        (axes,) = connection_figure(found, ("$one", "<two>"), "loss").axes
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert labels == ["straight line", f"path, {found.segments} segments"]
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("share of the way", "loss")
    path = write_connection_picture(different, ("$one", "<two>"), "loss", tmp_path / "path.svg")
    assert "&lt;two&gt;" in path.read_text(encoding="utf-8")


def test_the_way_of_different_networks_is_half_symmetry_half_straight(same, different) -> None:
    assert (same.way[0], same.way[-1], different.way[0], different.way[-1]) == (0, 1, 0, 1)
    corner = int(np.argmin(np.abs(different.position - different.segments)))
    assert different.way[corner] == 0.5
    assert np.all(np.diff(different.way) > 0)


def test_no_peak_is_lost_in_the_terminal(same) -> None:
    for unicode, top in ((True, "█"), (False, "9")):
        line, path = (
            row for row in printed(connection_picture(same, unicode)).splitlines() if top in row or "path" in row
        )
        assert top in line
        assert top not in path


def test_tables_hold_the_numbers(same) -> None:
    text = printed(connection_table(same, "loss"))
    assert str(same.segments) in text
    assert f"{same.deviation:.1e}" in text
    found = reduce(random_expansion(NET, 9, np.random.default_rng(1)), X)
    cells = printed(reduction_table(found)).splitlines()[-2].split()
    layer = found.layers[0]
    assert cells == [str(n) for n in (1, 9, 5, layer.copies, layer.silent, 0, 0)]
