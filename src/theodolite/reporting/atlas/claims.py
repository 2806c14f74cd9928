"""A result as the templates show it: one claim with verdict, numbers, figures and origin."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from theodolite.reporting import words
from theodolite.reporting.atlas.checks import shown_check
from theodolite.reporting.atlas.links import slug
from theodolite.reporting.atlas.panels import shown_panel

if TYPE_CHECKING:
    from theodolite.experiments.result import Result


def anchors(results: "Sequence[Result]") -> list[str]:
    """An anchor for each result of one paper: its case, numbered from the second result of the same case on.

    >>> anchors([])
    []
    """
    seen: dict[str, int] = {}
    found = []
    for result in results:
        seen[result.case] = seen.get(result.case, 0) + 1
        found.append(slug(result.case) + (f"-no-{seen[result.case]}" if seen[result.case] > 1 else ""))
    return found


def shown_claim(anchor: str, result: "Result") -> dict[str, Any]:
    """What the template needs of one result; figures are drawn when the template asks for them."""
    return {
        "anchor": anchor,
        "case": words.plain(result.case),
        "claim": words.plain(result.claim),
        "source": words.plain(result.source),
        "verdict": result.verdict,
        "mode": result.mode,
        "error": words.plain_lines(result.error),
        "checks": [shown_check(check) for check in result.checks],
        "figures": [
            shown_panel(f"{anchor}-figure-{number}", panel, result.arrays)
            for number, panel in enumerate(result.panels, start=1)
        ],
        "data": words.plain(result.data),
        "config": [(key.replace("_", " "), words.value(entry)) for key, entry in result.config.items()],
        "scalars": [(key.replace("_", " "), words.number(entry, 4)) for key, entry in result.scalars.items()],
        "facts": _facts(result),
        "command": command(result),
        "seconds": words.duration(result.duration),
    }


def command(result: "Result") -> str:
    """The command that measures it again."""
    return (
        f"theodolite reproduce {words.plain(result.case)} --{result.mode}"
        + (f" --seed {result.seed}" if result.seed else "")
        + (" --data FOLDER" if result.files else "")
        + " --again"
    )


def _facts(result: "Result") -> list[tuple[str, str]]:
    facts = [
        ("mode", result.mode),
        ("seed", words.value(result.seed)),
        ("started", words.plain(result.started)),
        ("duration", words.duration(result.duration)),
    ]
    if result.resumed_parts:
        facts.append(("parts taken over from an earlier run", words.count(result.resumed_parts)))
    facts += [(key.replace("_", " "), words.value(entry)) for key, entry in result.machine.items()]
    facts += [(key, words.value(entry)) for key, entry in result.versions.items()]
    facts += [(f"SHA-256 of {name}", words.plain(digest)[:16]) for name, digest in result.files.items()]
    return [*facts, ("address", words.plain(result.address)[:16])]
