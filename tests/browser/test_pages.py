"""The pages in a browser: an atlas of real runs and the report of a real survey, opened from disk."""

import dataclasses
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import numpy as np
import pandas as pd
import pytest

from theodolite.cli.main import run
from theodolite.papers import PAPERS, authors, topics

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FULL = ("arrow-identities", "arrow-counted-text")  # seconds each, one holds and one is inconclusive
SMOKE = ("kare-universality",)
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused') }})"


@dataclasses.dataclass
class Browser:
    """A browser, and what its pages asked for and complained of."""

    browser: object
    requests: list[str] = dataclasses.field(default_factory=list)
    complaints: list[str] = dataclasses.field(default_factory=list)

    def page(self, width: int = 1280, height: int = 900, script: str = "", **settings: object):
        """A fresh page with a memory of its own; the network is off."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, offline=True, **settings)  # type: ignore[attr-defined]
        if script:
            context.add_init_script(script)
        context.set_default_timeout(120_000)  # milliseconds; machines that test are busy
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        return context.new_page()


@pytest.fixture(scope="module")
def _launched() -> Iterator[object]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser is installed; looked for {', '.join(BROWSERS)}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=found, args=["--no-sandbox"], timeout=120_000
        )  # root has no sandbox
        yield browser
        browser.close()


@pytest.fixture
def browser(_launched: object) -> Iterator[Browser]:
    """A browser whose pages may neither ask for anything outside of the disk nor complain."""
    watched = Browser(_launched)
    yield watched
    for context in list(_launched.contexts):  # type: ignore[attr-defined]
        context.close()
    outside = [url for url in watched.requests if not url.startswith(("file://", "data:"))]
    assert outside == []
    assert watched.complaints == []


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The out folder of real runs: two that decide, one that does not."""
    folder = tmp_path_factory.mktemp("results")
    assert run(["reproduce", *SMOKE, "--smoke", "--out", str(folder), "--json"]) == 0
    assert run(["reproduce", *FULL, "--out", str(folder), "--json"]) == 0
    return folder


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a survey of forty rows."""
    folder = tmp_path_factory.mktemp("survey")
    random = np.random.default_rng(7)
    inputs = random.normal(size=(40, 2))
    table = pd.DataFrame({"a": inputs[:, 0], "b": inputs[:, 1], "y": inputs @ [1.0, -2.0] + random.normal(size=40)})
    table.to_csv(folder / "table.csv", index=False)
    assert (
        run(["survey", str(folder / "table.csv"), "--target", "y", "-c", "linear", "--out", str(folder / "out")]) == 0
    )
    (page,) = (folder / "out").glob("*.html")
    return page


def _stored(results: Path) -> dict[str, Counter[str]]:
    """Verdicts by paper, from the JSON on disk."""
    found: dict[str, Counter[str]] = {}
    for path in results.glob("*/*/result.json"):
        document = json.loads(path.read_bytes())
        found.setdefault(document["paper"], Counter())[document["verdict"]] += 1
    return found


def test_the_verdicts_on_the_pages_are_those_of_the_stored_results(results: Path, browser: Browser) -> None:
    page = browser.page()
    stored = _stored(results)
    assert sum(stored.values(), Counter()) == {"holds": 1, "inconclusive": 1, "undecided": 1}
    page.goto((results / "atlas/index.html").as_uri())
    total = sum(stored.values(), Counter())
    assert page.inner_text("h1") == "Of 3 claims 1 holds, 1 is inconclusive and 1 is undecided"
    assert len(page.query_selector_all("header .tally > span")) == len(total)
    for paper, verdicts in stored.items():
        page.goto((results / f"atlas/papers/{paper}.html").as_uri())
        shown = [badge.inner_text() for badge in page.query_selector_all("table.claims .badge")]
        assert Counter(words.split()[-1] for words in shown) == verdicts
        sections = [badge.inner_text() for badge in page.query_selector_all("section.case > p .badge")]
        assert sorted(sections) == sorted(shown)
        for path in results.glob(f"{paper}-*/*/result.json"):
            document = json.loads(path.read_bytes())
            section = page.locator(f"section.case[aria-labelledby={document['case']}]")
            rows = section.locator("table.checks tbody tr")
            assert rows.count() == len(document["checks"])
            assert [words.split()[-1] for words in section.locator("td.verdict").all_inner_texts()] == [
                check["verdict"] for check in document["checks"]
            ]
            assert section.locator("figure .wide svg").count() == sum(p["kind"] != "table" for p in document["panels"])


def test_every_link_of_the_atlas_and_of_the_report_leads_somewhere(
    results: Path, report: Path, browser: Browser
) -> None:
    page = browser.page()
    anchors: dict[str, set[str]] = {}
    wanted: set[tuple[str, str]] = set()
    waiting = [(results / "atlas/index.html").as_uri(), report.as_uri()]
    while waiting:
        address = waiting.pop()
        page.goto(address)
        ids, links = page.evaluate(
            """[[...document.querySelectorAll("[id]")].map(one => one.id),
                [...document.querySelectorAll("a[href]")].map(a => new URL(a.getAttribute("href"), location).href)]"""
        )
        anchors[address] = set(ids)
        for link in links:
            if link.startswith("https:"):
                assert re.fullmatch(r"https://arxiv\.org/abs/\d{4}\.\d{5}", link)
                continue
            target, anchor = urldefrag(link)
            assert Path(unquote(urlsplit(target).path)).is_file(), link
            wanted.add((target, unquote(anchor)))
            if target not in anchors and target not in waiting:
                waiting.append(target)
    assert not [(target, anchor) for target, anchor in wanted if anchor and anchor not in anchors[target]]
    written = {path.as_uri() for path in (results / "atlas").rglob("*") if path.is_file()}
    assert set(anchors) == {*written, report.as_uri()}
    assert len(written) >= 1 + len(PAPERS) + len(authors()) + len(topics())


def test_a_claim_is_found_by_keyboard_alone(results: Path, browser: Browser) -> None:
    page = browser.page()
    page.goto((results / "atlas/people/arthur-jacot.html").as_uri())
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("FIRST two moments")
    options = page.locator("#finds [role=option]")
    assert options.count() == 1
    assert page.inner_text("#found") == "1 found"
    page.keyboard.press("Enter")
    page.wait_for_url("**/papers/kare.html#kare-universality")
    box = page.locator("#kare-universality").bounding_box()
    assert box
    assert 0 <= box["y"] < 300

    page.keyboard.press("/")
    page.keyboard.type("clement")
    assert options.first.inner_text().startswith("Clément Hongler")
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/clement-hongler.html")

    page.keyboard.press("/")
    page.keyboard.type("kernel")
    many = options.count()
    assert many > 3
    assert options.first.inner_text().startswith("Kernel Alignment Risk Estimator")  # begins with the word
    for key, selected in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("ArrowUp", 0), ("ArrowUp", many - 1)):
        page.keyboard.press(key)
        assert page.get_attribute(f"#find-{selected}", "aria-selected") == "true"
        assert page.get_attribute("#find", "aria-activedescendant") == f"find-{selected}"
        assert page.locator("#finds [aria-selected=true]").count() == 1
    page.keyboard.press("Escape")
    assert page.get_attribute("#find", "aria-expanded") == "false"
    assert not page.is_visible("#finds")
    page.keyboard.type(" <img src=x onerror=alert(1)>")
    assert page.inner_text("#found") == "0 found"


def test_the_dress_follows_the_system_until_one_is_chosen(results: Path, browser: Browser) -> None:
    behind = "getComputedStyle(document.body).backgroundColor"
    light, dark = "rgb(245, 246, 244)", "rgb(17, 22, 26)"
    page = browser.page(color_scheme="dark")
    page.goto((results / "atlas/index.html").as_uri())
    assert page.evaluate(behind) == dark
    page.emulate_media(color_scheme="light")
    assert page.evaluate(behind) == light
    assert page.get_attribute("#dress", "aria-label") == "Show the page in dark colours"
    page.focus("#dress")
    page.keyboard.press("Enter")
    assert page.evaluate(behind) == dark
    assert page.get_attribute("#dress", "aria-label") == "Show the page in light colours"
    page.goto((results / "atlas/papers/kare.html").as_uri())
    assert page.evaluate(behind) == dark  # remembered
    page.click("#dress")
    page.reload()
    assert page.evaluate(behind) == light
    refused = browser.page(script=NO_STORAGE)
    refused.goto((results / "atlas/index.html").as_uri())
    refused.click("#dress")
    assert refused.evaluate(behind) == dark


def test_the_map_is_walked_by_keyboard_and_shows_whose_lines_are_whose(results: Path, browser: Browser) -> None:
    page = browser.page()
    page.goto((results / "atlas/index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("[data-node=people-yatin-dandi]")
    assert page.locator(".map .ties .lit").count() == 1
    lit = page.eval_on_selector_all(".map a.lit", "found => found.map(a => a.dataset.node).sort()")
    assert lit == ["paper-layers", "people-yatin-dandi"]
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/yatin-dandi.html")


def test_nothing_is_wider_than_a_telephone(results: Path, report: Path, browser: Browser) -> None:
    page = browser.page(width=390, height=844)
    atlas = results / "atlas"
    for path in (
        atlas / "index.html",
        *sorted((atlas / "papers").glob("*.html")),
        atlas / "people/yatin-dandi.html",
        report,
    ):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.goto((atlas / "index.html").as_uri())
    page.fill("#find", "the")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
