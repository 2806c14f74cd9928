"""The claims of a paper, measured again, as a page of documentation.

    theodolite reproduce kare --out FOLDER            # and again with THEODOLITE_DATA set, for the larger sets
    python benchmarks/reproduced.py FOLDER PAGE.md

Reads the stored results of full runs, the latest of each case and data set, and writes a table of checks for each.
"""

import sys
from pathlib import Path

from theodolite.experiments import Result, Store
from theodolite.numerics.files import write_atomically
from theodolite.reporting import words


def page(results: list[Result], paper: str) -> str:
    """One section a result."""
    latest: dict[tuple[str, ...], Result] = {}
    for result in sorted(results, key=lambda one: one.started):
        if result.mode == "full" and result.paper == paper:
            latest[result.case, *sorted(result.files)] = result
    lines = [
        f"# The claims of `{paper}`, measured again",
        "",
        f"Command: `theodolite reproduce {paper}`, and the same with `THEODOLITE_DATA` set to a folder that holds",
        "MNIST and Higgs; seed 0, one thread. A claim *holds* or *fails* when its whole error bar lies on one side of",
        "the limit, and is *inconclusive* otherwise.",
        "",
        "No limit was moved after a measurement. But some runs were made larger because a first look was inconclusive",
        "(20 to 60 splits, 6,000 to 38,400 draws), gaps on real data became averages over splits instead of single",
        "splits, and the check of kernel alignment went back to the uncentred alignment of the paper, with the centred",
        "one beside it. A verdict that rests on a second look is worth less than one that does not.",
        "",
        "| case | data | verdict |",
        "|---|---|---|",
        *(f"| {one.case} | {one.data} | **{one.verdict}** |" for one in latest.values()),
    ]
    for one in latest.values():
        lines += [
            "",
            f"## {one.case}: {one.verdict}",
            "",
            f"{one.claim}",
            "",
            f"Data: {one.data}. Source: {one.source}.",
            "",
        ]
        lines += ["| measured | value | should be | verdict |", "|---|---|---|---|"]
        for check in one.checks:
            value, limit = words.with_error(check.value, check.error), words.value(check.limit)
            name = check.name.replace("|", r"\|")
            lines.append(f"| {name} | {value} | {check.direction} {limit} | {check.verdict} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    folder, out = sys.argv[1:]
    write_atomically(out, page(list(Store(Path(folder)).results()), "kare"))
