"""Numbers and names in words."""

import math
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theodolite.reporting import words

reals = st.floats(min_value=1e-30, max_value=1e30)


@given(reals, st.sampled_from([1.0, -1.0]), st.integers(min_value=2, max_value=6))
def test_a_number_is_off_by_half_a_unit_of_its_last_digit_at_most(size, sign, digits):
    value = sign * size
    shown = words.number(value, digits)
    assert abs(float(shown) - value) <= 0.5000001 * 10.0 ** (math.floor(math.log10(size)) - digits + 1)
    significant = re.sub(r"e.*|[-.]", "", shown).lstrip("0")
    assert len(significant) <= max(digits, 5)


@given(reals, st.floats(min_value=1e-4, max_value=1e3))
def test_a_value_is_shown_to_the_place_of_its_error(value, relative):
    error = value * relative
    shown = words.with_error(value, error)
    body, _, power = shown.strip("()").partition(")e")
    scale = 10.0 ** int(power or 0)
    left, right = (float(part) * scale for part in body.split(" ± "))
    place = 10.0 ** (math.floor(math.log10(error)) - 1)
    assert abs(left - value) <= 5.01 * place  # rounding up may shift the place by one
    assert abs(right - error) <= 0.05001 * error + 1e-300


@given(st.text())
def test_plain_text_is_one_visible_line_and_stays_so(text):
    shown = words.plain(text)
    assert words.plain(shown) == shown
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", shown)
    shown.encode("utf-8")
    assert len(words.shortened(text, 20)) <= 20


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_what_is_missing_is_said_to_be_missing(nothing):
    assert words.number(nothing) == words.duration(nothing) == words.count(nothing) == "n/a"
    assert words.share(nothing, 2.0) == words.share(1.0, nothing) == words.share(1.0, 0.0) == "n/a"
    assert words.with_error(1.0, nothing) == "1.00"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.004, "0.004 s"), (9.96, "10 s"), (59.97, "1 min 00 s"), (3599.6, "1 h 00 min")]
)
def test_durations(seconds, shown):
    assert words.duration(seconds) == shown


def test_every_verdict_has_a_symbol_of_its_own_and_a_word():
    survey = ["trusted", "doubtful", "do not trust"]
    claims = ["holds", "fails", "inconclusive", "undecided", "error"]
    for family in (survey, claims):
        found = [words.verdict(word) for word in family]
        assert [verdict.word for verdict in found] == family
        assert len({verdict.symbol for verdict in found}) == len(family)
    assert words.verdict("<odd>").mood == "plain"


def test_importing_the_room_is_light():
    program = (
        "import sys, theodolite.reporting as r; heavy = {'matplotlib', 'jinja2', 'rich', 'jax', 'pandas', 'sklearn'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "import theodolite.reporting.survey; assert callable(r.survey_page) and callable(r.write_survey_page);"
        "from theodolite.reporting import atlas_pages, survey_table, results_table;"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
