"""The integers: stored tables, enumeration, generating functions, and what is refused."""

import itertools
import math
from fractions import Fraction

import pytest

from theodolite.landscape import (
    count_minima,
    count_minima_odd,
    count_saddles,
    enumerate_odd_pieces,
    enumerate_pieces,
    first_width_of_more_minima,
    mild_ratio,
    saddle_ratio,
)
from theodolite.numerics import BadInput, ShapeMismatch

PAIRS = [(r, m) for r in range(1, 5) for m in range(r, 7)]
TABLE = {  # (r, m): G, T; worked out apart from this package
    (1, 2): (1, 3), (1, 3): (1, 10), (2, 2): (2, 2), (2, 3): (6, 12), (2, 4): (14, 62), (2, 5): (30, 320),
    (3, 4): (36, 60), (3, 5): (150, 450), (4, 5): (240, 360), (4, 6): (1560, 3720), (4, 8): (40824, 287784),
    (4, 12): (14676024, 1527384144),
}  # fmt: skip


def multinomial(parts: tuple[int, ...]) -> int:
    return math.factorial(sum(parts)) // math.prod(math.factorial(part) for part in parts)


def compositions(total: int, parts: int) -> list[tuple[int, ...]]:
    if parts == 0:
        return [()] if total == 0 else []
    ways = itertools.combinations(range(1, total), parts - 1)
    return [tuple(b - a for a, b in zip((0, *cut), (*cut, total))) for cut in ways]


def by_compositions(r: int, m: int) -> int:
    """The sum of the definition, over sizes of copy groups and of silent groups in falling order."""
    total = 0
    for j in range(m - r + 1):
        for sizes in compositions(m, r + j):
            silent = sizes[r:]
            if tuple(sorted(silent, reverse=True)) == silent:
                total += multinomial(sizes) // math.prod(math.factorial(silent.count(b)) for b in set(silent))
    return total


def series_product(one: list[Fraction], other: list[Fraction]) -> list[Fraction]:
    return [sum((one[i] * other[n - i] for i in range(n + 1)), Fraction(0)) for n in range(len(one))]


def by_generating_function(r: int, m: int) -> tuple[int, int]:
    """m! times the coefficients of x^m in (e^x - 1)^r and (e^x - 1)^r exp(e^x - 1)."""
    less_one = [Fraction(0)] + [Fraction(1, math.factorial(n)) for n in range(1, m + 1)]
    power = [Fraction(1)] + [Fraction(0)] * m
    for _ in range(r):
        power = series_product(power, less_one)
    bell, term = [Fraction(0)] * (m + 1), [Fraction(1)] + [Fraction(0)] * m
    for k in range(m + 1):
        bell = [b + t for b, t in zip(bell, term)]
        term = [t / (k + 1) for t in series_product(term, less_one)]
    return tuple(int(math.factorial(m) * found[m]) for found in (power, series_product(power, bell)))  # type: ignore


@pytest.mark.oracle
@pytest.mark.parametrize(("widths", "numbers"), TABLE.items())
def test_the_table(widths: tuple[int, int], numbers: tuple[int, int]) -> None:
    assert (count_saddles(*widths), count_minima(*widths)) == numbers


@pytest.mark.exact
@pytest.mark.parametrize(("r", "m"), PAIRS)
def test_independent_routes_agree(r: int, m: int) -> None:
    surjections = sum(set(labels) == set(range(r)) for labels in itertools.product(range(r), repeat=m))
    assert count_saddles(r, m) == surjections == by_generating_function(r, m)[0]
    assert count_saddles(r, m) == sum(multinomial(sizes) for sizes in compositions(m, r))
    assert count_minima(r, m) == len(enumerate_pieces(r, m)) == by_compositions(r, m)
    assert count_minima(r, m) == by_generating_function(r, m)[1]


@pytest.mark.exact
@pytest.mark.parametrize("r", range(1, 9))
def test_at_and_just_above_the_smallest_width(r: int) -> None:
    assert count_minima(r, r) == count_saddles(r, r) == math.factorial(r)
    assert count_minima(r, r + 1) == count_saddles(r, r + 1) + math.factorial(r + 1)


@pytest.mark.exact
@pytest.mark.parametrize(("r", "m", "number"), [(1, 1, 2), (1, 2, 12), (1, 3, 68), (2, 2, 8), (2, 3, 96)])
def test_odd_activations(r: int, m: int, number: int) -> None:
    pieces = enumerate_odd_pieces(r, m)
    assert count_minima_odd(r, m) == number == len(pieces) == len(set(pieces))


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("r", "at_r", "crossing", "twice", "four_times"),
    [
        (4, 2.125, 5, 0.0210, 3.8e-6),
        (8, 12.54, 11, 0.0188, 2.0e-7),
        (16, 253.1, 22, 0.0147, 3.2e-9),
        (32, 8.95e4, 45, 0.0114, 2.1e-11),
    ],
)
def test_the_table_of_ratios(r: int, at_r: float, crossing: int, twice: float, four_times: float) -> None:
    assert float(saddle_ratio(r, r)) == pytest.approx(at_r, rel=1e-3)
    assert float(saddle_ratio(r, 2 * r)) == pytest.approx(twice, rel=5e-3)
    assert float(saddle_ratio(r, 4 * r)) == pytest.approx(four_times, rel=5e-2)
    assert first_width_of_more_minima(r) == crossing


@pytest.mark.exact
def test_the_ratio_is_a_sum_over_narrower_widths() -> None:
    assert saddle_ratio(3, 4) == Fraction(1 + 14, 60)
    assert saddle_ratio(3, 4, points=[0, 2]) == Fraction(28, 60)
    assert saddle_ratio(1, 4) == 0


@pytest.mark.exact
@pytest.mark.parametrize(("k", "h", "near"), [(1, 0, 0.997), (2, 2, 0.956)])
def test_the_ratio_just_above_grows_as_said(k: int, h: int, near: float) -> None:
    r = 320
    ratios = [
        float(Fraction(count_saddles(s - k, s + h), count_minima(s, s + h)) / mild_ratio(k, h, s + h))
        for s in (r // 4, r)
    ]
    assert ratios[-1] == pytest.approx(near, abs=1e-3)
    assert abs(ratios[-1] - 1) < abs(ratios[0] - 1)


@pytest.mark.exact
def test_layers_multiply() -> None:
    assert count_saddles([2, 3], [3, 4]) == 6 * 36
    assert count_minima([2, 3], (3, 4)) == 12 * 60
    assert count_minima_odd([1, 2], [2, 2]) == 12 * 8
    assert saddle_ratio([4, 4, 4], [6, 6, 6]) == saddle_ratio(4, 6) ** 3  # depth raises it to a power
    with pytest.raises(BadInput, match="taken for one hidden layer"):
        saddle_ratio([2, 2], [3, 3], points=[1])


@pytest.mark.parametrize("count", [count_saddles, count_minima, count_minima_odd, enumerate_pieces])
def test_more_different_neurons_than_there_are_is_refused(count) -> None:
    with pytest.raises(BadInput, match=r"r = 3 is more than m = 2.*comes second"):
        count(3, 2)
    for wrong in (0, -1, 2.5, True, "2"):
        with pytest.raises(BadInput, match="whole number of neurons"):
            count(wrong, 4)


def test_uneven_lists_are_refused() -> None:
    with pytest.raises(ShapeMismatch, match="expected as many"):
        count_saddles([1, 2], 3)
    with pytest.raises(ShapeMismatch, match="one for each width 1 to 2"):
        saddle_ratio(3, 4, points=[1])
    with pytest.raises(BadInput, match="k >= 1"):
        mild_ratio(0, 0, 4)
