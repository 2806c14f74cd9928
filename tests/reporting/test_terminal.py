"""Tables in the terminal."""

import dataclasses
import io

import pytest
from rich.console import Console

from theodolite.reporting import results_table, survey_table


def _printed(table, width, **settings):
    target = io.StringIO()
    Console(file=target, width=width, **settings).print(table)
    return target.getvalue()


def test_the_table_agrees_with_the_page_about_numbers(make_record):
    record = make_record()
    printed = _printed(survey_table(record), 160)
    first = next(line for line in printed.splitlines() if "(chosen)" in line)
    assert "RBF(lengthscale=1.5) (chosen)" in first
    for shown in ("2030", "2130 ± 150", "35.5 %", "2050", "✓ trusted", "0.02 s"):
        assert shown in first
    assert "✗ do not trust" in printed
    assert "△ doubtful" in printed
    assert "leave-" in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize("width", [50, 60, 80, 100, 120])
def test_narrow_terminals_lose_columns_before_numbers(make_record, make_result, width):
    record = make_record()
    for table, kept in (
        (survey_table(record, width), "2130 ± 150"),
        (results_table([make_result()], width), "0.020 ± 0.010"),
    ):
        printed = _printed(table, width)
        assert max(map(len, printed.splitlines())) <= width
        assert kept in printed
    if width >= 80:
        assert "KARE" in _printed(survey_table(record, width), width)
    assert "✗ do not trust" in _printed(survey_table(record, width), width)


def test_a_refined_choice_and_groups_have_their_place(make_record):
    record = make_record()
    chosen = dataclasses.replace(record.chosen, name="RBF(lengthscale=1.62)", leave_one_group_out=3000.0)
    printed = _printed(survey_table(dataclasses.replace(record, chosen=chosen)), 200)
    assert "RBF(lengthscale=1.62) (chosen)" in printed
    assert "RBF(lengthscale=1.5) " in printed
    assert "3000" in printed
    assert "n/a" in printed


def test_markup_and_escape_sequences_in_names_are_text(make_record, make_result):
    name = "[bold red]x[/] [link=file:///etc]y[/link] \x1b[31mz"
    record = make_record()
    named = tuple(dataclasses.replace(candidate, name=name, verdict=name) for candidate in record.candidates)
    printed = _printed(survey_table(dataclasses.replace(record, candidates=named, chosen=named[0])), 300)
    assert printed.count("[bold red]x[/] [link=file:///etc]y[/link]") == 2 * len(named)
    assert "\x1b" not in printed
    printed = _printed(results_table([make_result(case=name, claim=name)]), 300)
    assert printed.count("[bold red]x[/]") == 2
    assert "\x1b" not in printed


def test_results_show_every_check_beside_its_limit(make_result):
    printed = _printed(results_table([make_result(), make_result(case="kare-smoke", mode="smoke")]), 160)
    assert "kare-toy: KARE follows the risk." in printed
    line = next(line for line in printed.splitlines() if "rank correlation" in line)
    for shown in ("0.700 ± 0.050", "at least 0.9", "✗ fails"):
        assert shown in line
    assert "kare-smoke (smoke run)" in printed
    assert "○ undecided" in printed


def test_colour_is_for_terminals_only(make_record):
    table = survey_table(make_record())
    assert "\x1b[32m" in _printed(table, 160, force_terminal=True, color_system="standard", no_color=False)
    assert "\x1b[32m" not in _printed(table, 160, force_terminal=True, color_system="standard", no_color=True)
