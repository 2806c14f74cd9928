"""Verdicts follow from value, limit and error bar, and from nothing else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.experiments import Check, combined_verdict
from theodolite.numerics.errors import BadInput

NUMBER = st.floats(-1e6, 1e6)
BAR = st.floats(0, 1e6)
DIRECTION = st.sampled_from(["at most", "at least"])


def check(value: float, limit: float, error: float, direction: str = "at most") -> Check:
    return Check("a value", value, limit, error, direction)  # type: ignore[arg-type]


@given(NUMBER, NUMBER, BAR)
def test_at_most_holds_exactly_when_the_whole_bar_lies_below_the_limit(
    value: float, limit: float, error: float
) -> None:
    verdict = check(value, limit, error).verdict
    assert (verdict == "holds") == (limit - value >= error)
    assert (verdict == "fails") == (value - limit > error)


@given(NUMBER, NUMBER, BAR)
def test_at_least_mirrors_at_most(value: float, limit: float, error: float) -> None:
    assert check(value, limit, error, "at least").verdict == check(-value, -limit, error, "at most").verdict


@given(NUMBER, BAR, DIRECTION)
def test_a_bar_around_the_limit_itself_decides_only_when_it_has_no_width(
    limit: float, error: float, direction: str
) -> None:
    assert check(limit, limit, error, direction).verdict == ("holds" if error == 0 else "inconclusive")


@given(NUMBER, NUMBER, BAR, DIRECTION, st.floats(1, 100))
def test_a_wider_bar_never_turns_a_claim_around(
    value: float, limit: float, error: float, direction: str, factor: float
) -> None:
    narrow, wide = check(value, limit, error, direction).verdict, check(value, limit, factor * error, direction).verdict
    assert wide in (narrow, "inconclusive")


@pytest.mark.parametrize("direction", ["at most", "at least"])
@pytest.mark.parametrize(
    ("value", "error"), [(math.nan, 0.1), (math.inf, 0.1), (-math.inf, 0.1), (0.0, math.nan), (0.0, math.inf)]
)
def test_numbers_that_are_not_finite_decide_nothing(value: float, error: float, direction: str) -> None:
    assert check(value, 1.0, error, direction).verdict == "inconclusive"


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0]), max_size=6))
def test_a_claim_holds_if_all_checks_hold_and_fails_if_one_fails(values: list[float]) -> None:
    checks = [check(value, 1.0, 0.5) for value in values]  # 0 holds, 1 is inconclusive, 2 fails
    expected = "fails" if 2.0 in values else "inconclusive" if 1.0 in values or not values else "holds"
    assert combined_verdict(checks, "full") == expected
    assert combined_verdict(checks, "smoke") == "undecided"


@pytest.mark.parametrize(
    "broken",
    [{"direction": "below"}, {"limit": math.nan}, {"limit": math.inf}, {"error": -0.1}],
    ids=lambda change: next(iter(change)),
)
def test_a_check_that_cannot_decide_is_refused(broken: dict[str, object]) -> None:
    settings = {"name": "x", "value": 0.0, "limit": 1.0, "error": 0.1, "direction": "at most"} | broken
    with pytest.raises(BadInput, match="check 'x' has"):
        Check(**settings)  # type: ignore[arg-type]


def test_a_check_survives_json_and_keeps_a_missing_number_as_nan() -> None:
    document = check(math.nan, 1.0, 0.1).to_json()
    assert document["verdict"] == "inconclusive"
    back = Check.from_json({**document, "value": None})
    assert math.isnan(back.value)
    assert Check.from_json(check(0.5, 1.0, 0.1, "at least").to_json()) == check(0.5, 1.0, 0.1, "at least")
