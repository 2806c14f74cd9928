"""The results in docs/atlas in totals: how many claims hold, and what decided those that do not."""

import json
import re
from pathlib import Path

from theodolite.experiments import Result, all_cases
from theodolite.numerics.files import write_atomically
from theodolite.papers import PAPERS
from theodolite.reporting import words
from theodolite.reporting.atlas.totals import deciding, reason

HERE = Path(__file__).resolve().parent
ATLAS = HERE.parent / "docs" / "atlas"
VERDICTS = ("holds", "fails", "inconclusive")

HEAD = """# The atlas in totals

Full runs of every case, as they are committed beside this page: `docs/atlas/<paper>/<case>.json` holds checks,
settings, versions, machine, duration and the arrays that are small, the SVG files are the figures. `theodolite
reproduce --all` measures all of it again and writes the atlas as pages of its own, with a map and a search box, into
`theodolite-results/atlas`.

A claim *holds* when the whole error bar of each of its checks lies on the right side of its limit, *fails* when the
whole error bar of one of them lies on the wrong side, and is *inconclusive* otherwise. A claim on a second set of
data is counted again. A verdict says what was measured at the sizes measured: many are far below those of the papers,
and some limits are ours. What each check is about, and which runs were a second look, is said on the page of the
paper.
"""


def published() -> dict[str, Result]:
    """The results in docs/atlas, without panels and arrays, by the stem of their file."""
    found = {}
    for path in sorted(ATLAS.glob("*/*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        document.pop("command", None)
        found[path.stem] = Result.from_json({**document, "panels": []}, {})
    return found


def reasons() -> dict[str, str]:
    """What is known about claims that do not hold: lines `- <stem of the file>: a sentence.` of reasons.md."""
    text = (HERE / "reproduced" / "reasons.md").read_text(encoding="utf-8")
    entries = re.findall(r"^- ([a-z0-9_-]+): (.*(?:\n  .*)*)", text, re.MULTILINE)
    return {stem: " ".join(sentence.split()) for stem, sentence in entries}


def totals_page(results: dict[str, Result], known: dict[str, str]) -> str:
    """The page of totals."""
    groups = [(one.key, [r for r in results.values() if r.paper == one.key]) for one in PAPERS]
    every = list(results.values())
    seconds = sum(result.duration for result in every)
    counts = [sum(result.verdict == verdict for result in every) for verdict in VERDICTS]
    lines = [
        *HEAD.splitlines(),
        "",
        f"**Of {len(every)} claims {counts[0]} hold, {counts[1]} fail and {counts[2]} are inconclusive.** The runs "
        f"took {words.duration(seconds)} in all, on cores shared with other work.",
        "",
        "| paper | claims | hold | fail | inconclusive | checks that hold | time |",
        "|---|---|---|---|---|---|---|",
        *(_row(f"[{key}]({_page(key)})", group) for key, group in groups if group),
        _row("**all**", every),
    ]
    absent = [key for key, group in groups if not group]
    if absent:
        lines += ["", f"Without results beside this page: {', '.join(absent)}."]
    unmeasured = {case.name for case in all_cases()} - {result.case for result in every}
    other = sorted(name for name in unmeasured if not any(name.startswith(f"{key}-") for key in absent))
    if other:
        lines += ["", f"Cases without results beside this page: {', '.join(other)}."]
    return "\n".join([*lines, *_open(results, known), *_machines(every)]) + "\n"


def write_totals() -> Path:
    """Write docs/atlas/index.md from the files beside it."""
    return write_atomically(ATLAS / "index.md", totals_page(published(), reasons()))


def _open(results: dict[str, Result], known: dict[str, str]) -> list[str]:
    lines = [
        "",
        "## What does not hold",
        "",
        "Every claim that fails or is inconclusive, with each check that kept it from holding, the worst first; the "
        "last column is read off the numbers.",
        "",
        "| claim | check | measured | should be | verdict | why |",
        "|---|---|---|---|---|---|",
    ]
    shown = [stem for stem, result in results.items() if result.verdict in VERDICTS[1:]]
    for stem in shown:
        result = results[stem]
        for place, check in enumerate(deciding(result)):
            claim = f"[{stem}]({_page(result.paper)}#{result.case}-{result.verdict})" if place == 0 else ""
            unit = f" {check.unit}" if check.unit else ""
            name = check.name + (f" ({check.note})" if check.note else "")
            lines.append(
                f"| {claim} | {_cell(name)} | {words.with_error(check.value, check.error)}{unit} "
                f"| {check.direction} {words.value(check.limit)}{unit} | {check.verdict} | {reason(check)} |"
            )
    said = [f"- **{stem}**: {known[stem]}" for stem in shown if stem in known]
    return [*lines, "", "What is known about them:", "", *said] if said else lines


def _machines(results: list[Result]) -> list[str]:
    machines = sorted(
        {f"{one.machine.get('processor', '?')}, {one.machine.get('cores', '?')} cores" for one in results}
    )
    versions: dict[str, set[str]] = {}
    for result in results:
        for name, version in result.versions.items():
            versions.setdefault(name, set()).add(version)
    used = "; ".join(f"{name} {', '.join(sorted(found))}" for name, found in versions.items())
    return ["", f"Measured on {'; '.join(machines)}, one thread of linear algebra, with {used}."]


def _row(name: str, results: list[Result]) -> str:
    claims = [result.verdict for result in results]
    checks = [check.verdict for result in results for check in result.checks]
    counts = " | ".join(str(number) for number in (len(claims), *(claims.count(word) for word in VERDICTS)))
    seconds = sum(result.duration for result in results)
    return f"| {name} | {counts} | {checks.count('holds')} of {len(checks)} | {words.duration(seconds)} |"


def _page(paper: str) -> str:
    return f"../measured/{paper.replace('-', '_')}.md"


def _cell(text: str) -> str:
    return words.plain(text).replace("|", r"\|")
