"""The atlas: claims with their numbers, pages that lead to each other, nothing that runs or leaves."""

import base64
import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from posixpath import join, normpath
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from theodolite.experiments import Case, Config, Measurement
from theodolite.experiments.check import Check
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.experiments.store import address
from theodolite.papers import PAPERS
from theodolite.reporting import atlas_pages, write_atlas
from theodolite.reporting.atlas.chosen import chosen
from theodolite.reporting.atlas.links import slug
from theodolite.reporting.atlas.totals import deciding, headline, reason, shares
from theodolite.reporting.figures.panel import draw_panel
from theodolite.reporting.svg import inline_svg

KARE = "papers/kare.html"


@dataclasses.dataclass(frozen=True)
class Settings(Config):
    """Settings of a case that is never run here."""


def _case(name: str, paper: str = "kare", claim: str = "It is so.") -> Case:
    return Case(
        paper=paper, name=name, claim=claim, source="somewhere", full=Settings(), smoke=Settings(),
        run=lambda config, key, bench: Measurement({}, {}, ""),
        checks=lambda config, measured: (), panels=lambda config, measured: (),
    )  # fmt: skip


def _paper_page(results, cases=()) -> str:
    return atlas_pages(results, cases)[KARE]


def test_every_claim_is_shown_with_value_limit_error_and_verdict(make_result, read) -> None:
    document = _paper_page([make_result()])
    page = read(document)
    assert page.problems == []
    for said in (
        "The claim fails", "0.020 ± 0.010", "at most 0.05", "0.700 ± 0.050", "at least 0.9", "± 95 % interval",
        "Jacot et al. (2020), eq. 1", "synthetic, 8 ridges", "theodolite reproduce kare-toy --full --again", "12 s",
        "Error bars: standard error over splits.", "python 3.11.7",
    ):  # fmt: skip
        assert said in page.text, said
    assert len(page.named("figure")) == 5
    assert len(page.named("svg")) == 12  # five figures for two widths, the emblem and the sign on the button
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", document)
    assert {"30", "300", "leave-one-out", "0.03", "0.05"} <= set(cells)


def test_a_paper_shows_its_record(make_result, read) -> None:
    page = read(_paper_page([make_result(panels=())]))
    record = next(one for one in PAPERS if one.key == "kare")
    for said in (record.title, record.venue, record.summary, record.arxiv, *record.authors, *record.implemented_by):
        assert said in page.text, said
    assert record.link in page.all("href")
    assert {"../people/berfin-simsek.html", "../topics/risk-estimation.html"} <= set(page.all("href"))


def test_the_index_counts_all_claims_and_those_of_each_paper(make_result, read) -> None:
    holds = dataclasses.replace(make_result(), checks=(Check("gap", 0.01, 0.05, 0.0, "at most"),), panels=())
    results = [
        holds,
        dataclasses.replace(holds, case="kare-two"),
        dataclasses.replace(make_result(panels=()), case="kare-three"),
        dataclasses.replace(holds, case="ntk-a", paper="ntk", mode="smoke", seed=3),
        dataclasses.replace(
            holds, case="ntk-b", paper="ntk", error="MemoryError: <b>too large</b>", checks=(), arrays={}
        ),
    ]
    pages = atlas_pages(results, ())
    index = read(pages["index.html"])
    assert "Of 5 claims 2 hold, 1 fails, 1 is undecided and 1 broke" in index.text
    assert "2 hold ✗ 1 fails" in index.text
    assert "1 is undecided ! 1 broke" in index.text
    assert "Single checks: ✓ 3 hold ✗ 1 fails" in index.text  # of full runs
    assert "proves nothing" in index.text
    assert index.text.count("not measured here: theodolite") == len(PAPERS) - 2
    ntk = read(pages["papers/ntk.html"])
    assert "MemoryError: <b>too large</b>" in ntk.text
    assert "theodolite reproduce ntk-a --smoke --seed 3 --again" in ntk.text
    assert "No claim is measured yet" in read(atlas_pages([], ())["index.html"]).text


def test_a_claim_that_does_not_hold_is_listed_with_the_check_that_decided_it(make_result, read) -> None:
    index = read(atlas_pages([make_result(panels=())], ())["index.html"])
    assert (
        "kare-toy rank correlation 0.700 ± 0.050 beyond the limit by 4.0 error bars at least 0.9 ✗ fails" in index.text
    )
    assert f"{KARE}#kare-toy" in index.all("href")


def test_what_is_not_measured_is_said_with_its_command(make_result, read) -> None:
    cases = [_case("kare-toy"), _case("kare-later", claim="It will be so."), _case("ntk-all", "ntk")]
    pages = atlas_pages([make_result(panels=())], cases)
    kare = read(pages[KARE])
    assert "It will be so." in kare.text
    assert "theodolite reproduce kare-later" in kare.text
    assert "kare-later" in kare.all("id")
    assert "Nothing of this paper is measured in this folder" in read(pages["papers/ntk.html"]).text
    index = read(pages["index.html"])
    assert "not measured here: 1 of its cases; theodolite reproduce kare" in index.text
    assert "not measured here: theodolite reproduce ntk" in index.text
    assert "2 cases are not measured here" in index.text


def test_every_person_has_a_page_with_works_topics_and_collaborators(read) -> None:
    pages = atlas_pages([], ())
    for name in {name for one in PAPERS for name in one.authors}:
        page = read(pages[f"people/{slug(name)}.html"])
        works = [one for one in PAPERS if name in one.authors]
        assert page.problems == []
        assert all(one.title in page.text for one in works)
        years = [int(year) for year in re.findall(r'class="year">(\d+)<', pages[f"people/{slug(name)}.html"])]
        assert years == sorted({one.year for one in works})
        for other in {other for one in works for other in one.authors} - {name}:
            together = sum(other in one.authors for one in works)
            assert f"{other} {together} paper" in page.text
        assert all(topic in page.text for one in works for topic in one.topics)
        assert "Matched by name alone" in page.text


def test_the_map_has_a_link_for_every_name_and_a_line_for_every_tie(read) -> None:
    index = read(atlas_pages([], ())["index.html"])
    nodes = index.all("data-node")
    authors = {name for one in PAPERS for name in one.authors}
    topics = {topic for one in PAPERS for topic in one.topics}
    assert len(nodes) == len(set(nodes)) == len(authors) + len(topics) + len(PAPERS)
    ties = index.all("data-ends")
    assert len(ties) == sum(len(one.authors) + len(one.topics) for one in PAPERS)
    assert {end for tie in ties for end in tie.split()} == set(nodes)


def _targets(pages: dict[str, str], read) -> Iterator[tuple[str, str, str]]:
    """(page it stands on, page it leads to, anchor) of every link that does not leave the atlas."""
    for path, document in pages.items():
        for href in read(document).all("href"):
            if not href.startswith(("https://arxiv.org/abs/", "data:image/png;base64,")):
                parts = urlsplit(href)
                assert not parts.scheme, href
                assert not parts.netloc, href
                yield path, normpath(join(path, "..", parts.path)) if parts.path else path, unquote(parts.fragment)


def test_every_link_and_everything_searched_for_is_there(make_result, read) -> None:
    cases = [_case("kare-toy"), _case("kare-later")]
    results = [
        make_result(),
        make_result(panels=(), files={"mnist.npz": "0" * 64}, seed=2),
        make_result(panels=(), case="odd", paper="Étrange / paper"),
    ]
    pages = atlas_pages(results, cases)
    ids = {path: read(document).all("id") for path, document in pages.items()}
    assert all(len(own) == len(set(own)) for own in ids.values())
    links = list(_targets(pages, read))
    assert len(links) > 500
    reached = {"index.html"}
    for source, target, anchor in links:
        assert target in pages, (source, target)
        assert not anchor or anchor in ids[target], (source, target, anchor)
        reached.add(target)
    assert reached == set(pages)
    for document in pages.values():
        found = json.loads(re.search(r'id="all">(.*?)</script>', document)[1])  # type: ignore[index]
        assert {kind for kind, *_ in found} == {"paper", "claim", "person", "topic"}
        for _, _, _, page in found:
            path, _, anchor = page.partition("#")
            assert path in pages
            assert not anchor or anchor in ids[path]
    assert ["claim", "It is so.", "kare-later", "papers/kare.html#kare-later"] in found


def test_hostile_words_are_inert(make_result, read, hostile) -> None:
    result = make_result()
    panels = tuple(
        dataclasses.replace(
            result.panels[(0, 3, 4, 5)[i % 4]],
            key=name,
            title=name,
            caption=name + "x",
            x=Axis(name, name, log=i % 4 == 0),
        )
        for i, name in enumerate(hostile)
    )
    panels = tuple(
        dataclasses.replace(
            panel,
            series=tuple(
                dataclasses.replace(series, label=panel.title + str(i)) for i, series in enumerate(panel.series)
            ),
            columns=tuple(
                dataclasses.replace(column, heading=panel.title, unit=panel.title) for column in panel.columns
            ),
        )
        for panel in panels
    )
    results = [
        dataclasses.replace(
            result, case=name, claim=name, source=name, data=name, panels=panels if i == 0 else (), config={name: name},
            machine={name: name}, versions={name: name}, files={name: name}, started=name, address=name,
            paper=name if i % 3 == 0 else "kare",
            checks=(Check(name, 0.1, 0.2 if i % 2 else 0.05, 0.01, "at most", error_means=name, unit=name, note=name),),
            arrays={**result.arrays, "names": np.array([name, name + "2", "c"])}, scalars={name: 1.0},
            error=name if i % 4 == 1 else "",
        )
        for i, name in enumerate(hostile)
    ]  # fmt: skip
    pages = atlas_pages(results, ())
    everything = ""
    for path, document in pages.items():
        page = read(document)
        everything += page.text
        assert re.fullmatch(r"index\.html|(papers|people|topics)/[a-z0-9-]+\.html", path)
        assert page.problems == [], path
        assert not {tag for tag, _ in page.elements} & {"img", "iframe", "link", "object", "style/"}
        assert [found.get("type") for found in page.named("script")] == [None, "application/json"]
        assert not [key for _, found in page.elements for key in found if key.startswith("on")]
        assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", document)
        ids = page.all("id")
        assert len(ids) == len(set(ids))
        searched = json.loads(re.search(r'id="all">(.*?)</script>', document)[1])  # type: ignore[index]
        assert {words for words in hostile if words.isprintable()} <= {title for _, title, _, _ in searched}
    assert len(pages) == len(atlas_pages([], ())) + math.ceil(len(hostile) / 3)
    list(_targets(pages, read))
    for words in hostile:
        if words.isprintable():
            assert everything.count(words) >= 8, words


def test_nothing_leaves_the_atlas_and_only_its_own_script_runs(make_result, read) -> None:
    for document in atlas_pages([make_result(panels=make_result().panels[2:4])], ()).values():
        page = read(document)
        (policy,) = (m["content"] for m in page.named("meta") if m.get("http-equiv") == "Content-Security-Policy")
        script = re.search(r"<script>(.*?)</script>", document, re.DOTALL)
        assert script
        digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
        assert policy.startswith("default-src 'none';")
        assert policy.endswith(f"script-src 'sha256-{digest}'")
        assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", document))
        addresses = re.findall(r"https?://[^\"<]*", document)
        assert set(addresses) <= {one.link for one in PAPERS}
        assert not re.search(r"@import|\bsrc=|fetch\(|XMLHttp|\beval\b", document)


def test_the_same_results_give_the_same_bytes_in_whatever_order_they_come(make_result) -> None:
    results = [make_result(panels=make_result().panels[2:3]), make_result(case="kare-other", panels=())]
    assert atlas_pages(results, ()) == atlas_pages(results[::-1], ())


def test_writing_keeps_what_has_not_changed_and_removes_what_nothing_leads_to(make_result, tmp_path) -> None:
    one, other = make_result(panels=()), make_result(panels=(), case="x-toy", paper="x")
    index = write_atlas([one, other], tmp_path, ())
    assert index == tmp_path / "index.html"
    written = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.html")}
    assert written == atlas_pages([one, other], ())
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.html")}
    write_atlas([other, one], tmp_path, ())
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.html")} == times

    (tmp_path / "papers/x.html").write_text("cut sho")
    changed = {**one.arrays, "risk": one.arrays["risk"] + 1e-9}
    again = dataclasses.replace(one, arrays=changed, started="2026-01-02T00:00:00+00:00")
    write_atlas([again, other], tmp_path, ())
    assert (tmp_path / KARE).stat().st_mtime_ns != times[tmp_path / KARE]
    assert (tmp_path / "papers/x.html").read_text() == written["papers/x.html"]

    (tmp_path / "papers/mine.html").write_text("<p>not of the atlas</p>")
    write_atlas([again], tmp_path, ())
    assert not (tmp_path / "papers/x.html").exists()
    assert (tmp_path / "papers/mine.html").read_text() == "<p>not of the atlas</p>"
    (tmp_path / "papers/mine.html").unlink()
    kept = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.html")}
    assert kept == atlas_pages([again], ())


def test_runs_of_one_case_are_told_apart(make_result, read, tmp_path) -> None:
    case = _case("kare-toy")
    now = make_result(panels=(), address=address(case, "full", 0, {}))
    files = {"images/mnist.npz": "0" * 64}
    larger = make_result(panels=(), files=files, address=address(case, "full", 0, files))
    old = make_result(panels=(), seed=3)
    page = read(_paper_page([now, larger, old], [case]))
    assert page.text.count("with images/mnist.npz") == 1
    assert page.text.count("seed 3; measured with other settings than the case has now") == 1
    assert page.text.count("measured with other settings") == 1
    write_atlas([now], tmp_path, [case])
    before = (tmp_path / KARE).read_text()
    write_atlas([now], tmp_path, [dataclasses.replace(case, revision=2)])
    assert (tmp_path / KARE).read_text() != before


def test_a_changed_number_changes_the_page(make_result, tmp_path) -> None:
    one = make_result()
    one = dataclasses.replace(one, panels=one.panels[5:])
    write_atlas([one], tmp_path, ())
    before = (tmp_path / KARE).read_text()
    regret = one.arrays["regret"] * 2
    write_atlas([dataclasses.replace(one, arrays={**one.arrays, "regret": regret})], tmp_path, ())
    assert (tmp_path / KARE).read_text() != before


def test_full_runs_go_before_smoke_finished_before_broken_and_the_latest_is_shown(make_result) -> None:
    base = make_result(panels=())
    late = "2026-02-02T00:00:00+00:00"
    smoke = dataclasses.replace(base, mode="smoke", started=late)
    broken = dataclasses.replace(base, error="broke", started=late)
    newer = dataclasses.replace(base, started="2026-02-01T00:00:00+00:00", duration=1.0)
    seeded = dataclasses.replace(base, seed=1)
    larger = dataclasses.replace(base, files={"mnist.npz": "0" * 64})
    assert chosen([smoke, broken]) == {"kare": [broken]}
    assert chosen([newer, base, smoke, broken]) == {"kare": [newer]}
    assert chosen([smoke]) == {"kare": [smoke]}
    assert chosen([seeded, larger, base]) == {"kare": [base, larger, seeded]}
    strange, early = dataclasses.replace(base, paper="a"), dataclasses.replace(base, case="n", paper="ntk")
    assert list(chosen([base, strange, early])) == ["ntk", "a"]


def test_names_of_files_stay_apart() -> None:
    names = ["ntk", "NTK", "n t k", "n/t/k", "../ntk", "", ".", "é", "e", "a" * 90, "a" * 91, "con.", "x\ud800"]
    slugs = [slug(name) for name in names]
    assert all(re.fullmatch("[a-z0-9][a-z0-9-]{0,79}", found) for found in slugs)
    people = {name for one in PAPERS for name in one.authors}
    topics = {topic for one in PAPERS for topic in one.topics}
    for family in (people, topics, [name for name in names if name not in ("NTK", "e")]):
        assert len({slug(name) for name in family}) == len(family)


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (Check("c", 0.06, 0.05, 0.02, "at most"), "on the wrong side, but its error bar crosses the limit"),
        (Check("c", 0.04, 0.05, 0.02, "at most"), "on the right side, but its error bar crosses the limit"),
        (Check("c", 0.5, 0.9, 0.1, "at least"), "beyond the limit by 4.0 error bars"),
        (Check("c", 2.0, 1.0, 0.0, "at most"), "beyond the limit"),
        (Check("c", math.nan, 1.0, 0.0, "at most"), "the value or its error bar is not finite"),
        (Check("c", 0.5, 1.0, 0.1, "at most"), "the whole error bar is on the right side"),
    ],
)
def test_the_reason_is_read_off_the_numbers(check: Check, said: str) -> None:
    assert reason(check) == said


def test_the_worst_check_decides(make_result: Callable) -> None:
    bad, worse = Check("bad", 0.3, 0.1, 0.1, "at most"), Check("worse", 0.5, 0.9, 0.1, "at least")
    unsure, lost = Check("unsure", 0.1, 0.05, 0.1, "at most"), Check("lost", math.nan, 0.05, 0.1, "at most")
    fine = Check("fine", 0.1, 0.5, 0.1, "at most")
    assert deciding(make_result(checks=(fine, bad, unsure, worse))) == (worse, bad)
    assert deciding(make_result(checks=(fine, unsure, lost))) == (lost, unsure)
    assert deciding(make_result(checks=(fine,))) == ()
    assert headline(["holds"] * 3) == "All 3 claims hold"
    assert [(share.verdict, share.many) for share in shares(["error", "fails", "holds", "fails"])] == [
        ("holds", 1), ("fails", 2), ("error", 1),
    ]  # fmt: skip


def test_a_panel_that_cannot_be_drawn_says_why(make_result, read) -> None:
    result = make_result()
    lost = {name: array for name, array in result.arrays.items() if name != "risk"}
    page = read(_paper_page([dataclasses.replace(result, arrays=lost)]))
    assert page.problems == []
    assert "needs array 'risk'" in page.text


def test_checks_without_a_number_and_long_tables(make_result, read) -> None:
    check = Check("gap", math.nan, 0.05, math.nan, "at most")
    panel = Panel("t", "T", "table", "Says.", columns=(Column("i", "i"), Column("flag", "flag"), Column("x", "x")))
    arrays = {"i": np.arange(100), "flag": np.arange(100) % 2 == 0, "x": np.r_[np.nan, np.full(99, 1 / 3)]}
    page = read(_paper_page([make_result(checks=(check,), panels=(panel,), arrays=arrays)]))
    assert page.problems == []
    assert "n/a" in page.text
    assert "0.3333" in page.text
    assert "(40 further rows are in the stored result.)" in page.text


def test_constant_and_single_values_are_drawn(read) -> None:
    arrays = {"x": np.array([2.0]), "y": np.array([0.5]), "zero": np.array([0.0])}
    log, linear = Axis("x", log=True), Axis("y")
    panels = tuple(
        Panel("p", "P", kind, "Says.", x, y, (Series("a", "x", values),))
        for kind in ("lines", "scatter", "bars")
        for x in (log, linear)
        for y in (log, linear)
        for values in ("y", "zero")
    )
    for panel in panels:
        page = read(inline_svg(draw_panel(panel, arrays, narrow=True), "f", "title"))
        assert page.problems == []
        assert not re.search("nan|inf", page.text)
