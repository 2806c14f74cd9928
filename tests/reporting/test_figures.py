"""Figures draw what the data say, in the house style, and touch no global state."""

import dataclasses
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose

from theodolite.numerics.errors import BadInput
from theodolite.reporting import theme
from theodolite.reporting.figures.learning_curve import learning_curve
from theodolite.reporting.figures.panel import draw_panel
from theodolite.reporting.figures.panel_heatmap import edges
from theodolite.reporting.figures.predicted_measured import predicted_measured
from theodolite.reporting.figures.risk_curves import HIGHLIGHTS, highlighted, risk_curves
from theodolite.reporting.figures.signal_capture import capture, signal_capture
from theodolite.reporting.svg import inline_svg, png, standalone_svg


def test_risk_curves_show_two_curves_per_candidate_and_a_dot_for_each_highlight(make_record):
    record = make_record(candidates=8)
    figure = risk_curves(record)
    axes = figure.axes[0]
    lines = [line for line in axes.lines if len(line.get_xdata()) == 12]
    assert len(lines) == 2 * 8
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(dots) == HIGHLIGHTS
    chosen = record.chosen
    assert_allclose([dots[-1].get_xdata()[0], dots[-1].get_ydata()[0]], [chosen.ridge, chosen.predicted_risk / 6000])
    drawn = {tuple(np.round(line.get_ydata(), 12)) for line in lines}
    for candidate in record.candidates:
        for key in ("kare", "leave_one_out"):
            assert tuple(np.round(np.array(candidate.curve[key]) / 6000, 12)) in drawn
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert "ridge" in axes.get_xlabel()
    assert "1 − R²" in axes.get_ylabel()
    assert "target" in figure.axes[1].get_ylabel()
    low, high = axes.get_ylim()
    assert low < min(candidate.predicted_risk for candidate in record.candidates) / 6000 < high
    texts = [text.get_text() for text in figure.legends[0].texts]
    assert texts[: len(highlighted(record))] == [candidate.name for candidate in highlighted(record)]
    assert "4 other candidates" in texts


def test_highlights_are_the_choice_and_then_the_best_of_each_other_family(make_record):
    record = make_record(candidates=12)
    names = [candidate.name.partition("(")[0] for candidate in highlighted(record)]
    assert names[0] == "RBF"
    assert len(names) == len(set(names)) == HIGHLIGHTS
    refined = dataclasses.replace(record.chosen, name="RBF(lengthscale=1.62)")
    assert highlighted(dataclasses.replace(record, chosen=refined))[0] is refined
    plain = tuple(dataclasses.replace(c, name=f"RBF, {i} x median") for i, c in enumerate(record.candidates))
    assert len(highlighted(dataclasses.replace(record, candidates=plain, chosen=plain[0]))) == 1


def test_predicted_against_measured_puts_each_candidate_where_it_belongs(make_record):
    record = make_record(candidates=9)
    axes = predicted_measured(record).axes[0]
    marks = {c.get_label(): c.lines[0].get_xydata() for c in axes.containers}
    assert {label: len(points) for label, points in marks.items()} == {
        "trusted": 3, "doubtful": 3, "do not trust": 3, "chosen, ± standard errors": 1,
    }  # fmt: skip
    trusted = [candidate for candidate in record.candidates if candidate.verdict == "trusted"]
    expected = [[candidate.predicted_risk / 6000, candidate.measured_risk / 6000] for candidate in trusted]
    assert_allclose(marks["trusted"], expected)
    assert_allclose(marks["chosen, ± standard errors"][0], [record.chosen.predicted_risk / 6000, 2050 / 6000])
    diagonal = axes.lines[0].get_xydata()
    assert_allclose(diagonal[:, 0], diagonal[:, 1])


def test_the_learning_curve_is_dashed_beyond_the_rows_trained_on(make_record):
    record = make_record()
    axes = learning_curve(record).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    sizes = np.array(record.learning_curve["sizes"])
    seen, beyond = lines["forecast"].get_xdata(), lines["extrapolation"].get_xdata()
    assert_allclose(seen, sizes[sizes <= 300])
    assert_allclose(beyond[1:], sizes[sizes > 300])
    assert beyond[0] == seen[-1]
    assert lines["extrapolation"].is_dashed()
    assert not lines["forecast"].is_dashed()
    verticals = [line for line in axes.lines if list(line.get_xdata()) == [300.0, 300.0]]
    assert len(verticals) == 1
    assert "300 rows" in axes.texts[0].get_text()
    assert axes.containers[0].get_label() == "measured on the holdout"
    assert_allclose(axes.containers[0].lines[0].get_xydata(), [[300, 2050 / 6000]])
    assert axes.get_xlabel() == "training rows"


def test_the_signal_capture_bars_add_up_to_the_whole_target(make_record):
    record = make_record(eigenvalues=500)
    bars, line = signal_capture(record).axes
    found = capture(record.signal_capture)
    heights = [[patch.get_height() for patch in container] for container in bars.containers]
    assert_allclose(np.sum(heights), 100.0)
    assert_allclose(np.sum(heights[0]), 100 * found.learned)
    widths = sum(patch.get_width() for patch in bars.containers[0]) / 0.92
    assert_allclose(widths, 500)  # the groups cover every eigenfunction once
    lines = {entry.get_label(): entry.get_ydata() for entry in line.lines}
    assert_allclose(lines["target so far"][-1], 100.0)
    assert_allclose(lines["learned so far"][-1], 100 * found.learned)
    assert_allclose(lines["captured fraction"][0], 100 * found.captured[0])


def test_signal_capture_sorts_eigenvalues_itself(make_record):
    shuffled = {"eigenvalues": [0.1, 1.0, 0.5], "captured": [0.2, 0.9, 0.6], "energy": [0.2, 0.5, 0.3], "threshold": 1}
    found = capture(shuffled)
    assert_allclose(found.captured, [0.9, 0.6, 0.2])
    assert_allclose(found.energy, [0.5, 0.3, 0.2])
    assert found.half == 2
    assert capture({}) is None
    assert capture({"eigenvalues": [1.0], "captured": [1.0], "energy": [0.0]}) is None


@pytest.mark.parametrize("narrow", [False, True])
def test_every_kind_of_panel_is_drawn(make_result, narrow):
    result = make_result()
    kinds = set()
    for panel in result.panels:
        if panel.kind == "table":
            with pytest.raises(BadInput, match="table"):
                draw_panel(panel, result.arrays, narrow=narrow)
            continue
        figure = draw_panel(panel, result.arrays, narrow=narrow)
        kinds.add(panel.kind)
        assert "</svg>" in inline_svg(figure, "f", panel.title)
    assert kinds == {"lines", "bands", "scatter", "bars", "heatmap"}


def test_a_lines_panel_draws_points_for_measurements_lines_for_theory_grey_for_guides(make_result):
    result = make_result()
    axes = draw_panel(result.panels[0], result.arrays).axes[0]
    measured = axes.containers[0]
    assert measured.get_label() == "measured"
    assert_allclose(measured.lines[0].get_xydata(), np.c_[result.arrays["ridges"], result.arrays["risk"]])
    bars = measured.lines[2][0].get_segments()
    assert_allclose([bar[1, 1] - bar[0, 1] for bar in bars], 0.04)
    lines = {line.get_label(): line for line in axes.lines}
    assert lines["theory"].get_marker() == "None"
    assert lines["theory"].get_color() == measured.lines[0].get_color()  # one family, one colour
    assert lines["guide"].get_color() == theme.colour("muted")
    assert axes.get_xlabel() == "ridge"
    assert axes.get_ylabel() == "risk (squared unit of the target)"
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_a_bars_panel_draws_every_value_and_its_error(make_result):
    result = make_result()
    figure = draw_panel(result.panels[3], result.arrays)
    axes = figure.axes[0]
    bars = next(container for container in axes.containers if hasattr(container, "patches"))
    assert_allclose([bar.get_width() for bar in bars.patches], result.arrays["regret"])
    assert [label.get_text() for label in axes.get_yticklabels()] == list(result.arrays["names"])
    assert axes.get_xlabel() == "regret"
    assert [text.get_text() for text in figure.legends[0].texts] == ["regret", "bound"]


def test_a_heatmap_panel_draws_every_cell_and_the_marked_point(make_result):
    result = make_result()
    figure = draw_panel(result.panels[4], result.arrays)
    axes, bar = figure.axes
    assert_allclose(axes.collections[0].get_array(), result.arrays["map"])
    assert_allclose(axes.lines[0].get_xydata(), [[1e-2, 1.0]])
    assert bar.get_ylabel() == "risk (squared unit)"
    assert_allclose(edges(np.array([3.0]), False), [2.5, 3.5])


def test_a_panel_that_misses_its_arrays_is_refused_in_words(make_result):
    result = make_result()
    with pytest.raises(BadInput, match="needs array 'risk'"):
        draw_panel(result.panels[0], {"ridges": np.ones(3)})


def test_values_that_are_no_numbers_are_left_out(make_result):
    result = make_result()
    arrays = {**result.arrays, "risk": np.where(np.arange(8) == 3, np.nan, result.arrays["risk"])}
    arrays["formula"] = np.full(8, np.nan)
    arrays["map"] = np.full((5, 8), np.nan)
    axes = draw_panel(result.panels[0], arrays).axes[0]
    assert len(axes.containers[0].lines[0].get_xdata()) == 7
    inline_svg(draw_panel(result.panels[4], arrays), "f", "empty")


def test_many_points_become_a_picture(make_result, rng):
    result = make_result()
    many = {"risk": rng.lognormal(size=20_000), "formula": rng.lognormal(size=20_000)}
    document = inline_svg(draw_panel(result.panels[2], many), "f", "many")
    assert len(document) < 150_000
    assert 'href="data:image/png;base64,' in document


def test_the_style_of_the_user_neither_shows_nor_is_touched(make_record):
    record = make_record()
    expected = inline_svg(risk_curves(record), "f", "title")
    strange = {
        "xtick.direction": "in",
        "axes.labelpad": 9.0,
        "text.usetex": True,
        "lines.linewidth": 9.0,
        "svg.fonttype": "path",
        "axes.facecolor": "red",
    }
    with matplotlib.rc_context(strange):
        before = dict(matplotlib.rcParams)
        assert inline_svg(risk_curves(record), "f", "title") == expected
        assert dict(matplotlib.rcParams) == before


def test_figures_of_one_page_do_not_share_ids_and_follow_its_colours(make_record):
    record = make_record()
    first = inline_svg(risk_curves(record), "one", "title", "words")
    second = inline_svg(risk_curves(record), "two", "title", "words")
    ids = [set(re.findall(r'\bid="([^"]+)"', document)) for document in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    assert all(name.startswith("one-") for name in ids[0])
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', first)) <= ids[0]
    styles = " ".join(re.findall(r'style="([^"]*)"', first))
    assert "var(--blue)" in styles
    assert not re.findall(r"#[0-9a-f]{6}", styles)
    assert "font-family" not in styles
    assert "<style" not in first


def test_the_same_figure_is_a_png_too(make_record):
    picture = png(learning_curve(make_record()))
    assert picture.startswith(b"\x89PNG")
    assert picture == png(learning_curve(make_record()))


def test_mathematics_in_names_is_shown_not_set(make_record):
    record = make_record()
    named = tuple(dataclasses.replace(c, name=f"$\\frac{{ {i}(x)") for i, c in enumerate(record.candidates))
    document = inline_svg(risk_curves(dataclasses.replace(record, candidates=named, chosen=named[0])), "f", "t")
    assert "$\\frac{ 0(x)" in document
    png(risk_curves(dataclasses.replace(record, candidates=named, chosen=named[0])), dpi=40)


@pytest.mark.parametrize("dress", [0, 1])
def test_text_and_marks_stand_out_in_light_and_in_dark(dress):
    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(first, second):
        high, low = sorted((luminance(first), luminance(second)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    colours = {role: pair[dress] for role, pair in theme.COLOURS.items()}
    for ground in ("surface", "page"):
        for role in ("ink", "muted", "blue", *theme.MOODS.values()):
            assert contrast(colours[role], colours[ground]) >= 4.5, (role, ground)
        for role in theme.SERIES:
            assert contrast(colours[role], colours[ground]) >= 3.0, (role, ground)
    assert len({pair[0] for pair in theme.COLOURS.values()}) == len(theme.COLOURS)


def test_a_figure_as_a_file_of_its_own_is_whole_and_dresses_for_light_and_dark(make_record):
    picture = standalone_svg(risk_curves(make_record()), "risk", "Risk & ridge", "of <each> kernel")
    root = ElementTree.fromstring(picture)
    variables = set(re.findall(r"var\((--[a-z]+)\)", picture))
    style = root.find("{http://www.w3.org/2000/svg}style")
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert style is not None
    light, dark = style.text.split("@media(prefers-color-scheme:dark)")
    assert variables
    assert all(f"{name}:" in light and f"{name}:" in dark for name in variables)
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
