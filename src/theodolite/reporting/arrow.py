"""The page of an arrow of time: the answer, the forest of corpora, curves, context profiles, numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from theodolite._version import __version__
from theodolite.reporting import pages, words
from theodolite.reporting.captions import Illustration
from theodolite.reporting.terminal_arrow import limits, percent, sentence, verdict_of

if TYPE_CHECKING:
    from theodolite.language_arrow import ArrowComparison, ArrowResult

MOST_DETAILED = 8


def write_arrow_page(comparison: "ArrowComparison", path: str | Path) -> Path:
    """Write the page of one or several corpora, whole or not at all; it loads nothing and runs no script."""
    return pages.write(path, arrow_page(comparison))


def arrow_page(comparison: "ArrowComparison") -> str:
    """The page as text."""
    return pages.render("arrow.html.j2", c=_content(comparison))


def _content(found: "ArrowComparison") -> dict[str, Any]:
    several = len(found.results) > 1
    first = found.results[0]
    verdicts = [verdict_of(found, place) for place in range(len(found.results))]
    return {
        "name": words.plain(first.name) if not several else f"{len(found.results)} corpora",
        "headline": _headline(verdicts),
        "several": several,
        "rows": [
            (
                words.plain(one.name),
                words.number(one.forward, 4),
                words.number(one.backward, 4),
                percent(one.ratio),
                percent(one.over_documents),
                words.number(one.p_value, 2),
                words.number(found.adjusted[place], 2),
                f"{100 * one.minimum_detectable:.2f} %",
                verdicts[place],
            )
            for place, one in enumerate(found.results)
        ],
        "sentences": [f"{words.plain(sentence(one))}." for one in found.results],
        "figures": arrow_figures(found),
        "limits": limits(first),
        "notes": [words.plain(f"{one.name}: {note}.") for one in found.results for note in one.notes],
        "version": __version__,
        "seconds": words.duration(sum(one.seconds for one in found.results)),
    }


def _headline(verdicts: list[str]) -> str:
    if len(verdicts) == 1:
        return {"no arrow seen": "No arrow was seen"}.get(verdicts[0], verdicts[0].capitalize())
    parts = [
        (word, verdicts.count(word))
        for word in ("forward is easier", "backward is easier", "no arrow seen", "one seed decides nothing")
    ]
    return "; ".join(f"{word} in {many}" for word, many in parts if many).capitalize()


def arrow_figures(found: "ArrowComparison") -> list[Illustration]:
    """The figures with their captions: each caption says what to see."""
    from theodolite.reporting.figures.arrow_forest import arrow_forest

    shown = [
        Illustration(
            key="forest",
            title="The arrow with its interval",
            caption=(
                "r = backward loss over forward loss, less 1: to the right of zero forward is easier. Thick strokes "
                "are 95 % intervals over seeds and test documents together"
                + (", thin ones allow for the number of corpora." if len(found.results) > 1 else ".")
            ),
            description="r in per cent with intervals, one line a corpus.",
            draw=lambda narrow: arrow_forest(found, narrow=narrow),
        )
    ]
    for place, one in enumerate(found.results[:MOST_DETAILED]):
        shown += _of_one(one, place)
    return shown


def _of_one(one: "ArrowResult", place: int) -> list[Illustration]:
    from theodolite.reporting.figures.arrow_context import arrow_context
    from theodolite.reporting.figures.arrow_curves import arrow_curves

    name = words.plain(one.name)
    shown = [
        Illustration(
            key=f"context-{place}",
            title=f"By what was read before: {name}",
            caption=(
                "r of the tokens that follow so many others, the same number in both directions; strokes are one "
                "standard error over test units, seeds averaged. A long arrow of large models grows with the context."
            ),
            description=f"r against the number of tokens already read, {name}.",
            draw=lambda narrow: arrow_context(one, narrow=narrow),
        )
    ]
    if all(run.curve for run in one.runs):
        shown.append(
            Illustration(
                key=f"curves-{place}",
                title=f"While training: {name}",
                caption=(
                    "Loss on validation windows, both directions, a pair of lines for each seed. Only the ends, where "
                    "the learning rate has come down, are to be compared."
                ),
                description=f"Validation losses against steps, {name}.",
                draw=lambda narrow: arrow_curves(one, narrow=narrow),
            )
        )
    return shown
