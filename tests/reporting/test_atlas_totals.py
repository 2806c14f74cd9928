"""The page of totals in the documentation says what the files beside it say."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

ATLAS = Path(__file__).resolve().parents[2] / "docs" / "atlas"
VERDICTS = ("holds", "fails", "inconclusive")


def test_the_totals_in_the_documentation_are_those_of_the_published_results() -> None:
    if not ATLAS.is_dir():
        pytest.skip("the documentation is not here")
    page = (ATLAS / "index.md").read_text(encoding="utf-8")
    every: Counter[str] = Counter()
    for folder in sorted(path for path in ATLAS.iterdir() if path.is_dir()):
        documents = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
        claims = Counter(document["verdict"] for document in documents)
        checks = Counter(check["verdict"] for document in documents for check in document["checks"])
        row = re.search(rf"^\| \[{folder.name}\]\(.*?\) \| (.*) \|", page, re.MULTILINE)
        assert row, f"{folder.name} is not on the page; run: python benchmarks/reproduced.py --totals"
        counts = [str(number) for number in (claims.total(), *(claims[word] for word in VERDICTS))]
        assert row[1].split(" | ")[:5] == [*counts, f"{checks['holds']} of {checks.total()}"], (
            f"the totals of {folder.name} are of other results; run: python benchmarks/reproduced.py --totals"
        )
        assert not set(claims) - set(VERDICTS)
        for document in documents:
            if document["verdict"] != "holds":
                assert f"[{document['case']}" in page
        every += claims
    assert f"**Of {every.total()} claims {every['holds']} hold" in page
