"""The page, figures and tables of the arrow of time."""

import numpy as np
from rich.console import Console

from theodolite.language_arrow import Corpus, compare, measure
from theodolite.language_arrow.comparison import compared
from theodolite.reporting import arrow_page
from theodolite.reporting.arrow import arrow_figures
from theodolite.reporting.terminal_arrow import arrow_table, context_table, limits, sentence, verdict_of

random = np.random.default_rng(4)
TEXTS = tuple("".join(random.choice(list("ab<&"), size=60)) for _ in range(40))


def said(thing: object) -> str:
    console = Console(width=160, record=True)
    console.print(thing)
    return console.export_text()


def test_a_page_shows_every_corpus_escaped_and_loads_nothing() -> None:
    found = compare([Corpus("<one>", TEXTS), Corpus("two & more", TEXTS[::-1])], model="ngram")
    page = arrow_page(found)
    assert "&lt;one&gt;" in page
    assert "<one>" not in page
    assert "two &amp; more" in page
    assert "<script" not in page
    for one in found.results:
        assert f"{100 * one.ratio.value:+.2f} %" in page


def test_tables_say_what_the_result_says() -> None:
    found = compared([measure(TEXTS, model="ngram", name="text")])
    one = found.results[0]
    assert f"{one.forward:.3f}"[:4] in said(arrow_table(found))
    assert verdict_of(found, 0) == one.verdict
    assert len(said(context_table(one)).strip().splitlines()) == len(one.profile) + 2
    assert f"{one.parameters:,} parameters" in sentence(one)
    assert "tokenisation" in limits(one)


def test_curves_are_drawn_when_there_are_any() -> None:
    counted = compared([measure(TEXTS, model="ngram")])
    assert [item.key for item in arrow_figures(counted)] == ["forest", "context-0"]
    trained = compared([measure(TEXTS, model="gru", context=16, steps=20, seeds=1, batch=4)])
    assert verdict_of(trained, 0) == trained.results[0].verdict == "one seed decides nothing"
    figures = arrow_figures(trained)
    assert [item.key for item in figures] == ["forest", "context-0", "curves-0"]
    for item in figures:
        assert item.wide().startswith("<svg")
        assert item.narrow().startswith("<svg")
