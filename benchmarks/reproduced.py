"""The claims of a paper, measured again, as a page of documentation with its figures and numbers.

    theodolite reproduce kare --out FOLDER            # and again with THEODOLITE_DATA set, for the larger sets
    python benchmarks/reproduced.py FOLDER kare
    python benchmarks/reproduced.py --totals          # only the page of totals, from what is published already

Reads the stored results of full runs, the latest of each case and data set, and writes into the documentation

    docs/measured/<paper>.md              what is to be said first (benchmarks/reproduced/<paper>.md), then every check,
                                          then what is to be said after (<paper>-after.md), where there is something
    docs/atlas/<paper>/<case>.json        checks, settings, versions, machine, duration, arrays of up to 400 numbers
    docs/atlas/<paper>/<case>-<n>.svg     its figures
    docs/atlas/index.md                   totals over all papers, and what decided the claims that do not hold
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from reproduced_totals import write_totals

from theodolite.experiments import Result, Store
from theodolite.numerics.files import write_atomically, write_json
from theodolite.reporting import words
from theodolite.reporting.figures.panel import draw_panel
from theodolite.reporting.svg import standalone_svg

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
LARGEST_ARRAY = 400


def latest(results: list[Result], paper: str) -> list[Result]:
    """The last full run of each case of a paper on each set of data files."""
    found: dict[tuple[str, ...], Result] = {}
    for result in sorted(results, key=lambda one: one.started):
        if result.mode == "full" and result.paper == paper and not result.error:
            found[result.case, *sorted(result.files)] = result
    return list(found.values())


def page(results: list[Result], paper: str, figures: dict[str, list[tuple[str, str]]]) -> str:
    """One section a result; `figures` are (file, title) by address."""
    seconds = sum(result.duration for result in results)
    introduction = (HERE / "reproduced" / f"{paper}.md").read_text(encoding="utf-8")
    lines = [
        f"# The claims of `{paper}`, measured again",
        "",
        *introduction.strip().format(time=words.duration(seconds)).splitlines(),
        "",
        "| case | data | time | verdict |",
        "|---|---|---|---|",
        *(f"| {one.case} | {one.data} | {words.duration(one.duration)} | **{one.verdict}** |" for one in results),
    ]
    for one in results:
        lines += [
            "",
            f"## {one.case}: {one.verdict}",
            "",
            f"{one.claim}",
            "",
            f"Data: {one.data}. Source: {one.source}.",
            "",
            "| measured | value | should be | verdict |",
            "|---|---|---|---|",
        ]
        for check in one.checks:
            value, limit = words.with_error(check.value, check.error), words.value(check.limit)
            name, unit = check.name.replace("|", r"\|"), f" {check.unit}" if check.unit else ""
            lines.append(f"| {name} | {value}{unit} | {check.direction} {limit}{unit} | {check.verdict} |")
        for file, title in figures[one.address]:
            lines += ["", f"**{title}**", "", f"![{title}](../atlas/{paper}/{file})"]
    after = HERE / "reproduced" / f"{paper}-after.md"
    if after.exists():
        lines += ["", *after.read_text(encoding="utf-8").strip().splitlines()]
    return "\n".join(lines) + "\n"


def drawn(result: Result, stem: str, folder: Path) -> list[tuple[str, str]]:
    """Write the figures of a result; their (file, title)."""
    written = []
    for number, panel in enumerate(result.panels, start=1):
        if panel.kind == "table":
            continue
        title, name = words.plain(panel.title), f"{stem}-{number}"
        picture = standalone_svg(draw_panel(panel, result.arrays), name, title, words.plain(panel.caption))
        write_atomically(folder / f"{name}.svg", picture)
        written.append((f"{name}.svg", title.replace("[", "(").replace("]", ")")))
    return written


def numbers(result: Result) -> dict[str, Any]:
    """A result as JSON, with its small arrays."""
    document = {key: value for key, value in result.to_json().items() if key != "panels"}
    document["command"] = f"theodolite reproduce {result.case} --full --seed {result.seed}"
    for name, array in result.arrays.items():
        if np.size(array) <= LARGEST_ARRAY:
            document["arrays"][name]["values"] = np.asarray(array).tolist()
    return document


def publish(results: list[Result], paper: str) -> None:
    """Write page, numbers and figures of one paper."""
    folder = DOCS / "atlas" / paper
    folder.mkdir(parents=True, exist_ok=True)
    figures = {}
    for one in results:
        stem = "-".join(dict.fromkeys([one.case, *(Path(name).name.split(".")[0] for name in sorted(one.files))]))
        write_json(folder / f"{stem}.json", numbers(one))
        figures[one.address] = drawn(one, stem, folder)
    write_atomically(DOCS / "measured" / f"{paper.replace('-', '_')}.md", page(results, paper, figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="where `theodolite reproduce --out` put its results")
    parser.add_argument("papers", nargs="*", metavar="paper")
    parser.add_argument("--totals", action="store_true", help="only write docs/atlas/index.md")
    given = parser.parse_args()
    if given.totals == bool(given.papers):
        parser.error("give a folder and papers, or --totals alone")
    stored = list(Store(given.folder).results()) if given.papers else []
    for each in given.papers:
        chosen = latest(stored, each)
        if not chosen:
            raise SystemExit(f"no full results of {each} in {given.folder}")
        publish(chosen, each)
    write_totals()
