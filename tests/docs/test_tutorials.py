"""Every tutorial runs, and prints what its committed page says."""

import importlib.util
import sys
import traceback
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def _runner():
    spec = importlib.util.spec_from_file_location("tutorial_runner", DOCS / "tutorials.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["tutorial_runner"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


tutorials = _runner()
SUBJECTS = tutorials.subjects()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_tutorial_prints_what_its_page_says(subject):
    fresh = tutorials.run(subject)
    committed = (DOCS / "tutorials" / f"{subject}.md").read_text(encoding="utf-8")
    assert not (found := tutorials.disagreement(committed, fresh.text)), (
        f"{found}\n\nIf the change is meant: python docs/tutorials.py {subject}"
    )
    assert fresh.figures
    for name in fresh.figures:
        assert (DOCS / "tutorials" / name).read_text(encoding="utf-8").startswith("<svg")


def test_every_tutorial_is_on_the_index_and_in_the_navigation():
    index = (DOCS / "tutorials" / "index.md").read_text(encoding="utf-8")
    navigation = (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")
    for subject in SUBJECTS:
        assert f"({subject}.md)" in index
        assert f"tutorials/{subject}.md" in navigation


@pytest.mark.parametrize(
    ("fresh", "words"),
    [
        ("Prose.\n```text\nrisk 3010 +- 359\n```\n", ""),
        ("Prose.\n```text\nrisk   3020 +- 355\n```\n", ""),
        ("Prose.\n```text\nrisk 3300 +- 359\n```\n", "printed 3300 where the page says 3010"),
        ("Prose.\n```text\nrisk -3010 +- 359\n```\n", "printed -3010"),
        ("Prose.\n```text\nloss 3010 +- 359\n```\n", "other words"),
        ("Verse.\n```text\nrisk 3010 +- 359\n```\n", "prose or code"),
    ],
)
def test_disagreements_are_found(fresh, words):
    page = "Prose.\n```text\nrisk 3010 +- 359\n```\n"
    found = tutorials.disagreement(page, fresh)
    assert (found == "") if not words else (words in found)


def test_round_off_is_not_a_disagreement():
    page = "```text\nlargest change 4e-16\n```\n"
    assert not tutorials.disagreement(page, page.replace("4e-16", "9e-17"))
    assert tutorials.disagreement(page, page.replace("4e-16", "2e-3"))


def test_a_script_that_raises_names_its_line(tmp_path):
    (tmp_path / "broken.py").write_text("# %% [markdown]\n# # Title\n\n# %%\nx = 1\nraise RuntimeError(x)\n")
    with pytest.raises(RuntimeError) as error:
        tutorials.run("broken", tmp_path)
    last = traceback.extract_tb(error.tb)[-1]
    assert (last.filename, last.lineno) == ("broken.py", 6)


def test_a_cell_shows_its_figure_and_its_output(tmp_path):
    (tmp_path / "small.py").write_text(
        "# %% [markdown]\n# # Title\n#\n# Two words.\n\n# %%\nimport matplotlib.pyplot as plt\n\n"
        "plt.loglog([1, 100], [1, 10])\nplt.title('A line')\nprint('said', 3)\n"
    )
    page = tutorials.run("small", tmp_path)
    assert "# Title\n\nTwo words.\n\n```python\nimport" in page.text
    assert "```text\nsaid 3\n```\n\n![A line](small-1.svg)" in page.text
    assert ">A line</" in page.figures["small-1.svg"]
    assert "mathdefault" not in page.figures["small-1.svg"]
