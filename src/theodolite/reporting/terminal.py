"""Tables for the terminal, in the same words as the pages; the command line prints them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from theodolite.reporting import words
from theodolite.reporting.risk_rows import risk_rows

if TYPE_CHECKING:
    from theodolite.experiments.result import Result
    from theodolite.survey.record import CandidateRecord, SurveyRecord

_STYLES = {"good": "green", "unsure": "yellow", "bad": "red", "plain": ""}
NAME_WIDTH = 16  # the first column folds before it gets narrower than this, and then others are left out


@dataclass(frozen=True)
class _Column:
    """One column after the first: `goes` > 0 lets it be left out where the terminal is narrow, the largest first."""

    heading: str
    cells: list[Text]
    goes: int = 0
    right: bool = True

    @property
    def width(self) -> int:
        """Characters it needs."""
        return max(*map(len, self.heading.split("\n")), *(cell.cell_len for cell in self.cells), 0)


def survey_table(record: "SurveyRecord", width: int | None = None) -> Table:
    """Every candidate with its risks, best first; the chosen one is marked.

    Args: record; width, columns of the terminal (`console.width`): where it does not suffice, names fold, and times,
        ridges, shares, KARE with leave-one-out and measured risks are left out in this order. None: wide enough.
    Returns: a table to print with a rich console, which sees to NO_COLOR and pipes.
    """
    variance = record.data.get("target_variance")
    marked = risk_rows(record)
    rows = [row for row, _ in marked]
    columns = [
        _Column("ridge", [_number(row.ridge) for row in rows], goes=4),
        _Column("KARE", [_number(row.kare) for row in rows], goes=2),
        _Column("leave-\none-out", [_number(row.leave_one_out) for row in rows], goes=2),
    ]
    if any(row.leave_one_group_out is not None for row in rows):
        columns.append(_Column("leave-one-\ngroup-out", [_number(row.leave_one_group_out) for row in rows]))
    columns.append(
        _Column("predicted\nrisk", [Text(words.with_error(r.predicted_risk, r.standard_error)) for r in rows])
    )
    if words.fraction(1.0, variance):
        columns.append(_Column("1 - R2", [Text(words.share(row.predicted_risk, variance)) for row in rows], goes=3))
    if any(not words.missing(row.measured_risk) for row in rows):
        columns.append(_Column("measured", [_number(row.measured_risk) for row in rows], goes=1))
    columns.append(_Column("verdict", [_verdict(row.verdict) for row in rows], right=False))
    columns.append(_Column("time", [Text(words.duration(row.seconds)) for row in rows], goes=5))
    names = [_name(row, is_chosen) for row, is_chosen in marked]
    return _table("candidate", names, columns, [is_chosen for _, is_chosen in marked], width)


def results_table(results: "Iterable[Result]", width: int | None = None) -> Table:
    """Every claim with its verdict, and below it each check: what was measured and what it should be.

    Args: results; width as in `survey_table`.
    """
    names: list[Text] = []
    measured: list[Text] = []
    limits: list[Text] = []
    verdicts: list[Text] = []
    times: list[Text] = []
    bold: list[bool] = []
    for result in results:
        mode = " (smoke run)" if result.mode == "smoke" else ""
        names.append(Text(f"{words.plain(result.case)}{mode}: {words.plain(result.error or result.claim)}"))
        measured.append(Text())
        limits.append(Text())
        verdicts.append(_verdict(result.verdict))
        times.append(Text(words.duration(result.duration)))
        bold.append(True)
        for check in result.checks:
            note = f" ({words.plain(check.note)})" if check.note else ""
            unit = f" {words.plain(check.unit)}" if check.unit else ""
            names.append(Text(f"· {words.plain(check.name)}{note}"))
            measured.append(Text(words.with_error(check.value, check.error) + unit))
            limits.append(Text(f"{check.direction} {words.value(check.limit)}{unit}"))
            verdicts.append(_verdict(check.verdict))
            times.append(Text())
            bold.append(False)
    columns = [
        _Column("measured", measured),
        _Column("should be", limits, goes=1),
        _Column("verdict", verdicts, right=False),
        _Column("time", times, goes=2),
    ]
    return _table("claim and checks", names, columns, bold, width)


def _table(heading: str, names: list[Text], columns: list[_Column], bold: list[bool], width: int | None) -> Table:
    if width is not None:
        while any(column.goes for column in columns) and _needed(columns) + NAME_WIDTH > width:
            last = max(column.goes for column in columns)
            columns = [column for column in columns if column.goes != last]
    room = NAME_WIDTH if width is None else max(8, min(NAME_WIDTH, width - _needed(columns)))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(heading, overflow="fold", min_width=room, vertical="top")
    for column in columns:
        table.add_column(column.heading, justify="right" if column.right else "left", no_wrap=True, overflow="fold")
    for position, name in enumerate(names):
        table.add_row(name, *(column.cells[position] for column in columns), style="bold" if bold[position] else "")
    return table


def _needed(columns: list[_Column]) -> int:
    """Characters all columns but the first take, with the space before each."""
    return sum(column.width + 2 for column in columns)


def _number(value: float | None) -> Text:
    return Text(words.number(value))


def _verdict(word: str) -> Text:
    found = words.verdict(word)
    return Text(str(found), style=_STYLES[found.mood])


def _name(candidate: "CandidateRecord", is_chosen: bool) -> Text:
    return Text(words.plain(candidate.name) + (" (chosen)" if is_chosen else ""))
