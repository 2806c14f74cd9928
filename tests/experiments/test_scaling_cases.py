"""What the cases on scaling measure with: data, bisection between trained widths, checks on curves made by hand."""

from typing import Any

import numpy as np
import pytest

from theodolite.experiments import Bench, Key, Measurement, trained_widths
from theodolite.experiments.cases import scaling_clean_labels, scaling_noisy_labels
from theodolite.experiments.digits_parity import parity
from theodolite.experiments.trained_widths import TrainedConfig, train_widths
from theodolite.experiments.width_curves import measured_curves
from theodolite.training_dynamics import Ensemble, parameters_of

SMALL = TrainedConfig(
    rows=20, test_rows=300, widths=(3, 4, 8, 10, 14, 20, 30, 64, 96), members_narrow=10, members_wide=10, ensemble=8
)


@pytest.mark.exact
def test_components_are_white_on_the_training_part_and_labels_balanced_and_turned() -> None:
    clean, noisy = (parity(100, 200, 10, flips, Key(3)) for flips in (0.0, 0.1))
    np.testing.assert_allclose(clean.X.T @ clean.X / 100, np.eye(10), atol=1e-10)
    np.testing.assert_allclose(clean.X.mean(0), 0, atol=1e-12)
    assert clean.Y.sum() == 0
    assert clean.Z.shape == (200, 10)
    assert np.abs(clean.Z.T @ clean.Z / 200 - np.eye(10)).max() > 0.05  # the test part has no say
    assert np.abs(clean.X[:, None] - clean.Z[None]).max(-1).min() > 0
    np.testing.assert_array_equal(clean.X, noisy.X)
    np.testing.assert_array_equal(clean.W, noisy.W)
    assert (clean.Y != noisy.Y).sum() == 10


def made_up(fits_from: int, cusp: float, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ensembles whose outputs are labels times 1 plus noise: sd h^-1/2, and more by `cusp` near width 8."""
    asked: list[int] = []

    def trained(width: int, X: Any, Y: Any, Z: Any, *, members: int, **_: Any) -> Ensemble:
        asked.append(width)
        rng = np.random.default_rng(width)
        spread = 2.0 * width**-0.6 + cusp * np.exp(-(((width - 8) / 3) ** 2))
        truth = parity(SMALL.rows, SMALL.test_rows, SMALL.components, 0.0, Key(0).split("data")).W
        outputs = truth + spread * rng.standard_normal((members, len(Z)))
        unfitted = np.full(members, 0 if width >= fits_from else 3)
        return Ensemble(width, parameters_of(width, 3, 10), outputs.astype(np.float32), unfitted, np.full(members, 9))

    monkeypatch.setattr(trained_widths, "hinge_ensemble", trained)
    return asked


@pytest.mark.exact
@pytest.mark.parametrize(("fits_from", "star"), [(6, 6), (8, 8), (2, 3), (13, 13), (1000, None)])
def test_bisection_trains_only_widths_it_needs(
    fits_from: int, star: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = made_up(fits_from, 0.0, monkeypatch)
    found = train_widths(SMALL, Key(0), Bench())
    assert found.star == star
    assert len(asked) == len(set(asked)) <= len(SMALL.widths) + 2
    widths = [one.width for one in found.ensembles]
    assert widths == sorted(asked)


def verdicts(case: Any, measured: Measurement) -> dict[str, str]:
    return {check.name: check.verdict for check in case.checks(SMALL, measured)}


@pytest.mark.montecarlo
def test_a_cusp_is_seen_where_there_is_one_and_not_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for cusp in (0.0, 8.0):
        made_up(9, cusp, monkeypatch)
        measured = measured_curves(SMALL, train_widths(SMALL, Key(0), Bench()))
        found[cusp] = (verdicts(scaling_noisy_labels.CASE, measured), verdicts(scaling_clean_labels.CASE, measured))
    peak = "single networks' test error, peak - lowest at widths 3 and 4"
    rise = "single networks' test error, largest rise from a width to a wider one"
    assert found[8.0][0][peak] == "holds"
    assert found[0.0][0][peak] == "fails"
    assert found[8.0][1][rise] == "fails"
    assert found[0.0][1][rise] == "holds"
    norm = next(name for name in found[0.0][0] if name.startswith("largest ||f||"))
    assert found[0.0][0][norm] == "fails"
    above = "exponent in N of ||f - mean f||, width 20 and wider, above"
    assert found[0.0][0][above] == "holds"  # h^-0.6 is N^-0.33 for the widest


@pytest.mark.exact
def test_without_a_jamming_point_the_norm_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made_up(1000, 0.0, monkeypatch)
    measured = measured_curves(SMALL, train_widths(SMALL, Key(0), Bench()))
    (check,) = [one for one in scaling_noisy_labels.CASE.checks(SMALL, measured) if one.name.startswith("largest ||f")]
    assert check.verdict == "inconclusive"
