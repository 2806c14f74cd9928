"""The report of a survey: it answers, it stays inert, it fits, it is the same twice, it bears gaps in the record."""

import dataclasses
import itertools
import json
import math
import os
import re
import subprocess
import sys

import pytest

from theodolite.numerics.files import json_ready
from theodolite.reporting import survey_page, write_survey_page
from theodolite.reporting.risk_rows import risk_rows
from theodolite.survey.record import SurveyRecord

_TAGS = """
html head meta title style body a div header p span b h1 h2 h3 main dl dt dd small br ul li figure figcaption nav
section strong table thead tbody tr th td details summary pre code footer svg g path use defs clippath rect text
circle desc pattern
"""
TAGS = set(_TAGS.split())


def test_the_first_screen_answers_the_question(standard):
    assert standard.page.problems == []
    first_screen = standard.page.text.partition("What the risk is")[0]
    chosen = standard.record.chosen
    for shown in (
        "RBF(lengthscale=1.5)",
        f"{100 * chosen.predicted_risk / 6000:.1f} ± 2.5 %",
        f"{chosen.predicted_risk:.0f}"[:3] + "0 ± 150 target units²",
        "2050 ± 200 target units²",
        "34.2 ± 3.3 %",
        "142 held-out rows",
        "✓ trusted",
        "442 rows × 10 columns",
        "R² 0.650",
        "a typical error of 46.",
        "400 of the rows used for training",
    ):
        assert shown in first_screen


def test_the_gauge_stands_for_the_target_variance(standard):
    part = 100 * standard.record.chosen.predicted_risk / 6000
    styles = standard.page.all("style")
    assert f"width:{part:.2f}%" in styles
    assert f"left:{part - 2.5:.2f}%;width:5.0%" in styles
    assert f"left:{100 * 2050 / 6000:.2f}%" in styles
    label = next(text for text in standard.page.all("aria-label") if "Predicted risk" in text)
    assert f"{part:.1f} ± 2.5 %, measured 34.2 %" in label


def test_a_survey_that_cannot_be_trusted_says_so_first(make_record, read):
    record = make_record()
    bad = dataclasses.replace(record.candidates[2], curve=None)
    text = read(survey_page(dataclasses.replace(record, candidates=(bad,), chosen=bad))).text
    first_screen = text.partition("What the risk is")[0]
    assert "No trustworthy prediction for progression" in first_screen
    assert "✗ do not trust" in first_screen
    assert "12 rows are repeated" in first_screen
    assert "Expect to explain" not in text


def test_it_says_once_that_kare_is_gcv_and_that_the_larger_one_selects(standard):
    assert standard.page.text.count("equals generalised cross-validation") == 1
    assert standard.page.text.count("the larger of KARE and leave-one-out") == 1


def test_every_candidate_has_a_row_and_the_chosen_one_is_marked(standard, make_record, read):
    assert _rows(standard.page) == 16
    assert len([tag for tag, found in standard.page.elements if tag == "tr" and found.get("class") == "chosen"]) == 1
    for candidate in standard.record.candidates:
        assert candidate.name in standard.page.text
    assert "The other 4 candidates" in standard.page.text
    # a refined choice is a row of its own, above the candidates
    record = make_record(candidates=2, ridges=4, eigenvalues=5)
    refined = dataclasses.replace(record.chosen, name="RBF(lengthscale=1.625)")
    assert _rows(read(survey_page(dataclasses.replace(record, chosen=refined)))) == 3


def _rows(page):
    return len([found for found in page.named("th") if found.get("scope") == "row"])


def test_the_choice_is_found_among_the_candidates_in_spite_of_round_off(make_record):
    record = make_record(candidates=3)
    again = dataclasses.replace(
        record.candidates[1], predicted_risk=record.candidates[1].predicted_risk * (1 + 1e-9), seconds=9.0
    )
    assert [mark for _, mark in risk_rows(dataclasses.replace(record, chosen=again))] == [False, True, False]
    more = dataclasses.replace(again, rows=301)
    assert [mark for _, mark in risk_rows(dataclasses.replace(record, chosen=more))] == [True, False, False, False]
    unknown = dataclasses.replace(record.chosen, predicted_risk=math.nan, ridge=None)
    pair = dataclasses.replace(record, candidates=(unknown,), chosen=unknown)
    assert [mark for _, mark in risk_rows(pair)] == [True]


def test_reasons_are_told_once_with_the_range_of_their_numbers(make_record, read):
    record = make_record(ridges=2, eigenvalues=4, holdout=False)
    varied = [
        dataclasses.replace(candidate, verdict="doubtful", reasons=(f"differ by a factor {1.5 + i / 10:.1f}",))
        for i, candidate in enumerate(record.candidates)
    ]
    text = read(survey_page(dataclasses.replace(record, candidates=tuple(varied), chosen=varied[0]))).text
    assert "differ by a factor 1.5 to 2.0" in text


@pytest.mark.parametrize("turn", [0, 5])
def test_hostile_names_are_inert_and_shown_as_they_are(make_record, read, hostile, turn):
    many = len(hostile)
    name = [hostile[(turn + i) % many] for i in range(many)]
    record = make_record(candidates=many)
    candidates = tuple(
        dataclasses.replace(
            candidate, name=f"{name[i]} {i}", verdict="doubtful", reasons=(name[i],), kernel={name[i]: name[i]}
        )
        for i, candidate in enumerate(record.candidates)
    )
    record = dataclasses.replace(
        record,
        data={**record.data, "name": name[0], "target": name[1], "task": name[2], "classes": [*name, "b"]},
        notes=tuple(name),
        candidates=candidates,
        chosen=dataclasses.replace(candidates[0], verdict=name[3]),
        settings={key: key for key in name},
        versions={name[4]: name[5], "theodolite": name[6]},
        command=name[7],
        holdout={**(record.holdout or {}), "score_name": name[8]},
        extra={name[9]: name},
    )
    document = survey_page(record)
    document.encode("utf-8")
    page = read(document)
    assert page.problems == []
    assert {tag for tag, _ in page.elements} <= TAGS
    assert not [key for _, found in page.elements for key in found if key.startswith("on")]
    assert not [value for value in page.all("href") if not value.startswith("#")]
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", document)
    for words in hostile:
        if words.isprintable():
            assert page.text.count(words) >= 5, words
    assert "49" not in re.sub(r"\d+\.\d+|\d{3,}", "", page.text)  # {{7*7}} was not worked out
    in_figures = "".join(re.findall(r"<text[^>]*>([^<]*)</text>", document))
    for words in (name[0], name[1]):
        escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert escaped in in_figures or not words.isprintable() or len(words) > 30, words


def test_nothing_leaves_the_page(standard):
    document, page = standard.document, standard.page
    policies = [m["content"] for m in page.named("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert "default-src 'none'" in (policies[0] or "")
    assert "script-src" not in (policies[0] or "")
    # the policy comes before anything it should govern
    assert [tag for tag, _ in page.elements][:4] == ["html", "head", "meta", "meta"]
    for attribute in ("src", "srcset", "href", "xlink:href", "action", "data", "poster"):
        assert all(re.match(r"#|data:image/", value) for value in page.all(attribute)), attribute
    assert not page.named("script")
    assert not page.named("link")
    assert not page.named("iframe")
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", document))
    assert "@import" not in document
    assert not re.findall(r"https?://|//[a-z]+\.", document)


def test_ids_are_unique_and_every_reference_resolves(standard):
    document, page = standard.document, standard.page
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for value in page.all("href")} | set(re.findall(r"url\(#([^)]*)\)", document))
    for key in ("aria-labelledby", "aria-describedby"):
        wanted |= {word for value in page.all(key) for word in value.split()}
    assert wanted
    assert wanted <= set(ids)


def test_it_reads_well_without_eyes(standard):
    page = standard.page
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.named("html")[0]["lang"] == "en"
    assert len(page.named("figcaption")) == len(page.named("figure")) == 5
    pictures = page.named("svg")
    assert len(pictures) == 9  # four figures for two widths, and the emblem
    assert sum(found.get("role") == "img" and bool(found.get("aria-labelledby")) for found in pictures) == 8
    assert sum(found.get("aria-hidden") == "true" for found in pictures) == 1
    assert all("scope" in found for found in page.named("th"))


def test_forty_candidates_with_forty_ridges_and_two_thousand_eigenvalues_stay_small(make_record):
    document = survey_page(make_record(candidates=40, ridges=40, eigenvalues=2000))
    assert len(document.encode()) < 340_000  # 296,000 when written, 381,000 without rounding of coordinates


def test_the_same_record_gives_the_same_bytes(make_record, tmp_path):
    record = make_record(candidates=3, ridges=5, eigenvalues=20)
    here = write_survey_page(record, tmp_path / "here.html").read_bytes()
    assert here == survey_page(record).encode()
    (tmp_path / "record.json").write_text(json.dumps(json_ready(record.to_json())), encoding="utf-8")
    program = (
        "import json, sys; from theodolite.reporting import write_survey_page; from theodolite.survey.record import *;"
        "record = SurveyRecord.from_json(json.load(open(sys.argv[1], encoding='utf-8')));"
        "write_survey_page(record, sys.argv[2])"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "record.json"), str(tmp_path / "there.html")],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "7", "MPLBACKEND": "svg"},
    )
    assert (tmp_path / "there.html").read_bytes() == here
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here.html", "record.json", "there.html"]


def _gaps():
    def without_curves(record):
        bare = tuple(dataclasses.replace(candidate, curve=None) for candidate in record.candidates)
        return dataclasses.replace(record, candidates=bare, chosen=bare[0])

    def not_numbers(record):
        hollow = tuple(
            dataclasses.replace(
                candidate, kare=math.nan, leave_one_out=math.inf, standard_error=math.nan, measured_risk=math.nan,
                seconds=math.nan, ridge=math.nan,
                curve={"ridges": [1e-3, 1e-2], "kare": [math.nan, 1.0], "leave_one_out": [math.nan, math.inf]},
            )
            for candidate in record.candidates
        )  # fmt: skip
        hollow = (dataclasses.replace(hollow[0], predicted_risk=math.nan), *hollow[1:])
        return dataclasses.replace(
            record, candidates=hollow, chosen=hollow[0], seconds=math.nan,
            data={**record.data, "target_variance": math.nan},
            learning_curve={"sizes": [10, 20], "risk": [math.nan, 1.0], "low": [0.5, math.nan], "high": [2.0, 2.0],
                            "rows": math.nan},
            signal_capture={**record.signal_capture, "captured": [math.nan] * 50, "threshold": math.nan},
            holdout={"rows": 10, "risk": math.nan, "score": math.nan, "score_name": "R²", "standard_error": math.nan},
        )  # fmt: skip

    def nothing_but_one(record):
        bare = dataclasses.replace(record.candidates[0], curve=None, measured_risk=None, reasons=())
        return dataclasses.replace(
            record, candidates=(bare,), chosen=bare, notes=(), learning_curve={}, signal_capture={}, settings={},
            versions={}, data={"name": "x"}, command="", holdout=None,
        )  # fmt: skip

    def grouped(record):
        found = tuple(dataclasses.replace(candidate, leave_one_group_out=2500.0) for candidate in record.candidates)
        return dataclasses.replace(record, candidates=found, chosen=found[0])

    def zero_variance(record):
        return dataclasses.replace(record, data={**record.data, "target_variance": 0.0})

    def zero_risk(record):
        perfect = dataclasses.replace(record.chosen, predicted_risk=0.0, kare=0.0, standard_error=0.0)
        return dataclasses.replace(record, candidates=(perfect,), chosen=perfect)

    def hopeless(record):
        worse = dataclasses.replace(record.chosen, predicted_risk=9000.0)
        return dataclasses.replace(record, candidates=(worse,), chosen=worse)

    return [without_curves, not_numbers, nothing_but_one, grouped, zero_variance, zero_risk, hopeless]


@pytest.mark.parametrize(
    ("gap", "through_json"),
    [*((gap, False) for gap in _gaps()), *((gap, True) for gap in _gaps()[1:3])],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_gaps_in_the_record_leave_a_whole_page(make_record, read, gap, through_json):
    record = gap(make_record(candidates=3))
    if through_json:
        record = SurveyRecord.from_json(json.loads(json.dumps(json_ready(record.to_json()))))
    page = read(survey_page(record))
    assert page.problems == []
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", page.text)
    if gap.__name__ == "grouped":
        assert "leave-one-group-out" in page.text.lower()
    if gap.__name__ == "hopeless":
        assert "No candidate is predicted to beat a constant" in page.text
    if gap.__name__ == "nothing_but_one":
        assert "not measured" in page.text
        assert "the data were used as they came" in page.text


def test_one_candidate_and_no_holdout(make_record, read):
    page = read(survey_page(make_record(candidates=1, holdout=False)))
    assert page.problems == []
    assert "Chosen from 1 candidate with" in page.text
    assert "Predicted against measured" not in page.text
    assert "Measured risk not measured" in page.text


def test_classification_names_its_units(make_record, read):
    record = make_record(candidates=1, eigenvalues=5, ridges=3, holdout=False)
    text = read(survey_page(dataclasses.replace(record, data={**record.data, "classes": list("abc")}))).text
    assert "3 classes" in text
    assert "squared error over one-hot classes" in text
    assert "target units²" not in text
