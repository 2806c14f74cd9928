"""The atlas of a run of experiments."""

import dataclasses
import math
import re

import numpy as np

from theodolite.experiments.check import Check
from theodolite.experiments.panels import Axis, Column, Panel, Series
from theodolite.reporting import atlas_page, write_atlas_page
from theodolite.reporting.figures.panel import draw_panel
from theodolite.reporting.svg import inline_svg


def test_every_claim_is_shown_with_value_limit_error_and_verdict(make_result, read):
    page = read(atlas_page([make_result()]))
    assert page.problems == []
    assert "The claim fails" in page.text
    assert "0.020 ± 0.010" in page.text
    assert "at most 0.05" in page.text
    assert "0.700 ± 0.050" in page.text
    assert "at least 0.9" in page.text
    assert "± 95 % interval" in page.text
    assert "Jacot et al. (2020), eq. 1" in page.text
    assert "synthetic, 8 ridges" in page.text
    assert "theodolite reproduce kare-toy --full" in page.text
    assert "12 s" in page.text
    assert "Error bars: standard error over splits." in page.text
    assert "python 3.11.7" in page.text
    assert len(page.named("figure")) == 5
    assert len(page.named("svg")) == 11  # five figures for two widths, and the emblem
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", atlas_page([make_result()]))
    assert {"30", "300", "leave-one-out", "0.03", "0.05"} <= set(cells)


def test_the_headline_counts_verdicts(make_result, read):
    holds = dataclasses.replace(make_result(), checks=(Check("gap", 0.01, 0.05, 0.0, "at most"),), panels=())
    smoke = dataclasses.replace(holds, mode="smoke", seed=3)
    broken = dataclasses.replace(holds, error="MemoryError: <b>too large</b>", checks=(), arrays={})
    page = read(atlas_page([holds, holds, smoke, broken]))
    assert "Of 4 claims 2 hold, 1 is undecided and 1 broke" in page.text
    assert "MemoryError: <b>too large</b>" in page.text
    assert "proves nothing" in page.text
    assert "theodolite reproduce kare-toy --smoke --seed 3" in page.text
    assert "All 2 claims hold" in read(atlas_page([holds, holds])).text
    assert read(atlas_page([])).problems == []


def test_hostile_words_are_inert(make_result, read, hostile):
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
            checks=(Check(name, 0.1, 0.2, 0.01, "at most", error_means=name, unit=name, note=name),),
            arrays={**result.arrays, "names": np.array([name, name + "2", "c"])}, scalars={name: 1.0},
            error=name if i % 2 else "",
        )
        for i, name in enumerate(hostile)
    ]  # fmt: skip
    document = atlas_page(results)
    page = read(document)
    assert page.problems == []
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe", "link", "object"}
    assert not [key for _, found in page.elements for key in found if key.startswith("on")]
    assert all(re.match(r"#|data:image/png", value) for value in page.all("href"))
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", document)
    for words in hostile:
        if words.isprintable():
            assert page.text.count(words) >= 8, words


def test_nothing_leaves_the_atlas_and_it_is_the_same_twice(make_result, read, tmp_path):
    results = [make_result(panels=make_result().panels[2:]), make_result(case="kare-other", panels=())]
    document = atlas_page(results)
    assert write_atlas_page(results, tmp_path / "atlas.html").read_bytes() == document.encode()
    page = read(document)
    assert any("default-src 'none'" in (found.get("content") or "") for found in page.named("meta"))
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", document))
    assert not re.findall(r"https?://|@import", document)
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in page.all("href") if value.startswith("#")} <= set(ids)


def test_a_panel_that_cannot_be_drawn_says_why(make_result, read):
    result = make_result()
    lost = {name: array for name, array in result.arrays.items() if name != "risk"}
    page = read(atlas_page([dataclasses.replace(result, arrays=lost)]))
    assert page.problems == []
    assert "needs array 'risk'" in page.text


def test_checks_without_a_number_and_long_tables(make_result, read):
    check = Check("gap", math.nan, 0.05, math.nan, "at most")
    panel = Panel("t", "T", "table", "Says.", columns=(Column("i", "i"), Column("flag", "flag"), Column("x", "x")))
    arrays = {"i": np.arange(100), "flag": np.arange(100) % 2 == 0, "x": np.r_[np.nan, np.full(99, 1 / 3)]}
    page = read(atlas_page([make_result(checks=(check,), panels=(panel,), arrays=arrays)]))
    assert page.problems == []
    assert "n/a" in page.text
    assert "0.3333" in page.text
    assert "(40 further rows are in the stored result.)" in page.text


def test_constant_and_single_values_are_drawn(read):
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
