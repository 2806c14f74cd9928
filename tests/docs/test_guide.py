"""The guide from a table to a decision prints what its commands print."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "guide_survey.md"
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.S)
PROGRAM = "import sys; from theodolite.cli.main import run; sys.exit(run())"
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e-\d+)?")


def _sentences(text):
    """What is said of the chosen model and its measurement, on one line each, whatever the page's line breaks."""
    words = " ".join(text.split())
    return [found[0] for found in re.finditer(r"(Chosen: .*?(?=Measured on )|Measured on .*?R² [\d.]+)", words)]


def _agree(page, printed):
    assert NUMBER.sub("#", page).split() == NUMBER.sub("#", printed).split()
    for one, other in zip(NUMBER.findall(page), NUMBER.findall(printed), strict=True):
        assert float(other) == pytest.approx(float(one), rel=0.05, abs=10.0 ** -len(one.partition(".")[2])), printed


@pytest.mark.full
def test_the_surveys_of_the_guide_say_what_the_page_says(tmp_path):
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    script = next(text for language, text in blocks if language == "python")
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    checked = 0
    for (language, command), (_, output) in pairwise(blocks):
        if language != "sh" or not _sentences(output):
            continue
        words = command.split()
        assert words[0] == "theodolite"
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words[1:]],
            cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=True,
        )  # fmt: skip
        for page, printed in zip(_sentences(output), _sentences(done.stdout), strict=True):
            _agree(page, printed)
            checked += 1
    assert checked == 6
