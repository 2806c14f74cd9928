"""The arrow of time for the terminal: a line a corpus, a sentence each, the context profile."""

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from theodolite.reporting import words

if TYPE_CHECKING:
    from theodolite.language_arrow import ArrowComparison, ArrowResult, Interval

STYLES = {"forward is easier": "blue", "backward is easier": "red"}


def percent(interval: "Interval") -> str:
    """r in per cent with the ends of its interval.

    >>> from theodolite.language_arrow import Interval
    >>> percent(Interval(0.0123, 0.004, 0.02, 0.004))
    '+1.23 % [+0.40, +2.00]'
    """
    return f"{100 * interval.value:+.2f} % [{100 * interval.low:+.2f}, {100 * interval.high:+.2f}]"


def verdict_of(found: "ArrowComparison", place: int) -> str:
    """The verdict, which with several corpora is the one after Holm's correction."""
    if not found.results[place].decides:
        return found.results[place].verdict
    wide = found.intervals[place] if len(found.results) > 1 else found.results[place].ratio
    if not wide.excludes_zero():
        return "no arrow seen"
    return "forward is easier" if wide.low > 0 else "backward is easier"


def arrow_table(found: "ArrowComparison") -> Table:
    """Losses both ways, r with its interval, p-values, what could have been seen."""
    several = len(found.results) > 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("corpus", overflow="fold")
    titles = ["forward", "backward", "r, 95 % interval", *(["Holm p"] if several else []), "smallest r to see"]
    for title in titles:
        table.add_column(title, justify="right", overflow="fold")
    table.add_column("verdict", overflow="fold")
    for place, one in enumerate(found.results):
        verdict = verdict_of(found, place)
        cells = [words.number(one.forward, 4), words.number(one.backward, 4), percent(one.ratio)]
        cells += [words.number(found.adjusted[place], 2)] if several else []
        cells += [f"{100 * one.minimum_detectable:.2f} %"]
        table.add_row(
            Text(words.plain(one.name)), *map(Text, cells), Text(verdict, style=f"bold {STYLES.get(verdict, '')}")
        )
    return table


def context_table(found: "ArrowResult") -> Table:
    """Losses and r by the number of tokens already read."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("tokens read", "forward", "backward", "r, per cent", "r up to here"):
        table.add_column(title, justify="right")
    for one in found.profile:
        reach = f"{one.first}" if one.first == one.last else f"{one.first} to {one.last}"
        ratio = words.with_error(100 * one.ratio, 100 * one.standard_error)
        cells = (
            reach,
            words.number(one.forward, 4),
            words.number(one.backward, 4),
            ratio,
            f"{100 * one.cumulative:+.2f}",
        )
        table.add_row(*map(Text, cells))
    return table


def sentence(one: "ArrowResult") -> str:
    """What was measured, in one sentence."""
    where = f"context {one.context}" if one.context else "whole documents"
    seeds = f"{len(one.runs)} seed" + ("s" if len(one.runs) > 1 else "")
    return (
        f"{one.name}: {one.model}, {one.parameters:,} parameters, {one.tokenizer} tokens, {where}, {seeds}; "
        f"{one.tokens['train']:,} tokens to train on, {one.tokens['tested']:,} tested, by {one.unit}; "
        f"{one.forward_per_character:.4f} forward and {one.backward_per_character:.4f} backward nats per character; "
        f"sign-flip p {words.number(one.p_value, 2)}"
    )


def limits(one: "ArrowResult") -> str:
    """What a model of this size can show."""
    return (
        f"This is the arrow of {one.model} on these tokens. Its sign depends on the size of the model and on the "
        "tokenisation: compare char, bpe and bpe-reversed, and two sizes, before saying anything of the language."
    )
